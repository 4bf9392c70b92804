// SPDX-License-Identifier: MIT
// What the documents of `seep pool`, `seep vm` and `seep zombies` share: they show the newest look
// at one machine.
#ifndef SEEP_REPORT_LOOK_H
#define SEEP_REPORT_LOOK_H

#include "base/json.h"
#include "detect/detect.h"
#include "model/dataset.h"
#include "report/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// The machine that most of the counted facts are of, and how many others have some. `counts` is by
// machine id, from 1 on (counts[0]: facts of no known machine). 0 where nothing is counted.
struct seep_machine_id seep_look_machine(const uint64_t *counts, size_t n_machines,
                                         size_t *n_others);

// What the machine of an id is called; NULL = unknown.
const char *seep_look_host(const struct seep_dataset *data, struct seep_machine_id machine);

// The newest value of a series of the process (0: of the machine); false where there is none.
bool seep_look_last(const struct seep_dataset *data, struct seep_machine_id machine,
                    struct seep_process_id process, enum seep_metric metric, double *value,
                    int64_t *t_ns);

// `key` and a number; null where it is SEEP_UNKNOWN_COUNT.
void seep_key_count(struct seep_json *json, const char *key, uint64_t value);
// `key` and the difference of two numbers; null where one is unknown or it has no 64 bits.
void seep_key_delta(struct seep_json *json, const char *key, uint64_t before, uint64_t after);
// `key` and a text; null where it is NULL or empty.
void seep_key_text(struct seep_json *json, const char *key, const char *text);
void seep_key_bool(struct seep_json *json, const char *key, bool value);
void seep_key_verdict(struct seep_json *json, bool judged, enum seep_verdict verdict);
// "machine": { "host", "os", "os_version" }, "taken" and, where there are, "other_machines".
void seep_key_machine(struct seep_json *json, const struct seep_dataset *data,
                      struct seep_machine_id machine, int64_t taken_ns, size_t n_others);

// Writes a document: the head, then what `body` says between its braces. `body` is called twice
// (strings that are no UTF-8 are a loss, and losses stand in front) and must say the same.
bool seep_look_json(const char *command, const struct seep_dataset *data,
                    void (*body)(const void *ctx, struct seep_json *json), const void *ctx,
                    FILE *out);

// The difference of two numbers; false where one is unknown.
bool seep_look_delta(uint64_t before, uint64_t after, double *delta);

// Text. A number right-justified in `width` columns after a blank, "?" where it is unknown.
void seep_look_add_count(struct seep_buf *out, uint64_t value, int width);
// A hostile text in exactly `width` columns (cut with "..." where it is longer), after a blank.
void seep_look_add_cell(struct seep_buf *out, const char *text, size_t width);
// "LEAKING  ", coloured where asked for.
void seep_look_add_verdict(struct seep_buf *out, enum seep_verdict verdict, bool color);
// "SRV01, 2026-03-01T12:00:00Z"; "this machine" and no time where they are unknown.
void seep_look_add_moment(struct seep_buf *out, const struct seep_dataset *data,
                          struct seep_machine_id machine, int64_t taken_ns);
// The findings of a judgement that `wanted` wants, each with evidence, caveats and next steps.
void seep_look_add_finding(struct seep_buf *out, const struct seep_finding *finding, bool color);
// A line for each loss.
void seep_look_add_losses(struct seep_buf *out, const struct seep_dataset *data);
// Takes blanks off the end of the last line and ends it.
void seep_look_end_line(struct seep_buf *out);
// Writes and clears; false when memory was out or the output failed.
bool seep_look_write(struct seep_buf *text, FILE *out);

#endif
