// SPDX-License-Identifier: MIT
// Filling a set of layouts.
#include "symbols/types_build.h"

#include "base/alloc.h"
#include "symbols/types_internal.h"

struct seep_types_builder {
    struct seep_types types;
    size_t structs_capacity, members_capacity, enums_capacity, enumerators_capacity;
    bool failed;
};

struct seep_types_builder *seep_types_builder_new(void)
{
    return seep_alloc(1, sizeof(struct seep_types_builder));
}

static void clear(struct seep_types *types)
{
    seep_names_clear(&types->names);
    seep_free(types->structs);
    seep_free(types->members);
    seep_free(types->enums);
    seep_free(types->enumerators);
    seep_free(types->by_name.slots);
    seep_free(types->enum_by_name.slots);
    *types = (struct seep_types){ 0 };
}

void seep_types_builder_free(struct seep_types_builder *builder)
{
    if (!builder)
        return;
    clear(&builder->types);
    seep_free(builder);
}

void seep_types_free(struct seep_types *types)
{
    if (!types)
        return;
    clear(types);
    seep_free(types);
}

// Room for one more element of an array that indices of 32 bits can name.
#define ROOM(builder, array)                                                                       \
    ((builder)->types.n_##array < UINT32_MAX - 1 &&                                                \
     seep_grow(&(builder)->types.array, &(builder)->array##_capacity,                              \
               (builder)->types.n_##array + 1, sizeof *(builder)->types.array))

static bool fail(struct seep_types_builder *builder)
{
    builder->failed = true;
    return false;
}

bool seep_types_builder_struct(struct seep_types_builder *builder, const char *name,
                               size_t name_len, uint64_t size_bytes, uint32_t id)
{
    uint32_t kept = seep_names_add(&builder->types.names, name, name_len);
    if (kept == SEEP_NO_NAME || !ROOM(builder, structs))
        return fail(builder);
    builder->types.structs[builder->types.n_structs++] = (struct seep_types_struct){
        .size_bytes = size_bytes,
        .name = kept,
        .id = id,
        .first = (uint32_t)builder->types.n_members,
    };
    return true;
}

bool seep_types_builder_member(struct seep_types_builder *builder,
                               const struct seep_types_field *field)
{
    struct seep_types *types = &builder->types;
    if (!types->n_structs)
        return true; // belongs to nothing
    uint32_t name = seep_names_add(&types->names, field->name, field->name_len);
    uint32_t type_name =
        seep_names_add(&types->names, field->type, field->type ? field->type_len : 0);
    if (name == SEEP_NO_NAME || type_name == SEEP_NO_NAME || !ROOM(builder, members))
        return fail(builder);
    types->members[types->n_members++] = (struct seep_types_member){
        .name = name,
        .type_name = type_name,
        .type = field->type_id,
        .offset = field->offset,
        .size_bytes = field->size_bytes,
        .count = field->count,
        .bit_offset = field->bit_offset,
        .bit_length = field->bit_length,
        .pointer = field->pointer,
    };
    types->structs[types->n_structs - 1].count++;
    return true;
}

bool seep_types_builder_enum(struct seep_types_builder *builder, const char *name, size_t name_len)
{
    uint32_t kept = seep_names_add(&builder->types.names, name, name_len);
    if (kept == SEEP_NO_NAME || !ROOM(builder, enums))
        return fail(builder);
    builder->types.enums[builder->types.n_enums++] = (struct seep_types_enum){
        .name = kept,
        .first = (uint32_t)builder->types.n_enumerators,
    };
    return true;
}

bool seep_types_builder_enumerator(struct seep_types_builder *builder, const char *name,
                                   size_t name_len, int64_t value)
{
    struct seep_types *types = &builder->types;
    if (!types->n_enums)
        return true;
    uint32_t kept = seep_names_add(&types->names, name, name_len);
    if (kept == SEEP_NO_NAME || !ROOM(builder, enumerators))
        return fail(builder);
    types->enumerators[types->n_enumerators++] =
        (struct seep_types_enumerator){ .value = value, .name = kept };
    types->enums[types->n_enums - 1].count++;
    return true;
}

static bool map_alloc(struct seep_types_map *map, size_t count)
{
    size_t n_slots = 16;
    while (n_slots / 2 < count)
        n_slots *= 2;
    map->slots = seep_alloc(n_slots, sizeof *map->slots);
    map->n_slots = map->slots ? n_slots : 0;
    return map->slots != NULL;
}

// Where to look up structures by name and by id. Of those with one key the first stays, but a
// structure of which nothing is known gives way to any other.
static bool map_structs(const struct seep_types *types, bool by_id, struct seep_types_map *map)
{
    if (!map_alloc(map, types->n_structs))
        return false;
    for (size_t i = 0; i < types->n_structs; i++) {
        const struct seep_types_struct *s = &types->structs[i];
        uint32_t key = by_id ? s->id : s->name;
        if ((by_id && !key) || (!s->size_bytes && !s->count))
            continue;
        size_t at = seep_types_slot(key, map->n_slots);
        for (; map->slots[at]; at = (at + 1) & (map->n_slots - 1)) {
            const struct seep_types_struct *other = &types->structs[map->slots[at] - 1];
            if ((by_id ? other->id : other->name) == key)
                break;
        }
        if (!map->slots[at])
            map->slots[at] = (uint32_t)(i + 1);
    }
    return true;
}

static bool map_enums(struct seep_types *types)
{
    struct seep_types_map *map = &types->enum_by_name;
    if (!map_alloc(map, types->n_enums))
        return false;
    for (size_t i = 0; i < types->n_enums; i++) {
        size_t at = seep_types_slot(types->enums[i].name, map->n_slots);
        while (map->slots[at] && types->enums[map->slots[at] - 1].name != types->enums[i].name)
            at = (at + 1) & (map->n_slots - 1);
        if (!map->slots[at])
            map->slots[at] = (uint32_t)(i + 1);
    }
    return true;
}

static uint32_t look_up(const struct seep_types *types, const struct seep_types_map *map,
                        uint32_t key, bool by_id)
{
    if (!key)
        return SEEP_NO_TYPE;
    size_t at = seep_types_slot(key, map->n_slots);
    for (; map->slots[at]; at = (at + 1) & (map->n_slots - 1)) {
        const struct seep_types_struct *s = &types->structs[map->slots[at] - 1];
        if ((by_id ? s->id : s->name) == key)
            return map->slots[at] - 1;
    }
    return SEEP_NO_TYPE;
}

struct seep_types *seep_types_builder_finish(struct seep_types_builder *builder,
                                             struct seep_err *err)
{
    struct seep_types *types = &builder->types;
    struct seep_types_map by_id = { 0 };
    struct seep_types *done = NULL;
    if (builder->failed || !map_structs(types, false, &types->by_name) ||
        !map_structs(types, true, &by_id) || !map_enums(types) ||
        !(done = seep_alloc(1, sizeof *done))) {
        seep_fail_memory(err);
        goto out;
    }
    for (size_t i = 0; i < types->n_members; i++) {
        struct seep_types_member *m = &types->members[i];
        uint32_t type = look_up(types, &by_id, m->type, true);
        if (type == SEEP_NO_TYPE)
            type = look_up(types, &types->by_name, m->type_name, false);
        m->type = type;
        if (type == SEEP_NO_TYPE)
            continue;
        const struct seep_types_struct *s = &types->structs[type];
        m->type_name = s->name;
        if (!m->count && !m->pointer && s->size_bytes)
            m->count = (uint32_t)(m->size_bytes / s->size_bytes);
    }
    *done = *types;
    *types = (struct seep_types){ 0 };
out:
    seep_free(by_id.slots);
    return done;
}
