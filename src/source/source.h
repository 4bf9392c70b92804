// SPDX-License-Identifier: MIT
// Sources: what turns a file (or a live machine) into facts.
//
// A source is one folder and one line in sources.def. How to add one: docs/HOWTO.md.
#ifndef SEEP_SOURCE_SOURCE_H
#define SEEP_SOURCE_SOURCE_H

#include "base/bytes.h"
#include "base/err.h"
#include "model/control.h"
#include "model/sink.h"
#include "os/os.h"
#include "symbols/symbols.h"

#include <stddef.h>
#include <stdint.h>

// One file that is being read.
struct seep_input {
    const char *path;              // as the user gave it, for messages
    struct seep_bytes view;        // all its bytes
    const struct seep_os_map *map; // NULL when the bytes come from memory (tests, fuzzing)
    struct seep_symbols *symbols;  // where names come from; NULL = addresses stay addresses
    bool brief;                    // only what costs little is asked for: of heaps the totals, not
                                   // the blocks, whoever would take them
    bool peek;                     // the user asks to see what blocks of memory hold
    uint32_t leave_out;            // kinds of fact that nobody will look at, a bit for each
                                   // (1 << SEEP_FACT_ZOMBIE): what is dear to find need not be
                                   // looked for. 0 = everything is wanted
};

// Tells the system that the bytes before `offset` will not be read again soon; cheap, call it every
// few MiB.
void seep_input_done(const struct seep_input *input, size_t offset);

// Says that the bytes from `offset` on will be read here and there, or (`scattered` false) one
// after another again.
void seep_input_scattered(const struct seep_input *input, size_t offset, bool scattered);

// Lets the system take back the memory of everything that was read so far.
void seep_input_release(const struct seep_input *input);

// How sure a bid is: the number of bits that had to match, so that a longer magic outbids a shorter
// one. 0 = not mine. Text formats and structural checks bid what their evidence is worth, at most
// SEEP_BID_STRUCTURE.
enum {
    SEEP_BID_NONE = 0,
    SEEP_BID_TEXT = 16,      // a text that could be ours
    SEEP_BID_STRUCTURE = 48, // several fields at their places have sane values that hang together
    SEEP_BID_MAX = 256,
};

struct seep_source {
    const char *name;  // "blg": the `format` of a document, and the word for --as
    const char *about; // one line for `seep sources`: "Perfmon binary log"
    // How likely these bytes are of this format. Sees bytes and length, may look at all of them,
    // reads little.
    unsigned (*bid)(struct seep_bytes file);
    // Pushes facts and losses into the sink. SEEP_OK or SEEP_PARTIAL where something was read;
    // SEEP_FAILED with `err` set where nothing was; SEEP_CANCELLED where `control` said so.
    // `*read_bytes` is how far it came. A harmful loss makes an OK read partial without the
    // source's doing.
    enum seep_status (*read)(const struct seep_input *input, struct seep_sink *sink,
                             const struct seep_control *control, uint64_t *read_bytes,
                             struct seep_err *err);
};

// The table, made from sources.def by the build.
extern const struct seep_source *const seep_sources[];
extern const size_t seep_n_sources;
// Their names in the order of the table, parted by blanks.
extern const char seep_source_names[];

// The source of a name, NULL if there is none.
const struct seep_source *seep_source_named(const char *name);

// The source with the highest bid. NULL with `err` set when nobody bids ("not a format that seep
// reads") or when two bid the same ("ambiguous: use --as").
const struct seep_source *seep_source_choose(struct seep_bytes file, struct seep_err *err);

// The same among `n` sources of another table.
const struct seep_source *seep_source_choose_among(const struct seep_source *const *sources,
                                                   size_t n, struct seep_bytes file,
                                                   struct seep_err *err);

#endif
