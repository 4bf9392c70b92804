// SPDX-License-Identifier: MIT
// Counting by a pair of numbers: how many blocks, how many bytes, one of them as an example.
//
// A zeroed struct is an empty tally.
#ifndef SEEP_HEAP_TALLY_H
#define SEEP_HEAP_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_tally_row {
    uint64_t a, b; // the key
    uint64_t blocks, bytes;
    uint64_t heads;   // of the blocks
    uint64_t example; // address of the first one
};

struct seep_tally {
    struct seep_tally_row *rows;
    size_t n, capacity;
    uint32_t *slots; // open addressing; 0 = free, otherwise row + 1
    size_t n_slots;  // a power of two
};

// The row of a key, made where it is new; NULL when memory is out. Valid until the next call.
struct seep_tally_row *seep_tally_row(struct seep_tally *tally, uint64_t a, uint64_t b);

// The row of a key if it is there.
const struct seep_tally_row *seep_tally_find(const struct seep_tally *tally, uint64_t a,
                                             uint64_t b);

// Counts one block; false when memory is out.
bool seep_tally_add(struct seep_tally *tally, uint64_t a, uint64_t b, uint64_t bytes,
                    uint64_t example);

// Puts the rows in order: most bytes first. No row can be found or added afterwards.
void seep_tally_sort(struct seep_tally *tally);

size_t seep_tally_bytes(const struct seep_tally *tally);

void seep_tally_clear(struct seep_tally *tally);

#endif
