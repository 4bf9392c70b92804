// SPDX-License-Identifier: MIT
// Taking lines of UMDH's logs apart. The facts: note.md.
#include "source/umdh/rows.h"

#include "base/time.h"

#include <string.h>

// A place in a line. What does not match leaves it where it is.
struct at {
    const char *p, *end;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline void skip_blanks(struct at *at)
{
    while (at->p < at->end && (*at->p == ' ' || *at->p == '\t'))
        at->p++;
}

static bool at_end(struct at *at)
{
    skip_blanks(at);
    return at->p == at->end;
}

// Blanks, then `word`, in these letters.
static inline bool take(struct at *at, const char *word)
{
    struct at next = *at;
    skip_blanks(&next);
    for (; *word; word++, next.p++) {
        if (next.p == next.end || *next.p != *word)
            return false;
    }
    *at = next;
    return true;
}

static const uint8_t digit_of[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

// The digit's value plus 1; 0 = none of `base`.
static inline unsigned digit(char c, unsigned base)
{
    unsigned value = digit_of[(uint8_t)c];
    return value <= base ? value : 0;
}

// Digits up to what is none; false where there are none or too many for 64 bits.
static inline bool take_digits(struct at *at, unsigned base, uint64_t *value)
{
    const char *p = at->p;
    uint64_t v = 0;
    unsigned d;
    if (base == 16) {
        for (; p < at->end && (d = digit(*p, 16)) != 0; p++) {
            if (v >> 60)
                return false;
            v = v << 4 | (d - 1);
        }
    } else {
        for (; p < at->end && (d = digit(*p, 10)) != 0; p++) {
            if (v > (UINT64_MAX - 9) / 10)
                return false;
            v = v * 10 + (d - 1);
        }
    }
    if (p == at->p)
        return false;
    at->p = p;
    *value = v;
    return true;
}

static bool is_word(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

// Blanks, maybe "0x", digits, and then nothing that belongs to a longer word.
static bool take_number(struct at *at, unsigned base, uint64_t *value)
{
    struct at next = *at;
    skip_blanks(&next);
    if (next.end - next.p > 2 && next.p[0] == '0' && (next.p[1] | 32) == 'x') {
        next.p += 2;
        base = 16;
    }
    if (!take_digits(&next, base, value))
        return false;
    if (next.p < next.end && *next.p != ' ' && is_word(*next.p))
        return false;
    at->p = next.p;
    return true;
}

static bool take_id(struct at *at, struct umdh_id *id)
{
    struct at next = *at;
    if (!take(&next, "BackTrace"))
        return false;
    const char *digits = next.p;
    if (next.p < next.end && (*next.p == ' ' || *next.p == '\t'))
        return false;
    if (!take_number(&next, 16, &id->value) || (size_t)(next.p - digits) >= UMDH_ID_TEXT)
        return false;
    memcpy(id->text, digits, (size_t)(next.p - digits));
    id->text[next.p - digits] = '\0';
    at->p = next.p;
    return true;
}

bool umdh_block(const char *text, size_t len, unsigned base, struct umdh_block *block)
{
    struct at at = { text, text + len };
    struct umdh_block b;
    if (!take_number(&at, base, &b.bytes) || !take(&at, "bytes") || !take(&at, "+") ||
        !take_number(&at, base, &b.overhead_bytes) || !take(&at, "at") ||
        !take_number(&at, 16, &b.address) || !take(&at, "by") || !take_id(&at, &b.trace) ||
        !at_end(&at))
        return false;
    *block = b;
    return true;
}

bool umdh_blocks(const char *text, size_t len, struct umdh_blocks *blocks)
{
    struct at at = { text, text + len };
    struct umdh_blocks b = { 0 };
    uint64_t each, overhead = 0;
    const char *count;
    if (!take_number(&at, 16, &b.bytes) || !take(&at, "bytes") || !take(&at, "in"))
        return false;
    skip_blanks(&at);
    count = at.p;
    if (!take_number(&at, 16, &b.count) || !take(&at, "allocations") || !take(&at, "(@") ||
        !take_number(&at, 16, &each) || (take(&at, "+") && !take_number(&at, 16, &overhead)) ||
        !take(&at, ")") || !take(&at, "by") || !(take(&at, ":") || true) ||
        !take_id(&at, &b.trace) || !at_end(&at))
        return false;
    // A count without 0x was written with -d, and so was the size.
    if (at.end - count > 2 && lower(count[1]) != 'x') {
        struct at sizes = { text, text + len }, counts = { count, text + len };
        if (!take_number(&sizes, 10, &b.bytes) || !take_number(&counts, 10, &b.count))
            return false;
    }
    if (overhead && b.count > UINT64_MAX / overhead)
        return false;
    b.overhead_bytes = b.count * overhead;
    *blocks = b;
    return true;
}

bool umdh_change(const char *text, size_t len, unsigned base, struct umdh_change *change)
{
    struct at at = { text, text + len };
    struct umdh_change c = { .is_less = len && text[0] == '-' };
    if (!take(&at, c.is_less ? "-" : "+") || !take_number(&at, base, &c.delta) || !take(&at, "(") ||
        !take_number(&at, base, &c.now) || !take(&at, "-") || !take_number(&at, base, &c.old) ||
        !take(&at, ")"))
        return false;
    c.of_counts = take_id(&at, &c.trace);
    if (c.of_counts
            ? !take(&at, "allocations")
            : !take_number(&at, base, &c.count) || !take(&at, "allocs") || !take_id(&at, &c.trace))
        return false;
    if (!at_end(&at))
        return false;
    *change = c;
    return true;
}

bool umdh_change_adds_up(const struct umdh_change *c)
{
    return c->is_less ? c->old >= c->now && c->old - c->now == c->delta
                      : c->now >= c->old && c->now - c->old == c->delta;
}

bool umdh_total(const char *text, size_t len, unsigned base, struct umdh_total *total)
{
    struct at at = { text, text + len };
    struct umdh_total t = { 0 };
    if (!take(&at, "Total"))
        return false;
    t.is_less = take(&at, "decrease");
    if ((!t.is_less && !take(&at, "increase")) || !take(&at, "==") ||
        !take_number(&at, base, &t.bytes))
        return false;
    t.has_overhead = take(&at, "requested");
    if (t.has_overhead &&
        (!take(&at, "+") || !take_number(&at, base, &t.overhead_bytes) || !take(&at, "overhead") ||
         !take(&at, "=") || !take_number(&at, base, &t.sum_bytes)))
        return false;
    if (!at_end(&at))
        return false;
    *total = t;
    return true;
}

bool umdh_has(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; n <= len && i <= len - n; i++) {
        size_t k = 0;
        while (k < n && lower(text[i + k]) == word[k])
            k++;
        if (k == n)
            return true;
    }
    return false;
}

static bool take_char(struct at *at, char c)
{
    if (at->p == at->end || *at->p != c)
        return false;
    at->p++;
    return true;
}

// `2010-07-23 12:26`
static bool take_date(struct at *at, int64_t *t_ns)
{
    struct at next = *at;
    uint64_t field[5];
    static const char after[4] = { '-', '-', ' ', ':' };
    for (size_t i = 0; i < 5; i++) {
        if (i == 3)
            skip_blanks(&next);
        if ((i && i != 3 && !take_char(&next, after[i - 1])) ||
            !take_digits(&next, 10, &field[i]) || field[i] > 9999)
            return false;
    }
    if (!seep_time_from_civil((int)field[0], (int)field[1], (int)field[2], (int)field[3],
                              (int)field[4], 0, 0, t_ns))
        return false;
    at->p = next.p;
    return true;
}

bool umdh_head(const char *text, size_t len, struct umdh_head *head)
{
    struct at at = { text, text + len };
    struct umdh_head h = { .t_ns = SEEP_NO_TIME };
    if (!take(&at, "//") || !umdh_has(at.p, (size_t)(at.end - at.p), "umdh"))
        return false;
    // The words of the line may be in any language: a date, and what stands behind the first and
    // the last '='.
    bool dated = false;
    for (struct at from = at; from.p < from.end && !dated; from.p++) {
        struct at date = from;
        dated = from.p[-1] == ' ' && take_date(&date, &h.t_ns);
    }
    const char *first = memchr(at.p, '=', (size_t)(at.end - at.p));
    if (!first || !(dated || umdh_has(at.p, (size_t)(at.end - at.p), "pid=")))
        return false;
    const char *last = first;
    for (const char *p = first; p < at.end; p++)
        last = *p == '=' ? p : last;
    struct at pid = { last + 1, at.end };
    uint64_t value;
    h.has_pid = take_number(&pid, 10, &value) && value && value <= UINT32_MAX;
    h.pid = h.has_pid ? (uint32_t)value : 0;
    if (last > first) {
        const char *end = first + 1;
        while (end < last && *end != ' ')
            end++;
        h.machine = first + 1;
        h.machine_len = (size_t)(end - h.machine);
    }
    *head = h;
    return true;
}

bool umdh_module(const char *text, size_t len, struct umdh_module *module)
{
    struct at at = { text, text + len };
    struct umdh_module m;
    if (!take(&at, "//") || !take_number(&at, 16, &m.base) ||
        !take_number(&at, 16, &m.size_bytes) || at_end(&at) || m.size_bytes > UINT64_MAX - m.base)
        return false;
    while (at.end > at.p && (at.end[-1] == ' ' || at.end[-1] == '\t'))
        at.end--;
    m.path = at.p;
    m.path_len = (size_t)(at.end - at.p);
    *module = m;
    return true;
}

bool umdh_heap(const char *text, size_t len, uint64_t *heap)
{
    const char *sign = len && *text == '*' ? memchr(text, '@', len) : NULL;
    struct at at = { sign ? sign + 1 : text, text + len };
    return sign && take_number(&at, 16, heap);
}

bool umdh_frame(const char *text, size_t len, uint64_t *address, const char **name,
                size_t *name_len)
{
    struct at at = { text, text + len };
    uint64_t value = 0;
    bool indented = len && *text == '\t';
    skip_blanks(&at);
    while (at.end > at.p && (at.end[-1] == ' ' || at.end[-1] == '\t'))
        at.end--;
    if (at.p == at.end)
        return false;
    struct at number = at;
    if (take_number(&number, 16, &value) && number.p == number.end) {
        if ((!indented && at.p == text) || !value)
            return false; // what stands at the margin is no address
        *address = value;
        *name = at.p;
        *name_len = 0;
        return true;
    }
    const char *mark = memchr(at.p, '!', (size_t)(at.end - at.p));
    // A path ("D:\Symbols\...") is no frame, and neither is a line of words.
    if (!mark || mark == at.p || (at.end - at.p > 2 && at.p[1] == ':' && at.p[2] == '\\') ||
        umdh_has(at.p, (size_t)(mark - at.p), "backtrace"))
        return false;
    *address = 0;
    *name = at.p;
    *name_len = (size_t)(at.end - at.p);
    return true;
}

bool umdh_has_letters(const char *text, size_t len)
{
    const char *p = text, *end = text + len;
    while (p < end) {
        bool digits = true, letters = false;
        const char *word = p;
        for (; p < end && *p != ' ' && *p != '\t' && *p != '(' && *p != ')'; p++) {
            digits = digits && digit(*p, 16);
            letters = letters || lower(*p) >= 'a';
        }
        if ((size_t)(p - word) >= 9 && memcmp(word, "BackTrace", 9) == 0)
            return false;
        // "at" and what follows it is an address, hexadecimal always.
        if (p - word == 2 && memcmp(word, "at", 2) == 0)
            return false;
        if (p > word && digits && letters)
            return true;
        p++;
    }
    return false;
}
