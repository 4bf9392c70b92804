// SPDX-License-Identifier: MIT
// Going down folders for drivers, and reading what was found on several threads.
#include "drivers/files.h"

#include "base/alloc.h"
#include "drivers/facts.h"
#include "os/files.h"
#include "os/os.h"
#include "os/thread.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_DEPTH = 32,    // of folders in folders; DriverStore has four
    MAX_THREADS = 16,  // more do not read a disk faster
    MAX_FILES = 65536, // of one run; Windows has some 600
};

struct folder {
    char *path;
    unsigned depth;
};

struct walk {
    struct seep_driver_files *files;
    struct folder *folders; // those still to be listed
    size_t n_folders, capacity;
    struct folder now;
    bool failed; // memory is out
};

static bool is_driver(const char *name)
{
    size_t len = strlen(name);
    if (len < 5)
        return false;
    const char *end = name + len - 4;
    return end[0] == '.' && (end[1] | 32) == 's' && (end[2] | 32) == 'y' && (end[3] | 32) == 's';
}

static bool add_file(struct seep_driver_files *files, const char *path, size_t len,
                     const struct seep_os_file_info *info)
{
    if (!seep_grow(&files->at, &files->capacity, files->n + 1, sizeof *files->at))
        return false;
    char *copy = seep_strndup(path, len);
    if (!copy)
        return false;
    size_t name = len;
    while (name && copy[name - 1] != '/' && copy[name - 1] != '\\')
        name--;
    files->at[files->n++] = (struct seep_driver_file){
        .path = copy,
        .name = copy + name,
        .size_bytes = info->size_bytes,
        .modified_ns = info->modified_ns,
    };
    return true;
}

static bool add_folder(struct walk *w, const char *path, size_t len, unsigned depth)
{
    if (!seep_grow(&w->folders, &w->capacity, w->n_folders + 1, sizeof *w->folders))
        return false;
    char *copy = seep_strndup(path, len);
    if (!copy)
        return false;
    w->folders[w->n_folders++] = (struct folder){ copy, depth };
    return true;
}

static bool take_entry(void *ctx, const char *name)
{
    struct walk *w = ctx;
    struct seep_buf path = { 0 };
    struct seep_os_file_info info;
    const char *folder = w->now.path;
    size_t len = strlen(folder);
    bool ends = len && (folder[len - 1] == '/' || folder[len - 1] == '\\');
    seep_buf_addf(&path, "%s%s%s", folder, ends ? "" : "/", name);
    w->failed = w->failed || path.failed;
    if (!w->failed && seep_os_file_info(path.data, &info)) {
        if (!info.folder && is_driver(name) && w->files->n < MAX_FILES)
            w->failed = !add_file(w->files, path.data, path.len, &info);
        else if (info.folder && w->now.depth < MAX_DEPTH && !seep_os_is_link(path.data))
            w->failed = !add_folder(w, path.data, path.len, w->now.depth + 1);
    }
    seep_buf_clear(&path);
    return !w->failed;
}

static void say(const struct seep_drivers_options *options, const char *path,
                const struct seep_err *err)
{
    char line[SEEP_MAX_MESSAGE];
    if (!options->say)
        return;
    seep_err_line(err, path, line, sizeof line);
    options->say(options->ctx, line);
}

// One folder (or one file) that was named, and all below it.
static bool walk_from(struct seep_driver_files *files, const char *from,
                      const struct seep_drivers_options *options,
                      const struct seep_control *control, struct seep_err *err)
{
    struct walk w = { .files = files };
    struct seep_os_file_info info;
    size_t len = strlen(from);
    if (!seep_os_file_info(from, &info))
        return seep_fail(err, SEEP_NO_OFFSET, "check the name", "%s: no such folder of drivers",
                         from);
    bool ok = info.folder ? add_folder(&w, from, len, 0) : add_file(files, from, len, &info);
    w.failed = !ok;
    while (ok && w.n_folders) {
        struct seep_err listing = { 0 };
        w.now = w.folders[--w.n_folders];
        if (seep_cancelled(control))
            ok = seep_fail(err, SEEP_NO_OFFSET, NULL, "stopped by the user");
        else if (!seep_os_each_entry(w.now.path, take_entry, &w, &listing) && !w.now.depth)
            ok = seep_fail(err, SEEP_NO_OFFSET, listing.hint, "%s: %s", from, listing.what);
        else if (listing.what[0])
            say(options, w.now.path, &listing);
        ok = ok && !w.failed;
        seep_free(w.now.path);
    }
    while (w.n_folders)
        seep_free(w.folders[--w.n_folders].path);
    seep_free(w.folders);
    return w.failed ? seep_fail_memory(err) : ok;
}

static int by_path(const void *a, const void *b)
{
    const struct seep_driver_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

// Files that were reached by way of two of the folders count once.
static void sort_files(struct seep_driver_files *files)
{
    size_t n = 0;
    if (files->n)
        qsort(files->at, files->n, sizeof *files->at, by_path);
    for (size_t i = 0; i < files->n; i++) {
        if (n && strcmp(files->at[n - 1].path, files->at[i].path) == 0)
            seep_free(files->at[i].path);
        else
            files->at[n++] = files->at[i];
    }
    files->n = n;
}

struct work {
    struct seep_driver_files *files;
    const struct seep_driver_cache *cache;
    const struct seep_control *control;
    struct seep_os_lock *lock; // NULL: only one works
    size_t next;
    uint64_t done_bytes, total_bytes;
    bool failed; // memory is out
};

static void complain(struct seep_driver_file *file, const struct seep_err *err)
{
    char line[SEEP_MAX_MESSAGE];
    seep_err_line(err, file->path, line, sizeof line);
    file->complaint = seep_strndup(line, strlen(line)); // without memory it is not said
}

// False only when memory is out.
static bool read_file(struct seep_driver_file *file, const struct seep_driver_cache *cache)
{
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    struct seep_image *image = seep_alloc(1, sizeof *image);
    bool ok = image != NULL;
    if (!ok || !seep_os_map(file->path, &map, &err) || !seep_image_read(map.view, image, &err)) {
        if (ok)
            complain(file, &err);
        seep_os_unmap(&map);
        seep_free(image);
        return ok;
    }
    file->size_bytes = map.view.len;
    file->timestamp = image->pe.timestamp;
    file->image_bytes = image->pe.size_bytes;
    file->checksum = image->pe.checksum;
    file->cached = seep_driver_cache_find(cache, file);
    if (!file->cached) {
        char stem[64] = "";
        size_t len = strlen(file->name);
        len -= is_driver(file->name) ? 4 : 0;
        memcpy(stem, file->name, len < sizeof stem ? len : sizeof stem - 1);
        file->image_base = image->pe.image_base;
        memcpy(file->version, image->pe.version, sizeof file->version);
        (void)seep_facts_company(image, file->company, sizeof file->company);
        (void)seep_facts_signer(image, file->signer, sizeof file->signer);
        ok = seep_scan_image(image, stem, &file->scan);
    }
    file->read = ok;
    seep_os_unmap(&map);
    seep_free(image);
    return ok;
}

static void take_lock(struct work *work)
{
    if (work->lock)
        seep_os_lock_take(work->lock);
}

static void give_lock(struct work *work)
{
    if (work->lock)
        seep_os_lock_give(work->lock);
}

// Takes file after file until there is none. Only who was there first tells how far it is.
static void read_files(struct work *work, bool tells)
{
    take_lock(work);
    while (work->next < work->files->n && !work->failed && !seep_cancelled(work->control)) {
        struct seep_driver_file *file = &work->files->at[work->next++];
        uint64_t bytes = file->size_bytes;
        give_lock(work);
        bool ok = read_file(file, work->cache);
        take_lock(work);
        work->failed = work->failed || !ok;
        work->done_bytes += bytes;
        uint64_t done = work->done_bytes;
        if (tells) {
            give_lock(work);
            seep_progress(work->control, done, work->total_bytes);
            take_lock(work);
        }
    }
    give_lock(work);
}

static void run_thread(void *ctx)
{
    read_files(ctx, false);
}

static bool read_all(struct seep_driver_files *files, const struct seep_driver_cache *cache,
                     const struct seep_control *control, struct seep_err *err)
{
    struct work work = { .files = files, .cache = cache, .control = control };
    struct seep_os_thread *threads[MAX_THREADS] = { 0 };
    unsigned n = seep_os_processors();
    for (size_t i = 0; i < files->n; i++)
        work.total_bytes += files->at[i].size_bytes;
    if (n > 1 && files->n > 1)
        work.lock = seep_os_lock_new();
    for (unsigned i = 1; work.lock && i < n && i < MAX_THREADS && i < files->n; i++)
        threads[i] = seep_os_thread_start(run_thread, &work);
    read_files(&work, true);
    for (unsigned i = 1; i < MAX_THREADS; i++)
        seep_os_thread_join(threads[i]);
    if (work.lock)
        seep_os_lock_free(work.lock);
    seep_progress(control, work.done_bytes, work.total_bytes); // others may have read the last ones
    if (work.failed)
        return seep_fail_memory(err);
    if (work.next < files->n)
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "stopped by the user");
    return true;
}

// Where the cache is: as the caller says, or the user's own place; false where there is none.
static bool cache_path(const struct seep_drivers_options *options, struct seep_buf *path)
{
    if (options->cache_path) {
        seep_buf_adds(path, options->cache_path);
    } else if (seep_os_cache_folder(path)) {
        (void)seep_os_make_folder(seep_buf_text(path), NULL);
        seep_buf_adds(path, "/drivers.cache");
    }
    return path->len && !path->failed;
}

bool seep_driver_files_read(struct seep_driver_files *files,
                            const struct seep_drivers_options *options,
                            const struct seep_control *control, struct seep_err *err)
{
    struct seep_driver_cache cache = { 0 };
    struct seep_buf path = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && i < options->n_folders; i++)
        ok = walk_from(files, options->folders[i], options, control, err);
    sort_files(files);
    bool cached = ok && files->n && cache_path(options, &path);
    if (cached && !seep_driver_cache_open(&cache, path.data))
        ok = seep_fail_memory(err);
    ok = ok && read_all(files, &cache, control, err);
    size_t n_new = 0;
    for (size_t i = 0; ok && i < files->n; i++) {
        struct seep_driver_file *file = &files->at[i];
        files->n_cached += file->cached;
        n_new += file->read && !file->cached;
        if (file->complaint && options->say)
            options->say(options->ctx, file->complaint);
    }
    if (ok && cached && n_new)
        seep_driver_cache_keep(&cache, path.data, files);
    seep_driver_cache_close(&cache);
    seep_buf_clear(&path);
    return ok;
}

void seep_driver_files_clear(struct seep_driver_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        seep_free(files->at[i].path);
        seep_free(files->at[i].complaint);
        seep_scan_clear(&files->at[i].scan);
    }
    seep_free(files->at);
    *files = (struct seep_driver_files){ 0 };
}
