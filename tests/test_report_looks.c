// SPDX-License-Identifier: MIT
// Tests of the documents of `seep pool`, `seep vm` and `seep zombies`, on datasets made by hand.
#include "testkit.h"

#include "look_kit.h"
#include "report/pool.h"
#include "report/vm.h"
#include "report/zombies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum which { POOL, VM, ZOMBIES };

struct how {
    struct seep_pool_options pool;
    size_t top;
    bool pids;
};

static const struct how plain = { .pool = { .pool = -1 } };

static bool write_one(const struct look_case *c, enum which which, bool json, const struct how *how,
                      FILE *out)
{
    struct seep_pool pool;
    struct seep_vm_doc vm;
    struct seep_zombies zombies;
    struct seep_pool_options pool_options = how->pool;
    const struct seep_vm_options vm_options = { .top = how->top };
    const struct seep_zombies_options zombies_options = { .top = how->top, .pids = how->pids };
    bool ok;
    pool_options.top = how->top;
    if (which == POOL) {
        assert_true(seep_pool_make(&c->data, &c->judgement, &pool_options, &pool));
        ok = json ? seep_pool_json(&pool, out) : seep_pool_text(&pool, out);
        seep_pool_clear(&pool);
    } else if (which == VM) {
        assert_true(seep_vm_doc_make(&c->data, &c->judgement, &vm_options, &vm));
        ok = json ? seep_vm_doc_json(&vm, out) : seep_vm_doc_text(&vm, out);
        seep_vm_doc_clear(&vm);
    } else {
        assert_true(seep_zombies_make(&c->data, &c->judgement, &zombies_options, &zombies));
        ok = json ? seep_zombies_json(&zombies, out) : seep_zombies_text(&zombies, out);
        seep_zombies_clear(&zombies);
    }
    return ok;
}

static const char *render(const char *name, enum which which, bool json, const struct how *how)
{
    static char text[1 << 16];
    const struct look_case *c = look_case_find(name);
    FILE *file = tmpfile();
    assert_non_null(c);
    assert_non_null(file);
    assert_true(write_one(c, which, json, how, file));
    rewind(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("not there: %s\nin: %.4000s", part, text ? text : "nothing");
}

static void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("should not be there: %s\nin: %.4000s", part, text ? text : "nothing");
}

static void assert_before(const char *text, const char *first, const char *second)
{
    const char *a = strstr(text, first), *b = strstr(text, second);
    if (!a || !b || a > b)
        fail_msg("%s is not before %s in: %.4000s", first, second, text ? text : "nothing");
}

static void pool_answers_in_its_first_line(void **state)
{
    (void)state;
    const char *text = render("full", POOL, false, &plain);
    const char *first = "LEAKING  wcifs.sys, tag WCsc, paged pool: 51.0 MB in 51000 blocks, "
                        "none was ever freed, +5.0 MB/h\n"
                        "         with it grow File (0.99 of its blocks)\n";
    if (strncmp(text, first, strlen(first)) != 0)
        fail_msg("%.300s", text);
    assert_has(text, "SRV01, 2026-03-01T12:00:00Z: 2 looks; Delta is since the first one, 10 h "
                     "before");
    assert_has(text, "leaking wcifs.sys        Windows Container FS");
    assert_has(text, "member  nt               File objects");
    assert_has(text, "  evidence  none of 51000 allocations was freed\n");
    assert_has(text, "  caveat    two looks only\n");
    assert_has(text, "MEMORY.DMP: lost: 7 pages are not in the dump\n");
    assert_has(text, "SUM  Paged ");
    assert_before(text, "MmSt Paged", "WCsc Paged");
}

static void pool_takes_wrapped_counts_as_such(void **state)
{
    (void)state;
    const char *text = render("full", POOL, true, &plain);
    const char *file = strstr(text, "\"tag\": \"File\"");
    assert_non_null(file);
    assert_has(file, "\"diff\": 49500,");
    // 50,000 more, counted past 2^32: 50000 - 4294967290 + 2^32.
    assert_has(file, "\"allocs_since\": 50006,");
    assert_has(file, "\"frees_since\": 7796,");
    assert_has(file, "\"delta\": 18874368,");
    assert_has(file, "\"follows\": \"WCsc\",");
}

static void pool_sorts_and_filters(void **state)
{
    (void)state;
    struct how how = plain;
    how.pool.sort = SEEP_POOL_BY_DELTA;
    const char *text = render("full", POOL, true, &how);
    assert_before(text, "\"tag\": \"WCsc\"", "\"tag\": \"File\"");
    assert_before(text, "\"tag\": \"File\"", "\"tag\": \"MmSt\"");
    how.pool.sort = SEEP_POOL_BY_TAG;
    text = render("full", POOL, true, &how);
    assert_before(text, "\"tag\": \"File\"", "\"tag\": \"Gh05\"");
    assert_before(text, "\"tag\": \"Once\"", "\"tag\": \"WCsc\"");
    how.pool.pool = 0;
    text = render("full", POOL, true, &how);
    assert_has(text, "\"tag\": \"File\"");
    assert_has_not(text, "\"tag\": \"WCsc\"");
    how.pool.pool = 1;
    how.pool.glob = "?C*";
    text = render("full", POOL, true, &how);
    assert_has(text, "\"tag\": \"WCsc\"");
    assert_has(text, "\"tags_total\": 1,");
    how = plain;
    how.top = 1;
    text = render("full", POOL, true, &how);
    assert_has(text, "\"tag\": \"MmSt\"");
    assert_has_not(text, "\"tag\": \"WCsc\"");
    assert_has(text, "\"tags_total\": 5,");
    assert_has(render("full", POOL, false, &how), "4 more tags: --top 0 shows all\n");
}

static void pool_sort_names_are_known(void **state)
{
    (void)state;
    assert_int_equal(seep_pool_sort_named("bytes"), SEEP_POOL_BY_BYTES);
    assert_int_equal(seep_pool_sort_named("per-alloc"), SEEP_POOL_BY_PER_ALLOC);
    assert_int_equal(seep_pool_sort_named("delta"), SEEP_POOL_BY_DELTA);
    assert_int_equal(seep_pool_sort_named("size"), SEEP_N_POOL_SORTS);
}

static void tags_fit_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *tag;
        bool fits;
    } rows[] = {
        { "Leak", "Leak", true },  { "leak", "Leak", false }, { "*", "", true },
        { "L*k", "Leak", true },   { "L*k", "Lea", false },   { "?eak", "Leak", true },
        { "????", "AGP", false },  { "AGP ", "AGP", true },   { "A*", "AGP", true },
        { "*a*k*", "Leak", true }, { "Lea", "Leak", false },  { "", "Leak", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (seep_pool_tag_fits(rows[i].pattern, rows[i].tag) != rows[i].fits)
            fail_msg("%s and %s", rows[i].pattern, rows[i].tag);
    }
}

static void pool_names_stacks_and_drivers(void **state)
{
    (void)state;
    struct how how = plain;
    const char *json = render("full", POOL, true, &how);
    const char *tag = strstr(json, "\"tag\": \"WCsc\"");
    assert_non_null(tag);
    assert_has(tag, "\"driver\": \"wcifs.sys\",");
    assert_has(tag, "\"how\": \"import\",");
    assert_has(tag, "\"verdict\": \"leaking\",");
    // The heavier stack comes first; the one without a name has an empty stack.
    assert_before(tag, "\"outstanding_bytes\": 41943040", "\"outstanding_bytes\": 1048576");
    assert_has(tag, "\"function\": \"wcifs.sys!WcAllocate2\"");
    assert_has(tag, "\"nt!IofCallDriver\"");
    assert_has(tag, "\"function\": null");
    assert_has(render("full", POOL, false, &how),
               "       40.0 MB in 39900 blocks from wcifs.sys!WcAllocate2 < "
               "wcifs.sys!WcPostCreate < nt!IofCallDriver\n");
    how.pool.stacks = 1;
    assert_has(render("full", POOL, false, &how), "       1 more stacks: --stacks 2\n");
}

static void findings_name_the_stack_that_took_most(void **state)
{
    (void)state;
    const struct look_case *c = look_case_find("full");
    struct seep_judgement judgement = c->judgement;
    struct seep_finding findings[8];
    assert_true(judgement.n_findings <= sizeof findings / sizeof *findings);
    memcpy(findings, c->judgement.findings, judgement.n_findings * sizeof *findings);
    judgement.findings = findings;
    judgement.arena = (struct seep_arena){ NULL, 0 };
    // Twice: what is there already is not said again.
    assert_true(seep_pool_name_sites(&c->data, &judgement));
    assert_true(seep_pool_name_sites(&c->data, &judgement));
    assert_int_equal(findings[0].n_evidence, 3);
    assert_string_equal(findings[0].evidence[1].text,
                        "most of what a trace saw of tag WCsc comes from wcifs.sys!WcAllocate2: "
                        "40.0 MB in 39900 blocks, 100 of 40000 allocations freed");
    assert_string_equal(findings[0].evidence[2].text,
                        "stack: wcifs.sys!WcAllocate2 < wcifs.sys!WcPostCreate < "
                        "nt!IofCallDriver");
    assert_int_equal(findings[1].n_evidence, 1);
    seep_arena_clear(&judgement.arena);
}

static void pool_of_one_look_has_no_delta(void **state)
{
    (void)state;
    const char *text = render("one", POOL, false, &plain);
    const char *first = "UNKNOWN  largest: tag AGP, nonpaged pool: 344 B\n";
    if (strncmp(text, first, strlen(first)) != 0)
        fail_msg("%.300s", text);
    assert_has(text, "1 look: what grows is shown by two");
    assert_has_not(text, "Delta");
    text = render("one", POOL, true, &plain);
    assert_has(text, "\"compared\": null,");
    assert_has(text, "\"delta\": null,");
    assert_has(text, "\"allocs\": null,");
    assert_has(text, "\"verdict\": \"unknown\",");
}

static void vm_adds_up(void **state)
{
    (void)state;
    const char *text = render("full", VM, false, &plain);
    const char *first =
        "NEAR A LIMIT  paged pool near limit; committed 12.0 GB of 24.0 GB (50 %)\n";
    if (strncmp(text, first, strlen(first)) != 0)
        fail_msg("%.300s", text);
    assert_has(text, "     Committed pages:     3145728 (    12582912 Kb)   12.0 GB 50 %\n");
    assert_has(text, "   PagedPool Usage:      230400 (      921600 Kb)    900 MB 88 %\n");
    assert_has(text, "unknown: commit-limit-maximum");
    assert_before(text, "other.exe (888)", "svc.exe (1234)");
    assert_has(text, "\nSUSPECT  paged-pool of the machine: +7.0 MB/h\n");
    assert_has_not(text, "cl.exe");
    text = render("full", VM, true, &plain);
    assert_has(text, "\"committed_bytes\": 12884901888,");
    assert_has(text, "\"paged-pool-near-limit\"");
    assert_has(text, "\"item\": \"unattributed\",");
    assert_has(text, "\"ledger_balances\": true,");
    assert_has(text, "\"paged-pool/machine\"");
    assert_has(text, "\"verdict\": \"suspect\",");
    // What is attributed and what is not make what is committed.
    int64_t sum = 0;
    for (const char *at = text; (at = strstr(at, "\"item\": \"")); at++) {
        const char *bytes = strstr(at, "\"bytes\": ") + 9;
        if (strncmp(bytes, "null", 4) != 0)
            sum += strtoll(bytes, NULL, 10);
    }
    assert_true(sum == INT64_C(12884901888));
}

static void vm_says_what_is_not_known(void **state)
{
    (void)state;
    const char *text = render("one", VM, false, &plain);
    assert_has(text, "committed 2.00 GB");
    assert_has(text, "Commit limit:     not recorded\n");
    text = render("one", VM, true, &plain);
    assert_has(text, "\"commit_limit_bytes\": null,");
    assert_has(text, "\"resident-available\"");
}

static void zombies_name_holders_and_drivers(void **state)
{
    (void)state;
    struct how how = plain;
    const char *text = render("full", ZOMBIES, false, &how);
    const char *first =
        "SUSPECT  3 of 6 dead processes are held by svc.exe (1234); 2 by no handle: "
        "a driver\n";
    if (strncmp(text, first, strlen(first)) != 0)
        fail_msg("%.300s", text);
    assert_has(text, "they hold 480 KB of commit, as the kernel charges them\n");
    assert_has(text,
               "    1234 svc.exe                          3         3  cl.exe 2, link.exe 1\n");
    assert_has(text, "     888 other.exe                        1         1  cl.exe 1\n");
    assert_has(text, "       - no handle: a driver              0         2  ? 1, agent.exe 1\n");
    assert_has(text, "1 more have handles that were not found\n");
    assert_has(text, "hint: PIDs go up to 60020;");
    assert_has(text, "hint: svc.exe (1234) has 12000 handles\n");
    assert_has_not(text, "PIDs 60000");
    text = render("one", ZOMBIES, true, &how);
    assert_has(text, "\"commit_estimate_from\": \"number\",");
    assert_has(text, "\"commit_charged_bytes\": null,");
    how.pids = true;
    assert_has(render("full", ZOMBIES, false, &how), "       PIDs 60000 60004 60008\n");
    text = render("full", ZOMBIES, true, &plain);
    assert_has(text, "\"zombies\": 6,");
    assert_has(text, "\"unheld\": 2,");
    assert_has(text, "\"suspect\": \"process\",");
    assert_has(text, "\"cl.exe\": 2,");
    assert_has(text, "\"pid_high\": 60020,");
    assert_has(text, "\"handles_in_all\": 12000,");
}

static void zombies_without_tables_are_not_unheld(void **state)
{
    (void)state;
    const char *text = render("one", ZOMBIES, false, &plain);
    assert_has(text, "1 dead process is still referenced; by whom is not known here\n");
    assert_has(text, "they hold about 79.0 KB of commit, by 79 KB for each");
    text = render("one", ZOMBIES, true, &plain);
    assert_has(text, "\"unheld\": null,");
    assert_has(text, "\"suspect\": null,");
}

static void nothing_is_null_not_zero(void **state)
{
    (void)state;
    const char *text = render("empty", ZOMBIES, true, &plain);
    assert_has(text, "\"zombies\": null,");
    text = render("empty", VM, true, &plain);
    assert_has(text, "\"committed_bytes\": null,");
    text = render("empty", POOL, true, &plain);
    assert_has(text, "\"tags\": [],");
}

static void hostile_names_are_escaped(void **state)
{
    (void)state;
    const struct how how = { .pool = { .pool = -1 }, .pids = true };
    for (int which = POOL; which <= ZOMBIES; which++) {
        const char *text = render("hostile", (enum which)which, false, &how);
        assert_has(text, "\\x1B");
        assert_has_not(text, "\033");
        assert_has_not(text, "\xe2\x80\xae");
        assert_has_not(text, "\xff");
        text = render("hostile", (enum which)which, true, &how);
        assert_has(text, "\\u001b");
        assert_has_not(text, "\xff");
        assert_has(text, "\"bad-text\"");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_answers_in_its_first_line),
        cmocka_unit_test(pool_takes_wrapped_counts_as_such),
        cmocka_unit_test(pool_sorts_and_filters),
        cmocka_unit_test(pool_sort_names_are_known),
        cmocka_unit_test(tags_fit_patterns),
        cmocka_unit_test(pool_names_stacks_and_drivers),
        cmocka_unit_test(findings_name_the_stack_that_took_most),
        cmocka_unit_test(pool_of_one_look_has_no_delta),
        cmocka_unit_test(vm_adds_up),
        cmocka_unit_test(vm_says_what_is_not_known),
        cmocka_unit_test(zombies_name_holders_and_drivers),
        cmocka_unit_test(zombies_without_tables_are_not_unheld),
        cmocka_unit_test(nothing_is_null_not_zero),
        cmocka_unit_test(hostile_names_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
