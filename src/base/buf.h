// SPDX-License-Identifier: MIT
// A growable byte buffer with a maximum.
//
// Appends after a failure do nothing; `failed` is asked once at the end. The bytes are always
// followed by a NUL that does not count. A zeroed struct is an empty buffer with the maximum
// SEEP_MAX_BUFFER.
#ifndef SEEP_BASE_BUF_H
#define SEEP_BASE_BUF_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct seep_buf {
    char *data; // NULL while empty: use seep_buf_text to read it as a string
    size_t len, capacity;
    size_t max; // bytes; 0 = SEEP_MAX_BUFFER
    bool failed;
};

void seep_buf_add(struct seep_buf *buf, const void *data, size_t len);
void seep_buf_adds(struct seep_buf *buf, const char *text);
void seep_buf_addc(struct seep_buf *buf, char c);
void seep_buf_addf(struct seep_buf *buf, const char *format, ...) SEEP_PRINTF(2, 3);

// The bytes as a NUL-terminated string, "" while empty.
const char *seep_buf_text(const struct seep_buf *buf);

// Forgets the bytes and the failure, keeps the storage.
void seep_buf_reset(struct seep_buf *buf);

void seep_buf_clear(struct seep_buf *buf);

#endif
