// SPDX-License-Identifier: MIT
// What the scanners of the three machines share: values, the stack, calls, what was found.
#ifndef SEEP_DRIVERS_SCAN_INTERNAL_H
#define SEEP_DRIVERS_SCAN_INTERNAL_H

#include "drivers/scan.h"

// What a register or a stack slot holds.
enum seep_value_kind {
    SEEP_VALUE_NONE = 0, // unknown
    SEEP_VALUE_CONST,    // n
    SEEP_VALUE_ARGUMENT, // the n-th of the function
    SEEP_VALUE_VARIABLE, // the four bytes at address n
    SEEP_VALUE_ADDRESS,  // address n of the image
    SEEP_VALUE_TABLE,    // four bytes of a table that starts at address n, `step` bytes apart
    SEEP_VALUE_IMPORT,   // where the API n is
    SEEP_VALUE_STACK,    // an address in the stack, n bytes (signed) from where it was at the start
    SEEP_VALUE_WDF,      // the table of the driver framework's functions
    SEEP_VALUE_WDF_CALL, // its n-th
};

struct seep_value {
    uint8_t kind;
    uint8_t step;
    uint32_t n;
};

enum {
    SEEP_TRACK_REGS = 32,
    SEEP_TRACK_SP = 31, // of ARM64; that of x86 and x64 is their own number 4
    SEEP_TRACK_SLOTS = 24,
};

struct seep_track_slot {
    int32_t at; // from where the stack was at the start of the function
    struct seep_value value;
};

struct seep_track {
    struct seep_value regs[SEEP_TRACK_REGS];
    struct seep_track_slot slots[SEEP_TRACK_SLOTS];
    uint8_t n_slots, oldest;
};

// What registers held where a jump went forward to a place not reached yet.
enum { SEEP_PENDING = 16 };

struct seep_pending {
    uint32_t to;
    struct seep_value regs[SEEP_TRACK_REGS];
};

enum seep_api_kind {
    SEEP_API_ALLOCATES,
    SEEP_API_FREES,
    SEEP_API_FILTER,   // FltRegisterFilter: tags in a structure
    SEEP_API_STORPORT, // allocates if its first argument is 0
    SEEP_API_UNTAGGED, // allocates, without a tag
};

struct seep_api {
    const char *name;
    uint8_t kind, argument, argument_x86, bytes_x86;
};

extern const struct seep_api seep_apis[];
extern const unsigned seep_n_apis;

struct seep_wrapper {
    uint32_t start; // address of the function
    uint8_t argument, api;
};

struct seep_import {
    uint32_t slot;
    uint8_t api;
};

enum {
    SEEP_MAX_IMPORTS = 128, // slots of APIs above; a driver has one of each
    SEEP_MAX_WRAPPERS = 1024,
};

struct seep_scanner {
    const struct seep_image *image;
    struct seep_import imports[SEEP_MAX_IMPORTS];
    size_t n_imports;
    bool uses_wdf;
    bool looks_up;                 // it finds routines by name when it runs
    uint32_t wdf_functions;        // address of the pointer to the table; 0 = none
    struct seep_wrapper *wrappers; // by start; those found in this pass behind
    size_t n_wrappers, n_sorted, wrapper_capacity;
    struct seep_scan_tag *tags; // open addressing by key; key 0 = free
    size_t n_tags, n_slots;
    bool failed; // memory is out
    // of the function that is gone through
    uint32_t function;
    bool knows_function; // its start is one
    struct seep_track track;
    struct seep_pending pending[SEEP_PENDING];
    unsigned n_pending;
};

struct seep_value seep_track_load(const struct seep_track *track, int32_t at);
void seep_track_store(struct seep_track *track, int32_t at, struct seep_value value);

void seep_scanner_jump(struct seep_scanner *s, uint32_t to);
// Whether a jump from before leads here; the registers are then as they were there.
bool seep_scanner_arrive(struct seep_scanner *s, uint32_t here);

// What a slot of the imports is: the API, or SEEP_SCAN_NO_API.
unsigned seep_scanner_import(const struct seep_scanner *s, uint32_t slot);
// The function of the driver's own that takes a tag, or NULL.
const struct seep_wrapper *seep_scanner_wrapper(const struct seep_scanner *s, uint32_t start);
// What the n-th function of the driver framework is: the API, or SEEP_SCAN_NO_API.
unsigned seep_scanner_wdf(uint32_t n);

// A constant in code: a tag perhaps.
void seep_scanner_constant(struct seep_scanner *s, uint32_t value, uint32_t rva);

// A call at `rva` of an API, with the value of its tag's argument; of StorPortExtendedFunction the
// first argument too. `wrapped` if through a function of the driver's own.
void seep_scanner_call(struct seep_scanner *s, unsigned api, struct seep_value tag,
                       struct seep_value first, bool wrapped, uint32_t rva);

// A function, as the directory of exceptions names it.
struct seep_function {
    uint32_t start, end; // end 0 = not said
    bool whole;          // else a part of one that lies elsewhere
};

// The next of them, `*entry` counts; false at the end.
bool seep_scanner_function(const struct seep_scanner *s, size_t *entry, struct seep_function *f);

// One section of code each.
void seep_scan_x86(struct seep_scanner *s, struct seep_bytes code, uint32_t rva);
void seep_scan_arm64(struct seep_scanner *s, struct seep_bytes code, uint32_t rva);

#endif
