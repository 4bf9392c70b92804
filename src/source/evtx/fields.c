// SPDX-License-Identifier: MIT
// Walks the binary XML of one event and collects its data as field rows.
//
// Two bounded stacks take the place of recursion: streams (a record, the body of a template, an
// embedded value) and open elements. Elements become a tree of names, in which equal siblings are
// one node, and the tree is written out as rows at the end.
#include "source/evtx/fields.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf.h"
#include "source/evtx/value.h"

#include <string.h>

struct seep_evtx_node {
    const char *name;                               // escaped for use in a path
    uint32_t parent, first_child, last_child, next; // 0 = none; node 0 is the root
    uint32_t first_cell, last_cell;                 // 0 = none
    uint32_t path_len;
};

// A value of a node. Cell 0 is not used.
struct seep_evtx_cell {
    struct seep_field field;
    uint32_t next;
};

struct stream {
    size_t pos, end;
    struct seep_evtx_values values;
    unsigned n_open; // elements that were open when it began
    bool has_dependency;
};

struct open {
    uint32_t node;
    unsigned n_items;              // pieces of content so far
    struct seep_evtx_value single; // the first piece, while it is the only one and a value
    bool has_single, has_children;
    size_t text; // where its text starts in `text`
};

struct walk {
    struct seep_evtx_fields *f;
    struct seep_bytes chunk;
    uint64_t *work;
    enum seep_evtx_result result;
    struct stream streams[SEEP_MAX_DEPTH];
    struct open open[SEEP_MAX_DEPTH];
    unsigned n_streams, n_open;
};

enum {
    MAX_NAME_UNITS = 512, // of one element or Data name; longer ones are cut and not sound
    WRITE_WORK = 0x10000, // bytes of paths that may be written whatever the reading cost
};

static bool stop(struct walk *w, enum seep_evtx_result result)
{
    if (w->result == SEEP_EVTX_READ)
        w->result = result;
    return false;
}

static bool spend(struct walk *w, uint64_t work)
{
    if (work > *w->work) {
        *w->work = 0;
        return stop(w, SEEP_EVTX_TOO_LARGE);
    }
    *w->work -= work;
    return true;
}

// A part of a path: '/' and '\' are escaped.
static const char *path_part(struct seep_evtx_fields *f, const char *name, size_t len)
{
    seep_buf_reset(&f->scratch);
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '/' || name[i] == '\\')
            seep_buf_addc(&f->scratch, '\\');
        seep_buf_addc(&f->scratch, name[i] ? name[i] : '?');
    }
    if (f->scratch.failed)
        return NULL;
    return seep_arena_strndup(&f->arena, seep_buf_text(&f->scratch), f->scratch.len);
}

// The child of `parent` with this name, made if there is none.
static bool child(struct walk *w, uint32_t parent, const char *name, size_t len, uint32_t *node)
{
    struct seep_evtx_fields *f = w->f;
    const char *part = path_part(f, name, len);
    if (!part)
        return stop(w, SEEP_EVTX_NO_MEMORY);
    uint64_t seen = len + 16;
    uint32_t at = f->nodes[parent].first_child;
    while (at && strcmp(f->nodes[at].name, part) != 0) {
        at = f->nodes[at].next;
        seen++;
    }
    if (!spend(w, seen))
        return false;
    if (!at) {
        if (!seep_grow(&f->nodes, &f->nodes_capacity, f->n_nodes + 1, sizeof *f->nodes))
            return stop(w, SEEP_EVTX_NO_MEMORY);
        at = (uint32_t)f->n_nodes++;
        struct seep_evtx_node *p = &f->nodes[parent];
        uint32_t before = parent ? p->path_len + 1 : 0;
        f->nodes[at] = (struct seep_evtx_node){ .name = part,
                                                .parent = parent,
                                                .path_len = before + (uint32_t)strlen(part) };
        if (p->last_child)
            f->nodes[p->last_child].next = at;
        else
            p->first_child = at;
        p->last_child = at;
    }
    *node = at;
    return true;
}

static bool add_cell(struct walk *w, uint32_t node, const struct seep_field *field)
{
    struct seep_evtx_fields *f = w->f;
    if (!seep_grow(&f->cells, &f->cells_capacity, f->n_cells + 1, sizeof *f->cells))
        return stop(w, SEEP_EVTX_NO_MEMORY);
    uint32_t at = (uint32_t)f->n_cells++;
    f->cells[at] = (struct seep_evtx_cell){ .field = *field };
    struct seep_evtx_node *n = &f->nodes[node];
    if (n->last_cell)
        f->cells[n->last_cell].next = at;
    else
        n->first_cell = at;
    n->last_cell = at;
    return true;
}

static bool convert(struct walk *w, const struct seep_evtx_value *value, struct seep_field *field)
{
    struct seep_evtx_fields *f = w->f;
    if (!spend(w, value->bytes.len + 16))
        return false;
    if (!seep_evtx_field(value, &f->arena, &f->scratch, field, &f->sound))
        return stop(w, SEEP_EVTX_NO_MEMORY);
    return true;
}

// One value as cells: an array gives one for each of its items.
static bool add_value(struct walk *w, uint32_t node, const struct seep_evtx_value *value)
{
    struct seep_field field = { 0 };
    if (!(value->type & SEEP_EVTX_TYPE_ARRAY))
        return convert(w, value, &field) && add_cell(w, node, &field);
    struct seep_evtx_value item;
    size_t pos = 0;
    while (seep_evtx_array_next(value, &pos, &item)) {
        if (!convert(w, &item, &field) || !add_cell(w, node, &field))
            return false;
    }
    return true;
}

// One value within text.
static bool render(struct walk *w, const struct seep_evtx_value *value)
{
    struct seep_field field = { 0 };
    struct seep_evtx_value item = *value;
    size_t pos = 0;
    bool array = value->type & SEEP_EVTX_TYPE_ARRAY;
    for (bool first = true; !array || seep_evtx_array_next(value, &pos, &item); first = false) {
        if (!convert(w, &item, &field))
            return false;
        if (!first)
            seep_buf_addc(&w->f->text, ' ');
        seep_evtx_field_text(&field, &w->f->text);
        if (!array)
            break;
    }
    return true;
}

// What is written goes to the innermost open element.
static struct open *top(struct walk *w)
{
    return w->n_open ? &w->open[w->n_open - 1] : NULL;
}

static bool begin_text(struct walk *w)
{
    struct open *o = top(w);
    if (!o)
        return stop(w, SEEP_EVTX_MALFORMED);
    if (o->has_single) {
        o->has_single = false;
        if (!render(w, &o->single))
            return false;
    }
    o->n_items++;
    return true;
}

static bool add_utf16(struct walk *w, struct seep_bytes text)
{
    if (!spend(w, text.len))
        return false;
    if (!seep_utf16_add(&w->f->text, text))
        w->f->sound = false;
    return true;
}

static bool push_stream(struct walk *w, size_t pos, size_t end,
                        const struct seep_evtx_values *values, bool has_dependency)
{
    if (w->n_streams == SEEP_MAX_DEPTH)
        return stop(w, SEEP_EVTX_TOO_DEEP);
    w->streams[w->n_streams++] = (struct stream){ .pos = pos,
                                                  .end = end,
                                                  .values = *values,
                                                  .n_open = w->n_open,
                                                  .has_dependency = has_dependency };
    return true;
}

// A value that is binary XML: its elements follow here.
static bool embed(struct walk *w, struct seep_bytes bytes)
{
    static const struct seep_evtx_values none = { 0 };
    size_t pos = (size_t)(bytes.data - w->chunk.data), end = pos + bytes.len;
    seep_evtx_skip_fragment(w->chunk, &pos, end);
    if (pos == end)
        return true;
    return push_stream(w, pos, end, &none, seep_evtx_has_dependency(w->chunk, pos, end));
}

// The value that a substitution token at `pos` names; a null one where there is none.
static bool substitution(struct walk *w, const struct stream *s, size_t pos,
                         struct seep_evtx_value *value)
{
    uint16_t index = seep_le16(w->chunk.data + pos + 1);
    if (!spend(w, index < s->values.count ? index + 4u : 4u))
        return false;
    if (!seep_evtx_value(&s->values, index, value)) {
        *value = (struct seep_evtx_value){ .type = SEEP_EVTX_TYPE_NULL };
        if (index < s->values.count)
            return stop(w, SEEP_EVTX_MALFORMED);
    }
    return true;
}

static bool add_substitution(struct walk *w, struct stream *s, size_t pos)
{
    struct seep_evtx_value value;
    if (!substitution(w, s, pos, &value))
        return false;
    if (value.type == SEEP_EVTX_TYPE_BINXML)
        return embed(w, value.bytes);
    struct open *o = top(w);
    if (!o)
        return stop(w, SEEP_EVTX_MALFORMED);
    if (o->n_items == 0) {
        o->n_items = 1;
        o->single = value;
        o->has_single = true;
        return true;
    }
    return begin_text(w) && render(w, &value);
}

// The character that an entity stands for; the five of XML are all that occur.
static char entity(struct seep_bytes name)
{
    static const struct {
        const char *name;
        char c;
    } entities[] = {
        { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' }, { "apos", '\'' }
    };
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (seep_evtx_is(name, entities[i].name))
            return entities[i].c;
    }
    return '?';
}

// One piece of text at `*pos` (text, CDATA, character or entity reference) is appended and passed.
static bool text_piece(struct walk *w, size_t *pos, size_t end)
{
    const uint8_t *p = w->chunk.data + *pos;
    size_t left = end - *pos;
    unsigned token = p[0] & ~(unsigned)SEEP_EVTX_MORE;
    size_t head = token == SEEP_EVTX_TEXT ? 4 : 3;
    if (token == SEEP_EVTX_ENTITY_REF) {
        struct seep_bytes name;
        (*pos)++;
        if (!seep_evtx_name_reference(w->chunk, pos, end, &name))
            return stop(w, SEEP_EVTX_MALFORMED);
        seep_buf_addc(&w->f->text, entity(name));
        return true;
    }
    if (left < head)
        return stop(w, SEEP_EVTX_MALFORMED);
    if (token == SEEP_EVTX_CHAR_REF) {
        *pos += head;
        return add_utf16(w, seep_bytes(p + 1, 2));
    }
    size_t len = (size_t)seep_le16(p + head - 2) * 2;
    if (len > left - head)
        return stop(w, SEEP_EVTX_MALFORMED);
    *pos += head + len;
    return add_utf16(w, seep_bytes(p + head, len));
}

// The text of the attribute `Name` of a Data element at the end of `text`; `*found` says whether
// there is one.
static bool data_name(struct walk *w, const struct stream *s, const struct seep_evtx_element *e,
                      bool *found)
{
    size_t pos = e->attributes;
    bool wanted = false;
    while (pos < e->attributes_end) {
        unsigned token = w->chunk.data[pos] & ~(unsigned)SEEP_EVTX_MORE;
        struct seep_bytes name;
        switch (token) {
        case SEEP_EVTX_ATTRIBUTE:
            pos++;
            if (!seep_evtx_name_reference(w->chunk, &pos, e->attributes_end, &name))
                return stop(w, SEEP_EVTX_MALFORMED);
            wanted = !*found && seep_evtx_is(name, "Name");
            *found |= wanted;
            break;
        case SEEP_EVTX_SUBSTITUTION:
        case SEEP_EVTX_OPTIONAL: {
            struct seep_evtx_value value;
            if (e->attributes_end - pos < 4)
                return stop(w, SEEP_EVTX_MALFORMED);
            if (wanted && (!substitution(w, s, pos, &value) || !render(w, &value)))
                return false;
            pos += 4;
            break;
        }
        case SEEP_EVTX_TEXT:
        case SEEP_EVTX_CDATA:
        case SEEP_EVTX_CHAR_REF:
        case SEEP_EVTX_ENTITY_REF: {
            size_t before = w->f->text.len;
            if (!text_piece(w, &pos, e->attributes_end))
                return false;
            if (!wanted && w->f->text.len > before)
                w->f->text.len = before;
            break;
        }
        default:
            return stop(w, SEEP_EVTX_MALFORMED);
        }
    }
    return true;
}

// The node of a new element: the root's children EventData and UserData are transparent.
static bool element_node(struct walk *w, const struct stream *s, const struct seep_evtx_element *e,
                         uint32_t *node)
{
    struct seep_evtx_fields *f = w->f;
    uint32_t parent = w->n_open ? w->open[w->n_open - 1].node : 0;
    *node = 0;
    if (w->n_open == 0)
        return true;
    if (w->n_open == 1 && (seep_evtx_is(e->name, "EventData") || seep_evtx_is(e->name, "UserData")))
        return true;
    size_t start = f->text.len;
    bool named = false;
    if ((seep_evtx_is(e->name, "Data") || seep_evtx_is(e->name, "ComplexData")) &&
        !data_name(w, s, e, &named))
        return false;
    if (!named || f->text.len == start) {
        struct seep_bytes name = e->name;
        if (name.len > 2 * MAX_NAME_UNITS) {
            name.len = 2 * MAX_NAME_UNITS;
            f->sound = false;
        }
        if (!add_utf16(w, name))
            return false;
    }
    if (f->text.failed)
        return stop(w, SEEP_EVTX_NO_MEMORY);
    size_t len = f->text.len - start;
    if (len > 4 * MAX_NAME_UNITS) {
        len = 4 * MAX_NAME_UNITS;
        f->sound = false;
    }
    bool ok = child(w, parent, seep_buf_text(&f->text) + start, len, node);
    f->text.len = start;
    return ok;
}

static bool blank(const char *text, size_t len)
{
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    return len == 0;
}

// Ends the innermost element: what it holds becomes cells of its node. Text beside elements, and
// text of a node that has no name of its own, stands under "#text".
static bool close_element(struct walk *w)
{
    struct seep_evtx_fields *f = w->f;
    if (w->n_open <= w->streams[w->n_streams - 1].n_open)
        return stop(w, SEEP_EVTX_MALFORMED);
    if (f->text.failed)
        return stop(w, SEEP_EVTX_NO_MEMORY);
    struct open *o = &w->open[--w->n_open];
    const char *text = seep_buf_text(&f->text) + o->text;
    size_t len = f->text.len - o->text;
    struct seep_field field = { .type = SEEP_FIELD_TEXT };
    uint32_t node = o->node;
    bool ok = true;
    if (o->has_children || node == 0) {
        bool nothing = o->has_single ? o->single.type == SEEP_EVTX_TYPE_NULL : blank(text, len);
        f->text.len = o->text;
        if (nothing || !child(w, node, "#text", 5, &node))
            return nothing;
    }
    if (o->has_single) {
        ok = add_value(w, node, &o->single);
    } else {
        field.value.text = seep_arena_strndup(&f->arena, text, len);
        ok = field.value.text ? add_cell(w, node, &field) : stop(w, SEEP_EVTX_NO_MEMORY);
    }
    f->text.len = o->text;
    return ok;
}

static bool open_element(struct walk *w, struct stream *s)
{
    struct seep_evtx_element e;
    struct seep_evtx_value value;
    uint32_t node;
    if (!seep_evtx_element(w->chunk, s->pos, s->end, s->has_dependency, &e))
        return stop(w, SEEP_EVTX_MALFORMED);
    if (!spend(w, e.content - s->pos))
        return false;
    if (e.dependency < s->values.count &&
        (!spend(w, e.dependency) || !seep_evtx_value(&s->values, e.dependency, &value) ||
         value.type == SEEP_EVTX_TYPE_NULL)) {
        s->pos = e.end;
        return w->result == SEEP_EVTX_READ;
    }
    if (w->n_open == 1 && seep_evtx_is(e.name, "System")) {
        s->pos = e.end;
        return true;
    }
    if (w->n_open == SEEP_MAX_DEPTH)
        return stop(w, SEEP_EVTX_TOO_DEEP);
    if (!element_node(w, s, &e, &node))
        return false;
    if (w->n_open)
        w->open[w->n_open - 1].has_children = true;
    w->open[w->n_open++] = (struct open){ .node = node, .text = w->f->text.len };
    s->pos = e.content;
    return e.empty ? close_element(w) : true;
}

static bool open_template(struct walk *w, struct stream *s)
{
    struct seep_evtx_template t;
    if (!seep_evtx_template(w->chunk, s->pos, s->end, &t))
        return stop(w, SEEP_EVTX_MALFORMED);
    size_t end;
    if (!spend(w, t.values.count + 16u))
        return false;
    if (!seep_evtx_values_end(w->chunk, &t.values, &end))
        return stop(w, SEEP_EVTX_MALFORMED);
    t.values.data.len = end - (size_t)(t.values.data.data - w->chunk.data);
    s->pos = end;
    size_t body = t.body;
    seep_evtx_skip_fragment(w->chunk, &body, t.body_end);
    return push_stream(w, body, t.body_end, &t.values, true);
}

static bool skip_instruction(struct walk *w, struct stream *s, unsigned token)
{
    struct seep_bytes name;
    size_t pos = s->pos + 1;
    if (token == SEEP_EVTX_PI_TARGET) {
        if (!seep_evtx_name_reference(w->chunk, &pos, s->end, &name))
            return stop(w, SEEP_EVTX_MALFORMED);
    } else {
        size_t len = s->end - pos < 2 ? SIZE_MAX : (size_t)seep_le16(w->chunk.data + pos) * 2;
        if (len == SIZE_MAX || len > s->end - pos - 2)
            return stop(w, SEEP_EVTX_MALFORMED);
        pos += 2 + len;
    }
    bool ok = spend(w, pos - s->pos);
    s->pos = pos;
    return ok;
}

// One token of the innermost stream.
static bool step(struct walk *w, struct stream *s)
{
    unsigned token = w->chunk.data[s->pos] & ~(unsigned)SEEP_EVTX_MORE;
    if (!spend(w, 1))
        return false;
    switch (token) {
    case SEEP_EVTX_EOF:
        s->end = s->pos;
        return true;
    case SEEP_EVTX_OPEN_START:
        return open_element(w, s);
    case SEEP_EVTX_END:
        s->pos++;
        return close_element(w);
    case SEEP_EVTX_TEXT:
    case SEEP_EVTX_CDATA:
    case SEEP_EVTX_CHAR_REF:
    case SEEP_EVTX_ENTITY_REF: {
        size_t pos = s->pos;
        bool ok = begin_text(w) && text_piece(w, &pos, s->end);
        s->pos = pos;
        return ok;
    }
    case SEEP_EVTX_SUBSTITUTION:
    case SEEP_EVTX_OPTIONAL: {
        if (s->end - s->pos < 4)
            return stop(w, SEEP_EVTX_MALFORMED);
        size_t pos = s->pos;
        s->pos += 4;
        return add_substitution(w, s, pos);
    }
    case SEEP_EVTX_TEMPLATE:
        return open_template(w, s);
    case SEEP_EVTX_FRAGMENT: {
        size_t pos = s->pos;
        seep_evtx_skip_fragment(w->chunk, &s->pos, s->end);
        return s->pos != pos || stop(w, SEEP_EVTX_MALFORMED);
    }
    case SEEP_EVTX_PI_TARGET:
    case SEEP_EVTX_PI_DATA:
        return skip_instruction(w, s, token);
    default:
        return stop(w, SEEP_EVTX_MALFORMED);
    }
}

static void walk(struct walk *w)
{
    while (w->n_streams && w->result == SEEP_EVTX_READ) {
        struct stream *s = &w->streams[w->n_streams - 1];
        if (s->pos < s->end) {
            (void)step(w, s);
            continue;
        }
        if (w->n_open > s->n_open)
            (void)stop(w, SEEP_EVTX_MALFORMED);
        w->n_streams--;
    }
    // What was open when it ended badly is closed, so that its values are not lost.
    if (w->n_open) {
        w->n_streams = 1;
        w->streams[0].n_open = 0;
        enum seep_evtx_result result = w->result;
        w->result = SEEP_EVTX_READ;
        while (w->n_open && w->open[w->n_open - 1].n_items == 0)
            w->n_open--;
        while (w->n_open && close_element(w))
            continue;
        w->result = result;
    }
}

static char *node_path(struct seep_evtx_fields *f, uint32_t node)
{
    size_t at = f->nodes[node].path_len;
    char *path = seep_arena_alloc(&f->arena, at + 1, 1);
    if (!path)
        return NULL;
    for (uint32_t n = node; n; n = f->nodes[n].parent) {
        size_t len = strlen(f->nodes[n].name);
        at -= len;
        memcpy(path + at, f->nodes[n].name, len);
        if (at)
            path[--at] = '/';
    }
    return path;
}

static bool add_rows(struct walk *w, uint32_t node)
{
    struct seep_evtx_fields *f = w->f;
    char *path = NULL;
    for (uint32_t c = f->nodes[node].first_cell; c; c = f->cells[c].next) {
        if (!path) {
            if (!spend(w, f->nodes[node].path_len))
                return false;
            path = node_path(f, node);
        }
        if (!path || !seep_grow(&f->rows, &f->rows_capacity, f->n_rows + 1, sizeof *f->rows))
            return stop(w, SEEP_EVTX_NO_MEMORY);
        f->rows[f->n_rows] = f->cells[c].field;
        f->rows[f->n_rows++].path = path;
    }
    return true;
}

// The tree in its order, without recursion: down, else on, else up and on.
static void write_rows(struct walk *w)
{
    struct seep_evtx_fields *f = w->f;
    uint32_t at = f->nodes[0].first_child;
    while (at && add_rows(w, at)) {
        if (f->nodes[at].first_child) {
            at = f->nodes[at].first_child;
            continue;
        }
        while (at && !f->nodes[at].next)
            at = f->nodes[at].parent;
        at = at ? f->nodes[at].next : 0;
    }
}

enum seep_evtx_result seep_evtx_fields_read(struct seep_evtx_fields *f, struct seep_bytes chunk,
                                            size_t pos, size_t limit, uint64_t *work)
{
    static const struct seep_evtx_values none = { 0 };
    struct walk w = { .f = f, .chunk = chunk, .work = work };
    seep_arena_clear(&f->arena);
    seep_buf_reset(&f->text);
    f->n_rows = 0;
    f->n_cells = 1;
    f->n_nodes = 1;
    f->sound = true;
    if (limit > chunk.len || pos > limit)
        return SEEP_EVTX_MALFORMED;
    if (!seep_grow(&f->nodes, &f->nodes_capacity, 1, sizeof *f->nodes) ||
        !seep_grow(&f->cells, &f->cells_capacity, 1, sizeof *f->cells))
        return SEEP_EVTX_NO_MEMORY;
    f->nodes[0] = (struct seep_evtx_node){ .name = "" };
    seep_evtx_skip_fragment(chunk, &pos, limit);
    if (push_stream(&w, pos, limit, &none, seep_evtx_has_dependency(chunk, pos, limit)))
        walk(&w);
    // What was read is written even when the work for reading is used up.
    uint64_t left = *work > WRITE_WORK ? *work : WRITE_WORK;
    w.work = &left;
    write_rows(&w);
    *work = *work < left ? *work : left;
    return w.result;
}

void seep_evtx_fields_clear(struct seep_evtx_fields *f)
{
    seep_arena_clear(&f->arena);
    seep_buf_clear(&f->text);
    seep_buf_clear(&f->scratch);
    seep_free(f->nodes);
    seep_free(f->cells);
    seep_free(f->rows);
    *f = (struct seep_evtx_fields){ 0 };
}
