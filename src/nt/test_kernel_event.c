// SPDX-License-Identifier: MIT
// Tests of kernel events: a real trace against PerfView's own dump of it, every payload cut short.
#include "testkit.h"

#include "nt/etl_merge.h"
#include "nt/kernel_event.h"
#include "os/os.h"

#include <stdlib.h>
#include <string.h>

static void test_names(void **state)
{
    (void)state;
    char name[SEEP_KERNEL_NAME];
    static const struct {
        uint16_t hook;
        const char *name;
    } rows[] = {
        { 0x0000, "EventTrace" },          { 0x0303, "Process/DCStart" },
        { 0x030a, "Image/Load" },          { 0x1826, "StackWalk/StackKeyUser" },
        { 0x1021, "Heap/Alloc" },          { 0x0325, "Process/Opcode(37)" },
        { 0x2101, "Group(33)/Opcode(1)" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        seep_kernel_event_name(rows[i].hook, name);
        assert_string_equal(name, rows[i].name);
    }
}

// Every reader on every length of a payload: false, or what is there; never a byte behind it.
static void test_short_payloads(void **state)
{
    (void)state;
    for (size_t len = 0; len < 96; len++) {
        for (int is_64 = 0; is_64 < 2; is_64++) {
            for (uint16_t version = 0; version < 5; version++) {
                uint8_t *payload = malloc(len + 1);
                assert_non_null(payload);
                memset(payload, 0x41, len);
                struct seep_etl_record r = { .kind = SEEP_ETL_SYSTEM,
                                             .is_64 = is_64,
                                             .version = version,
                                             .payload = seep_bytes(payload, len) };
                struct seep_kernel_process process;
                struct seep_kernel_thread thread;
                struct seep_kernel_image image;
                struct seep_kernel_virtual memory;
                struct seep_kernel_heap heap;
                struct seep_kernel_pool pool;
                struct seep_kernel_handle handle;
                struct seep_kernel_reference reference;
                struct seep_kernel_stack stack;
                if (seep_kernel_process_read(&r, &process))
                    assert_true(process.image.bytes.len <= len);
                assert_int_equal(seep_kernel_thread_read(&r, &thread), len >= 8);
                if (seep_kernel_image_read(&r, &image))
                    assert_true(image.path.bytes.len <= len);
                assert_int_equal(seep_kernel_virtual_read(&r, SEEP_HOOK_VIRTUAL_ALLOC, &memory),
                                 len >= (is_64 ? 24 : 16));
                assert_int_equal(seep_kernel_heap_read(&r, SEEP_HOOK_HEAP_REALLOC, &heap),
                                 len >= (is_64 ? 40 : 20));
                assert_int_equal(seep_kernel_pool_read(&r, &pool), len >= (is_64 ? 24 : 16));
                (void)seep_kernel_handle_read(&r, SEEP_HOOK_HANDLE_DUPLICATE, &handle);
                assert_int_equal(seep_kernel_reference_read(&r, &reference),
                                 len >= (is_64 ? 16 : 12));
                if (seep_kernel_stack_read(&r, SEEP_HOOK_STACK, &stack))
                    assert_int_equal(stack.addresses.len,
                                     (len - 16) / (is_64 ? 8 : 4) * (is_64 ? 8 : 4));
                free(payload);
            }
        }
    }
}

// A heap event of a 32-bit and of a 64-bit process, with the system header and the provider's GUID.
static void test_heap_alloc(void **state)
{
    (void)state;
    static const uint8_t wide[] = { 0, 0, 5,    0,    0, 0, 0, 0, 64, 0, 0, 0, 0, 0,
                                    0, 0, 0x10, 0x20, 5, 0, 1, 0, 0,  0, 2, 0, 0, 0 };
    static const uint8_t narrow[] = { 0, 0, 5, 0, 64, 0, 0, 0, 0x10, 0x20, 5, 0, 2, 0, 0, 0 };
    static const uint8_t guid[16] = { 0xab, 0x62, 0x29, 0x22, 0x80, 0x61, 0x88, 0x4b,
                                      0xa8, 0x25, 0x34, 0x6b, 0x75, 0xf2, 0xa2, 0x4a };
    struct seep_kernel_heap heap;
    struct seep_etl_record r = { .kind = SEEP_ETL_CLASSIC,
                                 .is_64 = true,
                                 .guid = guid,
                                 .type = 33,
                                 .payload = seep_bytes(wide, sizeof wide) };
    assert_int_equal(seep_kernel_hook(&r), SEEP_HOOK_HEAP_ALLOC);
    assert_true(seep_kernel_heap_read(&r, SEEP_HOOK_HEAP_ALLOC, &heap));
    assert_int_equal(heap.heap, 0x50000);
    assert_int_equal(heap.size_bytes, 64);
    assert_int_equal(heap.address, 0x100052010);
    r.is_64 = false;
    r.payload = seep_bytes(narrow, sizeof narrow);
    assert_true(seep_kernel_heap_read(&r, SEEP_HOOK_HEAP_ALLOC, &heap));
    assert_int_equal(heap.address, 0x52010);
}

// ---- the real trace

struct waiting {
    uint64_t time;
    uint32_t tid;
};

struct seen {
    unsigned hooks[65536];
    unsigned n_image_ids, n_pdb_ids;
    uint64_t *keys; // of references, and of definitions
    size_t n_keys, n_defined, keys_capacity;
    uint64_t *defined;
    size_t defined_capacity;
    uint64_t *times; // of all events but stacks
    size_t n_times, times_capacity;
    struct waiting *stacks;
    size_t n_stacks, stacks_capacity;
};

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static bool has(const uint64_t *sorted, size_t n, uint64_t value)
{
    return bsearch(&value, sorted, n, sizeof *sorted, by_value) != NULL;
}

static void add(uint64_t **array, size_t *n, size_t *capacity, uint64_t value)
{
    if (*n == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 1024;
        *array = realloc(*array, *capacity * sizeof **array);
        assert_non_null(*array);
    }
    (*array)[(*n)++] = value;
}

static bool text_is(struct seep_kernel_text text, const char *expected)
{
    size_t unit = text.utf16 ? 2 : 1, n = strlen(expected);
    if (text.bytes.len != n * unit)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text.bytes.data[i * unit] != (uint8_t)expected[i])
            return false;
    }
    return true;
}

static void look(struct seen *seen, const struct seep_etl_record *r)
{
    uint16_t hook = seep_kernel_hook(r);
    struct seep_kernel_image_id id;
    struct seep_kernel_stack stack;
    struct seep_kernel_process process;
    if (seep_kernel_image_id_read(r, &id)) {
        seen->n_image_ids += !id.guid;
        seen->n_pdb_ids += id.guid != NULL;
    }
    if (hook == SEEP_HOOK_NONE) {
        add(&seen->times, &seen->n_times, &seen->times_capacity, r->time);
        return;
    }
    seen->hooks[hook]++;
    switch (hook) {
    case SEEP_HOOK_STACK_KEY_KERNEL:
    case SEEP_HOOK_STACK_KEY_USER:
        assert_true(seep_kernel_stack_read(r, hook, &stack));
        add(&seen->keys, &seen->n_keys, &seen->keys_capacity, stack.key);
        break;
    case SEEP_HOOK_STACK_KEY_DELETE:
    case SEEP_HOOK_STACK_KEY_RUNDOWN:
        assert_true(seep_kernel_stack_read(r, hook, &stack));
        assert_true(stack.addresses.len > 0);
        add(&seen->defined, &seen->n_defined, &seen->defined_capacity, stack.key);
        return;
    case SEEP_HOOK_STACK:
        assert_true(seep_kernel_stack_read(r, hook, &stack));
        break;
    case SEEP_HOOK_PROCESS_START:
        assert_true(seep_kernel_process_read(r, &process));
        assert_int_equal(process.pid, 3676);
        assert_int_equal(process.parent_pid, 3508);
        assert_int_equal(process.key, UINT64_C(0xfffffa8300cfb380));
        assert_int_equal(process.exit_status, 259);
        assert_true(text_is(process.image, "Test.x64.exe"));
        assert_true(text_is(process.command, "Test.x64.exe"));
        /* fall through */
    default:
        add(&seen->times, &seen->n_times, &seen->times_capacity, r->time);
        return;
    }
    if (seen->n_stacks == seen->stacks_capacity) {
        seen->stacks_capacity = seen->stacks_capacity ? seen->stacks_capacity * 2 : 1024;
        seen->stacks = realloc(seen->stacks, seen->stacks_capacity * sizeof *seen->stacks);
        assert_non_null(seen->stacks);
    }
    seen->stacks[seen->n_stacks++] = (struct waiting){ stack.time, stack.tid };
}

// The count that PerfView's dump gives for an event, -1 where it names none.
static long baseline_count(const char *baseline, const char *name)
{
    char line[128];
    (void)snprintf(line, sizeof line, "COUNT Windows Kernel/%s:", name);
    const char *at = strstr(baseline, line);
    return at ? strtol(at + strlen(line), NULL, 10) : -1;
}

static void test_real_trace(void **state)
{
    (void)state;
    char path[1024];
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    struct seep_buf baseline = { 0 };
    static struct seen seen;
    if (!testkit_data("etl/net.4.5.2.x64.baseline.txt", path, sizeof path) ||
        !testkit_read_file(path, &baseline) ||
        !testkit_data("etl/net.4.5.2.x64.etl", path, sizeof path))
        skip();
    assert_true(seep_os_map(path, &map, &err));
    struct seep_etl_merge *m = seep_etl_merge_open(map.view, NULL, NULL, &err);
    struct seep_etl_item item;
    assert_non_null(m);
    while (seep_etl_merge_next(m, &item) == SEEP_ETL_RECORD)
        look(&seen, &item.record);
    seep_etl_merge_close(m);

    // All counts stand at its end, and the C library's search is slow on some systems.
    const char *text = strstr(seep_buf_text(&baseline), "COUNT ");
    assert_non_null(text);
    unsigned n_compared = 0;
    for (unsigned hook = 0; hook < 0xffff; hook++) {
        char name[SEEP_KERNEL_NAME];
        seep_kernel_event_name((uint16_t)hook, name);
        long expected = baseline_count(text, name);
        // PerfView drops the samples of idle processors.
        if (expected < 0 || hook == 0x0f2e)
            continue;
        if ((long)seen.hooks[hook] != expected)
            fail_msg("%s: %u, not %ld", name, seen.hooks[hook], expected);
        n_compared++;
    }
    print_message("%u kinds of event counted as PerfView does\n", n_compared);
    assert_true(n_compared >= 40);
    assert_int_equal(seen.n_image_ids, 3590);
    assert_int_equal(seen.n_pdb_ids, 3534);

    qsort(seen.defined, seen.n_defined, sizeof *seen.defined, by_value);
    qsort(seen.times, seen.n_times, sizeof *seen.times, by_value);
    for (size_t i = 0; i < seen.n_keys; i++)
        assert_true(has(seen.defined, seen.n_defined, seen.keys[i]));
    for (size_t i = 0; i < seen.n_stacks; i++)
        assert_true(has(seen.times, seen.n_times, seen.stacks[i].time));
    assert_int_equal(seen.n_keys, 9107);
    free(seen.keys);
    free(seen.defined);
    free(seen.times);
    free(seen.stacks);
    seep_buf_clear(&baseline);
    seep_os_unmap(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_short_payloads),
        cmocka_unit_test(test_heap_alloc),
        cmocka_unit_test(test_real_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
