// SPDX-License-Identifier: MIT
// What the parts of the trace source share.
//
// A trace is read once, in the order of time. Processes and images are learnt as they come; an
// event that allocates waits in a queue until its stack has come; then it is paired. What was
// learnt late (rundowns, definitions of stack keys) is looked up at the end, when sites go to the
// sink.
#ifndef SEEP_SOURCE_ETL_ETL_H
#define SEEP_SOURCE_ETL_ETL_H

#include "base/arena.h"
#include "base/intern.h"
#include "model/pairing.h"
#include "nt/etl_merge.h"
#include "nt/kernel_event.h"
#include "source/source.h"

// ---- processes and their images (processes.c)

struct etl_image {
    uint64_t base, size_bytes;
    uint64_t from, to; // readings of the clock between which it was there; 0, UINT64_MAX = always
    uint32_t timestamp, checksum;
    const char *path; // owned by the arena
};

// One life of a PID. Index 0 of the table is the kernel.
struct etl_process {
    uint32_t pid, parent_pid;
    uint64_t key;        // address of its EPROCESS; 0 = unknown
    uint64_t start, end; // clock; 0 = before the trace, UINT64_MAX = not ended
    const char *image;   // NULL = unknown
    struct etl_image *images;
    size_t n_images, images_capacity;
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
    struct seep_intern places; // (pid, base) -> symbols[id - 1]
    struct etl_symbols *symbols;
    size_t n_symbols, symbols_capacity;
    struct seep_intern builds; // (timestamp, size) -> a place's index + 1
    uint32_t *build_symbols;
    size_t builds_capacity;
    struct seep_intern dead; // keys of processes that have ended
};

// ---- stacks (stacks.c)

// A run of frames as an event gives it: the kernel's or the user's half of a stack. What is known
// by key has no bytes until the key is defined.
struct etl_part {
    const uint8_t *bytes; // NULL = not defined (yet)
    uint32_t n_bytes;
    uint32_t process; // index
    uint64_t clock;   // when it was first met
    uint8_t address_bytes;
};

struct etl_stacks {
    struct seep_arena arena;
    struct etl_part *parts; // by id - 1
    size_t n_parts, parts_capacity;
    uint32_t *slots; // of parts with bytes
    size_t n_slots;
    struct seep_intern keys; // key -> defining[id - 1]: the part that waits for its definition
    uint32_t *waiting;
    size_t n_waiting, waiting_capacity;
    struct etl_pair *pairs; // fed stack ids, by id - 1
    size_t n_pairs, pairs_capacity;
    uint32_t *pair_slots;
    size_t n_pair_slots;
    uint64_t n_references, n_undefined;
    uint64_t n_frames, max_frames; // resolved; that a trace of this size may have
    uint64_t n_cut;                // stacks that went beyond that
};

struct etl_pair {
    uint32_t kernel, user; // parts
    bool resolved;
    struct seep_stack_id id; // in the sink
    uint64_t fingerprint;
};

// ---- events that wait for their stacks (queue.c)

struct etl_op {
    uint64_t clock;
    uint32_t tid, process;
    uint16_t hook;
    bool flag; // paged; rundown
    uint32_t kernel, user;
    uint32_t tag; // pool tag, object type, memory flags
    uint64_t space, address, other, size_bytes;
    uint64_t below; // the op before it of the same hash, by number; 0 = none
};

enum { ETL_QUEUE = 4096, ETL_BUCKETS = 8192 };

struct etl_queue {
    struct etl_op *ring;
    uint64_t head, tail; // numbers of ops from 1; tail is the oldest that waits
    uint64_t *buckets;
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
    struct etl_processes processes;
    struct etl_stacks stacks;
    struct etl_queue queue;
    struct seep_pairing *pairing;
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

bool etl_processes_init(struct etl *etl);
void etl_processes_clear(struct etl *etl);
// The index of the process that a PID names now; a PID never heard of becomes one.
bool etl_process_of(struct etl *etl, uint32_t pid, uint32_t *index);
bool etl_process_event(struct etl *etl, uint16_t hook, const struct seep_etl_record *record);
bool etl_image_event(struct etl *etl, uint16_t hook, const struct seep_etl_record *record);
bool etl_image_id_event(struct etl *etl, const struct seep_kernel_image_id *id);
// The image of a process (or the kernel) that held an address; NULL = none.
const struct etl_image *etl_image_at(struct etl *etl, uint32_t process, uint64_t address,
                                     uint64_t clock);
// The process in the sink; told there when it is first asked for.
bool etl_tell_process(struct etl *etl, uint32_t index, struct seep_process_id *id);
// Every process, and every image of each.
bool etl_tell_processes(struct etl *etl);

void etl_stacks_clear(struct etl_stacks *stacks);
// The part for frames (`half` names the process whose addresses they are); false when memory is
// out.
bool etl_part_of(struct etl *etl, const struct seep_kernel_stack *stack, uint32_t process,
                 uint64_t clock, uint32_t *part);
bool etl_part_of_key(struct etl *etl, uint64_t key, uint32_t process, uint64_t clock,
                     uint32_t *part);
bool etl_define_key(struct etl *etl, const struct seep_kernel_stack *stack, bool deleted);
// The id under which a pair of parts is fed to the pairing.
bool etl_pair_of(struct etl *etl, uint32_t kernel, uint32_t user, struct seep_stack_id *id);
// The stack in the sink, and its fingerprint.
bool etl_resolve(struct etl *etl, struct seep_stack_id fed, struct seep_stack_id *id,
                 uint64_t *fingerprint);
// Whether an address is the kernel's.
bool etl_is_kernel(uint64_t address, unsigned address_bytes);

bool etl_queue_init(struct etl_queue *queue);
void etl_queue_clear(struct etl_queue *queue);
// Puts an op at the end; where the queue is full the oldest is paired first.
bool etl_queue_add(struct etl *etl, const struct etl_op *op);
// The op at `clock` of thread `tid` that waits; NULL where there is none.
struct etl_op *etl_queue_find(struct etl *etl, uint64_t clock, uint32_t tid);
// Pairs all that waits.
bool etl_queue_flush(struct etl *etl);

#endif
