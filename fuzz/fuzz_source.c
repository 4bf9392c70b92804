// SPDX-License-Identifier: MIT
// A fuzz target for one source: the bytes go through its bid and its reader into a sink that keeps
// nothing.
#include "source/source.h"

#include <stdlib.h>

extern const struct seep_source SEEP_FUZZ_SOURCE;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct seep_sink_ops nothing = { 0 };
    struct seep_sink sink = { .ops = &nothing };
    struct seep_input input = {
        .path = "fuzz", .view = seep_bytes(data, size), .blocks = true, .peek = true
    };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    (void)SEEP_FUZZ_SOURCE.bid(input.view);
    enum seep_status status = SEEP_FUZZ_SOURCE.read(&input, &sink, NULL, &read_bytes, &err);
    if (read_bytes > size || (status == SEEP_FAILED && !err.what[0]))
        abort(); // a reader that fails must say why, and cannot read more than there is
    return 0;
}
