// SPDX-License-Identifier: MIT
// Numbers into text, fast.
//
// A double is m * 2^-s with m below 2^53. From 1e-4 to 1e15, where its text has no exponent, s is
// at most 66 and m * 10^p fits into 128 bits for every p that gives up to 17 digits: the rounded
// digits are one exact product and one shift, and whether they read back is one exact comparison
// with half a unit in the last place of m. Outside of that range printf does it.
#include "base/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Writes the digits of `value`, at least `min_digits` of them. Returns the length.
static size_t put_digits(uint64_t value, int min_digits, char *out)
{
    char room[24];
    size_t at = sizeof room;
    for (int n = 0; value || n < min_digits; n++) {
        room[--at] = (char)('0' + value % 10);
        value /= 10;
    }
    memcpy(out, room + at, sizeof room - at);
    return sizeof room - at;
}

#ifdef __SIZEOF_INT128__

enum { MANTISSA_BITS = 53, MIN_DIGITS = 15, MAX_DIGITS = 17, MAX_POWER = 20 };

static unsigned __int128 power_of_ten(int p)
{
    unsigned __int128 power = 1;
    for (int i = 0; i < p; i++)
        power *= 10;
    return power;
}

// The nearest whole number to m * ten / 2^shift (ties to even), and whether the decimal that it
// stands for reads back as m / 2^shift.
static uint64_t scaled(uint64_t m, int shift, unsigned __int128 ten, bool *reads_back)
{
    unsigned __int128 exact = m * ten;
    unsigned __int128 half = (unsigned __int128)1 << (shift - 1);
    uint64_t digits = (uint64_t)(exact >> shift);
    unsigned __int128 rest = exact - ((unsigned __int128)digits << shift);
    if (rest > half || (rest == half && (digits & 1)))
        digits++;
    unsigned __int128 back = (unsigned __int128)digits << shift;
    unsigned __int128 error = back > exact ? back - exact : exact - back;
    // Below a power of two the doubles lie twice as close.
    unsigned ulps = back < exact && (m & (m - 1)) == 0 ? 4 : 2;
    *reads_back = error * ulps < ten || (error * ulps == ten && (m & 1) == 0);
    return digits;
}

// Writes digits / 10^p without zeros at its end.
static size_t put_fixed(uint64_t digits, int p, char *out)
{
    while (digits % 10 == 0 && p > 0) {
        digits /= 10;
        p--;
    }
    // Beyond 19 the power does not fit, and nothing stands before the point.
    uint64_t power = p < MAX_POWER ? (uint64_t)power_of_ten(p) : UINT64_MAX;
    size_t len = put_digits(digits / power, 1, out);
    if (p == 0)
        return len;
    out[len++] = '.';
    return len + put_digits(digits % power, p, out + len);
}

static bool put_exact(double value, char *out, size_t *len)
{
    if (!(value >= 1e-4 && value < 1e15))
        return false;
    int exponent;
    uint64_t m = (uint64_t)ldexp(frexp(value, &exponent), MANTISSA_BITS);
    int shift = MANTISSA_BITS - exponent;
    int before = 0; // digits before the point, or minus the zeros behind it
    double limit = 1;
    while (before < MIN_DIGITS && value >= limit) {
        limit *= 10;
        before++;
    }
    if (before == 0)
        before = value >= 0.1 ? 0 : value >= 0.01 ? -1 : value >= 0.001 ? -2 : -3;
    unsigned __int128 ten = power_of_ten(MIN_DIGITS - before);
    for (int n = MIN_DIGITS; n <= MAX_DIGITS; n++, ten *= 10) {
        bool reads_back;
        uint64_t digits = scaled(m, shift, ten, &reads_back);
        if (!reads_back)
            continue;
        *len = put_fixed(digits, n - before, out);
        return true;
    }
    return false;
}

#else

static bool put_exact(double value, char *out, size_t *len)
{
    (void)value;
    (void)out;
    (void)len;
    return false;
}

#endif

static size_t put_slow(double value, char *out)
{
    for (int digits = 15;; digits++) {
        int len = snprintf(out, SEEP_NUMBER_TEXT, "%.*g", digits, value);
        if (digits == 17 || strtod(out, NULL) == value)
            return (size_t)len;
    }
}

size_t seep_number_format(double value, char text[SEEP_NUMBER_TEXT])
{
    size_t sign = 0, len;
    double size = fabs(value);
    if (value < 0)
        text[sign++] = '-';
    if (size < 9.2e18 && size == (double)(uint64_t)size)
        len = sign + put_digits((uint64_t)size, 1, text + sign);
    else if (put_exact(size, text + sign, &len))
        len += sign;
    else
        len = put_slow(value, text);
    text[len] = '\0';
    return len;
}
