// SPDX-License-Identifier: MIT
// Decimal to double: Clinger's exact case, one exact 128-bit division, or strtod.
#include "source/pdh_number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 19, TEXT_MAX = 1000, EXPONENT_MAX = 100000 };

// 10^0 .. 10^22 are exact doubles.
static const double exact_powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

struct decimal {
    uint64_t digits; // the first DIGITS_MAX significant digits
    int exponent;    // value = digits * 10^exponent, unless `truncated`
    bool negative;
    bool truncated; // a digit other than 0 did not fit
};

static unsigned digit_at(const char *s)
{
    return (unsigned)(unsigned char)*s - '0';
}

// Adds the exponent at `s` (behind the 'e'); returns the byte behind it, NULL if there is none.
static const char *scan_exponent(const char *s, const char *end, int *exponent)
{
    bool negative = false;
    int e = 0;
    if (s < end && (*s == '+' || *s == '-'))
        negative = *s++ == '-';
    if (s == end || digit_at(s) > 9)
        return NULL;
    for (; s < end && digit_at(s) <= 9; s++) {
        if (e < EXPONENT_MAX)
            e = e * 10 + (int)digit_at(s);
    }
    *exponent += negative ? -e : e;
    return s;
}

static const char *scan(const char *s, const char *end, struct decimal *d)
{
    *d = (struct decimal){ 0 };
    if (s < end && (*s == '+' || *s == '-'))
        d->negative = *s++ == '-';
    const char *first = s;
    // What nearly all cells are: at most 19 digits in all.
    const char *limit = end - s > DIGITS_MAX ? s + DIGITS_MAX : end;
    uint64_t digits = 0;
    for (; s < limit && digit_at(s) <= 9; s++)
        digits = digits * 10 + digit_at(s);
    const char *point = NULL;
    if (s < limit && *s == '.') {
        point = s++;
        limit = end - first > DIGITS_MAX + 1 ? first + DIGITS_MAX + 1 : end;
        for (; s < limit && digit_at(s) <= 9; s++)
            digits = digits * 10 + digit_at(s);
    }
    if (s < end && (digit_at(s) <= 9 || (*s == '.' && !point))) {
        // Too many digits: start again, counting only those that matter.
        int significant = 0;
        digits = 0;
        point = NULL;
        d->exponent = 0;
        for (s = first; s < end; s++) {
            if (*s == '.' && !point) {
                point = s;
            } else if (digit_at(s) > 9) {
                break;
            } else if (significant < DIGITS_MAX) {
                digits = digits * 10 + digit_at(s);
                significant += digits != 0;
                d->exponent -= point != NULL && d->exponent > -EXPONENT_MAX;
            } else {
                d->truncated |= digit_at(s) != 0;
                d->exponent += !point && d->exponent < EXPONENT_MAX;
            }
        }
    } else if (point) {
        d->exponent = -(int)(s - point - 1);
    }
    if (s - first == (point != NULL))
        return NULL;
    d->digits = digits;
    if (s < end && (*s == 'e' || *s == 'E'))
        s = scan_exponent(s + 1, end, &d->exponent);
    return s;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;

// digits / 10^places, rounded once. Both are shifted so that their top bits are set; the quotient
// of (digits << 63) by the divisor then has 63 or 64 bits, ten more than a double keeps, and the
// remainder tells whether anything lies below them.
static double divide_exact(uint64_t digits, int places)
{
    static const uint64_t powers[] = {
        UINT64_C(1),
        UINT64_C(10),
        UINT64_C(100),
        UINT64_C(1000),
        UINT64_C(10000),
        UINT64_C(100000),
        UINT64_C(1000000),
        UINT64_C(10000000),
        UINT64_C(100000000),
        UINT64_C(1000000000),
        UINT64_C(10000000000),
        UINT64_C(100000000000),
        UINT64_C(1000000000000),
        UINT64_C(10000000000000),
        UINT64_C(100000000000000),
        UINT64_C(1000000000000000),
        UINT64_C(10000000000000000),
        UINT64_C(100000000000000000),
        UINT64_C(1000000000000000000),
        UINT64_C(10000000000000000000),
    };
    uint64_t divisor = powers[places];
    int up = __builtin_clzll(digits), down = __builtin_clzll(divisor);
    divisor <<= down;
    digits <<= up;
    uint64_t quotient = (uint64_t)(((u128)digits << 63) / divisor);
    int drop = 11 - __builtin_clzll(quotient);
    uint64_t low = quotient & ((UINT64_C(1) << drop) - 1);
    // The remainder is below 2^64, so its low half tells whether it is 0. The lowest bit of `low`
    // is far below the half that it is compared with, so it can stand for all that was cut off.
    if (quotient * divisor != digits << 63)
        low |= 1;
    uint64_t half = UINT64_C(1) << (drop - 1);
    quotient >>= drop;
    if (low > half || (low == half && (quotient & 1) != 0))
        quotient++;
    uint64_t bits = (uint64_t)(down - up - 63 + drop + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return (double)quotient * scale;
}
#endif

static bool convert_slow(const char *text, size_t length, double *value)
{
    char copy[TEXT_MAX + 1];
    char *end;
    if (length > TEXT_MAX)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    double v = strtod(copy, &end);
    if (end != copy + length || !(v - v == 0))
        return false;
    *value = v;
    return true;
}

const char *seep_pdh_number(const char *text, const char *end, double *value)
{
    struct decimal d;
    const char *behind = scan(text, end, &d);
    if (!behind)
        return NULL;
    double v;
    if (d.digits == 0) {
        v = 0.0;
    } else if (d.exponent == 0 && !d.truncated) {
        v = (double)d.digits;
    } else if (d.digits >> 53 == 0 && d.exponent >= -22 && d.exponent <= 22 && !d.truncated) {
        v = (double)d.digits;
        v = d.exponent < 0 ? v / exact_powers[-d.exponent] : v * exact_powers[d.exponent];
#ifdef __SIZEOF_INT128__
    } else if (d.exponent < 0 && d.exponent >= -19) {
        v = divide_exact(d.digits, -d.exponent);
        // With digits cut off, the number lies between this and the next; mostly both round alike.
        if (d.truncated && v != divide_exact(d.digits + 1, -d.exponent))
            return convert_slow(text, (size_t)(behind - text), value) ? behind : NULL;
#endif
    } else {
        return convert_slow(text, (size_t)(behind - text), value) ? behind : NULL;
    }
    *value = d.negative ? -v : v;
    return behind;
}
