// SPDX-License-Identifier: MIT
// What the parts of the trace source share.
//
// A trace is read once, in the order of time. Processes and images are learnt as they come; an
// event that allocates waits in a queue until its stack has come; then it becomes an act that is
// paired, in a second thread where there is one. What was learnt late (rundowns, definitions of
// stack keys) is looked up at the end, when sites go to the sink. Nothing is kept for an event, a
// stack is kept once: memory follows what is live and the distinct stacks, not the trace.
#ifndef SEEP_SOURCE_ETL_ETL_H
#define SEEP_SOURCE_ETL_ETL_H

#include "base/arena.h"
#include "base/intern.h"
#include "model/pairing.h"
#include "model/ranges.h"
#include "nt/etl_merge.h"
#include "nt/kernel_event.h"
#include "os/thread.h"
#include "source/source.h"

// ---- processes and their images (processes.c)

struct etl_image {
    uint64_t base, size_bytes;
    uint64_t from, to; // readings of the clock between which it was there; 0, UINT64_MAX = always
    uint32_t timestamp, checksum;
    const char *path; // owned by the arena; equal paths are one
    bool superseded;  // another image has come where it was
};

// One life of a PID. Index 0 of the table is the kernel.
struct etl_process {
    uint32_t pid, parent_pid;
    uint64_t key;        // address of its EPROCESS; 0 = unknown
    uint64_t start, end; // clock; 0 = before the trace, UINT64_MAX = not ended
    const char *image;   // NULL = unknown
    struct etl_image *images;
    size_t n_images, images_capacity;
    struct seep_ranges places; // the last image at each place: its index is the site
    uint32_t epoch;            // counts images that came where others had been
    bool sorted;
    bool told;
    struct seep_process_id id; // in the sink, once told
};

// What merged traces say of an image's symbols.
struct etl_symbols {
    uint32_t timestamp;
    uint64_t size_bytes;
    uint8_t guid[SEEP_GUID_BYTES];
    uint32_t age;
    const char *pdb, *file;
};

struct etl_processes {
    struct etl_process *at;
    size_t n, capacity;
    struct seep_intern pids; // PID -> current[id - 1], an index of `at`
    uint32_t *current;
    size_t current_capacity;
    uint32_t last_pid, last_index; // what was asked for last
    struct seep_intern paths;      // as events give them -> path_names[id - 1], UTF-8
    const char **path_names;
    size_t paths_capacity;
    struct seep_intern places; // (pid, base) -> symbols[id - 1]
    struct etl_symbols *symbols;
    size_t n_symbols, symbols_capacity;
    struct seep_intern builds; // (timestamp, size) -> a place's index + 1
    uint32_t *build_symbols;
    size_t builds_capacity;
    struct seep_intern keys; // addresses of EPROCESSes -> owners[id - 1], the last that had it
    uint32_t *owners;
    size_t owners_capacity;
};

// ---- stacks (stacks.c)

// A run of frames as an event gives it: the kernel's or the user's half of a stack. What is known
// by key has no bytes until the key is defined; one that then has the frames of another stands for
// that one from then on (`same_as`), and goes with the next compaction.
struct etl_part {
    const uint8_t *bytes; // NULL = not defined (yet)
    uint32_t n_bytes;
    uint32_t process, epoch; // whose addresses, among which images
    uint32_t same_as;        // 0 = itself
    uint32_t alone;          // the pair of this part and nothing else; 0 = none yet
    uint8_t address_bytes;
    uint64_t clock; // when it was first met
};

// Where a part with bytes is found again; `bytes` is behind a head that tells whose they are.
struct etl_part_slot {
    const uint8_t *bytes; // NULL = free
    uint32_t hash, id;
};

// The parts that wait for the definition of one key: one for each process that refers to it.
struct etl_use {
    uint32_t part; // 0 = none waits
    uint32_t next; // of the same key, counted from 1
};

// A whole stack: up to three parts, outermost last. A thread of a 32-bit process on a 64-bit system
// has two user halves.
struct etl_pair {
    uint32_t kernel, user, more;
    struct etl_resolved {
        bool done;
        struct seep_stack_id id; // in the sink
        uint64_t fingerprint;
    } resolved[2]; // for sites of the process whose thread it was, and of others
};

struct etl_stacks {
    struct seep_arena arena;
    struct etl_part *parts; // by id - 1
    size_t n_parts, parts_capacity;
    struct etl_part_slot *slots; // of parts with bytes that are no other's
    size_t n_slots, n_taken;
    struct seep_intern keys; // key -> heads[id - 1]: the first of its uses, counted from 1
    uint32_t *heads;
    size_t n_heads, heads_capacity;
    struct seep_intern users; // (key, process) -> uses[id - 1]
    struct etl_use *uses;
    size_t n_uses, uses_capacity;
    size_t n_same;          // parts that stand for others
    struct etl_pair *pairs; // fed stack ids, by id - 1
    size_t n_pairs, pairs_capacity;
    uint32_t *pair_slots;
    size_t n_pair_slots;
    uint64_t n_undefined;
    uint64_t n_frames, max_frames; // resolved; that a trace of this size may have
    uint64_t n_cut;                // stacks that went beyond that
};

// ---- what is paired (pairer.c)

// One step of pairing, with all it needs.
struct etl_act {
    uint64_t clock;
    uint64_t space, address, other, size_bytes;
    uint32_t process, stack;
    uint32_t tag; // pool tag, object type, memory flags
    uint16_t hook;
    bool flag; // paged
};

enum { ETL_BATCH = 512, ETL_BATCHES = 16 };

struct etl_batch {
    size_t n;
    struct etl_act acts[ETL_BATCH];
};

// Acts travel in batches: to another thread, or to this one. Either way in the same order, so the
// result is the same.
struct etl_pairer {
    struct seep_pairing *pairing;
    struct seep_etl_clock clock;
    struct etl_batch *batch;     // that is being filled; NULL = none
    struct etl_batch *own;       // where there is no other thread
    struct seep_os_queue *queue; // NULL = no other thread
    struct seep_os_thread *thread;
    bool failed; // memory is out; set before the queue is closed
};

// ---- events that wait for their stacks (queue.c)

struct etl_op {
    struct etl_act act;
    uint32_t tid;
    uint32_t kernel, user, more; // parts
    uint64_t below;              // the op before it of the same hash, by number; 0 = none
};

enum { ETL_QUEUE = 4096, ETL_BUCKETS = 8192 };

struct etl_queue {
    struct etl_op *ring;
    uint64_t head, tail; // numbers of ops from 1; tail is the oldest that waits
    uint64_t *buckets;
    bool no_thread; // an event came whose header names no thread
};

// ---- the run

struct etl_count {
    uint64_t count;
    uint16_t version;
};

struct etl {
    const struct seep_input *input;
    struct seep_sink *sink;
    struct seep_etl_merge *merge;
    struct seep_arena arena;
    struct seep_machine_id machine;
    struct seep_etl_clock clock;
    struct etl_processes processes;
    struct etl_stacks stacks;
    struct etl_queue queue;
    struct etl_pairer pairer;
    struct etl_count *hooks;   // by hook
    struct seep_intern others; // GUID, id, version -> other_counts[id - 1]
    uint64_t *other_counts;
    size_t n_others, others_capacity;
    struct seep_intern types; // object types: number -> type_names[id - 1]
    const char **type_names;
    size_t types_capacity;
    uint64_t n_bad_events, first_bad_offset;
    uint64_t n_bad_text;
    bool allocates; // an event was paired: there are sites to tell
};

// Text of an event as UTF-8 in the run's arena; NULL when memory is out.
const char *etl_text(struct etl *etl, struct seep_kernel_text text);

void etl_bad_event(struct etl *etl, const struct seep_etl_item *item);

bool etl_processes_init(struct etl *etl);
void etl_processes_clear(struct etl *etl);
// The index of the process that a PID names now; a PID never heard of becomes one.
bool etl_process_of(struct etl *etl, uint32_t pid, uint32_t *index);
// The same for an event that allocates: one that has ended allocates no more, so its PID has a new
// owner, whose start is to be told yet.
bool etl_living_process_of(struct etl *etl, uint32_t pid, uint32_t *index);
bool etl_process_event(struct etl *etl, uint16_t hook, const struct seep_etl_item *item);
bool etl_image_event(struct etl *etl, uint16_t hook, const struct seep_etl_item *item);
bool etl_image_id_event(struct etl *etl, const struct seep_kernel_image_id *id);
// The image of a process (or the kernel) that held an address; NULL = none.
const struct etl_image *etl_image_at(struct etl *etl, uint32_t process, uint64_t address,
                                     uint64_t clock);
// Whether the object at an address was a process that has ended.
bool etl_is_dead(const struct etl *etl, uint64_t object);
// The process in the sink; told there when it is first asked for.
bool etl_tell_process(struct etl *etl, uint32_t index, struct seep_process_id *id);
// Every process, and every image of each.
bool etl_tell_processes(struct etl *etl);

void etl_stacks_clear(struct etl_stacks *stacks);
// The part for frames; `process` is whose addresses they are. False when memory is out.
bool etl_part_of(struct etl *etl, const struct seep_kernel_stack *stack, uint32_t process,
                 uint64_t clock, uint32_t *part);
bool etl_part_of_key(struct etl *etl, uint64_t key, uint32_t process, uint64_t clock,
                     uint32_t *part);
bool etl_define_key(struct etl *etl, const struct seep_kernel_stack *stack, bool deleted);
// The id under which the parts of an op are fed to the pairing.
bool etl_pair_of(struct etl *etl, const struct etl_op *op, uint32_t *id);
// Lets go of parts that stand for others, where there are many: keys are deleted and defined anew
// as long as a trace runs, mostly for the same stacks.
bool etl_stacks_compact(struct etl *etl);
// The stack in the sink, and its fingerprint, for a site of process `of`.
bool etl_resolve(struct etl *etl, uint32_t of, struct seep_stack_id fed, struct seep_stack_id *id,
                 uint64_t *fingerprint);
// Whether an address is the kernel's.
bool etl_is_kernel(uint64_t address, unsigned address_bytes);

// `two`: with a thread of its own where one can be started.
bool etl_pairer_start(struct etl_pairer *pairer, int64_t start_ns, int64_t end_ns, bool two);
bool etl_pairer_give(struct etl_pairer *pairer, const struct etl_act *act);
// Waits until all that was given is paired.
bool etl_pairer_drain(struct etl_pairer *pairer);
// Drains, and ends the thread; what was paired stays.
bool etl_pairer_end(struct etl_pairer *pairer);
void etl_pairer_clear(struct etl_pairer *pairer);

bool etl_queue_init(struct etl_queue *queue);
void etl_queue_clear(struct etl_queue *queue);
// Puts an op at the end; where the queue is full the oldest is paired first.
bool etl_queue_add(struct etl *etl, const struct etl_op *op);
// The op at `clock` of thread `tid` that waits; NULL where there is none.
struct etl_op *etl_queue_find(struct etl *etl, uint64_t clock, uint32_t tid);
// Pairs all that waits.
bool etl_queue_flush(struct etl *etl);

// Reads a trace in one thread or two; the facts are the same.
enum etl_threads { ETL_AS_FITS, ETL_ONE_THREAD, ETL_TWO_THREADS };
enum seep_status etl_read(const struct seep_input *input, struct seep_sink *sink,
                          const struct seep_control *control, enum etl_threads threads,
                          uint64_t *read_bytes, struct seep_err *err);

#endif
