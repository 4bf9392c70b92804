// SPDX-License-Identifier: MIT
// A run beside known-good ones: the same role, the same metric, at the same age.
#include "detect/baseline.h"

#include "base/alloc.h"
#include "base/time.h"
#include "detect/roles.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define DAY_NS (INT64_C(86400) * 1000000000)
#define DAY_MATTERS_S (4 * 3600.0) // shorter runs show no rhythm of the day
#define OVERLAP 0.75               // of the run: enough to prefer an alignment
#define LEAST_OVERLAP 0.1

enum {
    MAX_LOOKED = 4096, // series of one role and metric that are looked at
    MAX_ALIKE = 64,    // candidates that are compared; of more, these are taken evenly
    MAX_WINDOWS = 96,  // floors that are subtracted from each other
    STRETCHES = 12,    // over which the way of the rest is followed
};

static const char *const alignment_names[] = {
    [SEEP_ALIGNED_BY_AGE] = "age",
    [SEEP_ALIGNED_BY_DAY] = "time-of-day",
    [SEEP_ALIGNED_BY_LOOK] = "first-seen",
};

const char *seep_alignment_name(enum seep_alignment alignment)
{
    return (unsigned)alignment < sizeof alignment_names / sizeof *alignment_names
               ? alignment_names[alignment]
               : "unknown";
}

struct seep_baselines {
    struct seep_roles own;
    struct seep_roles *at;
    size_t n, n_empty;
    struct seep_points points;
    struct seep_grid mine, theirs, rest;
    // When the recorder of one machine was off, kept because it is asked for again and again.
    struct seep_silences silences;
    const struct seep_observed *silences_of;
};

// One series of a baseline that may be the like of what is judged.
struct candidate {
    size_t baseline, series;
};

// When something lived, and was seen.
struct life {
    double born, first, last; // ns; born NaN = unknown
};

static double overlap(const struct life *run, const struct life *other, double offset)
{
    double from = fmax(run->first, other->first + offset);
    double to = fmin(run->last, other->last + offset), span = run->last - run->first;
    return span > 0 ? fmax(to - from, 0) / span : 0;
}

// The shift by whole days that covers most of the run; of equals the one that keeps the day of the
// week, else the latest day.
static double days_between(const struct life *run, const struct life *other, double *covered)
{
    const double day = (double)DAY_NS;
    double low = floor((run->first - other->last) / day), best = 0;
    double high = ceil((run->last - other->first) / day), step = fmax(1, floor((high - low) / 64));
    *covered = -1;
    int n = (int)fmin(fmax((high - low) / step, -1), 1000);
    for (int i = 0; i <= n; i++) {
        double k = low + i * step;
        double share = overlap(run, other, k * day);
        bool week = fmod(k, 7) == 0;
        if (share > *covered + 0.01 ||
            (share > *covered - 0.01 && week && fmod(best, 7) != 0 && *covered >= 0)) {
            *covered = share;
            best = k;
        }
    }
    return best * day;
}

// How the baseline's times become the run's. Youth decides first: start-up is like nothing but
// start-up. Past it a long run has the rhythm of the day.
static enum seep_alignment align(const struct life *run, const struct life *other, double *offset)
{
    double span = run->last - run->first, other_span = other->last - other->first, by_day;
    bool born = !seep_unknown(run->born) && !seep_unknown(other->born);
    bool young =
        run->first - run->born < span || other->first - other->born < fmin(span, other_span);
    double age = born ? run->born - other->born : 0;
    double days = days_between(run, other, &by_day);
    *offset = age;
    if (born && (young || (span < DAY_MATTERS_S * 1e9 && overlap(run, other, age) >= OVERLAP)))
        return SEEP_ALIGNED_BY_AGE;
    *offset = days;
    if (span >= DAY_MATTERS_S * 1e9 && by_day >= OVERLAP)
        return SEEP_ALIGNED_BY_DAY;
    *offset = age;
    if (born && overlap(run, other, age) >= OVERLAP)
        return SEEP_ALIGNED_BY_AGE;
    *offset = run->first - other->first;
    return SEEP_ALIGNED_BY_LOOK;
}

static double birth(const struct seep_dataset *data, const struct seep_series *s, int64_t first_ns,
                    const struct seep_observed *observed)
{
    int64_t born = SEEP_NO_TIME;
    uint32_t m = s->subject.machine.v, p = s->subject.process.v;
    if (s->subject.kind != SEEP_SUBJECT_PROCESS) {
        if (m && m <= data->n_machines)
            born = data->machines[m - 1].boot_ns;
    } else if (p && p <= data->n_processes) {
        born = data->processes[p - 1].start_ns;
        // Not there when the recorder began: it was started between two looks.
        double late = (double)first_ns - (double)observed->start_ns;
        if (born == SEEP_NO_TIME && late > 2 * fmax((double)observed->tick_ns, 1))
            born = first_ns;
    }
    return born == SEEP_NO_TIME || born > first_ns ? (double)NAN : (double)born;
}

// Until when the last value of a baseline's series holds, as in a run.
static int64_t held_until(const struct seep_roles *roles, const struct seep_series *s,
                          int64_t heard_ns)
{
    const struct seep_observed *o = &roles->machine[s->subject.machine.v];
    uint32_t p = s->subject.process.v;
    if (s->subject.kind != SEEP_SUBJECT_PROCESS || !p || p > roles->data->n_processes)
        return o->end_ns;
    heard_ns = roles->of[p - 1].last_ns;
    int64_t end = roles->data->processes[p - 1].end_ns;
    int64_t usual = o->heartbeat_ns > o->tick_ns ? o->heartbeat_ns : o->tick_ns;
    bool ended = end != SEEP_NO_TIME && end < o->end_ns;
    if (!ended && (double)o->end_ns - (double)heard_ns <= 3 * (double)usual)
        return o->end_ns;
    return ended && end > heard_ns ? end : heard_ns;
}

// Whether host names are equal but for case; unknown is like nothing.
static bool same_host(const struct seep_dataset *a, uint32_t m, const struct seep_dataset *b,
                      uint32_t k)
{
    if (!m || m > a->n_machines || !k || k > b->n_machines)
        return false;
    const char *x = a->machines[m - 1].host, *y = b->machines[k - 1].host;
    if (!x || !y || !*x)
        return false;
    return seep_role_same((struct seep_role_name){ x, strlen(x) },
                          (struct seep_role_name){ y, strlen(y) });
}

// What narrows down the instances of one image, the strongest last.
enum likeness { ALIKE_HOST = 1, ALIKE_PARENT = 2, ALIKE_PLACE = 4 };

static unsigned likeness(const struct seep_baselines *b, const struct seep_series *run,
                         const struct seep_roles *roles, const struct seep_series *other)
{
    unsigned like = 0;
    if (same_host(b->own.data, run->subject.machine.v, roles->data, other->subject.machine.v))
        like |= ALIKE_HOST;
    uint32_t p = run->subject.process.v, q = other->subject.process.v;
    if (run->subject.kind != SEEP_SUBJECT_PROCESS || !p || p > b->own.data->n_processes || !q ||
        q > roles->data->n_processes)
        return like | ALIKE_PARENT | ALIKE_PLACE;
    const struct seep_role *x = &b->own.of[p - 1], *y = &roles->of[q - 1];
    bool known = x->parent.text && y->parent.text;
    if (known && seep_role_same(x->parent, y->parent))
        like |= ALIKE_PARENT;
    if ((known || (!x->parent.text && !y->parent.text)) && x->n_places == y->n_places &&
        x->place == y->place && x->n_places <= MAX_ALIKE)
        like |= ALIKE_PLACE;
    return like;
}

// The series of the same role in one baseline: those of the same host if it has that, of the same
// parent if any, in the same place if any.
static size_t find_alike(const struct seep_baselines *b, size_t baseline,
                         const struct seep_series *run, struct candidate *found, bool *certain)
{
    const struct seep_roles *roles = &b->at[baseline];
    size_t n, from = seep_roles_look_up(roles, seep_role_name_of(b->own.data, run),
                                        run->subject.kind, run->metric, &n);
    unsigned wanted = 0;
    n = n < MAX_LOOKED ? n : MAX_LOOKED;
    for (unsigned bit = ALIKE_HOST; bit <= ALIKE_PLACE; bit <<= 1) {
        for (size_t i = 0; i < n; i++) {
            const struct seep_series *s =
                &roles->data->series[roles->series[from + i].series].series;
            if ((likeness(b, run, roles, s) & (wanted | bit)) == (wanted | bit)) {
                wanted |= bit;
                break;
            }
        }
    }
    size_t matches = 0, kept = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t stride = matches / MAX_ALIKE + 1, seen = 0;
        for (size_t i = 0; i < n; i++) {
            size_t at = roles->series[from + i].series;
            if ((likeness(b, run, roles, &roles->data->series[at].series) & wanted) != wanted)
                continue;
            if (pass && seen % stride == 0 && kept < MAX_ALIKE)
                found[kept++] = (struct candidate){ baseline, at };
            seen++;
        }
        matches = seen;
    }
    *certain = *certain && (n == 0 || (wanted & ALIKE_PLACE) || matches == 1);
    return kept;
}

bool seep_baselines_open(const struct seep_dataset *data, const struct seep_detect_options *options,
                         struct seep_baselines **out, struct seep_err *err)
{
    *out = NULL;
    if (!options || options->n_baselines == 0)
        return true;
    struct seep_baselines *b = seep_alloc(1, sizeof *b);
    if (!b)
        return seep_fail_memory(err);
    b->at = seep_alloc(options->n_baselines, sizeof *b->at);
    bool ok = b->at && seep_roles_find(data, &b->own);
    for (size_t i = 0; ok && i < options->n_baselines; i++) {
        ok = seep_roles_find(options->baselines[i], &b->at[b->n]);
        b->n_empty += ok && b->at[b->n].n_series == 0;
        b->n++;
    }
    if (!ok) {
        seep_baselines_close(b);
        return seep_fail_memory(err);
    }
    *out = b;
    return true;
}

void seep_baselines_close(struct seep_baselines *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n; i++)
        seep_roles_clear(&b->at[i]);
    seep_roles_clear(&b->own);
    seep_free(b->at);
    seep_points_clear(&b->points);
    seep_free(b);
}

// When the baseline's recorder was off, by its busiest series.
static bool find_silences(struct seep_baselines *b, const struct seep_roles *roles,
                          const struct seep_observed *o, struct seep_silences *silences,
                          struct seep_err *err)
{
    if (b->silences_of != o) {
        b->silences = (struct seep_silences){ .n = 0 };
        if (o->busiest && !roles->data->points(roles->data->ctx, o->busiest - 1, &b->points, err))
            return false;
        if (o->busiest)
            seep_silences_find(b->points.at, b->points.count, o->start_ns, o->end_ns, false,
                               &b->silences);
        b->silences_of = o;
    }
    *silences = b->silences;
    return true;
}

static int64_t shifted(int64_t t, double offset)
{
    double sum = (double)t + offset;
    return sum > 9.2e18 ? INT64_MAX : (sum < -9.2e18 ? INT64_MIN + 1 : t + (int64_t)offset);
}

// Leaves only the cells that both grids have. They have the same layout; gaps have left cells out.
static void keep_common(struct seep_grid *x, struct seep_grid *y)
{
    size_t n = 0, i = 0, k = 0;
    bool broken = false;
    while (i < x->n && k < y->n) {
        double apart = ((double)x->t_ns[i] - (double)y->t_ns[k]) / x->cell_ns;
        broken = broken || x->broken[i] || y->broken[k];
        if (fabs(apart) > 0.5) {
            broken = true;
            if (apart > 0)
                k++;
            else
                i++;
            continue;
        }
        x->t_ns[n] = y->t_ns[n] = x->t_ns[i];
        x->low[n] = x->low[i];
        y->low[n] = y->low[k];
        x->level[n] = x->level[i++];
        y->level[n] = y->level[k++];
        x->broken[n] = y->broken[n] = broken && n;
        broken = false;
        n++;
    }
    x->n_gaps += y->n_gaps;
    x->gap_ns += y->gap_ns;
    x->n = y->n = n;
}

static double rise(const double *y, size_t n)
{
    size_t edge = n / 8 ? n / 8 : 1;
    return seep_median(y + n - edge, edge) - seep_median(y, edge);
}

// The furthest that the rest rose from any earlier stretch.
static double furthest_rise(const double *y, size_t n)
{
    size_t stretches = n < STRETCHES ? n : STRETCHES;
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < stretches; i++) {
        size_t at = i * n / stretches, end = (i + 1) * n / stretches;
        double middle = seep_median(y + at, end - at);
        least = fmin(least, middle);
        most = fmax(most, middle - least);
    }
    return most;
}

// Cells in a window: as few as leave the shape, which looks at windows by the 32, nearly all cells.
static size_t window_size(size_t n)
{
    size_t size = (n + MAX_WINDOWS - 1) / MAX_WINDOWS, least = n - n / 14;
    for (; size < n / SEEP_SHAPE_MIN_LOOKS; size++) {
        size_t windows = n / size, used = windows < 32 ? windows : windows / 32 * 32;
        if (used * size >= least)
            break;
    }
    return size;
}

// The difference of two grids of the same cells: the floors of at most MAX_WINDOWS windows, and
// their levels, of `mine` less what `theirs` rose since the first. The noise of both is in it.
static void subtract(struct seep_baselines *b, const struct seep_judged *judged,
                     struct seep_against *against)
{
    struct seep_grid *mine = &b->mine, *theirs = &b->theirs, *rest = &b->rest;
    struct seep_windows floor, other, level, other_level;
    size_t size = window_size(mine->n), n = mine->n / size;
    seep_windows_make(mine, 0, mine->n, n, SEEP_WINDOW_FLOOR, &floor);
    seep_windows_make(theirs, 0, theirs->n, n, SEEP_WINDOW_FLOOR, &other);
    seep_windows_make(mine, 0, mine->n, n, SEEP_WINDOW_LEVEL, &level);
    seep_windows_make(theirs, 0, theirs->n, n, SEEP_WINDOW_LEVEL, &other_level);
    rest->n = n;
    rest->cell_ns = mine->cell_ns * (double)size;
    rest->start_ns = mine->start_ns;
    rest->end_ns = mine->end_ns;
    rest->n_gaps = mine->n_gaps;
    rest->gap_ns = mine->gap_ns;
    size_t middle = mine->n - n * size + size / 2;
    for (size_t i = 0; i < n; i++) {
        rest->t_ns[i] = mine->t_ns[middle + i * size];
        rest->low[i] = floor.y[i] - (other.y[i] - other.y[0]);
        rest->level[i] = level.y[i] - (other_level.y[i] - other_level.y[0]);
        rest->broken[i] = floor.broken[i];
    }
    seep_shape_find(rest, &against->shape);
    struct seep_beside *beside = &against->beside;
    struct seep_slope slope;
    beside->growth = rise(other.y, n);
    beside->own_growth = rise(floor.y, n);
    beside->explained = beside->own_growth > 0
                            ? fmin(fmax(beside->growth / beside->own_growth, 0), 1)
                            : (double)NAN;
    if (seep_theil_sen(other.x, other.y, n, 1, 1.96, &slope))
        beside->rate = (struct seep_rate){ true, slope.slope, slope.low, slope.high };
    double to_explain = fmin(beside->own_growth, judged->shape.growth);
    against->astray = to_explain > 0 ? furthest_rise(rest->low, n) / to_explain : INFINITY;
    against->p = against->shape.p;
}

// Whether the baseline's series, all of it and by itself, would be called a leak.
static bool leaks_by_itself(struct seep_baselines *b, const struct seep_judged *judged,
                            const struct seep_silences *silences, int64_t last_ns, int64_t tick_ns,
                            const struct seep_observed *o, struct seep_rate *rate)
{
    struct seep_judged other = { .metric = judged->metric,
                                 .kind = judged->kind,
                                 .alive = true, // one that ended may have ended because of it
                                 .first_ns = b->points.at[0].t_ns,
                                 .last_ns = last_ns };
    if (!seep_grid_build(b->points.at, b->points.count, other.first_ns, last_ns, tick_ns, silences,
                         &b->rest))
        return false;
    seep_shape_find(&b->rest, &other.shape);
    double observed = (double)o->end_ns - (double)o->start_ns;
    other.lived = observed > 0 ? ((double)last_ns - (double)other.first_ns) / observed : 1;
    other.q = other.shape.p;
    if (!seep_seen_enough(&other, observed / 1e9) ||
        seep_verdict_of(&other, false) != SEEP_VERDICT_LEAKING)
        return false;
    *rate =
        (struct seep_rate){ true, other.shape.rate, other.shape.rate_low, other.shape.rate_high };
    return true;
}

static void name_it(const struct seep_roles *roles, const struct seep_dataset_series *s,
                    struct seep_beside *beside)
{
    const struct seep_dataset *data = roles->data;
    const struct seep_subject *subject = &s->series.subject;
    uint32_t m = subject->machine.v, p = subject->process.v;
    if (s->source.v && s->source.v <= data->n_sources)
        beside->path = data->sources[s->source.v - 1].path;
    if (m && m <= data->n_machines)
        beside->host = data->machines[m - 1].host;
    beside->name = subject->name;
    if (subject->kind == SEEP_SUBJECT_PROCESS && p && p <= data->n_processes) {
        beside->name = data->processes[p - 1].image;
        beside->has_pid = data->processes[p - 1].has_pid;
        beside->pid = beside->has_pid ? data->processes[p - 1].pid : 0;
    }
}

// Compares with one series of a baseline.
static bool compare_one(struct seep_baselines *b, const struct seep_scene *scene,
                        const struct seep_judged *judged, const struct seep_points *points,
                        struct candidate which, struct seep_against *against, struct seep_err *err)
{
    const struct seep_roles *roles = &b->at[which.baseline];
    const struct seep_dataset_series *s = &roles->data->series[which.series];
    const struct seep_series *run = &scene->data->series[judged->series].series;
    const struct seep_observed *o = &roles->machine[s->series.subject.machine.v];
    struct seep_silences silences;
    *against = (struct seep_against){ .state = SEEP_AGAINST_APART, .p = 1 };
    if (!find_silences(b, roles, o, &silences, err) ||
        !roles->data->points(roles->data->ctx, which.series, &b->points, err))
        return false;
    size_t n = b->points.count;
    if (n == 0)
        return true;
    (void)seep_unwrap32(b->points.at, n);
    for (size_t i = 0; judged->metric == SEEP_METRIC_AVAILABLE_BYTES && i < n; i++)
        b->points.at[i].value = -b->points.at[i].value;
    int64_t first = b->points.at[0].t_ns;
    int64_t last = held_until(roles, &s->series, b->points.at[n - 1].t_ns);
    int64_t tick = silences.n && silences.tick_ns > 0 && silences.tick_ns < o->tick_ns
                       ? silences.tick_ns
                       : o->tick_ns;
    const struct seep_clock *clock = seep_clock_of(scene, judged->series);
    struct seep_observed seen = { .start_ns = scene->start_ns, .tick_ns = clock->tick_ns };
    struct life mine = { birth(scene->data, run, judged->first_ns, &seen), (double)judged->first_ns,
                         (double)judged->last_ns };
    struct life theirs = { birth(roles->data, &s->series, first, o), (double)first, (double)last };
    double offset;
    struct seep_beside *beside = &against->beside;
    beside->aligned = align(&mine, &theirs, &offset);
    beside->covered = fmin(overlap(&mine, &theirs, offset), 1);
    name_it(roles, s, beside);
    if (beside->covered < LEAST_OVERLAP || fabs(offset) > 9e18)
        return true;
    beside->leaks =
        leaks_by_itself(b, judged, o->busiest ? &silences : NULL, last, tick, o, &beside->rate);
    struct seep_rate own_rate = beside->rate;
    for (size_t i = 0; i < n; i++)
        b->points.at[i].t_ns = shifted(b->points.at[i].t_ns, offset);
    for (size_t i = 0; i < silences.n; i++) {
        silences.at[i].from_ns = shifted(silences.at[i].from_ns, offset);
        silences.at[i].to_ns = shifted(silences.at[i].to_ns, offset);
    }
    int64_t from =
        b->points.at[0].t_ns > judged->first_ns ? b->points.at[0].t_ns : judged->first_ns;
    int64_t to = shifted(last, offset);
    to = to < judged->last_ns ? to : judged->last_ns;
    // Cells are never narrower than the looks of the slower recorder.
    tick = tick > clock->tick_ns ? tick : clock->tick_ns;
    if (tick <= 0)
        tick = (int64_t)fmin(((double)to - (double)from) /
                                 (double)(n < points->count ? n : points->count),
                             9e18) +
               1;
    against->state = SEEP_AGAINST_SHORT;
    if (!seep_grid_build(points->at, points->count, from, to, tick, seep_clock_silences(clock),
                         &b->mine) ||
        !seep_grid_build(b->points.at, n, from, to, tick, o->busiest ? &silences : NULL,
                         &b->theirs))
        return true;
    keep_common(&b->mine, &b->theirs);
    if (b->mine.n < SEEP_SHAPE_MIN_LOOKS)
        return true;
    against->state = SEEP_AGAINST_COMPARED;
    beside->known = true;
    subtract(b, judged, against);
    if (beside->leaks)
        beside->rate = own_rate;
    if (against->shape.form >= SEEP_FORM_SLOWING)
        beside->excess = (struct seep_rate){ true, against->shape.rate, against->shape.rate_low,
                                             against->shape.rate_high };
    return true;
}

// The likest of several comparisons: what any baseline shows is expected, but not its leak.
static bool is_better(const struct seep_against *a, const struct seep_against *b)
{
    if (a->state != b->state)
        return a->state > b->state;
    if (a->state != SEEP_AGAINST_COMPARED)
        return a->beside.covered > b->beside.covered;
    if (a->beside.leaks != b->beside.leaks)
        return b->beside.leaks;
    if (seep_against_explains(a) != seep_against_explains(b))
        return seep_against_explains(a);
    return a->astray < b->astray;
}

bool seep_baselines_compare(struct seep_baselines *b, struct seep_arena *arena,
                            const struct seep_scene *scene, struct seep_judged *judged,
                            const struct seep_points *points, struct seep_err *err)
{
    const char *why_not;
    if (!b || judged->shape.form < SEEP_FORM_SLOWING || !seep_growth_matters(judged, &why_not))
        return true;
    const struct seep_series *run = &scene->data->series[judged->series].series;
    struct seep_against *best = seep_arena_alloc(arena, 1, sizeof *best);
    if (!best)
        return seep_fail_memory(err);
    *best = (struct seep_against){ .state = SEEP_AGAINST_ABSENT, .p = 1, .certain = true };
    double p = 0;
    bool certain = true;
    size_t n_alike = 0, n_leaking = 0;
    uint32_t n_compared = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct candidate alike[MAX_ALIKE];
        size_t n = find_alike(b, i, run, alike, &certain);
        n_alike += n;
        for (size_t k = 0; k < n; k++) {
            struct seep_against one;
            if (!compare_one(b, scene, judged, points, alike[k], &one, err))
                return false;
            n_leaking += one.beside.leaks;
            if (one.state == SEEP_AGAINST_COMPARED && !one.beside.leaks)
                p = fmax(p, one.p);
            n_compared += one.state == SEEP_AGAINST_COMPARED;
            if (best->state == SEEP_AGAINST_ABSENT || is_better(&one, best))
                *best = one;
        }
    }
    // What exceeds the envelope exceeds each of them.
    if (best->state == SEEP_AGAINST_COMPARED && !best->beside.leaks)
        best->p = p;
    best->n_alike = n_alike;
    best->n_leaking = n_leaking;
    best->n_compared = n_compared;
    best->certain = certain;
    judged->against = best;
    return true;
}

bool seep_baselines_adjust(struct seep_scene *scene)
{
    size_t n = 0;
    double *p = seep_alloc(scene->n_judged + 1, sizeof *p);
    if (!p)
        return false;
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->shape.form != SEEP_FORM_SHORT)
            p[n++] = j->against && j->against->state == SEEP_AGAINST_COMPARED ? j->against->p : 1;
    }
    bool done = seep_adjust_p(p, n, p);
    n = 0;
    for (size_t i = 0; done && i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        if (j->shape.form == SEEP_FORM_SHORT)
            continue;
        if (j->against)
            j->against->beside.q = p[n];
        n++;
    }
    seep_free(p);
    return done;
}

static const char *when_words(enum seep_alignment aligned)
{
    switch (aligned) {
    case SEEP_ALIGNED_BY_AGE:
        return "at the same age";
    case SEEP_ALIGNED_BY_DAY:
        return "at the same time of day";
    default:
        return "in the same time since it was first seen";
    }
}

static const char *signed_amount(struct seep_drafts *drafts, enum seep_metric metric, double value)
{
    return value < 0 ? seep_say(drafts, "fell by %s", seep_say_amount(drafts, metric, -value))
                     : seep_say(drafts, "grew by %s", seep_say_amount(drafts, metric, value));
}

// Why nothing was compared.
static void write_apart(const struct seep_baselines *b, struct seep_drafts *drafts,
                        const struct seep_against *a, struct seep_draft *draft)
{
    const char *of = b->n > 1 ? "no baseline shows" : "the baseline does not show";
    if (b->n_empty == b->n)
        return;
    if (a->state == SEEP_AGAINST_ABSENT)
        seep_draft_caveat(drafts, draft, seep_say(drafts, "%s it: nothing was compared", of));
    else if (a->state == SEEP_AGAINST_APART)
        seep_draft_caveat(drafts, draft,
                          seep_say(drafts,
                                   "%s it at the same age: nothing was compared; a start is "
                                   "compared with a start, later growth with later growth",
                                   of));
    else
        seep_draft_caveat(drafts, draft,
                          "the baseline has too few looks in the same time: nothing was compared");
}

static void write_caveats(struct seep_drafts *drafts, const struct seep_judged *judged,
                          const struct seep_against *a, struct seep_draft *draft)
{
    const struct seep_beside *beside = &a->beside;
    if (beside->leaks)
        seep_draft_caveat(
            drafts, draft,
            seep_say(drafts,
                     "the baseline leaks too: %s there, %s here; that is not taken "
                     "as expected%s",
                     seep_say_rate(drafts, judged->metric, beside->rate.value, beside->rate.value),
                     seep_say_rate(drafts, judged->metric, judged->shape.rate, judged->shape.rate),
                     beside->aligned == SEEP_ALIGNED_BY_AGE
                         ? " (a longer baseline can tell a slow start from a leak)"
                         : ""));
    else if (a->n_leaking)
        seep_draft_caveat(
            drafts, draft,
            seep_say(drafts,
                     "%zu of its %zu counterparts in the baselines leak%s and %s left "
                     "out",
                     a->n_leaking, a->n_alike, a->n_leaking == 1 ? "s" : "",
                     a->n_leaking == 1 ? "was" : "were"));
    if (beside->covered < OVERLAP)
        seep_draft_caveat(drafts, draft,
                          seep_say(drafts, "the baseline covers only %.0f %% of the same time",
                                   beside->covered * 100));
    if (!a->certain)
        seep_draft_caveat(drafts, draft,
                          seep_say(drafts,
                                   "the baseline has %zu of this image, and which is the same one "
                                   "is not known: the likest was taken",
                                   a->n_alike));
}

static void write_evidence(struct seep_drafts *drafts, const struct seep_judged *judged,
                           const struct seep_against *a, struct seep_draft *draft)
{
    const struct seep_beside *beside = &a->beside;
    struct seep_source_id none = { 0 };
    enum seep_metric metric = judged->metric;
    const char *theirs = signed_amount(drafts, metric, beside->growth);
    const char *own = signed_amount(drafts, metric, beside->own_growth);
    const char *text;
    const char *of = a->n_compared > 1
                         ? seep_say(drafts, "the likest of %u in the baseline", a->n_compared)
                         : "the baseline";
    if (seep_against_explains(a) && judged->verdict < SEEP_VERDICT_SUSPECT) {
        // It stands for what was said of the run alone.
        draft->n_evidence = 0;
        draft->n_caveats = 0;
        text = seep_say(drafts, "%s: %s %s %s, this %s: as expected", seep_metric_words(metric), of,
                        theirs, when_words(beside->aligned), own);
    } else if (beside->excess.known && beside->q < 0.01 && beside->excess.low > 0) {
        text = seep_say(drafts,
                        "%s %s %s, this %s; the difference grows by %s (95 %%: %s to %s), by "
                        "chance with probability %.1g",
                        of, theirs, when_words(beside->aligned), own,
                        seep_say_rate(drafts, metric, beside->excess.value, beside->excess.value),
                        seep_say_rate(drafts, metric, beside->excess.low, beside->excess.value),
                        seep_say_rate(drafts, metric, beside->excess.high, beside->excess.value),
                        beside->q);
    } else {
        text = seep_say(drafts, "%s %s %s, this %s", of, theirs, when_words(beside->aligned), own);
    }
    seep_draft_evidence(drafts, draft, text, none, SEEP_NO_OFFSET, SEEP_NO_TIME);
}

static struct seep_rate negated(struct seep_rate r)
{
    return (struct seep_rate){ r.known, -r.value, -r.high, -r.low };
}

void seep_baselines_write(const struct seep_baselines *b, struct seep_drafts *drafts,
                          const struct seep_judged *judged, struct seep_draft *draft)
{
    const struct seep_against *a = judged->against;
    if (!b)
        return;
    bool accused = draft->finding.verdict >= SEEP_VERDICT_SUSPECT;
    if (accused && b->n_empty)
        seep_draft_caveat(drafts, draft,
                          b->n_empty == b->n
                              ? "the baseline holds no samples or could not be read: nothing was "
                                "compared"
                              : seep_say(drafts,
                                         "%zu of %zu baselines hold no samples or could not be "
                                         "read",
                                         b->n_empty, b->n));
    if (!a)
        return;
    if (a->state != SEEP_AGAINST_COMPARED) {
        if (accused)
            write_apart(b, drafts, a, draft);
        return;
    }
    struct seep_beside *beside = &draft->finding.baseline;
    if (accused || seep_against_explains(a))
        write_evidence(drafts, judged, a, draft);
    if (accused)
        write_caveats(drafts, judged, a, draft);
    *beside = a->beside;
    beside->path = beside->path ? seep_say(drafts, "%s", beside->path) : NULL;
    beside->host = beside->host ? seep_say(drafts, "%s", beside->host) : NULL;
    beside->name = beside->name ? seep_say(drafts, "%s", beside->name) : NULL;
    if (judged->metric == SEEP_METRIC_AVAILABLE_BYTES) {
        beside->growth = -beside->growth;
        beside->own_growth = -beside->own_growth;
        beside->rate = negated(beside->rate);
        beside->excess = negated(beside->excess);
    }
}
