// SPDX-License-Identifier: MIT
// What the files of the source "minidump" share: one dump that is being read.
#ifndef SEEP_SOURCE_MINIDUMP_READER_H
#define SEEP_SOURCE_MINIDUMP_READER_H

#include "base/arena.h"
#include "heap/usage.h"
#include "source/minidump/regions.h"
#include "source/source.h"

// A symbol file that was asked for once.
struct dump_symbols {
    const struct seep_symbol_file *file;
    bool asked;
};

// Facts about losses that are counted first and said once.
struct dump_doubts {
    uint64_t escaped;     // texts that were no UTF-16
    uint64_t unnamed;     // texts whose RVA leads nowhere
    uint64_t over_budget; // texts not read: the file uses the same bytes again and again
    uint64_t images_bad;  // modules whose place is no place
    uint64_t contexts_bad, codeview_bad; // RVAs that lead out of the file
};

struct dump_reader {
    const struct seep_input *input;
    struct seep_sink *sink;
    const struct seep_control *control;
    struct seep_minidump dump;
    struct seep_minidump_system system;
    bool has_system;
    int64_t time_ns;
    struct seep_machine_id machine;
    struct seep_process_id process;
    struct seep_minidump_memory memory;
    struct seep_usage_image *images;
    size_t n_images, images_capacity;
    struct seep_usage usage; // its memory, images and regions are those of the dump
    struct dump_region_list list;
    struct seep_arena arena; // texts that live as long as the run
    uint64_t text_budget;    // bytes of text that may still be read
    struct seep_buf text;    // of one fact
    struct dump_thread *threads;
    size_t n_threads;
    struct dump_symbols *symbols; // of `images`; NULL until one is asked for
    struct dump_doubts doubts;
    bool stopped; // the sink is full or memory is out
};

// Stops the run: the sink is full, or memory is out. Returns false.
bool dump_stop(struct dump_reader *r);

// Whether `len` more bytes of text may be kept; takes them from the budget.
bool dump_text_budget(struct dump_reader *r, size_t len);

// The text at an RVA in `r->text`; NULL where there is none.
const char *dump_text(struct dump_reader *r, uint32_t rva);

// Whether a name ends with `tail` (lower case), whatever the case of the name.
bool dump_ends_with(const char *name, const char *tail);

// The name of a file without its folders.
const char *dump_file_name(const char *path);

// Finds out what the regions are for, and the list of heaps.
void dump_usage(struct dump_reader *r);

#endif
