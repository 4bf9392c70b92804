// SPDX-License-Identifier: MIT
// Numbers as people read them. Bytes are counted in 1,024s and labelled KB, MB, GB, as Task
// Manager, Process Explorer and Perfmon do (docs/GLOSSARY.md).
#include "report/report.h"

#include <math.h>
#include <string.h>

static const char *const byte_units[] = { "B", "KB", "MB", "GB", "TB", "PB", "EB" };

enum { N_BYTE_UNITS = sizeof byte_units / sizeof *byte_units };

// A positive number with three significant digits, or two where `coarse`, but all digits before the
// point: 1.23, 12.3, 123, 1234.
static void digits(double value, bool coarse, char text[SEEP_HUMAN_TEXT])
{
    int decimals = 0;
    if (value < (coarse ? 9.95 : 99.95))
        decimals = 1;
    if (!coarse && value < 9.995)
        decimals = 2;
    if (value >= 1e15)
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%.3g", value);
    else
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%.*f", decimals, value);
}

static void unsigned_bytes(double bytes, bool coarse, char text[SEEP_HUMAN_TEXT])
{
    int unit = 0;
    // From 1023.5 on the rounded text would say 1024 of the smaller unit.
    for (; unit + 1 < N_BYTE_UNITS && bytes >= 1023.5; unit++)
        bytes /= 1024;
    char number[SEEP_HUMAN_TEXT];
    if (unit == 0 && (bytes == floor(bytes) || bytes >= 9.95))
        (void)snprintf(number, sizeof number, "%.0f", bytes);
    else
        digits(bytes, coarse, number);
    (void)snprintf(text, SEEP_HUMAN_TEXT, "%.24s %s", number, byte_units[unit]);
}

void seep_human_bytes(double bytes, char text[SEEP_HUMAN_TEXT])
{
    if (!isfinite(bytes)) {
        (void)snprintf(text, SEEP_HUMAN_TEXT, "unknown");
        return;
    }
    char number[SEEP_HUMAN_TEXT];
    unsigned_bytes(fabs(bytes), false, number);
    (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.30s", bytes < 0 ? "-" : "", number);
}

void seep_human_value(double value, const char *unit, char text[SEEP_HUMAN_TEXT])
{
    char number[SEEP_HUMAN_TEXT];
    if (!isfinite(value)) {
        (void)snprintf(text, SEEP_HUMAN_TEXT, "unknown");
    } else if (unit && strcmp(unit, "bytes") == 0) {
        seep_human_bytes(value, text);
    } else if (unit && strcmp(unit, "ratio") == 0) {
        digits(fabs(value) * 100, true, number);
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.24s %%", value < 0 ? "-" : "", number);
    } else if (fabs(value) < 1e15 && (value == floor(value) || fabs(value) >= 1000)) {
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%.0f", value);
    } else {
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%.3g", value);
    }
}

// The time that a rate is counted over: the shortest of second, hour and day in which it is a
// number worth reading. Most leaks are slow, so the hour is the rule.
static const char *per(double per_second, double big_per_second, double small_per_hour,
                       double *seconds)
{
    if (per_second >= big_per_second) {
        *seconds = 1;
        return "s";
    }
    *seconds = per_second * 3600 >= small_per_hour ? 3600 : 86400;
    return *seconds == 3600 ? "h" : "d";
}

static void rate(double per_second, double like, const char *unit, bool coarse,
                 char text[SEEP_HUMAN_TEXT])
{
    if (!isfinite(per_second)) {
        (void)snprintf(text, SEEP_HUMAN_TEXT, "unknown");
        return;
    }
    bool bytes = unit && strcmp(unit, "bytes") == 0;
    bool ratio = unit && strcmp(unit, "ratio") == 0;
    double size = fabs(per_second) * (ratio ? 100 : 1);
    const char *sign = per_second < 0 ? "-" : per_second > 0 ? "+" : "";
    char number[SEEP_HUMAN_TEXT];
    double of = isfinite(like) ? fabs(like) * (ratio ? 100 : 1) : size, seconds;
    const char *over = bytes ? per(of, 1 << 20, 1024, &seconds) : per(of, 10, 1, &seconds);
    if (of == 0)
        over = "h";
    if (bytes)
        unsigned_bytes(size * seconds, coarse, number);
    else if (size == 0)
        (void)snprintf(number, sizeof number, "0");
    else
        digits(size * seconds, coarse, number);
    (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.24s%s/%s", sign, number, ratio ? " %" : "", over);
}

void seep_human_rate(double per_second, const char *unit, char text[SEEP_HUMAN_TEXT])
{
    rate(per_second, per_second, unit, true, text);
}

void seep_human_rate_like(double per_second, double like, bool fine, const char *unit,
                          char text[SEEP_HUMAN_TEXT])
{
    rate(per_second, like, unit, !fine, text);
}

void seep_human_duration(double seconds, char text[SEEP_HUMAN_TEXT])
{
    if (!isfinite(seconds)) {
        (void)snprintf(text, SEEP_HUMAN_TEXT, "unknown");
        return;
    }
    const char *sign = seconds < 0 ? "-" : "";
    double s = fabs(seconds);
    double minutes = round(s / 60), hours = round(s / 3600), days = round(s / 86400);
    if (s == 0 || (s >= 0.95 && s < 59.5))
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.0f s", sign, s);
    else if (s < 0.95)
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.2g s", sign, s);
    else if (minutes < 60)
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.0f min", sign, minutes);
    else if (minutes < 600 && fmod(minutes, 60) != 0)
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.0f h %.0f min", sign, floor(minutes / 60),
                       fmod(minutes, 60));
    else if (hours < 24)
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.0f h", sign, hours);
    else if (hours < 48 && hours != 24)
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%s1 d %.0f h", sign, hours - 24);
    else if (days < 730)
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.0f d", sign, days);
    else
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.3g years", sign, round(s / 86400 / 365.25));
}

void seep_human_duration_fine(double seconds, char text[SEEP_HUMAN_TEXT])
{
    // A unit, the next smaller one, and how many of the one make the other.
    static const struct {
        double below, unit;
        const char *name;
        double part;
        const char *part_name;
    } rows[] = { { 3600, 60, "min", 1, "s" },
                 { 86400, 3600, "h", 60, "min" },
                 { 730.0 * 86400, 86400, "d", 3600, "h" } };
    double s = fabs(seconds);
    if (!isfinite(seconds) || s < 59.5) {
        seep_human_duration(seconds, text);
        return;
    }
    const char *sign = seconds < 0 ? "-" : "";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double parts = round(s / rows[i].part), per_unit = rows[i].unit / rows[i].part;
        if (parts * rows[i].part >= rows[i].below)
            continue;
        double part = fmod(parts, per_unit);
        (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.0f %s", sign, floor(parts / per_unit),
                       rows[i].name);
        size_t len = strlen(text);
        if (part > 0)
            (void)snprintf(text + len, SEEP_HUMAN_TEXT - len, " %.0f %s", part, rows[i].part_name);
        return;
    }
    (void)snprintf(text, SEEP_HUMAN_TEXT, "%s%.1f years", sign, s / 86400 / 365.25);
}
