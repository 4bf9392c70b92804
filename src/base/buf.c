// SPDX-License-Identifier: MIT
// A growable byte buffer with a maximum.
#include "base/buf.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool reserve(struct seep_buf *buf, size_t len)
{
    size_t max = buf->max ? buf->max : SEEP_MAX_BUFFER;
    if (buf->failed || buf->len >= max || len > max - buf->len - 1 ||
        !seep_grow(&buf->data, &buf->capacity, buf->len + len + 1, 1)) {
        buf->failed = true;
        return false;
    }
    return true;
}

void seep_buf_add(struct seep_buf *buf, const void *data, size_t len)
{
    if (!reserve(buf, len))
        return;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void seep_buf_adds(struct seep_buf *buf, const char *text)
{
    seep_buf_add(buf, text, strlen(text));
}

void seep_buf_addc(struct seep_buf *buf, char c)
{
    seep_buf_add(buf, &c, 1);
}

void seep_buf_addf(struct seep_buf *buf, const char *format, ...)
{
    char room[256];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(room, sizeof room, format, args);
    if (len < 0) {
        buf->failed = true;
    } else if ((size_t)len < sizeof room) {
        seep_buf_add(buf, room, (size_t)len);
    } else if (reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

const char *seep_buf_text(const struct seep_buf *buf)
{
    return buf->data ? buf->data : "";
}

void seep_buf_reset(struct seep_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

void seep_buf_clear(struct seep_buf *buf)
{
    seep_free(buf->data);
    *buf = (struct seep_buf){ .max = buf->max };
}
