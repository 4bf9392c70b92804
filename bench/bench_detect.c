// SPDX-License-Identifier: MIT
// How long a judgement takes: nanoseconds for a series of 10,000 samples, beside a least-squares
// line through the same points, measured in the same run.
#include "base/time.h"
#include "detect/detect.h"
#include "series_gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// What no judgement can do without: read every point.
static double least_squares(const struct seep_points *points)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (size_t i = 0; i < points->count; i++) {
        double t = (double)(points->at[i].t_ns - points->at[0].t_ns) / 1e9, v = points->at[i].value;
        n++;
        x += t;
        y += v;
        xx += t * t;
        xy += t * v;
    }
    return (n * xy - x * y) / (n * xx - x * x);
}

int main(int argc, char **argv)
{
    unsigned n_series = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 500, runs = 5;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "BENCH");
    for (unsigned i = 0; i < n_series; i++) {
        struct seep_process_id p = gen_process(&gen, m, "process.exe", 1000 + i, SEEP_NO_TIME);
        struct gen_spec spec = { .family = (enum gen_family)(i % GEN_N_FAMILIES),
                                 .seed = i,
                                 .start_ns = INT64_C(1772366400000000000),
                                 .tick_s = 60,
                                 .n = 10000,
                                 .level = 2e8,
                                 .noise = 1e6,
                                 .growth = 5e7 };
        size_t at = gen_add(&gen, m, SEEP_SUBJECT_PROCESS, p, NULL, SEEP_METRIC_PRIVATE_BYTES);
        gen_series(&spec, gen_points(&gen, at));
    }
    const struct seep_dataset *data = gen_finish(&gen);
    double points = 0, detect_s = 1e9, plain_s = 1e9, load_s = 1e9;
    volatile double keep = 0;
    struct seep_points copy = { 0 };
    for (unsigned i = 0; i < n_series; i++)
        points += (double)gen_points(&gen, i)->count;
    for (unsigned r = 0; r < runs; r++) {
        double t = now_s();
        for (unsigned i = 0; i < n_series; i++)
            keep = keep + least_squares(gen_points(&gen, i));
        plain_s = now_s() - t < plain_s ? now_s() - t : plain_s;
        t = now_s();
        for (unsigned i = 0; i < n_series; i++)
            (void)data->points(data->ctx, i, &copy, NULL);
        load_s = now_s() - t < load_s ? now_s() - t : load_s;
        struct seep_judgement judgement = { 0 };
        t = now_s();
        if (!seep_detect(data, NULL, NULL, &judgement, NULL))
            return 1;
        detect_s = now_s() - t < detect_s ? now_s() - t : detect_s;
        seep_judgement_clear(&judgement);
    }
    double each = 10000 / points * 1e9;
    printf("detect: %.0f ns for a series of 10,000 samples (of that %.0f ns to load it); least "
           "squares alone: %.0f ns; ratio %.2f; %u series\n",
           detect_s * each, load_s * each, plain_s * each, detect_s / plain_s, n_series);
    seep_points_clear(&copy);
    gen_data_clear(&gen);
    return 0;
}
