// SPDX-License-Identifier: MIT
// What the parts of the PDB reader share.
#ifndef SEEP_SYMBOLS_PDB_INTERNAL_H
#define SEEP_SYMBOLS_PDB_INTERNAL_H

#include "symbols/msf.h"
#include "symbols/pdb.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_pdb_section {
    uint32_t rva, size_bytes;
};

// An object file (or library member) that was linked in.
struct seep_pdb_module {
    uint16_t stream;
    uint32_t symbol_bytes, c11_bytes, c13_bytes; // in the stream, one after the other
};

// Where the records of a stream of types (TPI) or of ids (IPI) are.
struct seep_pdb_records {
    uint32_t stream;
    uint32_t first, end; // indices
    uint32_t *offsets;   // of each record in the stream; 0 = not there
    bool loaded;
};

struct seep_pdb {
    struct seep_msf msf;
    struct seep_pdb_info info;
    uint16_t globals, publics, records; // streams
    struct seep_pdb_section *sections;  // as they were when the image was linked
    size_t n_sections;
    struct seep_pdb_module *modules;
    size_t n_modules;
    uint32_t omap_to_source, omap_from_source; // streams
    uint32_t names;                            // stream of the names of source files
    struct seep_pdb_records types, ids;
};

// The first thing that could not be read, kept while the reading goes on.
struct seep_pdb_loss {
    bool lost, no_memory;
    struct seep_err err;
};

void seep_pdb_lose(struct seep_pdb_loss *loss, const char *format, ...) SEEP_PRINTF(2, 3);
bool seep_pdb_no_memory(struct seep_pdb_loss *loss); // returns false
enum seep_status seep_pdb_status(const struct seep_pdb_loss *loss, struct seep_err *err);

// The address of a place in a section (numbers from 1); false where that section is not there.
bool seep_pdb_rva(const struct seep_pdb *pdb, uint32_t section, uint32_t offset, uint32_t *rva);

// A record of symbols or types: its kind, and what follows. False at the end of `*offset`'s stream
// and where the record is cut off; `*offset` moves to the next one.
struct seep_pdb_record {
    uint16_t kind;
    struct seep_bytes body;
};
bool seep_pdb_next_record(const struct seep_msf *msf, uint32_t stream, uint32_t *offset,
                          uint32_t end, struct seep_msf_scratch *scratch,
                          struct seep_pdb_record *record);

// The next record of bytes in one piece; `c` fails where it is cut off.
bool seep_pdb_take_record(struct seep_cursor *c, struct seep_pdb_record *record);

// The name at the end of a record: up to its NUL, or with its length before it (`counted`, of
// records named *_ST). Empty where there is none.
struct seep_bytes seep_pdb_name(struct seep_cursor *c, bool counted);

// A number of the form "16 bits, or a code and what follows".
uint64_t seep_pdb_number(struct seep_cursor *c);

// The record of a type or id; false where there is none of that index.
bool seep_pdb_find(const struct seep_pdb *pdb, struct seep_pdb_records *records, uint32_t index,
                   struct seep_msf_scratch *scratch, struct seep_pdb_record *record);

// Finds out where each record is; false only when memory is out.
bool seep_pdb_load(const struct seep_pdb *pdb, struct seep_pdb_records *records,
                   struct seep_pdb_loss *loss);

// A structure, class, union or enumeration.
struct seep_pdb_udt {
    uint16_t leaf;
    bool is_enum, forward;
    uint32_t fields;
    uint64_t size_bytes;
    struct seep_bytes name;
};
bool seep_pdb_udt(const struct seep_pdb_record *record, struct seep_pdb_udt *udt);

// Where the code of an inlined function begins.
struct seep_pdb_inlinee {
    uint32_t id, checksum, line;
};

// A map from numbers to numbers: open addressing, at most half full; key 0 = free.
struct seep_pdb_slot {
    uint64_t key;
    uint32_t value;
};
struct seep_pdb_map {
    struct seep_pdb_slot *slots;
    size_t n_slots, count;
};

// What the reading of symbols carries along.
struct seep_pdb_reading {
    struct seep_pdb *pdb;
    enum seep_pdb_parts parts;
    struct seep_symbol_builder *builder;
    struct seep_pdb_loss loss;
    struct seep_bytes names; // of source files, from the first one on
    struct seep_msf_scratch names_scratch;
    uint64_t name_left;        // bytes that names of inlined functions may still take
    struct seep_pdb_map files; // offset of a name + 1 -> number of the builder
    struct seep_pdb_map seen;  // rva << 32 | size of the code whose lines are there
    // of the module at hand
    struct seep_bytes checksums;
    struct seep_pdb_inlinee *inlinees; // sorted by id
    size_t n_inlinees, inlinees_capacity;
    struct seep_msf_scratch record_scratch, class_scratch, stream_scratch;
    struct seep_buf name; // of an inlined function
};

// Finds the names of source files. False only when memory is out.
bool seep_pdb_open_names(struct seep_pdb_reading *r);

// Takes the lines of a module: the files and inlinees that its symbols will need. False only when
// memory is out.
bool seep_pdb_read_c13(struct seep_pdb_reading *r, struct seep_bytes c13);

// The number of the source file whose checksum is at an offset; SEEP_NO_FILE where there is none.
#define SEEP_NO_FILE UINT32_MAX
bool seep_pdb_file_of(struct seep_pdb_reading *r, uint32_t checksum, uint32_t *file);

// An S_INLINESITE at `depth` in the procedure [`rva`, `rva` + `size_bytes`).
bool seep_pdb_read_inline(struct seep_pdb_reading *r, struct seep_bytes body, bool counted,
                          uint32_t depth, uint32_t rva, uint32_t size_bytes);

void seep_pdb_reading_clear(struct seep_pdb_reading *r);

#endif
