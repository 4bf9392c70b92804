// SPDX-License-Identifier: MIT
// Pool tags: the driver behind a leak and its victims, by series, by two looks and by one.
#include "testkit.h"

#include "base/time.h"
#include "detect/detect.h"
#include "detect/pool.h"
#include "series_gen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define T0 INT64_C(1772366400000000000) // 2026-03-01T12:00:00Z
#define S INT64_C(1000000000)
#define MIB 1048576.0

enum { N_LOOKS = 120, MAX_TAGS = 16 };

// One tag over time: what is in use, and what was freed beside that.
struct tag {
    const char *name;
    bool paged;
    unsigned each;     // bytes of a block
    double in_use;     // blocks now
    double freed_ever; // blocks
};

struct machine {
    struct gen_data gen;
    struct seep_machine_id id;
    struct tag tags[MAX_TAGS];
    size_t series[MAX_TAGS];
    size_t n;
    bool in_series, wraps;
    uint32_t n_looks;
};

static void begin(struct machine *m, const struct tag *tags, size_t n, bool in_series)
{
    *m = (struct machine){ .n = n, .in_series = in_series };
    gen_data_init(&m->gen);
    m->gen.source.format = "poolmon";
    m->id = gen_machine(&m->gen, "SRV01");
    memcpy(m->tags, tags, n * sizeof *tags);
    for (size_t i = 0; in_series && i < n; i++)
        m->series[i] = gen_add(
            &m->gen, m->id, SEEP_SUBJECT_POOL_TAG, (struct seep_process_id){ 0 }, tags[i].name,
            tags[i].paged ? SEEP_METRIC_PAGED_POOL_BYTES : SEEP_METRIC_NONPAGED_POOL_BYTES);
}

static void look(struct machine *m, int64_t t_ns)
{
    m->n_looks++;
    for (size_t i = 0; i < m->n; i++) {
        const struct tag *t = &m->tags[i];
        uint64_t in_use = (uint64_t)t->in_use, freed = (uint64_t)t->freed_ever;
        uint64_t allocs = in_use + freed;
        if (m->wraps) {
            allocs &= UINT32_MAX;
            freed &= UINT32_MAX;
        }
        gen_tag(&m->gen, m->id, m->n_looks, t_ns, t->name, t->paged, allocs, freed,
                in_use * t->each)
            ->wraps = m->wraps;
        if (m->in_series)
            assert_true(seep_points_add(gen_points(&m->gen, m->series[i]), t_ns,
                                        (double)(in_use * t->each)));
    }
}

static struct seep_judgement judge(struct machine *m)
{
    struct seep_judgement judgement = { 0 };
    struct seep_err err;
    if (!seep_detect(gen_finish(&m->gen), NULL, NULL, &judgement, &err))
        fail_msg("%s", err.what);
    return judgement;
}

static void end(struct machine *m, struct seep_judgement *judgement)
{
    seep_judgement_clear(judgement);
    gen_data_clear(&m->gen);
}

static size_t count(const struct seep_judgement *judgement, enum seep_verdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < judgement->n_findings; i++)
        n += judgement->findings[i].verdict == verdict;
    return n;
}

static bool has_text(const struct seep_finding *f, const char *part)
{
    for (size_t i = 0; i < f->n_evidence; i++) {
        if (strstr(f->evidence[i].text, part))
            return true;
    }
    for (size_t i = 0; i < f->n_caveats; i++) {
        if (strstr(f->caveats[i], part))
            return true;
    }
    for (size_t i = 0; i < f->n_next; i++) {
        if (strstr(f->next[i], part))
            return true;
    }
    return false;
}

static const struct tag wcifs[] = {
    { "WCsc", true, 208, 1912, 0 },      { "NtfC", false, 144, 161204, 9e4 },
    { "File", false, 400, 143377, 2e7 }, { "IoNm", true, 152, 140020, 1.9e7 },
    { "MmSt", true, 4096, 60000, 3e5 },  { "Thre", false, 3500, 3749, 176602 },
    { "EtwB", false, 65536, 500, 20 },   { "CM25", true, 8192, 4000, 0 },
    { "Toke", true, 2000, 5000, 8e5 },   { "Even", false, 128, 90000, 4e6 },
    { "ConT", false, 62166, 688, 2409 }, { "AfdB", false, 4096, 2000, 5e6 },
};
enum { N_WCIFS = sizeof wcifs / sizeof *wcifs };

// One step of the documented leak: the first four grow together, the rest churns.
static void step_wcifs(struct machine *m, struct gen_random *random, double objects)
{
    static const double ratio[] = { 1, 1.00007, 1.022, 1.0015 };
    for (size_t i = 0; i < m->n; i++) {
        struct tag *t = &m->tags[i];
        if (i < 4)
            t->in_use += objects * ratio[i] + (i ? gen_normal(random) * 40 : 0);
        else
            t->in_use = wcifs[i].in_use * (1 + 0.01 * gen_normal(random));
        if (wcifs[i].freed_ever > 100)
            t->freed_ever += 5000 * gen_uniform(random);
    }
}

static void make_wcifs(struct machine *m, bool in_series, uint64_t seed)
{
    struct gen_random random = { seed };
    begin(m, wcifs, N_WCIFS, in_series);
    for (int i = 0; i < N_LOOKS; i++) {
        if (in_series || i == 0 || i == N_LOOKS - 1)
            look(m, T0 + i * 3600 * S);
        step_wcifs(m, &random, 8400 * (gen_uniform(&random) < 0.5 ? 0.4 : 0.6));
    }
}

static const struct seep_tag_owner owner_of_wcsc = { .name = "wcifs.sys",
                                                     .version = "10.0.19041.1",
                                                     .company = "Example",
                                                     .evidence = "operand before a call",
                                                     .how = SEEP_OWNER_IMPORT,
                                                     .confidence = 0.9 };
static const struct seep_tag_owner owner_of_cm = {
    .name = "nt", .how = SEEP_OWNER_POOLTAG, .confidence = 0.9, .inbox = true
};

static const struct seep_tag_owners *owners(void *ctx, const char *tag)
{
    static const struct seep_tag_owners wcsc = { &owner_of_wcsc, 1, "wcifs" };
    static const struct seep_tag_owners cm = { &owner_of_cm, 1, "registry" };
    (void)ctx;
    return strcmp(tag, "WCsc") == 0 ? &wcsc : (strncmp(tag, "CM", 2) == 0 ? &cm : NULL);
}

static void check_cluster(const struct seep_judgement *j, enum seep_verdict verdict,
                          const char *finding)
{
    assert_int_equal(j->n_clusters, 1);
    const struct seep_pool_cluster *c = &j->clusters[0];
    assert_string_equal(c->source, "WCsc");
    assert_string_equal(c->finding, finding);
    assert_int_equal(c->verdict, verdict);
    assert_int_equal(c->n_members, 4);
    for (size_t i = 0; i < c->n_members; i++)
        assert_true(fabs(c->members[i].ratio - (strcmp(c->members[i].tag, "File") ? 1 : 1.022)) <
                    0.004);
    // What grows with it has no finding of its own.
    for (size_t i = 0; i < j->n_findings; i++) {
        const struct seep_finding *f = &j->findings[i];
        if (f->tag && strcmp(f->tag, "WCsc") != 0)
            assert_int_equal(f->verdict, SEEP_VERDICT_STEADY);
    }
}

static void source_and_victims_of_a_series(void **state)
{
    (void)state;
    for (int named = 0; named < 2; named++) {
        struct machine m;
        make_wcifs(&m, true, 7);
        m.gen.data.owners = named ? owners : NULL;
        struct seep_judgement j = judge(&m);
        assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
        assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), 0);
        const struct seep_finding *f = &j.findings[0];
        assert_string_equal(f->id, "driver/WCsc");
        assert_int_equal(f->class_, SEEP_CLASS_DRIVER);
        assert_int_equal(f->subject, named ? SEEP_SUBJECT_DRIVER : SEEP_SUBJECT_POOL_TAG);
        assert_string_equal(f->name, named ? "wcifs.sys" : "WCsc");
        assert_string_equal(f->tag, "WCsc");
        assert_string_equal(f->note, "never freed");
        assert_true(f->rate.known && fabs(f->rate.value / (4200 * 208 / 3600.0) - 1) < 0.1);
        assert_true(has_text(f, "and none freed"));
        assert_true(has_text(f, "pool tag NtfC grows in lockstep with it"));
        assert_true(has_text(f, "pool tag IoNm grows in lockstep with it"));
        assert_true(has_text(f, "1.02 for each of WCsc"));
        assert_true(has_text(f, "WCsc is the source, not File"));
        assert_true(has_text(f, named ? "operand before a call" : "no driver is known"));
        assert_int_equal(has_text(f, "--drivers C:\\Windows\\System32\\drivers"), !named);
        check_cluster(&j, SEEP_VERDICT_LEAKING, "driver/WCsc");
        end(&m, &j);
    }
}

static void two_looks_are_a_suspicion(void **state)
{
    (void)state;
    struct machine m;
    make_wcifs(&m, false, 7);
    m.gen.data.owners = owners;
    struct seep_judgement j = judge(&m);
    assert_int_equal(j.verdict, SEEP_VERDICT_SUSPECT);
    assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), 1);
    const struct seep_finding *f = &j.findings[0];
    assert_string_equal(f->id, "driver/WCsc");
    assert_string_equal(f->name, "wcifs.sys");
    assert_false(f->rate.known);
    assert_true(strstr(f->gist, "never freed") && strstr(f->gist, "paged pool +"));
    assert_true(has_text(f, "two looks show growth, not its course"));
    check_cluster(&j, SEEP_VERDICT_SUSPECT, "driver/WCsc");
    end(&m, &j);
}

// A machine whose tags stand still or churn, between two looks and in one.
static void looks_without_a_leak(void **state)
{
    (void)state;
    for (int n = 1; n <= 2; n++) {
        struct machine m;
        struct gen_random random = { 3 };
        begin(&m, wcifs + 3, N_WCIFS - 3, false);
        for (int i = 0; i < n; i++) {
            look(&m, T0 + i * 86400 * S);
            for (size_t k = 0; k < m.n; k++) {
                m.tags[k].in_use *= 1 + 0.1 * gen_uniform(&random);
                m.tags[k].freed_ever *= 2;
            }
        }
        struct seep_judgement j = judge(&m);
        assert_int_equal(j.verdict, SEEP_VERDICT_UNKNOWN);
        assert_int_equal(j.n_findings, 1);
        assert_true(has_text(&j.findings[0], "none stands out"));
        end(&m, &j);
    }
}

static void one_look_at_an_absurd_tag(void **state)
{
    (void)state;
    static const struct tag tags[] = { { "Leak", false, 512, 1200000, 3 },
                                       { "MmSt", true, 4096, 60000, 3e5 },
                                       { "File", false, 400, 700000, 2e7 },
                                       { "CM25", true, 8192, 40000, 0 } };
    struct machine m;
    begin(&m, tags, 4, false);
    look(&m, SEEP_NO_TIME);
    struct seep_vm *vm = gen_vm(&m.gen, m.id, SEEP_NO_TIME);
    vm->bytes[SEEP_VM_NONPAGED_POOL] = (uint64_t)(900 * MIB);
    vm->bytes[SEEP_VM_NONPAGED_POOL_LIMIT] = (uint64_t)(1000 * MIB);
    struct seep_judgement j = judge(&m);
    assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), 1);
    const struct seep_finding *f = &j.findings[0];
    assert_string_equal(f->id, "driver/Leak");
    assert_true(has_text(f, "since the machine started"));
    assert_true(has_text(f, "the nonpaged pool is at 900 MB, 90 % of its limit"));
    assert_true(has_text(f, "one look cannot show growth"));
    assert_int_equal(j.n_clusters, 0);
    end(&m, &j);
}

// A tag that is never freed, too, and larger, but of Windows: the source is the other's driver.
static void the_foreign_driver_is_the_source(void **state)
{
    (void)state;
    static const struct tag tags[] = { { "WCsc", true, 32, 2000, 0 },
                                       { "CMxx", true, 4096, 2000, 0 },
                                       { "File", false, 400, 143377, 2e7 } };
    struct machine m;
    struct gen_random random = { 5 };
    begin(&m, tags, 3, true);
    m.gen.data.owners = owners;
    for (int i = 0; i < N_LOOKS; i++) {
        double objects = floor(900 * gen_uniform(&random) * gen_uniform(&random));
        look(&m, T0 + i * 3600 * S);
        for (size_t k = 0; k < 3; k++)
            m.tags[k].in_use += objects;
        m.tags[2].freed_ever += 1000;
    }
    struct seep_judgement j = judge(&m);
    assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
    assert_string_equal(j.findings[0].id, "driver/WCsc");
    assert_string_equal(j.findings[0].driver, "wcifs.sys");
    assert_true(has_text(&j.findings[0], "not CMxx"));
    assert_int_equal(j.n_clusters, 1);
    end(&m, &j);
}

// The source's blocks are so small that by itself it would not be accused.
static void a_small_source_is_found_by_its_counts(void **state)
{
    (void)state;
    static const struct tag tags[] = { { "Smal", false, 16, 100, 0 },
                                       { "File", false, 400, 143377, 2e7 } };
    struct machine m;
    struct gen_random random = { 5 };
    begin(&m, tags, 2, true);
    for (int i = 0; i < N_LOOKS; i++) {
        double objects = floor(600 * gen_uniform(&random) * gen_uniform(&random));
        look(&m, T0 + i * 3600 * S);
        m.tags[0].in_use += objects;
        m.tags[1].in_use += objects;
        m.tags[1].freed_ever += 3000;
    }
    struct seep_judgement j = judge(&m);
    assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
    assert_string_equal(j.findings[0].id, "driver/Smal");
    end(&m, &j);
}

// A victim alone says that somebody leaks, not who.
static void a_victim_alone_is_no_driver(void **state)
{
    (void)state;
    static const struct tag tags[] = { { "File", false, 400, 143377, 2e7 },
                                       { "Even", false, 128, 90000, 4e6 } };
    struct machine m;
    struct gen_random random = { 5 };
    begin(&m, tags, 2, true);
    for (int i = 0; i < N_LOOKS; i++) {
        look(&m, T0 + i * 3600 * S);
        m.tags[0].in_use += floor(600 * gen_uniform(&random));
        m.tags[0].freed_ever += 10;
    }
    struct seep_judgement j = judge(&m);
    assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
    assert_string_equal(j.findings[0].id, "nonpaged-pool/File");
    assert_true(has_text(&j.findings[0], "a tag of Windows itself"));
    end(&m, &j);
}

// Two leaks that know nothing of each other: `rate` blocks an hour from look `from` on.
static size_t clusters_of(const double rate[2], const int from[2], double uneven, uint64_t seed)
{
    static const struct tag tags[] = { { "Aaaa", false, 400, 3000, 0 },
                                       { "Bbbb", false, 300, 2000, 0 } };
    struct machine m;
    struct gen_random random = { seed };
    begin(&m, tags, 2, true);
    for (int i = 0; i < N_LOOKS; i++) {
        look(&m, T0 + i * 3600 * S);
        for (int k = 0; k < 2; k++)
            m.tags[k].in_use +=
                i >= from[k] ? floor(rate[k] * (1 + uneven * (gen_uniform(&random) - 0.5))) : 0;
    }
    struct seep_judgement j = judge(&m);
    size_t n = j.n_clusters;
    if (n == 0 && count(&j, SEEP_VERDICT_LEAKING) != 2)
        fail_msg("%u leaking", (unsigned)count(&j, SEEP_VERDICT_LEAKING));
    end(&m, &j);
    return n;
}

static void independent_leaks_are_two(void **state)
{
    (void)state;
    static const struct {
        double rate[2];
        int from[2];
    } rows[] = {
        { { 1000, 1000 }, { 0, 30 } },  { { 1000, 1000 }, { 20, 60 } },
        { { 1000, 1300 }, { 0, 0 } },   { { 1000, 3700 }, { 0, 0 } },
        { { 1000, 1030 }, { 10, 25 } }, { { 1000, 2500 }, { 24, 36 } },
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (int noise = 0; noise < 3; noise++) {
            for (uint64_t seed = 1; seed <= 5; seed++) {
                size_t n = clusters_of(rows[r].rate, rows[r].from, noise * 0.5, seed);
                if (n)
                    fail_msg("row %u, noise %d, seed %u: one", (unsigned)r, noise, (unsigned)seed);
            }
        }
    }
}

// Counts of 32 bits that go round between looks, a restart, a tag in both pools.
static void counts_that_go_round(void **state)
{
    (void)state;
    static const struct tag tags[] = { { "Leak", false, 400, 4294960000.0 - 4294900000.0,
                                         4294900000.0 },
                                       { "Even", false, 128, 90000, 4e6 } };
    for (int wraps = 0; wraps < 2; wraps++) {
        struct machine m;
        begin(&m, tags, 2, false);
        m.wraps = wraps;
        look(&m, T0);
        m.tags[0].in_use += 500000;
        look(&m, T0 + 86400 * S);
        struct seep_judgement j = judge(&m);
        // It was freed four thousand million times: no word of never.
        assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), 0);
        end(&m, &j);
        begin(&m, tags, 2, true);
        m.wraps = wraps;
        for (int i = 0; i < N_LOOKS; i++) {
            look(&m, T0 + i * 3600 * S);
            m.tags[0].in_use += 4000 + (i * 7919) % 100;
        }
        j = judge(&m);
        assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
        assert_string_equal(j.findings[0].id, "driver/Leak");
        assert_true(has_text(&j.findings[0], "and none freed"));
        end(&m, &j);
    }
}

static void a_restart_begins_anew(void **state)
{
    (void)state;
    struct machine m;
    begin(&m, wcifs, N_WCIFS, false);
    m.wraps = true;
    look(&m, T0);
    for (size_t i = 0; i < m.n; i++) {
        m.tags[i].in_use *= 0.5;
        m.tags[i].freed_ever *= 0.01;
    }
    look(&m, T0 + 3600 * S);
    struct seep_judgement j = judge(&m);
    assert_int_equal(j.verdict, SEEP_VERDICT_UNKNOWN);
    assert_true(has_text(&j.findings[0], "in one look"));
    end(&m, &j);
}

static void a_tag_in_both_pools_is_one(void **state)
{
    (void)state;
    static const struct tag tags[] = { { "Both", false, 400, 3000, 0 },
                                       { "Both", true, 900, 2000, 0 },
                                       { "Even", false, 128, 90000, 4e6 } };
    struct machine m;
    begin(&m, tags, 3, true);
    struct gen_random random = { 5 };
    for (int i = 0; i < N_LOOKS; i++) {
        look(&m, T0 + i * 3600 * S);
        m.tags[0].in_use += floor(1000 * gen_uniform(&random));
        m.tags[1].in_use += floor(900 * gen_uniform(&random));
    }
    struct seep_judgement j = judge(&m);
    assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
    assert_string_equal(j.findings[0].id, "driver/Both");
    assert_true(has_text(&j.findings[0], "the other pool's tag"));
    assert_int_equal(j.n_clusters, 0);
    end(&m, &j);
}

// More in use because more is done: what is allocated in an hour grows by as much.
static void load_is_no_leak(void **state)
{
    (void)state;
    static const struct tag tags[] = { { "Load", false, 2000, 20000, 1e6 },
                                       { "Even", false, 128, 90000, 4e6 } };
    for (int load = 0; load < 2; load++) {
        struct machine m;
        struct gen_random random = { 5 };
        begin(&m, tags, 2, true);
        for (int i = 0; i < N_LOOKS; i++) {
            look(&m, T0 + i * 60 * S);
            double more = 1 + (double)i / N_LOOKS;
            m.tags[0].in_use = 20000 * more + 50 * gen_normal(&random);
            m.tags[0].freed_ever += 3000 * (load ? more : 1);
        }
        struct seep_judgement j = judge(&m);
        assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), !load);
        assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), 0);
        end(&m, &j);
    }
}

// What a log calls the driver, where nobody knows better.
static void the_log_names_the_driver(void **state)
{
    (void)state;
    static const struct {
        const char *mapped, *driver;
    } rows[] = { { "notmyfault.sys", "notmyfault.sys" },
                 { "[tcpip.sys  - TCP endpoint]", "tcpip.sys" },
                 { "nt!ps - Process objects", "nt" },
                 { "Unknown Driver", NULL },
                 { "<unknown>", NULL },
                 { "[", NULL } };
    static const struct tag tags[] = { { "Leak", false, 400, 3000, 0 },
                                       { "Even", false, 128, 90000, 4e6 } };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct machine m;
        begin(&m, tags, 2, false);
        look(&m, T0);
        m.tags[0].in_use += 500000;
        look(&m, T0 + 86400 * S);
        for (size_t i = 0; i < m.gen.data.n_pool_tags; i++)
            m.gen.tags[i].tag.mapped_driver = i % 2 ? NULL : rows[r].mapped;
        struct seep_judgement j = judge(&m);
        assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), 1);
        const struct seep_finding *f = &j.findings[0];
        assert_string_equal(f->id, "driver/Leak");
        if (rows[r].driver)
            assert_string_equal(f->driver, rows[r].driver);
        else
            assert_null(f->driver);
        end(&m, &j);
    }
}

// Nothing of hostile counts breaks it.
static void counts_of_no_sense(void **state)
{
    (void)state;
    const uint64_t odd[] = { 0, 1, UINT32_MAX, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63 };
    const size_t n = sizeof odd / sizeof *odd;
    struct machine m;
    begin(&m, wcifs, 0, false);
    for (uint32_t l = 1; l <= 6; l++) {
        for (size_t i = 0; i < n * n; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "%u", (unsigned)(i / 2));
            struct seep_pool_tag *t =
                gen_tag(&m.gen, m.id, l, l == 3 ? SEEP_NO_TIME : T0 + l * S, i ? name : "", i % 2,
                        odd[(i + l) % n], odd[(i / n + l) % n], odd[(i * l) % n]);
            t->wraps = i % 3 == 0;
            t->session = i % 5 ? SEEP_NO_SESSION : l;
        }
    }
    struct seep_judgement j = judge(&m);
    assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 0);
    end(&m, &j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_and_victims_of_a_series),
        cmocka_unit_test(two_looks_are_a_suspicion),
        cmocka_unit_test(looks_without_a_leak),
        cmocka_unit_test(one_look_at_an_absurd_tag),
        cmocka_unit_test(the_foreign_driver_is_the_source),
        cmocka_unit_test(a_small_source_is_found_by_its_counts),
        cmocka_unit_test(a_victim_alone_is_no_driver),
        cmocka_unit_test(independent_leaks_are_two),
        cmocka_unit_test(counts_that_go_round),
        cmocka_unit_test(a_restart_begins_anew),
        cmocka_unit_test(a_tag_in_both_pools_is_one),
        cmocka_unit_test(load_is_no_leak),
        cmocka_unit_test(the_log_names_the_driver),
        cmocka_unit_test(counts_of_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
