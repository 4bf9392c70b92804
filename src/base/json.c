// SPDX-License-Identifier: MIT
// JSON as it is written (RFC 8259).
#include "base/json.h"

#include "base/time.h"
#include "base/utf.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { PIECE = 1 << 16 };

static void drain(struct seep_json *json)
{
    if (json->buf.failed)
        json->failed = true;
    if (!json->write || json->failed || json->buf.len == 0)
        return;
    if (!json->write(json->ctx, json->buf.data, json->buf.len))
        json->failed = true;
    seep_buf_reset(&json->buf);
}

static void line_break(struct seep_json *json)
{
    if (!json->pretty)
        return;
    seep_buf_addc(&json->buf, '\n');
    for (unsigned i = 0; i < json->depth; i++)
        seep_buf_add(&json->buf, "  ", 2);
}

// What stands before a value or a key: a comma where something came before, and the line break.
static void before(struct seep_json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->depth == 0)
        return;
    if (json->has_items[json->depth])
        seep_buf_addc(&json->buf, ',');
    json->has_items[json->depth] = true;
    line_break(json);
}

static void after(struct seep_json *json)
{
    if (json->buf.len >= PIECE)
        drain(json);
}

static void open_level(struct seep_json *json, char c)
{
    before(json);
    seep_buf_addc(&json->buf, c);
    if (json->depth + 1 >= sizeof json->has_items) {
        json->failed = true;
        return;
    }
    json->has_items[++json->depth] = false;
}

static void close_level(struct seep_json *json, char c)
{
    if (json->depth == 0) {
        json->failed = true;
        return;
    }
    bool had_items = json->has_items[json->depth--];
    if (had_items)
        line_break(json);
    seep_buf_addc(&json->buf, c);
    after(json);
}

void seep_json_begin_object(struct seep_json *json)
{
    open_level(json, '{');
}

void seep_json_end_object(struct seep_json *json)
{
    close_level(json, '}');
}

void seep_json_begin_array(struct seep_json *json)
{
    open_level(json, '[');
}

void seep_json_end_array(struct seep_json *json)
{
    close_level(json, ']');
}

static void escaped(struct seep_json *json, const char *text, size_t len)
{
    struct seep_buf *out = &json->buf;
    seep_buf_addc(out, '"');
    size_t start = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        // C1 controls (U+0080..U+009F, two bytes) steer terminals as C0 controls do.
        unsigned char c1 = c == 0xc2 && i + 1 < len ? (unsigned char)text[i + 1] : 0xff;
        if (c1 < 0xa0) {
            seep_buf_add(out, text + start, i - start);
            seep_buf_addf(out, "\\u%04x", c1);
            start = ++i + 1;
            continue;
        }
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        seep_buf_add(out, text + start, i - start);
        start = i + 1;
        if (c == '"' || c == '\\')
            seep_buf_addf(out, "\\%c", c);
        else if (c == '\n')
            seep_buf_adds(out, "\\n");
        else if (c == '\t')
            seep_buf_adds(out, "\\t");
        else
            seep_buf_addf(out, "\\u%04x", c);
    }
    seep_buf_add(out, text + start, len - start);
    seep_buf_addc(out, '"');
}

void seep_json_string_n(struct seep_json *json, const char *text, size_t len)
{
    before(json);
    struct seep_bytes bytes = seep_bytes(text, len);
    if (seep_utf8_valid(bytes)) {
        escaped(json, text, len);
    } else {
        struct seep_buf fixed = { 0 };
        (void)seep_utf8_add(&fixed, bytes);
        escaped(json, seep_buf_text(&fixed), fixed.len);
        if (fixed.failed)
            json->failed = true;
        seep_buf_clear(&fixed);
        json->n_invalid++;
    }
    after(json);
}

void seep_json_string(struct seep_json *json, const char *text)
{
    if (text)
        seep_json_string_n(json, text, strlen(text));
    else
        seep_json_null(json);
}

void seep_json_key(struct seep_json *json, const char *key)
{
    seep_json_string(json, key);
    seep_buf_adds(&json->buf, json->pretty ? ": " : ":");
    json->after_key = true;
}

void seep_json_uint(struct seep_json *json, uint64_t value)
{
    before(json);
    seep_buf_addf(&json->buf, "%" PRIu64, value);
    after(json);
}

void seep_json_int(struct seep_json *json, int64_t value)
{
    before(json);
    seep_buf_addf(&json->buf, "%" PRId64, value);
    after(json);
}

void seep_json_number(struct seep_json *json, double value)
{
    if (!isfinite(value)) {
        seep_json_null(json);
        return;
    }
    before(json);
    char text[SEEP_NUMBER_TEXT];
    seep_buf_add(&json->buf, text, seep_number_format(value, text));
    after(json);
}

void seep_json_bool(struct seep_json *json, bool value)
{
    seep_json_raw(json, value ? "true" : "false");
}

void seep_json_null(struct seep_json *json)
{
    seep_json_raw(json, "null");
}

void seep_json_raw(struct seep_json *json, const char *text)
{
    before(json);
    seep_buf_adds(&json->buf, text);
    after(json);
}

void seep_json_time(struct seep_json *json, int64_t t_ns)
{
    if (t_ns == SEEP_NO_TIME) {
        seep_json_null(json);
        return;
    }
    char text[SEEP_TIME_TEXT];
    seep_time_format(t_ns, text);
    seep_json_string(json, text);
}

void seep_json_address(struct seep_json *json, uint64_t value)
{
    before(json);
    seep_buf_addf(&json->buf, "\"0x%" PRIx64 "\"", value);
    after(json);
}

void seep_json_key_string(struct seep_json *json, const char *key, const char *text)
{
    seep_json_key(json, key);
    seep_json_string(json, text);
}

void seep_json_key_uint(struct seep_json *json, const char *key, uint64_t value)
{
    seep_json_key(json, key);
    seep_json_uint(json, value);
}

void seep_json_key_number(struct seep_json *json, const char *key, double value)
{
    seep_json_key(json, key);
    seep_json_number(json, value);
}

void seep_json_key_time(struct seep_json *json, const char *key, int64_t t_ns)
{
    seep_json_key(json, key);
    seep_json_time(json, t_ns);
}

bool seep_json_flush(struct seep_json *json)
{
    seep_buf_addc(&json->buf, '\n');
    drain(json);
    return !json->failed && json->depth == 0;
}

void seep_json_clear(struct seep_json *json)
{
    seep_buf_clear(&json->buf);
    *json = (struct seep_json){ 0 };
}
