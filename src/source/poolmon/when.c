// SPDX-License-Identifier: MIT
// Dates and times that a script wrote before a snapshot, and those in a file's name. The facts:
// note.md.
#include "source/poolmon/when.h"

#include "base/time.h"

#include <string.h>

enum { MAX_LINE = 256 }; // bytes of a line that tells the time

struct at {
    const char *p, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static char peek(const struct at *at, size_t ahead)
{
    return (size_t)(at->end - at->p) > ahead ? at->p[ahead] : '\0';
}

static bool take_char(struct at *at, char c)
{
    if (peek(at, 0) != c || at->p == at->end)
        return false;
    at->p++;
    return true;
}

static void skip_blanks(struct at *at)
{
    while (peek(at, 0) == ' ' || peek(at, 0) == '\t')
        at->p++;
}

// A number of at most `most` digits (up to 9); how many it has, 0 = none or too many.
static int take_number(struct at *at, int most, int *value)
{
    int n = 0, v = 0;
    while (is_digit(peek(at, (size_t)n))) {
        if (n == most)
            return 0;
        v = v * 10 + (at->p[n++] - '0');
    }
    at->p += n;
    if (n)
        *value = v;
    return n;
}

// 1 = the first of the names, by its first three letters; 0 = none of them.
static int word_index(const struct at *at, const char *names, size_t *word_len)
{
    size_t len = 0;
    while (is_letter(peek(at, len)))
        len++;
    *word_len = len;
    for (int i = 0; len >= 3 && names[3 * i]; i++) {
        bool same = true;
        for (int k = 0; k < 3; k++)
            same = same && (at->p[k] | 0x20) == names[3 * i + k];
        if (same)
            return i + 1;
    }
    return 0;
}

static bool date_exists(int year, int month, int day)
{
    int64_t t_ns;
    return seep_time_from_civil(year, month, day, 0, 0, 0, 0, &t_ns);
}

static int weekday_of(int year, int month, int day)
{
    int64_t t_ns = 0;
    if (!seep_time_from_civil(year, month, day, 0, 0, 0, 0, &t_ns))
        return 0;
    int64_t days = t_ns / (86400 * SEEP_NS_PER_S) - (t_ns % (86400 * SEEP_NS_PER_S) < 0);
    return (int)(((days + 4) % 7 + 7) % 7) + 1; // 1970-01-01 was a Thursday
}

static void set_date(struct poolmon_when *when, int year, int month, int day)
{
    when->has_date = true;
    when->either = false;
    when->says = POOLMON_ORDER_UNKNOWN;
    when->year = year;
    when->month = month;
    when->day = day;
}

// 03/01/2026 or 03-01-2026: which is the day only some dates show. Dots are for the day first.
static bool set_either(struct poolmon_when *when, int first, int second, int year, bool dots)
{
    bool month_first = !dots && date_exists(year, first, second);
    bool day_first = date_exists(year, second, first);
    if (!month_first && !day_first)
        return false;
    set_date(when, year, month_first ? first : second, month_first ? second : first);
    when->either = month_first && day_first && first != second;
    if (!dots && first != second && !when->either)
        when->says = month_first ? POOLMON_MONTH_FIRST : POOLMON_DAY_FIRST;
    return true;
}

// Three numbers with the same sign between them, two digits at least for the year.
static bool take_date(struct at *at, struct poolmon_when *when)
{
    struct at next = *at;
    int a, b, c;
    int n = take_number(&next, 4, &a);
    char sign = peek(&next, 0);
    if ((n != 4 && n != 1 && n != 2) || (sign != '-' && sign != '.' && sign != '/'))
        return false;
    next.p++;
    int n_b = take_number(&next, 2, &b);
    if (!n_b || !take_char(&next, sign))
        return false;
    int n_c = take_number(&next, n == 4 ? 2 : 4, &c);
    if (n == 4 && n_c) {
        if (!date_exists(a, b, c))
            return false;
        set_date(when, a, b, c);
    } else if (n_c != 4 || !set_either(when, a, b, c, sign == '.')) {
        return false;
    }
    (void)(take_char(&next, 'T') || take_char(&next, 't'));
    at->p = next.p;
    return true;
}

static const char month_names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

// "March 1, 2026", with the month at `at`; or "1 March 2026", "01-Mar-2026" with the day there.
static bool take_worded_date(struct at *at, struct poolmon_when *when)
{
    struct at next = *at;
    int month, day = 0, year = 0;
    size_t len;
    bool day_first = is_digit(peek(&next, 0));
    if (day_first) {
        if (take_number(&next, 2, &day) == 0 || !(take_char(&next, '-') || peek(&next, 0) == ' '))
            return false;
        skip_blanks(&next);
    }
    month = word_index(&next, month_names, &len);
    if (!month || len > 9)
        return false;
    next.p += len;
    (void)(take_char(&next, '.') || take_char(&next, '-'));
    skip_blanks(&next);
    if (!day_first) {
        if (take_number(&next, 2, &day) == 0)
            return false;
        (void)take_char(&next, ',');
        skip_blanks(&next);
    }
    if (take_number(&next, 4, &year) != 4 || !date_exists(year, month, day))
        return false;
    set_date(when, year, month, day);
    at->p = next.p;
    return true;
}

static int take_fraction(struct at *at)
{
    int ns = 0, scale = 100000000;
    for (; is_digit(peek(at, 0)); at->p++, scale /= 10)
        ns += (at->p[0] - '0') * scale;
    return ns;
}

// AM or PM, in the ways that Windows writes them in English.
static bool take_half(struct at *at, int *hour)
{
    struct at next = *at;
    skip_blanks(&next);
    char half = (char)(peek(&next, 0) | 0x20);
    if ((half != 'a' && half != 'p') || (peek(&next, 1) | 0x20) != 'm' || is_letter(peek(&next, 2)))
        return true;
    if (*hour < 1 || *hour > 12)
        return false;
    *hour = *hour % 12 + (half == 'p' ? 12 : 0);
    at->p = next.p + 2;
    return true;
}

// `Z`, `+01:00` or ` +0100` right behind a time.
static void take_zone(struct at *at, struct poolmon_when *when)
{
    struct at next = *at;
    int hours, minutes = 0;
    if (take_char(&next, 'Z') || take_char(&next, 'z')) {
        if (is_letter(peek(&next, 0)))
            return;
        when->zone_minutes = 0;
    } else {
        skip_blanks(&next);
        int sign = peek(&next, 0) == '-' ? -1 : 1;
        if (!(take_char(&next, '+') || take_char(&next, '-')))
            return;
        int n = take_number(&next, 4, &hours);
        if (n == 2 && (!take_char(&next, ':') || take_number(&next, 2, &minutes) != 2))
            return;
        if (n == 4) {
            minutes = hours % 100;
            hours /= 100;
        }
        if ((n != 2 && n != 4) || hours > 14 || minutes > 59)
            return;
        when->zone_minutes = sign * (hours * 60 + minutes);
    }
    when->has_zone = true;
    at->p = next.p;
}

// `12:00`, `9:05:07.12`, `12:00:00 PM`, `12:00:00.1234567+01:00`
static bool take_time(struct at *at, struct poolmon_when *when)
{
    struct at next = *at;
    int hour, minute, second = 0, ns = 0;
    if (take_number(&next, 2, &hour) == 0 || !take_char(&next, ':') ||
        take_number(&next, 2, &minute) != 2)
        return false;
    if (peek(&next, 0) == ':' && is_digit(peek(&next, 1))) {
        next.p++;
        if (take_number(&next, 2, &second) != 2)
            return false;
        if ((peek(&next, 0) == '.' || peek(&next, 0) == ',') && is_digit(peek(&next, 1))) {
            next.p++;
            ns = take_fraction(&next);
        }
    }
    if (is_digit(peek(&next, 0)) || peek(&next, 0) == ':' || !take_half(&next, &hour) ||
        hour > 23 || minute > 59 || second > 59)
        return false;
    when->has_time = true;
    when->has_zone = false;
    when->hour = hour;
    when->minute = minute;
    when->second = second;
    when->nanosecond = ns;
    take_zone(&next, when);
    at->p = next.p;
    return true;
}

bool poolmon_when_add(struct poolmon_when *when, const char *text, size_t len)
{
    struct at at = { text, text + (len < MAX_LINE ? len : MAX_LINE) };
    struct poolmon_when w = *when;
    bool any = false;
    while (at.p < at.end) {
        size_t word = 0;
        if (is_digit(*at.p)) {
            if (take_date(&at, &w) || take_time(&at, &w) || take_worded_date(&at, &w)) {
                any = true;
                continue;
            }
            // What belongs to a number that is none of these is none of these, either.
            while (at.p < at.end && (is_digit(*at.p) || *at.p == '.' || *at.p == ':' ||
                                     *at.p == '/' || *at.p == '-' || *at.p == ','))
                at.p++;
        } else if (is_letter(*at.p)) {
            int day = word_index(&at, "sunmontuewedthufrisat", &word);
            if (take_worded_date(&at, &w)) {
                any = true;
                continue;
            }
            if (day && (word == 3 || (word > 5 && memcmp(at.p + word - 3, "day", 3) == 0)))
                w.weekday = day;
            at.p += word;
            while (is_digit(peek(&at, 0))) // "x64" is no number
                at.p++;
        } else {
            at.p++;
        }
    }
    if (any)
        *when = w;
    return any;
}

bool poolmon_when_time(const struct poolmon_when *when, enum poolmon_order order, int64_t *t_ns)
{
    int month = when->month, day = when->day;
    int64_t t;
    if (!when->has_date || !when->has_time)
        return false;
    if (when->either) {
        bool fits = when->weekday && weekday_of(when->year, month, day) == when->weekday;
        bool other = when->weekday && weekday_of(when->year, day, month) == when->weekday;
        if (fits != other)
            order = fits ? POOLMON_MONTH_FIRST : POOLMON_DAY_FIRST;
        if (order == POOLMON_ORDER_UNKNOWN)
            return false;
        if (order == POOLMON_DAY_FIRST) {
            month = when->day;
            day = when->month;
        }
    }
    if (!seep_time_from_civil(when->year, month, day, when->hour, when->minute, when->second,
                              when->nanosecond, &t))
        return false;
    *t_ns = seep_time_clamp(t - (int64_t)when->zone_minutes * 60 * SEEP_NS_PER_S *
                                    (when->has_zone ? 1 : 0));
    return true;
}

// Two digits, after a sign between them or none.
static bool take_pair(struct at *at, const char *signs, int *value)
{
    struct at next = *at;
    if (!is_digit(peek(&next, 0)) && peek(&next, 0) && strchr(signs, peek(&next, 0)))
        next.p++;
    if (!is_digit(peek(&next, 0)) || !is_digit(peek(&next, 1)))
        return false;
    *value = (next.p[0] - '0') * 10 + (next.p[1] - '0');
    at->p = next.p + 2;
    return true;
}

static bool take_name(struct at *at, int64_t *t_ns)
{
    struct at next = *at;
    int high, low, month, day, hour, minute, second = 0;
    if (!take_pair(&next, "", &high) || !take_pair(&next, "", &low) ||
        !take_pair(&next, "-_.", &month) || !take_pair(&next, "-_.", &day) ||
        !take_pair(&next, "-_.T ", &hour) || !take_pair(&next, "-_.h", &minute))
        return false;
    struct at more = next;
    if (take_pair(&more, "-_.m", &second) && !is_digit(peek(&more, 0)))
        next = more;
    else
        second = 0;
    return !is_digit(peek(&next, 0)) &&
           seep_time_from_civil(high * 100 + low, month, day, hour, minute, second, 0, t_ns);
}

bool poolmon_when_named(const char *path, int64_t *t_ns)
{
    const char *name = path;
    for (const char *p = path; *p; p++)
        name = *p == '/' || *p == '\\' ? p + 1 : name;
    struct at at = { name, name + strlen(name) };
    for (; at.p < at.end; at.p++) {
        if (is_digit(*at.p) && (at.p == name || !is_digit(at.p[-1])) && take_name(&at, t_ns))
            return true;
    }
    return false;
}
