// SPDX-License-Identifier: MIT
// From counters to metrics and from instance names to images.
#include "source/perfmon_names.h"

#include <string.h>

static bool same_ascii(const char *a, size_t length, const char *b)
{
    for (size_t i = 0; i < length; i++, b++) {
        char x = a[i] >= 'A' && a[i] <= 'Z' ? (char)(a[i] + 32) : a[i];
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;
        if (x != y)
            return false;
    }
    return *b == '\0';
}

enum seep_metric seep_perfmon_metric(enum seep_perf_object object, enum seep_perf_counter counter,
                                     const char *instance, double *factor)
{
    static const enum seep_metric metrics[SEEP_PERF_COUNTER_COUNT_] = {
        [SEEP_PERF_PRIVATE_BYTES] = SEEP_METRIC_PRIVATE_BYTES,
        [SEEP_PERF_PAGE_FILE_BYTES] = SEEP_METRIC_PRIVATE_BYTES, // the same charge, older name
        [SEEP_PERF_VIRTUAL_BYTES] = SEEP_METRIC_VIRTUAL_BYTES,
        [SEEP_PERF_WORKING_SET] = SEEP_METRIC_WORKING_SET_BYTES,
        [SEEP_PERF_POOL_PAGED_BYTES] = SEEP_METRIC_PAGED_POOL_BYTES,
        [SEEP_PERF_POOL_NONPAGED_BYTES] = SEEP_METRIC_NONPAGED_POOL_BYTES,
        [SEEP_PERF_HANDLE_COUNT] = SEEP_METRIC_HANDLES,
        [SEEP_PERF_THREAD_COUNT] = SEEP_METRIC_THREADS,
        [SEEP_PERF_COMMITTED_BYTES] = SEEP_METRIC_COMMIT_BYTES,
        [SEEP_PERF_COMMIT_LIMIT] = SEEP_METRIC_COMMIT_LIMIT_BYTES,
        [SEEP_PERF_AVAILABLE_BYTES] = SEEP_METRIC_AVAILABLE_BYTES,
        [SEEP_PERF_AVAILABLE_KBYTES] = SEEP_METRIC_AVAILABLE_BYTES,
        [SEEP_PERF_AVAILABLE_MBYTES] = SEEP_METRIC_AVAILABLE_BYTES,
        [SEEP_PERF_PAGING_USAGE] = SEEP_METRIC_PAGEFILE_USAGE_RATIO,
    };
    *factor = 1;
    if (counter == SEEP_PERF_AVAILABLE_KBYTES)
        *factor = 1024;
    if (counter == SEEP_PERF_AVAILABLE_MBYTES)
        *factor = 1024 * 1024;
    if (counter == SEEP_PERF_PAGING_USAGE)
        *factor = -100; // percent
    // The machine's usage is that of all page files together.
    if (object == SEEP_PERF_PAGING_FILE &&
        (!instance || !same_ascii(instance, strlen(instance), "_Total")))
        return SEEP_METRIC_NONE;
    return metrics[counter];
}

bool seep_perfmon_has_finer(uint32_t counters, enum seep_perf_counter counter)
{
    uint32_t finer = 0;
    if (counter == SEEP_PERF_PAGE_FILE_BYTES)
        finer = UINT32_C(1) << SEEP_PERF_PRIVATE_BYTES;
    if (counter == SEEP_PERF_AVAILABLE_KBYTES || counter == SEEP_PERF_AVAILABLE_MBYTES)
        finer = UINT32_C(1) << SEEP_PERF_AVAILABLE_BYTES;
    if (counter == SEEP_PERF_AVAILABLE_MBYTES)
        finer |= UINT32_C(1) << SEEP_PERF_AVAILABLE_KBYTES;
    return (counters & finer) != 0;
}

// The length of `name` before a last `mark` that only digits follow; `length` if there is none.
static size_t before_number(const char *name, size_t length, char mark)
{
    size_t i = length;
    while (i > 0 && name[i - 1] >= '0' && name[i - 1] <= '9')
        i--;
    return i > 1 && i < length && name[i - 1] == mark ? i - 1 : length;
}

// Perfmon leaves out ".exe", but no other extension; what the kernel made has none.
static bool is_whole_image(const char *name, size_t length)
{
    static const char *const pseudo[] = { "System",        "Registry",       "Memory Compression",
                                          "Secure System", "MemCompression", "vmmem" };
    static const char *const extensions[] = { ".exe", ".scr", ".com", ".tmp", ".pif", ".dll" };
    for (size_t i = 0; i < sizeof pseudo / sizeof *pseudo; i++) {
        if (same_ascii(name, length, pseudo[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        size_t n = strlen(extensions[i]);
        if (length > n && same_ascii(name + length - n, n, extensions[i]))
            return true;
    }
    return false;
}

static int64_t parse_pid(const char *digits, size_t length)
{
    int64_t pid = 0;
    if (length == 0 || length > 10)
        return -1;
    for (size_t i = 0; i < length; i++)
        pid = pid * 10 + (digits[i] - '0');
    return pid <= UINT32_MAX ? pid : -1;
}

void seep_perfmon_instance(enum seep_perf_object object, const char *name, bool numbered,
                           struct seep_perfmon_instance *instance, struct seep_buf *image)
{
    size_t length = strlen(name), base;
    *instance = (struct seep_perfmon_instance){ .pid = -1 };
    if (object == SEEP_PERF_PROCESS_V2) {
        base = before_number(name, length, ':');
        if (base < length)
            instance->pid = parse_pid(name + base + 1, length - base - 1);
        if (instance->pid < 0)
            base = length;
    } else {
        base = before_number(name, length, '#');
        instance->shares_name = base < length;
    }
    instance->is_process = base > 0 && instance->pid != 0 && !same_ascii(name, base, "_Total") &&
                           !same_ascii(name, base, "Idle");
    seep_buf_reset(image);
    seep_buf_add(image, name, base);
    if (!is_whole_image(name, base))
        seep_buf_adds(image, ".exe");
    if (numbered && instance->shares_name)
        seep_buf_add(image, name + base, length - base);
}
