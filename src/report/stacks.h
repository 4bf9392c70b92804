// SPDX-License-Identifier: MIT
// Which call stacks hold what: the document of `seep stacks`, made of a profile.
//
// One file: what is outstanding at its end. Two: what grew from the first to the second. Three or
// more: what is there in every file since the first. Numbers are those of the last file, and a
// site that it does not have holds nothing there.
#ifndef SEEP_REPORT_STACKS_H
#define SEEP_REPORT_STACKS_H

#include "base/arena.h"
#include "detect/detect.h"
#include "model/dataset.h"
#include "model/profile.h"
#include "report/report.h"

enum seep_stacks_mode {
    SEEP_STACKS_OUTSTANDING = 0,
    SEEP_STACKS_DIFF,
    SEEP_STACKS_SURVIVORS,
};

// One function at one address. Where a compiler inlined calls, an address has several of these,
// innermost first.
struct seep_stacks_frame {
    uint64_t address;     // 0 = not known
    const char *module;   // file name; NULL = unknown
    const char *function; // NULL = unknown
    uint64_t offset;      // bytes into the function, else into the module
    bool has_offset;
    bool passes_on;   // of an allocator, a runtime or the system
    const char *file; // NULL = unknown
    uint32_t line;    // 0 = unknown
};

// The frames of one address in one process.
struct seep_stacks_group {
    size_t first, n; // into `frames`
    uint64_t address;
    const struct seep_module *module; // NULL = unknown
};

struct seep_stacks_row {
    size_t row;                        // of the profile
    uint32_t process;                  // id in the profile, in the newest moment that has the site
    struct seep_site site;             // of that moment; its numbers are not used
    struct seep_profile_sums now, old; // of the last and the first moment
    uint64_t survivor_count, survivor_bytes; // UINT64_MAX = not known
    int64_t weight;
    enum seep_verdict verdict; // of its growth
    bool judged;
    struct seep_rate rate;
};

// How frames get their names: fills `frames` (its module, function, file, line; `max` of them) for
// an address inside a module, innermost first, and gives how many; 0 = no name is known. Strings
// stay valid as long as the document.
struct seep_stacks_namer {
    size_t (*name)(void *ctx, const struct seep_module *module, uint64_t address,
                   struct seep_stacks_frame *frames, size_t max);
    void *ctx;
};

struct seep_stacks_options {
    const char *process; // image (without regard to case) or PID; NULL = all
    int kind;            // enum seep_site_kind; -1 = all
    const char *tag;     // of pool, or the type of handles; * and ? stand for characters; NULL
    bool by_count;
    bool blame;       // fold what passes allocations on
    const char *tree; // "callers", "callees"; NULL = none
    size_t top;       // rows that are shown; 0 = the writer's default (text: 20, else all)
    bool color;
};

struct seep_stacks_doc {
    const struct seep_profile *profile;
    struct seep_stacks_options options;
    struct seep_stacks_namer namer;
    enum seep_stacks_mode mode;
    const struct seep_dataset_source *sources;
    size_t n_sources;
    struct seep_arena arena;
    struct seep_stacks_row *rows; // those asked for, the heaviest first
    size_t n_rows, rows_capacity;
    struct seep_profile_sums total, old_total;
    uint64_t unmatched_frees, survivor_bytes, survivor_count;
    enum seep_verdict verdict;   // of the worst row
    const char *const *messages; // what a reader must know before the numbers
    size_t n_messages;
    bool missing; // nothing was found of the process that was asked for

    struct seep_intern keys; // of groups
    struct seep_intern strings;
    struct seep_stacks_group *groups;
    size_t n_groups, groups_capacity;
    struct seep_stacks_frame *frames;
    size_t n_frames, frames_capacity;
    uint32_t *group_of; // by stack node: the group, +1, of its latest process
    uint32_t *group_process;
};

// Makes the document; the profile is finished, and it and the sources outlive the document, which
// the caller clears. False when memory is out.
bool seep_stacks_make(const struct seep_profile *profile, const struct seep_dataset_source *sources,
                      size_t n_sources, const struct seep_stacks_options *options,
                      const struct seep_stacks_namer *namer, struct seep_stacks_doc *doc);
void seep_stacks_doc_clear(struct seep_stacks_doc *doc);

// The frames of a row, innermost first, as indexes into doc->frames, in `*at` (grown; the caller
// frees it) and how many; with --blame from the first that is the application's own on. False when
// memory is out.
struct seep_stacks_path {
    uint32_t *at;
    size_t n, capacity;
    uint32_t *groups; // of each frame
    size_t groups_capacity;
};
bool seep_stacks_path(struct seep_stacks_doc *doc, const struct seep_stacks_row *row,
                      struct seep_stacks_path *path);
void seep_stacks_path_clear(struct seep_stacks_path *path);

// The same for any stack of a process of the profile, folded where `blame` says so.
bool seep_stacks_path_of(struct seep_stacks_doc *doc, uint32_t process, struct seep_stack_id stack,
                         bool blame, struct seep_stacks_path *path);

// Index in `path` of the first frame that is the application's own; path->n where there is none.
size_t seep_stacks_blamed(const struct seep_stacks_doc *doc, const struct seep_stacks_path *path);

// "Cache::add" or "app.exe+0x1234" or "0x7ff61234" (not escaped), and with the module before it.
void seep_stacks_name(const struct seep_stacks_frame *frame, struct seep_buf *out);
void seep_stacks_full_name(const struct seep_stacks_frame *frame, struct seep_buf *out);

// The process of a row as a text: "app.exe (42)", "kernel".
void seep_stacks_process_name(const struct seep_stacks_doc *doc, uint32_t process,
                              struct seep_buf *out);

// How the sites grew: the judgement of every row's series goes into the rows. False when memory is
// out.
bool seep_stacks_judge(struct seep_stacks_doc *doc, struct seep_err *err);

// What is the same in all stacks, as one tree: an entry a node, parents before their children and
// siblings by weight.
struct seep_stacks_tree_node {
    uint32_t frame; // index into doc->frames; UINT32_MAX = the node is a process
    uint32_t process;
    uint32_t parent; // index + 1; 0 = a root
    uint32_t depth;
    int64_t bytes, count; // of everything below it; what the mode weighs
};
struct seep_stacks_tree {
    struct seep_stacks_tree_node *at;
    size_t n;
};
// Below each process: `callers`: where stacks end, with their callers as children; else where
// threads begin. Frames of one function are one node. The caller clears it. False when memory is
// out.
bool seep_stacks_tree(struct seep_stacks_doc *doc, bool callers, struct seep_stacks_tree *tree);
void seep_stacks_tree_clear(struct seep_stacks_tree *tree);

// What a row weighs in the mode, in bytes and count.
int64_t seep_stacks_bytes(const struct seep_stacks_doc *doc, const struct seep_stacks_row *row);
int64_t seep_stacks_count(const struct seep_stacks_doc *doc, const struct seep_stacks_row *row);

// Whether frees are of what was asked for.
bool seep_stacks_wants_frees(const struct seep_stacks_doc *doc,
                             const struct seep_site_frees *frees);

// Writes the document in a format: "text", "json" (docs/schema/stacks.schema.json), "folded",
// "pprof" (gzip of profile.proto), "speedscope". False when the output failed or memory is out.
bool seep_stacks_write(struct seep_stacks_doc *doc, const char *format, FILE *out);

// The writers.
bool seep_stacks_text(struct seep_stacks_doc *doc, FILE *out);
bool seep_stacks_json(struct seep_stacks_doc *doc, FILE *out);
bool seep_stacks_folded(struct seep_stacks_doc *doc, FILE *out);
bool seep_stacks_pprof(struct seep_stacks_doc *doc, FILE *out);
bool seep_stacks_speedscope(struct seep_stacks_doc *doc, FILE *out);

#endif
