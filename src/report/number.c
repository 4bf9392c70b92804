// SPDX-License-Identifier: MIT
// Numbers into text, fast.
#include "report/number.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

// Writes the digits of `value`, at least `min_digits`. Returns the length.
static size_t put_digits(uint64_t value, int min_digits, char *out)
{
    char room[20];
    size_t at = sizeof room;
    for (int n = 0; value || n < min_digits; n++) {
        room[--at] = (char)('0' + value % 10);
        value /= 10;
    }
    memcpy(out, room + at, sizeof room - at);
    return sizeof room - at;
}

// A decimal of at most 15 digits is the only one of that length that reads back as its double. A
// quotient of two whole numbers below 2^53 is rounded exactly once, so `m / 10^k == value` shows
// that the digits of m are that decimal (Clinger 1990, read the other way).
static bool put_decimal(double value, char *out, size_t *len)
{
    double power = 1;
    if (!(value >= 1e-4 && value < 1e14))
        return false;
    for (int k = 1; k <= 12; k++) {
        power *= 10;
        double m = rint(value * power);
        if (m >= 1e15)
            return false;
        if (m / power != value)
            continue;
        uint64_t all = (uint64_t)m, scale = (uint64_t)power;
        size_t n = put_digits(all / scale, 1, out);
        out[n++] = '.';
        *len = n + put_digits(all % scale, k, out + n);
        return true;
    }
    return false;
}

size_t seep_number_put(double value, char *out)
{
    size_t sign = 0, len;
    double size = fabs(value);
    if (value < 0)
        out[sign++] = '-';
    if (size < 9.2e18 && size == (double)(uint64_t)size)
        return sign + put_digits((uint64_t)size, 1, out + sign);
    if (put_decimal(size, out + sign, &len))
        return sign + len;
    char text[SEEP_NUMBER_TEXT];
    len = seep_number_format(value, text);
    memcpy(out, text, len);
    return len;
}
