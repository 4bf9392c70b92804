// SPDX-License-Identifier: MIT
// Whose a frame is: the application's, or of an allocator, a runtime or the system, which stand on
// top of every stack that allocates and tell nothing.
#ifndef SEEP_MODEL_BLAME_H
#define SEEP_MODEL_BLAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether a frame only passes an allocation on. `module` is a file name ("ntdll.dll", "ntdll",
// without a folder), `function` a readable name ("operator new"); either may be NULL. Of the
// kernel's side that is the kernel itself; drivers are whom to blame.
bool seep_blame_passes_on(const char *module, const char *function);

// The parts of a frame that a log gives as text: `module!function+0xoffset`, maybe with
// `[file @ line]` or `(file, line)` behind it. The results point into `text`; lengths are 0 where a
// part is missing.
struct seep_frame_text {
    const char *module, *function, *file;
    size_t module_len, function_len, file_len;
    uint64_t offset;
    bool has_offset;
    uint32_t line; // 0 = unknown
};
void seep_frame_text_parse(const char *text, struct seep_frame_text *parts);

#endif
