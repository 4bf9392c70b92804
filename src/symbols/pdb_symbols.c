// SPDX-License-Identifier: MIT
// Symbols of a PDB: what is public, and what each module says of its own.
#include "symbols/pdb_internal.h"

#include "base/alloc.h"
#include "symbols/table_build.h"

#include <stdlib.h>

// Kinds of records; those named *_ST have the length of a name before it.
enum {
    S_END = 0x0006,
    S_PUB32_ST = 0x1009,
    S_LDATA32_ST = 0x1007,
    S_GDATA32_ST = 0x1008,
    S_LPROC32_ST = 0x100a,
    S_GPROC32_ST = 0x100b,
    S_THUNK32_ST = 0x0206,
    S_THUNK32 = 0x1102,
    S_LDATA32 = 0x110c,
    S_GDATA32 = 0x110d,
    S_PUB32 = 0x110e,
    S_LPROC32 = 0x110f,
    S_GPROC32 = 0x1110,
    S_TRAMPOLINE = 0x112c,
    S_SEPCODE = 0x1132,
    S_LPROC32_ID = 0x1146,
    S_GPROC32_ID = 0x1147,
    S_INLINESITE = 0x114d,
    S_INLINESITE_END = 0x114e,
    S_LPROC32_DPC = 0x1155,
    S_LPROC32_DPC_ID = 0x1156,
    S_INLINESITE2 = 0x115d,
};

enum {
    PUBLICS_HEAD = 28, // of the stream of publics, before its hash
    HASH_HEAD = 16,
    HASH_RECORD = 8,
    OMAP_ENTRY = 8,
};

#define OMAP_NOWHERE UINT32_C(0x80000000)

static bool add(struct seep_pdb_reading *r, enum seep_symbol_kind kind, uint32_t section,
                uint32_t offset, uint32_t size, struct seep_bytes name)
{
    uint32_t rva;
    // Section 0 is what the linker threw away; absolute symbols lie above the last one.
    if (!seep_pdb_rva(r->pdb, section, offset, &rva))
        return true;
    return seep_symbol_builder_add(r->builder, kind, rva, size, (const char *)name.data,
                                   name.len) ||
           seep_pdb_no_memory(&r->loss);
}

// A public or a variable: 32 bits of flags or type, then place and name.
static bool add_place(struct seep_pdb_reading *r, struct seep_bytes body,
                      enum seep_symbol_kind kind, bool counted)
{
    struct seep_cursor c = seep_cursor(body);
    seep_cursor_skip(&c, 4);
    uint32_t offset = seep_cursor_u32(&c);
    uint32_t section = seep_cursor_u16(&c);
    struct seep_bytes name = seep_pdb_name(&c, counted);
    if (!c.failed)
        return add(r, kind, section, offset, 0, name);
    seep_pdb_lose(&r->loss, "the PDB is damaged: a symbol is cut off");
    return true;
}

// Symbols that stand in the stream that all modules share.
static bool add_shared(struct seep_pdb_reading *r, const struct seep_pdb_record *record)
{
    switch (record->kind) {
    case S_PUB32:
    case S_PUB32_ST:
        return add_place(r, record->body, SEEP_SYMBOL_PUBLIC, record->kind == S_PUB32_ST);
    case S_GDATA32:
    case S_LDATA32:
    case S_GDATA32_ST:
    case S_LDATA32_ST:
        return add_place(r, record->body, SEEP_SYMBOL_DATA,
                         record->kind == S_GDATA32_ST || record->kind == S_LDATA32_ST);
    default:
        return true;
    }
}

static int by_number(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

// The offsets of the records that a hash of symbols knows, sorted: an incremental linker leaves
// others behind that are no longer true. False when memory is out; `*offsets` is NULL where there
// is no such hash.
static bool hashed(struct seep_pdb_reading *r, uint32_t stream, uint32_t at, uint32_t **offsets,
                   size_t *count)
{
    const struct seep_msf *msf = &r->pdb->msf;
    struct seep_bytes bytes;
    *offsets = NULL;
    if (!seep_msf_get(msf, stream, at, HASH_HEAD, &r->stream_scratch, &bytes) ||
        seep_le32(bytes.data) != UINT32_MAX)
        return true;
    uint32_t size = seep_le32(bytes.data + 8);
    if (!seep_msf_some(msf, stream, at + HASH_HEAD, size, &r->stream_scratch, &bytes))
        return seep_pdb_no_memory(&r->loss);
    size_t n = bytes.len / HASH_RECORD;
    if (bytes.len < size)
        seep_pdb_lose(&r->loss, "the PDB is damaged or cut off: the list of symbols ends early");
    if (!n)
        return true;
    uint32_t *list = seep_alloc(n, sizeof *list);
    if (!list)
        return seep_pdb_no_memory(&r->loss);
    for (size_t i = 0; i < n; i++)
        list[i] = seep_le32(bytes.data + i * HASH_RECORD);
    qsort(list, n, sizeof *list, by_number);
    *offsets = list;
    *count = n;
    return true;
}

static bool read_hashed(struct seep_pdb_reading *r, const uint32_t *offsets, size_t count)
{
    struct seep_pdb_record record;
    uint32_t end = 0; // of the last record: none begins within another
    for (size_t i = 0; i < count; i++) {
        // counted from 1, as 0 would be none
        uint32_t offset = offsets[i] - 1;
        if (!offsets[i] || (i && offsets[i] == offsets[i - 1]))
            continue;
        if (offset < end || !seep_pdb_next_record(&r->pdb->msf, r->pdb->records, &offset,
                                                  UINT32_MAX, &r->record_scratch, &record))
            seep_pdb_lose(&r->loss, "the PDB is damaged or cut off: symbols are missing");
        else if (!add_shared(r, &record))
            return false;
        else
            end = offset;
    }
    return true;
}

static bool read_all_shared(struct seep_pdb_reading *r)
{
    struct seep_pdb_record record;
    uint32_t size = seep_msf_size(&r->pdb->msf, r->pdb->records), offset = 0;
    while (seep_pdb_next_record(&r->pdb->msf, r->pdb->records, &offset, size, &r->record_scratch,
                                &record)) {
        if (!add_shared(r, &record))
            return false;
    }
    if (offset < size)
        seep_pdb_lose(&r->loss, "the PDB is damaged or cut off: symbols are missing");
    return true;
}

static bool read_shared(struct seep_pdb_reading *r)
{
    uint32_t *publics = NULL, *globals = NULL;
    size_t n_publics = 0, n_globals = 0;
    bool done = hashed(r, r->pdb->publics, PUBLICS_HEAD, &publics, &n_publics) &&
                hashed(r, r->pdb->globals, 0, &globals, &n_globals);
    if (done && !publics)
        done = read_all_shared(r);
    else if (done)
        done = read_hashed(r, publics, n_publics) && read_hashed(r, globals, n_globals);
    seep_free(publics);
    seep_free(globals);
    return done;
}

// The procedure whose records are being read.
struct procedure {
    bool there;
    uint32_t rva, size;
    uint32_t depth; // of inlined calls that are open
};

static bool add_procedure(struct seep_pdb_reading *r, struct seep_bytes body, bool counted,
                          struct procedure *p)
{
    struct seep_cursor c = seep_cursor(body);
    seep_cursor_skip(&c, 12);
    uint32_t size = seep_cursor_u32(&c);
    seep_cursor_skip(&c, 12);
    uint32_t offset = seep_cursor_u32(&c);
    uint32_t section = seep_cursor_u16(&c);
    seep_cursor_skip(&c, 1);
    struct seep_bytes name = seep_pdb_name(&c, counted);
    *p = (struct procedure){ 0 };
    if (c.failed) {
        seep_pdb_lose(&r->loss, "the PDB is damaged: a procedure is cut off");
        return true;
    }
    p->there = seep_pdb_rva(r->pdb, section, offset, &p->rva);
    p->size = size;
    return add(r, SEEP_SYMBOL_PROCEDURE, section, offset, size, name);
}

static bool add_thunk(struct seep_pdb_reading *r, struct seep_bytes body, bool counted)
{
    struct seep_cursor c = seep_cursor(body);
    seep_cursor_skip(&c, 12);
    uint32_t offset = seep_cursor_u32(&c);
    uint32_t section = seep_cursor_u16(&c);
    uint32_t size = seep_cursor_u16(&c);
    seep_cursor_skip(&c, 1);
    struct seep_bytes name = seep_pdb_name(&c, counted);
    return c.failed || add(r, SEEP_SYMBOL_PROCEDURE, section, offset, size, name);
}

static bool add_trampoline(struct seep_pdb_reading *r, struct seep_bytes body)
{
    struct seep_cursor c = seep_cursor(body);
    (void)seep_cursor_u16(&c); // kind
    uint32_t size = seep_cursor_u16(&c);
    uint32_t offset = seep_cursor_u32(&c), target_offset = seep_cursor_u32(&c);
    uint32_t section = seep_cursor_u16(&c), target_section = seep_cursor_u16(&c);
    uint32_t rva, target;
    if (c.failed || !seep_pdb_rva(r->pdb, section, offset, &rva) ||
        !seep_pdb_rva(r->pdb, target_section, target_offset, &target))
        return true;
    return seep_symbol_builder_thunk(r->builder, rva, size, target) || seep_pdb_no_memory(&r->loss);
}

static bool add_separate(struct seep_pdb_reading *r, struct seep_bytes body)
{
    struct seep_cursor c = seep_cursor(body);
    seep_cursor_skip(&c, 8);
    uint32_t size = seep_cursor_u32(&c);
    (void)seep_cursor_u32(&c); // flags
    uint32_t offset = seep_cursor_u32(&c), parent_offset = seep_cursor_u32(&c);
    uint32_t section = seep_cursor_u16(&c), parent_section = seep_cursor_u16(&c);
    uint32_t rva, parent;
    if (c.failed || !seep_pdb_rva(r->pdb, section, offset, &rva) ||
        !seep_pdb_rva(r->pdb, parent_section, parent_offset, &parent))
        return true;
    return seep_symbol_builder_part(r->builder, rva, size, parent) || seep_pdb_no_memory(&r->loss);
}

static bool add_of_module(struct seep_pdb_reading *r, const struct seep_pdb_record *record,
                          struct procedure *p)
{
    switch (record->kind) {
    case S_GPROC32:
    case S_LPROC32:
    case S_GPROC32_ID:
    case S_LPROC32_ID:
    case S_LPROC32_DPC:
    case S_LPROC32_DPC_ID:
        return add_procedure(r, record->body, false, p);
    case S_GPROC32_ST:
    case S_LPROC32_ST:
        return add_procedure(r, record->body, true, p);
    case S_THUNK32:
    case S_THUNK32_ST:
        return add_thunk(r, record->body, record->kind == S_THUNK32_ST);
    case S_TRAMPOLINE:
        return add_trampoline(r, record->body);
    case S_SEPCODE:
        *p = (struct procedure){ 0 };
        return add_separate(r, record->body);
    case S_INLINESITE:
    case S_INLINESITE2:
        p->depth++;
        if (!p->there || !(r->parts & SEEP_PDB_INLINE) || p->depth > SEEP_MAX_INLINED)
            return true;
        return seep_pdb_read_inline(r, record->body, record->kind == S_INLINESITE2, p->depth,
                                    p->rva, p->size);
    case S_INLINESITE_END:
        p->depth -= p->depth > 0;
        return true;
    default:
        return add_shared(r, record);
    }
}

static bool read_module(struct seep_pdb_reading *r, const struct seep_pdb_module *m)
{
    uint64_t wanted = (uint64_t)m->symbol_bytes + m->c11_bytes + m->c13_bytes;
    struct seep_bytes all;
    if (!seep_msf_some(&r->pdb->msf, m->stream, 0,
                       wanted > UINT32_MAX ? UINT32_MAX : (uint32_t)wanted, &r->stream_scratch,
                       &all))
        return seep_pdb_no_memory(&r->loss);
    if (all.len < wanted)
        seep_pdb_lose(&r->loss, "the PDB is damaged or cut off: symbols of a module are missing");
    if (r->parts && m->c13_bytes) {
        uint64_t at = (uint64_t)m->symbol_bytes + m->c11_bytes;
        struct seep_bytes c13 =
            seep_bytes_part(all, at > all.len ? all.len : (size_t)at, m->c13_bytes);
        if (!seep_pdb_read_c13(r, c13))
            return false;
    }
    struct seep_bytes symbols = seep_bytes_part(all, 0, m->symbol_bytes);
    struct seep_cursor c = seep_cursor(symbols);
    seep_cursor_skip(&c, symbols.len < 4 ? symbols.len : 4); // the signature
    struct procedure p = { 0 };
    struct seep_pdb_record record;
    while (seep_pdb_take_record(&c, &record)) {
        if (!add_of_module(r, &record, &p))
            return false;
    }
    if (c.failed)
        seep_pdb_lose(&r->loss, "the PDB is damaged: a module's symbols end early");
    return true;
}

static bool read_omap(struct seep_pdb_reading *r, uint32_t stream, bool to_source)
{
    struct seep_bytes all;
    if (!seep_msf_some(&r->pdb->msf, stream, 0, UINT32_MAX, &r->stream_scratch, &all))
        return seep_pdb_no_memory(&r->loss);
    if (all.len < seep_msf_size(&r->pdb->msf, stream))
        seep_pdb_lose(&r->loss, "the PDB is cut off: the map of the reordered image is missing");
    for (size_t at = 0; all.len - at >= OMAP_ENTRY; at += OMAP_ENTRY) {
        uint32_t other = seep_le32(all.data + at + 4);
        // No image has 2 GiB: tools write 0x80000000 for "nowhere", as well as 0.
        if (!seep_symbol_builder_omap(r->builder, to_source, seep_le32(all.data + at),
                                      other >= OMAP_NOWHERE ? 0 : other))
            return seep_pdb_no_memory(&r->loss);
    }
    return true;
}

static bool read_all(struct seep_pdb_reading *r)
{
    struct seep_pdb *pdb = r->pdb;
    for (size_t i = 0; i < pdb->n_sections; i++) {
        if (!seep_symbol_builder_section(r->builder, pdb->sections[i].rva,
                                         pdb->sections[i].size_bytes))
            return seep_pdb_no_memory(&r->loss);
    }
    if (pdb->info.reordered &&
        (!read_omap(r, pdb->omap_to_source, true) || !read_omap(r, pdb->omap_from_source, false)))
        return false;
    if (r->parts && !seep_pdb_open_names(r))
        return false;
    if (r->parts & SEEP_PDB_INLINE &&
        (!seep_pdb_load(pdb, &pdb->ids, &r->loss) || !seep_pdb_load(pdb, &pdb->types, &r->loss)))
        return false;
    if (!read_shared(r))
        return false;
    // A stream is of one module; a hostile list could name a large one again and again.
    uint8_t *used = seep_alloc(pdb->msf.n_streams, 1);
    bool done = used || seep_pdb_no_memory(&r->loss);
    for (size_t i = 0; done && i < pdb->n_modules; i++) {
        uint32_t stream = pdb->modules[i].stream;
        if (!used || stream >= pdb->msf.n_streams || used[stream])
            seep_pdb_lose(&r->loss, "the PDB is damaged: a module's symbols are missing");
        else
            done = (used[stream] = 1) && read_module(r, &pdb->modules[i]);
    }
    seep_free(used);
    return done;
}

enum seep_status seep_pdb_read_symbols(struct seep_pdb *pdb, enum seep_pdb_parts parts,
                                       struct seep_symbol_builder *builder, struct seep_err *err)
{
    struct seep_pdb_reading r = { .pdb = pdb, .parts = parts, .builder = builder };
    if (!pdb->n_sections) {
        seep_fail(err, SEEP_NO_OFFSET, NULL, "the PDB has no sections, so no addresses");
        return SEEP_FAILED;
    }
    if (pdb->msf.damaged) {
        r.loss.lost = true;
        r.loss.err = pdb->msf.damage;
    }
    (void)read_all(&r);
    seep_pdb_reading_clear(&r);
    return seep_pdb_status(&r.loss, err);
}
