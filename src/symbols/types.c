// SPDX-License-Identifier: MIT
// Looking up layouts by name.
#include "symbols/types.h"

#include "base/limits.h"
#include "symbols/types_internal.h"

#include <string.h>

// Structures looked into for one name of a path: unnamed members of a hostile file may contain each
// other. Real structures nest fewer than ten unnamed ones.
enum { MAX_LOOKED_INTO = 256 };

static uint32_t find_struct(const struct seep_types *types, const char *name)
{
    uint32_t key = seep_names_find(&types->names, name, strlen(name));
    const struct seep_types_map *map = &types->by_name;
    if (key == SEEP_NO_NAME || !map->n_slots)
        return SEEP_NO_TYPE;
    size_t at = seep_types_slot(key, map->n_slots);
    for (; map->slots[at]; at = (at + 1) & (map->n_slots - 1)) {
        if (types->structs[map->slots[at] - 1].name == key)
            return map->slots[at] - 1;
    }
    return SEEP_NO_TYPE;
}

bool seep_types_size(const struct seep_types *types, const char *structure, uint64_t *size_bytes)
{
    uint32_t found = types ? find_struct(types, structure) : SEEP_NO_TYPE;
    if (found == SEEP_NO_TYPE)
        return false;
    *size_bytes = types->structs[found].size_bytes;
    return true;
}

struct place {
    uint32_t structure;
    uint64_t offset; // bytes from the structure that was asked for
};

// The member `name` of a structure, or of the unnamed members in it; those nearer to the top win.
static const struct seep_types_member *find_member(const struct seep_types *types,
                                                   struct place *place, uint32_t name)
{
    struct place queue[MAX_LOOKED_INTO];
    size_t n = 0, done = 0;
    queue[n++] = *place;
    for (; done < n; done++) {
        const struct seep_types_struct *s = &types->structs[queue[done].structure];
        for (uint32_t i = 0; i < s->count; i++) {
            const struct seep_types_member *m = &types->members[s->first + i];
            if (m->name == name) {
                *place = queue[done];
                return m;
            }
            if (!m->name && m->type != SEEP_NO_TYPE && !m->pointer && n < MAX_LOOKED_INTO)
                queue[n++] = (struct place){ m->type, queue[done].offset + m->offset };
        }
    }
    return NULL;
}

bool seep_types_member(const struct seep_types *types, const char *structure, const char *path,
                       struct seep_member *member)
{
    struct place place = { .structure = types ? find_struct(types, structure) : SEEP_NO_TYPE };
    const struct seep_types_member *m = NULL;
    for (;;) {
        if (place.structure == SEEP_NO_TYPE)
            return false;
        size_t len = strcspn(path, ".");
        uint32_t name = len ? seep_names_find(&types->names, path, len) : SEEP_NO_NAME;
        if (name == SEEP_NO_NAME || !(m = find_member(types, &place, name)))
            return false;
        place.offset += m->offset;
        if (!path[len])
            break;
        path += len + 1;
        place.structure = m->pointer ? SEEP_NO_TYPE : m->type;
    }
    uint64_t size = m->size_bytes;
    if (!size && !m->pointer && m->type != SEEP_NO_TYPE)
        size = types->structs[m->type].size_bytes;
    if (!m->size_bytes && m->count && size > UINT32_MAX / m->count)
        size = 0;
    else if (!m->size_bytes)
        size *= m->count;
    if (place.offset > UINT32_MAX)
        return false;
    *member = (struct seep_member){
        .offset = (uint32_t)place.offset,
        .size_bytes = (uint32_t)size,
        .bit_offset = m->bit_offset,
        .bit_length = m->bit_length,
        .count = m->count,
        .type = m->type_name ? types->names.text + m->type_name : NULL,
    };
    return true;
}

bool seep_types_enumerator(const struct seep_types *types, const char *enumeration,
                           const char *name, int64_t *value)
{
    if (!types)
        return false;
    uint32_t key = seep_names_find(&types->names, enumeration, strlen(enumeration));
    uint32_t wanted = seep_names_find(&types->names, name, strlen(name));
    const struct seep_types_map *map = &types->enum_by_name;
    if (key == SEEP_NO_NAME || wanted == SEEP_NO_NAME || !map->n_slots)
        return false;
    size_t at = seep_types_slot(key, map->n_slots);
    while (map->slots[at] && types->enums[map->slots[at] - 1].name != key)
        at = (at + 1) & (map->n_slots - 1);
    if (!map->slots[at])
        return false;
    const struct seep_types_enum *e = &types->enums[map->slots[at] - 1];
    for (uint32_t i = 0; i < e->count; i++) {
        if (types->enumerators[e->first + i].name == wanted) {
            *value = types->enumerators[e->first + i].value;
            return true;
        }
    }
    return false;
}
