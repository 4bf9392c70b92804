// SPDX-License-Identifier: MIT
// Names as people read them.
#include "symbols/readable.h"

#include "symbols/readable_internal.h"

#include <string.h>

struct seep_piece seep_piece_make(struct seep_reading_name *r, const char *format,
                                  const struct seep_piece *pieces)
{
    struct seep_piece made = seep_piece_begin(r);
    for (; *format && !r->failed; format++) {
        if (format[0] == '%' && format[1] == 'p') {
            seep_piece_copy(r, *pieces++);
            format++;
        } else {
            seep_piece_text(r, format, 1);
        }
    }
    return seep_piece_end(r, made);
}

// The name in "_name@4" and "@name@4", as x86 decorates __stdcall and __fastcall; 0 = it is none.
static size_t plain_length(const char *name)
{
    const char *at = name[0] == '_' || name[0] == '@' ? strchr(name + 1, '@') : NULL;
    if (!at || at == name + 1 || !at[1] || strspn(at + 1, "0123456789") != strlen(at + 1))
        return 0;
    return (size_t)(at - name) - 1;
}

bool seep_symbol_readable(const char *name, struct seep_buf *out)
{
    struct seep_reading_name r = { .p = name, .pool.max = SEEP_READABLE_POOL };
    struct seep_piece piece = { 0 };
    bool imported = strncmp(r.p, "__imp_", 6) == 0;
    if (imported)
        r.p += 6;
    size_t plain = plain_length(r.p);
    if (plain) {
        seep_piece_text(&r, r.p + 1, plain);
        piece.len = plain;
    } else if (r.p[0] == '?') {
        piece = seep_readable_msvc(&r);
    } else {
        // one more underscore on x86
        r.p += r.p[0] == '_' && r.p[1] == '_';
        if (r.p[0] == '_' && r.p[1] == 'Z')
            piece = seep_readable_itanium(&r);
    }
    bool understood = !r.failed && piece.len;
    if (understood) {
        seep_buf_adds(out, imported ? "__imp_" : "");
        seep_buf_add(out, r.pool.data + piece.at, piece.len);
    } else {
        seep_buf_adds(out, name);
    }
    seep_buf_clear(&r.pool);
    return understood;
}
