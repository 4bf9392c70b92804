// SPDX-License-Identifier: MIT
// Groups: which instance of a block is which cell, found without a search where the order is kept.
#include "source/blg/blg.h"

#include "base/alloc.h"
#include "base/codepage.h"
#include "base/utf.h"

#include <string.h>

void seep_blg_group_reset(struct seep_blg_group *g)
{
    seep_intern_clear(&g->names);
    seep_free(g->by_name);
    seep_free(g->instances);
    seep_free(g->cells);
    seep_free(g->order);
    g->by_name = NULL;
    g->instances = NULL;
    g->cells = NULL;
    g->order = NULL;
    g->by_name_capacity = g->n_instances = g->instances_capacity = 0;
    g->n_cells = g->cells_capacity = g->n_order = g->order_capacity = g->place = 0;
}

void seep_blg_group_clear(struct seep_blg_group *g)
{
    seep_blg_group_reset(g);
    seep_free(g->definition);
    seep_free(g->counters);
    *g = (struct seep_blg_group){ 0 };
}

void seep_blg_group_begin(struct seep_blg *b, struct seep_blg_group *g)
{
    b->block++;
    g->n_order = g->place;
    g->place = 0;
}

// The id of the instance's name within the group. A block lists its instances in the order of the
// block before but for those that came and went, so the name at the same place is tried first.
static uint32_t name_id(struct seep_blg *b, struct seep_blg_group *g,
                        const struct seep_blg_who *who)
{
    struct seep_bytes key = who->name;
    if (who->parent.len) {
        // U+FFFF is no character, so that no name can look like a parent and a name
        static const char mark[] = { '\xff', '\xff' };
        seep_buf_reset(&b->text);
        seep_buf_add(&b->text, mark, sizeof mark);
        seep_buf_add(&b->text, who->parent.data, who->parent.len);
        seep_buf_add(&b->text, mark, sizeof mark);
        seep_buf_add(&b->text, who->name.data, who->name.len);
        if (b->text.failed)
            return 0;
        key = seep_bytes(b->text.data, b->text.len);
    }
    if (g->place < g->n_order) {
        const struct seep_intern_entry *e = &g->names.entries[g->order[g->place] - 1];
        if (e->len == key.len && (key.len == 0 || memcmp(e->text, key.data, key.len) == 0))
            return g->order[g->place];
    }
    return seep_intern(&g->names, key.data ? (const void *)key.data : "", key.len);
}

static struct seep_blg_instance *add_instance(struct seep_blg_group *g, struct seep_blg_name *name)
{
    if (!seep_grow(&g->cells, &g->cells_capacity, g->n_cells + g->n_counters, sizeof *g->cells) ||
        !seep_grow(&g->instances, &g->instances_capacity, g->n_instances + 1, sizeof *g->instances))
        return NULL;
    struct seep_blg_instance *last = name->last ? &g->instances[name->last - 1] : NULL;
    struct seep_blg_instance *i = &g->instances[g->n_instances++];
    *i = (struct seep_blg_instance){ .cells = g->n_cells,
                                     .occurrence = last ? last->occurrence + 1 : 0 };
    if (g->n_counters)
        memset(g->cells + g->n_cells, 0, g->n_counters * sizeof *g->cells);
    g->n_cells += g->n_counters;
    uint32_t number = (uint32_t)g->n_instances;
    if (last)
        last->next = number;
    else
        name->first = number;
    name->last = number;
    return i;
}

struct seep_blg_instance *seep_blg_group_next(struct seep_blg *b, struct seep_blg_group *g,
                                              const struct seep_blg_who *who)
{
    uint32_t id = name_id(b, g, who);
    size_t n_names = g->by_name_capacity;
    if (!id || !seep_grow(&g->by_name, &g->by_name_capacity, id, sizeof *g->by_name) ||
        !seep_grow(&g->order, &g->order_capacity, g->place + 1, sizeof *g->order))
        goto fail;
    if (g->by_name_capacity > n_names)
        memset(g->by_name + n_names, 0, (g->by_name_capacity - n_names) * sizeof *g->by_name);
    g->order[g->place++] = id;

    struct seep_blg_name *name = &g->by_name[id - 1];
    uint32_t next = name->first;
    if (name->block == b->block)
        next = g->instances[name->current - 1].next;
    struct seep_blg_instance *instance = next ? &g->instances[next - 1] : add_instance(g, name);
    if (!instance)
        goto fail;
    name->block = b->block;
    name->current = (uint32_t)(instance - g->instances) + 1;
    return instance;
fail:
    b->failed = true;
    return NULL;
}

// Text in a code page of which only the single-byte ones are known; what is not is escaped.
static bool add_code_page(struct seep_buf *out, struct seep_bytes text, uint32_t number)
{
    const struct seep_codepage *page = seep_codepage_find(number);
    if (!page)
        return seep_utf8_add(out, text);
    bool valid = true;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t point = seep_codepage_decode(page, text.data[i]);
        if (point)
            seep_utf8_add_point(out, point);
        else
            seep_buf_addf(out, "\\x%02X", (unsigned)text.data[i]);
        valid = valid && point;
    }
    return valid;
}

// The UTF-8 of a part of an instance's name in `out`.
static const char *who_text(struct seep_blg *b, const struct seep_blg_who *who,
                            struct seep_bytes part, struct seep_buf *out)
{
    seep_buf_reset(out);
    if (part.len > SEEP_MAX_NAME) {
        part.len = SEEP_MAX_NAME;
        seep_blg_lose(b, SEEP_BLG_BAD_TEXT, 0, 0, 0);
    }
    bool valid;
    if (who->utf8)
        valid = seep_utf8_add(out, part);
    else if (who->code_page)
        valid = add_code_page(out, part, who->code_page);
    else
        valid = seep_utf16_add(out, part);
    if (!valid)
        seep_blg_lose(b, SEEP_BLG_BAD_TEXT, 0, 0, 0);
    if (out->failed)
        b->failed = true;
    return seep_buf_text(out);
}

static bool make_column(struct seep_blg *b, const struct seep_blg_group *g,
                        const struct seep_blg_instance *instance, const struct seep_blg_who *who,
                        const struct seep_blg_counter *counter, struct seep_blg_cell *cell)
{
    struct seep_perfmon_counter c = {
        .host = seep_intern_text(&b->strings, g->host),
        .object = seep_intern_text(&b->strings, g->object),
        .parent = who_text(b, who, who->parent, &b->text),
        .instance = who_text(b, who, who->name, &b->text2),
        .instance_index = who->index ? who->index : instance->occurrence,
        .counter = seep_intern_text(&b->strings, counter->name),
        .object_index = g->object_index,
        .counter_index = counter->index,
    };
    cell->column = seep_perfmon_column(b->pm, &c);
    if (!cell->column.v)
        b->failed = true;
    return !b->failed;
}

void seep_blg_value(struct seep_blg *b, const struct seep_blg_group *g,
                    const struct seep_blg_instance *instance, const struct seep_blg_who *who,
                    const struct seep_blg_counter *counter, struct seep_blg_cell *cell,
                    double value)
{
    if (cell->column.v || make_column(b, g, instance, who, counter, cell))
        seep_perfmon_value(b->pm, cell->column, value);
}
