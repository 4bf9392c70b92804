// SPDX-License-Identifier: MIT
// Headers of kernel dumps: every field set and unset, cut off, and those of real dumps.
#include "testkit.h"

#include "base/time.h"
#include "base/utf.h"
#include "memory/test_dump_kit.h"
#include "nt/kernel_dump.h"

#include <stdlib.h>
#include <string.h>

// A header with all fields set to numbers that differ.
static uint8_t *full_header(bool wide)
{
    uint8_t *file = kit_header(wide, SEEP_KERNEL_DUMP_BITMAP, wide ? 0xaa64 : 0x14c, 0x2000);
    static const uint16_t at32[] = { 0x10, 0x14, 0x18, 0x1c, 0x60 };
    static const uint16_t at64[] = { 0x10, 0x18, 0x20, 0x28, 0x80 };
    for (uint32_t i = 0; i < 5; i++) {
        if (wide)
            kit_put64(file + at64[i], UINT64_C(0xfffff80000001000) + i);
        else
            kit_put32(file + at32[i], 0x81001000 + i);
    }
    for (uint32_t i = 0; i < 4; i++) {
        if (wide)
            kit_put64(file + 0x40 + 8 * i, UINT64_C(0xffffaa0000000000) + i);
        else
            kit_put32(file + 0x2c + 4 * i, 0xaa000000 + i);
    }
    kit_put32(file + 12, 22000);
    kit_put32(file + (wide ? 0x34 : 0x24), 12);
    kit_put32(file + (wide ? 0x38 : 0x28), 0x1000007e);
    kit_put32(file + (wide ? 0x88 : 0x64), 3);
    wide ? kit_put64(file + 0x90, 777) : kit_put32(file + 0x68, 777);
    kit_put64(file + 0xfa0, 0x123456789);
    // 2026-11-20T12:00:00Z, up for an hour.
    kit_put64(file + (wide ? 0xfa8 : 0xfc0), UINT64_C(134081136000000000));
    kit_put64(file + (wide ? 0x1030 : 0xfb8), UINT64_C(36000000000));
    return file;
}

static void test_fields(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        uint8_t *file = full_header(wide);
        struct seep_kernel_dump_header h;
        struct seep_err err = { 0 };
        uint64_t base = wide ? UINT64_C(0xfffff80000001000) : 0x81001000;
        uint64_t parameter = wide ? UINT64_C(0xffffaa0000000000) : 0xaa000000;
        file[0x5c] = wide ? file[0x5c] : 1;
        assert_true(seep_kernel_dump_read(seep_bytes(file, 0x2000), &h, &err));
        assert_int_equal(h.wide, wide);
        assert_int_equal(h.pae, !wide);
        assert_int_equal(h.kind, SEEP_KERNEL_DUMP_BITMAP);
        assert_int_equal(h.major, 15);
        assert_int_equal(h.build, 22000);
        assert_int_equal(h.machine, wide ? 0xaa64 : 0x14c);
        assert_int_equal(h.n_processors, 12);
        assert_int_equal(h.directory_table, base);
        assert_int_equal(h.pfn_database, base + 1);
        assert_int_equal(h.loaded_modules, base + 2);
        assert_int_equal(h.active_processes, base + 3);
        assert_int_equal(h.debugger_data, base + 4);
        assert_int_equal(h.bugcheck, 0x1000007e);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(h.bugcheck_parameters[i], parameter + i);
        assert_int_equal(h.n_pages, 777);
        assert_int_equal(h.required_size, 0x123456789);
        assert_int_equal(h.size_bytes, wide ? 0x2000 : 0x1000);
        char time[SEEP_TIME_TEXT], boot[SEEP_TIME_TEXT];
        seep_time_format(h.time_ns, time);
        seep_time_format(h.boot_ns, boot);
        assert_string_equal(time, "2025-11-20T12:00:00.000000000Z");
        assert_string_equal(boot, "2025-11-20T11:00:00.000000000Z");
        free(file);
    }
}

static void test_unset(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        uint8_t *file = kit_header(wide, SEEP_KERNEL_DUMP_FULL, 0x8664, 0x2000);
        struct seep_kernel_dump_header h;
        kit_text(file + (wide ? 0xf98 : 0xf88), "PAGE");
        kit_text(file + (wide ? 0x30 : 0x20), "PAGE");
        kit_text(file + 8, "PAGE");
        assert_true(seep_kernel_dump_read(seep_bytes(file, 0x2000), &h, NULL));
        assert_int_equal(h.kind, SEEP_KERNEL_DUMP_UNKNOWN);
        assert_false(h.pae);
        assert_int_equal(h.major | h.build | h.machine | h.n_processors, 0);
        assert_int_equal(h.directory_table | h.pfn_database | h.loaded_modules, 0);
        assert_int_equal(h.active_processes | h.debugger_data, 0);
        assert_int_equal(h.bugcheck, SEEP_UNKNOWN_FIELD);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(h.bugcheck_parameters[i], SEEP_UNKNOWN_FIELD);
        assert_int_equal(h.n_pages, SEEP_UNKNOWN_FIELD);
        assert_int_equal(h.required_size, SEEP_UNKNOWN_FIELD);
        assert_int_equal(h.time_ns, SEEP_NO_TIME);
        assert_int_equal(h.boot_ns, SEEP_NO_TIME);
        // An up time that reaches before the clock's first day; then one without the time.
        kit_put64(file + (wide ? 0xfa8 : 0xfc0), 5);
        kit_put64(file + (wide ? 0x1030 : 0xfb8), 6);
        assert_true(seep_kernel_dump_read(seep_bytes(file, 0x2000), &h, NULL));
        assert_int_equal(h.boot_ns, SEEP_NO_TIME);
        free(file);
    }
}

static void test_kinds(void **state)
{
    (void)state;
    static const char *const names[] = {
        "unknown", "full",    "summary", "header",          "triage",   "bitmap",
        "live",    "unknown", "kernel",  "kernel and user", "complete", "unknown"
    };
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint8_t *file = kit_header(true, i, 0x8664, 0x2000);
        struct seep_kernel_dump_header h;
        assert_true(seep_kernel_dump_read(seep_bytes(file, 0x2000), &h, NULL));
        assert_string_equal(seep_kernel_dump_kind_name(h.kind), names[i]);
        free(file);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        size_t size = wide ? 0x2000 : 0x1000;
        uint8_t *file = full_header(wide);
        struct seep_kernel_dump_header h = { .build = 1 };
        for (size_t cut = 0; cut < size; cut += 1 + cut / 50) {
            struct seep_err err = { 0 };
            uint8_t *part = malloc(cut + 1);
            assert_non_null(part);
            memcpy(part, file, cut);
            assert_false(seep_kernel_dump_read(seep_bytes(part, cut), &h, &err));
            assert_string_equal(err.what, cut < 8 ? "not a kernel dump"
                                                  : "the kernel dump is cut off inside its header");
            assert_int_equal(h.build, 1);
            free(part);
        }
        file[5] = 'X';
        assert_false(seep_kernel_dump_is(seep_bytes(file, size)));
        free(file);
    }
    assert_false(seep_kernel_dump_is((struct seep_bytes){ 0 }));
}

static void put_name(uint8_t *at, const char *name)
{
    kit_put32(at, (uint32_t)strlen(name));
    for (size_t i = 0; name[i]; i++)
        at[4 + 2 * i] = (uint8_t)name[i];
}

static void test_triage(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        enum { LEN = 0x4000 };
        size_t base = wide ? 0x2000 : 0x1000, drivers = base + 0x200, entry = wide ? 0x90 : 0x4c;
        uint8_t *file = kit_header(wide, SEEP_KERNEL_DUMP_TRIAGE, 0x8664, LEN), *at = file + base;
        struct seep_kernel_dump_header h;
        struct seep_triage t;
        struct seep_err err = { 0 };
        for (uint32_t i = 0; i < 0x80 / 4; i++)
            kit_put32(at + 4 * i, 0x100000 + i);
        kit_put32(at + 0x30, (uint32_t)drivers);
        kit_put32(at + 0x34, UINT32_MAX);
        assert_true(seep_kernel_dump_read(seep_bytes(file, LEN), &h, &err));
        assert_true(seep_triage_read(seep_bytes(file, LEN), &h, &t, &err));
        assert_int_equal(t.size_of_dump, 0x100001);
        assert_int_equal(t.memory_record_offset, 0x100005);
        assert_int_equal(t.thread_offset, 0x100009);
        assert_int_equal(t.stack_bytes, 0x10000b);
        assert_int_equal(t.strings_bytes, 0x10000f);
        assert_int_equal(t.options, 0x100011);
        assert_int_equal(t.debugger_data_offset, wide ? 0x10001c : 0x100016);
        assert_int_equal(t.n_blocks, wide ? 0x10001f : 0x100019);
        for (uint32_t i = 0; i < 3; i++) {
            uint8_t *p = file + drivers + i * entry;
            kit_put32(p, i == 1 ? LEN - 2 : 0x3000);
            wide ? kit_put64(p + 0x38, UINT64_C(0xfffff80000000000) + i) : kit_put32(p + 0x1c, i);
            kit_put32(p + (wide ? 0x48 : 0x24), 0x5000 + i);
            kit_put32(p + (wide ? 0x80 : 0x44), 0x6000 + i);
            kit_put32(p + (wide ? 0x88 : 0x48), 0x7000 + i);
        }
        put_name(file + 0x3000, "driver.sys");
        struct seep_triage_driver d = { .base = 9 };
        assert_true(seep_triage_driver(seep_bytes(file, LEN), &h, &t, 2, &d));
        assert_int_equal(d.base, wide ? UINT64_C(0xfffff80000000002) : 2);
        assert_int_equal(d.size_bytes, 0x5002);
        assert_int_equal(d.checksum, 0x6002);
        assert_int_equal(d.timestamp, 0x7002);
        assert_int_equal(d.name.len, 20);
        assert_memory_equal(d.name.data, "d\0r\0i\0", 6);
        // A name behind the file, one longer than the file, entries behind it, none at all.
        d.base = 9;
        assert_false(seep_triage_driver(seep_bytes(file, LEN), &h, &t, 1, &d));
        kit_put32(file + 0x3000, 0x7fffffff);
        assert_false(seep_triage_driver(seep_bytes(file, LEN), &h, &t, 2, &d));
        assert_false(seep_triage_driver(seep_bytes(file, LEN), &h, &t, 0x8000000, &d));
        assert_false(seep_triage_driver(seep_bytes(file, drivers + entry - 1), &h, &t, 0, &d));
        t.drivers_offset = 0;
        assert_false(seep_triage_driver(seep_bytes(file, LEN), &h, &t, 0, &d));
        assert_int_equal(d.base, 9);
        assert_false(seep_triage_read(seep_bytes(file, base + 0x67), &h, &t, &err));
        assert_string_equal(err.what, "the triage dump is cut off inside its second header");
        h.kind = SEEP_KERNEL_DUMP_FULL;
        assert_false(seep_triage_read(seep_bytes(file, LEN), &h, &t, &err));
        free(file);
    }
}

static void test_memory_record(void **state)
{
    (void)state;
    uint8_t file[0x100] = { 0 };
    struct seep_triage t = { .memory_record_offset = 0x40 };
    struct seep_triage_memory m = { .paged = 9 };
    kit_put32(file + 0x40, 1);
    kit_put32(file + 0x44, 0x50);
    assert_true(seep_triage_memory_read(seep_bytes(file, sizeof file), &t, &m));
    assert_int_equal(m.paged, SEEP_UNKNOWN_FIELD);
    assert_int_equal(m.commit_limit_maximum, SEEP_UNKNOWN_FIELD);
    for (uint32_t i = 0; i < 7; i++)
        kit_put64(file + 0x58 + 8 * i, 100 + i);
    assert_true(seep_triage_memory_read(seep_bytes(file, sizeof file), &t, &m));
    assert_int_equal(m.nonpaged_maximum, 100);
    assert_int_equal(m.nonpaged, 101);
    assert_int_equal(m.paged_maximum, 102);
    assert_int_equal(m.paged, 103);
    assert_int_equal(m.committed, 104);
    assert_int_equal(m.peak_committed, 105);
    assert_int_equal(m.commit_limit_maximum, 106);
    assert_false(seep_triage_memory_read(seep_bytes(file, 0x40 + 0x4f), &t, &m));
    kit_put32(file + 0x40, 2);
    assert_false(seep_triage_memory_read(seep_bytes(file, sizeof file), &t, &m));
    t.memory_record_offset = 0;
    assert_false(seep_triage_memory_read(seep_bytes(file, sizeof file), &t, &m));
}

static void test_debugger_data(void **state)
{
    (void)state;
    uint8_t block[0x380] = { 0 };
    struct seep_debugger_data d = { .kernel_base = 9 };
    for (uint32_t i = 0; i < sizeof block / 8; i++)
        kit_put64(block + 8 * i, UINT64_C(0xfffff80000000000) + 8 * i);
    assert_false(seep_debugger_data_read(seep_bytes(block, sizeof block), &d));
    assert_int_equal(d.kernel_base, 9);
    kit_text(block + 0x10, "KDBG");
    kit_put32(block + 0x14, sizeof block);
    kit_put32(block + 0x138, 4096);
    assert_true(seep_debugger_data_read(seep_bytes(block, sizeof block), &d));
    assert_int_equal(d.kernel_base, UINT64_C(0xfffff80000000018));
    assert_int_equal(d.active_processes, UINT64_C(0xfffff80000000050));
    assert_int_equal(d.pool_track_table, UINT64_C(0xfffff800000001b8));
    assert_int_equal(d.physical_memory_block, UINT64_C(0xfffff80000000270));
    assert_int_equal(d.page_size, 4096);
    // What its size leaves out is not there.
    kit_put32(block + 0x14, 0x1bf);
    assert_true(seep_debugger_data_read(seep_bytes(block, sizeof block), &d));
    assert_int_equal(d.pool_track_table, 0);
    assert_int_equal(d.resident_available_pages, UINT64_C(0xfffff800000001b0));
    assert_false(seep_debugger_data_read(seep_bytes(block, 0x17), &d));
}

// What the real dumps say; the numbers were read off them by other means.
static const struct {
    const char *name;
    enum seep_kernel_dump_kind kind;
    uint32_t machine, build, n_processors;
    uint64_t bugcheck, n_pages, required_size;
    const char *time, *boot; // NULL = not known
} real[] = {
    { "coredump_win10_64bit_stripped.raw", SEEP_KERNEL_DUMP_FULL, 0x8664, 9200, 8, 0, 0x3ffc6f,
      0x3ffc6f000, "2020-06-27T18:49:10.744152400Z", NULL },
    { "coredump_win7_32bit_stripped.raw", SEEP_KERNEL_DUMP_FULL, 0x14c, 7601, 2, 0, 0xbff7d,
      0xbff7d000, "2020-07-02T16:55:33.394531200Z", NULL },
    { "triage_x64.dmp", SEEP_KERNEL_DUMP_TRIAGE, 0x8664, 19041, 16, 0x1000007e, SEEP_UNKNOWN_FIELD,
      0x197915, "2021-02-21T01:38:22.987765700Z", "2021-02-21T01:38:19.240696000Z" },
    { "triage_arm64.dmp", SEEP_KERNEL_DUMP_TRIAGE, 0xaa64, 22000, 8, 0x1c8, SEEP_UNKNOWN_FIELD,
      0x161714, "2021-09-14T02:51:58.146709500Z", "2021-09-14T02:38:41.441366300Z" },
    { "triage_mm-record.dmp", SEEP_KERNEL_DUMP_TRIAGE, 0x8664, 19041, 1, 0x4a, 0x7ff8d, 0x3c4d1,
      "2025-08-31T21:33:01.923667500Z", "2025-08-31T21:24:46.866259500Z" },
};

static bool load_real(const char *name, struct seep_buf *file)
{
    char part[128], path[4096];
    (void)snprintf(part, sizeof part, "kdump/%s", name);
    return testkit_data(part, path, sizeof path) && testkit_read_file(path, file);
}

static void test_real_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        struct seep_buf file = { 0 };
        struct seep_kernel_dump_header h;
        char text[SEEP_TIME_TEXT];
        if (!load_real(real[i].name, &file))
            skip();
        assert_true(seep_kernel_dump_read(seep_bytes(file.data, file.len), &h, NULL));
        assert_int_equal(h.kind, real[i].kind);
        assert_int_equal(h.machine, real[i].machine);
        assert_int_equal(h.build, real[i].build);
        assert_int_equal(h.n_processors, real[i].n_processors);
        assert_int_equal(h.bugcheck, real[i].bugcheck);
        assert_int_equal(h.n_pages, real[i].n_pages);
        assert_int_equal(h.required_size, real[i].required_size);
        assert_int_equal(h.pae, h.machine == 0x14c);
        seep_time_format(h.time_ns, text);
        assert_string_equal(text, real[i].time);
        assert_int_equal(h.boot_ns == SEEP_NO_TIME, real[i].boot == NULL);
        if (real[i].boot) {
            seep_time_format(h.boot_ns, text);
            assert_string_equal(text, real[i].boot);
        }
        seep_buf_clear(&file);
    }
}

static void test_real_triage(void **state)
{
    (void)state;
    static const struct {
        const char *name, *kernel;
        uint32_t n_drivers;
        uint64_t base, pool_track_table;
        struct seep_triage_memory memory;
    } files[] = {
        { "triage_x64.dmp",
          "\\SystemRoot\\system32\\ntoskrnl.exe",
          151,
          UINT64_C(0xfffff8047ba00000),
          UINT64_C(0xfffff8047c6168a8),
          { SEEP_UNKNOWN_FIELD, SEEP_UNKNOWN_FIELD, SEEP_UNKNOWN_FIELD, SEEP_UNKNOWN_FIELD,
            SEEP_UNKNOWN_FIELD, SEEP_UNKNOWN_FIELD, SEEP_UNKNOWN_FIELD } },
        { "triage_arm64.dmp",
          "\\SystemRoot\\system32\\ntoskrnl.exe",
          245,
          UINT64_C(0xfffff803f2e00000),
          UINT64_C(0xfffff803f3a169f8),
          { SEEP_UNKNOWN_FIELD, SEEP_UNKNOWN_FIELD, SEEP_UNKNOWN_FIELD, SEEP_UNKNOWN_FIELD,
            SEEP_UNKNOWN_FIELD, SEEP_UNKNOWN_FIELD, SEEP_UNKNOWN_FIELD } },
        { "triage_mm-record.dmp",
          "ntoskrnl.exe",
          156,
          UINT64_C(0xfffff8075bc0e000),
          UINT64_C(0xfffff8075c827270),
          { UINT64_C(0x100000000), 0x3ee6, UINT64_C(0x100000000), 0x6500, 0x77d59, 0x97b64,
            0x1fff8d } },
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct seep_buf file = { 0 }, name = { 0 };
        struct seep_kernel_dump_header h;
        struct seep_triage t;
        struct seep_triage_driver d;
        struct seep_triage_memory m;
        struct seep_debugger_data data;
        if (!load_real(files[i].name, &file))
            skip();
        struct seep_bytes bytes = seep_bytes(file.data, file.len);
        assert_true(seep_kernel_dump_read(bytes, &h, NULL));
        assert_true(seep_triage_read(bytes, &h, &t, NULL));
        assert_int_equal(t.n_drivers, files[i].n_drivers);
        for (uint32_t j = 0; j < t.n_drivers; j++) {
            assert_true(seep_triage_driver(bytes, &h, &t, j, &d));
            assert_true(d.base >> 47 == 0x1ffff && d.size_bytes && d.name.len);
        }
        assert_false(seep_triage_driver(bytes, &h, &t, t.n_drivers, &d));
        assert_true(seep_triage_driver(bytes, &h, &t, 0, &d));
        assert_int_equal(d.base, files[i].base);
        assert_true(seep_utf16_add(&name, d.name));
        assert_string_equal(seep_buf_text(&name), files[i].kernel);
        assert_true(seep_triage_memory_read(bytes, &t, &m));
        assert_memory_equal(&m, &files[i].memory, sizeof m);
        assert_true(seep_debugger_data_read(
            seep_bytes_part(bytes, t.debugger_data_offset, t.debugger_data_bytes), &data));
        assert_int_equal(data.kernel_base, files[i].base);
        assert_int_equal(data.pool_track_table, files[i].pool_track_table);
        assert_int_equal(data.page_size, 4096);
        seep_buf_clear(&file);
        seep_buf_clear(&name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),        cmocka_unit_test(test_unset),
        cmocka_unit_test(test_kinds),         cmocka_unit_test(test_bad),
        cmocka_unit_test(test_triage),        cmocka_unit_test(test_memory_record),
        cmocka_unit_test(test_debugger_data), cmocka_unit_test(test_real_headers),
        cmocka_unit_test(test_real_triage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
