// SPDX-License-Identifier: MIT
// What a PDB tells a table of symbols beyond names, lines and inlined calls (symbols/table.h).
//
// Each function returns false only when memory is out (or the builder is over its cap).
#ifndef SEEP_SYMBOLS_TABLE_BUILD_H
#define SEEP_SYMBOLS_TABLE_BUILD_H

#include "symbols/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A section of the image: a symbol without a size does not reach beyond the section it starts in.
bool seep_symbol_builder_section(struct seep_symbol_builder *builder, uint32_t rva,
                                 uint32_t size_bytes);

// A part of the function at `parent` that lies apart from it: named after what starts there, with
// the distance from there. Where it lies before the function, it is a symbol "FUNCTION$part".
bool seep_symbol_builder_part(struct seep_symbol_builder *builder, uint32_t rva,
                              uint32_t size_bytes, uint32_t parent);

// A jump of an incremental linker to the function at `target`: named "ILT+OFFSET(FUNCTION)" after
// what starts there, OFFSET counted from the first of the jumps that lie together.
bool seep_symbol_builder_thunk(struct seep_symbol_builder *builder, uint32_t rva,
                               uint32_t size_bytes, uint32_t target);

// An image that was reordered after it was linked: from `rva` on, up to the next such entry, lies
// what is at `other` on the other side; 0 = nothing. All other calls take addresses as they were
// when it was linked, look-ups take those of the image. `to_source`: `rva` is the image's and
// `other` the linker's, else the reverse.
bool seep_symbol_builder_omap(struct seep_symbol_builder *builder, bool to_source, uint32_t rva,
                              uint32_t other);

#endif
