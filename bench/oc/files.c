// SPDX-License-Identifier: MIT
// The labelled set as files, and the whole program judging them.
#include "measure.h"

#include "base/buf.h"
#include "base/time.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool failed(const char *path, const char *what)
{
    (void)fprintf(stderr, "operating-characteristic: %s: %s\n", path, what);
    return false;
}

// A file's name: what it holds, with nothing a shell or a file system minds.
static void name_of(const struct oc_case *c, char text[96])
{
    size_t n = 0;
    char all[160];
    (void)snprintf(all, sizeof all, "%s %s %s %" PRIu64, c->family->name, c->observation->name,
                   oc_noise_level_names[c->noise_level], c->seed);
    for (const char *s = all; *s && n + 1 < 96; s++) {
        bool plain =
            (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9');
        if (plain)
            text[n++] = *s;
        else if (n && text[n - 1] != '-')
            text[n++] = '-';
    }
    text[n] = '\0';
}

static void write_truth(FILE *f, const char *file, const struct oc_case *c)
{
    char onset[SEEP_TIME_TEXT] = "";
    if (c->truth.leaks)
        seep_time_format(OC_START_NS + (int64_t)(c->truth.onset_s * 1e9), onset);
    (void)fprintf(f, "%s,\"%s\",%s,%s,%s,%s,%u,\"%s\",%.0f,%.17g,%s,%.17g,%.17g,%s\n", file,
                  c->family->name, c->family->held_out ? "yes" : "no",
                  c->truth.leaks ? "yes" : "no", c->truth.judgeable ? "yes" : "no",
                  c->lives[c->n_lives - 1].image, c->lives[c->n_lives - 1].pid,
                  seep_metric_name(c->metric), c->observation->tick_s, c->truth.rate_per_s, onset,
                  c->truth.growth, c->truth.noise_sd, oc_noise_level_names[c->noise_level]);
}

static bool write_set(const struct oc_options *options, const struct oc_family *families, size_t n,
                      FILE *truth)
{
    struct oc_case c = { 0 };
    bool good = true;
    unsigned runs = options->runs / 10 ? options->runs / 10 : 1;
    for (size_t f = 0; f < n && good; f++) {
        if (options->family && !strstr(families[f].name, options->family))
            continue;
        for (size_t o = 0; o < oc_n_observations && good; o++) {
            if (!oc_observation_wanted(options, o))
                continue;
            for (unsigned r = 0; r < runs * OC_N_NOISE_LEVELS && good; r++) {
                char name[96], path[1024];
                struct oc_scene scene = { .c = &c, .companions = options->companions };
                oc_generate(&families[f], &oc_observations[o],
                            (enum oc_noise_level)(r % OC_N_NOISE_LEVELS),
                            options->first_seed + r / OC_N_NOISE_LEVELS, 0, &c);
                name_of(&c, name);
                (void)snprintf(path, sizeof path, "%s/%s.csv", options->write_to, name);
                good = oc_scene_to_pdh_csv(&scene, path) || failed(path, "cannot be written");
                (void)snprintf(path, sizeof path, "%s/%s.seep", options->write_to, name);
                if (good && options->cases)
                    good = oc_scene_to_case(&scene, path) || failed(path, "cannot be written");
                write_truth(truth, name, &c);
            }
        }
    }
    oc_case_clear(&c);
    return good;
}

bool oc_write_labelled_set(const struct oc_options *options)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/truth.csv", options->write_to);
    FILE *truth = fopen(path, "w");
    if (!truth)
        return failed(path, "cannot be written; make the folder first");
    (void)fprintf(truth, "file,family,held_out,leaks,judgeable,image,pid,metric,interval_s,"
                         "rate_per_s,onset,growth,noise_sd,growth_over_noise\n");
    bool good = write_set(options, oc_families, oc_n_families, truth) &&
                write_set(options, oc_held_out, oc_n_held_out, truth);
    return fclose(truth) == 0 && good;
}

// The gravest verdict in a document of `seep analyze --json` about a process with a PID of the
// case, and how many others are leaking. The document is seep's own: keys come in a fixed order.
static struct oc_answer read_document(const char *text)
{
    struct oc_answer a = { .verdict = SEEP_VERDICT_STEADY };
    const char *at = strstr(text, "\"findings\"");
    while (at && (at = strstr(at, "\"id\": ")) != NULL) {
        const char *word = strstr(at, "\"verdict\": \""), *pid = strstr(at, "\"pid\": ");
        if (!word || !pid)
            break;
        enum seep_verdict verdict = SEEP_VERDICT_STEADY;
        word += strlen("\"verdict\": \"");
        for (int v = SEEP_VERDICT_STEADY; v <= SEEP_VERDICT_LEAKING; v++) {
            const char *name = seep_verdict_name((enum seep_verdict)v);
            if (strncmp(word, name, strlen(name)) == 0)
                verdict = (enum seep_verdict)v;
        }
        unsigned long number = strtoul(pid + strlen("\"pid\": "), NULL, 10);
        if (number >= 4000 && number < 4000 + 4 * OC_MAX_LIVES)
            a.verdict = verdict > a.verdict ? verdict : a.verdict;
        else
            a.others_leaking += verdict == SEEP_VERDICT_LEAKING;
        at = pid;
    }
    return a;
}

// Runs the program on a file. False when it says that it could not read it.
static bool ask(const char *seep, const char *path, struct seep_buf *text, struct oc_answer *a)
{
    char command[2200], piece[4096];
    if (strchr(seep, '\'') || strchr(path, '\''))
        return failed(path, "a quote in a path");
    (void)snprintf(command, sizeof command, "'%s' analyze --json '%s'", seep, path);
    FILE *f = popen(command, "r");
    if (!f)
        return failed(seep, "cannot be run");
    seep_buf_reset(text);
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        seep_buf_add(text, piece, n);
    int status = pclose(f);
    if (text->failed || status < 0 || (status >> 8) > 1)
        return failed(path, "was not judged");
    *a = read_document(seep_buf_text(text));
    bool leaking = a->verdict == SEEP_VERDICT_LEAKING || a->others_leaking;
    if (leaking != ((status >> 8) == 1))
        return failed(path, "the exit status is not that of the document");
    return true;
}

struct agreement {
    uint64_t n, csv_differs, case_differs;
    struct oc_confusion csv, kept, direct;
};

static void count(struct oc_confusion *c, bool leaks, const struct oc_answer *a)
{
    bool leaking = a->verdict == SEEP_VERDICT_LEAKING;
    if (leaks) {
        c->tp += leaking;
        c->fn += !leaking;
        c->fp += a->others_leaking;
    } else {
        c->fp += leaking || a->others_leaking;
        c->tn += !leaking && !a->others_leaking;
    }
}

static bool compare(const struct oc_options *options, const struct oc_case *c, const char *folder,
                    struct seep_buf *text, struct agreement *sum)
{
    struct oc_scene scene = { .c = c, .companions = options->companions };
    char csv[1024], kept[1024], name[96];
    struct oc_answer direct = { 0 }, from_csv = { 0 }, from_case = { 0 };
    struct gen_data gen;
    struct seep_judgement j = { 0 };
    name_of(c, name);
    (void)snprintf(csv, sizeof csv, "%s/%s.csv", folder, name);
    (void)snprintf(kept, sizeof kept, "%s/%s.seep", folder, name);
    if (!oc_judge(&scene, &gen, &j, NULL))
        return false;
    direct = oc_answer_of(&j);
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
    bool good = (oc_scene_to_pdh_csv(&scene, csv) || failed(csv, "cannot be written")) &&
                (oc_scene_to_case(&scene, kept) || failed(kept, "cannot be written")) &&
                ask(options->seep, csv, text, &from_csv) &&
                ask(options->seep, kept, text, &from_case);
    (void)remove(csv);
    (void)remove(kept);
    if (!good || !c->truth.judgeable)
        return good;
    sum->n++;
    count(&sum->direct, c->truth.leaks, &direct);
    count(&sum->csv, c->truth.leaks, &from_csv);
    count(&sum->kept, c->truth.leaks, &from_case);
    bool csv_differs = from_csv.verdict != direct.verdict;
    bool case_differs = from_case.verdict != direct.verdict;
    sum->csv_differs += csv_differs;
    sum->case_differs += case_differs;
    if (options->verbose && (csv_differs || case_differs))
        printf("%s: dataset %s, log %s, case %s\n", name, seep_verdict_name(direct.verdict),
               seep_verdict_name(from_csv.verdict), seep_verdict_name(from_case.verdict));
    return true;
}

static void report_row(const char *name, const struct oc_confusion *c, uint64_t differs, uint64_t n)
{
    struct oc_share precision = oc_precision(c), recall = oc_recall(c), f1 = oc_f1(c);
    oc_cell("%s", name);
    oc_cell_share(&precision, true);
    oc_cell_share(&recall, true);
    oc_cell_share(&f1, true);
    oc_cell("%" PRIu64 " of %" PRIu64, differs, n);
    oc_row_end();
}

bool oc_through_program(const struct oc_options *options)
{
    char folder[] = "/tmp/operating-characteristic.XXXXXX";
    struct oc_case c = { 0 };
    struct seep_buf text = { 0 };
    struct agreement sum = { 0 };
    bool good = mkdtemp(folder) != NULL;
    unsigned runs = options->runs / 20 ? options->runs / 20 : 1;
    for (size_t f = 0; good && f < oc_n_families + oc_n_held_out; f++) {
        const struct oc_family *family =
            f < oc_n_families ? &oc_families[f] : &oc_held_out[f - oc_n_families];
        if (options->family && !strstr(family->name, options->family))
            continue;
        for (size_t o = 0; good && o < oc_n_observations; o++) {
            // Files of a week say nothing that those of a day do not.
            if (!oc_observation_wanted(options, o) ||
                (!options->observation && oc_observations[o].n > 1500))
                continue;
            for (unsigned r = 0; good && r < runs; r++) {
                enum oc_noise_level level = (enum oc_noise_level)((r + o + f) % OC_N_NOISE_LEVELS);
                oc_generate(family, &oc_observations[o], level, options->first_seed + r, 0, &c);
                good = compare(options, &c, folder, &text, &sum);
            }
        }
    }
    (void)remove(folder);
    seep_buf_clear(&text);
    oc_case_clear(&c);
    oc_table_begin("the whole program on files, all families and the hold-out; percent",
                   options->markdown);
    oc_cell("judged");
    oc_cell("precision");
    oc_cell("recall");
    oc_cell("F1");
    oc_cell("verdict differs");
    oc_row_end();
    report_row("dataset, in memory", &sum.direct, 0, sum.n);
    report_row("PDH-CSV, seep analyze", &sum.csv, sum.csv_differs, sum.n);
    report_row("case, seep analyze", &sum.kept, sum.case_differs, sum.n);
    oc_table_end();
    // A log has milliseconds and a case exact times: what lies on the edge may fall either way.
    return good && sum.n > 0 && (sum.csv_differs + sum.case_differs) * 50 <= 2 * sum.n;
}
