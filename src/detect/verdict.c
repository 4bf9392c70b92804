// SPDX-License-Identifier: MIT
// What is called a leak. This is the only file that says SEEP_VERDICT_LEAKING.
#include "detect/baseline.h"
#include "detect/judge.h"

#include <math.h>

// The rate of false accusations among all accusations that is put up with. One in fifty
// machines with a wrongly named process is what an operator forgives; at one in ten a finding is a
// hint.
#define Q_LEAKING 0.02
#define Q_SUSPECT 0.10

// And, however few others there are, of each series by itself: so much against a random walk.
#define P_LEAKING (0.02 * SEEP_WALK_SHARE)
#define P_SUSPECT (0.10 * SEEP_WALK_SHARE)

// Growth must also stand out of what the series does anyway.
#define MANY_NOISES 4.0    // standard deviations of the floor about its line
#define MUCH_OF_LEVEL 0.03 // of the level at the start; either of the two is enough
#define SHORT_S 600.0  // an observation below ten minutes sees start-up work of healthy programs
#define MOMENT_S 8.0   // below it, however many looks: a program does one thing
#define MOST_OF_IT 0.6 // of the observation; who came later or left earlier did one job

// A baseline shows what is expected if it covers so much of the time, grew by so much of the growth
// and the rest on its way never rose by more of it. Beside a line, a single step lets it rise by a
// half at least, wherever it is, two steps by a third.
#define COVERS 0.75
#define EXPLAINS 0.7
#define ASTRAY 0.25
// It shows what is not expected from half of the time on; and what it gave back itself is no growth
// of the other.
#define COVERS_HALF 0.5
#define OWN_GROWTH 0.5

#define KIB 1024.0
#define MIB (1024.0 * 1024.0)

// The least growth that matters: observed (long and short observations), and what 30 days of it
// must come to. Below these a finding would be true and of no use.
struct floor_of_interest {
    double grown, grown_short, a_month;
};

static struct floor_of_interest least_of(enum seep_metric metric, enum seep_subject_kind kind)
{
    bool machine = kind == SEEP_SUBJECT_MACHINE;
    switch (metric) {
    case SEEP_METRIC_PRIVATE_BYTES: // heaps commit in segments: 64 KiB to 1 MiB is one allocation
        return (struct floor_of_interest){ 512 * KIB, 2 * MIB, 32 * MIB };
    case SEEP_METRIC_VIRTUAL_BYTES: // one reserved thread stack or heap segment is 1 to 16 MiB
        return (struct floor_of_interest){ 64 * MIB, 64 * MIB, 1024 * MIB };
    case SEEP_METRIC_HANDLES: // thread pools and RPC open a dozen at a time
    case SEEP_METRIC_GDI_OBJECTS:
    case SEEP_METRIC_USER_OBJECTS:
        return machine ? (struct floor_of_interest){ 200, 200, 2000 }
                       : (struct floor_of_interest){ 16, 16, 100 };
    case SEEP_METRIC_THREADS: // a pool grows by the number of processors
        return machine ? (struct floor_of_interest){ 64, 64, 500 }
                       : (struct floor_of_interest){ 10, 10, 50 };
    case SEEP_METRIC_ZOMBIES:
        return (struct floor_of_interest){ 10, 10, 50 };
    case SEEP_METRIC_PAGED_POOL_BYTES:
    case SEEP_METRIC_NONPAGED_POOL_BYTES: // kernel memory is scarce; a tag counts from half a MiB
        if (machine)
            return (struct floor_of_interest){ 4 * MIB, 16 * MIB, 32 * MIB };
        return (struct floor_of_interest){ 512 * KIB, kind == SEEP_SUBJECT_PROCESS ? MIB : 8 * MIB,
                                           8 * MIB };
    case SEEP_METRIC_COMMIT_BYTES:
    case SEEP_METRIC_AVAILABLE_BYTES: // every program that starts moves these by as much
        return (struct floor_of_interest){ 16 * MIB, 64 * MIB, 128 * MIB };
    case SEEP_METRIC_OUTSTANDING_BYTES: // of one stack: nothing else of the process hides in it
        return (struct floor_of_interest){ 64 * KIB, 128 * KIB, 16 * MIB };
    case SEEP_METRIC_OUTSTANDING_COUNT:
        return (struct floor_of_interest){ 16, 16, 100 };
    default:
        return (struct floor_of_interest){ 512 * KIB, 2 * MIB, 32 * MIB };
    }
}

double seep_least_growth(const struct seep_judged *judged)
{
    struct floor_of_interest least = least_of(judged->metric, judged->kind);
    return judged->shape.span_s < SHORT_S ? least.grown_short : least.grown;
}

bool seep_growth_matters(const struct seep_judged *judged, const char **why_not)
{
    const struct seep_shape *s = &judged->shape;
    struct floor_of_interest least = least_of(judged->metric, judged->kind);
    *why_not = NULL;
    if (s->growth < seep_least_growth(judged))
        *why_not = "too little to matter";
    else if (s->rate * 30 * 86400 < least.a_month)
        *why_not = "too slow to matter within a month";
    else if (s->growth < MANY_NOISES * s->noise && s->growth < MUCH_OF_LEVEL * fabs(s->start))
        *why_not = "within what the series does anyway";
    return !*why_not;
}

bool seep_seen_enough(const struct seep_judged *judged, double observed_s)
{
    return judged->kind != SEEP_SUBJECT_PROCESS || observed_s >= SHORT_S ||
           judged->lived >= MOST_OF_IT;
}

enum seep_verdict seep_verdict_of(const struct seep_judged *judged, bool chosen_only)
{
    const char *why_not;
    const struct seep_shape *s = &judged->shape;
    if (s->form == SEEP_FORM_SHORT)
        return SEEP_VERDICT_UNKNOWN;
    if (s->form < SEEP_FORM_SLOWING || !(s->rate_low > 0) || !(judged->q < Q_SUSPECT) ||
        !(s->p < P_SUSPECT) || !seep_growth_matters(judged, &why_not))
        return SEEP_VERDICT_STEADY;
    bool sure = judged->q < Q_LEAKING && s->p < P_LEAKING;
    if (s->form == SEEP_FORM_SLOWING)
        return sure ? SEEP_VERDICT_SUSPECT : SEEP_VERDICT_STEADY;
    // What a program that has ended took was given back. One that was there for most of the time,
    // or came back and grew again, may have ended because of it.
    if (judged->kind == SEEP_SUBJECT_PROCESS && !judged->alive && !judged->speaks &&
        judged->lived < MOST_OF_IT)
        return SEEP_VERDICT_SUSPECT;
    // Less memory to be had is a symptom; whose it is only the commit says.
    if (judged->metric == SEEP_METRIC_AVAILABLE_BYTES)
        return SEEP_VERDICT_SUSPECT;
    // Who asks for some processes is not told that the machine leaks: its growth may be that of
    // others.
    if (chosen_only && judged->kind != SEEP_SUBJECT_PROCESS)
        return SEEP_VERDICT_SUSPECT;
    // The system's caches live in the paged pool and fill for minutes when files are walked.
    if (judged->metric == SEEP_METRIC_PAGED_POOL_BYTES && judged->kind != SEEP_SUBJECT_PROCESS &&
        s->span_s < SHORT_S)
        return SEEP_VERDICT_SUSPECT;
    // Where events were lost, what was freed unseen looks outstanding.
    if (s->span_s < MOMENT_S || judged->lossy)
        return SEEP_VERDICT_SUSPECT;
    return sure ? SEEP_VERDICT_LEAKING : SEEP_VERDICT_SUSPECT;
}

double seep_seconds_needed(const struct seep_judged *judged)
{
    const struct seep_shape *s = &judged->shape;
    double looks = fmax((double)s->n_looks, 1), tick_s = s->span_s / fmax(looks - 1, 1);
    if (s->form == SEEP_FORM_SHORT)
        return fmax(SEEP_SHAPE_MIN_LOOKS * fmax(tick_s, 1),
                    s->n_looks < SEEP_SHAPE_MIN_LOOKS ? MOMENT_S : SHORT_S);
    if (s->form == SEEP_FORM_SLOWING)
        return 2 * s->span_s; // by then a warm-up that has shown half of its bend is over
    // The t of a drift grows with the square root of the time, so the logarithm of its p grows with
    // the time itself.
    double p = fmin(s->p / SEEP_WALK_SHARE, 0.5);
    double ask = fmin(fmin(Q_LEAKING / judged->q, P_LEAKING / s->p), 1);
    double longer = judged->q > 0 && p > 0 ? 1 + log(ask) / log(p) : 1;
    return fmax(longer * s->span_s, MOMENT_S);
}

bool seep_against_explains(const struct seep_against *a)
{
    return a->state == SEEP_AGAINST_COMPARED && !a->beside.leaks && a->beside.covered >= COVERS &&
           a->beside.explained >= EXPLAINS && a->astray <= ASTRAY;
}

enum seep_verdict seep_verdict_beside(const struct seep_judged *judged, bool chosen_only)
{
    const struct seep_against *a = judged->against;
    enum seep_verdict own = judged->verdict;
    if (!a || a->state != SEEP_AGAINST_COMPARED)
        return own;
    // What is left when the baseline is taken off is judged as any series is.
    struct seep_judged rest = *judged;
    rest.shape = a->shape;
    rest.q = a->beside.q;
    enum seep_verdict left = seep_verdict_of(&rest, chosen_only);
    if (left > own && a->beside.covered >= COVERS_HALF &&
        a->beside.own_growth >= OWN_GROWTH * a->shape.growth)
        // By one degree: the run itself must give a hint.
        return own < SEEP_VERDICT_SUSPECT ? SEEP_VERDICT_SUSPECT : left;
    return seep_against_explains(a) && left < own ? left : own;
}

enum seep_verdict seep_verdict_of_event(void)
{
    return SEEP_VERDICT_SUSPECT;
}

enum seep_verdict seep_verdict_of_events(size_t n, double share)
{
    // Each event is a machine that ran out of commit by Windows' own count; the same process larger
    // each time, and most of the growth, is more than three samples of a curve.
    return n >= 3 && share >= 0.5 ? SEEP_VERDICT_LEAKING : SEEP_VERDICT_SUSPECT;
}

// What is so large in one snapshot that somebody should look. docs/detection.md gives the reasons.
#define UNREACHABLE_BYTES (1 * MIB)
#define UNREACHABLE_SHARE 0.05
#define UNREACHABLE_BLOCKS 100
#define DOMINANT_BYTES (16 * MIB)
#define DOMINANT_SHARE 0.5
#define DOMINANT_BLOCKS 10000
#define ALIKE_BYTES (256 * MIB)
#define ALIKE_SHARE 0.5
#define ALIKE_COUNT 1000
#define RESERVED_BYTES (1024 * MIB)
#define LITTLE_FREE_BYTES (16 * MIB)
#define MANY_HANDLES 10000
#define MANY_THREADS 1000
#define MANY_THREADS_32 500
#define GROWN_BYTES (64 * MIB)
#define GROWN_SHARE 0.25
// A service that starts and ends programs holds some of them for a while; hundreds of machines show
// a few dozen at most, one with a leak thousands (B. Dawson, "Zombie processes are eating your
// memory"). What no handle explains goes within moments on a healthy machine.
#define MANY_ZOMBIES 50
#define MANY_UNHELD 20
// Shared memory and what drivers lock are a small part of a healthy machine's commit.
#define UNATTRIBUTED_BYTES (1024 * MIB)
#define UNATTRIBUTED_SHARE 0.5

// Pool tags. Two looks show growth and not its course, one look not even that.
#define TAG_FREED 0.05   // of what was allocated; a cache that evicts frees more in its life
#define TAG_AT_ALL 0.001 // the same for a tag that is as good as never freed
#define TAG_BLOCKS                                                                                 \
    10000                      // more of them than at the first look; caches of the kernel that are
                               // never trimmed are smaller
#define TAG_BYTES (8 * MIB)    // as for a series of a tag in a short time
#define TAG_MUCH (64 * MIB)    // as private memory from one snapshot to the next
#define TAG_SHARE 0.5          // of what its pool grew by
#define ONE_LOOK_BLOCKS 500000 // since the start, none of them freed
#define ONE_LOOK_CROWD 200000  // the same, of one that has most of the pool
#define ONE_LOOK_BYTES (1024 * MIB)
#define ONE_LOOK_FREED 0.5
#define HALF_A_LIMIT 0.5
#define LOAD_FREED 0.4
#define LOAD_GROWTH 0.8 // of the growth of what is in use, by as much as counts are noisy

enum seep_verdict seep_verdict_of_sign(const struct seep_sign *sign)
{
    bool is = false;
    switch (sign->kind) {
    case SEEP_SIGN_UNREACHABLE:
        is = sign->bytes >= UNREACHABLE_BYTES && sign->share >= UNREACHABLE_SHARE &&
             sign->count >= UNREACHABLE_BLOCKS;
        break;
    case SEEP_SIGN_DOMINANT:
        is = sign->bytes >= DOMINANT_BYTES && sign->share >= DOMINANT_SHARE &&
             sign->count >= DOMINANT_BLOCKS;
        break;
    case SEEP_SIGN_ALIKE:
        is = sign->bytes >= ALIKE_BYTES && sign->share >= ALIKE_SHARE && sign->count >= ALIKE_COUNT;
        break;
    case SEEP_SIGN_RESERVED_ALIKE:
        is = sign->bytes >= RESERVED_BYTES && sign->share >= ALIKE_SHARE &&
             sign->count >= ALIKE_COUNT;
        break;
    case SEEP_SIGN_LITTLE_FREE:
        is = sign->bytes < LITTLE_FREE_BYTES;
        break;
    case SEEP_SIGN_HANDLES:
        is = sign->count >= MANY_HANDLES;
        break;
    case SEEP_SIGN_THREADS:
        is = sign->count >= (sign->bits32 ? MANY_THREADS_32 : MANY_THREADS);
        break;
    case SEEP_SIGN_GROWN:
        is = sign->bytes >= GROWN_BYTES && sign->share >= GROWN_SHARE;
        break;
    case SEEP_SIGN_ZOMBIES_HELD:
        is = sign->count >= MANY_ZOMBIES;
        break;
    case SEEP_SIGN_ZOMBIES_UNHELD:
        is = sign->count >= MANY_UNHELD;
        break;
    case SEEP_SIGN_UNATTRIBUTED:
        is = sign->bytes >= UNATTRIBUTED_BYTES && sign->share >= UNATTRIBUTED_SHARE;
        break;
    case SEEP_SIGN_POOL_FULL: // the flag has a threshold of its own: ledger.c
        is = true;
        break;
    }
    return is ? SEEP_VERDICT_SUSPECT : SEEP_VERDICT_STEADY;
}

enum seep_verdict seep_verdict_of_load(enum seep_verdict verdict, double span_s, double use,
                                       double allocs, double freed)
{
    // What is in use is what is allocated in a second times how long it is used (Little 1961). As
    // long as the first factor grows by as much, nothing is kept for longer: it is the load. Of a
    // day or more that was seen to rise and fall; and most of it must come and go.
    bool load = span_s < 86400 && freed >= LOAD_FREED && allocs - 1 >= LOAD_GROWTH * (use - 1);
    return load ? SEEP_VERDICT_STEADY : verdict;
}

enum seep_verdict seep_verdict_of_tag(const struct seep_tag_sign *s)
{
    bool is = false;
    if (s->n_looks >= 2) {
        bool grew = s->bytes >= TAG_BYTES && s->bytes >= GROWN_SHARE * s->bytes_before &&
                    s->freed <= TAG_FREED && s->freed_ever <= TAG_FREED;
        is = grew && ((s->blocks >= TAG_BLOCKS && s->freed_ever <= TAG_AT_ALL) ||
                      (s->bytes >= TAG_MUCH && s->share >= TAG_SHARE));
    } else {
        double blocks = s->share >= TAG_SHARE ? ONE_LOOK_CROWD : ONE_LOOK_BLOCKS;
        is = (s->blocks >= blocks && s->bytes >= TAG_MUCH && s->freed <= TAG_AT_ALL) ||
             (s->bytes >= ONE_LOOK_BYTES && s->share >= TAG_SHARE && s->freed <= ONE_LOOK_FREED) ||
             (s->bytes >= TAG_MUCH && s->of_limit >= HALF_A_LIMIT);
    }
    return is ? SEEP_VERDICT_SUSPECT : SEEP_VERDICT_STEADY;
}
