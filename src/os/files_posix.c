// SPDX-License-Identifier: MIT
// Folders and new files, on POSIX.
#include "os/files.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

bool seep_os_file_info(const char *path, struct seep_os_file_info *info)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    bool folder = S_ISDIR(st.st_mode);
    if (!folder && !S_ISREG(st.st_mode))
        return false;
    *info = (struct seep_os_file_info){
        .size_bytes = (uint64_t)st.st_size,
        .modified_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
        .folder = folder,
        .readable = access(path, folder ? R_OK | X_OK : R_OK) == 0,
    };
    return true;
}

bool seep_os_is_link(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool seep_os_make_folder(const char *path, struct seep_err *err)
{
    char *part = seep_strndup(path, strlen(path));
    if (!part)
        return seep_fail_memory(err);
    int error = 0;
    for (char *at = part + 1; *part && !error; at++) {
        if (*at != '/' && *at)
            continue;
        bool last = !*at;
        *at = '\0';
        if (!is_folder(part) && mkdir(part, 0777) != 0) {
            error = errno;
            if (error == EEXIST && is_folder(part)) // made by another process meanwhile
                error = 0;
        }
        if (last)
            break;
        *at = '/';
    }
    seep_free(part);
    if (error)
        return seep_fail(err, SEEP_NO_OFFSET, "check the folder and your permissions",
                         "cannot be made (%s)", strerror(error));
    return true;
}

bool seep_os_find_entry(const char *folder, const char *name, struct seep_buf *path)
{
    struct seep_buf exact = { 0 };
    struct stat st;
    seep_buf_addf(&exact, "%s/%s", folder, name);
    bool found = !exact.failed && stat(exact.data, &st) == 0;
    DIR *dir = found || exact.failed ? NULL : opendir(folder);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        if (strcasecmp(entry->d_name, name) != 0)
            continue;
        seep_buf_reset(&exact);
        seep_buf_addf(&exact, "%s/%s", folder, entry->d_name);
        found = !exact.failed;
        break;
    }
    if (dir)
        (void)closedir(dir);
    if (found) {
        seep_buf_reset(path);
        seep_buf_adds(path, exact.data);
        found = !path->failed;
    }
    seep_buf_clear(&exact);
    return found;
}

bool seep_os_each_entry(const char *folder, bool (*take)(void *ctx, const char *name), void *ctx,
                        struct seep_err *err)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        const char *reason = strerror(errno);
        return seep_fail(err, SEEP_NO_OFFSET, "check the name and your permissions",
                         "cannot be listed (%s)", reason);
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !take(ctx, entry->d_name))
            break;
    }
    (void)closedir(dir);
    return true;
}

bool seep_os_new_file_begin(const char *path, struct seep_os_new_file *file, struct seep_err *err)
{
    static unsigned serial;
    enum { TRIES = 100 };
    struct seep_buf temporary = { 0 };
    int fd = -1, error = EEXIST;
    for (int i = 0; i < TRIES && fd < 0 && error == EEXIST; i++) {
        seep_buf_reset(&temporary);
        seep_buf_addf(&temporary, "%s.%ld-%u~", path, (long)getpid(), ++serial);
        if (temporary.failed)
            break;
        // Not mkstemp, whose files are this user's alone: a store may be shared.
        fd = open(temporary.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        error = errno;
    }
    if (temporary.failed)
        return seep_fail_memory(err);
    char *kept = fd < 0 ? NULL : seep_strndup(path, strlen(path));
    FILE *stream = kept ? fdopen(fd, "wb") : NULL;
    if (!stream) {
        (void)seep_fail(err, SEEP_NO_OFFSET, "check the folder and your permissions",
                        "cannot be written (%s)", fd < 0 ? strerror(error) : "out of memory");
        if (fd >= 0) {
            (void)close(fd);
            (void)unlink(temporary.data);
        }
        seep_free(kept);
        seep_buf_clear(&temporary);
        return false;
    }
    *file = (struct seep_os_new_file){ .file = stream, .path = kept, .temporary = temporary.data };
    return true;
}

bool seep_os_new_file_keep(struct seep_os_new_file *file, struct seep_err *err)
{
    bool ok = fflush(file->file) == 0 && !ferror(file->file);
    int error = errno;
    if (fclose(file->file) != 0 && ok) {
        error = errno;
        ok = false;
    }
    file->file = NULL;
    if (ok && rename(file->temporary, file->path) != 0) {
        error = errno;
        ok = false;
    }
    if (!ok)
        (void)seep_fail(err, SEEP_NO_OFFSET, "check the disk's free space and your permissions",
                        "cannot be written (%s)", strerror(error));
    if (ok) {
        seep_free(file->temporary);
        file->temporary = NULL;
    }
    seep_os_new_file_drop(file);
    return ok;
}

void seep_os_new_file_drop(struct seep_os_new_file *file)
{
    if (file->file)
        (void)fclose(file->file);
    if (file->temporary)
        (void)unlink(file->temporary);
    seep_free(file->temporary);
    seep_free(file->path);
    *file = (struct seep_os_new_file){ 0 };
}

void seep_os_remove(const char *path)
{
    (void)unlink(path);
}

bool seep_os_cache_folder(struct seep_buf *path)
{
    // "XDG Base Directory Specification": a relative path is to be ignored.
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    seep_buf_reset(path);
    if (cache && cache[0] == '/')
        seep_buf_addf(path, "%s/seep", cache);
    else if (home && home[0] == '/')
        seep_buf_addf(path, "%s/.cache/seep", home);
    return path->len && !path->failed;
}

char *seep_os_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? seep_strndup(value, strlen(value)) : NULL;
}

bool seep_os_path_is_local(const char *path)
{
    // "//server" is left to the system by POSIX.
    return path[0] == '/' && path[1] != '/';
}
