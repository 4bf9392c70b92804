// SPDX-License-Identifier: MIT
// Which pool tags a driver uses, as far as its file shows it.
//
// The code is gone through once, in a row, with what registers and stack slots hold as far as
// constants, arguments and addresses go; nothing is run and no path is followed but the straight
// one and jumps forward. So a tag is found where it is an operand on its way to a routine that
// takes a tag, where it comes from a variable or a table that the code names, and through a
// function that hands its argument on. It is not found where the code puts it together from what is
// only known at run time. The files of x64, ARM64 and x86 are read.
#ifndef SEEP_DRIVERS_SCAN_H
#define SEEP_DRIVERS_SCAN_H

#include "drivers/image.h"
#include "model/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How a tag was found; the later is the better evidence.
enum seep_scan_how {
    SEEP_SCAN_DATA = 0, // four characters in data, aligned and alone
    SEEP_SCAN_NAME,     // what Windows makes of the driver's name, or takes where there is no tag
    SEEP_SCAN_CODE,     // an operand somewhere in code
    SEEP_SCAN_TABLE,    // of a table that a call takes its tag from
    SEEP_SCAN_FREE,     // the tag of a call that frees
    SEEP_SCAN_FILTER,   // of a context that a file system filter registers
    SEEP_SCAN_VARIABLE, // what a variable starts with that a call takes its tag from
    SEEP_SCAN_CALL,     // the operand of a call that allocates
    SEEP_N_SCAN_HOW,
};

struct seep_scan_tag {
    uint32_t key; // as it lies in memory, without the mark of protected tags
    uint32_t rva; // where it was found first in that way: the call, the operand, the data
    uint32_t count;
    uint8_t how;  // enum seep_scan_how
    uint8_t api;  // the routine called: seep_scan_api_name
    bool wrapped; // through a function of the driver's own
};

struct seep_scan {
    struct seep_scan_tag *tags; // by key
    size_t n_tags;
    bool imports_allocators; // it can allocate pool itself
};

enum { SEEP_SCAN_NO_API = 0xff };

// "ExAllocatePoolWithTag"; "" for SEEP_SCAN_NO_API.
const char *seep_scan_api_name(unsigned api);

// Scans a file. `stem` is its name without extension: the framework makes a tag of it. False only
// when memory is out; a machine that is not read has no tags.
bool seep_scan_image(const struct seep_image *image, const char *stem, struct seep_scan *scan);
void seep_scan_clear(struct seep_scan *scan);

#endif
