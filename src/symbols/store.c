// SPDX-License-Identifier: MIT
// Folders and stores on disk.
#include "symbols/store.h"

#include "base/alloc.h"
#include "os/os.h"
#include "symbols/expand.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

// The place that stands for the user's own store where the path does not name it.
#define OWN_STORE SIZE_MAX

void seep_store_say(struct seep_store *store, const char *format, ...)
{
    char line[SEEP_MAX_MESSAGE];
    store->n_said++;
    if (!store->options->say)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    seep_err_plain(line);
    store->options->say(store->options->ctx, line);
}

// The root folder of a store or folder; NULL where there is none.
static const char *root_of(const struct seep_store *store, size_t at)
{
    const char *where = at == OWN_STORE ? NULL : store->path.places[at].where;
    return where ? where : store->own.len ? store->own.data : NULL;
}

// Walks from `path` down the folders of `below`, parted by '/', in whatever case they are written.
static bool descend(struct seep_buf *path, const char *below)
{
    struct seep_buf name = { 0 };
    bool ok = true;
    while (ok && *below) {
        size_t len = strcspn(below, "/");
        seep_buf_reset(&name);
        seep_buf_add(&name, below, len);
        ok = !name.failed && seep_os_find_entry(path->data, seep_buf_text(&name), path);
        below += len + (below[len] == '/');
    }
    seep_buf_clear(&name);
    return ok;
}

// The entry `below` under `root`, in `path`.
static bool find_below(const char *root, const char *below, struct seep_buf *path)
{
    seep_buf_reset(path);
    seep_buf_adds(path, root);
    return !path->failed && path->len && descend(path, below);
}

// The same for a file: what is laid out as a store has folders of these names.
static bool find_file(const char *root, const char *below, struct seep_buf *path)
{
    struct seep_os_file_info info;
    return find_below(root, below, path) && seep_os_file_info(path->data, &info) && !info.folder;
}

static bool is_two_tier(const char *root)
{
    struct seep_buf path = { 0 };
    bool found = find_below(root, "index2.txt", &path);
    seep_buf_clear(&path);
    return found;
}

// "nt/ntdll.pdb/<id>" or "ntdll.pdb/<id>"
static void add_folder(struct seep_buf *path, bool two_tier, const struct seep_store_query *query)
{
    if (two_tier)
        seep_buf_addf(path, "%.2s/", query->file);
    seep_buf_addf(path, "%s/%s", query->file, query->id);
}

bool seep_store_packed_name(const char *file, struct seep_buf *name)
{
    const char *point = strrchr(file, '.');
    seep_buf_reset(name);
    seep_buf_adds(name, file);
    if (!point || !point[1] || name->failed)
        return false;
    name->data[name->len - 1] = '_';
    return true;
}

// Begins the file `name` in the query's folder of the store of place `at`. Where the store cannot
// be written, it is said once.
static bool begin_at(struct seep_store *store, size_t at, const struct seep_store_query *query,
                     const char *name, struct seep_buf *path, struct seep_os_new_file *file)
{
    bool *unwritable =
        at == OWN_STORE ? &store->own_unwritable : &store->path.places[at].unwritable;
    const char *root = root_of(store, at);
    struct seep_err err = { 0 };
    if (!root || *unwritable)
        return false;
    seep_buf_reset(path);
    seep_buf_addf(path, "%s/", root);
    add_folder(path, is_two_tier(root), query);
    bool ok = !path->failed && seep_os_make_folder(path->data, &err);
    seep_buf_addf(path, "/%s", name);
    ok = ok && !path->failed && seep_os_new_file_begin(path->data, file, &err);
    if (!ok)
        seep_store_say(store, "the symbol store %s %s: nothing is kept there", root,
                       err.what[0] ? err.what : "cannot be written (out of memory)");
    *unwritable = !ok;
    return ok;
}

bool seep_store_begin(struct seep_store *store, size_t found, const struct seep_store_query *query,
                      const char *name, struct seep_buf *path, struct seep_os_new_file *file)
{
    for (size_t at = found == OWN_STORE ? 0 : found; at-- > 0;) {
        if (seep_symbol_path_keeps(&store->path, at, found) &&
            begin_at(store, at, query, name, path, file))
            return true;
    }
    return begin_at(store, OWN_STORE, query, name, path, file);
}

static bool write_out(void *ctx, const void *data, size_t len)
{
    return fwrite(data, 1, len, ctx) == len;
}

// Copies a file into the store of place `at`. That it fails does no harm.
static void copy_to(struct seep_store *store, size_t at, const struct seep_store_query *query,
                    const char *from)
{
    struct seep_os_map map = { 0 };
    struct seep_os_new_file file = { 0 };
    struct seep_buf path = { 0 };
    struct seep_err err = { 0 };
    if (seep_os_map(from, &map, &err) && begin_at(store, at, query, query->file, &path, &file)) {
        bool ok = write_out(file.file, map.view.data, map.view.len) || !map.view.len;
        if (ok)
            (void)seep_os_new_file_keep(&file, &err);
        seep_os_new_file_drop(&file);
    }
    seep_os_unmap(&map);
    seep_buf_clear(&path);
}

// Has the stores left of the place where it was found keep the file.
static void keep(struct seep_store *store, size_t found, const struct seep_store_query *query,
                 const char *path)
{
    // What does in its place (an ISF file, a file named in the path) has no place in a store.
    if (!query->id || strcasecmp(seep_symbol_base_name(path), query->file) != 0)
        return;
    for (size_t at = 0; at < store->path.n; at++) {
        struct seep_buf kept = { 0 };
        const char *root = root_of(store, at);
        if (!root || !seep_symbol_path_keeps(&store->path, at, found))
            continue;
        seep_buf_addf(&kept, "%s/", root);
        add_folder(&kept, is_two_tier(root), query);
        seep_buf_addf(&kept, "/%s", query->file);
        if (!kept.failed && strcmp(kept.data, path) != 0 && !seep_os_same_file(kept.data, path))
            copy_to(store, at, query, path);
        seep_buf_clear(&kept);
    }
}

bool seep_store_unpack(struct seep_store *store, size_t found, const struct seep_store_query *query,
                       const char *from, struct seep_buf *path)
{
    struct seep_os_map map = { 0 };
    struct seep_os_new_file file = { 0 };
    struct seep_err err = { 0 };
    if (!query->id || !seep_os_map(from, &map, &err))
        return false;
    bool ok = seep_store_begin(store, found, query, query->file, path, &file);
    // A file of this identity that is there already stays: the packed one may be of another build.
    struct seep_os_file_info info;
    bool there = ok && seep_os_file_info(path->data, &info) && !info.folder &&
                 query->accept(query->ctx, path->data, true);
    if (there) {
        seep_os_new_file_drop(&file);
    } else if (ok) {
        struct seep_expand to = { .take = write_out, .ctx = file.file };
        ok = seep_cab_expand(map.view, &to, &err) && seep_os_new_file_keep(&file, &err);
        if (!ok)
            seep_store_say(store, "%s: %s: not used", from,
                           err.what[0] ? err.what : "cannot be unpacked (disk full?)");
        seep_os_new_file_drop(&file);
    }
    seep_os_unmap(&map);
    if (!ok)
        return false;
    if (there || query->accept(query->ctx, path->data, true))
        return true;
    seep_os_remove(path->data);
    return false;
}

// Follows "PATH:file", or just a path. A message ("MSG:text") is said.
static bool follow(struct seep_store *store, const struct seep_store_query *query,
                   struct seep_buf *path)
{
    enum { MAX_POINTER = 4096 };
    struct seep_os_map map;
    struct seep_err err = { 0 };
    if (!seep_os_map(path->data, &map, &err))
        return false;
    size_t len = map.view.len < MAX_POINTER ? map.view.len : 0;
    const char *text = (const char *)map.view.data;
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r' ||
                   text[len - 1] == '\n'))
        len--;
    bool message = len >= 4 && strncasecmp(text, "MSG:", 4) == 0;
    size_t prefix = message ? 4 : len >= 5 && strncasecmp(text, "PATH:", 5) == 0 ? 5 : 0;
    if (message)
        seep_store_say(store, "%s: the store says: %.*s", path->data, (int)(len - prefix),
                       text + prefix);
    bool ok = !message && len > prefix && !memchr(text, '\0', len);
    if (ok) {
        seep_buf_reset(path);
        seep_buf_add(path, text + prefix, len - prefix);
        ok = !path->failed;
    }
    seep_os_unmap(&map);
    return ok && query->accept(query->ctx, path->data, true);
}

// The compressed form of a file in `dir`.
static bool find_packed(const char *dir, const char *file, struct seep_buf *path)
{
    struct seep_buf name = { 0 };
    bool ok = seep_store_packed_name(file, &name) && find_file(dir, name.data, path);
    seep_buf_clear(&name);
    return ok;
}

// A folder `dir` in which the file lies, packed, or a pointer to it.
static bool search_leaf(struct seep_store *store, size_t at, const struct seep_store_query *query,
                        const char *dir, struct seep_buf *path)
{
    struct seep_buf packed = { 0 };
    bool ok = find_file(dir, query->file, path) && query->accept(query->ctx, path->data, true);
    if (!ok && find_packed(dir, query->file, &packed))
        ok = seep_store_unpack(store, at, query, packed.data, path);
    seep_buf_clear(&packed);
    return ok || (find_file(dir, "file.ptr", path) && follow(store, query, path));
}

// In the layout of a store below `root`.
static bool search_store(struct seep_store *store, size_t at, const struct seep_store_query *query,
                         const char *root, struct seep_buf *path)
{
    struct seep_buf below = { 0 }, dir = { 0 };
    bool ok = false, two_tier = at != OWN_STORE && store->path.places[at].two_tier;
    if (query->id) {
        add_folder(&below, two_tier, query);
        ok = !below.failed && find_below(root, below.data, &dir) &&
             search_leaf(store, at, query, dir.data, path);
    }
    seep_buf_clear(&below);
    seep_buf_clear(&dir);
    return ok;
}

// A folder with the files themselves, as Windows' debuggers search it.
static bool search_flat(struct seep_store *store, size_t at, const struct seep_store_query *query,
                        const char *root, struct seep_buf *path)
{
    static const char *const subfolders[] = { "symbols/", "" };
    struct seep_buf below = { 0 };
    bool ok = find_file(root, query->file, path) && query->accept(query->ctx, path->data, true);
    for (size_t i = 0; !ok && query->subfolder && i < 2; i++) {
        seep_buf_reset(&below);
        seep_buf_addf(&below, "%s%s/%s", subfolders[i], query->subfolder, query->file);
        ok = !below.failed && find_file(root, below.data, path) &&
             query->accept(query->ctx, path->data, true);
    }
    if (!ok && find_packed(root, query->file, &below))
        ok = seep_store_unpack(store, at, query, below.data, path);
    for (size_t i = 0; !ok && query->also && query->also[i]; i++)
        ok = find_file(root, query->also[i], path) && query->accept(query->ctx, path->data, true);
    seep_buf_clear(&below);
    return ok;
}

// Whether something to the right of this store may yet be kept in it, so that it need not exist.
static bool is_keeper(const struct seep_store *store, size_t at)
{
    for (size_t found = at + 1; found < store->path.n; found++) {
        if (seep_symbol_path_keeps(&store->path, at, found))
            return true;
    }
    return false;
}

// Finds out, once, whether a place on disk can be used.
static void look_at(struct seep_store *store, size_t at)
{
    struct seep_place *place = &store->path.places[at];
    struct seep_os_file_info info;
    const char *root = root_of(store, at), *reason = NULL;
    place->looked_at = true;
    if (!root)
        reason = "there is no folder for this user's symbols";
    else if (!seep_os_file_info(root, &info))
        reason = is_keeper(store, at) ? NULL : "no such folder";
    else if (!info.readable)
        reason = "access denied";
    else if (!info.folder && place->kind == SEEP_PLACE_STORE)
        reason = "not a folder";
    else
        place->two_tier = info.folder && is_two_tier(root);
    if (!reason)
        return;
    place->skipped = true;
    store->n_unusable++;
    seep_store_say(store, "%s in the symbol path cannot be used (%s): skipped",
                   root ? root : "the user's own store", reason);
}

static bool search_place(struct seep_store *store, size_t at, const struct seep_store_query *query,
                         struct seep_buf *path)
{
    struct seep_place *place = &store->path.places[at];
    if (place->kind == SEEP_PLACE_SERVER)
        return !place->skipped && query->id && seep_store_fetch(store, at, query, path);
    if (!place->looked_at)
        look_at(store, at);
    if (place->skipped)
        return false;
    const char *root = root_of(store, at);
    struct seep_os_file_info info;
    if (place->kind == SEEP_PLACE_FOLDER && seep_os_file_info(root, &info) && !info.folder) {
        seep_buf_reset(path);
        seep_buf_adds(path, root);
        bool named = strcasecmp(seep_symbol_base_name(root), query->file) == 0;
        return !path->failed && query->accept(query->ctx, path->data, named);
    }
    if (place->kind == SEEP_PLACE_FOLDER && search_flat(store, at, query, root, path))
        return true;
    return search_store(store, at, query, root, path);
}

bool seep_store_find(struct seep_store *store, const struct seep_store_query *query)
{
    struct seep_buf path = { 0 };
    bool ok = false;
    for (size_t i = 0; !ok && i < store->options->n_folders; i++)
        ok = search_flat(store, OWN_STORE, query, store->options->folders[i], &path);
    for (size_t at = 0; !ok && at < store->path.n; at++) {
        ok = search_place(store, at, query, &path);
        if (ok && !path.failed)
            keep(store, at, query, path.data);
    }
    seep_buf_clear(&path);
    return ok;
}

void seep_store_clear(struct seep_store *store)
{
    seep_symbol_path_clear(&store->path);
    seep_http_close(store->http);
    seep_buf_clear(&store->own);
    *store = (struct seep_store){ 0 };
}
