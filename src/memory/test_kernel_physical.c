// SPDX-License-Identifier: MIT
// Physical pages of kernel dumps of every kind, whole, cut and with counts that lie.
#include "testkit.h"

#include "memory/kernel_physical.h"
#include "memory/test_dump_kit.h"

#include <stdlib.h>
#include <string.h>

static const enum seep_kernel_dump_kind kinds[] = {
    SEEP_KERNEL_DUMP_FULL,     SEEP_KERNEL_DUMP_SUMMARY, SEEP_KERNEL_DUMP_BITMAP,
    SEEP_KERNEL_DUMP_LIVE,     SEEP_KERNEL_DUMP_KERNEL,  SEEP_KERNEL_DUMP_KERNEL_AND_USER,
    SEEP_KERNEL_DUMP_COMPLETE,
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct seep_physical *open_file(const uint8_t *file, size_t len, struct seep_err *err)
{
    struct seep_kernel_dump_header header;
    if (!seep_kernel_dump_read(seep_bytes(file, len), &header, err))
        return NULL;
    return seep_physical_open(seep_bytes(file, len), &header, err);
}

static bool is_frame(struct seep_bytes page, uint64_t frame)
{
    if (page.len != KIT_PAGE)
        return false;
    for (unsigned i = 0; i < KIT_PAGE; i++) {
        if (page.data[i] != kit_byte(frame, i))
            return false;
    }
    return true;
}

// Holes of all lengths, over the borders of words and ranks of a bitmap.
static bool pattern(uint64_t frame)
{
    return frame % 7 == 0 || frame % 128 > 100 || (frame > 1100 && frame < 1400) || frame == 2999;
}

static void build(struct kit *kit, enum seep_paging paging, uint64_t n)
{
    kit_init(kit, paging, 1, n, 1);
    for (uint64_t frame = 1; frame <= n; frame++) {
        if (pattern(frame) && !(frame > 1500 && frame < 2900))
            kit_fill(kit, frame);
    }
}

// Full dumps have room for 42 or 86 runs.
static void build_few(struct kit *kit, enum seep_paging paging)
{
    kit_init(kit, paging, 1, 300, 1);
    for (uint64_t frame = 1; frame <= 300; frame++) {
        if (frame % 16 < 9)
            kit_fill(kit, frame);
    }
}

static void test_kinds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        enum seep_kernel_dump_kind kind = kinds[i / 2];
        enum seep_paging paging = i % 2 ? SEEP_PAGING_X64 : SEEP_PAGING_X86_PAE;
        struct kit kit;
        struct seep_err err = { 0 };
        size_t len;
        if (kind == SEEP_KERNEL_DUMP_FULL)
            build_few(&kit, paging);
        else
            build(&kit, paging, 3000);
        kit_fill(&kit, 1); // over the top table
        uint8_t *file = kit_write(&kit, kind, &len);
        struct seep_physical *p = open_file(file, len, &err);
        assert_string_equal(err.what, "");
        assert_non_null(p);
        uint64_t n = 0, next = UINT64_MAX;
        for (uint64_t j = kit.n_frames + 70; j-- > 0;) {
            bool held = j >= 1 && j <= kit.n_frames && kit.held[j - 1];
            struct seep_bytes page = seep_physical_page(p, j);
            assert_int_equal(page.len != 0, held);
            if (held) {
                assert_true(is_frame(page, j));
                next = j;
                n++;
            }
            uint64_t found = UINT64_MAX;
            assert_int_equal(seep_physical_next(p, j, &found), next != UINT64_MAX);
            assert_int_equal(found, next);
            struct seep_bytes span = seep_physical_span(p, j, 4);
            for (unsigned k = 1; k < span.len / KIT_PAGE; k++)
                assert_true(is_frame(seep_bytes_part(span, k * KIT_PAGE, KIT_PAGE), j + k));
            bool two = held && j < kit.n_frames && kit.held[j];
            assert_int_equal(span.len > KIT_PAGE, two);
        }
        assert_int_equal(seep_physical_n_pages(p), n);
        assert_int_equal(seep_physical_missing(p), 0);
        assert_int_equal(seep_physical_page(p, UINT64_MAX).len, 0);
        assert_int_equal(seep_physical_page(p, UINT64_C(1) << 40).len, 0);
        seep_physical_close(p);
        free(file);
        kit_clear(&kit);
    }
}

// Every cut says why it has nothing, or counts what it lacks.
static void test_cut(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct kit kit;
        size_t len;
        build_few(&kit, SEEP_PAGING_X64);
        uint8_t *file = kit_write(&kit, kinds[i], &len);
        struct seep_physical *whole = open_file(file, len, NULL);
        uint64_t n = seep_physical_n_pages(whole);
        seep_physical_close(whole);
        for (size_t cut = 0; cut < len; cut += cut < 0x2100 ? 67 : 1531) {
            struct seep_err err = { 0 };
            uint8_t *part = malloc(cut ? cut : 1);
            assert_non_null(part);
            memcpy(part, file, cut);
            struct seep_physical *p = open_file(part, cut, &err);
            if (!p) {
                assert_true(cut < 0x2040 && err.what[0]);
            } else {
                uint64_t here = seep_physical_n_pages(p), last;
                // A list of ranges that is cut off does not tell how many pages it had.
                bool lists = kinds[i] == SEEP_KERNEL_DUMP_KERNEL ||
                             kinds[i] == SEEP_KERNEL_DUMP_KERNEL_AND_USER;
                if (lists && here == 0)
                    assert_in_range(seep_physical_missing(p), 1, n);
                else
                    assert_int_equal(here + seep_physical_missing(p), n);
                uint64_t seen = 0;
                for (uint64_t at = 0; seep_physical_next(p, at, &last); at = last + 1, seen++)
                    assert_int_equal(seep_physical_page(p, last).len, KIT_PAGE);
                assert_int_equal(seen, here);
                for (uint64_t at = 0; at <= kit.n_frames; at++) {
                    size_t size = seep_physical_page(p, at).len;
                    assert_true(size == 0 || (size == KIT_PAGE && seen > 0));
                    seen -= size != 0;
                }
                assert_int_equal(seen, 0);
            }
            seep_physical_close(p);
            free(part);
        }
        free(file);
        kit_clear(&kit);
    }
}

static void test_full_lies(void **state)
{
    (void)state;
    size_t len = 0x2000 + 8 * KIT_PAGE;
    uint8_t *file = kit_header(true, SEEP_KERNEL_DUMP_FULL, 0x8664, len);
    struct seep_err err = { 0 };
    for (unsigned i = 0; i < 8; i++)
        memset(file + 0x2000 + i * KIT_PAGE, (int)i, KIT_PAGE);
    assert_null(open_file(file, len, &err));
    assert_string_equal(err.what, "the kernel dump does not say where its pages are");
    // Runs out of order and over each other, and more than there are.
    static const uint64_t runs[][2] = {
        { 100, 3 }, { 10, 2 }, { 101, 2 }, { UINT64_MAX, 1 }, { 50, UINT64_MAX }
    };
    kit_put32(file + 0x88, 5);
    kit_put64(file + 0x90, 8);
    for (size_t i = 0; i < 5; i++) {
        kit_put64(file + 0x98 + 16 * i, runs[i][0]);
        kit_put64(file + 0xa0 + 16 * i, runs[i][1]);
    }
    struct seep_physical *p = open_file(file, len, &err);
    assert_non_null(p);
    assert_int_equal(seep_physical_page(p, 100).data[0], 0);
    assert_int_equal(seep_physical_page(p, 102).data[0], 2); // the first run's
    assert_int_equal(seep_physical_page(p, 10).data[0], 3);
    assert_int_equal(seep_physical_page(p, 11).data[0], 4);
    assert_int_equal(seep_physical_page(p, 12).len, 0);
    assert_int_equal(seep_physical_page(p, UINT64_MAX).len, 0);
    assert_int_equal(seep_physical_n_pages(p), 5);
    assert_int_equal(seep_physical_missing(p), UINT64_MAX);
    seep_physical_close(p);
    // More runs than the header has room for: what fits is read, the rest counted.
    kit_put32(file + 0x88, UINT32_MAX);
    kit_put64(file + 0x90, 1000);
    for (size_t i = 0; i < 42; i++) {
        kit_put64(file + 0x98 + 16 * i, 100 + 2 * i);
        kit_put64(file + 0xa0 + 16 * i, 1);
    }
    p = open_file(file, len, &err);
    assert_non_null(p);
    assert_int_equal(seep_physical_n_pages(p), 8);
    assert_int_equal(seep_physical_missing(p), 992);
    seep_physical_close(p);
    free(file);
}

static void test_bitmap_lies(void **state)
{
    (void)state;
    size_t len = 0x4000;
    uint8_t *file = kit_header(true, SEEP_KERNEL_DUMP_BITMAP, 0x8664, len), *at = file + 0x2000;
    struct seep_err err = { 0 };
    assert_null(open_file(file, len, &err));
    assert_string_equal(err.what, "the list of the dump's pages is damaged");
    kit_text(at, "SDMPDUMP");
    assert_null(open_file(file, len, &err));
    // 2^64 bits, of which the file has some thousand; the pages start inside of them.
    kit_put64(at + 0x20, 0x3000);
    kit_put64(at + 0x28, UINT64_MAX - 1);
    kit_put64(at + 0x30, UINT64_MAX);
    memset(file + 0x3000, 0xff, KIT_PAGE); // a page, no bits
    at[0x38 + 2] = 0x10;
    at[0x38 + 100] = 1;
    struct seep_physical *p = open_file(file, len, &err);
    assert_non_null(p);
    assert_int_equal(seep_physical_n_pages(p), 1);
    assert_int_equal(seep_physical_page(p, 20).len, KIT_PAGE);
    assert_int_equal(seep_physical_page(p, 800).len, 0);
    assert_int_equal(seep_physical_missing(p), UINT64_MAX - 2);
    seep_physical_close(p);
    kit_put64(at + 0x28, 2);
    p = open_file(file, len, &err);
    assert_non_null(p);
    assert_int_equal(seep_physical_missing(p), 1);
    seep_physical_close(p);
    kit_put64(at + 0x28, UINT64_MAX - 1);
    // Bits behind the last one; more pages than bits.
    kit_put64(at + 0x30, 21);
    at[0x38 + 2] = 0x30;
    p = open_file(file, len, &err);
    assert_non_null(p);
    assert_int_equal(seep_physical_n_pages(p), 1);
    assert_int_equal(seep_physical_page(p, 21).len, 0);
    assert_int_equal(seep_physical_missing(p), 0);
    seep_physical_close(p);
    at[0x38 + 2] = 0x10;
    memset(file + 0x3000, 0, KIT_PAGE);
    kit_put64(at + 0x30, UINT64_MAX);
    // Pages far behind the file; a first page before the bitmap.
    kit_put64(at + 0x20, UINT64_MAX);
    kit_put64(at + 0x28, 2);
    p = open_file(file, len, &err);
    assert_non_null(p);
    assert_int_equal(seep_physical_n_pages(p), 0);
    assert_int_equal(seep_physical_missing(p), 2);
    seep_physical_close(p);
    kit_put64(at + 0x20, 0x2010);
    assert_null(open_file(file, len, &err));
    free(file);
}

static void test_ranges_lie(void **state)
{
    (void)state;
    size_t len = 0x4000;
    uint8_t *file = kit_header(true, SEEP_KERNEL_DUMP_KERNEL, 0x8664, len), *at = file + 0x2000;
    struct seep_err err = { 0 };
    kit_text(at + 4, "RDMPDUMP");
    assert_null(open_file(file, len, &err));
    kit_put64(at + 0x10, UINT64_MAX);
    kit_put64(at + 0x18, 0x3000);
    kit_put64(at + 0x30, 5);
    kit_put64(at + 0x38, UINT64_MAX);
    kit_put64(at + 0x40, 7);
    kit_put64(at + 0x48, 1);
    struct seep_physical *p = open_file(file, len, &err);
    assert_non_null(p);
    assert_int_equal(seep_physical_n_pages(p), 1);
    assert_int_equal(seep_physical_page(p, 5).len, KIT_PAGE);
    assert_int_equal(seep_physical_page(p, 6).len, 0);
    assert_int_equal(seep_physical_missing(p), UINT64_MAX - 1);
    seep_physical_close(p);
    // Of a complete dump no range goes beyond the total.
    kit_put32(file + 0xf98, SEEP_KERNEL_DUMP_COMPLETE);
    kit_put64(at + 0x28, 1);
    p = open_file(file, len, &err);
    assert_non_null(p);
    assert_int_equal(seep_physical_n_pages(p), 1);
    assert_int_equal(seep_physical_missing(p), 0);
    seep_physical_close(p);
    free(file);
}

static void test_no_pages(void **state)
{
    (void)state;
    static const enum seep_kernel_dump_kind none[] = { SEEP_KERNEL_DUMP_TRIAGE,
                                                       SEEP_KERNEL_DUMP_HEADER };
    for (size_t i = 0; i < 2; i++) {
        uint8_t *file = kit_header(true, none[i], 0x8664, 0x3000);
        struct seep_err err = { 0 };
        assert_null(open_file(file, 0x3000, &err));
        assert_non_null(strstr(err.what, "holds no pages"));
        free(file);
    }
}

// Only the headers of these were published: what they promise is missing.
static void test_real(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t pages;
    } files[] = { { "kdump/coredump_win10_64bit_stripped.raw", 0x3ffc6f },
                  { "kdump/coredump_win7_32bit_stripped.raw", 0xbff7d } };
    for (size_t i = 0; i < 2; i++) {
        char path[4096];
        struct seep_buf file = { 0 };
        if (!testkit_data(files[i].name, path, sizeof path))
            skip();
        assert_true(testkit_read_file(path, &file));
        struct seep_err err = { 0 };
        struct seep_physical *p = open_file((const uint8_t *)file.data, file.len, &err);
        assert_non_null(p);
        assert_int_equal(seep_physical_n_pages(p), 0);
        assert_int_equal(seep_physical_missing(p), files[i].pages);
        seep_physical_close(p);
        seep_buf_clear(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),      cmocka_unit_test(test_cut),
        cmocka_unit_test(test_full_lies),  cmocka_unit_test(test_bitmap_lies),
        cmocka_unit_test(test_ranges_lie), cmocka_unit_test(test_no_pages),
        cmocka_unit_test(test_real),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
