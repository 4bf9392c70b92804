// SPDX-License-Identifier: MIT
// Interning with open addressing and linear probing; the table is at most half full.
#include "base/intern.h"

#include "base/alloc.h"

#include <string.h>

static uint64_t mix(uint64_t h)
{
    // The finalizer of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
    // generators, 2014).
    h ^= h >> 30;
    h *= 0xbf58476d1ce4e5b9u;
    h ^= h >> 27;
    h *= 0x94d049bb133111ebu;
    h ^= h >> 31;
    return h;
}

uint64_t seep_hash(const void *key, size_t len)
{
    const uint8_t *p = key;
    uint64_t h = 0x9e3779b97f4a7c15u ^ (uint64_t)len;
    for (; len >= 8; p += 8, len -= 8)
        h = mix(h ^ seep_le64(p));
    uint64_t tail = 0;
    for (size_t i = 0; i < len; i++)
        tail |= (uint64_t)p[i] << (8 * i);
    return mix(h ^ tail);
}

static size_t find_slot(const struct seep_intern *table, const void *key, size_t len, uint64_t hash)
{
    size_t mask = table->n_slots - 1;
    size_t at = (size_t)hash & mask;
    for (;; at = (at + 1) & mask) {
        uint32_t id = table->slots[at];
        if (!id)
            return at;
        const struct seep_intern_entry *e = &table->entries[id - 1];
        if (e->hash == hash && e->len == len && (len == 0 || memcmp(e->text, key, len) == 0))
            return at;
    }
}

static bool grow_slots(struct seep_intern *table)
{
    size_t wanted = table->n_slots ? table->n_slots * 2 : 64;
    uint32_t *slots = seep_alloc(wanted, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < table->count; i++) {
        size_t at = (size_t)table->entries[i].hash & (wanted - 1);
        while (slots[at])
            at = (at + 1) & (wanted - 1);
        slots[at] = (uint32_t)(i + 1);
    }
    seep_free(table->slots);
    table->slots = slots;
    table->n_slots = wanted;
    return true;
}

uint32_t seep_intern_find(const struct seep_intern *table, const void *key, size_t len)
{
    return table->n_slots ? table->slots[find_slot(table, key, len, seep_hash(key, len))] : 0;
}

uint32_t seep_intern(struct seep_intern *table, const void *key, size_t len)
{
    if (table->count >= table->n_slots / 2 && !grow_slots(table))
        return 0;
    uint64_t hash = seep_hash(key, len);
    size_t at = find_slot(table, key, len, hash);
    if (table->slots[at])
        return table->slots[at];
    if (table->count >= UINT32_MAX - 1 ||
        !seep_grow(&table->entries, &table->capacity, table->count + 1, sizeof *table->entries))
        return 0;
    char *text = seep_arena_strndup(&table->arena, key, len);
    if (!text)
        return 0;
    table->entries[table->count] = (struct seep_intern_entry){ text, len, hash };
    table->slots[at] = (uint32_t)++table->count;
    return table->slots[at];
}

const char *seep_intern_text(const struct seep_intern *table, uint32_t id)
{
    return id && id <= table->count ? table->entries[id - 1].text : "";
}

void seep_intern_clear(struct seep_intern *table)
{
    seep_arena_clear(&table->arena);
    seep_free(table->entries);
    seep_free(table->slots);
    *table = (struct seep_intern){ 0 };
}
