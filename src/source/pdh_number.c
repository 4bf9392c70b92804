/* SPDX-License-Identifier: MIT
 * Decimal to double: Clinger's exact case, one exact 128-bit division, or strtod. */
#include "source/pdh_number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 19, TEXT_MAX = 1000, EXPONENT_MAX = 100000 };

/* 10^0 .. 10^22 are exact doubles. */
static const double exact_powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

struct decimal {
    uint64_t digits; /* the first DIGITS_MAX significant digits */
    int exponent;    /* value = digits * 10^exponent, when not truncated */
    bool negative;
    bool truncated; /* a digit other than 0 did not fit */
};

static bool scan_exponent(const char *s, const char *end, int *exponent)
{
    bool negative = false;
    int e = 0;

    if (s < end && (*s == '+' || *s == '-'))
        negative = *s++ == '-';
    if (s == end)
        return false;
    for (; s < end; s++) {
        if (*s < '0' || *s > '9')
            return false;
        if (e < EXPONENT_MAX)
            e = e * 10 + (*s - '0');
    }
    *exponent += negative ? -e : e;
    return true;
}

static bool scan(const char *s, const char *end, struct decimal *d)
{
    uint64_t digits = 0;
    int significant = 0, any = 0, exponent = 0;
    bool point = false, truncated = false;

    d->negative = false;
    if (s < end && (*s == '+' || *s == '-'))
        d->negative = *s++ == '-';
    for (; s < end; s++) {
        unsigned digit = (unsigned)(unsigned char)*s - '0';

        if (digit <= 9) {
            any = 1;
            if (significant < DIGITS_MAX) {
                digits = digits * 10 + digit;
                significant += digits != 0;
                exponent -= point;
            } else {
                truncated |= digit != 0;
                exponent += !point;
            }
        } else if (*s == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (!any)
        return false;
    if (s < end) {
        if (*s != 'e' && *s != 'E')
            return false;
        if (!scan_exponent(s + 1, end, &exponent))
            return false;
    }
    d->digits = digits;
    d->exponent = exponent;
    d->truncated = truncated;
    return true;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;

/* digits / 10^places, rounded once. Both are shifted so that their top bits are set; the quotient
 * of (digits << 63) by the divisor then has 63 or 64 bits, ten more than a double keeps, and the
 * remainder tells whether anything lies below them. */
static double divide_exact(uint64_t digits, int places)
{
    static const uint64_t powers[] = { 1u,
                                       10u,
                                       100u,
                                       1000u,
                                       10000u,
                                       100000u,
                                       1000000u,
                                       10000000u,
                                       100000000u,
                                       1000000000u,
                                       10000000000u,
                                       100000000000u,
                                       1000000000000u,
                                       10000000000000u,
                                       100000000000000u,
                                       1000000000000000u,
                                       10000000000000000u,
                                       100000000000000000u,
                                       1000000000000000000u,
                                       10000000000000000000u };
    uint64_t divisor = powers[places];
    int up = __builtin_clzll(digits), down = __builtin_clzll(divisor);
    uint64_t quotient, low, bits;
    double value, scale;
    int drop, power;

    divisor <<= down;
    quotient = (uint64_t)(((u128)(digits << up) << 63) / divisor);
    drop = 11 - __builtin_clzll(quotient);
    low = quotient & ((UINT64_C(1) << drop) - 1);
    /* The remainder is below 2^64, so its low half tells whether it is 0. The lowest bit of `low`
     * is far below the half that it is compared with, so it can stand for all that was cut off. */
    if (quotient * divisor != (digits << up) << 63)
        low |= 1;
    quotient >>= drop;
    bits = UINT64_C(1) << (drop - 1);
    if (low > bits || (low == bits && (quotient & 1) != 0))
        quotient++;
    value = (double)quotient;
    power = down - up - 63 + drop;
    bits = (uint64_t)(power + 1023) << 52;
    memcpy(&scale, &bits, sizeof scale);
    return value * scale;
}
#endif

static bool convert_slow(const char *text, size_t length, double *value)
{
    char copy[TEXT_MAX + 1];
    char *end;
    double v;

    memcpy(copy, text, length);
    copy[length] = '\0';
    v = strtod(copy, &end);
    if (end != copy + length || !isfinite(v))
        return false;
    *value = v;
    return true;
}

bool seep_pdh_number(const char *text, size_t length, double *value)
{
    struct decimal d;
    double v;

    if (length > TEXT_MAX || !scan(text, text + length, &d))
        return false;
    if (d.digits == 0 && !d.truncated) {
        v = 0.0;
    } else if (d.exponent == 0 && !d.truncated) {
        v = (double)d.digits;
    } else if (d.digits >> 53 == 0 && d.exponent >= -22 && d.exponent <= 22 && !d.truncated) {
        v = (double)d.digits;
        v = d.exponent < 0 ? v / exact_powers[-d.exponent] : v * exact_powers[d.exponent];
#ifdef __SIZEOF_INT128__
    } else if (d.exponent < 0 && d.exponent >= -19 && !d.truncated) {
        v = divide_exact(d.digits, -d.exponent);
#endif
    } else {
        return convert_slow(text, length, value);
    }
    *value = d.negative ? -v : v;
    return true;
}
