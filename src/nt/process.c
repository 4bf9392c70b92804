// SPDX-License-Identifier: MIT
// Offsets in a Windows process.
#include "nt/process.h"

static const struct seep_nt_process_layout layout32 = {
    .pointer_bytes = 4,
    .teb = { 0x4, 0x8, 0x18, 0x20, 0x24, 0x30, 0xe0c, 0x1000 },
    .peb = { 0x10, 0x18, 0x88, 0x8c, 0x90, 0xa4, 0xa8, 0xac },
};

static const struct seep_nt_process_layout layout64 = {
    .pointer_bytes = 8,
    .teb = { 0x8, 0x10, 0x30, 0x40, 0x48, 0x60, 0x1478, 0x2000 },
    .peb = { 0x20, 0x30, 0xe8, 0xec, 0xf0, 0x118, 0x11c, 0x120 },
};

const struct seep_nt_process_layout *seep_nt_process_layout(unsigned pointer_bytes)
{
    return pointer_bytes == 8 ? &layout64 : &layout32;
}

const struct seep_nt_peb_pointer seep_nt_peb_pointers[] = {
    { 0x10, 0x20, "process parameters" },
    { 0x38, 0x68, "API set map" },
    { 0x4c, 0x88, "CSR shared memory" },
    { 0x58, 0xa0, "NLS tables" },
    { 0x5c, 0xa8, "NLS tables" },
    { 0x60, 0xb0, "NLS tables" },
    { 0x94, 0xf8, "GDI shared handle table" },
    { 0x1e8, 0x2d8, "shim data" },
    { 0x1f8, 0x2f8, "activation context data" },
    { 0x200, 0x308, "system default activation context data" },
};
const size_t seep_nt_n_peb_pointers = sizeof seep_nt_peb_pointers / sizeof *seep_nt_peb_pointers;
