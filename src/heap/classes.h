// SPDX-License-Identifier: MIT
// Which class an object is of: by the vtable that its first word points to.
#ifndef SEEP_HEAP_CLASSES_H
#define SEEP_HEAP_CLASSES_H

#include "base/intern.h"
#include "heap/census.h"
#include "heap/tally.h"

#include <stdbool.h>
#include <stdint.h>

struct seep_classes {
    const struct seep_census *census;
    struct seep_census_image *images; // ascending, disjoint
    size_t n_images;
    struct seep_tally seen;   // (word, pointer bytes) -> id, in `blocks`
    struct seep_intern names; // "Foo::`vftable'"; ids count from 1
    bool no_memory;
};

// Makes room; false when memory is out.
bool seep_classes_init(struct seep_classes *classes, const struct seep_census *census);

// The id of the class whose object begins with `word`; 0 where it points to no vtable.
uint32_t seep_classes_of(struct seep_classes *classes, uint64_t word, unsigned pointer_bytes);

size_t seep_classes_bytes(const struct seep_classes *classes);
void seep_classes_clear(struct seep_classes *classes);

#endif
