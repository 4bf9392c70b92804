// SPDX-License-Identifier: MIT
// A fuzz target for cabinets.
#include "symbols/expand.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count(void *ctx, const void *data, size_t len)
{
    (void)data;
    *(uint64_t *)ctx += len;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t n = 0;
    const struct seep_expand to = { .take = count, .ctx = &n };
    struct seep_err err = { 0 };
    bool ok = seep_cab_expand(seep_bytes(data, size), &to, &err);
    if ((!ok && !err.what[0]) || n > seep_expand_limit(size))
        abort(); // what fails must say why, and nothing grows out of proportion
    return 0;
}
