// SPDX-License-Identifier: MIT
// The symbol path, taken apart.
#include "symbols/path.h"

#include "base/alloc.h"

#include <string.h>
#include <strings.h>

static const char microsoft[] = "https://msdl.microsoft.com/download/symbols";

// A piece of the text, without blanks at its ends.
struct piece {
    const char *at;
    size_t len;
};

static struct piece trim(const char *at, size_t len)
{
    while (len && (*at == ' ' || *at == '\t')) {
        at++;
        len--;
    }
    while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    return (struct piece){ at, len };
}

static bool starts(struct piece p, const char *word)
{
    size_t len = strlen(word);
    return p.len >= len && strncasecmp(p.at, word, len) == 0;
}

// Whether it names something to be fetched: a word, "://". A drive letter has one character.
static bool is_url(struct piece p)
{
    size_t at = 0;
    while (at < p.len &&
           ((p.at[at] >= 'a' && p.at[at] <= 'z') || (p.at[at] >= 'A' && p.at[at] <= 'Z')))
        at++;
    return at > 1 && p.len - at >= 3 && memcmp(p.at + at, "://", 3) == 0;
}

// Adds a place; `p` empty = the user's own store.
static bool add(struct seep_symbol_path *path, struct piece p, enum seep_place_kind kind,
                bool cache, struct seep_err *err)
{
    const char *where = NULL;
    if (is_url(p)) {
        if (!starts(p, "http://") && !starts(p, "https://"))
            return seep_fail(err, SEEP_NO_OFFSET, "give http:// or https://",
                             "the symbol path names a server that seep cannot ask: '%.*s'",
                             (int)(p.len < 200 ? p.len : 200), p.at);
        if (cache)
            return seep_fail(err, SEEP_NO_OFFSET, "name a folder after cache*",
                             "the symbol path would keep files on a server");
        kind = SEEP_PLACE_SERVER;
        while (p.len && p.at[p.len - 1] == '/')
            p.len--;
    }
    if (p.len) {
        where = seep_arena_strndup(&path->arena, p.at, p.len);
        if (!where)
            return seep_fail_memory(err);
    }
    if (!seep_grow(&path->places, &path->capacity, path->n + 1, sizeof *path->places))
        return seep_fail_memory(err);
    path->places[path->n++] = (struct seep_place){
        .kind = kind, .where = where, .chain = path->n_elements, .cache = cache
    };
    return true;
}

// The stores of "srv*..." after its first '*'.
static bool add_chain(struct seep_symbol_path *path, struct piece rest, struct seep_err *err)
{
    size_t first = path->n;
    const struct piece own = { 0 };
    if (!rest.len)
        return add(path, own, SEEP_PLACE_STORE, false, err) &&
               add(path, (struct piece){ microsoft, strlen(microsoft) }, SEEP_PLACE_SERVER, false,
                   err);
    for (;;) {
        const char *star = memchr(rest.at, '*', rest.len);
        size_t len = star ? (size_t)(star - rest.at) : rest.len;
        struct piece store = trim(rest.at, len);
        // A server needs a store to keep its files in. An empty one is the user's own; at the end
        // of the element it is nothing.
        if (is_url(store) && path->n == first && !add(path, own, SEEP_PLACE_STORE, false, err))
            return false;
        if ((store.len || star) && !add(path, store, SEEP_PLACE_STORE, false, err))
            return false;
        if (!star)
            return true;
        rest.at += len + 1;
        rest.len -= len + 1;
    }
}

static bool add_element(struct seep_symbol_path *path, struct piece p, struct seep_err *err)
{
    const char *star = memchr(p.at, '*', p.len);
    path->n_elements++;
    if (!star)
        return is_url(p) ? add_chain(path, p, err) : add(path, p, SEEP_PLACE_FOLDER, false, err);
    struct piece word = { p.at, (size_t)(star - p.at) };
    struct piece rest = { star + 1, p.len - word.len - 1 };
    if (word.len == 3 && starts(word, "srv"))
        return add_chain(path, rest, err);
    if (word.len == 5 && starts(word, "cache") && !memchr(rest.at, '*', rest.len))
        return add(path, trim(rest.at, rest.len), SEEP_PLACE_STORE, true, err);
    if (word.len == 6 && starts(word, "symsrv")) {
        // The name of the DLL that would do the work.
        const char *next = memchr(rest.at, '*', rest.len);
        if (next && next != rest.at) {
            size_t len = (size_t)(next - rest.at) + 1;
            return add_chain(path, (struct piece){ rest.at + len, rest.len - len }, err);
        }
    }
    return seep_fail(err, SEEP_NO_OFFSET, "give folders, srv*STORE*URL, cache*STORE, parted by ';'",
                     "the symbol path has an element without sense: '%.*s'",
                     (int)(p.len < 200 ? p.len : 200), p.at);
}

bool seep_symbol_path_add(struct seep_symbol_path *path, const char *text, struct seep_err *err)
{
    for (;;) {
        size_t len = strcspn(text, ";");
        struct piece p = trim(text, len);
        // As a shell's quotes would have been: C:\"Program Files" is not written so.
        if (p.len >= 2 && p.at[0] == '"' && p.at[p.len - 1] == '"')
            p = trim(p.at + 1, p.len - 2);
        if (p.len && !add_element(path, p, err))
            return false;
        if (!text[len])
            return true;
        text += len + 1;
    }
}

void seep_symbol_path_clear(struct seep_symbol_path *path)
{
    seep_arena_clear(&path->arena);
    seep_free(path->places);
    *path = (struct seep_symbol_path){ 0 };
}

bool seep_symbol_path_keeps(const struct seep_symbol_path *path, size_t at, size_t found)
{
    const struct seep_place *place = &path->places[at];
    return at < found && place->kind == SEEP_PLACE_STORE &&
           (place->cache || place->chain == path->places[found].chain);
}

const char *seep_symbol_base_name(const char *path)
{
    const char *base = path;
    for (; *path; path++) {
        if (*path == '/' || *path == '\\')
            base = path + 1;
    }
    return base;
}

// Windows opens a device under these names, whatever follows the point: "Naming Files, Paths, and
// Namespaces", Windows documentation.
static bool is_device(const char *name)
{
    static const char *const devices[] = { "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$" };
    size_t len = strcspn(name, ".");
    while (len && name[len - 1] == ' ')
        len--;
    if (len >= 4 && (strncasecmp(name, "COM", 3) == 0 || strncasecmp(name, "LPT", 3) == 0)) {
        // a digit, or one of the superscripts 1 to 3
        bool superscript = len == 5 && name[3] == '\xc2' && strchr("\xb9\xb2\xb3", name[4]);
        if ((len == 4 && name[3] >= '0' && name[3] <= '9') || superscript)
            return true;
    }
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        if (strlen(devices[i]) == len && strncasecmp(name, devices[i], len) == 0)
            return true;
    }
    return false;
}

bool seep_symbol_name_safe(const char *name)
{
    enum { MAX_FILE_NAME = 200 }; // file systems take 255; there may follow an identity
    size_t len = strlen(name);
    if (!len || len > MAX_FILE_NAME || name[len - 1] == '.' || name[len - 1] == ' ')
        return false;
    // A store in two tiers has a folder of the first two characters, which must not be "..".
    if (name[0] == '.' && (name[1] == '.' || name[1] == ' '))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x20 || c == 0x7f || strchr("/\\:*?\"<>|", c))
            return false;
    }
    return !is_device(name);
}
