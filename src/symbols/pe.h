// SPDX-License-Identifier: MIT
// Images (PE32, PE32+): what identifies one, its sections, what it exports, whether as a file or as
// it lies in memory, from wherever its bytes come.
//
// What is not there is left out: an image in a dump often has its headers and nothing else.
// Source of the format: learn.microsoft.com/windows/win32/debug/pe-format.
#ifndef SEEP_SYMBOLS_PE_H
#define SEEP_SYMBOLS_PE_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/identity.h"
#include "symbols/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where the bytes are. `read` copies up to `len` bytes from `at` (an offset in the file, or from
// the image's start in memory) and returns how many there were without a gap.
struct seep_pe_reader {
    size_t (*read)(const struct seep_pe_reader *, uint64_t at, void *out, size_t len);
    struct seep_bytes view; // of the two readers below
    void *ctx;              // of any other
    bool mapped;            // as in memory, where sections lie at their addresses
};

// Over the bytes of a file, and of an image in memory.
struct seep_pe_reader seep_pe_file(struct seep_bytes view);
struct seep_pe_reader seep_pe_mapped(struct seep_bytes view);

enum {
    SEEP_PE_MAX_SECTIONS = 96, // what the loader of Windows XP took; images have fewer than 40
    SEEP_PE_NAME = 1024,       // bytes of a PDB's path that are kept
    SEEP_PE_VERSION = 24,      // "10.0.22621.4317"
};

struct seep_pe_section {
    uint32_t rva, size_bytes;         // in memory
    uint32_t offset, file_size_bytes; // in the file
};

struct seep_pe {
    uint16_t machine; // 0x14c x86, 0x8664 x64, 0xaa64 ARM64
    bool wide;        // PE32+
    uint32_t timestamp, size_bytes, checksum;
    uint64_t image_base;
    uint32_t n_sections;
    struct seep_pe_section sections[SEEP_PE_MAX_SECTIONS];
    bool has_pdb;
    uint8_t pdb_guid[SEEP_GUID_BYTES];
    uint32_t pdb_age;
    char pdb_name[SEEP_PE_NAME];   // "" = unknown
    char version[SEEP_PE_VERSION]; // of the file, from its resources; "" = unknown
    uint32_t exports_rva, exports_size_bytes;
    uint32_t symbols_offset, n_symbols; // of the COFF symbol table that mingw leaves in a file
};

// Reads the headers, and the records they lead to as far as these are there. False with `err` and
// `*pe` untouched where no image starts.
bool seep_pe_read(const struct seep_pe_reader *reader, struct seep_pe *pe, struct seep_err *err);

// The identity in the form that symbols are asked for; strings are those of `pe` and `name`.
struct seep_image_identity seep_pe_identity(const struct seep_pe *pe, const char *name);

// Puts what the image exports (and a file's COFF symbols) into `builder`, and its sections; false
// only when memory is out. How many names there were in `*count` (may be NULL).
bool seep_pe_read_symbols(const struct seep_pe_reader *reader, const struct seep_pe *pe,
                          struct seep_symbol_builder *builder, size_t *count);

#endif
