// SPDX-License-Identifier: MIT
// Opening a PDB: the PDB stream (identity, named streams) and the head of the DBI stream.
#include "symbols/pdb_internal.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    PDB_STREAM = 1,
    TPI_STREAM = 2,
    DBI_STREAM = 3,
    IPI_STREAM = 4,
    DBI_HEAD = 64,
    MODULE_HEAD = 64,
    SECTION_HEAD = 40,
    // of the PDB stream: the file has an IPI stream
    FEATURE_VC110 = 20091201,
    FEATURE_VC140 = 20140508,
};

// Streams that the DBI stream names at its end, by their place there.
enum { DEBUG_OMAP_TO = 3, DEBUG_OMAP_FROM = 4, DEBUG_SECTIONS = 5, DEBUG_ORIGINAL_SECTIONS = 10 };

void seep_pdb_lose(struct seep_pdb_loss *loss, const char *format, ...)
{
    if (loss->lost)
        return;
    char text[SEEP_MAX_MESSAGE / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    seep_fail(&loss->err, SEEP_NO_OFFSET, "copy or download it again", "%s", text);
    loss->lost = true;
}

bool seep_pdb_no_memory(struct seep_pdb_loss *loss)
{
    loss->no_memory = true;
    return false;
}

enum seep_status seep_pdb_status(const struct seep_pdb_loss *loss, struct seep_err *err)
{
    if (loss->no_memory) {
        seep_fail_memory(err);
        return SEEP_FAILED;
    }
    if (loss->lost && err)
        *err = loss->err;
    return loss->lost ? SEEP_PARTIAL : SEEP_OK;
}

bool seep_pdb_rva(const struct seep_pdb *pdb, uint32_t section, uint32_t offset, uint32_t *rva)
{
    if (!section || section > pdb->n_sections)
        return false;
    const struct seep_pdb_section *s = &pdb->sections[section - 1];
    if (offset > UINT32_MAX - s->rva)
        return false;
    *rva = s->rva + offset;
    return true;
}

// A set of bits of a hash table in a file: a count of words, then the words.
static struct seep_bytes take_bits(struct seep_cursor *c)
{
    uint32_t words = seep_cursor_u32(c);
    if (!seep_cursor_fits(c, words, 4))
        c->failed = true;
    return seep_cursor_take(c, c->failed ? 0 : (size_t)words * 4);
}

// The stream of the names of source files, from the table of named streams.
static uint32_t find_named(struct seep_cursor *c, const char *name)
{
    uint32_t text_bytes = seep_cursor_u32(c);
    struct seep_bytes text = seep_cursor_take(c, text_bytes);
    uint32_t count = seep_cursor_u32(c);
    (void)seep_cursor_u32(c); // capacity
    (void)take_bits(c);       // which slots are used
    (void)take_bits(c);       // which were
    uint32_t found = SEEP_MSF_NO_STREAM;
    size_t len = strlen(name) + 1;
    for (uint32_t i = 0; i < count && !c->failed; i++) {
        uint32_t key = seep_cursor_u32(c), value = seep_cursor_u32(c);
        if (!c->failed && seep_bytes_match(text, key, name, len))
            found = value;
    }
    return found;
}

static bool read_info(struct seep_pdb *pdb, bool *has_ids, struct seep_err *err)
{
    struct seep_msf_scratch scratch = { 0 };
    struct seep_bytes all;
    if (!seep_msf_some(&pdb->msf, PDB_STREAM, 0, UINT32_MAX, &scratch, &all)) {
        seep_msf_scratch_clear(&scratch);
        return seep_fail_memory(err);
    }
    struct seep_cursor c = seep_cursor(all);
    (void)seep_cursor_u32(&c); // version of the format
    pdb->info.timestamp = seep_cursor_u32(&c);
    pdb->info.info_age = seep_cursor_u32(&c);
    struct seep_bytes guid = seep_cursor_take(&c, SEEP_GUID_BYTES);
    bool there = guid.data && !c.failed;
    if (there)
        memcpy(pdb->info.guid, guid.data, SEEP_GUID_BYTES);
    pdb->info.age = pdb->info.info_age;
    pdb->names = find_named(&c, "/names");
    while (seep_cursor_left(&c) >= 4) {
        uint32_t feature = seep_cursor_u32(&c);
        if (feature == FEATURE_VC110 || feature == FEATURE_VC140)
            *has_ids = true;
    }
    seep_msf_scratch_clear(&scratch);
    return there || seep_fail(err, SEEP_NO_OFFSET, "copy or download it again",
                              "the PDB is damaged: it does not say to which image it belongs");
}

// Modules: a head of 64 bytes and two names each, aligned to 4.
static bool read_modules(struct seep_pdb *pdb, struct seep_bytes bytes)
{
    struct seep_cursor c = seep_cursor(bytes);
    size_t capacity = 0;
    while (seep_cursor_left(&c) >= MODULE_HEAD) {
        struct seep_pdb_module m = { 0 };
        seep_cursor_skip(&c, 34);
        m.stream = seep_cursor_u16(&c);
        m.symbol_bytes = seep_cursor_u32(&c);
        m.c11_bytes = seep_cursor_u32(&c);
        m.c13_bytes = seep_cursor_u32(&c);
        seep_cursor_skip(&c, MODULE_HEAD - 48);
        (void)seep_pdb_name(&c, false);
        (void)seep_pdb_name(&c, false);
        seep_cursor_skip(&c, (4 - c.pos % 4) % 4);
        if (c.failed)
            break;
        if (m.stream == SEEP_MSF_NO_STREAM)
            continue;
        if (!seep_grow(&pdb->modules, &capacity, pdb->n_modules + 1, sizeof *pdb->modules))
            return false;
        pdb->modules[pdb->n_modules++] = m;
    }
    return true;
}

static bool read_sections(struct seep_pdb *pdb, uint32_t stream)
{
    struct seep_msf_scratch scratch = { 0 };
    struct seep_bytes all;
    bool done = seep_msf_some(&pdb->msf, stream, 0, UINT32_MAX, &scratch, &all);
    size_t n = done ? all.len / SECTION_HEAD : 0;
    if (n) {
        pdb->sections = seep_alloc(n, sizeof *pdb->sections);
        done = pdb->sections != NULL;
    }
    for (size_t i = 0; done && i < n; i++) {
        const uint8_t *head = all.data + i * SECTION_HEAD;
        pdb->sections[i] = (struct seep_pdb_section){ .rva = seep_le32(head + 12),
                                                      .size_bytes = seep_le32(head + 8) };
    }
    pdb->n_sections = done ? n : 0;
    seep_msf_scratch_clear(&scratch);
    return done;
}

// The streams that are named at the end of the DBI stream.
static bool read_debug_streams(struct seep_pdb *pdb, struct seep_bytes bytes)
{
    uint32_t streams[DEBUG_ORIGINAL_SECTIONS + 1];
    struct seep_cursor c = seep_cursor(bytes);
    for (size_t i = 0; i <= DEBUG_ORIGINAL_SECTIONS; i++)
        streams[i] = seep_cursor_left(&c) >= 2 ? seep_cursor_u16(&c) : SEEP_MSF_NO_STREAM;
    pdb->omap_to_source = streams[DEBUG_OMAP_TO];
    pdb->omap_from_source = streams[DEBUG_OMAP_FROM];
    pdb->info.reordered = seep_msf_size(&pdb->msf, pdb->omap_to_source) > 0 &&
                          seep_msf_size(&pdb->msf, pdb->omap_from_source) > 0;
    uint32_t sections = streams[DEBUG_SECTIONS];
    if (pdb->info.reordered && seep_msf_size(&pdb->msf, streams[DEBUG_ORIGINAL_SECTIONS]))
        sections = streams[DEBUG_ORIGINAL_SECTIONS];
    return read_sections(pdb, sections);
}

static bool read_debug(struct seep_pdb *pdb, struct seep_bytes all, struct seep_err *err)
{
    struct seep_cursor c = seep_cursor(all);
    uint32_t signature = seep_cursor_u32(&c);
    if (signature != UINT32_MAX) {
        // The head of Visual C++ 4: only the streams are where we can use them.
        pdb->globals = (uint16_t)signature;
        pdb->publics = (uint16_t)(signature >> 16);
        pdb->records = seep_cursor_u16(&c);
        return true;
    }
    (void)seep_cursor_u32(&c); // version
    uint32_t age = seep_cursor_u32(&c);
    pdb->globals = seep_cursor_u16(&c);
    (void)seep_cursor_u16(&c);
    pdb->publics = seep_cursor_u16(&c);
    (void)seep_cursor_u16(&c);
    pdb->records = seep_cursor_u16(&c);
    (void)seep_cursor_u16(&c);
    uint32_t modules = seep_cursor_u32(&c);
    uint64_t others = 0; // contributions, sections' map, files
    for (int i = 0; i < 3; i++)
        others += seep_cursor_u32(&c);
    others += seep_cursor_u32(&c); // servers of types
    (void)seep_cursor_u32(&c);
    uint32_t debug = seep_cursor_u32(&c);
    others += seep_cursor_u32(&c); // edit and continue
    (void)seep_cursor_u16(&c);     // flags
    uint16_t machine = seep_cursor_u16(&c);
    seep_cursor_skip(&c, 4);
    if (c.failed) // no names, but an identity
        return true;
    pdb->info.age = age;
    pdb->info.machine = machine;
    uint64_t debug_at = DBI_HEAD + (uint64_t)modules + others;
    if (debug_at > all.len)
        debug_at = all.len;
    if (!read_modules(pdb, seep_bytes_part(all, DBI_HEAD, modules)) ||
        !read_debug_streams(pdb, seep_bytes_part(all, (size_t)debug_at, debug)))
        return seep_fail_memory(err);
    return true;
}

struct seep_pdb *seep_pdb_open(struct seep_bytes file, struct seep_err *err)
{
    struct seep_msf_scratch scratch = { 0 };
    struct seep_bytes debug;
    bool has_ids = false;
    struct seep_pdb *pdb = seep_alloc(1, sizeof *pdb);
    if (!pdb) {
        seep_fail_memory(err);
        return NULL;
    }
    pdb->globals = pdb->publics = pdb->records = SEEP_MSF_NO_STREAM;
    pdb->omap_to_source = pdb->omap_from_source = SEEP_MSF_NO_STREAM;
    if (!seep_msf_open(file, &pdb->msf, err))
        goto failed;
    pdb->info.block_size = pdb->msf.block_size;
    if (!read_info(pdb, &has_ids, err))
        goto failed;
    pdb->types.stream = TPI_STREAM;
    pdb->ids.stream = has_ids ? IPI_STREAM : SEEP_MSF_NO_STREAM;
    if (!seep_msf_some(&pdb->msf, DBI_STREAM, 0, UINT32_MAX, &scratch, &debug)) {
        seep_fail_memory(err);
        goto failed;
    }
    if (!read_debug(pdb, debug, err))
        goto failed;
    seep_msf_scratch_clear(&scratch);
    return pdb;
failed:
    seep_msf_scratch_clear(&scratch);
    seep_pdb_close(pdb);
    return NULL;
}

void seep_pdb_close(struct seep_pdb *pdb)
{
    if (!pdb)
        return;
    seep_msf_close(&pdb->msf);
    seep_free(pdb->sections);
    seep_free(pdb->modules);
    seep_free(pdb->types.offsets);
    seep_free(pdb->ids.offsets);
    seep_free(pdb);
}

const struct seep_pdb_info *seep_pdb_info(const struct seep_pdb *pdb)
{
    return &pdb->info;
}

bool seep_pdb_matches(const struct seep_pdb *pdb, const struct seep_pdb_identity *identity)
{
    return seep_guid_known(identity->guid) && identity->age == pdb->info.age &&
           memcmp(identity->guid, pdb->info.guid, SEEP_GUID_BYTES) == 0;
}
