// SPDX-License-Identifier: MIT
// A session: one answer for each image, from whatever the symbol path gives.
#include "symbols/symbols.h"

#include "base/alloc.h"
#include "base/intern.h"
#include "base/log.h"
#include "os/files.h"
#include "os/os.h"
#include "symbols/cache.h"
#include "symbols/isf.h"
#include "symbols/match.h"
#include "symbols/pdb.h"
#include "symbols/pe.h"
#include "symbols/store.h"

#include <inttypes.h>
#include <string.h>

// What was found for one image.
struct entry {
    struct seep_symbol_file file;
    struct seep_symbol_table *table; // NULL = nothing was found
    struct seep_types *types;
    struct seep_os_map table_map; // of a cached table
    struct seep_buf path;
    struct seep_pdb_identity pdb; // that the file was accepted for; its name is unset
    bool is_pdb, types_tried;
    struct seep_err why, types_why;
};

// What a file that the path names directly is of, so that it is not read for each module.
struct direct {
    char *path;
    uint8_t guid[SEEP_GUID_BYTES];
    uint32_t age, info_age;
};

struct seep_symbols {
    struct seep_symbols_options options;
    struct seep_arena arena;
    struct seep_store store;
    struct seep_buf cache; // folder of ready tables; empty = none
    struct seep_intern keys;
    struct entry **entries; // entries[id - 1]
    size_t capacity;
    struct direct *direct;
    size_t n_direct, direct_capacity;
};

// One search.
struct search {
    struct seep_symbols *symbols;
    const struct seep_image_identity *image;
    struct seep_pdb_identity pdb; // that is looked for
    struct entry *entry;
    struct seep_buf other;  // what was found instead: one sentence, "" = nothing
    struct seep_buf binary; // the image itself, where it was found
    struct seep_pe *pe;     // and what it says
};

static bool set_folders(struct seep_symbols *symbols, const struct seep_symbols_options *options)
{
    const char **folders = seep_arena_alloc(&symbols->arena, options->n_folders, sizeof *folders);
    symbols->options.n_folders = 0;
    symbols->options.folders = folders;
    for (size_t i = 0; folders && i < options->n_folders; i++) {
        const char *name = options->folders[i];
        folders[i] = seep_arena_strndup(&symbols->arena, name, strlen(name));
        if (!folders[i])
            return false;
        symbols->options.n_folders++;
    }
    return folders || !options->n_folders;
}

struct seep_symbols *seep_symbols_open(const struct seep_symbols_options *options,
                                       struct seep_err *err)
{
    struct seep_symbols *symbols = seep_alloc(1, sizeof *symbols);
    if (!symbols) {
        (void)seep_fail_memory(err);
        return NULL;
    }
    symbols->options = *options;
    symbols->store.options = &symbols->options;
    if (!options->cache_folder)
        (void)seep_os_cache_folder(&symbols->cache);
    else
        seep_buf_adds(&symbols->cache, options->cache_folder);
    if (symbols->cache.len)
        seep_buf_addf(&symbols->store.own, "%s/symbols", symbols->cache.data);
    bool ok = set_folders(symbols, options) && !symbols->cache.failed && !symbols->store.own.failed;
    if (!ok)
        (void)seep_fail_memory(err);
    for (size_t i = 0; ok && i < options->n_paths; i++)
        ok = seep_symbol_path_add(&symbols->store.path, options->paths[i], err);
    symbols->options.paths = NULL;
    symbols->options.n_paths = 0;
    if (!ok) {
        seep_symbols_close(symbols);
        return NULL;
    }
    return symbols;
}

static void free_entry(struct entry *entry)
{
    if (!entry)
        return;
    seep_symbol_table_free(entry->table);
    seep_types_free(entry->types);
    seep_os_unmap(&entry->table_map);
    seep_buf_clear(&entry->path);
    seep_free(entry);
}

void seep_symbols_close(struct seep_symbols *symbols)
{
    if (!symbols)
        return;
    for (size_t i = 0; i < symbols->keys.count && i < symbols->capacity; i++)
        free_entry(symbols->entries[i]);
    for (size_t i = 0; i < symbols->n_direct; i++)
        seep_free(symbols->direct[i].path);
    seep_free(symbols->direct);
    seep_free(symbols->entries);
    seep_intern_clear(&symbols->keys);
    seep_store_clear(&symbols->store);
    seep_buf_clear(&symbols->cache);
    seep_arena_clear(&symbols->arena);
    seep_free(symbols);
}

// Keeps the first thing that was found instead.
static void note(struct search *search, const char *path, const char *what)
{
    if (!search->other.len)
        seep_buf_addf(&search->other, "%s %s", path, what);
}

static void note_other(struct search *search, const char *path, const uint8_t *guid, uint32_t age)
{
    char text[SEEP_GUID_TEXT], what[SEEP_GUID_TEXT + 64];
    seep_guid_text(guid, text);
    (void)snprintf(what, sizeof what, "is of another build (%s, age %" PRIu32 ")", text, age);
    note(search, path, what);
}

// Whether a file named in the path is known to be of another image.
static bool known_other(const struct search *search, const char *path)
{
    const struct seep_symbols *symbols = search->symbols;
    for (size_t i = 0; i < symbols->n_direct; i++) {
        const struct direct *d = &symbols->direct[i];
        if (strcmp(d->path, path) == 0)
            return !seep_symbols_match(&search->pdb, d->guid, d->age, d->info_age);
    }
    return false;
}

static void remember(struct seep_symbols *symbols, const char *path, const uint8_t *guid,
                     uint32_t age, uint32_t info_age)
{
    for (size_t i = 0; i < symbols->n_direct; i++) {
        if (strcmp(symbols->direct[i].path, path) == 0)
            return;
    }
    char *copy = seep_strndup(path, strlen(path));
    if (!copy || !seep_grow(&symbols->direct, &symbols->direct_capacity, symbols->n_direct + 1,
                            sizeof *symbols->direct)) {
        seep_free(copy);
        return; // it is read again then
    }
    struct direct *d = &symbols->direct[symbols->n_direct++];
    *d = (struct direct){ .path = copy, .age = age, .info_age = info_age };
    memcpy(d->guid, guid, sizeof d->guid);
}

// The table of a PDB: from the cache, or made and kept there.
static struct seep_symbol_table *pdb_table(struct search *search, const char *path,
                                           struct seep_pdb *pdb, struct seep_err *err)
{
    struct seep_symbols *symbols = search->symbols;
    struct seep_cache_key key = { .name = seep_symbol_base_name(path),
                                  .age = seep_pdb_info(pdb)->age };
    memcpy(key.guid, seep_pdb_info(pdb)->guid, sizeof key.guid);
    bool cached = symbols->cache.len && seep_symbol_name_safe(key.name) &&
                  seep_os_file_info(path, &key.source);
    struct seep_symbol_table *table =
        cached ? seep_cache_open(symbols->cache.data, &key, &search->entry->table_map) : NULL;
    if (table)
        return table;
    struct seep_symbol_builder *builder = seep_symbol_builder_new();
    if (!builder) {
        (void)seep_fail_memory(err);
        return NULL;
    }
    struct seep_err part = { 0 };
    enum seep_status status = seep_pdb_read_symbols(pdb, SEEP_PDB_ALL, builder, &part);
    if (status == SEEP_OK || status == SEEP_PARTIAL)
        table = seep_symbol_builder_finish(builder, err);
    else if (err)
        *err = part;
    seep_symbol_builder_free(builder);
    if (table && status == SEEP_PARTIAL)
        seep_store_say(&symbols->store, "%s was read only in part: %s", path, part.what);
    // What is partial is read again, so that it is said again.
    if (table && status == SEEP_OK && cached)
        seep_cache_keep(symbols->cache.data, &key, table);
    return table;
}

static bool take_pdb(struct search *search, const char *path, struct seep_bytes view, bool named)
{
    struct entry *entry = search->entry;
    struct seep_err err = { 0 };
    struct seep_pdb *pdb = seep_pdb_open(view, &err);
    if (!pdb) {
        note(search, path, err.what);
        return false;
    }
    const struct seep_pdb_info *info = seep_pdb_info(pdb);
    bool ok = seep_symbols_match(&search->pdb, info->guid, info->age, info->info_age);
    if (!ok && named)
        note_other(search, path, info->guid, info->age);
    if (!named)
        remember(search->symbols, path, info->guid, info->age, info->info_age);
    if (ok) {
        entry->table = pdb_table(search, path, pdb, &err);
        entry->is_pdb = ok = entry->table != NULL;
        if (!ok)
            note(search, path, err.what);
    }
    seep_pdb_close(pdb);
    return ok;
}

static bool take_isf(struct search *search, const char *path, struct seep_bytes file, bool named)
{
    struct seep_buf text = { 0 }, name = { 0 };
    struct seep_pdb_identity identity;
    struct seep_err err = { 0 };
    struct seep_bytes json = file;
    struct entry *entry = search->entry;
    bool ok = seep_isf_unpack(file, &text, &json, &err) &&
              seep_isf_identity(json, &name, &identity, &err);
    if (ok && !named)
        remember(search->symbols, path, identity.guid, identity.age, identity.age);
    if (ok && !seep_symbols_match(&search->pdb, identity.guid, identity.age, identity.age)) {
        if (named)
            note_other(search, path, identity.guid, identity.age);
        ok = false;
    } else if (ok) {
        ok = seep_isf_read(json, &entry->table, &entry->types, &err);
        entry->types_tried = ok;
    }
    if (!ok && err.what[0])
        note(search, path, err.what);
    seep_buf_clear(&text);
    seep_buf_clear(&name);
    return ok;
}

static bool accept_symbols(void *ctx, const char *path, bool named)
{
    struct search *search = ctx;
    struct seep_os_map map;
    struct seep_err err = { 0 };
    if (!named && known_other(search, path))
        return false;
    if (!seep_os_map(path, &map, &err)) {
        note(search, path, err.what);
        return false;
    }
    bool ok = false;
    if (seep_isf_is(map.view))
        ok = take_isf(search, path, map.view, named);
    else
        ok = take_pdb(search, path, map.view, named);
    seep_os_unmap(&map);
    seep_buf_reset(&search->entry->path);
    seep_buf_adds(&search->entry->path, path);
    return ok;
}

// The image itself, for its exports and for the PDB that it names.
static bool accept_image(void *ctx, const char *path, bool named)
{
    struct search *search = ctx;
    const struct seep_image_identity *image = search->image;
    struct seep_os_map map;
    if (!named || !seep_os_map(path, &map, NULL))
        return false;
    struct seep_pe_reader reader = seep_pe_file(map.view);
    bool ok = seep_pe_read(&reader, search->pe, NULL) &&
              (!image->timestamp || search->pe->timestamp == image->timestamp) &&
              (!image->size_bytes || search->pe->size_bytes == image->size_bytes);
    seep_os_unmap(&map);
    seep_buf_reset(&search->binary);
    if (ok)
        seep_buf_adds(&search->binary, path);
    return ok && !search->binary.failed;
}

// The file name of the PDB that is looked for: the one in the image's record, else the image's own.
static bool pdb_name(const struct search *search, struct seep_buf *name)
{
    const char *given = search->pdb.name ? seep_symbol_base_name(search->pdb.name) : "";
    const char *image = search->image->name ? seep_symbol_base_name(search->image->name) : "";
    seep_buf_reset(name);
    if (seep_symbol_name_safe(given)) {
        seep_buf_adds(name, given);
    } else {
        const char *point = strrchr(image, '.');
        size_t len = point && point != image ? (size_t)(point - image) : strlen(image);
        bool safe = seep_symbol_name_safe(image);
        seep_buf_add(name, safe ? image : "unknown", safe ? len : strlen("unknown"));
        seep_buf_adds(name, ".pdb");
    }
    return !name->failed;
}

// The names under which ISF files lie: "<name>-<GUID>-<age>.json.xz", and as Volatility keeps them,
// "windows/<name>.pdb/<GUID>-<age>.json.xz".
enum { N_ALSO = 6 };

static bool isf_names(const char *pdb, const char *guid, uint32_t age,
                      struct seep_buf names[N_ALSO], const char *also[N_ALSO + 1])
{
    const char *point = strrchr(pdb, '.');
    int len = (int)(point ? (size_t)(point - pdb) : strlen(pdb));
    for (int i = 0; i < N_ALSO; i++) {
        const char *end = i % 2 ? ".json" : ".json.xz";
        if (i < 2)
            seep_buf_addf(&names[i], "%.*s-%s-%" PRIu32 "%s", len, pdb, guid, age, end);
        else
            seep_buf_addf(&names[i], "%s%s/%s-%" PRIu32 "%s", i < 4 ? "" : "windows/", pdb, guid,
                          age, end);
        also[i] = seep_buf_text(&names[i]);
        if (names[i].failed)
            return false;
    }
    also[N_ALSO] = NULL;
    return true;
}

// The ending of the image's name, which names a folder of old symbol trees.
static const char *image_ending(const struct seep_image_identity *image)
{
    const char *base = image->name ? seep_symbol_base_name(image->name) : "";
    const char *point = strrchr(base, '.');
    return point && seep_symbol_name_safe(base) && point[1] ? point + 1 : NULL;
}

static bool search_pdb(struct search *search)
{
    struct seep_buf name = { 0 }, names[N_ALSO] = { { 0 } };
    const char *also[N_ALSO + 1] = { NULL };
    char guid[SEEP_GUID_TEXT], id[SEEP_GUID_TEXT + 16];
    seep_guid_text(search->pdb.guid, guid);
    size_t n = 0;
    for (size_t i = 0; guid[i]; i++) {
        if (guid[i] != '-')
            guid[n++] = guid[i];
    }
    guid[n] = '\0';
    (void)snprintf(id, sizeof id, "%s%" PRIx32, guid, search->pdb.age);
    struct seep_store_query query = { .id = id,
                                      .subfolder = image_ending(search->image),
                                      .also = also,
                                      .accept = accept_symbols,
                                      .ctx = search };
    bool ok = pdb_name(search, &name) && isf_names(name.data, guid, search->pdb.age, names, also);
    if (ok) {
        query.file = name.data;
        // Where the linker put it: this may be the machine that it was built on. What names a
        // server is left alone; a dump must not make this machine log on there.
        const char *built = search->pdb.name;
        struct seep_os_file_info info;
        ok = built && seep_os_path_is_local(built) && seep_os_file_info(built, &info) &&
             !info.folder && accept_symbols(search, built, true);
        ok = ok || seep_store_find(&search->symbols->store, &query);
    }
    seep_buf_clear(&name);
    for (size_t i = 0; i < N_ALSO; i++)
        seep_buf_clear(&names[i]);
    return ok;
}

static bool search_image(struct search *search)
{
    const struct seep_image_identity *image = search->image;
    const char *name = image->name ? seep_symbol_base_name(image->name) : "";
    char id[32];
    if (!image->timestamp || !image->size_bytes || !seep_symbol_name_safe(name))
        return false;
    (void)snprintf(id, sizeof id, "%08" PRIX32 "%" PRIx32, image->timestamp, image->size_bytes);
    struct seep_store_query query = { .file = name,
                                      .id = id,
                                      .subfolder = image_ending(image),
                                      .accept = accept_image,
                                      .ctx = search };
    search->pe = seep_alloc(1, sizeof *search->pe);
    return search->pe && seep_store_find(&search->symbols->store, &query);
}

// The exports of the image, where it has no symbols.
static bool take_exports(struct search *search)
{
    struct seep_os_map map;
    struct seep_symbol_builder *builder = seep_symbol_builder_new();
    struct entry *entry = search->entry;
    size_t count = 0;
    if (builder && seep_os_map(search->binary.data, &map, NULL)) {
        struct seep_pe_reader reader = seep_pe_file(map.view);
        if (seep_pe_read_symbols(&reader, search->pe, builder, &count) && count)
            entry->table = seep_symbol_builder_finish(builder, NULL);
        seep_os_unmap(&map);
    }
    seep_symbol_builder_free(builder);
    seep_buf_reset(&entry->path);
    seep_buf_adds(&entry->path, search->binary.data);
    (void)seep_fail(&entry->types_why, SEEP_NO_OFFSET, NULL,
                    "only the image itself was found, which says nothing about structures");
    entry->types_tried = true;
    return entry->table != NULL;
}

// Says what is missing, in one sentence.
static void explain(struct search *search, struct seep_err *why)
{
    const struct seep_symbols *symbols = search->symbols;
    const struct seep_pdb_identity *pdb = &search->pdb;
    const struct seep_image_identity *image = search->image;
    const char *name = pdb->name     ? seep_symbol_base_name(pdb->name)
                       : image->name ? seep_symbol_base_name(image->name)
                                     : "an image without a name";
    char guid[SEEP_GUID_TEXT], which[SEEP_GUID_TEXT + 32] = "";
    size_t n_places = symbols->store.path.n, n_unusable = symbols->store.n_unusable;
    const char *hint = n_places ? NULL : "give --symbols PATH or set _NT_SYMBOL_PATH";
    if (seep_guid_known(pdb->guid)) {
        seep_guid_text(pdb->guid, guid);
        (void)snprintf(which, sizeof which, " (%s, age %" PRIu32 ")", guid, pdb->age);
    }
    if (search->other.len)
        (void)seep_fail(why, SEEP_NO_OFFSET, hint, "there are no symbols for %.100s%s: %.300s",
                        name, which, search->other.data);
    else if (!which[0])
        (void)seep_fail(why, SEEP_NO_OFFSET, NULL,
                        "there are no symbols for %.200s: it is not known which PDB belongs to it",
                        name);
    else if (n_unusable)
        (void)seep_fail(why, SEEP_NO_OFFSET, hint,
                        "there are no symbols for %.200s%s in the symbol path, of which %" PRIu64
                        " of %" PRIu64 " places could not be used",
                        name, which, (uint64_t)n_unusable, (uint64_t)n_places);
    else
        (void)seep_fail(why, SEEP_NO_OFFSET, hint, "there are no symbols for %.200s%s%s", name,
                        which, n_places ? " in the symbol path" : ": there is no symbol path");
}

static void find(struct search *search)
{
    struct entry *entry = search->entry;
    struct seep_store *store = &search->symbols->store;
    uint64_t said = store->n_said;
    bool ok = seep_guid_known(search->pdb.guid) && search_pdb(search);
    if (!ok && search_image(search)) {
        struct seep_image_identity own = seep_pe_identity(search->pe, search->image->name);
        if (!seep_guid_known(search->pdb.guid) && seep_guid_known(own.pdb.guid)) {
            search->pdb = own.pdb;
            ok = search_pdb(search);
        }
        ok = ok || take_exports(search);
    }
    entry->pdb = search->pdb;
    entry->pdb.name = NULL; // not ours
    if (ok && entry->path.failed) {
        (void)seep_fail_memory(&entry->why);
    } else if (ok) {
        entry->file = (struct seep_symbol_file){ .table = entry->table, .path = entry->path.data };
        seep_log(SEEP_LOG_DETAIL, "symbols: %s", entry->path.data);
    } else {
        explain(search, &entry->why);
        // That a module has none is usual; that the PDB at hand is another's wants to be known.
        if (search->other.len && store->n_said == said)
            seep_store_say(store, "%s", entry->why.what);
        else
            seep_log(SEEP_LOG_DETAIL, "symbols: %s", entry->why.what);
    }
}

// The entry of an image, found out now or before. NULL only when memory is out.
static struct entry *get(struct seep_symbols *symbols, const struct seep_image_identity *image)
{
    struct seep_buf key = { 0 };
    const char *names[] = { image->name, image->pdb.name };
    for (size_t i = 0; i < 2; i++)
        seep_buf_add(&key, names[i] ? names[i] : "", names[i] ? strlen(names[i]) + 1 : 1);
    seep_buf_add(&key, image->pdb.guid, SEEP_GUID_BYTES);
    seep_buf_addf(&key, "%" PRIx32 ".%" PRIx32 ".%" PRIx32, image->pdb.age, image->timestamp,
                  image->size_bytes);
    uint32_t id = key.failed ? 0 : seep_intern(&symbols->keys, key.data, key.len);
    seep_buf_clear(&key);
    size_t before = symbols->capacity;
    if (!id || !seep_grow(&symbols->entries, &symbols->capacity, id, sizeof *symbols->entries))
        return NULL;
    for (; before < symbols->capacity; before++)
        symbols->entries[before] = NULL;
    if (symbols->entries[id - 1])
        return symbols->entries[id - 1];
    struct entry *entry = seep_alloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    struct search search = {
        .symbols = symbols, .image = image, .pdb = image->pdb, .entry = entry
    };
    symbols->entries[id - 1] = entry;
    find(&search);
    seep_buf_clear(&search.other);
    seep_buf_clear(&search.binary);
    seep_free(search.pe);
    return entry;
}

const struct seep_symbol_file *seep_symbols_for(struct seep_symbols *symbols,
                                                const struct seep_image_identity *identity,
                                                struct seep_err *why)
{
    struct entry *entry = get(symbols, identity);
    if (entry && entry->file.table)
        return &entry->file;
    if (!entry)
        (void)seep_fail_memory(why);
    else if (why)
        *why = entry->why;
    return NULL;
}

static struct seep_types *read_types(const struct entry *entry, struct seep_err *err)
{
    struct seep_os_map map;
    struct seep_types *types = NULL;
    if (!seep_os_map(entry->path.data, &map, err))
        return NULL;
    struct seep_pdb *pdb = seep_pdb_open(map.view, err);
    struct seep_types_builder *builder = pdb ? seep_types_builder_new() : NULL;
    if (pdb && !builder)
        (void)seep_fail_memory(err);
    if (builder) {
        const struct seep_pdb_info *info = seep_pdb_info(pdb);
        if (!seep_symbols_match(&entry->pdb, info->guid, info->age, info->info_age))
            (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "the file was replaced meanwhile");
        else if (seep_pdb_read_types(pdb, builder, err) != SEEP_FAILED)
            types = seep_types_builder_finish(builder, err);
    }
    seep_types_builder_free(builder);
    seep_pdb_close(pdb);
    seep_os_unmap(&map);
    return types;
}

const struct seep_types *seep_symbols_types(struct seep_symbols *symbols,
                                            const struct seep_image_identity *identity,
                                            struct seep_err *why)
{
    struct entry *entry = get(symbols, identity);
    if (!entry || !entry->file.table) {
        if (!entry)
            (void)seep_fail_memory(why);
        else if (why)
            *why = entry->why;
        return NULL;
    }
    if (!entry->types_tried && entry->is_pdb) {
        struct seep_err err = { 0 };
        entry->types_tried = true;
        entry->types = read_types(entry, &err);
        if (!entry->types)
            entry->types_why = err;
        else if (err.what[0])
            seep_store_say(&symbols->store, "the types of %s were read only in part: %s",
                           entry->path.data, err.what);
    }
    if (!entry->types && why)
        *why = entry->types_why;
    return entry->types;
}

// What PDB a file is, or was made from.
static void file_identity(const char *path, struct seep_pdb_identity *identity)
{
    struct seep_os_map map;
    struct seep_buf text = { 0 }, name = { 0 };
    *identity = (struct seep_pdb_identity){ 0 };
    if (!seep_os_map(path, &map, NULL))
        return;
    struct seep_bytes json = map.view;
    struct seep_pdb *pdb = NULL;
    if (seep_isf_is(map.view)) {
        if (!seep_isf_unpack(map.view, &text, &json, NULL) ||
            !seep_isf_identity(json, &name, identity, NULL))
            *identity = (struct seep_pdb_identity){ 0 };
    } else if ((pdb = seep_pdb_open(map.view, NULL))) {
        memcpy(identity->guid, seep_pdb_info(pdb)->guid, sizeof identity->guid);
        identity->age = seep_pdb_info(pdb)->age;
    }
    identity->name = NULL;
    seep_pdb_close(pdb);
    seep_buf_clear(&text);
    seep_buf_clear(&name);
    seep_os_unmap(&map);
}

bool seep_symbols_named(struct seep_symbols *symbols, size_t index,
                        struct seep_pdb_identity *identity)
{
    const struct seep_symbol_path *path = &symbols->store.path;
    for (size_t i = 0; i < path->n; i++) {
        struct seep_os_file_info info;
        if (path->places[i].kind != SEEP_PLACE_FOLDER ||
            !seep_os_file_info(path->places[i].where, &info) || info.folder)
            continue;
        if (index-- == 0) {
            file_identity(path->places[i].where, identity);
            return true;
        }
    }
    return false;
}
