// SPDX-License-Identifier: MIT
// The timeline of events below the findings, and moments as the text writer shows them.
#include "base/time.h"
#include "report/plain.h"
#include "report/text_state.h"

#include <inttypes.h>
#include <string.h>

void text_moment(const struct seep_writer *writer, int64_t t_ns, char text[MOMENT_TEXT])
{
    const struct seep_judgement *judgement = writer->report->judgement;
    char full[SEEP_TIME_TEXT], end[SEEP_TIME_TEXT] = "";
    if (t_ns == SEEP_NO_TIME) {
        (void)snprintf(text, MOMENT_TEXT, "never");
        return;
    }
    seep_time_format(t_ns, full);
    bool brief = false;
    if (judgement->end_ns != SEEP_NO_TIME && judgement->start_ns != SEEP_NO_TIME) {
        seep_time_format(judgement->end_ns, end);
        brief = (double)judgement->end_ns - (double)judgement->start_ns < 600e9;
    }
    int clock = brief ? 8 : 5; // characters of HH:MM:SS
    if (strncmp(full, end, 10) == 0)
        (void)snprintf(text, MOMENT_TEXT, "%.*s", clock, full + 11);
    else
        (void)snprintf(text, MOMENT_TEXT, "%.10s %.*s", full, clock, full + 11);
}

void text_reset_work(struct text_state *state)
{
    state->work_failed |= state->work.failed;
    seep_buf_reset(&state->work);
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

void text_on_event(struct seep_writer *writer, const struct seep_event *event,
                   struct seep_source_id source)
{
    struct text_state *state = text_state_of(writer);
    (void)source;
    for (size_t i = 0; i < state->n_groups; i++) {
        struct event_group *group = &state->groups[i];
        if (group->first->id == event->id && same_text(group->first->provider, event->provider)) {
            group->last = event;
            group->count++;
            return;
        }
    }
    if (state->n_groups == MAX_EVENT_GROUPS)
        state->n_other_events++;
    else
        state->groups[state->n_groups++] = (struct event_group){ event, event, 1 };
}

// What the events of a leak mean, by provider and id (the messages themselves are in the language
// of the machine): Microsoft's documentation of the Resource Exhaustion Detector and of the Server
// service's events.
static const struct {
    const char *provider;
    uint32_t id;
    const char *meaning;
} meanings[] = {
    { "Microsoft-Windows-Resource-Exhaustion-Detector", 2004, "commit nearly exhausted" },
    { "Microsoft-Windows-Resource-Exhaustion-Resolver", 1014, "a leak diagnosis was dropped" },
    { "Windows Error Reporting", 1001, "a report about a program" },
    { "srv", 2019, "nonpaged pool empty" },
    { "srv", 2020, "paged pool empty" },
    { "Application Popup", 26, "a message box of the system" },
    { "Application Popup", 333, "the registry could not be written" },
    { "EventLog", 6008, "unexpected shutdown" },
};

static void add_event_group(struct seep_writer *writer, const struct event_group *group)
{
    struct seep_buf *work = &text_state_of(writer)->work;
    const struct seep_event *event = group->first;
    char first[MOMENT_TEXT], last[MOMENT_TEXT];
    text_moment(writer, event->time_ns, first);
    text_moment(writer, group->last->time_ns, last);
    seep_buf_adds(work, first);
    if (strcmp(first, last) != 0)
        seep_buf_addf(work, " .. %s", last);
    if (group->count > 1)
        seep_buf_addf(work, ", %" PRIu64 " times", group->count);
    seep_buf_adds(work, ": ");
    seep_plain_add(work, event->provider ? event->provider : "?", MAX_NAME_SHOWN);
    bool hex = event->provider && strcmp(event->provider, "bugcheck") == 0; // as people know them
    seep_buf_addf(work, hex ? " 0x%" PRIX32 : " %" PRIu32, event->id);
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (meanings[i].id == event->id && same_text(meanings[i].provider, event->provider))
            seep_buf_addf(work, ", %s", meanings[i].meaning);
    }
}

void text_add_tail(struct text_state *state, const char *label)
{
    seep_buf_addf(&state->out, "%-*s", TAIL_VALUE_AT, label);
    seep_plain_wrap(&state->out, seep_buf_text(&state->work), TAIL_VALUE_AT, WIDTH);
    seep_buf_addc(&state->out, '\n');
    text_reset_work(state);
}

void text_add_events(struct seep_writer *writer)
{
    struct text_state *state = text_state_of(writer);
    for (size_t i = 0; i < state->n_groups; i++) {
        add_event_group(writer, &state->groups[i]);
        text_add_tail(state, i ? "" : "events");
    }
    if (state->n_other_events) {
        seep_buf_addf(&state->work, "... and %" PRIu64 " of other kinds (--json lists them)",
                      state->n_other_events);
        text_add_tail(state, "");
    }
}
