// SPDX-License-Identifier: MIT
// Choosing the source that reads a file.
#include "source/source.h"

#include <string.h>

const struct seep_source *seep_source_named(const char *name)
{
    for (size_t i = 0; i < seep_n_sources; i++) {
        if (strcmp(seep_sources[i]->name, name) == 0)
            return seep_sources[i];
    }
    return NULL;
}

const struct seep_source *seep_source_choose_among(const struct seep_source *const *sources,
                                                   size_t n, struct seep_bytes file,
                                                   struct seep_err *err)
{
    const struct seep_source *best = NULL, *rival = NULL;
    unsigned best_bid = 0;
    for (size_t i = 0; i < n; i++) {
        const struct seep_source *source = sources[i];
        unsigned bid = source->bid ? source->bid(file) : 0;
        if (bid > best_bid) {
            best = source;
            best_bid = bid;
            rival = NULL;
        } else if (bid && bid == best_bid) {
            rival = source;
        }
    }
    if (best && !rival)
        return best;
    if (rival)
        (void)seep_fail(err, SEEP_NO_OFFSET, "say which with --as", "ambiguous: %s or %s",
                        best->name, rival->name);
    else if (file.len == 0)
        (void)seep_fail(err, SEEP_NO_OFFSET, "record it again, or leave it out",
                        "the file is empty");
    else
        (void)seep_fail(err, SEEP_NO_OFFSET,
                        "see `seep sources` for what seep reads, or name it with --as",
                        "not a format that seep reads");
    return NULL;
}

const struct seep_source *seep_source_choose(struct seep_bytes file, struct seep_err *err)
{
    return seep_source_choose_among(seep_sources, seep_n_sources, file, err);
}

void seep_input_done(const struct seep_input *input, size_t offset)
{
    if (input->map)
        seep_os_map_done(input->map, offset);
}

void seep_input_scattered(const struct seep_input *input, size_t offset, bool scattered)
{
    if (input->map)
        seep_os_map_scattered(input->map, offset, scattered);
}

void seep_input_release(const struct seep_input *input)
{
    if (input->map)
        seep_os_map_release(input->map);
}
