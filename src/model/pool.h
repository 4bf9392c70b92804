// SPDX-License-Identifier: MIT
// The fact *pool tag*: what the kernel counts of one tag in one pool, at one moment.
//
// All tags that follow one tick were counted together: a *look*. How much is in use over time goes
// the way of all series, too (subject SEEP_SUBJECT_POOL_TAG, metrics paged_pool_bytes and
// nonpaged_pool_bytes, and for the blocks outstanding_count); whoever records for days gives looks
// only now and then.
//
// Facts here are what the counters say. Who is behind a tag is no fact of a log but a conclusion:
// struct seep_tag_owner.
#ifndef SEEP_MODEL_POOL_H
#define SEEP_MODEL_POOL_H

#include "model/ids.h"
#include "model/loss.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEP_NO_SESSION UINT32_MAX
#define SEEP_ALL_SESSIONS (UINT32_MAX - 1)

// The counters of a tag's series (struct seep_series): all that ask the system name it the same
// way. For bytes the metric says which pool it is, for blocks the counter does. Those of a
// session's own pool have "Session N " in front, or "All sessions ".
#define SEEP_POOL_BYTES_COUNTER "SYSTEM_POOLTAG bytes"
#define SEEP_POOL_PAGED_COUNTER "SYSTEM_POOLTAG PagedAllocs-PagedFrees"
#define SEEP_POOL_NONPAGED_COUNTER "SYSTEM_POOLTAG NonPagedAllocs-NonPagedFrees"

enum { SEEP_TAG_TEXT = 5 }; // bytes of a tag as text, its end included

struct seep_pool_tag {
    struct seep_machine_id machine;
    const char *tag;           // as seep_pool_tag_text makes it
    bool paged;                // which pool
    uint64_t allocs, frees;    // since the machine started; SEEP_UNKNOWN_COUNT = unknown
    uint64_t bytes;            // in use; SEEP_UNKNOWN_COUNT = unknown
    bool wraps;                // the two counts are kept in 32 bits and begin again at 2^32
    uint32_t session;          // of a session's own pool; SEEP_NO_SESSION = the system's,
                               // SEEP_ALL_SESSIONS = the sum of all sessions'
    const char *mapped_driver; // what the log itself calls the tag's driver ("[nt!ps - Process
                               // objects]" without the brackets); NULL = nothing
};

// Blocks in use: allocs - frees, modulo 2^32 where the counts wrap. SEEP_UNKNOWN_COUNT where one is
// unknown, or more was freed than allocated (the counters are read one after another).
uint64_t seep_pool_tag_diff(const struct seep_pool_tag *tag);

// How much a count grew from one look to the next; SEEP_UNKNOWN_COUNT where one is unknown or, of
// counts that do not wrap, the later is smaller (the machine was started again).
uint64_t seep_pool_count_growth(uint64_t before, uint64_t after, bool wraps);

// The text of a tag as it lies in memory, first character in the lowest byte: the mark of protected
// tags (the top bit) taken off, '.' for what is not printable ASCII, blanks at the end cut off. The
// same tag reads the same wherever it was counted. Returns `text`.
const char *seep_pool_tag_text(uint32_t key, char text[SEEP_TAG_TEXT]);

// The same of characters, as a log shows them (shorter ones are padded with blanks first).
const char *seep_pool_tag_clean(const char *shown, size_t len, char text[SEEP_TAG_TEXT]);

// How a driver came to be named as the one behind a tag.
enum seep_owner_how {
    SEEP_OWNER_LOG = 0, // the log's own column (poolmon /g)
    SEEP_OWNER_POOLTAG, // a pooltag.txt or localtag.txt, or seep's own table of inbox tags
    SEEP_OWNER_SCAN,    // the tag stands in the driver's file as data, or as an operand
    SEEP_OWNER_IMPORT,  // as an operand right before a call of an allocating import
    SEEP_N_OWNER_HOW,
};

// "log", "pooltag", "scan", "import".
const char *seep_owner_how_name(enum seep_owner_how how);

// Who may be behind a tag. Strings are NULL where unknown.
struct seep_tag_owner {
    const char *name;    // of the file: "tcpip.sys", "nt" for the kernel itself
    const char *version; // of the file
    const char *company;
    const char *signer;
    const char *path;     // where the file was scanned
    const char *evidence; // one sentence: "operand before 3 calls of ExAllocatePoolWithTag, first
                          // at 0x140001234"
    enum seep_owner_how how;
    double confidence; // 0..1
    bool inbox;        // it is known to be part of Windows
};

struct seep_tag_owners {
    const struct seep_tag_owner *at; // the likeliest first
    size_t n;
    const char *description; // of the tag: "Process objects"; NULL = none
};

#endif
