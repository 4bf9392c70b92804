// SPDX-License-Identifier: MIT
// Names and units of metrics and subjects; lists of points.
#include "model/series.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name, *unit;
} metrics[] = {
    [SEEP_METRIC_PRIVATE_BYTES] = { "private_bytes", "bytes" },
    [SEEP_METRIC_VIRTUAL_BYTES] = { "virtual_bytes", "bytes" },
    [SEEP_METRIC_WORKING_SET_BYTES] = { "working_set_bytes", "bytes" },
    [SEEP_METRIC_HANDLES] = { "handles", "count" },
    [SEEP_METRIC_THREADS] = { "threads", "count" },
    [SEEP_METRIC_GDI_OBJECTS] = { "gdi_objects", "count" },
    [SEEP_METRIC_USER_OBJECTS] = { "user_objects", "count" },
    [SEEP_METRIC_PAGED_POOL_BYTES] = { "paged_pool_bytes", "bytes" },
    [SEEP_METRIC_NONPAGED_POOL_BYTES] = { "nonpaged_pool_bytes", "bytes" },
    [SEEP_METRIC_COMMIT_BYTES] = { "commit_bytes", "bytes" },
    [SEEP_METRIC_COMMIT_LIMIT_BYTES] = { "commit_limit_bytes", "bytes" },
    [SEEP_METRIC_AVAILABLE_BYTES] = { "available_bytes", "bytes" },
    [SEEP_METRIC_PAGEFILE_USAGE_RATIO] = { "pagefile_usage_ratio", "ratio" },
    [SEEP_METRIC_OUTSTANDING_BYTES] = { "outstanding_bytes", "bytes" },
    [SEEP_METRIC_OUTSTANDING_COUNT] = { "outstanding_count", "count" },
    [SEEP_METRIC_ZOMBIES] = { "zombies", "count" },
};
static_assert(sizeof metrics / sizeof *metrics == SEEP_N_METRICS, "a name for every metric");

static const char *const subject_kinds[] = {
    [SEEP_SUBJECT_MACHINE] = "machine",   [SEEP_SUBJECT_PROCESS] = "process",
    [SEEP_SUBJECT_POOL_TAG] = "pool-tag", [SEEP_SUBJECT_DRIVER] = "driver",
    [SEEP_SUBJECT_SITE] = "site",         [SEEP_SUBJECT_HEAP] = "heap",
};
static_assert(sizeof subject_kinds / sizeof *subject_kinds == SEEP_N_SUBJECT_KINDS,
              "a name for every kind of subject");

const char *seep_metric_name(enum seep_metric metric)
{
    return metrics[metric].name;
}

const char *seep_metric_unit(enum seep_metric metric)
{
    return metrics[metric].unit;
}

enum seep_metric seep_metric_from_name(const char *name)
{
    for (int i = 1; i < SEEP_N_METRICS; i++) {
        if (strcmp(metrics[i].name, name) == 0)
            return (enum seep_metric)i;
    }
    return SEEP_METRIC_NONE;
}

const char *seep_subject_kind_name(enum seep_subject_kind kind)
{
    return subject_kinds[kind];
}

bool seep_points_add(struct seep_points *points, int64_t t_ns, double value)
{
    if (!seep_grow(&points->at, &points->capacity, points->count + 1, sizeof *points->at))
        return false;
    points->at[points->count++] = (struct seep_point){ t_ns, value };
    return true;
}

void seep_points_clear(struct seep_points *points)
{
    seep_free(points->at);
    *points = (struct seep_points){ 0 };
}
