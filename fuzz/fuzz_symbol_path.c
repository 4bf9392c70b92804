// SPDX-License-Identifier: MIT
// A fuzz target for symbol paths, and for the names that dumps give files of symbols.
#include "base/alloc.h"
#include "symbols/path.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = seep_strndup((const char *)data, size);
    struct seep_symbol_path path = { 0 };
    struct seep_err err = { 0 };
    if (!text)
        return 0;
    if (!seep_symbol_path_add(&path, text, &err) && !err.what[0])
        abort(); // what fails must say why
    for (size_t found = 0; found < path.n; found++) {
        for (size_t at = 0; at < path.n; at++) {
            if (seep_symbol_path_keeps(&path, at, found) &&
                path.places[at].kind != SEEP_PLACE_STORE)
                abort();
        }
    }
    const char *base = seep_symbol_base_name(text);
    if (seep_symbol_name_safe(base) && (strpbrk(base, "/\\:") || base[0] == '\0'))
        abort(); // it would lead out of its folder
    seep_symbol_path_clear(&path);
    seep_free(text);
    return 0;
}
