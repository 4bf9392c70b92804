// SPDX-License-Identifier: MIT
// Reports: one semantic document, many writers.
//
// A writer is a row of functions that are fed the parts of the document in their order; a NULL
// function is not interested. A writer may leave out a chart but never a claim. How to add one:
// docs/HOWTO.md.
#ifndef SEEP_REPORT_REPORT_H
#define SEEP_REPORT_REPORT_H

#include "base/json.h"
#include "detect/detect.h"
#include "model/dataset.h"
#include "model/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct seep_report {
    const char *command; // "analyze", "record", "report"
    const struct seep_dataset *data;
    const struct seep_judgement *judgement;
    const struct seep_dataset *const *baselines; // what it was compared with
    size_t n_baselines;
    size_t top; // 0 = the writer's own default (text: 20, JSON: everything)
    bool all;   // steady findings too
    bool color; // ANSI colours, text only
    // The clock, SEEP_NO_TIME = not asked: an exhaustion that lies before it is said to be past.
    // "in 3 d" counts from the end of the observation.
    int64_t now_ns;
};

// Writes the document of `seep analyze` (docs/schema/analyze.schema.json) as "text" or "json".
// False when the output failed or the format is unknown.
bool seep_report_write(const struct seep_report *report, const char *format, FILE *out,
                       struct seep_err *err);

// What every JSON document starts with: schema_version, tool, command, sources. Leaves the object
// open.
void seep_report_head(struct seep_json *json, const char *command,
                      const struct seep_dataset_source *sources, size_t n_sources);

// A `write` function for struct seep_json whose ctx is a FILE *.
bool seep_report_to_file(void *ctx, const char *data, size_t len);

// The keys of a region and of a heap, into an object that is open.
void seep_region_json(struct seep_json *json, const struct seep_region *region);
void seep_heap_json(struct seep_json *json, const struct seep_heap *heap);
void seep_heap_numbers_json(struct seep_json *json, const struct seep_heap *heap); // no "kind"

// The keys of facts about a machine at one moment, into an object that is open.
void seep_pool_tag_json(struct seep_json *json, const struct seep_pool_tag *tag);
void seep_vm_json(struct seep_json *json, const struct seep_vm *vm); // "committed_bytes", …
void seep_zombie_json(struct seep_json *json, const struct seep_zombie *zombie);

// The value of `"process"` in documents about one process at one moment.
void seep_space_process_json(struct seep_json *json, const struct seep_space *space);

// A sink that prints facts as NDJSON, one a line, keys as in the case's schema, as they pass.
struct seep_facts_printer;

// `kind`: the facts to print; SEEP_N_FACT_KINDS = none. With `tallies`, event tallies are kept for
// seep_facts_printer_tallies.
struct seep_facts_printer *seep_facts_printer_open(FILE *out, enum seep_fact_kind kind,
                                                   bool tallies);
struct seep_sink *seep_facts_printer_sink(struct seep_facts_printer *printer);

// Writes the kept tallies as the value of `"events"`: an array ordered by count.
void seep_facts_printer_tallies(const struct seep_facts_printer *printer, struct seep_json *json);

// The same for a person: a line of count, provider, id, version and name each. False when memory is
// out.
bool seep_facts_printer_tallies_text(const struct seep_facts_printer *printer,
                                     struct seep_buf *out);

// Returns whether every line was written.
bool seep_facts_printer_close(struct seep_facts_printer *printer);

// People's numbers: "1.23 GB", "+4.2 MB/h", "3 d", "686"; "unknown" for what is not finite. `text`
// holds at least 32 bytes. The unit of a rate is that of the metric, and the number is per second.
enum { SEEP_HUMAN_TEXT = 32 };
void seep_human_bytes(double bytes, char text[SEEP_HUMAN_TEXT]);
void seep_human_rate(double per_second, const char *unit, char text[SEEP_HUMAN_TEXT]);
void seep_human_duration(double seconds, char text[SEEP_HUMAN_TEXT]);
// An end of the interval of the rate `like`, over the same time; `fine`: with a digit more.
void seep_human_rate_like(double per_second, double like, bool fine, const char *unit,
                          char text[SEEP_HUMAN_TEXT]);
// With the next smaller unit: "4 d 21 h".
void seep_human_duration_fine(double seconds, char text[SEEP_HUMAN_TEXT]);
// `unit` as seep_metric_unit gives it: "bytes", "count", "ratio" (shown in %); NULL = a bare
// number.
void seep_human_value(double value, const char *unit, char text[SEEP_HUMAN_TEXT]);

#endif
