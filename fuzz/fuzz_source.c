// SPDX-License-Identifier: MIT
// A fuzz target for one source: the bytes go through its bid and its reader into a sink that takes
// everything and keeps nothing.
#include "source/source.h"

#include <stdlib.h>

extern const struct seep_source SEEP_FUZZ_SOURCE;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What a source looks for only where somebody takes it.
static bool take_heap(struct seep_sink *sink, const struct seep_heap *heap)
{
    (void)sink;
    return heap->kind < SEEP_N_HEAP_KINDS;
}

static bool take_blocks(struct seep_sink *sink, const struct seep_blocks *blocks)
{
    (void)sink;
    return blocks->by < SEEP_N_BLOCKS_BY;
}

static bool take_thread(struct seep_sink *sink, const struct seep_thread *thread)
{
    (void)sink;
    return !thread->function; // there are no symbols here
}

static bool take_site_blocks(struct seep_sink *sink, const struct seep_site_block *blocks, size_t n)
{
    uint64_t sum = 0;
    (void)sink;
    for (size_t i = 0; i < n; i++) // each is there
        sum |= blocks[i].address | blocks[i].size_bytes;
    return n == 0 || sum <= UINT64_MAX;
}

static bool take_pool_tag(struct seep_sink *sink, const struct seep_pool_tag *tag)
{
    (void)sink;
    if (!tag->tag)
        abort();
    return true;
}

static bool take_zombie(struct seep_sink *sink, const struct seep_zombie *zombie)
{
    (void)sink;
    if (!zombie->process.v)
        abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct seep_sink_ops dear = { .thread = take_thread,
                                               .heap = take_heap,
                                               .blocks = take_blocks,
                                               .pool_tag = take_pool_tag,
                                               .zombie = take_zombie,
                                               .site_blocks = take_site_blocks };
    struct seep_sink sink = { .ops = &dear };
    struct seep_input input = { .path = "fuzz", .view = seep_bytes(data, size), .peek = true };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    (void)SEEP_FUZZ_SOURCE.bid(input.view);
    enum seep_status status = SEEP_FUZZ_SOURCE.read(&input, &sink, NULL, &read_bytes, &err);
    if (read_bytes > size || (status == SEEP_FAILED && !err.what[0]))
        abort(); // a reader that fails must say why, and cannot read more than there is
    return 0;
}
