// SPDX-License-Identifier: MIT
// The lines of poolmon's screens and snapshots, one at a time. The facts: note.md.
#include "source/poolmon/rows.h"

#include "model/pool.h"

#include <string.h>

enum {
    MOST_BEFORE_TYPE = 24, // bytes: a tag of four characters and blanks
    MANY_NUMBERS = 4,      // in a line that was a row
};

// A place in a line. What does not match leaves it where it is.
struct at {
    const char *p, *end;
};

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline void skip_blanks(struct at *at)
{
    while (at->p < at->end && is_blank(*at->p))
        at->p++;
}

static bool take_char(struct at *at, char c)
{
    if (at->p == at->end || *at->p != c)
        return false;
    at->p++;
    return true;
}

static bool take_word(struct at *at, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(at->end - at->p) < n || memcmp(at->p, word, n) != 0)
        return false;
    at->p += n;
    return true;
}

// Digits up to what is none; false where there are none or too many for 64 bits.
static inline bool take_digits(struct at *at, uint64_t *value)
{
    const char *p = at->p;
    uint64_t v = 0;
    for (; p < at->end && is_digit(*p); p++) {
        if (v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    if (p == at->p)
        return false;
    at->p = p;
    *value = v;
    return true;
}

// Blanks, a number, and then nothing that belongs to a longer word.
static inline bool take_number(struct at *at, uint64_t *value)
{
    struct at next = *at;
    skip_blanks(&next);
    if (!take_digits(&next, value) || (next.p < next.end && !is_blank(*next.p) && *next.p != '('))
        return false;
    at->p = next.p;
    return true;
}

// A change in parentheses, which only screens have. False where it is not whole.
static inline bool take_change(struct at *at)
{
    struct at next = *at;
    uint64_t value;
    skip_blanks(&next);
    if (!take_char(&next, '('))
        return true;
    skip_blanks(&next);
    if (!take_char(&next, '-'))
        (void)take_char(&next, '+');
    if (!take_digits(&next, &value))
        return false;
    skip_blanks(&next);
    if (!take_char(&next, ')'))
        return false;
    at->p = next.p;
    return true;
}

// Whether Diff is what the two counts say. Both may have begun again at 2^32, and Diff may be shown
// as a negative number then.
static bool diff_fits(const struct poolmon_row *row, uint64_t diff)
{
    uint64_t is = row->allocs - row->frees;
    return is == diff || (uint32_t)is == (uint32_t)diff;
}

static uint64_t each_of(const struct poolmon_row *row)
{
    uint64_t diff = row->allocs - row->frees;
    if (row->allocs <= UINT32_MAX && row->frees <= UINT32_MAX)
        diff = (uint32_t)diff;
    return diff ? row->bytes / diff : 0;
}

// What stands in the column Mapped_Driver: text in brackets, cut where the screen ended, or the
// words "Unknown Driver".
static void take_driver(struct at at, struct poolmon_row *row)
{
    skip_blanks(&at);
    while (at.end > at.p && is_blank(at.end[-1]))
        at.end--;
    // One of several: "[ipsec][ipsec.sys - event queue]".
    const char *open = NULL;
    for (const char *p = at.p; p < at.end; p++)
        open = *p == '[' ? p : open;
    if (at.p == at.end || *at.p != '[' || !open)
        return;
    at.p = open + 1;
    if (at.end > at.p && at.end[-1] == ']')
        at.end--;
    skip_blanks(&at);
    row->driver = at.p < at.end ? at.p : NULL;
    row->driver_len = (size_t)(at.end - at.p);
}

// What follows the type.
static bool take_numbers(struct at at, struct poolmon_row *row)
{
    uint64_t diff, each;
    if (!take_number(&at, &row->allocs) || !take_change(&at) || !take_number(&at, &row->frees) ||
        !take_change(&at))
        return false;
    skip_blanks(&at);
    bool negative = take_char(&at, '-');
    if (!take_number(&at, &diff) || !diff_fits(row, negative ? 0 - diff : diff) ||
        !take_number(&at, &row->bytes) || !take_change(&at) || !take_number(&at, &each))
        return false;
    struct at rest = at;
    skip_blanks(&rest);
    row->consistent = rest.p < rest.end || each == each_of(row);
    row->driver = NULL;
    row->driver_len = 0;
    if (rest.p < rest.end && is_digit(*rest.p))
        return false;
    take_driver(at, row);
    return true;
}

// The length of the pool's type at `text`, with which a word ends; 0 = none.
static inline size_t type_at(const char *text, size_t len, bool *paged)
{
    if (len > 4 && memcmp(text, "Nonp", 4) == 0 && is_blank(text[4])) {
        *paged = false;
        return 4;
    }
    if (len > 5 && memcmp(text, "Paged", 5) == 0 && is_blank(text[5])) {
        *paged = true;
        return 5;
    }
    return 0;
}

// Bytes that UTF-8 text of one character has at `text`, 1 where it is something else.
static size_t character(const char *text, size_t len)
{
    unsigned char c = (unsigned char)*text;
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
    if (n > len)
        return 1;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 1;
    }
    return n;
}

// The tag in the text before the type: four characters after the blank at the margin, or without
// it. What was moved is trimmed.
static bool take_tag(const char *text, size_t len, char tag[POOLMON_TAG])
{
    char shown[MOST_BEFORE_TYPE];
    size_t n = 0, from = 0;
    for (size_t i = 0, size; i < len; i += size) {
        size = character(text + i, len - i);
        shown[n++] = size > 1 ? '\xff' : text[i];
    }
    bool in_columns = (n == 6 && shown[0] == ' ' && shown[5] == ' ') || n == 5;
    from = in_columns && n == 6;
    n = in_columns ? from + POOLMON_TAG : n;
    while (!in_columns && n > from && is_blank(shown[n - 1]))
        n--;
    while (!in_columns && from < n && is_blank(shown[from]))
        from++;
    if (n == from || n - from > POOLMON_TAG)
        return false;
    memset(tag, ' ', POOLMON_TAG);
    memcpy(tag, shown + from, n - from);
    return true;
}

static inline bool row_at(const char *text, size_t len, size_t type, struct poolmon_row *row)
{
    struct poolmon_row r = { 0 };
    size_t type_len = type < len ? type_at(text + type, len - type, &r.paged) : 0;
    if (!type_len || !is_blank(text[type - 1]) ||
        !take_numbers((struct at){ text + type + type_len, text + len }, &r) ||
        !take_tag(text, type, r.tag))
        return false;
    *row = r;
    return true;
}

bool poolmon_row(const char *text, size_t len, struct poolmon_row *row)
{
    if (row_at(text, len, 6, row) || row_at(text, len, 5, row))
        return true;
    for (size_t i = 2; i < len && i <= MOST_BEFORE_TYPE; i++) {
        if ((text[i] == 'N' || text[i] == 'P') && row_at(text, len, i, row))
            return true;
    }
    return false;
}

// ---- PoolMonX

static bool take_cell_number(struct at *at, const char *unit, uint64_t *value)
{
    return take_digits(at, value) && take_word(at, unit) && take_char(at, ',');
}

bool poolmon_csv_row(const char *text, size_t len, struct poolmon_row *row)
{
    struct poolmon_row r = { .consistent = true };
    struct at at = { text, text + len };
    uint64_t diff, kib, each;
    size_t n = 0;
    char tag[POOLMON_TAG];
    memset(tag, ' ', sizeof tag);
    // The tag may hold a comma, too, and end early.
    for (;; n++) {
        struct at next = at;
        r.paged = take_word(&next, ",Paged,");
        if (r.paged || take_word(&next, ",Non Paged,")) {
            at = next;
            break;
        }
        if (n == POOLMON_TAG || at.p == at.end)
            return false;
        size_t size = character(at.p, (size_t)(at.end - at.p));
        tag[n] = size > 1 ? '\xff' : *at.p;
        at.p += size;
    }
    memcpy(r.tag, tag, sizeof r.tag);
    if (!take_cell_number(&at, "", &r.allocs) || !take_cell_number(&at, "", &r.frees) ||
        !take_cell_number(&at, "", &diff) || !diff_fits(&r, diff) ||
        !take_cell_number(&at, "", &r.bytes) || !take_cell_number(&at, " KB", &kib) ||
        !take_cell_number(&at, "", &each) || r.bytes > UINT32_MAX || kib > UINT32_MAX)
        return false;
    // Only the low 32 bits of the bytes are shown; the KiB tell the rest.
    uint64_t about = kib << 10;
    r.bytes |= about & ~(uint64_t)UINT32_MAX;
    if (r.bytes > about + UINT32_MAX / 2 && r.bytes > UINT32_MAX)
        r.bytes -= (uint64_t)1 << 32;
    else if (about > r.bytes + UINT32_MAX / 2)
        r.bytes += (uint64_t)1 << 32;
    while (at.end > at.p && (is_blank(at.end[-1]) || at.end[-1] == ','))
        at.end--;
    r.driver = at.p < at.end ? at.p : NULL;
    r.driver_len = (size_t)(at.end - at.p);
    *row = r;
    return true;
}

// ---- the head

// The number of KiB behind a label, in bytes.
static bool take_kib(struct at *at, const char *label, uint64_t *bytes)
{
    size_t n = strlen(label);
    struct at next = *at;
    uint64_t kib;
    for (; (size_t)(next.end - next.p) >= n && memcmp(next.p, label, n) != 0;)
        next.p++;
    if (!take_word(&next, label))
        return false;
    skip_blanks(&next);
    if (!take_digits(&next, &kib) || !take_char(&next, 'K') || kib > UINT64_MAX >> 11)
        return false;
    *bytes = kib << 10;
    *at = next;
    return true;
}

bool poolmon_memory(const char *text, size_t len, struct poolmon_head *head)
{
    struct at at = { text, text + len };
    uint64_t memory, available;
    if (!take_kib(&at, "Memory:", &memory) || !take_kib(&at, "Avail:", &available))
        return false;
    head->memory = memory;
    head->available = available;
    return true;
}

bool poolmon_commit(const char *text, size_t len, struct poolmon_head *head)
{
    struct at at = { text, text + len };
    struct poolmon_head h = *head;
    if (!take_kib(&at, "Commit:", &h.commit) || !take_kib(&at, "Limit:", &h.limit) ||
        !take_kib(&at, "Peak:", &h.peak))
        return false;
    if (take_kib(&at, "Pool N:", &h.nonpaged))
        (void)take_kib(&at, "P:", &h.paged);
    *head = h;
    return true;
}

bool poolmon_title(const char *text, size_t len, uint32_t *session)
{
    struct at at = { text, text + len };
    uint64_t number = SEEP_NO_SESSION;
    while (at.end > at.p && is_blank(at.end[-1]))
        at.end--;
    skip_blanks(&at);
    if (take_word(&at, "All sessions")) {
        number = SEEP_ALL_SESSIONS;
    } else if (take_word(&at, "Session ")) {
        if (!take_digits(&at, &number) || number >= SEEP_ALL_SESSIONS)
            return false;
    } else if (!take_word(&at, "System")) {
        return false;
    }
    if (!take_word(&at, " pool information") || at.p != at.end)
        return false;
    *session = (uint32_t)number;
    return true;
}

bool poolmon_columns(const char *text, size_t len, bool *csv)
{
    static const char *const words[] = { "Tag", "Type", "Allocs", "Frees", "Diff", "Bytes" };
    struct at at = { text, text + len };
    bool commas = len > 3 && text[3] == ',';
    skip_blanks(&at);
    // As a page of the documentation has it: "## Tag   Type".
    while (take_char(&at, '#')) {
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (i && commas && !take_char(&at, ','))
            return false;
        if (!commas)
            skip_blanks(&at);
        if (!take_word(&at, words[i]))
            return false;
    }
    *csv = commas;
    return true;
}

bool poolmon_broken_row(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        bool paged,
            starts = i == 0 || is_blank(text[i - 1]) || text[i - 1] == '(' || text[i - 1] == ':';
        if (starts && is_digit(text[i]))
            n++;
        size_t type_len = starts ? type_at(text + i, len - i, &paged) : 0;
        if (type_len) {
            struct at at = { text + i + type_len, text + len };
            skip_blanks(&at);
            if (at.p == at.end || is_digit(*at.p))
                return true;
        }
        if (len - i >= 5 &&
            (memcmp(text + i, "Total", 5) == 0 || memcmp(text + i, "TOTAL", 5) == 0))
            return false; // what /e shows below the tags
    }
    return n >= MANY_NUMBERS;
}
