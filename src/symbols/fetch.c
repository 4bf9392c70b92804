// SPDX-License-Identifier: MIT
// Symbol servers: the layout of a store, over HTTP.
#include "symbols/store.h"

#include "base/alloc.h"
#include "os/os.h"

#include <string.h>

enum { TIMEOUT_MS = 30000 };
// Bytes of one file: the largest PDBs that servers hold have a few GiB.
#define MAX_FETCH ((uint64_t)16 << 30)

// What follows the server's address, for the path of a URL (RFC 3986).
static void add_escaped(struct seep_buf *url, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (; *text; text++) {
        if (strchr(plain, *text))
            seep_buf_addc(url, *text);
        else
            seep_buf_addf(url, "%%%02X", (unsigned char)*text);
    }
}

static void make_url(struct seep_buf *url, const struct seep_place *place,
                     const struct seep_store_query *query, const char *name)
{
    char tier[3] = { 0 };
    seep_buf_reset(url);
    seep_buf_addf(url, "%s/", place->where);
    if (place->two_tier) {
        memcpy(tier, query->file, strnlen(query->file, 2));
        add_escaped(url, tier);
        seep_buf_addc(url, '/');
    }
    add_escaped(url, query->file);
    seep_buf_addf(url, "/%s/", query->id);
    add_escaped(url, name);
}

// Where the bytes of a file go.
struct download {
    struct seep_store *store;
    const char *name;
    FILE *file;
};

static bool take(void *ctx, const void *data, size_t len)
{
    struct download *d = ctx;
    return fwrite(data, 1, len, d->file) == len;
}

static void progress(void *ctx, uint64_t done, uint64_t total)
{
    struct download *d = ctx;
    d->store->options->progress(d->store->options->ctx, d->name, done, total);
}

static bool take_nothing(void *ctx, const void *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    return true;
}

// The server is of no more use in this session.
static void give_up(struct seep_store *store, struct seep_place *place, const char *reason)
{
    place->skipped = true;
    store->n_unusable++;
    seep_store_say(store, "the symbol server %s cannot be used (%s): skipped", place->where,
                   reason);
}

// One request; what becomes of the server after it.
static bool get(struct seep_store *store, struct seep_place *place, const char *url,
                const struct seep_http_receiver *receiver)
{
    struct seep_err err = { 0 };
    switch (seep_http_get(store->http, url, receiver, &err)) {
    case SEEP_HTTP_OK:
        return true;
    case SEEP_HTTP_ABSENT:
        return false;
    case SEEP_HTTP_FORBIDDEN:
        if (!place->forbidden)
            seep_store_say(store, "the symbol server %s does not give some files (%s)",
                           place->where, err.what);
        place->forbidden = true;
        return false;
    case SEEP_HTTP_REFUSED:
        give_up(store, place, "what it sends cannot be written to disk");
        return false;
    case SEEP_HTTP_FAILED:
    case SEEP_HTTP_CANCELLED:
        give_up(store, place, err.what);
        return false;
    }
    return false;
}

// Makes ready to ask a server, once. It may have its files in two tiers: then it has index2.txt.
static bool prepare(struct seep_store *store, struct seep_place *place)
{
    const struct seep_symbols_options *options = store->options;
    struct seep_err err = { 0 };
    if (options->offline) {
        give_up(store, place, "seep is to stay offline");
        return false;
    }
    if (!store->http && !store->no_http) {
        struct seep_http_options http = {
            .timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS,
            .max_bytes = MAX_FETCH,
            .cancel = options->cancel,
        };
        store->http = seep_http_open(&http, &err);
        store->no_http = !store->http;
    }
    if (store->no_http) {
        give_up(store, place, err.what[0] ? err.what : "nothing here to fetch with");
        return false;
    }
    if (place->looked_at)
        return true;
    struct seep_buf url = { 0 };
    const struct seep_http_receiver nothing = { .take = take_nothing };
    place->looked_at = true;
    seep_buf_addf(&url, "%s/index2.txt", place->where);
    place->two_tier = !url.failed && get(store, place, url.data, &nothing);
    seep_buf_clear(&url);
    return !place->skipped;
}

// Fetches `name` into a store; its path in `*path`.
static bool fetch(struct seep_store *store, size_t at, const struct seep_store_query *query,
                  const char *name, struct seep_buf *path)
{
    struct seep_place *place = &store->path.places[at];
    struct seep_os_new_file file = { 0 };
    struct seep_buf url = { 0 };
    struct seep_err err = { 0 };
    if (!seep_store_begin(store, at, query, name, path, &file)) {
        give_up(store, place, "there is no store that could keep what it sends");
        return false;
    }
    make_url(&url, place, query, name);
    struct download d = { .store = store, .name = name, .file = file.file };
    const struct seep_http_receiver receiver = {
        .take = take, .progress = store->options->progress ? progress : NULL, .ctx = &d
    };
    bool ok = !url.failed && get(store, place, url.data, &receiver);
    if (ok && !seep_os_new_file_keep(&file, &err)) {
        give_up(store, place, err.what);
        ok = false;
    }
    seep_os_new_file_drop(&file);
    seep_buf_clear(&url);
    return ok;
}

// Whether all blocks of a PDB are there: not every server says how many bytes will come, and what
// is cut off would be kept for good (MSF: https://llvm.org/docs/PDB/MsfFile.html, "The
// Superblock").
static bool is_whole(const char *path)
{
    struct seep_os_map map;
    if (!seep_os_map(path, &map, NULL))
        return false;
    bool ok = true;
    if (seep_bytes_match(map.view, 0,
                         "Microsoft C/C++ MSF 7.00\r\n\x1a"
                         "DS\0\0\0",
                         32))
        ok = (uint64_t)seep_bytes_u32(map.view, 32) * seep_bytes_u32(map.view, 40) <= map.view.len;
    seep_os_unmap(&map);
    return ok;
}

bool seep_store_fetch(struct seep_store *store, size_t at, const struct seep_store_query *query,
                      struct seep_buf *path)
{
    struct seep_place *place = &store->path.places[at];
    struct seep_buf packed = { 0 }, packed_path = { 0 };
    if (!prepare(store, place))
        return false;
    bool ok = fetch(store, at, query, query->file, path);
    if (ok && !(is_whole(path->data) && query->accept(query->ctx, path->data, true))) {
        seep_store_say(store, "the symbol server %s sent a wrong or damaged %s: not used",
                       place->where, query->file);
        seep_os_remove(path->data);
        ok = false;
    } else if (!ok && !place->skipped && seep_store_packed_name(query->file, &packed)) {
        ok = fetch(store, at, query, packed.data, &packed_path);
        if (ok) {
            ok = seep_store_unpack(store, at, query, packed_path.data, path);
            if (!ok)
                seep_store_say(store, "the symbol server %s sent a wrong or damaged %s: not used",
                               place->where, packed.data);
            seep_os_remove(packed_path.data);
        }
    }
    seep_buf_clear(&packed);
    seep_buf_clear(&packed_path);
    return ok;
}
