// SPDX-License-Identifier: MIT
// Splitting counter paths: "\\HOST\Object(parent/instance#n)\Counter" (PDH, "Specifying a Counter
// Path").
//
// The syntax is ambiguous, because objects, instances and counters may all hold parentheses and
// instances may hold backslashes. The instance ends at the last ")\", starts at the parenthesis
// that matches, and is the whole rest of the name when its parentheses do not match.
#include "base/arena.h"
#include "source/perfmon.h"

#include <string.h>

#define NONE SIZE_MAX

static size_t find(struct seep_bytes text, size_t from, char c)
{
    if (from >= text.len)
        return NONE;
    const uint8_t *at = memchr(text.data + from, c, text.len - from);
    return at ? (size_t)(at - text.data) : NONE;
}

// The place of the last ")\" at or behind `from`.
static size_t last_close(struct seep_bytes text, size_t from)
{
    for (size_t i = text.len; i >= from + 2; i--) {
        if (text.data[i - 1] == '\\' && text.data[i - 2] == ')')
            return i - 2;
    }
    return NONE;
}

// The parenthesis that the one at `close` matches, not before `from`.
static size_t matching_open(struct seep_bytes text, size_t from, size_t close)
{
    size_t depth = 0;
    for (size_t i = close + 1; i > from; i--) {
        if (text.data[i - 1] == ')') {
            depth++;
        } else if (text.data[i - 1] == '(') {
            if (--depth == 0)
                return i - 1;
        }
    }
    return NONE;
}

// Whether every parenthesis in [from, to) has its partner there.
static bool balanced(struct seep_bytes text, size_t from, size_t to)
{
    size_t depth = 0;
    for (size_t i = from; i < to; i++) {
        if (text.data[i] == '(')
            depth++;
        else if (text.data[i] == ')' && depth-- == 0)
            return false;
    }
    return depth == 0;
}

static const char *copy(struct seep_arena *room, struct seep_bytes text, size_t from, size_t to)
{
    return seep_arena_strndup(room, (const char *)text.data + from, to - from);
}

bool seep_perfmon_split(struct seep_bytes path, struct seep_arena *room,
                        struct seep_perfmon_counter *counter)
{
    struct seep_perfmon_counter c = { .host = "", .parent = "", .instance = "" };
    size_t host_from = 0, host_to = 0, at = 0;
    if (path.len < 4 || path.data[0] != '\\')
        return false;
    if (path.data[1] == '\\') {
        host_from = 2;
        host_to = find(path, 2, '\\');
        if (host_to == NONE)
            return false;
        at = host_to;
    }
    at++; // behind the backslash in front of the object
    size_t object_to, counter_from, close = NONE, open = find(path, at, '(');
    size_t slash = find(path, at, '\\');
    if (slash == NONE)
        return false;
    if (open != NONE)
        close = last_close(path, open);
    if (close != NONE && (open < slash || close < slash)) {
        size_t first_open = open;
        open = matching_open(path, at, close);
        if (open == NONE || !balanced(path, at, open))
            open = first_open;
        object_to = open;
        counter_from = close + 2;
        size_t instance_from = open + 1;
        size_t parent_to = find(path, instance_from, '/');
        if (parent_to != NONE && parent_to < close) {
            c.parent = copy(room, path, instance_from, parent_to);
            instance_from = parent_to + 1;
        }
        c.instance = copy(room, path, instance_from, close);
    } else {
        object_to = slash;
        counter_from = slash + 1;
    }
    if (object_to == at || counter_from >= path.len)
        return false;
    c.host = copy(room, path, host_from, host_to);
    c.object = copy(room, path, at, object_to);
    c.counter = copy(room, path, counter_from, path.len);
    if (!c.host || !c.parent || !c.instance || !c.object || !c.counter)
        return false;
    *counter = c;
    return true;
}
