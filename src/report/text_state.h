// SPDX-License-Identifier: MIT
// What the files of the text writer share.
#ifndef SEEP_REPORT_TEXT_STATE_H
#define SEEP_REPORT_TEXT_STATE_H

#include "report/writer.h"

#include <stdint.h>

enum {
    WIDTH = 80, // columns; only the first line of a finding and commands may be longer
    TAIL_VALUE_AT = 10,
    MAX_NAME_SHOWN = 60,   // characters
    MAX_EVENT_GROUPS = 10, // lines
    MOMENT_TEXT = 24,
};

// Events of one provider and id, as one line of the timeline.
struct event_group {
    const struct seep_event *first, *last;
    uint64_t count;
};

struct text_state {
    struct seep_buf out;
    struct seep_buf tail; // what was read and lost: fed first, printed last
    struct seep_buf work; // one line in the making
    bool work_failed;
    const struct seep_machine *machine;
    size_t n_sources;
    size_t n_unknown, n_steady; // of all findings
    struct event_group groups[MAX_EVENT_GROUPS];
    size_t n_groups;
    uint64_t n_other_events;
    bool fold_unknown, detailed;
};

static inline struct text_state *text_state_of(struct seep_writer *writer)
{
    return writer->state;
}

// A moment as HH:MM, with the date where it is not the day on which the observation ended, and with
// seconds where minutes would say nothing.
void text_moment(const struct seep_writer *writer, int64_t t_ns, char text[MOMENT_TEXT]);

void text_reset_work(struct text_state *state);

// A line below all findings, made of what stands in `work`.
void text_add_tail(struct text_state *state, const char *label);

// text_events.c
void text_on_event(struct seep_writer *writer, const struct seep_event *event,
                   struct seep_source_id source);
void text_add_events(struct seep_writer *writer);

#endif
