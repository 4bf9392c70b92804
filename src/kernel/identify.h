// SPDX-License-Identifier: MIT
// What the parts of seep_kernel_identify share: the image, the table of known kernels, layouts.
#ifndef SEEP_KERNEL_IDENTIFY_H
#define SEEP_KERNEL_IDENTIFY_H

#include "kernel/kernel.h"
#include "symbols/pe.h"

// image.c: the headers of an image in memory, and what they lead to as far as it is held. False
// where none starts at `base`.
bool seep_kernel_image_at(const struct seep_memory *memory, uint64_t base, struct seep_pe *pe);

// The image that contains `address`, looked for page by page downwards: a PE header whose image
// reaches as far as the address. 0 = none.
uint64_t seep_kernel_image_around(const struct seep_memory *memory, uint64_t address);

// kdbg.c: the debugger's block at an address, in clear. False where there is none.
bool seep_kernel_debugger_data_at(const struct seep_memory *memory, uint64_t address,
                                  struct seep_debugger_data *data);

// The same of a block that the kernel keeps encoded; `table` gives the addresses of what it was
// encoded with.
bool seep_kernel_debugger_data_decode(const struct seep_memory *memory, uint64_t base,
                                      const struct seep_symbol_table *table,
                                      struct seep_debugger_data *data);

// The address of a variable by its name, which in PDBs of 32-bit images begins with an underscore.
bool seep_kernel_symbol(const struct seep_symbol_table *table, const char *name, uint32_t *rva);

// known.c: kernels whose facts are compiled in.
enum seep_known_variable {
    SEEP_KNOWN_POOL_TRACK_TABLE = 0,
    SEEP_KNOWN_POOL_TRACK_TABLE_SIZE,
    SEEP_KNOWN_POOL_TAG_TABLES,
    SEEP_KNOWN_SYSTEM_PARTITION,
    SEEP_KNOWN_ACTIVE_PROCESSES,
    SEEP_KNOWN_CID_TABLE,
    SEEP_KNOWN_OBJECT_HEADER_COOKIE,
    SEEP_KNOWN_DEBUGGER_DATA,
    SEEP_N_KNOWN_VARIABLES,
};

struct seep_known_kernel {
    uint8_t era;       // of its layouts
    uint32_t build;    // 0 = only the era is known
    uint32_t revision; // the last part of the file version
    uint64_t guid[2];  // of its PDB: high and low half of the digits as they are written
    uint32_t rva[SEEP_N_KNOWN_VARIABLES]; // 0 = this kernel has no such variable
};

size_t seep_known_count(void);
const struct seep_known_kernel *seep_known_at(size_t index);

// NULL = not known.
const struct seep_known_kernel *seep_known_by_guid(const uint8_t guid[SEEP_GUID_BYTES]);

// Any kernel of a build: structures do not change while it is serviced (in all 213 kernels they are
// the same where the build is), variables do. NULL = none is known.
const struct seep_known_kernel *seep_known_of_build(uint32_t build);

// Whether the two agree in everything but name and version.
bool seep_known_alike(const struct seep_known_kernel *a, const struct seep_known_kernel *b);

void seep_known_guid(const struct seep_known_kernel *known, uint8_t guid[SEEP_GUID_BYTES]);

// The first build of the kernel's era: 7601, 9600, 14393, 17763, 18362, 19041, 20348.
uint32_t seep_known_era_build(const struct seep_known_kernel *known);

// layout.c: everything unknown.
void seep_kernel_layout_none(struct seep_kernel_layout *layout, unsigned pointer_bytes);

// The layouts of a known kernel.
void seep_kernel_layout_known(const struct seep_known_kernel *known,
                              struct seep_kernel_layout *layout);

// The layouts that types say; what they lack is unknown.
void seep_kernel_layout_types(const struct seep_types *types, unsigned pointer_bytes,
                              uint32_t build, struct seep_kernel_layout *layout);

// variables.c: the addresses of variables of a known kernel, from symbols, and (where those leave
// something open) from the debugger's block.
void seep_kernel_variables_known(struct seep_kernel *kernel, const struct seep_known_kernel *known);
void seep_kernel_variables_table(struct seep_kernel *kernel);
void seep_kernel_variables_debugger(struct seep_kernel *kernel);

#endif
