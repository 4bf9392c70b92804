// SPDX-License-Identifier: MIT
// The file of a driver: its headers as src/symbols/pe.h reads them, with what scanning needs
// besides: directories, what sections are for, bytes by address, what it imports.
//
// Source of the format: learn.microsoft.com/windows/win32/debug/pe-format.
#ifndef SEEP_DRIVERS_IMAGE_H
#define SEEP_DRIVERS_IMAGE_H

#include "base/bytes.h"
#include "base/err.h"
#include "symbols/pe.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SEEP_MACHINE_X86 = 0x14c,
    SEEP_MACHINE_X64 = 0x8664,
    SEEP_MACHINE_ARM64 = 0xaa64,
    SEEP_IMAGE_IMPORTS = 1, // directories
    SEEP_IMAGE_RESOURCES = 2,
    SEEP_IMAGE_EXCEPTIONS = 3,
    SEEP_IMAGE_CERTIFICATES = 4, // its address is an offset in the file
    SEEP_IMAGE_DELAY_IMPORTS = 13,
    SEEP_IMAGE_N_DIRECTORIES = 16,
};

struct seep_image {
    struct seep_bytes file;
    struct seep_pe pe;
    uint32_t directory_rva[SEEP_IMAGE_N_DIRECTORIES];
    uint32_t directory_size[SEEP_IMAGE_N_DIRECTORIES];
    bool is_code[SEEP_PE_MAX_SECTIONS]; // a section that can be executed
    bool is_data[SEEP_PE_MAX_SECTIONS]; // one that cannot, and stays when the driver has started
};

bool seep_image_read(struct seep_bytes file, struct seep_image *image, struct seep_err *err);

// The bytes of the file from an address of the image to the end of its section; empty where it has
// none.
struct seep_bytes seep_image_at(const struct seep_image *image, uint32_t rva);

// The bytes of one section.
struct seep_bytes seep_image_section(const struct seep_image *image, uint32_t section);

// The address of the image that an absolute address means; false where it is outside.
bool seep_image_rva(const struct seep_image *image, uint64_t address, uint32_t *rva);

// Gives `take` each function that is imported by name, at once or delayed, and the address of the
// slot that holds where it is; `take` returns false to stop. `name` need not end with a NUL.
void seep_image_each_import(const struct seep_image *image,
                            bool (*take)(void *ctx, const char *name, size_t len, uint32_t slot),
                            void *ctx);

#endif
