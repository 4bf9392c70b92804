// SPDX-License-Identifier: MIT
// A fuzz target for pooltag.txt: reads it, then looks for each tag that it named.
#include "drivers/pooltag.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seep_pooltags tags = { 0 };
    size_t n_bad = 0;
    char name[64];
    if (!seep_pooltags_read(&tags, seep_bytes(data, size), 0, &n_bad))
        abort();
    for (size_t i = 1; i < tags.n_entries; i++) {
        // A tag with `?` in it fits its own pattern, or a more specific one.
        const struct seep_pooltag *found = seep_pooltags_find(&tags, tags.entries[i].pattern);
        if (!found || found->wild > tags.entries[i].wild)
            abort();
        for (const char *at = found->binary ? found->binary : ""; seep_pooltag_file(&at, name);)
            continue;
    }
    seep_pooltags_clear(&tags);
    return 0;
}
