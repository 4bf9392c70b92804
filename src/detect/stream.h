// SPDX-License-Identifier: MIT
// Judging while the recording goes on: a sink that passes facts on and judges what it has seen.
//
// Judged is on a schedule, all series of the machine at once, as the batch judge does it; what it
// says then is what seep_detect says of a recording that ends at this look, to the last bit (what
// is excepted: docs/detection.md). The cost of a look does not grow with the number of looks, and
// the memory of a series is bounded (seep_track_bytes).
//
// Verdicts move; an *alarm* does not flicker. It is raised when SEEP_STREAM_RAISE judgements in a
// row call a subject leaking, and withdrawn when SEEP_STREAM_WITHDRAW or more in a row, for as long
// as it had grown when the alarm was raised, call it steady; each withdrawal doubles what the next
// alarm about this subject needs. A judgement that does not speak
// of the subject (it ended, or another finding took it in) changes nothing.
#ifndef SEEP_DETECT_STREAM_H
#define SEEP_DETECT_STREAM_H

#include "detect/detect.h"
#include "model/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEEP_STREAM_RAISE = 2, SEEP_STREAM_WITHDRAW = 3 };

// The schedule: from the SEEP_STREAM_FIRST-th look on, whenever a tenth more looks have come, but
// at least as often as is paid by SEEP_STREAM_SERIES series judged for each look.
enum { SEEP_STREAM_FIRST = 8, SEEP_STREAM_SERIES = 128, SEEP_STREAM_LEAST = 16 };

// Processes that ended and were seen for long enough to say something are kept to this number, the
// newest first.
enum { SEEP_STREAM_ENDED = 1024 };

struct seep_stream;

struct seep_stream_alarm {
    bool raised;                        // false: withdrawn
    const struct seep_finding *finding; // of the newest judgement; valid during the call
    const char *metric_words;           // "private bytes"
    double after_s;                     // since the first look
};

struct seep_stream_options {
    void (*alarm)(void *ctx, const struct seep_stream_alarm *alarm); // NULL = not told
    void *ctx;
};

// `inner` (may be NULL) gets every fact and hands out the ids. The caller owns the stream
// (seep_stream_close) and keeps `inner` open until then.
bool seep_stream_open(struct seep_stream **stream, struct seep_sink *inner,
                      const struct seep_stream_options *options, struct seep_err *err);
void seep_stream_close(struct seep_stream *stream);

struct seep_sink *seep_stream_sink(struct seep_stream *stream);

// Call it when all facts of one look were pushed. Whoever is not known to have ended was seen by
// it, with the values that were told last. Judges if it is time. Where memory runs out, the stream
// stops judging and goes on passing facts: `seep_stream_failed`.
void seep_stream_look(struct seep_stream *stream);

// Judges what was seen up to now, whatever the schedule; it does not move alarms. False when memory
// is out.
bool seep_stream_judge(struct seep_stream *stream, struct seep_err *err);

bool seep_stream_failed(const struct seep_stream *stream);

// The newest judgement; empty before the first. Valid until the next.
const struct seep_judgement *seep_stream_judgement(const struct seep_stream *stream);

// Whether an alarm about a finding's subject is raised; and how many are.
bool seep_stream_raised(const struct seep_stream *stream, const struct seep_finding *finding);
size_t seep_stream_n_raised(const struct seep_stream *stream);

// What the stream holds, and what it has done.
struct seep_stream_cost {
    size_t n_series, n_processes, bytes;
    uint64_t n_looks, n_judgements, n_series_judged;
    size_t forgotten; // processes that ended and are no longer judged
};
void seep_stream_cost(const struct seep_stream *stream, struct seep_stream_cost *cost);

#endif
