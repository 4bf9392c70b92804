// SPDX-License-Identifier: MIT
// Tests of the reader of pooltag.txt: lines as they are written, encodings, hostile ones.
#include "testkit.h"

#include "drivers/inbox.h"
#include "drivers/pooltag.h"

#include <stdlib.h>
#include <string.h>

static struct seep_pooltags read_text(const void *text, size_t len, size_t *n_bad)
{
    struct seep_pooltags tags = { 0 };
    assert_true(seep_pooltags_read(&tags, seep_bytes(text, len), 0, n_bad));
    return tags;
}

static void check(const struct seep_pooltags *tags, const char *tag, const char *binary,
                  const char *description)
{
    const struct seep_pooltag *entry = seep_pooltags_find(tags, tag);
    assert_non_null(entry);
    if (binary)
        assert_string_equal(entry->binary, binary);
    else
        assert_null(entry->binary);
    if (description)
        assert_string_equal(entry->description, description);
    else
        assert_null(entry->description);
}

static void lines(void **state)
{
    (void)state;
    static const char text[] = "rem  a comment - with dashes - in it\r\n"
                               "REM\r\n"
                               "// Tagx - not.sys - a comment too\r\n"
                               "\r\n"
                               "8042 - i8042prt.sys - PS/2 kb and mouse\r\n"
                               "Mm   - nt!mm        - general Mm\r\n"
                               "Gh05 - win32k!Hmgr  -   bitmaps - and more \r\n"
                               "Unkn - <unknown>    - nobody knows\r\n"
                               "Desc - only a description here\r\n"
                               "Bina - alone.sys\r\n"
                               "Dh 1 - dh.sys - a blank inside\r\n"
                               " Ld  - lead.sys - a blank before\r\n"
                               "Em   -  - no binary\r\n"
                               "a-b- - dash.sys - dashes in a tag\r\n"
                               "rem- - rem.sys - a tag like a comment\r\n"
                               "\tTab1\t-\ttab.sys\t-\twith tabs";
    size_t n_bad = 9;
    struct seep_pooltags tags = read_text(text, sizeof text - 1, &n_bad);
    assert_int_equal(n_bad, 0);
    check(&tags, "8042", "i8042prt.sys", "PS/2 kb and mouse");
    check(&tags, "Mm", "nt!mm", "general Mm");
    check(&tags, "Gh05", "win32k!Hmgr", "bitmaps - and more");
    check(&tags, "Unkn", NULL, "nobody knows");
    check(&tags, "Desc", NULL, "only a description here");
    check(&tags, "Bina", "alone.sys", NULL);
    check(&tags, "Dh 1", "dh.sys", "a blank inside");
    check(&tags, " Ld", "lead.sys", "a blank before");
    check(&tags, "Em", NULL, "no binary");
    check(&tags, "a-b-", "dash.sys", "dashes in a tag");
    check(&tags, "rem-", "rem.sys", "a tag like a comment");
    check(&tags, "Tab1", "tab.sys", "with tabs");
    assert_null(seep_pooltags_find(&tags, "Tagx"));
    assert_null(seep_pooltags_find(&tags, "mm"));
    seep_pooltags_clear(&tags);
}

static void the_most_specific_wins(void **state)
{
    (void)state;
    static const char text[] =
        "CM?? - any.sys - two\nCM?5 - five.sys - one\nCM25 - exact.sys - none\n"
        "?M25 - front.sys - one in front\nUs? - short.sys - at the end\n"
        "???? - all.sys - all\n";
    size_t n_bad;
    struct seep_pooltags tags = read_text(text, sizeof text - 1, &n_bad);
    check(&tags, "CM25", "exact.sys", "none");
    check(&tags, "CM35", "five.sys", "one");
    check(&tags, "CM30", "any.sys", "two");
    check(&tags, "CM", "any.sys", "two"); // blanks are characters too
    check(&tags, "XM25", "front.sys", "one in front");
    check(&tags, "Usx", "short.sys", "at the end");
    check(&tags, "Usxy", "all.sys", "all");
    check(&tags, "CM?5", "five.sys", "one"); // a tag with that character
    seep_pooltags_clear(&tags);
}

static void the_first_file_wins(void **state)
{
    (void)state;
    static const char first[] = "Same - first.sys - a\nWi?? - wild1.sys - w\n";
    static const char second[] =
        "Same - second.sys - b\nWi?d - wild2.sys - x\n?i?? - wild3.sys - y\n";
    struct seep_pooltags tags = { 0 };
    size_t n_bad;
    assert_true(seep_pooltags_read(&tags, seep_bytes(first, sizeof first - 1), 0, &n_bad));
    assert_true(seep_pooltags_read(&tags, seep_bytes(second, sizeof second - 1), 1, &n_bad));
    check(&tags, "Same", "first.sys", "a");
    check(&tags, "Wild", "wild2.sys", "x"); // more specific, though less trusted
    check(&tags, "Wixx", "wild1.sys", "w");
    seep_pooltags_clear(&tags);
}

static void encodings(void **state)
{
    (void)state;
    static const char latin[] = "Umla - a.sys - gr\xfc\xdf\n\xfc"
                                "bc - b.sys - x\n";
    static const char utf8[] = "\xef\xbb\xbfUmla - a.sys - gr\xc3\xbc\xc3\x9f\n\xc3\xbc"
                               "bc - b.sys - x\n";
    static const char utf16[] =
        "\xff\xfeU\0m\0l\0a\0 \0-\0 \0a\0.\0s\0y\0s\0 \0-\0 \0g\0r\0\xfc\0\xdf\0"
        "\r\0\n\0\xfc\0b\0c\0 \0-\0 \0b\0.\0s\0y\0s\0 \0-\0 \0x\0\n";
    char other[sizeof utf16];
    for (size_t i = 0; i + 1 < sizeof utf16; i += 2) {
        other[i] = utf16[i + 1];
        other[i + 1] = utf16[i];
    }
    const struct {
        const char *text;
        size_t len;
    } rows[] = { { latin, sizeof latin - 1 },
                 { utf8, sizeof utf8 - 1 },
                 { utf16, sizeof utf16 },
                 { other, sizeof utf16 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n_bad;
        struct seep_pooltags tags = read_text(rows[i].text, rows[i].len, &n_bad);
        assert_int_equal(n_bad, 0);
        check(&tags, "Umla", "a.sys", "gr\xc3\xbc\xc3\x9f");
        check(&tags, ".bc", "b.sys", "x"); // as a tag with that byte is shown
        seep_pooltags_clear(&tags);
    }
}

static void hostile_lines_are_counted(void **state)
{
    (void)state;
    struct seep_buf text = { 0 };
    seep_buf_adds(&text, "no dash here\nTooLong - a.sys - b\n- - -\n -\n   - x - y\n");
    for (int i = 0; i < 100000; i++)
        seep_buf_addc(&text, 'x');
    seep_buf_adds(&text, "\nGood - good.sys - it is\n");
    seep_buf_add(&text, "Nul\0 - a.sys - b\n", 17);
    size_t n_bad;
    struct seep_pooltags tags = read_text(text.data, text.len, &n_bad);
    assert_int_equal(n_bad, 5);
    check(&tags, "Good", "good.sys", "it is");
    check(&tags, "-", NULL, NULL);
    check(&tags, "Nul.", "a.sys", "b");
    seep_pooltags_clear(&tags);
    tags = read_text("", 0, &n_bad);
    assert_null(seep_pooltags_find(&tags, "Good"));
    seep_pooltags_clear(&tags);
    seep_buf_clear(&text);
}

static void many_entries(void **state)
{
    (void)state;
    struct seep_buf text = { 0 };
    for (unsigned i = 0; i < 4600; i++)
        seep_buf_addf(&text, "%04x - d%u.sys - number %u\r\n", i, i, i);
    for (unsigned i = 0; i < 100; i++) // one tag over and over keeps its first entries
        seep_buf_addf(&text, "Same - s%u.sys - x\r\n", i);
    size_t n_bad;
    struct seep_pooltags tags = read_text(text.data, text.len, &n_bad);
    assert_int_equal(n_bad, 0);
    check(&tags, "0000", "d0.sys", "number 0");
    check(&tags, "11f7", "d4599.sys", "number 4599");
    check(&tags, "Same", "s0.sys", "x");
    seep_pooltags_clear(&tags);
    seep_buf_clear(&text);
}

static void files_of_binaries(void **state)
{
    (void)state;
    static const struct {
        const char *binary, *files;
    } rows[] = {
        { "nt!mm", "nt|" },
        { "ntoskrnl.exe", "nt|" },
        { "NTKRNLMP.EXE", "nt|" },
        { "win32k!InitHeap", "win32k.sys|" },
        { "tcpip.sys", "tcpip.sys|" },
        { "a.sys, b.sys", "a.sys|b.sys|" },
        { "nt!io, <unknown>, c!d", "nt|c.sys|" },
        { "atmfd.dll", "atmfd.dll|" },
        { "", "" },
        { "!x", "" },
        { " , ,", "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seep_buf text = { 0 };
        char name[64];
        for (const char *at = rows[i].binary; seep_pooltag_file(&at, name);)
            seep_buf_addf(&text, "%s|", name);
        assert_string_equal(seep_buf_text(&text), rows[i].files);
        seep_buf_clear(&text);
    }
}

static void own_table(void **state)
{
    (void)state;
    struct seep_pooltags tags = { 0 };
    assert_true(seep_inbox_read(&tags));
    assert_true(tags.n_entries > 150);
    check(&tags, "Proc", "nt", seep_pooltags_find(&tags, "Proc")->description);
    check(&tags, "Ddk", NULL, seep_pooltags_find(&tags, "Ddk")->description); // nobody's
    assert_string_equal(seep_pooltags_find(&tags, "WCsc")->binary, "wcifs.sys");
    assert_string_equal(seep_pooltags_find(&tags, "WCzz")->binary, "wcifs.sys");
    assert_null(seep_pooltags_find(&tags, "zzzz"));
    for (size_t i = 1; i < tags.n_entries; i++) {
        const struct seep_pooltag *entry = &tags.entries[i];
        assert_true(entry->description[0] && entry->note[0]);
        assert_int_equal(entry->next, 0); // no tag twice
        assert_true(!entry->binary || seep_inbox_knows(entry->binary));
    }
    assert_true(seep_inbox_knows("NTFS.SYS"));
    assert_true(seep_inbox_knows("storport.sys"));
    assert_false(seep_inbox_knows("example.sys"));
    assert_false(seep_inbox_knows("ntfs"));
    seep_pooltags_clear(&tags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(the_most_specific_wins),
        cmocka_unit_test(the_first_file_wins),
        cmocka_unit_test(encodings),
        cmocka_unit_test(hostile_lines_are_counted),
        cmocka_unit_test(many_entries),
        cmocka_unit_test(files_of_binaries),
        cmocka_unit_test(own_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
