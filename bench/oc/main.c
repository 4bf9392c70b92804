// SPDX-License-Identifier: MIT
// The operating characteristic of detection: what it finds, what it accuses wrongly, how soon and
// how exactly, beside what others use. The same arguments print the same numbers, times apart.
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: operating-characteristic [OPTION...]\n"
    "      --runs N               series of each family, observation and noise level (20)\n"
    "      --seed N               the first seed (1)\n"
    "      --quick                a tenth of everything\n"
    "      --companions N         healthy series beside the one in question (4)\n"
    "      --family PART          only families with this in their name\n"
    "      --observation PART     only observations with this in their name\n"
    "      --only PART            only: grid, held-out, course, exhaustion, machines, real\n"
    "      --through-program EXE  a sample as PDH-CSV and case, judged by `EXE analyze --json`\n"
    "      --write DIR            write the labelled set as PDH-CSV, with truth.csv, and end\n"
    "      --cases                with --write: a case beside each log\n"
    "      --markdown             tables for a document\n"
    "      --verbose              name each wrong answer\n";

static bool wanted(const char *only, const char *part)
{
    return !only || strcmp(only, part) == 0;
}

static void run_grid(const struct oc_options *options, const struct oc_family *families, size_t n,
                     const char *set, bool brief)
{
    static struct oc_grid grid;
    oc_grid_run(options, families, n, &grid);
    oc_report_grid(options, &grid, set, brief);
    oc_report_bars(options, &grid, set);
    oc_grid_clear(&grid);
}

// Nothing here has been tuned with: the same families with other seeds, and other shapes.
static void run_held_out(const struct oc_options *options)
{
    struct oc_options other = *options;
    other.first_seed += 900001;
    run_grid(&other, oc_families, oc_n_families, "other seeds", true);
    run_grid(&other, oc_held_out, oc_n_held_out, "other shapes", false);
}

static unsigned long number(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (end == text || *end || n > 1000000) {
        (void)fprintf(stderr, "operating-characteristic: %s is not a number up to 1000000\n", text);
        exit(2);
    }
    return n;
}

static bool parse(int argc, char **argv, struct oc_options *o, const char **only)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(a, "--quick") == 0)
            o->quick = true;
        else if (strcmp(a, "--markdown") == 0)
            o->markdown = true;
        else if (strcmp(a, "--verbose") == 0)
            o->verbose = true;
        else if (strcmp(a, "--cases") == 0)
            o->cases = true;
        else if (!value)
            return false;
        else if (strcmp(a, "--runs") == 0)
            o->runs = (unsigned)number(argv[++i]);
        else if (strcmp(a, "--seed") == 0)
            o->first_seed = number(argv[++i]);
        else if (strcmp(a, "--companions") == 0)
            o->companions = (unsigned)number(argv[++i]);
        else if (strcmp(a, "--family") == 0)
            o->family = argv[++i];
        else if (strcmp(a, "--observation") == 0)
            o->observation = argv[++i];
        else if (strcmp(a, "--only") == 0)
            *only = argv[++i];
        else if (strcmp(a, "--through-program") == 0)
            o->seep = argv[++i];
        else if (strcmp(a, "--write") == 0)
            o->write_to = argv[++i];
        else
            return false;
    }
    if (o->quick)
        o->runs = o->runs / 10 ? o->runs / 10 : 1;
    return o->runs > 0 && o->companions <= OC_MAX_COMPANIONS;
}

int main(int argc, char **argv)
{
    struct oc_options options = { .runs = 20, .first_seed = 1, .companions = 4 };
    const char *only = NULL;
    if (!parse(argc, argv, &options, &only)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (options.write_to)
        return oc_write_labelled_set(&options) ? 0 : 1;
    if (options.seep)
        return oc_through_program(&options) ? 0 : 1;
    if (wanted(only, "grid"))
        run_grid(&options, oc_families, oc_n_families, "families", false);
    if (wanted(only, "held-out"))
        run_held_out(&options);
    if (wanted(only, "course"))
        oc_measure_detection_time(&options);
    if (wanted(only, "exhaustion"))
        oc_measure_exhaustion(&options);
    if (wanted(only, "machines"))
        oc_measure_machines(&options);
    if (wanted(only, "real"))
        oc_measure_real_series(&options);
    return 0;
}
