// SPDX-License-Identifier: MIT
// Tests of spaces: what came at one tick about one process is one space, sorted, with its strings.
#include "testkit.h"

#include "base/time.h"
#include "model/space.h"

#include <math.h>
#include <string.h>

struct scene {
    struct seep_spaces spaces;
    struct seep_machine_id machine;
    struct seep_process_id process;
    struct seep_series_id private_bytes;
};

static void open_scene(struct scene *scene)
{
    seep_spaces_init(&scene->spaces);
    struct seep_sink *sink = &scene->spaces.sink;
    struct seep_machine m = { .host = "SRV01", .boot_ns = SEEP_NO_TIME };
    assert_true(seep_sink_machine(sink, &m, &scene->machine));
    struct seep_process p = { .machine = scene->machine,
                              .pid = 7,
                              .has_pid = true,
                              .start_ns = 5,
                              .end_ns = SEEP_NO_TIME,
                              .architecture = "x64",
                              .image = "app.exe" };
    assert_true(seep_sink_process(sink, &p, &scene->process));
    struct seep_series s = { .subject = { .kind = SEEP_SUBJECT_PROCESS,
                                          .machine = scene->machine,
                                          .process = scene->process },
                             .metric = SEEP_METRIC_PRIVATE_BYTES };
    assert_true(seep_sink_series(sink, &s, &scene->private_bytes));
}

static void put_region(struct scene *scene, uint64_t base, uint64_t size, const char *detail)
{
    struct seep_region r = { .process = scene->process,
                             .base = base,
                             .size_bytes = size,
                             .state = SEEP_STATE_COMMIT,
                             .detail = detail };
    assert_true(seep_sink_region(&scene->spaces.sink, &r));
}

static void regions_are_sorted_and_found(void **state)
{
    (void)state;
    struct scene scene;
    char detail[] = "heap 1";
    open_scene(&scene);
    put_region(&scene, 0x9000, 0x1000, NULL);
    put_region(&scene, 0x1000, 0x1000, detail);
    put_region(&scene, 0xfffffffffffff000, 0x1000, NULL);
    put_region(&scene, 0x2000, 0x3000, detail);
    memset(detail, 'x', sizeof detail - 1); // the sink has its own copy
    seep_spaces_finish(&scene.spaces);
    assert_int_equal(scene.spaces.n, 1);
    const struct seep_space *space = &scene.spaces.at[0];
    assert_int_equal(space->n_regions, 4);
    assert_int_equal(space->regions[0].base, 0x1000);
    assert_string_equal(space->regions[0].detail, "heap 1");
    assert_string_equal(space->process.architecture, "x64");
    assert_string_equal(space->machine.host, "SRV01");
    assert_true(space->taken_ns == SEEP_NO_TIME);
    seep_spaces_clear(&scene.spaces);
}

static void modules_are_of_their_process(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct seep_module m = { .process = scene.process, .base = 0x10000, .size_bytes = 0x8000 };
    m.path = "C:\\app.exe";
    assert_true(seep_sink_module(&scene.spaces.sink, &m));
    m.base = 0x12000;
    m.unloaded = true;
    assert_true(seep_sink_module(&scene.spaces.sink, &m));
    m.process.v = 0; // the kernel's: of no space
    assert_true(seep_sink_module(&scene.spaces.sink, &m));
    seep_spaces_finish(&scene.spaces);
    const struct seep_space *space = &scene.spaces.at[0];
    assert_int_equal(space->n_modules, 2);
    assert_int_equal(space->modules[0].base, 0x10000);
    assert_true(space->modules[1].unloaded);
    seep_spaces_clear(&scene.spaces);
}

static void a_tick_begins_a_snapshot(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct seep_sink *sink = &scene.spaces.sink;
    put_region(&scene, 0x1000, 0x1000, NULL); // before the first tick: of its time
    assert_true(seep_sink_tick(sink, scene.machine, SEEP_NS_PER_S));
    assert_true(seep_sink_sample(sink, scene.private_bytes, 111));
    put_region(&scene, 0x2000, 0x1000, NULL);
    assert_true(seep_sink_tick(sink, scene.machine, 2 * SEEP_NS_PER_S));
    assert_true(seep_sink_sample(sink, scene.private_bytes, 222));
    put_region(&scene, 0x1000, 0x1000, NULL);
    assert_true(seep_sink_tick(sink, scene.machine, 3 * SEEP_NS_PER_S));
    put_region(&scene, 0x1000, 0x1000, NULL);
    seep_spaces_finish(&scene.spaces);
    assert_int_equal(scene.spaces.n, 3);
    assert_int_equal(scene.spaces.at[0].n_regions, 2);
    assert_true(scene.spaces.at[0].taken_ns == SEEP_NS_PER_S);
    assert_true(scene.spaces.at[0].counters[SEEP_METRIC_PRIVATE_BYTES] == 111);
    assert_int_equal(scene.spaces.at[1].n_regions, 1);
    assert_true(scene.spaces.at[1].counters[SEEP_METRIC_PRIVATE_BYTES] == 222);
    assert_true(isnan(scene.spaces.at[2].counters[SEEP_METRIC_PRIVATE_BYTES]));
    assert_true(isnan(scene.spaces.at[1].counters[SEEP_METRIC_HANDLES]));
    seep_spaces_clear(&scene.spaces);
}

static void every_kind_of_fact_is_kept(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct seep_sink *sink = &scene.spaces.sink;
    for (uint64_t i = 0; i < 100; i++) {
        struct seep_handle h = { .holder = scene.process, .value = 400 - 4 * i, .type = "Event" };
        assert_true(seep_sink_handle(sink, &h));
    }
    struct seep_heap heap = { .process = scene.process, .address = 0x5000, .bits = 64 };
    assert_true(seep_sink_heap(sink, &heap));
    heap.address = 0x4000;
    assert_true(seep_sink_heap(sink, &heap));
    struct seep_blocks b = { .process = scene.process, .type = "Foo", .blocks = 3, .bytes = 72 };
    assert_true(seep_sink_blocks(sink, &b));
    seep_spaces_finish(&scene.spaces);
    const struct seep_space *space = &scene.spaces.at[0];
    assert_int_equal(space->n_handles, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(space->handles[i].value, 4 + 4 * i);
    assert_ptr_equal(space->handles[0].type, space->handles[99].type); // one copy
    assert_int_equal(space->heaps[0].address, 0x4000);
    assert_int_equal(space->n_blocks, 1);
    assert_string_equal(space->blocks[0].type, "Foo");
    seep_spaces_clear(&scene.spaces);
    assert_int_equal(scene.spaces.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_are_sorted_and_found),
        cmocka_unit_test(modules_are_of_their_process),
        cmocka_unit_test(a_tick_begins_a_snapshot),
        cmocka_unit_test(every_kind_of_fact_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
