// SPDX-License-Identifier: MIT
// What the parts of the UMDH source share.
#ifndef SEEP_SOURCE_UMDH_UMDH_H
#define SEEP_SOURCE_UMDH_UMDH_H

#include "base/buf.h"
#include "base/intern.h"
#include "source/pdh_lines.h"
#include "source/source.h"
#include "source/umdh/rows.h"

// What was lost, by kind; each is told once, at the end.
enum umdh_loss {
    UMDH_TRUNCATED = 0,
    UMDH_BAD_ROW,
    UMDH_BAD_SUM,
    UMDH_BAD_TOTAL,
    UMDH_HUGE,
    UMDH_LONG_STACK,
    UMDH_ZEROS,
    UMDH_NO_BLOCKS,
    UMDH_NO_FRAMES,
    UMDH_NO_TRACE,
    UMDH_ALIAS,
    UMDH_OLD_COUNT,
    UMDH_TOTAL_OVERHEAD,
    UMDH_IDENTITY,
    UMDH_BASE,
    UMDH_ZONE,
    UMDH_ESCAPED,
    UMDH_N_LOSSES,
};

struct umdh_tally {
    uint64_t count, bytes, offset;
};

struct umdh_trace {
    struct umdh_id id;
    bool has_stack, has_old_count;
    struct seep_stack_id stack;
    uint64_t heap; // the one that all its blocks are in; 0 = several, or none is named
    uint64_t bytes, overhead_bytes, count;
    uint64_t old_bytes, old_count; // of a comparison
    size_t n_listed;               // of its blocks
};

struct umdh_loaded {
    uint64_t base, size_bytes;
    size_t path_at; // in module_text
};

struct umdh_stack_frame {
    uint64_t address; // 0 = a text, in frame_text
    size_t text_at;
};

enum umdh_form { UMDH_NO_ROWS = 0, UMDH_LOG, UMDH_COMPARISON };

// Of a power of two of traces it is known at once where they are.
enum { UMDH_RECENT = 8192 };

struct umdh {
    const struct seep_input *input;
    struct seep_sink *sink;
    struct seep_pdh_lines lines;
    struct seep_pdh_line line;
    struct umdh_tally losses[UMDH_N_LOSSES];
    size_t n_sections;

    // The section that is being read.
    enum umdh_form form; // of its rows, once there was one
    unsigned base;       // of its numbers
    bool has_head, announced, has_total;
    struct umdh_head head; // `machine` is unused: see `host`
    struct seep_buf host, os_version, image;
    struct umdh_loaded *modules; // by base once announced
    size_t n_modules, modules_capacity;
    struct seep_buf module_text;
    struct seep_machine_id machine;
    struct seep_process_id process;
    uint64_t heap;
    bool has_heap, heap_open, by_size;
    uint64_t n_blocks;
    struct seep_intern ids;
    struct umdh_trace *traces; // by id - 1
    size_t n_traces, traces_capacity;
    uint32_t recent[UMDH_RECENT]; // indexes + 1 of traces, by their ids' low bits
    // Blocks and the indexes of their traces, kept only for a sink that looks for survivors.
    struct seep_site_block *blocks;
    uint32_t *block_traces;
    size_t n_listed, blocks_capacity, block_traces_capacity;

    // The stack that is being read, innermost frame first.
    bool open, skip_frames;
    size_t last_open; // whose it is
    struct umdh_stack_frame *frames;
    size_t n_frames, frames_capacity;
    struct seep_buf frame_text;
};

// ---- sections.c; each returns false when memory is out or the sink takes no more

bool umdh_begin_section(struct umdh *u, const struct umdh_head *head);
void umdh_set_os_version(struct umdh *u, const char *text, size_t len);
bool umdh_add_module(struct umdh *u, const struct umdh_module *module);
// "DBGHELP: BatteryMeter - private symbols & lines": the first one names the process of a
// comparison.
void umdh_symbols_of(struct umdh *u, const char *text, size_t len);
// Machine, moment, process and modules of a log.
bool umdh_announce(struct umdh *u);
// Gives the section to the sink and makes room for the next one.
bool umdh_finish_section(struct umdh *u);
void umdh_clear(struct umdh *u);

// ---- umdh.c

void umdh_lose(struct umdh *u, enum umdh_loss loss, uint64_t count, uint64_t bytes);
// Adds; a sum stays below 2^63.
void umdh_add(struct umdh *u, uint64_t *sum, uint64_t more);
bool umdh_close_stack(struct umdh *u);

#endif
