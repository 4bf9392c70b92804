// SPDX-License-Identifier: MIT
// The blocks of triage dumps.
#include "testkit.h"

#include "memory/kernel_memory.h"
#include "memory/test_dump_kit.h"

#include <stdlib.h>
#include <string.h>

struct block {
    uint64_t address;
    uint32_t offset, size;
};

enum { LEN = 0x6000, DATA = 0x4000 };

// A triage dump with these blocks, a debugger's block and a stack. Byte i of the file's data is i.
static uint8_t *build(bool wide, const struct block *blocks, size_t n)
{
    uint8_t *file = kit_header(wide, SEEP_KERNEL_DUMP_TRIAGE, wide ? 0x8664 : 0x14c, LEN);
    uint8_t *at = file + (wide ? 0x2000 : 0x1000), *more = at + (wide ? 0x70 : 0x58);
    wide ? kit_put64(file + 0x80, UINT64_C(0xfffff80000100000))
         : kit_put32(file + 0x60, 0x81000000);
    for (unsigned i = 0; i < LEN - DATA; i++)
        file[DATA + i] = (uint8_t)(i * 7 + i / 256);
    kit_put32(at + 0x28, DATA + 0x1000);
    kit_put32(at + 0x2c, 0x100);
    wide ? kit_put64(at + 0x48, UINT64_C(0xffffa00000000ff0)) : kit_put32(at + 0x48, 0x8b000ff0);
    kit_put32(more, DATA + 0x1100);
    kit_put32(more + 4, 0x340);
    kit_put32(more + 8, 0x3000);
    kit_put32(more + 12, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        kit_put64(file + 0x3000 + 16 * i, blocks[i].address);
        kit_put32(file + 0x3008 + 16 * i, blocks[i].offset);
        kit_put32(file + 0x300c + 16 * i, blocks[i].size);
    }
    return file;
}

static void open_file(const uint8_t *file, size_t len, struct seep_kernel_memory *m)
{
    struct seep_kernel_dump_header header;
    struct seep_triage triage;
    struct seep_bytes bytes = seep_bytes(file, len);
    *m = (struct seep_kernel_memory){ 0 };
    assert_true(seep_kernel_dump_read(bytes, &header, NULL));
    assert_true(seep_triage_read(bytes, &header, &triage, NULL));
    assert_true(seep_triage_memory_open(bytes, &header, &triage, m, NULL));
}

// The offset in the file of what lies at an address, and how much is there.
static size_t where(const struct seep_kernel_memory *m, const uint8_t *file, uint64_t address,
                    size_t *len)
{
    struct seep_bytes span = m->memory.span(&m->memory, address);
    *len = span.len;
    return span.len ? (size_t)(span.data - file) : 0;
}

static void test_blocks(void **state)
{
    (void)state;
    static const struct block blocks[] = {
        { UINT64_C(0xfffff80000003000), DATA, 0x100 },
        { UINT64_C(0xfffff80000001000), DATA + 0x200, 0x80 },
        { UINT64_C(0xfffff80000003080), DATA + 0x300, 0x100 }, // over the first one's half
        { UINT64_C(0xfffff80000003010), DATA + 0x400, 0x10 },  // inside of it
        { UINT64_C(0xfffff80000001080), DATA + 0x280, 0x40 },  // goes on in the file too
        { UINT64_C(0xfffff80000005000), LEN - 0x10, 0x1000 },  // behind the file
        { UINT64_C(0xfffff80000006000), UINT32_MAX, UINT32_MAX },
        { UINT64_C(0xfffffffffffffff0), DATA, 0x100 }, // behind the last address
        { UINT64_C(0xfffff80000007000), DATA, 0 },
        { 0, DATA, 0x100 },
    };
    uint8_t *file = build(true, blocks, sizeof blocks / sizeof *blocks);
    struct seep_kernel_memory m;
    size_t len;
    uint64_t at = 0, held[16] = { 0 }, n = 0;
    open_file(file, LEN, &m);
    assert_int_equal(where(&m, file, UINT64_C(0xfffff80000003020), &len), DATA + 0x20);
    assert_int_equal(len, 0xe0);
    assert_int_equal(where(&m, file, UINT64_C(0xfffff80000003100), &len), DATA + 0x380);
    assert_int_equal(len, 0x80);
    assert_int_equal(where(&m, file, UINT64_C(0xfffff80000001001), &len), DATA + 0x201);
    assert_int_equal(len, 0xbf);
    assert_int_equal(where(&m, file, UINT64_C(0xfffff80000005008), &len), LEN - 8);
    assert_int_equal(len, 8);
    (void)where(&m, file, UINT64_C(0xfffff80000003180), &len);
    assert_int_equal(len, 0);
    (void)where(&m, file, 0, &len);
    assert_int_equal(len, 0);
    assert_int_equal(where(&m, file, UINT64_C(0xfffffffffffffff1), &len), DATA + 1);
    assert_int_equal(where(&m, file, UINT64_C(0xfffff80000100010), &len), DATA + 0x1110);
    assert_int_equal(len, 0x330);
    assert_int_equal(where(&m, file, UINT64_C(0xffffa00000000ff0), &len), DATA + 0x1000);
    while (n < 16 && m.memory.next(&m.memory, at, &at)) {
        (void)where(&m, file, at, &len);
        held[n++] = at;
        at += len;
    }
    static const uint64_t expected[] = {
        UINT64_C(0xffffa00000000ff0), UINT64_C(0xfffff80000001000), UINT64_C(0xfffff80000003000),
        UINT64_C(0xfffff80000003100), UINT64_C(0xfffff80000005000), UINT64_C(0xfffff80000100000),
        UINT64_C(0xfffffffffffffff0),
    };
    assert_int_equal(n, sizeof expected / sizeof *expected);
    assert_memory_equal(held, expected, sizeof expected);
    assert_int_equal(seep_triage_memory_missing(&m), 0xff0 + UINT64_C(0xffffffff));
    uint64_t physical;
    assert_false(seep_kernel_memory_translate(&m, held[0], &physical));
    seep_kernel_memory_close(&m);
    free(file);
}

static void test_narrow(void **state)
{
    (void)state;
    static const struct block blocks[] = { { UINT64_C(0xffffffff82001000), DATA, 0x40 },
                                           { 0x1000, DATA + 0x100, 0x40 },
                                           { 0xfffffff0, DATA, 0x100 } };
    uint8_t *file = build(false, blocks, 3);
    struct seep_kernel_memory m;
    size_t len;
    uint64_t held;
    open_file(file, LEN, &m);
    assert_int_equal(m.memory.pointer_bytes, 4);
    assert_int_equal(where(&m, file, 0x82001004, &len), DATA + 4);
    assert_int_equal(where(&m, file, UINT64_C(0xffffffff82001004), &len), DATA + 4);
    assert_int_equal(where(&m, file, 0x1008, &len), DATA + 0x108);
    assert_int_equal(where(&m, file, 0x81000010, &len), DATA + 0x1110);
    assert_int_equal(where(&m, file, 0x8b000ff0, &len), DATA + 0x1000);
    assert_int_equal(where(&m, file, 0xfffffff0, &len), DATA);
    assert_true(len <= 0x10);
    assert_false(m.memory.next(&m.memory, UINT64_C(0x100000000), &held));
    seep_kernel_memory_close(&m);
    free(file);
}

// Counts and offsets that lie: what is there is read.
static void test_lies(void **state)
{
    (void)state;
    static const struct block blocks[] = { { UINT64_C(0xfffff80000001000), DATA, 0x40 } };
    uint8_t *file = build(true, blocks, 1);
    struct seep_kernel_memory m;
    size_t len;
    kit_put32(file + 0x207c, UINT32_MAX);
    for (size_t cut = 0x2080; cut <= LEN; cut += 33) {
        uint8_t *part = malloc(cut);
        assert_non_null(part);
        memcpy(part, file, cut);
        open_file(part, cut, &m);
        (void)where(&m, part, UINT64_C(0xfffff80000001000), &len);
        size_t want = cut <= DATA ? 0 : cut - DATA < 0x40 ? cut - DATA : 0x40;
        assert_int_equal(len, want);
        seep_kernel_memory_close(&m);
        free(part);
    }
    kit_put32(file + 0x2078, UINT32_MAX);
    open_file(file, LEN, &m);
    (void)where(&m, file, UINT64_C(0xfffff80000001000), &len);
    assert_int_equal(len, 0);
    seep_kernel_memory_close(&m);
    free(file);
}

static void test_real(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t n_pieces, bytes;
    } files[] = { { "kdump/triage_x64.dmp", 1649, 1154890 },
                  { "kdump/triage_arm64.dmp", 607, 575141 },
                  { "kdump/triage_mm-record.dmp", 32, 20900 } };
    for (size_t i = 0; i < 3; i++) {
        char path[4096];
        struct seep_buf file = { 0 };
        struct seep_kernel_memory m;
        uint64_t at = 0, n = 0, bytes = 0;
        if (!testkit_data(files[i].name, path, sizeof path))
            skip();
        assert_true(testkit_read_file(path, &file));
        open_file((const uint8_t *)file.data, file.len, &m);
        for (; m.memory.next(&m.memory, at, &at); n++) {
            size_t len = m.memory.span(&m.memory, at).len;
            bytes += len;
            at += len;
        }
        assert_int_equal(n, files[i].n_pieces);
        assert_int_equal(bytes, files[i].bytes);
        assert_int_equal(seep_triage_memory_missing(&m), 0);
        seep_kernel_memory_close(&m);
        seep_buf_clear(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_real),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
