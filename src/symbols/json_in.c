// SPDX-License-Identifier: MIT
// JSON as it is read (RFC 8259).
#include "symbols/json_in.h"

#include "base/utf.h"

#include <assert.h>
#include <string.h>

static_assert(SEEP_MAX_DEPTH <= 64, "a bit for each container");

void seep_json_in_init(struct seep_json_in *in, struct seep_bytes view)
{
    *in = (struct seep_json_in){ .view = view, .wants_value = true };
    if (seep_bytes_match(view, 0, "\xef\xbb\xbf", 3))
        in->pos = 3;
}

void seep_json_in_clear(struct seep_json_in *in)
{
    seep_buf_clear(&in->unescaped);
    *in = (struct seep_json_in){ .failed = true };
}

static enum seep_json_token broken(struct seep_json_in *in, const char *what)
{
    if (!in->failed)
        (void)seep_fail(&in->err, in->pos, NULL, "%s", what);
    in->failed = true;
    in->text = "";
    in->text_len = 0;
    return SEEP_JSON_BROKEN;
}

static void skip_blanks(struct seep_json_in *in)
{
    const uint8_t *data = in->view.data;
    size_t pos = in->pos;
    while (pos < in->view.len &&
           (data[pos] == ' ' || data[pos] == '\n' || data[pos] == '\r' || data[pos] == '\t'))
        pos++;
    in->pos = pos;
}

// The four digits of a \u escape at `pos`, or -1.
static int32_t hex4(const struct seep_json_in *in, size_t pos)
{
    int32_t value = 0;
    if (!seep_bytes_has(in->view, pos, 4))
        return -1;
    for (size_t i = 0; i < 4; i++) {
        uint8_t c = in->view.data[pos + i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

// One escape: `pos` is at its backslash. Returns the bytes that it takes, 0 where it is none.
static size_t unescape(struct seep_json_in *in, size_t pos)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (!seep_bytes_has(in->view, pos, 2))
        return 0;
    char c = (char)in->view.data[pos + 1];
    const char *at = c ? strchr(from, c) : NULL;
    if (at) {
        seep_buf_addc(&in->unescaped, to[at - from]);
        return 2;
    }
    int32_t high = c == 'u' ? hex4(in, pos + 2) : -1;
    if (high < 0)
        return 0;
    if (high < 0xd800 || high > 0xdfff) {
        seep_utf8_add_point(&in->unescaped, (uint32_t)high);
        return 6;
    }
    bool pair = high < 0xdc00 && seep_bytes_match(in->view, pos + 6, "\\u", 2);
    int32_t low = pair ? hex4(in, pos + 8) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        seep_buf_adds(&in->unescaped, "\xef\xbf\xbd"); // half a pair: U+FFFD
        return 6;
    }
    seep_utf8_add_point(&in->unescaped,
                        0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
    return 12;
}

// A string; `pos` is after its first quote. The text is that of the document where nothing is
// escaped.
static bool string(struct seep_json_in *in)
{
    const uint8_t *data = in->view.data;
    size_t start = in->pos, pos = start;
    bool escaped = false;
    seep_buf_reset(&in->unescaped);
    for (;; pos++) {
        if (pos >= in->view.len) {
            in->pos = pos;
            return broken(in, "the document ends within a string");
        }
        if (data[pos] == '"')
            break;
        if (data[pos] < 0x20) {
            in->pos = pos;
            return broken(in, "there is a control character in a string");
        }
        if (data[pos] != '\\')
            continue;
        seep_buf_add(&in->unescaped, data + start, pos - start);
        size_t len = unescape(in, pos);
        if (!len) {
            in->pos = pos;
            return broken(in, "there is no such escape");
        }
        escaped = true;
        pos += len - 1;
        start = pos + 1;
    }
    if (escaped)
        seep_buf_add(&in->unescaped, data + start, pos - start);
    if (in->unescaped.failed)
        return broken(in, "out of memory");
    in->text = escaped ? seep_buf_text(&in->unescaped) : (const char *)data + start;
    in->text_len = escaped ? in->unescaped.len : pos - start;
    in->pos = pos + 1;
    return true;
}

static size_t digits(const struct seep_json_in *in, size_t pos)
{
    while (pos < in->view.len && in->view.data[pos] >= '0' && in->view.data[pos] <= '9')
        pos++;
    return pos;
}

static bool number(struct seep_json_in *in)
{
    const uint8_t *data = in->view.data;
    size_t start = in->pos, len = in->view.len;
    size_t pos = start + (data[start] == '-');
    size_t end = digits(in, pos);
    bool ok = end > pos && (end == pos + 1 || data[pos] != '0');
    if (ok && end < len && data[end] == '.') {
        pos = end + 1;
        end = digits(in, pos);
        ok = end > pos;
    }
    if (ok && end < len && (data[end] | 0x20) == 'e') {
        pos = end + 1;
        pos += pos < len && (data[pos] == '+' || data[pos] == '-');
        end = digits(in, pos);
        ok = end > pos;
    }
    in->pos = end;
    if (!ok)
        return broken(in, "there is no such number");
    in->text = (const char *)data + start;
    in->text_len = end - start;
    return true;
}

static enum seep_json_token open(struct seep_json_in *in, bool object)
{
    if (in->depth == SEEP_MAX_DEPTH)
        return broken(in, "the document is nested too deep");
    in->is_object = in->is_object << 1 | object;
    in->depth++;
    in->pos++;
    in->after_value = false;
    in->wants_value = !object;
    return object ? SEEP_JSON_OBJECT : SEEP_JSON_ARRAY;
}

static enum seep_json_token close(struct seep_json_in *in)
{
    in->is_object >>= 1;
    in->depth--;
    in->pos++;
    in->after_value = true;
    in->wants_value = false;
    return SEEP_JSON_CLOSE;
}

static enum seep_json_token word(struct seep_json_in *in, const char *text,
                                 enum seep_json_token token)
{
    size_t len = strlen(text);
    if (!seep_bytes_match(in->view, in->pos, text, len))
        return broken(in, "there is no such value");
    in->pos += len;
    return token;
}

static enum seep_json_token scalar(struct seep_json_in *in, uint8_t c)
{
    switch (c) {
    case '"':
        in->pos++;
        return string(in) ? SEEP_JSON_STRING : SEEP_JSON_BROKEN;
    case 't':
        return word(in, "true", SEEP_JSON_TRUE);
    case 'f':
        return word(in, "false", SEEP_JSON_FALSE);
    case 'n':
        return word(in, "null", SEEP_JSON_NULL);
    default:
        if (c != '-' && (c < '0' || c > '9'))
            return broken(in, "a value is missing");
        return number(in) ? SEEP_JSON_NUMBER : SEEP_JSON_BROKEN;
    }
}

static enum seep_json_token key(struct seep_json_in *in)
{
    if (in->view.data[in->pos] != '"')
        return broken(in, "a key is missing");
    in->pos++;
    if (!string(in))
        return SEEP_JSON_BROKEN;
    skip_blanks(in);
    if (in->pos >= in->view.len || in->view.data[in->pos] != ':')
        return broken(in, "the ':' after a key is missing");
    in->pos++;
    in->wants_value = true;
    in->after_value = false;
    return SEEP_JSON_KEY;
}

enum seep_json_token seep_json_in_next(struct seep_json_in *in)
{
    if (in->failed)
        return SEEP_JSON_BROKEN;
    bool after = in->after_value, object = in->depth && in->is_object & 1;
    skip_blanks(in);
    if (in->done)
        return in->pos == in->view.len ? SEEP_JSON_END
                                       : broken(in, "something follows the document");
    if (in->pos >= in->view.len)
        return broken(in, in->pos ? "the document is cut off" : "the document is empty");
    uint8_t c = in->view.data[in->pos];
    // The value of a key cannot be left out; elements and members end with their container.
    bool may_close = in->depth && !(object && in->wants_value);
    if (may_close && c == (object ? '}' : ']')) {
        enum seep_json_token token = close(in);
        in->done = in->depth == 0;
        return token;
    }
    if (after) {
        if (c != ',')
            return broken(in, "a comma is missing");
        in->pos++;
        skip_blanks(in);
        if (in->pos >= in->view.len)
            return broken(in, "the document is cut off");
        c = in->view.data[in->pos];
        in->after_value = false;
        if (c == '}' || c == ']')
            return broken(in, "something is missing after a comma");
    }
    if (object && !in->wants_value)
        return key(in);
    if (c == '{' || c == '[')
        return open(in, c == '{');
    enum seep_json_token token = scalar(in, c);
    in->after_value = true;
    in->wants_value = false;
    in->done = token != SEEP_JSON_BROKEN && in->depth == 0;
    return token;
}

void seep_json_in_leave(struct seep_json_in *in, unsigned depth)
{
    while (!in->failed && in->depth >= depth)
        (void)seep_json_in_next(in);
}

void seep_json_in_skip(struct seep_json_in *in)
{
    enum seep_json_token token = seep_json_in_next(in);
    if (token == SEEP_JSON_OBJECT || token == SEEP_JSON_ARRAY)
        seep_json_in_leave(in, in->depth);
}

bool seep_json_in_key(struct seep_json_in *in)
{
    return seep_json_in_next(in) == SEEP_JSON_KEY;
}

// Takes the next value if it is of that kind, else reads over it.
static bool expect(struct seep_json_in *in, enum seep_json_token wanted)
{
    enum seep_json_token token = seep_json_in_next(in);
    if (token == wanted)
        return true;
    if (token == SEEP_JSON_OBJECT || token == SEEP_JSON_ARRAY)
        seep_json_in_leave(in, in->depth);
    return false;
}

bool seep_json_in_object(struct seep_json_in *in)
{
    return expect(in, SEEP_JSON_OBJECT);
}

bool seep_json_in_string(struct seep_json_in *in)
{
    return expect(in, SEEP_JSON_STRING);
}

static bool whole(const char *text, size_t len, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return len > 0;
}

bool seep_json_in_whole(struct seep_json_in *in, uint64_t *value)
{
    return expect(in, SEEP_JSON_NUMBER) && whole(in->text, in->text_len, value);
}

bool seep_json_in_signed(struct seep_json_in *in, int64_t *value)
{
    uint64_t size;
    if (!expect(in, SEEP_JSON_NUMBER))
        return false;
    bool negative = in->text[0] == '-';
    if (!whole(in->text + negative, in->text_len - negative, &size))
        return false;
    if (negative && size > (uint64_t)1 << 63)
        return false;
    // Values from 2^63 on are what an unsigned enumeration holds in the same bits.
    *value = (int64_t)(negative ? 0 - size : size);
    return true;
}

bool seep_json_in_is(const struct seep_json_in *in, const char *text)
{
    return strlen(text) == in->text_len && memcmp(in->text, text, in->text_len) == 0;
}
