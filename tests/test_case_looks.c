// SPDX-License-Identifier: MIT
// Tests of looks at a machine in a case: pool tags, memory, zombies and who holds them.
#include "testkit.h"

#include "base/time.h"
#include "case/case.h"

#include <string.h>

enum { N_TAGS = 3 };

static const int64_t first_ns = 100 * SEEP_NS_PER_S, second_ns = 200 * SEEP_NS_PER_S;

static struct seep_sink *begin(struct seep_case *c, const char *path)
{
    struct seep_sink *sink = NULL;
    assert_true(seep_case_begin_source(c, path, "poolmon", 10, SEEP_CASE_IMPORT, &sink, NULL));
    return sink;
}

static void end(struct seep_case *c)
{
    struct seep_err err = { 0 };
    if (!seep_case_end_source(c, SEEP_OK, 10, &err))
        fail_msg("%s", err.what);
}

// A look: three tags, two numbers of memory.
static void put_look(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns,
                     uint64_t allocs)
{
    static const char *const names[N_TAGS] = { "File", "Leak", "Leak" };
    struct seep_vm vm = seep_vm_unknown(machine);
    assert_true(seep_sink_tick(sink, machine, t_ns));
    for (size_t i = 0; i < N_TAGS; i++) {
        struct seep_pool_tag tag = { .machine = machine,
                                     .tag = names[i],
                                     .paged = i == 2,
                                     .allocs = allocs + i,
                                     .frees = i == 1 ? 0 : SEEP_UNKNOWN_COUNT,
                                     .bytes = allocs * 64,
                                     .wraps = i == 1,
                                     .session = i == 2 ? 1 : SEEP_NO_SESSION,
                                     .mapped_driver = i == 1 ? "leaky.sys" : NULL };
        assert_true(seep_sink_pool_tag(sink, &tag));
    }
    vm.bytes[SEEP_VM_COMMITTED] = allocs * 4096;
    vm.bytes[SEEP_VM_ZOMBIES] = 0;
    assert_true(seep_sink_vm(sink, &vm));
}

// A dump: a service that holds two of three dead processes, one of them twice.
static void put_zombies(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    struct seep_process_id service, dead[3];
    struct seep_process p = { .machine = machine,
                              .has_pid = true,
                              .pid = 4,
                              .start_ns = 1,
                              .end_ns = SEEP_NO_TIME,
                              .image = "svc.exe" };
    assert_true(seep_sink_process(sink, &p, &service));
    for (uint32_t i = 0; i < 3; i++) {
        p.pid = 100 + i;
        p.start_ns = i + 2;
        p.image = "cl.exe";
        assert_true(seep_sink_process(sink, &p, &dead[i]));
        assert_true(seep_sink_process_end(sink, dead[i], 50));
    }
    assert_true(seep_sink_tick(sink, machine, t_ns));
    for (uint32_t i = 0; i < 3; i++) {
        struct seep_zombie z = { .process = dead[i],
                                 .n_handles = i < 2 ? 1 + i : 0,
                                 .n_found = i < 2 ? 1 + i : 0,
                                 .n_pointers = 3,
                                 .n_unexplained = i == 2 ? 1 : 0,
                                 .commit_bytes = SEEP_UNKNOWN_COUNT };
        assert_true(seep_sink_zombie(sink, &z));
        for (uint32_t k = 0; k < z.n_found; k++) {
            struct seep_handle h = {
                .holder = service, .value = 16 * i + 4 * k, .type = "Process", .target = dead[i]
            };
            assert_true(seep_sink_handle(sink, &h));
        }
    }
}

static void put_all(struct seep_sink *sink)
{
    struct seep_machine machine = { .host = "SRV01", .boot_ns = SEEP_NO_TIME };
    struct seep_machine_id id;
    assert_true(seep_sink_machine(sink, &machine, &id));
    put_look(sink, id, second_ns, 20);
    put_look(sink, id, first_ns, 10);
    put_zombies(sink, id, second_ns);
}

static void check_all(const struct seep_dataset *data)
{
    assert_int_equal(data->n_pool_tags, 2 * N_TAGS);
    for (uint32_t i = 0; i < 2 * N_TAGS; i++) {
        const struct seep_dataset_pool_tag *t = &data->pool_tags[i];
        assert_int_equal(t->look, i < N_TAGS ? 1 : 2);
        assert_true(t->taken_ns == (i < N_TAGS ? first_ns : second_ns));
        assert_int_equal(t->tag.machine.v, 1);
        assert_string_equal(t->tag.tag, i % N_TAGS == 0 ? "File" : "Leak");
        bool leak = i % N_TAGS == 1;
        assert_true(t->tag.allocs == (i < N_TAGS ? 10 : 20) + i % N_TAGS);
        assert_true(t->tag.frees == (leak ? 0 : SEEP_UNKNOWN_COUNT));
        assert_int_equal(t->tag.wraps, leak);
        assert_int_equal(t->tag.paged, i % N_TAGS == 2);
        assert_true(t->tag.session == (i % N_TAGS == 2 ? 1 : SEEP_NO_SESSION));
        if (leak)
            assert_string_equal(t->tag.mapped_driver, "leaky.sys");
        else
            assert_null(t->tag.mapped_driver);
    }
    assert_int_equal(data->n_vms, 2);
    assert_true(data->vms[0].vm.bytes[SEEP_VM_COMMITTED] == 10 * 4096);
    assert_true(data->vms[1].vm.bytes[SEEP_VM_COMMITTED] == 20 * 4096);
    assert_true(data->vms[1].vm.bytes[SEEP_VM_ZOMBIES] == 0);
    assert_true(data->vms[1].vm.bytes[SEEP_VM_PHYSICAL] == SEEP_UNKNOWN_COUNT);
    assert_int_equal(data->n_zombies, 3);
    assert_true(data->zombies[2].zombie.n_unexplained == 1);
    assert_true(data->zombies[2].zombie.commit_bytes == SEEP_UNKNOWN_COUNT);
    assert_true(data->zombies[0].taken_ns == second_ns);
    assert_int_equal(data->n_holds, 2);
    assert_int_equal(data->holds[0].n_handles, 1);
    assert_int_equal(data->holds[1].n_handles, 2);
    assert_string_equal(data->processes[data->holds[0].holder.v - 1].image, "svc.exe");
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    struct seep_case *c = NULL;
    struct seep_dataset data;
    assert_true(seep_case_open(NULL, SEEP_CASE_TEMPORARY, &c, NULL));
    put_all(begin(c, "a"));
    end(c);
    assert_true(seep_case_dataset(c, &data, NULL));
    check_all(&data);
    assert_int_equal(data.sources[0].facts[SEEP_FACT_POOL_TAG], 2 * N_TAGS);
    assert_int_equal(data.sources[0].facts[SEEP_FACT_ZOMBIE], 3);
    seep_case_close(c);
}

static void the_same_file_again_is_not_twice(void **state)
{
    (void)state;
    struct seep_case *c = NULL;
    struct seep_dataset data;
    assert_true(seep_case_open(NULL, SEEP_CASE_TEMPORARY, &c, NULL));
    put_all(begin(c, "a"));
    end(c);
    put_all(begin(c, "b"));
    end(c);
    assert_true(seep_case_dataset(c, &data, NULL));
    check_all(&data);
    assert_int_equal(data.pool_tags[0].source.v, 2);
    seep_case_close(c);
}

static void a_copy_says_the_same(void **state)
{
    (void)state;
    struct seep_case *c = NULL, *copy = NULL;
    struct seep_dataset data;
    assert_true(seep_case_open(NULL, SEEP_CASE_TEMPORARY, &c, NULL));
    assert_true(seep_case_open(NULL, SEEP_CASE_TEMPORARY, &copy, NULL));
    put_all(begin(c, "a"));
    end(c);
    assert_int_equal(seep_case_copy(c, begin(copy, "c"), NULL, NULL), SEEP_OK);
    end(copy);
    assert_true(seep_case_dataset(copy, &data, NULL));
    check_all(&data);
    seep_case_close(c);
    seep_case_close(copy);
}

// Two looks of no known time stay two, in their order.
static void looks_without_a_time_are_kept_apart(void **state)
{
    (void)state;
    struct seep_case *c = NULL;
    struct seep_dataset data;
    struct seep_machine machine = { .boot_ns = SEEP_NO_TIME };
    struct seep_machine_id id;
    assert_true(seep_case_open(NULL, SEEP_CASE_TEMPORARY, &c, NULL));
    struct seep_sink *sink = begin(c, "a");
    assert_true(seep_sink_machine(sink, &machine, &id));
    put_look(sink, id, SEEP_NO_TIME, 30);
    put_look(sink, id, SEEP_NO_TIME, 10);
    end(c);
    assert_true(seep_case_dataset(c, &data, NULL));
    assert_int_equal(data.n_pool_tags, 2 * N_TAGS);
    assert_int_equal(data.pool_tags[0].look, 1);
    assert_true(data.pool_tags[0].tag.allocs == 30);
    assert_int_equal(data.pool_tags[N_TAGS].look, 2);
    assert_true(data.pool_tags[N_TAGS].tag.allocs == 10);
    assert_int_equal(data.n_vms, 2);
    seep_case_close(c);
}

static void put_sample(struct seep_sink *sink, int64_t t_ns)
{
    struct seep_machine machine = { .host = "SRV01", .boot_ns = SEEP_NO_TIME };
    struct seep_series series = { .subject = { .kind = SEEP_SUBJECT_MACHINE },
                                  .metric = SEEP_METRIC_COMMIT_BYTES };
    struct seep_series_id id;
    assert_true(seep_sink_machine(sink, &machine, &series.subject.machine));
    assert_true(seep_sink_series(sink, &series, &id));
    assert_true(seep_sink_tick(sink, series.subject.machine, t_ns));
    assert_true(seep_sink_sample(sink, id, 1));
}

// Files come in the order of a shell's *, not of time.
static void sources_come_in_any_order_of_time(void **state)
{
    (void)state;
    static const int64_t times[] = { 200, 300, 100 };
    struct seep_case *c = NULL;
    struct seep_dataset data;
    assert_true(seep_case_open(NULL, SEEP_CASE_TEMPORARY, &c, NULL));
    for (size_t i = 0; i < 3; i++) {
        put_sample(begin(c, "x"), times[i] * SEEP_NS_PER_S);
        end(c);
    }
    assert_true(seep_case_dataset(c, &data, NULL));
    assert_int_equal(data.n_series, 1);
    assert_true(data.series[0].first_ns == 100 * SEEP_NS_PER_S);
    assert_true(data.series[0].last_ns == 300 * SEEP_NS_PER_S);
    seep_case_close(c);
}

static void tags_read_the_same_wherever_they_were_counted(void **state)
{
    (void)state;
    char text[SEEP_TAG_TEXT];
    assert_string_equal(seep_pool_tag_text(0x6b61654c, text), "Leak");
    assert_string_equal(seep_pool_tag_text(0xeb61654c, text), "Leak"); // protected
    assert_string_equal(seep_pool_tag_text(0x20206d4d, text), "Mm");
    assert_string_equal(seep_pool_tag_text(0x41fe0141, text), "A..A");
    assert_string_equal(seep_pool_tag_clean("Mm", 2, text), "Mm");
    assert_string_equal(seep_pool_tag_clean(" Ab ", 4, text), " Ab");
    assert_true(seep_pool_count_growth(UINT32_MAX - 1, 3, true) == 5);
    assert_true(seep_pool_count_growth(5, 3, false) == SEEP_UNKNOWN_COUNT);
    struct seep_pool_tag tag = { .allocs = 2, .frees = UINT32_MAX, .wraps = true };
    assert_true(seep_pool_tag_diff(&tag) == 3);
    tag = (struct seep_pool_tag){ .allocs = 2, .frees = 3, .wraps = true };
    assert_true(seep_pool_tag_diff(&tag) == SEEP_UNKNOWN_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(the_same_file_again_is_not_twice),
        cmocka_unit_test(a_copy_says_the_same),
        cmocka_unit_test(looks_without_a_time_are_kept_apart),
        cmocka_unit_test(sources_come_in_any_order_of_time),
        cmocka_unit_test(tags_read_the_same_wherever_they_were_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
