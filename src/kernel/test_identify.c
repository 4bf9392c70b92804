// SPDX-License-Identifier: MIT
// Tests of which kernel a memory holds.
#include "testkit.h"

#include "base/alloc.h"
#include "kernel/identify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE UINT64_C(0xfffff80312200000)

enum { IMAGE_BYTES = 0x1200000, N_PIECES = 8 };

// Memory of a few pieces.
struct pieces {
    struct seep_memory memory;
    struct {
        uint64_t address;
        uint8_t *bytes;
        size_t len;
    } at[N_PIECES];
    size_t n;
};

static struct seep_bytes span(const struct seep_memory *memory, uint64_t address)
{
    const struct pieces *p = (const struct pieces *)memory;
    for (size_t i = 0; i < p->n; i++) {
        if (address >= p->at[i].address && address - p->at[i].address < p->at[i].len) {
            size_t skip = (size_t)(address - p->at[i].address);
            return seep_bytes(p->at[i].bytes + skip, p->at[i].len - skip);
        }
    }
    return seep_bytes(NULL, 0);
}

static bool next(const struct seep_memory *memory, uint64_t address, uint64_t *held)
{
    const struct pieces *p = (const struct pieces *)memory;
    bool found = false;
    for (size_t i = 0; i < p->n; i++) {
        uint64_t start = p->at[i].address;
        if (address > start)
            start = address - start < p->at[i].len ? address : UINT64_MAX;
        if (start != UINT64_MAX && (!found || start < *held)) {
            *held = start;
            found = true;
        }
    }
    return found;
}

static uint8_t *hold(struct pieces *p, uint64_t address, size_t len)
{
    assert_true(p->n < N_PIECES);
    p->memory.span = span;
    p->memory.next = next;
    p->memory.pointer_bytes = 8;
    p->at[p->n].address = address;
    p->at[p->n].len = len;
    p->at[p->n].bytes = calloc(1, len);
    assert_non_null(p->at[p->n].bytes);
    return p->at[p->n++].bytes;
}

static void clear(struct pieces *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->at[i].bytes);
    memset(p, 0, sizeof *p);
}

static void put(uint8_t *to, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

// The headers of a kernel's image, with a debug directory at 0x800 if there is a PDB.
static void image(struct pieces *p, const uint8_t *guid)
{
    uint8_t *at = hold(p, BASE, 0x1000), *pe = at + 0x80, *debug = at + 0x800;
    memcpy(at, "MZ", 2);
    put(at + 0x3c, 4, 0x80);
    memcpy(pe, "PE\0\0", 4);
    put(pe + 4, 2, 0x8664);
    put(pe + 8, 4, 0x0d833706); // time stamp
    put(pe + 20, 2, 0xf0);      // size of the optional header
    put(pe + 24, 2, 0x20b);
    put(pe + 24 + 24, 8, BASE);
    put(pe + 24 + 32, 4, 0x1000);
    put(pe + 24 + 36, 4, 0x200);
    put(pe + 24 + 56, 4, IMAGE_BYTES);
    put(pe + 24 + 60, 4, 0x1000);
    put(pe + 24 + 108, 4, 16);
    if (!guid)
        return;
    put(pe + 24 + 112 + 6 * 8, 4, 0x800);
    put(pe + 24 + 112 + 6 * 8 + 4, 4, 28);
    put(debug + 12, 4, 2);
    put(debug + 16, 4, 24 + 13);
    put(debug + 20, 4, 0x840);
    put(debug + 24, 4, 0x840);
    memcpy(debug + 0x40, "RSDS", 4);
    memcpy(debug + 0x44, guid, 16);
    put(debug + 0x54, 4, 1);
    memcpy(debug + 0x58, "ntkrnlmp.pdb", 13);
}

static const struct seep_known_kernel *known_804(void)
{
    uint8_t guid[16];
    assert_true(seep_guid_parse("5278AFF86C341677D7D7835C85B7B844", guid));
    return seep_known_by_guid(guid);
}

static void every_known_kernel_is_found_by_its_guid(void **state)
{
    (void)state;
    assert_int_equal(seep_known_count(), 213);
    for (size_t i = 0; i < seep_known_count(); i++) {
        const struct seep_known_kernel *known = seep_known_at(i);
        uint8_t guid[16];
        seep_known_guid(known, guid);
        assert_ptr_equal(seep_known_by_guid(guid), known);
        guid[15] ^= 1;
        const struct seep_known_kernel *other = seep_known_by_guid(guid);
        assert_true(!other || other != known);
    }
}

static void every_known_layout_has_what_the_readers_need(void **state)
{
    (void)state;
    for (size_t i = 0; i < seep_known_count(); i++) {
        struct seep_kernel_layout l;
        const struct seep_known_kernel *known = seep_known_at(i);
        uint32_t build = seep_known_era_build(known);
        seep_kernel_layout_known(known, &l);
        assert_int_equal(l.pointer_bytes, 8);
        assert_true(l.tracker.size == 0x28 || l.tracker.size == 0x38 || l.tracker.size == 0x50);
        assert_int_equal(l.tracker.count_bytes, build < 16299 ? 4 : 8);
        assert_true(l.process.create_time < 0x500 && l.process.parent_pid < 0x600);
        assert_int_equal(l.process.links, l.process.pid + 8);
        assert_int_equal(l.process.exit_status + 4, l.process.vad_root);
        assert_int_equal(l.handle_table.count != SEEP_KERNEL_NO_OFFSET, build == 7601);
        assert_int_equal(l.refcounts_in_entries, build != 7601);
        assert_int_equal(l.type_index_encoded, build >= 14393);
        assert_int_equal(l.partition.committed != SEEP_KERNEL_NO_OFFSET, build >= 14393);
        assert_true(!known->build || known->build >= build);
    }
}

static struct seep_kernel identify(struct pieces *p, const struct seep_kernel_dump_header *header)
{
    struct seep_kernel kernel;
    struct seep_kernel_hints hints = { .header = header };
    assert_true(seep_kernel_identify(&p->memory, &hints, &kernel, NULL));
    return kernel;
}

static void a_pdb_record_names_the_kernel(void **state)
{
    struct pieces p = { 0 };
    uint8_t guid[16];
    const struct seep_known_kernel *known = known_804();
    (void)state;
    assert_non_null(known);
    seep_known_guid(known, guid);
    image(&p, guid);
    struct seep_kernel_dump_header header = {
        .machine = 0x8664, .build = 19041, .n_processors = 4, .active_processes = BASE + 0xc1e200
    };
    struct seep_kernel kernel = identify(&p, &header);
    assert_int_equal(kernel.known_by, SEEP_KERNEL_BY_TABLE);
    assert_false(kernel.by_pair);
    assert_true(kernel.base == BASE);
    assert_string_equal(kernel.version, "10.0.19041.804");
    assert_string_equal(kernel.pdb_name, "ntkrnlmp.pdb");
    assert_true(kernel.symbols.pool_track_table == BASE + 0xc168a8);
    assert_true(kernel.symbols.pool_tag_tables_end == BASE + 0xc168c0 + 4 * 8);
    assert_int_equal(kernel.layout.process.exit_time, 2112);
    clear(&p);
}

static void the_debuggers_block_names_the_kernel_without_a_pdb_record(void **state)
{
    struct pieces p = { 0 };
    uint8_t block[0x380] = { 0 };
    struct seep_kernel kernel;
    (void)state;
    image(&p, NULL);
    put(block + 0x10, 4, 0x4742444b);
    put(block + 0x14, 4, sizeof block);
    put(block + 0x18, 8, BASE);
    put(block + 0x50, 8, BASE + 0xc1e200);
    put(block + 0x1b8, 8, BASE + 0xc168a8);
    struct seep_kernel_dump_header header = { .machine = 0x8664, .build = 19041 };
    struct seep_kernel_hints hints = { .header = &header,
                                       .debugger_data = seep_bytes(block, sizeof block) };
    assert_true(seep_kernel_identify(&p.memory, &hints, &kernel, NULL));
    assert_int_equal(kernel.known_by, SEEP_KERNEL_BY_TABLE);
    assert_true(kernel.by_pair);
    assert_true(kernel.base == BASE);
    assert_string_equal(kernel.version, "10.0.19041.804");
    // One place alone says nothing, and neither does a second one that fits no kernel.
    put(block + 0x1b8, 8, 0);
    assert_true(seep_kernel_identify(&p.memory, &hints, &kernel, NULL));
    assert_int_equal(kernel.known_by, SEEP_KERNEL_UNKNOWN);
    put(block + 0x1b8, 8, BASE + 0xc168a0);
    assert_true(seep_kernel_identify(&p.memory, &hints, &kernel, NULL));
    assert_int_equal(kernel.known_by, SEEP_KERNEL_UNKNOWN);
    assert_string_equal(kernel.why, "the kernel 10.0.19041 is not among those that seep knows: "
                                    "give its symbols with --symbols");
    // What its build says of structures holds all the same, and what the block says of variables.
    assert_int_equal(kernel.layout.process.exit_time, 2112);
    assert_true(kernel.symbols.pool_track_table == BASE + 0xc168a0);
    assert_true(kernel.symbols.pool_track_table_size == 0);
    clear(&p);
}

// Kernels whose debugger's block and list of processes lie at the same places, but not all else.
static void kernels_that_cannot_be_told_apart_are_said_to_be(void **state)
{
    const struct seep_known_kernel *one = NULL;
    (void)state;
    for (size_t i = 0; i < seep_known_count() && !one; i++) {
        for (size_t j = i + 1; j < seep_known_count() && !one; j++) {
            const struct seep_known_kernel *a = seep_known_at(i), *b = seep_known_at(j);
            if (a->rva[SEEP_KNOWN_ACTIVE_PROCESSES] == b->rva[SEEP_KNOWN_ACTIVE_PROCESSES] &&
                a->rva[SEEP_KNOWN_DEBUGGER_DATA] == b->rva[SEEP_KNOWN_DEBUGGER_DATA] &&
                !seep_known_alike(a, b))
                one = a;
        }
    }
    if (!one)
        skip();
    struct pieces p = { 0 };
    image(&p, NULL);
    struct seep_kernel_dump_header header = {
        .machine = 0x8664,
        .build = seep_known_era_build(one),
        .debugger_data = BASE + one->rva[SEEP_KNOWN_DEBUGGER_DATA],
        .active_processes = BASE + one->rva[SEEP_KNOWN_ACTIVE_PROCESSES],
    };
    struct seep_kernel kernel = identify(&p, &header);
    assert_int_equal(kernel.known_by, SEEP_KERNEL_UNKNOWN);
    assert_non_null(strstr(kernel.why, "that differ: give its symbols with --symbols"));
    clear(&p);
}

static void what_symbols_are_needed_is_said(void **state)
{
    struct pieces p = { 0 };
    uint8_t guid[16];
    (void)state;
    assert_true(seep_guid_parse("C0FFEE0012344E59A1B2C3D4E5F60718", guid));
    image(&p, guid);
    struct seep_kernel_dump_header header = { .machine = 0x8664,
                                              .build = 22621,
                                              .active_processes = BASE + 0xc1e200 };
    struct seep_kernel kernel = identify(&p, &header);
    assert_int_equal(kernel.known_by, SEEP_KERNEL_UNKNOWN);
    assert_string_equal(kernel.why,
                        "the kernel 10.0.22621 is not among those that seep knows: give its "
                        "symbols (ntkrnlmp.pdb, C0FFEE00-1234-4E59-A1B2-C3D4E5F60718, age 1) with "
                        "--symbols");
    assert_int_equal(kernel.layout.process.pid, SEEP_KERNEL_NO_OFFSET);
    clear(&p);
}

static void another_machine_is_not_taken_for_a_known_kernel(void **state)
{
    struct pieces p = { 0 };
    (void)state;
    hold(&p, BASE + 0xc00000, 0x1000);
    struct seep_kernel_dump_header header = { .machine = 0xaa64,
                                              .build = 19041,
                                              .debugger_data = BASE + 0xc00b20,
                                              .active_processes = BASE + 0xc1e200 };
    struct seep_kernel_hints hints = { .header = &header, .kernel_base = BASE };
    struct seep_kernel kernel;
    assert_true(seep_kernel_identify(&p.memory, &hints, &kernel, NULL));
    assert_int_equal(kernel.known_by, SEEP_KERNEL_UNKNOWN);
    assert_int_equal(kernel.layout.process.pid, SEEP_KERNEL_NO_OFFSET);
    clear(&p);
}

static void a_kernel_without_base_is_none(void **state)
{
    struct pieces p = { 0 };
    (void)state;
    hold(&p, 0x1000, 0x1000);
    struct seep_kernel kernel = identify(&p, NULL);
    assert_true(kernel.base == 0);
    assert_string_equal(kernel.why, "no kernel was found in this memory");
    clear(&p);
}

static uint64_t swapped(uint64_t value)
{
    uint64_t out = 0;
    for (int i = 0; i < 8; i++)
        out = out << 8 | (value >> (8 * i) & 0xff);
    return out;
}

static uint64_t rotated_right(uint64_t value, unsigned bits)
{
    return bits ? value >> bits | value << (64 - bits) : value;
}

static struct seep_symbol_table *block_symbols(void)
{
    static const struct {
        const char *name;
        uint32_t rva;
    } rows[] = {
        { "KdDebuggerDataBlock", 0x2000 },
        { "KiWaitNever", 0x3000 },
        { "KiWaitAlways", 0x3008 },
        { "KdpDataBlockEncoded", 0x3010 },
    };
    struct seep_symbol_builder *builder = seep_symbol_builder_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(seep_symbol_builder_add(builder, SEEP_SYMBOL_DATA, rows[i].rva, 8, rows[i].name,
                                            strlen(rows[i].name)));
    struct seep_symbol_table *table = seep_symbol_builder_finish(builder, NULL);
    seep_symbol_builder_free(builder);
    assert_non_null(table);
    return table;
}

// The way KdEncodeDataBlock is documented to go, each step of it undone by the reader.
static void an_encoded_block_is_decoded(void **state)
{
    static const uint64_t nevers[] = { UINT64_C(0x8642097531fedcba), UINT64_C(0x1234567890abcd40),
                                       0 };
    const uint64_t always = UINT64_C(0x0f1e2d3c4b5a6978);
    struct seep_symbol_table *table = block_symbols();
    (void)state;
    for (size_t n = 0; n < sizeof nevers / sizeof *nevers; n++) {
        struct pieces p = { 0 };
        uint8_t clear_block[0x380] = { 0 };
        struct seep_debugger_data data;
        uint64_t never = nevers[n];
        put(clear_block + 0x10, 4, 0x4742444b);
        put(clear_block + 0x14, 4, sizeof clear_block);
        put(clear_block + 0x18, 8, BASE);
        put(clear_block + 0x50, 8, BASE + 0xc1e200);
        put(clear_block + 0x1b8, 8, BASE + 0xc168a8);
        uint8_t *block = hold(&p, BASE + 0x2000, sizeof clear_block);
        uint8_t *keys = hold(&p, BASE + 0x3000, 0x18);
        put(keys, 8, never);
        put(keys + 8, 8, always);
        keys[0x10] = 1;
        for (size_t i = 0; i < sizeof clear_block; i += 8) {
            uint64_t v = swapped(seep_le64(clear_block + i) ^ always) ^ (BASE + 0x3010);
            put(block + i, 8, rotated_right(v, never & 63) ^ never);
        }
        assert_false(seep_kernel_debugger_data_at(&p.memory, BASE + 0x2000, &data));
        assert_true(seep_kernel_debugger_data_decode(&p.memory, BASE, table, &data));
        assert_true(data.kernel_base == BASE);
        assert_true(data.pool_track_table == BASE + 0xc168a8);
        assert_true(data.active_processes == BASE + 0xc1e200);
        keys[8] ^= 1; // another key
        assert_false(seep_kernel_debugger_data_decode(&p.memory, BASE, table, &data));
        clear(&p);
    }
    seep_symbol_table_free(table);
}

static void names_of_32_bit_symbols_may_begin_with_an_underscore(void **state)
{
    struct seep_symbol_builder *builder = seep_symbol_builder_new();
    uint32_t rva;
    (void)state;
    assert_true(seep_symbol_builder_add(builder, SEEP_SYMBOL_DATA, 0x1000, 4, "_PspCidTable", 12));
    assert_true(seep_symbol_builder_add(builder, SEEP_SYMBOL_DATA, 0x2000, 4, "MiState", 7));
    struct seep_symbol_table *table = seep_symbol_builder_finish(builder, NULL);
    seep_symbol_builder_free(builder);
    assert_non_null(table);
    assert_true(seep_kernel_symbol(table, "PspCidTable", &rva) && rva == 0x1000);
    assert_true(seep_kernel_symbol(table, "MiState", &rva) && rva == 0x2000);
    assert_false(seep_kernel_symbol(table, "PoolTrackTable", &rva));
    seep_symbol_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_kernel_is_found_by_its_guid),
        cmocka_unit_test(every_known_layout_has_what_the_readers_need),
        cmocka_unit_test(a_pdb_record_names_the_kernel),
        cmocka_unit_test(the_debuggers_block_names_the_kernel_without_a_pdb_record),
        cmocka_unit_test(kernels_that_cannot_be_told_apart_are_said_to_be),
        cmocka_unit_test(what_symbols_are_needed_is_said),
        cmocka_unit_test(another_machine_is_not_taken_for_a_known_kernel),
        cmocka_unit_test(a_kernel_without_base_is_none),
        cmocka_unit_test(an_encoded_block_is_decoded),
        cmocka_unit_test(names_of_32_bit_symbols_may_begin_with_an_underscore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
