/* SPDX-License-Identifier: MIT
 * Exactly rounded conversion of decimal text, fast for what counter logs hold. */
#ifndef SEEP_SOURCE_PDH_NUMBER_H
#define SEEP_SOURCE_PDH_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Converts `text[0..length)`, which must be one decimal number and nothing else: an optional sign,
 * digits with an optional '.', an optional exponent. The result is the double nearest to it (ties
 * to even), as strtod gives in the C locale. False, with *value untouched, for anything else: no
 * digits, other characters, infinity and NaN in any spelling, more than 1,000 characters, or a
 * value that is too big for a double. */
bool seep_pdh_number(const char *text, size_t length, double *value);

#endif
