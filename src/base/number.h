// SPDX-License-Identifier: MIT
// Numbers into text, exactly and fast.
#ifndef SEEP_BASE_NUMBER_H
#define SEEP_BASE_NUMBER_H

#include <stddef.h>

enum { SEEP_NUMBER_TEXT = 32 };

// The shortest decimal text that reads back as `value`; whole numbers below 2^63 have no fraction
// and no exponent. `value` must be finite. Returns the length without the NUL.
size_t seep_number_format(double value, char text[SEEP_NUMBER_TEXT]);

#endif
