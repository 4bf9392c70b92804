// SPDX-License-Identifier: MIT
// Source lines and inlined calls of a PDB's modules (the tables that CodeView calls C13).
#include "symbols/pdb_internal.h"

#include "base/alloc.h"

#include <stdlib.h>

enum {
    DEBUG_S_LINES = 0xf2,
    DEBUG_S_FILECHKSMS = 0xf4,
    DEBUG_S_INLINEELINES = 0xf6,
    LINES_HAVE_COLUMNS = 1,
    INLINEES_HAVE_FILES = 1,
    LF_FUNC_ID = 0x1601,
    LF_MFUNC_ID = 0x1602,
    LF_STRING_ID = 0x1605,
    NAMES_HEAD = 12,
    // lines that a debugger is told to step over
    LINE_HIDDEN = 0xfeefee,
    LINE_NEVER = 0xf00f00,
};

// What inlined functions' names may take, in bytes for each byte of the file: a hostile file can
// repeat one long name of a class before each of many short names.
enum { NAMES_PER_BYTE = 8 };

bool seep_pdb_open_names(struct seep_pdb_reading *r)
{
    struct seep_bytes all;
    if (!seep_msf_some(&r->pdb->msf, r->pdb->names, 0, UINT32_MAX, &r->names_scratch, &all))
        return seep_pdb_no_memory(&r->loss);
    r->names = seep_bytes_part(all, NAMES_HEAD < all.len ? NAMES_HEAD : all.len, all.len);
    r->name_left = (uint64_t)r->pdb->msf.file.len * NAMES_PER_BYTE;
    return true;
}

void seep_pdb_reading_clear(struct seep_pdb_reading *r)
{
    seep_msf_scratch_clear(&r->names_scratch);
    seep_msf_scratch_clear(&r->record_scratch);
    seep_msf_scratch_clear(&r->class_scratch);
    seep_msf_scratch_clear(&r->stream_scratch);
    seep_buf_clear(&r->name);
    seep_free(r->files.slots);
    seep_free(r->seen.slots);
    seep_free(r->inlinees);
}

// The slot of a key in a map, or a free one where it is not there; NULL only when memory is out.
static struct seep_pdb_slot *slot_of(struct seep_pdb_map *map, uint64_t key)
{
    if (map->count >= map->n_slots / 2) {
        struct seep_pdb_map grown = { .n_slots = map->n_slots ? map->n_slots * 2 : 64 };
        grown.slots = seep_alloc(grown.n_slots, sizeof *grown.slots);
        if (!grown.slots)
            return NULL;
        for (size_t i = 0; i < map->n_slots; i++) {
            if (map->slots[i].key)
                *slot_of(&grown, map->slots[i].key) = map->slots[i];
        }
        grown.count = map->count;
        seep_free(map->slots);
        *map = grown;
    }
    size_t mask = map->n_slots - 1;
    size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 29) & mask;
    while (map->slots[at].key && map->slots[at].key != key)
        at = (at + 1) & mask;
    return &map->slots[at];
}

bool seep_pdb_file_of(struct seep_pdb_reading *r, uint32_t checksum, uint32_t *file)
{
    *file = SEEP_NO_FILE;
    if (!seep_bytes_has(r->checksums, checksum, 4))
        return true;
    uint32_t name = seep_le32(r->checksums.data + checksum);
    // Each name begins where another one ends.
    if (name >= r->names.len || (name && r->names.data[name - 1]))
        return true;
    struct seep_pdb_slot *slot = slot_of(&r->files, (uint64_t)name + 1);
    if (!slot)
        return seep_pdb_no_memory(&r->loss);
    if (!slot->key) {
        if (!seep_symbol_builder_file(r->builder, (const char *)r->names.data + name,
                                      r->names.len - name, &slot->value))
            return seep_pdb_no_memory(&r->loss);
        slot->key = (uint64_t)name + 1;
        r->files.count++;
    }
    *file = slot->value;
    return true;
}

// Whether lines of this code are there already: functions of equal code share one address.
static bool is_new(struct seep_pdb_reading *r, uint32_t rva, uint32_t size, bool *is)
{
    uint64_t key = (uint64_t)rva << 32 | size;
    struct seep_pdb_slot *slot = key ? slot_of(&r->seen, key) : NULL;
    if (key && !slot)
        return seep_pdb_no_memory(&r->loss);
    *is = key && !slot->key;
    if (*is) {
        slot->key = key;
        r->seen.count++;
    }
    return true;
}

// The lines of one file in a contribution to a section.
static bool read_block(struct seep_pdb_reading *r, struct seep_cursor lines, uint32_t file,
                       uint32_t rva, uint32_t size)
{
    while (seep_cursor_left(&lines) >= 8) {
        uint32_t offset = seep_cursor_u32(&lines), line = seep_cursor_u32(&lines) & 0xffffff;
        bool hidden = line == LINE_HIDDEN || line == LINE_NEVER;
        if (offset >= size || offset > UINT32_MAX - rva)
            continue;
        // It ends where the next one begins; the table cuts it there.
        if (!seep_symbol_builder_line(r->builder, rva + offset, size - offset,
                                      hidden ? SEEP_NO_FILE : file, hidden ? 0 : line))
            return seep_pdb_no_memory(&r->loss);
    }
    return true;
}

static bool read_lines(struct seep_pdb_reading *r, struct seep_bytes bytes)
{
    struct seep_cursor c = seep_cursor(bytes);
    uint32_t offset = seep_cursor_u32(&c), section = seep_cursor_u16(&c);
    bool columns = seep_cursor_u16(&c) & LINES_HAVE_COLUMNS;
    uint32_t size = seep_cursor_u32(&c), rva;
    bool new = false;
    if (c.failed || !seep_pdb_rva(r->pdb, section, offset, &rva))
        return true;
    if (!is_new(r, rva, size, &new))
        return false;
    while (new &&seep_cursor_left(&c) >= 12) {
        uint32_t checksum = seep_cursor_u32(&c), n = seep_cursor_u32(&c), file;
        uint32_t block_bytes = seep_cursor_u32(&c);
        uint32_t per_line = columns ? 12 : 8;
        if (block_bytes < 12 || n > (block_bytes - 12) / per_line)
            c.failed = true;
        struct seep_bytes block = seep_cursor_take(&c, block_bytes - 12);
        if (c.failed)
            break;
        if (!seep_pdb_file_of(r, checksum, &file) ||
            !read_block(r, seep_cursor(seep_bytes_part(block, 0, (size_t)n * 8)), file, rva, size))
            return false;
    }
    if (c.failed)
        seep_pdb_lose(&r->loss, "the PDB is damaged: lines of a module are missing");
    return true;
}

static int by_id(const void *left, const void *right)
{
    const struct seep_pdb_inlinee *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

static bool read_inlinees(struct seep_pdb_reading *r, struct seep_bytes bytes)
{
    struct seep_cursor c = seep_cursor(bytes);
    uint32_t form = seep_cursor_u32(&c);
    while (seep_cursor_left(&c) >= 12) {
        struct seep_pdb_inlinee one = { .id = seep_cursor_u32(&c) };
        one.checksum = seep_cursor_u32(&c);
        one.line = seep_cursor_u32(&c);
        if (form == INLINEES_HAVE_FILES) {
            uint32_t n = seep_cursor_u32(&c);
            if (!seep_cursor_fits(&c, n, 4))
                break;
            seep_cursor_skip(&c, (size_t)n * 4);
        }
        if (!seep_grow(&r->inlinees, &r->inlinees_capacity, r->n_inlinees + 1, sizeof *r->inlinees))
            return seep_pdb_no_memory(&r->loss);
        r->inlinees[r->n_inlinees++] = one;
    }
    return true;
}

// The next subsection: its kind and its bytes, aligned to 4.
static bool next_subsection(struct seep_cursor *c, uint32_t *kind, struct seep_bytes *body)
{
    if (seep_cursor_left(c) < 8)
        return false;
    *kind = seep_cursor_u32(c);
    uint32_t len = seep_cursor_u32(c);
    *body = seep_cursor_take(c, len);
    if (c->failed)
        return false;
    size_t pad = (4 - len % 4) % 4;
    seep_cursor_skip(c, pad < seep_cursor_left(c) ? pad : seep_cursor_left(c));
    return true;
}

bool seep_pdb_read_c13(struct seep_pdb_reading *r, struct seep_bytes c13)
{
    struct seep_cursor c = seep_cursor(c13);
    struct seep_bytes body;
    uint32_t kind;
    r->checksums = (struct seep_bytes){ 0 };
    r->n_inlinees = 0;
    while (next_subsection(&c, &kind, &body)) {
        if (kind == DEBUG_S_FILECHKSMS)
            r->checksums = body;
        else if (kind == DEBUG_S_INLINEELINES && r->parts & SEEP_PDB_INLINE &&
                 !read_inlinees(r, body))
            return false;
    }
    if (c.failed)
        seep_pdb_lose(&r->loss, "the PDB is damaged: lines of a module are missing");
    if (r->n_inlinees > 1)
        qsort(r->inlinees, r->n_inlinees, sizeof *r->inlinees, by_id);
    c = seep_cursor(c13);
    while (r->parts & SEEP_PDB_LINES && next_subsection(&c, &kind, &body)) {
        if (kind == DEBUG_S_LINES && !read_lines(r, body))
            return false;
    }
    return true;
}

// Puts the name of an inlined function into `r->name`: with its class or namespace.
static bool name_inlinee(struct seep_pdb_reading *r, uint32_t id)
{
    struct seep_pdb_record record, scope;
    seep_buf_reset(&r->name);
    if (!seep_pdb_find(r->pdb, &r->pdb->ids, id, &r->record_scratch, &record) ||
        (record.kind != LF_FUNC_ID && record.kind != LF_MFUNC_ID))
        return false;
    struct seep_cursor c = seep_cursor(record.body);
    uint32_t parent = seep_cursor_u32(&c);
    (void)seep_cursor_u32(&c); // type
    struct seep_bytes name = seep_pdb_name(&c, false), of = { 0 };
    if (c.failed || !name.len)
        return false;
    struct seep_pdb_udt udt;
    if (record.kind == LF_MFUNC_ID &&
        seep_pdb_find(r->pdb, &r->pdb->types, parent, &r->class_scratch, &scope) &&
        seep_pdb_udt(&scope, &udt)) {
        of = udt.name;
    } else if (record.kind == LF_FUNC_ID && parent &&
               seep_pdb_find(r->pdb, &r->pdb->ids, parent, &r->class_scratch, &scope) &&
               scope.kind == LF_STRING_ID) {
        struct seep_cursor s = seep_cursor(scope.body);
        (void)seep_cursor_u32(&s);
        of = seep_pdb_name(&s, false);
    }
    if (of.len && of.len + name.len <= r->name_left) {
        seep_buf_add(&r->name, of.data, of.len);
        seep_buf_adds(&r->name, "::");
        r->name_left -= of.len + name.len;
    }
    seep_buf_add(&r->name, name.data, name.len);
    return true;
}

// A number of 7, 14 or 29 bits, the high bits of its first byte saying which.
static uint32_t annotation(struct seep_cursor *c)
{
    uint32_t first = seep_cursor_u8(c);
    if (!(first & 0x80))
        return first;
    uint32_t second = seep_cursor_u8(c);
    if (!(first & 0x40))
        return (first & 0x3f) << 8 | second;
    if (first & 0x20)
        c->failed = true;
    uint32_t third = seep_cursor_u8(c), fourth = seep_cursor_u8(c);
    return (first & 0x1f) << 24 | second << 16 | third << 8 | fourth;
}

// A number with its sign in the lowest bit.
static uint32_t signed_annotation(uint32_t value)
{
    return value & 1 ? 0 - (value >> 1) : value >> 1;
}

enum annotation_code {
    CODE_OFFSET = 1,
    CODE_OFFSET_BASE,
    CHANGE_CODE_OFFSET,
    CODE_LENGTH,
    CHANGE_FILE,
    LINE_OFFSET,
    LINE_END_DELTA,
    RANGE_KIND,
    COLUMN_START,
    COLUMN_END_DELTA,
    CODE_AND_LINE_OFFSET,
    CODE_LENGTH_AND_OFFSET,
    COLUMN_END,
};

// An inlined call while its annotations are being read: they walk through its code.
struct inlined {
    struct seep_pdb_reading *r;
    uint32_t depth, rva, size; // of the procedure
    uint32_t offset;           // from the procedure's start
    uint32_t file, line;
    bool open; // a range has begun, at `start`, of the file and line below
    uint32_t start, start_file, start_line;
};

static bool close_range(struct inlined *in, uint32_t end)
{
    if (!in->open)
        return true;
    in->open = false;
    if (end > in->size)
        end = in->size;
    if (end <= in->start || in->start > UINT32_MAX - in->rva)
        return true;
    return seep_symbol_builder_inline(in->r->builder, in->rva + in->start, end - in->start,
                                      in->depth, in->r->name.data, in->r->name.len, in->start_file,
                                      in->start_line) ||
           seep_pdb_no_memory(&in->r->loss);
}

static bool move_to(struct inlined *in, uint32_t offset)
{
    if (!close_range(in, offset))
        return false;
    in->offset = in->start = offset;
    in->start_file = in->file;
    in->start_line = in->line;
    in->open = true;
    return true;
}

static bool end_after(struct inlined *in, uint32_t length)
{
    if (!close_range(in, in->offset + length))
        return false;
    in->offset += length;
    return true;
}

static bool apply(struct inlined *in, struct seep_cursor *c, uint32_t code)
{
    uint32_t value = annotation(c), length;
    switch (code) {
    case CODE_OFFSET:
        return move_to(in, value);
    case CODE_OFFSET_BASE: // code apart from the procedure: it is not known where
        c->failed = true;
        return true;
    case CHANGE_CODE_OFFSET:
        return move_to(in, in->offset + value);
    case CODE_LENGTH:
        return end_after(in, value);
    case CHANGE_FILE:
        return seep_pdb_file_of(in->r, value, &in->file);
    case LINE_OFFSET:
        in->line += signed_annotation(value);
        return true;
    case CODE_AND_LINE_OFFSET:
        in->line += signed_annotation(value >> 4);
        return move_to(in, in->offset + (value & 15));
    case CODE_LENGTH_AND_OFFSET: // the next offset counts from this range's start, not its end
        length = value;
        return move_to(in, in->offset + annotation(c)) && close_range(in, in->offset + length);
    default: // columns, ends of lines and kinds of ranges
        return true;
    }
}

bool seep_pdb_read_inline(struct seep_pdb_reading *r, struct seep_bytes body, bool counted,
                          uint32_t depth, uint32_t rva, uint32_t size_bytes)
{
    struct seep_cursor c = seep_cursor(body);
    seep_cursor_skip(&c, 8);
    uint32_t id = seep_cursor_u32(&c);
    if (counted)
        (void)seep_cursor_u32(&c); // how often the call was taken
    struct inlined in = { .r = r, .depth = depth, .rva = rva, .size = size_bytes };
    in.file = SEEP_NO_FILE;
    if (c.failed || !name_inlinee(r, id))
        return true;
    if (r->name.failed)
        return seep_pdb_no_memory(&r->loss);
    struct seep_pdb_inlinee key = { .id = id };
    const struct seep_pdb_inlinee *at =
        r->n_inlinees ? bsearch(&key, r->inlinees, r->n_inlinees, sizeof key, by_id) : NULL;
    if (at) {
        in.line = at->line;
        if (!seep_pdb_file_of(r, at->checksum, &in.file))
            return false;
    }
    while (seep_cursor_left(&c)) {
        uint32_t code = annotation(&c);
        if (c.failed || !code) // the rest is padding
            break;
        if (!apply(&in, &c, code))
            return false;
    }
    return close_range(&in, size_bytes);
}
