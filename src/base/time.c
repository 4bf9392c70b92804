// SPDX-License-Identifier: MIT
// Conversions between FILETIME, calendar time and nanoseconds since 1970.
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>

#define FILETIME_EPOCH INT64_C(116444736000000000) // 1970-01-01 in 100 ns since 1601-01-01

int64_t seep_time_clamp(int64_t t_ns)
{
    if (t_ns == SEEP_NO_TIME)
        return t_ns;
    return t_ns < SEEP_TIME_MIN ? SEEP_TIME_MIN : t_ns > SEEP_TIME_MAX ? SEEP_TIME_MAX : t_ns;
}

int64_t seep_time_from_filetime(uint64_t filetime)
{
    if (filetime == 0)
        return SEEP_NO_TIME;
    int64_t ticks = filetime > INT64_MAX ? INT64_MAX : (int64_t)filetime;
    ticks -= FILETIME_EPOCH;
    if (ticks > SEEP_TIME_MAX / 100)
        return SEEP_TIME_MAX;
    return ticks < SEEP_TIME_MIN / 100 ? SEEP_TIME_MIN : ticks * 100;
}

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, with years that start in
// March so that the leap day is the last of its year.
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int days_in_month(int year, int month)
{
    static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool seep_time_from_civil(int year, int month, int day, int hour, int minute, int second,
                          int nanosecond, int64_t *t_ns)
{
    if (year < 1900 || year > 2099 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month) || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 60 || nanosecond < 0 || nanosecond >= SEEP_NS_PER_S)
        return false;
    int64_t seconds =
        days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *t_ns = seconds * SEEP_NS_PER_S + nanosecond;
    return true;
}

void seep_time_format(int64_t t_ns, char text[SEEP_TIME_TEXT])
{
    int64_t seconds = t_ns / SEEP_NS_PER_S;
    int64_t fraction = t_ns % SEEP_NS_PER_S;
    if (fraction < 0) {
        fraction += SEEP_NS_PER_S;
        seconds--;
    }
    int64_t days = seconds / 86400;
    int64_t rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    // The inverse of days_from_civil.
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t day = doy - (153 * mp + 2) / 5 + 1;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    (void)snprintf(text, SEEP_TIME_TEXT,
                   "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64
                   ":%02" PRId64 ".%09" PRId64 "Z",
                   year, month, day, rest / 3600, rest / 60 % 60, rest % 60, fraction);
}

// Reads exactly `digits` decimal digits and moves past them.
static bool number(const char **text, int digits, int *value)
{
    int sum = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9')
            return false;
        sum = sum * 10 + (c - '0');
    }
    *text += digits;
    *value = sum;
    return true;
}

static bool separator(const char **text, char c)
{
    if (**text != c)
        return false;
    ++*text;
    return true;
}

static int fraction_ns(const char **text)
{
    int value = 0;
    int scale = 100000000;
    while (**text >= '0' && **text <= '9') {
        value += (**text - '0') * scale;
        scale /= 10;
        ++*text;
    }
    return value;
}

static bool zone_minutes(const char **text, int *minutes)
{
    *minutes = 0;
    if (**text == '\0' || separator(text, 'Z') || separator(text, 'z'))
        return true;
    int sign = **text == '-' ? -1 : 1;
    int hours, rest;
    if (!(separator(text, '+') || separator(text, '-')) || !number(text, 2, &hours))
        return false;
    (void)separator(text, ':');
    if (!number(text, 2, &rest) || hours > 23 || rest > 59)
        return false;
    *minutes = sign * (hours * 60 + rest);
    return true;
}

bool seep_time_parse(const char *text, int64_t *t_ns)
{
    int year, month, day;
    int hour = 0, minute = 0, second = 0, ns = 0, zone = 0;
    if (!number(&text, 4, &year) || !separator(&text, '-') || !number(&text, 2, &month) ||
        !separator(&text, '-') || !number(&text, 2, &day))
        return false;
    if (separator(&text, 'T') || separator(&text, 't') || separator(&text, ' ')) {
        if (!number(&text, 2, &hour) || !separator(&text, ':') || !number(&text, 2, &minute))
            return false;
        if (separator(&text, ':') && !number(&text, 2, &second))
            return false;
        if (separator(&text, '.'))
            ns = fraction_ns(&text);
        if (!zone_minutes(&text, &zone))
            return false;
    }
    int64_t utc;
    if (*text || !seep_time_from_civil(year, month, day, hour, minute, second, ns, &utc))
        return false;
    *t_ns = seep_time_clamp(utc - (int64_t)zone * 60 * SEEP_NS_PER_S);
    return true;
}
