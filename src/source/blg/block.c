// SPDX-License-Identifier: MIT
// Whole objects: PERF_DATA_BLOCK and what is in it, as documented in winperf.h.
#include "source/blg/blg.h"

#include "base/alloc.h"
#include "base/utf.h"

#include <string.h>

enum {
    BLOCK_HEADER = 88,
    OBJECT_HEADER = 64,
    DEFINITION = 40,
    INSTANCE_HEADER = 24,
    NO_INSTANCES = -1,
    // a cell of a counter block may serve several counters (a base does), but not any number
    MAX_SHARING = 2,
    NAMES_PER_BYTE = 4, // bytes of parents' names that are given out for each byte of a block
    OBJECT_PROCESS = 230,
    COUNTER_ID_PROCESS = 784,
};

// The times of one block, and of the object at hand.
struct clock {
    uint64_t ticks, frequency, utc; // PerfTime, PerfFreq, PerfTime100nSec
    uint64_t object, object_frequency;
};

struct object {
    struct seep_bytes view;
    uint32_t definition, index;
    uint32_t n_counters;
    int32_t n_instances;
    uint32_t code_page;
    size_t offset; // in the event's data
};

static uint64_t number_at(const uint8_t *p, uint32_t size)
{
    return size == 8 ? seep_le64(p) : seep_le32(p);
}

// Reads the header of the object at `at`; false where none fits.
static bool object_at(struct seep_bytes block, size_t at, size_t offset, struct object *object)
{
    if (!seep_bytes_has(block, at, OBJECT_HEADER))
        return false;
    const uint8_t *p = block.data + at;
    uint32_t total = seep_le32(p), header = seep_le32(p + 8);
    struct object o = { .definition = seep_le32(p + 4),
                        .index = seep_le32(p + 12),
                        .n_counters = seep_le32(p + 32),
                        .n_instances = (int32_t)seep_le32(p + 40),
                        .code_page = seep_le32(p + 44),
                        .offset = offset + at };
    if (total < OBJECT_HEADER || total > block.len - at || header < OBJECT_HEADER ||
        o.definition < header || o.definition > total)
        return false;
    o.view = seep_bytes(p, total);
    *object = o;
    return true;
}

static void add_counter(struct seep_blg *b, struct seep_blg_group *g, const uint8_t *definition,
                        const uint8_t *next)
{
    uint32_t number = seep_le32(definition + 4), kind = seep_le32(definition + 28);
    struct seep_blg_counter c = { .type = seep_perf_type_find(kind),
                                  .index = number,
                                  .size = seep_le32(definition + 32),
                                  .offset = seep_le32(definition + 36) };
    if (!c.type) {
        seep_blg_lose(b, SEEP_BLG_UNKNOWN_TYPE, 0, 0, kind);
        return;
    }
    if (c.type->formula == SEEP_PERF_NOT_SHOWN)
        return;
    // sizes other than the two documented ones hold no number
    if (c.size != 4 && c.size != 8) {
        seep_blg_lose(b, SEEP_BLG_UNKNOWN_TYPE, 0, 0, kind);
        return;
    }
    size_t end = (size_t)c.offset + c.size;
    if (kind & 0x02000000u) // PERF_MULTI_COUNTER: the number of items follows the value
        end += 4;
    if (next && seep_perf_is_base(seep_le32(next + 28))) {
        c.base_size = seep_le32(next + 32) == 8 ? 8 : 4;
        c.base_offset = seep_le32(next + 36);
        size_t base_end = (size_t)c.base_offset + c.base_size;
        end = base_end > end ? base_end : end;
    }
    if (g->object_index == OBJECT_PROCESS && number == COUNTER_ID_PROCESS) {
        g->pid_offset = c.offset;
        g->pid_size = c.size;
    }
    c.name = seep_blg_number(b, g->host, g->object_index, number);
    if (end > g->need_bytes)
        g->need_bytes = end;
    g->counters[g->n_counters++] = c;
}

// Learns the counters of an object; they are the same in every block of a log but where a provider
// was restarted with other ones.
static bool define(struct seep_blg *b, struct seep_blg_group *g, const struct object *o)
{
    struct seep_bytes defs = seep_bytes_part(o->view, OBJECT_HEADER, o->definition - OBJECT_HEADER);
    if (g->definition && g->definition_len == defs.len && g->n_defined == o->n_counters &&
        (defs.len == 0 || memcmp(g->definition, defs.data, defs.len) == 0))
        return true;
    uint32_t n = o->n_counters;
    if (n > defs.len / DEFINITION) {
        seep_blg_lose(b, SEEP_BLG_BAD_RECORD, o->view.len, o->offset, 0);
        return false;
    }
    seep_blg_group_reset(g);
    seep_free(g->definition);
    seep_free(g->counters);
    g->definition = seep_strndup((const char *)defs.data, defs.len);
    g->definition_len = defs.len;
    g->n_defined = n;
    g->counters = seep_alloc((size_t)n + 1, sizeof *g->counters);
    g->n_counters = 0;
    g->need_bytes = 4;
    g->pid_size = 0;
    g->object = seep_blg_number(b, g->host, o->index, 0);
    if (!g->definition || !g->counters) {
        b->failed = true;
        return false;
    }
    size_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = seep_bytes_u32(defs, at);
        if (len < DEFINITION || len > defs.len - at) {
            seep_blg_lose(b, SEEP_BLG_BAD_RECORD, defs.len - at, o->offset, 0);
            break;
        }
        bool has_next = i + 1 < n && seep_bytes_has(defs, at + len, DEFINITION);
        add_counter(b, g, defs.data + at, has_next ? defs.data + at + len : NULL);
        at += len;
    }
    return !b->failed;
}

static struct seep_blg_group *group_of(struct seep_blg *b, uint32_t host, const struct object *o)
{
    uint32_t key[2] = { host, o->index };
    size_t known = b->group_keys.count;
    uint32_t id = seep_intern(&b->group_keys, key, sizeof key);
    if (!id || !seep_grow(&b->groups, &b->groups_capacity, id, sizeof *b->groups)) {
        b->failed = true;
        return NULL;
    }
    if (b->group_keys.count > known) {
        struct seep_blg_group *g = seep_alloc(1, sizeof *g);
        b->groups[id - 1] = g;
        if (!g) {
            b->failed = true;
            return NULL;
        }
        g->host = host;
        g->object_index = o->index;
    }
    struct seep_blg_group *g = b->groups[id - 1];
    if (!g)
        return NULL;
    return define(b, g, o) ? g : NULL;
}

static uint64_t second_value(const struct seep_blg_counter *c, const struct clock *clock,
                             const uint8_t *block)
{
    switch (c->type->second) {
    case SEEP_PERF_SECOND_TICK:
        return clock->ticks;
    case SEEP_PERF_SECOND_100NS:
        return clock->utc;
    case SEEP_PERF_SECOND_OBJECT:
        return clock->object_frequency ? clock->object : clock->ticks;
    case SEEP_PERF_SECOND_BASE:
        return c->base_size ? number_at(block + c->base_offset, c->base_size) : 0;
    default:
        return 0;
    }
}

// The instance that holds what `instance` was in the sample before: itself, or one behind it of the
// same name where an earlier process of the name ended and the others moved up. NULL = none: a rate
// is over two samples that follow each other, and over one process.
static const struct seep_blg_instance *previous_of(const struct seep_blg *b,
                                                   const struct seep_blg_group *g,
                                                   const struct seep_blg_instance *instance,
                                                   uint32_t pid)
{
    enum { MAX_MOVED = 64 }; // processes of one name that end between two samples
    uint32_t sample = b->sample - 1;
    for (int i = 0; i < MAX_MOVED; i++) {
        if (instance->sample == sample && instance->pid == pid)
            return instance;
        if (!g->pid_size || !instance->next)
            break;
        instance = &g->instances[instance->next - 1];
    }
    return NULL;
}

// The values of one counter block that has the bytes the group needs.
static void read_values(struct seep_blg *b, struct seep_blg_group *g, const struct clock *clock,
                        const struct seep_blg_who *who, const uint8_t *block)
{
    struct seep_blg_instance *instance = seep_blg_group_next(b, g, who);
    if (!instance)
        return;
    uint32_t pid = g->pid_size ? (uint32_t)number_at(block + g->pid_offset, g->pid_size) : 0;
    const struct seep_blg_instance *before = previous_of(b, g, instance, pid);
    const struct seep_blg_cell *old = before ? g->cells + before->cells : NULL;
    instance->sample = b->sample;
    instance->pid = pid;
    struct seep_blg_cell *cells = g->cells + instance->cells;
    for (size_t i = 0; i < g->n_counters; i++) {
        const struct seep_blg_counter *c = &g->counters[i];
        struct seep_blg_cell *cell = &cells[i];
        uint64_t first = number_at(block + c->offset, c->size);
        double value = (double)first;
        if (c->type->formula != SEEP_PERF_NUMBER) {
            struct seep_perf_raw raw = { first, second_value(c, clock, block), 0 };
            if (c->type->type & 0x02000000u) // PERF_MULTI_COUNTER
                raw.multi = seep_le32(block + c->offset + c->size);
            uint64_t frequency = clock->frequency;
            if (c->type->second == SEEP_PERF_SECOND_OBJECT && clock->object_frequency)
                frequency = clock->object_frequency;
            const struct seep_perf_raw *previous = old && old[i].has_raw ? &old[i].raw : NULL;
            bool shown = seep_perf_value(c->type, frequency, previous, &raw, &value);
            cell->raw = raw;
            cell->has_raw = true;
            if (!shown)
                continue;
        }
        seep_blg_value(b, g, instance, who, c, cell, value);
    }
}

// Checks a counter block at `at` of the object; gives its length, 0 where it is none.
static uint32_t counter_block(const struct seep_blg_group *g, struct seep_bytes object, size_t at)
{
    uint32_t len = seep_bytes_u32(object, at);
    if (len < 4 || !seep_bytes_has(object, at, len) || len < g->need_bytes ||
        g->n_counters > (size_t)len / 4 * MAX_SHARING)
        return 0;
    return len;
}

// The header of the instance at `at`; false where none fits.
static bool instance_at(const struct object *o, size_t at, uint32_t *len, struct seep_bytes *name)
{
    struct seep_bytes head = seep_bytes_part(o->view, at, o->view.len);
    *len = seep_bytes_u32(head, 0);
    if (*len < INSTANCE_HEADER || *len > head.len)
        return false;
    uint32_t offset = seep_bytes_u32(head, 16), length = seep_bytes_u32(head, 20);
    head.len = *len;
    if (length > SEEP_MAX_NAME + 2)
        length = SEEP_MAX_NAME + 2; // what is longer is cut where it becomes text
    *name = seep_bytes_part(head, offset, length);
    if (o->code_page == 0)
        *name = seep_utf16_until_nul(*name);
    else if (name->len && name->data[name->len - 1] == 0)
        name->len--;
    return true;
}

// The names of the instances of the object that the children of this block name as their parent.
struct parents {
    struct seep_bytes block;
    size_t objects; // where the first object starts
    uint32_t index; // of the object whose names are there, 0 = none
    unsigned n_built;
    size_t budget; // bytes of names that may still be given out
    struct seep_bytes *names;
    size_t n_names, capacity;
};

static bool build_parents(struct seep_blg *b, struct parents *p, uint32_t index)
{
    // a log has one or two objects with children; the caps keep a hostile one from costing more
    // than its bytes
    enum { MAX_BUILT = 64, MAX_OBJECTS = 4096 };
    p->index = index;
    p->n_names = 0;
    struct object o;
    size_t at = p->objects;
    if (++p->n_built > MAX_BUILT)
        return false;
    for (unsigned i = 0; i < MAX_OBJECTS; i++, at += o.view.len) {
        if (!object_at(p->block, at, 0, &o))
            return false;
        if (o.index == index)
            break;
    }
    if (o.index != index)
        return false;
    uint32_t len = 0;
    struct seep_bytes name;
    for (at = o.definition; instance_at(&o, at, &len, &name);) {
        if (!seep_grow(&p->names, &p->capacity, p->n_names + 1, sizeof *p->names)) {
            b->failed = true;
            return false;
        }
        p->names[p->n_names++] = name;
        uint32_t counters = seep_bytes_u32(o.view, at + len);
        if (counters < 4)
            break;
        at += (size_t)len + counters;
    }
    return true;
}

// The name of instance `number` of object `index`; empty where it is not in the block, and where
// children of parents with long names would cost more memory than the block has bytes.
static struct seep_bytes parent_name(struct seep_blg *b, struct parents *p, uint32_t index,
                                     uint32_t number)
{
    if (p->index != index)
        (void)build_parents(b, p, index);
    if (number >= p->n_names)
        return (struct seep_bytes){ 0 };
    if (p->names[number].len > p->budget) {
        seep_blg_lose(b, SEEP_BLG_BAD_TEXT, 0, 0, 0);
        return (struct seep_bytes){ 0 };
    }
    p->budget -= p->names[number].len;
    return p->names[number];
}

static void read_instances(struct seep_blg *b, struct seep_blg_group *g, const struct clock *clock,
                           const struct object *o, struct parents *parents)
{
    size_t at = o->definition;
    for (int32_t i = 0; i < o->n_instances && !b->failed; i++) {
        struct seep_blg_who who = { .code_page = o->code_page };
        uint32_t len = 0;
        if (!instance_at(o, at, &len, &who.name)) {
            seep_blg_lose(b, SEEP_BLG_BAD_RECORD, o->view.len - at, o->offset + at, 0);
            return;
        }
        uint32_t parent = seep_bytes_u32(o->view, at + 4);
        if (parent)
            who.parent = parent_name(b, parents, parent, seep_bytes_u32(o->view, at + 8));
        char unique[16];
        uint32_t number = seep_bytes_u32(o->view, at + 12);
        if (who.name.len == 0 && number != UINT32_MAX) { // an instance that has a number for a name
            int n = snprintf(unique, sizeof unique, "%u", (unsigned)number);
            who.name = seep_bytes(unique, (size_t)n);
            who.utf8 = true;
        }
        uint32_t counters = counter_block(g, o->view, at + len);
        if (!counters) {
            seep_blg_lose(b, SEEP_BLG_BAD_RECORD, o->view.len - at, o->offset + at, 0);
            return;
        }
        read_values(b, g, clock, &who, o->view.data + at + len);
        at += (size_t)len + counters;
    }
}

static void read_object(struct seep_blg *b, uint32_t host, struct clock clock,
                        const struct object *o, struct parents *parents)
{
    struct seep_blg_group *g = group_of(b, host, o);
    if (!g || g->n_counters == 0)
        return;
    clock.object = seep_bytes_u64(o->view, 48);
    clock.object_frequency = seep_bytes_u64(o->view, 56);
    seep_blg_group_begin(b, g);
    if (o->n_instances != NO_INSTANCES) {
        read_instances(b, g, &clock, o, parents);
        return;
    }
    struct seep_blg_who who = { 0 };
    if (counter_block(g, o->view, o->definition))
        read_values(b, g, &clock, &who, o->view.data + o->definition);
    else
        seep_blg_lose(b, SEEP_BLG_BAD_RECORD, o->view.len, o->offset, 0);
}

void seep_blg_block(struct seep_blg *b, struct seep_bytes block, size_t offset)
{
    static const uint8_t signature[] = { 'P', 0, 'E', 0, 'R', 0, 'F', 0, 1, 0, 0, 0 };
    uint32_t total = seep_bytes_u32(block, 20), header = seep_bytes_u32(block, 24);
    uint32_t n_objects = seep_bytes_u32(block, 28);
    if (!seep_bytes_match(block, 0, signature, sizeof signature) || block.len < BLOCK_HEADER ||
        header < BLOCK_HEADER || header > block.len) {
        seep_blg_lose(b, SEEP_BLG_BAD_RECORD, block.len, offset, 0);
        return;
    }
    if (total > block.len || total < header)
        seep_blg_lose(b, SEEP_BLG_BAD_RECORD, 0, offset, 0);
    else
        block.len = total;
    struct clock clock = { .ticks = seep_le64(block.data + 56),
                           .frequency = seep_le64(block.data + 64),
                           .utc = seep_le64(block.data + 72) };
    uint32_t name_len = seep_le32(block.data + 80), name_at = seep_le32(block.data + 84);
    uint32_t host = seep_blg_host(b, seep_bytes_part(block, name_at, name_len));
    struct parents parents = { .block = block,
                               .objects = header,
                               .budget = NAMES_PER_BYTE * block.len };
    size_t at = header;
    for (uint32_t i = 0; i < n_objects && !b->failed; i++) {
        struct object o;
        if (!object_at(block, at, offset, &o)) {
            seep_blg_lose(b, SEEP_BLG_BAD_RECORD, block.len - at, offset + at, 0);
            break;
        }
        read_object(b, host, clock, &o, &parents);
        at += o.view.len;
    }
    seep_free(parents.names);
}
