// SPDX-License-Identifier: MIT
// Values of binary XML as typed fields of an event.
#ifndef SEEP_SOURCE_EVTX_VALUE_H
#define SEEP_SOURCE_EVTX_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/event.h"
#include "source/evtx/binxml.h"

// Sets type and value of `*field` (its path stays) from one value that is no array. Text goes to
// the arena; `scratch` is used on the way. `*sound` becomes false where the bytes do not fit the
// type or are no text: they are then shown as hexadecimal digits, or escaped. False when memory is
// out.
bool seep_evtx_field(const struct seep_evtx_value *value, struct seep_arena *arena,
                     struct seep_buf *scratch, struct seep_field *field, bool *sound);

// The item of an array at `*pos` (bytes, 0 at first); false at the end. An empty array has one
// empty item, as Windows shows it.
bool seep_evtx_array_next(const struct seep_evtx_value *array, size_t *pos,
                          struct seep_evtx_value *item);

// Appends a field's value as text, for values within text.
void seep_evtx_field_text(const struct seep_field *field, struct seep_buf *out);

#endif
