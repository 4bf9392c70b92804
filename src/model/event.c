// SPDX-License-Identifier: MIT
// The typed fields of an event, and how they nest in a document.
#include "model/event.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>

const struct seep_field *seep_event_field(const struct seep_event *event, const char *path)
{
    for (size_t i = 0; i < event->n_fields; i++) {
        if (strcmp(event->fields[i].path, path) == 0)
            return &event->fields[i];
    }
    return NULL;
}

bool seep_field_number(const struct seep_field *field, double *value)
{
    if (!field)
        return false;
    switch (field->type) {
    case SEEP_FIELD_UINT:
    case SEEP_FIELD_HEX:
    case SEEP_FIELD_BOOL:
        *value = (double)field->value.uint;
        return true;
    case SEEP_FIELD_INT:
        *value = (double)field->value.sint;
        return true;
    case SEEP_FIELD_REAL:
        *value = field->value.real;
        return true;
    case SEEP_FIELD_TEXT: {
        char *end;
        double number = strtod(field->value.text, &end);
        if (end == field->value.text || *end || !(number - number == 0))
            return false;
        *value = number;
        return true;
    }
    case SEEP_FIELD_NULL:
    case SEEP_FIELD_TIME:
        break;
    }
    return false;
}

static void value_json(const struct seep_field *field, struct seep_json *json)
{
    switch (field->type) {
    case SEEP_FIELD_TEXT:
        seep_json_string(json, field->value.text);
        break;
    case SEEP_FIELD_UINT:
        seep_json_uint(json, field->value.uint);
        break;
    case SEEP_FIELD_INT:
        seep_json_int(json, field->value.sint);
        break;
    case SEEP_FIELD_REAL:
        seep_json_number(json, field->value.real);
        break;
    case SEEP_FIELD_BOOL:
        seep_json_bool(json, field->value.uint != 0);
        break;
    case SEEP_FIELD_HEX:
        seep_json_address(json, field->value.uint);
        break;
    case SEEP_FIELD_TIME:
        seep_json_time(json, field->value.time_ns);
        break;
    case SEEP_FIELD_NULL:
        seep_json_null(json);
        break;
    }
}

// The length of the first part of a path, escapes included.
static size_t part_length(const char *path)
{
    size_t len = 0;
    while (path[len] && path[len] != '/')
        len += path[len] == '\\' && path[len + 1] ? 2 : 1;
    return len;
}

static void part_key(struct seep_json *json, const char *part, size_t len)
{
    char name[SEEP_MAX_NAME];
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < sizeof name; i++) {
        if (part[i] == '\\' && i + 1 < len)
            i++;
        name[n++] = part[i];
    }
    name[n] = '\0';
    seep_json_key(json, name);
}

// One open object on the way from the root to the current field: the start and end of its part in
// `path`.
struct level {
    const char *path;
    size_t end;
};

// How many open levels `path` shares: each open level's prefix must be the same and end at a '/'.
static unsigned shared_levels(const struct level *open, unsigned n_open, const char *path)
{
    unsigned n = 0;
    while (n < n_open && strncmp(open[n].path, path, open[n].end) == 0 && path[open[n].end] == '/')
        n++;
    return n;
}

static size_t same_path_run(const struct seep_event *event, size_t first)
{
    size_t n = 1;
    while (first + n < event->n_fields &&
           strcmp(event->fields[first + n].path, event->fields[first].path) == 0)
        n++;
    return n;
}

void seep_event_fields_json(const struct seep_event *event, struct seep_json *json)
{
    struct level open[SEEP_MAX_DEPTH];
    unsigned n_open = 0;
    seep_json_begin_object(json);
    for (size_t i = 0; i < event->n_fields;) {
        const struct seep_field *field = &event->fields[i];
        unsigned keep = shared_levels(open, n_open, field->path);
        for (; n_open > keep; n_open--)
            seep_json_end_object(json);
        size_t start = n_open ? open[n_open - 1].end + 1 : 0;
        size_t len = part_length(field->path + start);
        while (field->path[start + len] == '/' && n_open < SEEP_MAX_DEPTH - 1) {
            part_key(json, field->path + start, len);
            seep_json_begin_object(json);
            open[n_open++] = (struct level){ field->path, start + len };
            start += len + 1;
            len = part_length(field->path + start);
        }
        part_key(json, field->path + start, len);
        size_t run = same_path_run(event, i);
        if (run > 1)
            seep_json_begin_array(json);
        for (size_t k = 0; k < run; k++)
            value_json(&event->fields[i + k], json);
        if (run > 1)
            seep_json_end_array(json);
        i += run;
    }
    for (; n_open; n_open--)
        seep_json_end_object(json);
    seep_json_end_object(json);
}
