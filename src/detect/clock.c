// SPDX-License-Identifier: MIT
// Clocks: when a recorder looked, as far as the series tell that it gave.
#include "detect/clock.h"

#include "detect/judge.h"

#include <math.h>
#include <string.h>

static const char *format_of(const struct seep_dataset *data, size_t series)
{
    uint32_t source = data->series[series].source.v;
    const char *format =
        source && source <= data->n_sources ? data->sources[source - 1].format : "";
    return format ? format : "";
}

static bool is_of(const struct seep_clock *clock, const char *format, bool sites)
{
    return clock->sites == sites && strcmp(clock->format, format) == 0;
}

struct seep_clock *seep_clock_add(struct seep_scene *scene, size_t series)
{
    const char *format = format_of(scene->data, series);
    bool sites = scene->data->series[series].series.subject.kind == SEEP_SUBJECT_SITE;
    for (size_t i = 0; i < scene->n_clocks; i++) {
        if (is_of(&scene->clocks[i], format, sites))
            return &scene->clocks[i];
    }
    if (scene->n_clocks == SEEP_MAX_CLOCKS) // more than there are formats
        return &scene->clocks[0];
    struct seep_clock *clock = &scene->clocks[scene->n_clocks++];
    *clock = (struct seep_clock){ .format = format,
                                  .sites = sites,
                                  .start_ns = INT64_MAX,
                                  .end_ns = INT64_MIN,
                                  .tick = INFINITY };
    return clock;
}

const struct seep_clock *seep_clock_of(const struct seep_scene *scene, size_t series)
{
    const char *format = format_of(scene->data, series);
    bool sites = scene->data->series[series].series.subject.kind == SEEP_SUBJECT_SITE;
    for (size_t i = 0; i < scene->n_clocks; i++) {
        if (is_of(&scene->clocks[i], format, sites))
            return &scene->clocks[i];
    }
    return &scene->clocks[0];
}

const struct seep_silences *seep_clock_silences(const struct seep_clock *clock)
{
    return clock->busiest ? &clock->silences : NULL;
}

void seep_clock_see(struct seep_clock *clock, const struct seep_dataset *data, size_t series,
                    int64_t first_ns, int64_t last_ns)
{
    const struct seep_dataset_series *s = &data->series[series];
    clock->start_ns = first_ns < clock->start_ns ? first_ns : clock->start_ns;
    clock->end_ns = last_ns > clock->end_ns ? last_ns : clock->end_ns;
    if (s->n_points < 3)
        return;
    if (!clock->busiest || s->n_points > data->series[clock->busiest - 1].n_points)
        clock->busiest = series + 1;
    double apart = ((double)s->last_ns - (double)s->first_ns) / (double)(s->n_points - 1);
    clock->tick = apart > 0 ? fmin(clock->tick, apart) : clock->tick;
    clock->heartbeat = fmax(clock->heartbeat, apart);
}

void seep_clock_set(struct seep_clock *clock)
{
    double span =
        clock->end_ns > clock->start_ns ? (double)clock->end_ns - (double)clock->start_ns : 0;
    clock->tick_ns = clock->tick <= span ? (int64_t)clock->tick : 0;
    clock->heartbeat_ns = (int64_t)fmin(clock->heartbeat, span / 4);
}
