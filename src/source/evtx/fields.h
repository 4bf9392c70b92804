// SPDX-License-Identifier: MIT
// An event's own data (EventData, UserData) as field rows.
//
// UserData keeps the names below it ("MemoryExhaustionInfo/SystemInfo/SystemCommitLimit");
// EventData's named Data become fields of their names, unnamed ones rows named "Data". Rows of one
// path stand together, so several of them are an array.
#ifndef SEEP_SOURCE_EVTX_FIELDS_H
#define SEEP_SOURCE_EVTX_FIELDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/event.h"
#include "source/evtx/binxml.h"

struct seep_evtx_node;
struct seep_evtx_cell;

enum seep_evtx_result {
    SEEP_EVTX_READ = 0,
    SEEP_EVTX_MALFORMED, // no binary XML, or it leaves its record
    SEEP_EVTX_TOO_DEEP,  // elements or templates nested beyond SEEP_MAX_DEPTH
    SEEP_EVTX_TOO_LARGE, // more work than the bytes of the chunk justify
    SEEP_EVTX_NO_MEMORY,
};

// Storage for one event after another; a zeroed struct is ready. After a read, `rows` has the
// fields; they stay valid until the next read or clear.
struct seep_evtx_fields {
    struct seep_field *rows;
    size_t n_rows;
    bool sound; // every value fitted its type and every text was text

    size_t rows_capacity;
    struct seep_arena arena;
    struct seep_buf text, scratch;
    struct seep_evtx_node *nodes;
    struct seep_evtx_cell *cells;
    size_t n_nodes, nodes_capacity, n_cells, cells_capacity;
};

// Reads the event at [pos, limit) of a chunk: what follows a record's header. `*work` is what the
// reader may still spend on this chunk, in bytes read or written, and is counted down. Whatever the
// result, the rows are what was read up to there.
enum seep_evtx_result seep_evtx_fields_read(struct seep_evtx_fields *fields,
                                            struct seep_bytes chunk, size_t pos, size_t limit,
                                            uint64_t *work);

void seep_evtx_fields_clear(struct seep_evtx_fields *fields);

#endif
