// SPDX-License-Identifier: MIT
// Which events matter, and what facts they become.
//
// An event matters by provider *and* id; the table stands in events.c. Event 2004 also becomes
// samples, so that a few of them in a row are a trend.
#ifndef SEEP_SOURCE_EVTX_EVENTS_H
#define SEEP_SOURCE_EVTX_EVENTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/intern.h"
#include "model/sink.h"

enum seep_evtx_kind {
    SEEP_EVTX_OTHER = 0,  // counted only
    SEEP_EVTX_LEAK,       // becomes an event
    SEEP_EVTX_CONTEXT,    // becomes an event: for the time line
    SEEP_EVTX_EXHAUSTION, // 2004: an event and samples
    SEEP_EVTX_REPORT,     // Windows Error Reporting: an event when it is about a leak
    SEEP_EVTX_START,      // the start of the system: tells the version
};

// The kind of an event; the provider's case does not matter.
enum seep_evtx_kind seep_evtx_kind(const char *provider, uint32_t id);

struct seep_evtx_host;

// What has been announced to the sink so far. Zero it, set `sink` and `log_host`.
struct seep_evtx_facts {
    struct seep_sink *sink;
    const char *log_host; // the computer whose log this is, "" = unknown
    struct seep_intern hosts, processes, series;
    struct seep_evtx_host *host; // by host id - 1
    uint32_t *process_id, *series_id;
    size_t n_hosts, hosts_capacity, processes_capacity, series_capacity;
    struct seep_buf key, path;
    char version[48];        // of the system that wrote the log, "" = unknown
    uint64_t version_record; // the newest record that told it
};

// Turns one event (its `machine` unset) of a kind into facts. `computer` is the event's own; an
// event that was not `forwarded` is of the log's machine, which may have had another name then.
// False when the sink is full or memory is out.
bool seep_evtx_event(struct seep_evtx_facts *facts, enum seep_evtx_kind kind, const char *computer,
                     bool forwarded, struct seep_event *event);

// Announces the log's machine with all that became known of it.
bool seep_evtx_facts_end(struct seep_evtx_facts *facts);

void seep_evtx_facts_clear(struct seep_evtx_facts *facts);

#endif
