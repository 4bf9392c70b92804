// SPDX-License-Identifier: MIT
// The words of findings, and findings while they are being written.
#include "detect/judge.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// More than these of one finding tell a reader nothing; what comes after is left out.
enum { MAX_EVIDENCE = 16, MAX_CAVEATS = 12, MAX_NEXT = 6 };

const char *seep_say(struct seep_drafts *drafts, const char *format, ...)
{
    char line[SEEP_MAX_MESSAGE];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : ((size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
    while (len && n >= (int)sizeof line && ((unsigned char)line[len] & 0xC0) == 0x80)
        len--; // do not cut inside a character
    const char *text = seep_arena_strndup(drafts->arena, line, len);
    if (!text)
        drafts->failed = true;
    return text ? text : "";
}

static const char *bytes_words(struct seep_drafts *drafts, double bytes, const char *tail)
{
    static const char *const units[] = { "B", "KB", "MB", "GB", "TB", "PB", "EB" };
    double size = fabs(bytes);
    unsigned unit = 0;
    for (; size >= 1023.5 && unit < 6; unit++)
        size /= 1024;
    int decimals = unit == 0 || size >= 99.95 ? 0 : (size >= 9.995 ? 1 : 2);
    return seep_say(drafts, "%s%.*f %s%s", bytes < 0 ? "-" : "", decimals, size, units[unit], tail);
}

static const char *count_words(struct seep_drafts *drafts, double count, const char *tail)
{
    int decimals = fabs(count) >= 99.5 || count == floor(count) ? 0 : (fabs(count) >= 9.95 ? 1 : 2);
    return seep_say(drafts, "%.*f%s", decimals, count, tail);
}

static bool in_bytes(enum seep_metric metric)
{
    const char *unit = seep_metric_unit(metric);
    return unit && strcmp(unit, "bytes") == 0;
}

const char *seep_say_amount(struct seep_drafts *drafts, enum seep_metric metric, double value)
{
    return in_bytes(metric) ? bytes_words(drafts, value, "") : count_words(drafts, value, "");
}

const char *seep_say_rate(struct seep_drafts *drafts, enum seep_metric metric, double per_second,
                          double like)
{
    bool bytes = in_bytes(metric);
    double a_second = bytes ? 1 << 20 : 1, an_hour = bytes ? 1024 : 1, size = fabs(like);
    const char *tail = size >= a_second ? "/s" : (size * 3600 >= an_hour ? "/h" : "/d");
    double amount = per_second * (tail[1] == 's' ? 1 : (tail[1] == 'h' ? 3600 : 86400));
    return bytes ? bytes_words(drafts, amount, tail) : count_words(drafts, amount, tail);
}

const char *seep_say_seconds(struct seep_drafts *drafts, double seconds)
{
    double s = fabs(seconds);
    if (s < 10 && fabs(s - round(s)) > 0.05)
        return seep_say(drafts, "%.1f s", s);
    if (s < 119.5)
        return seep_say(drafts, "%.0f s", s);
    if (s < 119.5 * 60)
        return seep_say(drafts, "%.0f min", s / 60);
    if (s < 48 * 3600)
        return seep_say(drafts, "%.*f h", s < 10 * 3600 ? 1 : 0, s / 3600);
    return seep_say(drafts, "%.1f d", s / 86400);
}

const char *seep_metric_words(enum seep_metric metric)
{
    static const char *const words[SEEP_N_METRICS] = {
        [SEEP_METRIC_NONE] = "value",
        [SEEP_METRIC_PRIVATE_BYTES] = "private bytes",
        [SEEP_METRIC_VIRTUAL_BYTES] = "virtual bytes",
        [SEEP_METRIC_WORKING_SET_BYTES] = "working set",
        [SEEP_METRIC_HANDLES] = "handles",
        [SEEP_METRIC_THREADS] = "threads",
        [SEEP_METRIC_GDI_OBJECTS] = "GDI objects",
        [SEEP_METRIC_USER_OBJECTS] = "USER objects",
        [SEEP_METRIC_PAGED_POOL_BYTES] = "paged pool",
        [SEEP_METRIC_NONPAGED_POOL_BYTES] = "nonpaged pool",
        [SEEP_METRIC_COMMIT_BYTES] = "committed bytes",
        [SEEP_METRIC_COMMIT_LIMIT_BYTES] = "commit limit",
        [SEEP_METRIC_AVAILABLE_BYTES] = "memory no longer available",
        [SEEP_METRIC_PAGEFILE_USAGE_RATIO] = "page file usage",
        [SEEP_METRIC_OUTSTANDING_BYTES] = "outstanding bytes",
        [SEEP_METRIC_OUTSTANDING_COUNT] = "outstanding allocations",
        [SEEP_METRIC_ZOMBIES] = "zombie processes",
    };
    return (unsigned)metric < SEEP_N_METRICS ? words[metric] : "value";
}

const char *seep_source_word(const struct seep_dataset *data, struct seep_source_id id)
{
    const char *path = id.v && id.v <= data->n_sources ? data->sources[id.v - 1].path : NULL;
    if (!path || !*path || *path == '-' || strpbrk(path, " \t\"'\\$`&|;<>()*?[]#~!{}\n"))
        return "FILE";
    return path;
}

bool seep_source_is_live(const struct seep_dataset *data, struct seep_source_id id)
{
    const char *format = id.v && id.v <= data->n_sources ? data->sources[id.v - 1].format : NULL;
    return format && strncmp(format, "live-", 5) == 0;
}

struct seep_draft *seep_draft_add(struct seep_drafts *drafts)
{
    if (!seep_grow(&drafts->at, &drafts->capacity, drafts->count + 1, sizeof *drafts->at)) {
        drafts->failed = true;
        return NULL;
    }
    struct seep_draft *draft = &drafts->at[drafts->count++];
    *draft = (struct seep_draft){ .finding = { .start_ns = SEEP_NO_TIME,
                                               .since_ns = SEEP_NO_TIME,
                                               .first = NAN,
                                               .last = NAN,
                                               .exhaustion = { .at_ns = SEEP_NO_TIME,
                                                               .low_ns = SEEP_NO_TIME,
                                                               .high_ns = SEEP_NO_TIME },
                                               .share = NAN,
                                               .q = NAN } };
    return draft;
}

void seep_draft_evidence(struct seep_drafts *drafts, struct seep_draft *draft, const char *text,
                         struct seep_source_id source, uint64_t offset, int64_t time_ns)
{
    if (!draft->evidence)
        draft->evidence = seep_arena_alloc(drafts->arena, MAX_EVIDENCE, sizeof *draft->evidence);
    if (!draft->evidence) {
        drafts->failed = true;
        return;
    }
    if (draft->n_evidence < MAX_EVIDENCE)
        draft->evidence[draft->n_evidence++] =
            (struct seep_evidence){ text, source, offset, time_ns };
}

static void add_text(struct seep_drafts *drafts, const char ***list, size_t *count, size_t most,
                     const char *text)
{
    if (!*list)
        *list = seep_arena_alloc(drafts->arena, most, sizeof **list);
    if (!*list) {
        drafts->failed = true;
        return;
    }
    for (size_t i = 0; i < *count; i++) {
        if (strcmp((*list)[i], text) == 0)
            return;
    }
    if (*count < most)
        (*list)[(*count)++] = text;
}

void seep_draft_caveat(struct seep_drafts *drafts, struct seep_draft *draft, const char *text)
{
    add_text(drafts, &draft->caveats, &draft->n_caveats, MAX_CAVEATS, text);
}

void seep_draft_next(struct seep_drafts *drafts, struct seep_draft *draft, const char *command)
{
    add_text(drafts, &draft->next, &draft->n_next, MAX_NEXT, command);
}
