// SPDX-License-Identifier: MIT
// What the tests of the .blg reader share.
#ifndef SEEP_SOURCE_BLG_TEST_BLG_H
#define SEEP_SOURCE_BLG_TEST_BLG_H

#include "testkit.h"

extern const struct seep_source seep_source_blg;

// The bytes of a synthetic case; fails the test when it is not there.
struct seep_buf blg_case(const char *name);

// A case, read: the facts as text. The status must be SEEP_OK.
struct testkit_sink blg_facts(const char *name);

// Runs the tests of damaged logs; the number that failed.
int blg_run_hostile_tests(void);

#endif
