// SPDX-License-Identifier: MIT
// A pool of names: open addressing with linear probing, at most half full.
#include "symbols/names.h"

#include "base/alloc.h"
#include "base/intern.h"
#include "base/limits.h"

#include <string.h>

static size_t cut(const char *text, size_t len)
{
    if (len > SEEP_MAX_NAME)
        len = SEEP_MAX_NAME;
    const char *end = len ? memchr(text, '\0', len) : NULL;
    return end ? (size_t)(end - text) : len;
}

static size_t find_slot(const struct seep_names *names, const char *text, size_t len)
{
    size_t mask = names->n_slots - 1;
    size_t at = (size_t)seep_hash(text, len) & mask;
    for (;; at = (at + 1) & mask) {
        uint32_t offset = names->slots[at];
        // the bytes after a name end within the pool, as each name has its NUL
        if (!offset || (len < names->len - offset && !names->text[offset + len] &&
                        memcmp(names->text + offset, text, len) == 0))
            return at;
    }
}

static bool grow_slots(struct seep_names *names)
{
    size_t wanted = names->n_slots ? names->n_slots * 2 : 64;
    uint32_t *slots = seep_alloc(wanted, sizeof *slots);
    if (!slots)
        return false;
    for (size_t offset = 1; offset < names->len;) {
        size_t len = strlen(names->text + offset);
        size_t at = (size_t)seep_hash(names->text + offset, len) & (wanted - 1);
        while (slots[at])
            at = (at + 1) & (wanted - 1);
        slots[at] = (uint32_t)offset;
        offset += len + 1;
    }
    seep_free(names->slots);
    names->slots = slots;
    names->n_slots = wanted;
    return true;
}

uint32_t seep_names_add(struct seep_names *names, const char *text, size_t len)
{
    len = cut(text, len);
    if (names->count >= names->n_slots / 2 && !grow_slots(names))
        return SEEP_NO_NAME;
    if (!seep_grow(&names->text, &names->capacity, names->len + len + 2, 1))
        return SEEP_NO_NAME;
    if (!names->len)
        names->text[names->len++] = '\0';
    if (!len)
        return 0;
    size_t at = find_slot(names, text, len);
    if (names->slots[at])
        return names->slots[at];
    if (names->len > UINT32_MAX - 2 * (size_t)SEEP_MAX_NAME)
        return SEEP_NO_NAME;
    names->slots[at] = (uint32_t)names->len;
    memcpy(names->text + names->len, text, len);
    names->text[names->len + len] = '\0';
    names->len += len + 1;
    names->count++;
    return names->slots[at];
}

uint32_t seep_names_find(const struct seep_names *names, const char *text, size_t len)
{
    len = cut(text, len);
    if (!names->n_slots)
        return SEEP_NO_NAME;
    if (!len)
        return 0;
    uint32_t offset = names->slots[find_slot(names, text, len)];
    return offset ? offset : SEEP_NO_NAME;
}

void seep_names_clear(struct seep_names *names)
{
    seep_free(names->text);
    seep_free(names->slots);
    *names = (struct seep_names){ 0 };
}
