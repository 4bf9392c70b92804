// SPDX-License-Identifier: MIT
// What the parts of the .blg reader share. The format is in note.md.
//
// A *group* is a table of one object: instances by counters, each cell with its column and its last
// raw value. A whole object is one group with all its counters; a wildcard or single counter of the
// list is a group with one.
#ifndef SEEP_SOURCE_BLG_BLG_H
#define SEEP_SOURCE_BLG_BLG_H

#include "base/buf.h"
#include "base/intern.h"
#include "nt/etl_buffer.h"
#include "nt/perf_counter.h"
#include "source/perfmon.h"
#include "source/source.h"

// What can be missing, in the order in which it is reported.
enum seep_blg_loss {
    SEEP_BLG_LOST_EVENTS,
    SEEP_BLG_LOST_BUFFERS,
    SEEP_BLG_TRUNCATED,
    SEEP_BLG_BAD_BUFFER,
    SEEP_BLG_COMPRESSED,
    SEEP_BLG_BAD_EVENT,
    SEEP_BLG_UNKNOWN_EVENT,
    SEEP_BLG_MISSING_PART,
    SEEP_BLG_MISSING_SAMPLE,
    SEEP_BLG_BAD_RECORD,
    SEEP_BLG_UNKNOWN_RECORD,
    SEEP_BLG_NO_LIST,
    SEEP_BLG_UNKNOWN_TYPE,
    SEEP_BLG_UNNAMED,
    SEEP_BLG_BAD_TEXT,
    SEEP_BLG_CLOCK_JUMP,
    SEEP_BLG_UNUSED,
    SEEP_BLG_NOT_CLOSED,
    SEEP_BLG_NO_SAMPLE,
    SEEP_BLG_N_LOSSES,
};

struct seep_blg_lost {
    uint64_t count, bytes, offset; // of the first one
    uint32_t detail;               // the unknown number of the first one
};

// A counter that is shown.
struct seep_blg_counter {
    const struct seep_perf_type *type;
    uint32_t index, name;            // Perflib index (0 = unknown), text id
    uint32_t offset, size;           // in the counter block
    uint32_t base_offset, base_size; // size 0 = no base
};

struct seep_blg_cell {
    struct seep_perf_raw raw;
    struct seep_perfmon_column column;
    bool has_raw;
};

struct seep_blg_instance {
    uint32_t occurrence; // among instances of the same name: the n of "#n"
    uint32_t next;       // the instance of the next occurrence, index + 1
    uint32_t sample;     // in which it was seen last
    uint32_t pid;        // ID Process then
    size_t cells;        // its first cell
};

// The instances of one name, in the order of occurrence.
struct seep_blg_name {
    uint32_t first, last; // instances, index + 1
    uint32_t current;     // the one of this block that was seen last
    uint32_t block;       // in which the name was seen last
};

struct seep_blg_group {
    uint32_t host, object; // text ids
    uint32_t object_index;
    char *definition; // as it came, to notice when it changes
    size_t definition_len;
    uint32_t n_defined; // counters, shown or not
    struct seep_blg_counter *counters;
    size_t n_counters;
    size_t need_bytes;             // that a counter block must have
    uint32_t pid_offset, pid_size; // of ID Process; size 0 = none
    struct seep_intern names;      // raw bytes of parent and name
    struct seep_blg_name *by_name; // by id of `names`, minus 1
    size_t by_name_capacity;
    struct seep_blg_instance *instances;
    size_t n_instances, instances_capacity;
    struct seep_blg_cell *cells;
    size_t n_cells, cells_capacity;
    uint32_t *order; // the name ids of the last block by place
    size_t n_order, order_capacity, place;
};

// Who an instance is, as the file has it.
struct seep_blg_who {
    struct seep_bytes parent, name; // without terminators
    bool utf8;                      // `parent` and `name` are UTF-8 already
    uint32_t code_page;             // that they are in; 0 = UTF-16
    uint32_t index;                 // the instance index of a list entry
};

// An entry of the counter list.
struct seep_blg_entry {
    uint32_t flags;
    uint32_t type_number;
    const struct seep_perf_type *type; // NULL = not known
    uint64_t frequency;
    uint32_t host, object, counter, instance, parent; // text ids, 0 = none
    uint32_t index;
    struct seep_blg_group group;
};

struct seep_blg_part {
    uint32_t number;
    struct seep_bytes data;
};

// The block whose parts are being collected.
struct seep_blg_join {
    bool active, in_order;
    uint8_t type;
    uint64_t time;
    uint32_t count;
    uint8_t guid[16];
    uint64_t offset; // of the first part seen
    struct seep_blg_part *parts;
    size_t n_parts, capacity;
    struct seep_buf bytes;
};

struct seep_blg_tally {
    uint8_t guid[16];
    uint8_t type;
    uint16_t version;
    uint64_t count;
};

enum { SEEP_BLG_MAX_TALLIES = 64 };

struct seep_blg {
    const struct seep_input *input;
    struct seep_sink *sink;
    struct seep_perfmon *pm;
    struct seep_etl_trace trace;
    struct seep_blg_lost lost[SEEP_BLG_N_LOSSES];
    struct seep_blg_tally tallies[SEEP_BLG_MAX_TALLIES];
    size_t n_tallies;
    uint64_t n_events; // of Perfmon
    bool failed;       // memory is out, or the sink refused

    struct seep_blg_join join;
    uint64_t data_offset; // in the file of the data of the event at hand
    bool contiguous;      // the data lies there in one piece

    struct seep_intern strings;     // every text, UTF-8
    struct seep_buf text, text2;    // scratch
    struct seep_intern number_keys; // host, number
    uint32_t *number_texts;         // text id by id of `number_keys`, minus 1
    size_t number_texts_capacity;
    uint32_t host_of_block;        // text id of the host of the last whole object
    struct seep_intern host_names; // raw bytes -> id
    uint32_t *host_texts;
    size_t host_texts_capacity;

    struct seep_buf list; // as it came
    struct seep_blg_entry *entries;
    size_t n_entries, entries_capacity;
    bool seeks_utc; // the list has counters whose second value is UTC

    struct seep_intern group_keys; // host, object
    struct seep_blg_group **groups;
    size_t groups_capacity;
    uint32_t block; // number of the block of instances at hand

    uint32_t sample;    // number of the sample at hand, from 1
    uint64_t n_samples; // read
    uint64_t n_dropped; // left out because a part is missing
    uint64_t promised;  // samples by the catalog
    uint64_t last_utc;  // of the sample before
    bool circular;
    bool only_preamble; // a first walk that looks for names and the list
};

// Counts a loss; `offset` counts from the data of the event at hand (see seep_blg_lose_at).
void seep_blg_lose(struct seep_blg *b, enum seep_blg_loss loss, uint64_t bytes, size_t offset,
                   uint32_t detail);
void seep_blg_lose_at(struct seep_blg *b, enum seep_blg_loss loss, uint64_t count, uint64_t bytes,
                      uint64_t offset, uint32_t detail);
bool seep_blg_report(struct seep_blg *b);

// The text id of UTF-16 text (up to its NUL); 0 only when memory is out, which sets `failed`.
uint32_t seep_blg_text(struct seep_blg *b, struct seep_bytes utf16);

// The text id of a host, without backslashes; a new one is announced as a machine.
uint32_t seep_blg_host(struct seep_blg *b, struct seep_bytes utf16);

// What the data of an event says.
void seep_blg_names(struct seep_blg *b, struct seep_bytes data);
void seep_blg_list(struct seep_blg *b, struct seep_bytes data);
void seep_blg_sample(struct seep_blg *b, struct seep_bytes data, uint64_t local_time);

// The text id of object `object` (counter = 0) or of one of its counters, by their numbers.
uint32_t seep_blg_number(struct seep_blg *b, uint32_t host, uint32_t object, uint32_t counter);

// Reads one PERF_DATA_BLOCK; `offset` is its place in the event's data.
void seep_blg_block(struct seep_blg *b, struct seep_bytes block, size_t offset);

// Starts a block of instances of a group.
void seep_blg_group_begin(struct seep_blg *b, struct seep_blg_group *group);

// The instance of this name that comes next in the block; NULL when memory is out.
struct seep_blg_instance *seep_blg_group_next(struct seep_blg *b, struct seep_blg_group *group,
                                              const struct seep_blg_who *who);

// Gives a value of the tick to the cell's column, which is made at the first one.
void seep_blg_value(struct seep_blg *b, const struct seep_blg_group *group,
                    const struct seep_blg_instance *instance, const struct seep_blg_who *who,
                    const struct seep_blg_counter *counter, struct seep_blg_cell *cell,
                    double value);

// Forgets the instances; then all else too.
void seep_blg_group_reset(struct seep_blg_group *group);
void seep_blg_group_clear(struct seep_blg_group *group);
void seep_blg_list_clear(struct seep_blg *b);

#endif
