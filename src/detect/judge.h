// SPDX-License-Identifier: MIT
// What the files of this layer share: the facts about one machine while it is being judged, and
// findings while they are being written.
#ifndef SEEP_DETECT_JUDGE_H
#define SEEP_DETECT_JUDGE_H

#include "base/arena.h"
#include "base/intern.h"
#include "detect/clock.h"
#include "detect/detect.h"
#include "detect/pool.h"
#include "detect/shape.h"
#include "detect/track.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Unknown numbers are NaN. (isnan() of some C libraries narrows to float under -Wconversion.)
static inline bool seep_unknown(double value)
{
    return value != value;
}

struct seep_against;
struct seep_looks;
struct seep_sign;
struct seep_tag_sign;

// One series that can say something about a leak.
struct seep_judged {
    size_t series;  // index into the dataset
    size_t process; // index into the dataset + 1; 0 = none
    enum seep_metric metric;
    enum seep_subject_kind kind;
    struct seep_shape shape;
    double q;      // p adjusted over the machine's series
    double delta;  // end minus start of the observation; 0 where the subject did not exist
    double newest; // last value
    int64_t first_ns, last_ns; // of the subject's existence within the observation
    double lived;              // share of the observation in which the subject existed
    bool alive;                // at the end of the observation
    size_t n_wraps;
    enum seep_verdict verdict;
    size_t finding; // index into the findings + 1; 0 = none
    size_t life_of; // index + 1 of the series that speaks for all lives of this image; 0 = none
    bool speaks;    // it is that series
    size_t led_by;  // index + 1 of what it grows in lockstep with, and is accused in its place
    size_t site;    // index into the dataset's + 1, and what is known of it; 0 = none
    enum seep_site_kind site_kind;
    bool paged, dead, lossy; // `lossy`: its source lost events
    bool loaded; // of a tag: as much more was allocated as it holds more; see seep_verdict_of_load
    struct seep_against *against; // what a baseline shows of it; NULL = nothing was looked for
};

// One machine. Sums are over the whole observation, in the unit of the metric.
struct seep_scene {
    const struct seep_dataset *data;
    struct seep_machine_id machine;
    int64_t start_ns, end_ns, tick_ns;
    struct seep_clock clocks[SEEP_MAX_CLOCKS]; // of its recorders; `tick_ns` is of the fastest
    size_t n_clocks;
    struct seep_judged *judged;
    size_t n_judged, capacity;
    double grown[SEEP_N_METRICS];  // sum of `delta` over processes
    double rising[SEEP_N_METRICS]; // sum of the positive ones
    bool has_processes[SEEP_N_METRICS];
    bool chosen_only; // not every process was recorded: the rest of the machine is not known
    const struct seep_judged *of_machine[SEEP_N_METRICS]; // the machine's own series
    double commit_limit;                                  // newest; 0 = unknown
    double commit_now;                                    // newest; NaN = unknown
    const struct seep_looks *looks;    // at its pool tags; NULL = there were none
    double pool_limit[2], pool_now[2]; // nonpaged, paged; newest; 0 = unknown
};

struct seep_draft {
    struct seep_finding finding;
    struct seep_evidence *evidence;
    const char **caveats, **next;
    size_t n_evidence, n_caveats, n_next;
    double weight;   // of two findings about the same thing the one with more looks stays
    double needed_s; // see seep_seconds_needed; 0 = unknown
    bool ended;      // its process was gone before the observation ended
    bool dropped;    // folded into another one
};

// Pool tags that are one leak: the finding of the source, as index + 1, and its members.
struct seep_draft_cluster {
    size_t draft;
    struct seep_pool_member *members;
    size_t n_members;
};

struct seep_drafts {
    struct seep_arena *arena;
    struct seep_draft *at;
    size_t count, capacity;
    struct seep_draft_cluster *clusters;
    size_t n_clusters, clusters_capacity;
    bool failed; // memory is out
};

// judgement.c: as seep_detect, but of tracks that the caller keeps; the dataset's points are not
// asked for. A track is valid until the next is asked for.
struct seep_tracks {
    const struct seep_track *(*at)(void *ctx, size_t series); // NULL = memory is out
    void *ctx;
    // Of series that are no longer in the dataset: the shortest and the longest mean time between
    // points (INFINITY and 0 = there are none).
    double tick_ns, heartbeat_ns;
};
bool seep_judge(const struct seep_dataset *data, const struct seep_tracks *tracks,
                const struct seep_detect_options *options, const struct seep_control *control,
                struct seep_judgement *judgement, struct seep_err *err);

// multiplicity.c: Benjamini and Hochberg 1995. `q[i]` is the least false-discovery rate at which
// test i is still a discovery among the n. `q` may be `p`. False when memory is out.
bool seep_adjust_p(const double *p, size_t n, double *q);

// The same of the p of a machine's series, to their q. False when memory is out.
bool seep_adjust_machine(struct seep_scene *scene);

// verdict.c: the only place that says "leaking".
// `chosen_only`: see struct seep_scene.
enum seep_verdict seep_verdict_of(const struct seep_judged *judged, bool chosen_only);
// Whether its subject was there for long enough, of an observation of `observed_s` seconds, to tell
// a leak from the growth of a start.
bool seep_seen_enough(const struct seep_judged *judged, double observed_s);
// Whether so much growth, of this metric, in this time, matters; and why not (a static text).
bool seep_growth_matters(const struct seep_judged *judged, const char **why_not);
// The least growth that does, in so much time.
double seep_least_growth(const struct seep_judged *judged);
// How long an observation has to be, in all, before more can be said: for `unknown` and `suspect`.
// An estimate: what it did goes on as it was.
double seep_seconds_needed(const struct seep_judged *judged);
// Its verdict (`judged->verdict`) in the light of a baseline.
enum seep_verdict seep_verdict_beside(const struct seep_judged *judged, bool chosen_only);
// What an event alone is worth: Windows itself saw exhaustion.
enum seep_verdict seep_verdict_of_event(void);
enum seep_verdict seep_verdict_of_sign(const struct seep_sign *sign); // suspect at most
// Of a series of a tag over `span_s` seconds, in the second half of which `use` times as much was
// in use and `allocs` times as much allocated; `freed` is the share of what was allocated.
enum seep_verdict seep_verdict_of_load(enum seep_verdict verdict, double span_s, double use,
                                       double allocs, double freed);
enum seep_verdict seep_verdict_of_tag(const struct seep_tag_sign *sign); // suspect at most
// What `n` exhaustion events in a row are worth, in each of which the same process held more,
// `share` of the growth of the commit charge.
enum seep_verdict seep_verdict_of_events(size_t n, double share);

// attribution.c
void seep_scene_sum(struct seep_scene *scene);
double seep_share_of(const struct seep_scene *scene, const struct seep_judged *judged);
// The share of the machine's growth of `metric` that its processes (and pools) explain; NaN where
// their series are missing.
double seep_explained(const struct seep_scene *scene, enum seep_metric metric);
// The series of a metric of the same process (same machine, tag for a tag), NULL if there is none.
const struct seep_judged *seep_sibling(const struct seep_scene *scene,
                                       const struct seep_judged *judged, enum seep_metric metric);

// exhaustion.c
struct seep_exhaustion seep_exhaustion_of(const struct seep_scene *scene,
                                          const struct seep_judged *judged);
// When `room` is used up at a rate, counted from `now_ns`.
struct seep_exhaustion seep_exhaustion_at(const char *limit, double limit_value, double room,
                                          const struct seep_rate *rate, int64_t now_ns);

// text.c. Everything is kept in the arena; a failure is remembered in `drafts`.
const char *seep_say(struct seep_drafts *drafts, const char *format, ...) SEEP_PRINTF(2, 3);
const char *seep_say_amount(struct seep_drafts *drafts, enum seep_metric metric, double value);
// In the unit of time that suits `like`, so that the bounds of an interval read alike.
const char *seep_say_rate(struct seep_drafts *drafts, enum seep_metric metric, double per_second,
                          double like);
const char *seep_say_seconds(struct seep_drafts *drafts, double seconds);
const char *seep_metric_words(enum seep_metric metric); // "private bytes"
// The path of a source as a word of a command; "FILE" where it is none.
const char *seep_source_word(const struct seep_dataset *data, struct seep_source_id id);
// Whether it is of a machine that was looked at while it ran.
bool seep_source_is_live(const struct seep_dataset *data, struct seep_source_id id);
struct seep_draft *seep_draft_add(struct seep_drafts *drafts);
void seep_draft_evidence(struct seep_drafts *drafts, struct seep_draft *draft, const char *text,
                         struct seep_source_id source, uint64_t offset, int64_t time_ns);
void seep_draft_caveat(struct seep_drafts *drafts, struct seep_draft *draft, const char *text);
void seep_draft_next(struct seep_drafts *drafts, struct seep_draft *draft, const char *command);

// sites.c: what is known of allocation sites. Sites by process and name.
struct seep_sites {
    struct seep_intern keys; // -> at[id - 1]: index into the dataset's
    size_t *at;
    size_t capacity;
};
bool seep_sites_open(const struct seep_dataset *data, struct seep_sites *sites);
void seep_sites_close(struct seep_sites *sites);
// Sets what `judged` knows of its site; false when memory is out.
bool seep_sites_find(const struct seep_sites *sites, const struct seep_dataset *data,
                     struct seep_judged *judged);
enum seep_class seep_class_of_site(const struct seep_judged *judged);
// Of the growth of all sites of its kind on the machine.
double seep_share_of_site(const struct seep_scene *scene, const struct seep_judged *judged);
// Names the finding after who is to blame, with evidence, caveats and the next command.
void seep_site_write(struct seep_drafts *drafts, const struct seep_scene *scene,
                     const struct seep_judged *judged, struct seep_draft *draft);
// The worst of the accused sites that together explain the growth of a process, a pool tag, or of
// the virtual memory below a heap; NULL = they do not.
const struct seep_judged *seep_site_behind(const struct seep_scene *scene,
                                           const struct seep_judged *whole);

// finding.c: the finding about one judged series.
enum seep_class seep_class_of(const struct seep_judged *judged);
struct seep_draft *seep_finding_write(struct seep_drafts *drafts, const struct seep_scene *scene,
                                      struct seep_judged *judged);
// Adds the command that says more about the finding, of those that seep has.
void seep_finding_next(struct seep_drafts *drafts, struct seep_draft *draft);
// Makes an id of class, subject and, among several machines, the host.
const char *seep_finding_id(struct seep_drafts *drafts, const struct seep_dataset *data,
                            const struct seep_finding *finding);

// relate.c: what series of one machine say about each other. `fold` moves what `from` says into
// `into`.
void seep_relate(struct seep_drafts *drafts, struct seep_scene *scene);
bool seep_accused(const struct seep_judged *judged); // `judged` may be NULL
// Its draft, NULL if it has none; valid until the next one is added.
struct seep_draft *seep_draft_of(const struct seep_drafts *drafts,
                                 const struct seep_judged *judged);
// Takes back the accusation of `judged`, and says why.
void seep_clear_of(struct seep_drafts *drafts, struct seep_judged *judged, const char *why);
void seep_fold(struct seep_drafts *drafts, struct seep_draft *into, struct seep_draft *from);

// lockstep.c: pool tags that grow together are one finding, that of the source.
void seep_relate_lockstep(struct seep_drafts *drafts, struct seep_scene *scene);

// pools.c: what looks at pool tags say where there are no series of them. `looks` are those of the
// machine.
void seep_pools_judge(struct seep_drafts *drafts, const struct seep_dataset *data,
                      struct seep_machine_id machine, const struct seep_looks *looks);

// zombies.c: exited processes that are still referenced, one finding for each who holds them.
bool seep_zombies_judge(struct seep_drafts *drafts, const struct seep_dataset *data,
                        const struct seep_detect_options *options);

// memory.c: what a machine's commit does not add up to, and pools near their limits.
bool seep_memory_judge(struct seep_drafts *drafts, const struct seep_dataset *data,
                       const struct seep_detect_options *options);

// lives.c: one image, several lives (restarts) on one machine.
// `at` puts a judged series on its grid again; a grid with n = 0 where there is none. False when
// that failed, and then so does seep_join_lives.
struct seep_life_grids {
    bool (*at)(void *ctx, const struct seep_judged *judged, struct seep_grid *grid);
    void *ctx;
};
bool seep_join_lives(struct seep_scene *scene, const struct seep_life_grids *grids);
void seep_write_lives(struct seep_drafts *drafts, struct seep_scene *scene);

// snapshot.c: what single moments of processes say.
bool seep_snapshots_judge(struct seep_drafts *drafts, const struct seep_dataset *data,
                          const struct seep_detect_options *options, struct seep_err *err);

// Something in a snapshot that looks like a leak.
enum seep_sign_kind {
    SEEP_SIGN_UNREACHABLE = 0, // blocks of a heap to which nothing points
    SEEP_SIGN_DOMINANT,        // blocks of one size or type
    SEEP_SIGN_ALIKE,           // allocations of one size outside of heaps: what they have committed
    SEEP_SIGN_RESERVED_ALIKE,  // the same: what they only reserve
    SEEP_SIGN_LITTLE_FREE,     // of a 32-bit process: its largest free range
    SEEP_SIGN_HANDLES,
    SEEP_SIGN_THREADS,
    SEEP_SIGN_GROWN,          // private memory, from one snapshot to the next
    SEEP_SIGN_ZOMBIES_HELD,   // by one process; those that exited a while ago
    SEEP_SIGN_ZOMBIES_UNHELD, // by no handle
    SEEP_SIGN_UNATTRIBUTED,   // of what is committed
    SEEP_SIGN_POOL_FULL,      // a pool, of its limit
};

// What looks at pool tags say of one of them: how much it grew, with one look since the machine
// started.
struct seep_tag_sign {
    size_t n_looks;
    double blocks, bytes;     // more in use than at the first look
    double bytes_before;      // in use then
    double freed, freed_ever; // shares of what was allocated
    double share;             // of what its pool grew by, with one look of the pool itself
    double of_limit;          // what is in use of it over the pool's limit; NaN = unknown
};

struct seep_sign {
    enum seep_sign_kind kind;
    double bytes, count; // NaN = unknown
    double share;        // of the whole that it is part of, 0..1; of growth: beside what was
    bool bits32;         // a 32-bit process
};

// events.c
bool seep_events_judge(struct seep_drafts *drafts, const struct seep_dataset *data,
                       const struct seep_detect_options *options);

#endif
