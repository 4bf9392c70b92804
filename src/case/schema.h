// SPDX-License-Identifier: MIT
// The schema of a case as SQL text (schema.sql), and the numbers that mark a file as a case.
#ifndef SEEP_CASE_SCHEMA_H
#define SEEP_CASE_SCHEMA_H

enum {
    SEEP_CASE_APPLICATION_ID = 0x73656570, // "seep"
    SEEP_CASE_VERSION = 5,                 // `user_version`; see migrate.c
};

extern const char seep_case_schema[];

#endif
