// SPDX-License-Identifier: MIT
// Exactly rounded conversion of decimal text, fast for what counter logs hold.
#ifndef SEEP_SOURCE_PDH_NUMBER_H
#define SEEP_SOURCE_PDH_NUMBER_H

// Reads the decimal number at the start of [text, end): an optional sign, digits with an optional
// '.', an optional exponent. The result is the double nearest to it (ties to even), as strtod gives
// in the C locale. Returns the byte behind the number, or NULL with *value untouched where there is
// none: no digits, infinity and NaN in any spelling, a number of more than 1,000 characters that is
// not exact in 19 digits, or a value too big for a double.
const char *seep_pdh_number(const char *text, const char *end, double *value);

#endif
