// SPDX-License-Identifier: MIT
// Folders and new files, on Windows.
#include "os/files.h"

#include "base/alloc.h"
#include "base/time.h"
#include "os/win32.h"

#include <fcntl.h>
#include <io.h>
#include <string.h>

bool seep_os_file_info(const char *path, struct seep_os_file_info *info)
{
    WIN32_FILE_ATTRIBUTE_DATA data;
    wchar_t *wide = seep_win32_path(path);
    BOOL ok = wide && GetFileAttributesExW(wide, GetFileExInfoStandard, &data);
    seep_free(wide);
    if (!ok)
        return false;
    uint64_t time =
        (uint64_t)data.ftLastWriteTime.dwHighDateTime << 32 | data.ftLastWriteTime.dwLowDateTime;
    *info = (struct seep_os_file_info){
        .size_bytes = (uint64_t)data.nFileSizeHigh << 32 | data.nFileSizeLow,
        .modified_ns = seep_time_from_filetime(time),
        .folder = (data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0,
        .readable = true, // only opening would tell
    };
    return true;
}

bool seep_os_is_link(const char *path)
{
    wchar_t *wide = seep_win32_path(path);
    DWORD attributes = wide ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
    seep_free(wide);
    return attributes != INVALID_FILE_ATTRIBUTES &&
           (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
}

// Where the name of the first folder starts that can be made: after "C:\", "\\server\share\",
// "\\?\C:\".
static size_t root_length(const char *path)
{
    size_t at = 0;
    if (strncmp(path, "\\\\?\\UNC\\", 8) == 0)
        at = 6;
    else if (strncmp(path, "\\\\?\\", 4) == 0)
        path += at = 4;
    if (path[0] && path[1] == ':')
        return at + 2 + (path[2] != '\0');
    if (at != 6 && !(strchr("\\/", path[0]) && path[0] && strchr("\\/", path[1]) && path[1]))
        return at;
    at = at == 6 ? 8 : 2;
    for (int parts = 0; path[at] && parts < 2; at++)
        parts += strchr("\\/", path[at]) != NULL;
    return at;
}

bool seep_os_make_folder(const char *path, struct seep_err *err)
{
    char *part = seep_strndup(path, strlen(path));
    if (!part)
        return seep_fail_memory(err);
    DWORD error = 0;
    for (char *at = part + root_length(path); *part && !error; at++) {
        if (*at && *at != '/' && *at != '\\')
            continue;
        char separator = *at;
        *at = '\0';
        wchar_t *wide = *part ? seep_win32_path(part) : NULL;
        if (*part && !wide)
            error = ERROR_NOT_ENOUGH_MEMORY;
        else if (wide && !CreateDirectoryW(wide, NULL))
            error = GetLastError();
        DWORD attributes = wide ? GetFileAttributesW(wide) : 0;
        // A root cannot be made, and need not be: what counts is that it is there.
        if (error && attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY)
            error = 0;
        seep_free(wide);
        if (!separator)
            break;
        *at = separator;
    }
    seep_free(part);
    if (error) {
        char room[32];
        return seep_fail(err, SEEP_NO_OFFSET, "check the folder and your permissions",
                         "cannot be made (%s)", seep_win32_reason(error, room));
    }
    return true;
}

bool seep_os_find_entry(const char *folder, const char *name, struct seep_buf *path)
{
    struct seep_buf joined = { 0 };
    size_t len = strlen(folder);
    bool separated = len && strchr("/\\:", folder[len - 1]);
    seep_buf_addf(&joined, "%s%s%s", folder, separated ? "" : "\\", name);
    struct seep_os_file_info info;
    bool found = !joined.failed && seep_os_file_info(joined.data, &info);
    if (found) {
        seep_buf_reset(path);
        seep_buf_adds(path, joined.data);
        found = !path->failed;
    }
    seep_buf_clear(&joined);
    return found;
}

bool seep_os_each_entry(const char *folder, bool (*take)(void *ctx, const char *name), void *ctx,
                        struct seep_err *err)
{
    struct seep_buf pattern = { 0 };
    seep_buf_addf(&pattern, "%s\\*", folder);
    wchar_t *wide = pattern.failed ? NULL : seep_win32_path(pattern.data);
    seep_buf_clear(&pattern);
    if (!wide)
        return seep_fail_memory(err);
    WIN32_FIND_DATAW found;
    HANDLE search = FindFirstFileW(wide, &found);
    DWORD error = GetLastError();
    seep_free(wide);
    if (search == INVALID_HANDLE_VALUE) {
        char room[32];
        return seep_fail(err, SEEP_NO_OFFSET, "check the name and your permissions",
                         "cannot be listed (%s)", seep_win32_reason(error, room));
    }
    bool more = true;
    do {
        if (wcscmp(found.cFileName, L".") == 0 || wcscmp(found.cFileName, L"..") == 0)
            continue;
        char *name = seep_win32_narrow(found.cFileName);
        more = !name || take(ctx, name);
        seep_free(name);
    } while (more && FindNextFileW(search, &found));
    (void)FindClose(search);
    return true;
}

bool seep_os_new_file_begin(const char *path, struct seep_os_new_file *file, struct seep_err *err)
{
    static unsigned serial;
    enum { TRIES = 100 };
    struct seep_buf temporary = { 0 };
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD error = ERROR_FILE_EXISTS;
    for (int i = 0; i < TRIES && handle == INVALID_HANDLE_VALUE && error == ERROR_FILE_EXISTS;
         i++) {
        seep_buf_reset(&temporary);
        seep_buf_addf(&temporary, "%s.%lu-%u~", path, GetCurrentProcessId(), ++serial);
        wchar_t *wide = temporary.failed ? NULL : seep_win32_path(temporary.data);
        if (!wide) {
            seep_buf_clear(&temporary);
            return seep_fail_memory(err);
        }
        handle = CreateFileW(wide, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL,
                             CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
        error = GetLastError();
        seep_free(wide);
    }
    char room[32];
    bool opened = handle != INVALID_HANDLE_VALUE;
    int fd = opened ? _open_osfhandle((intptr_t)handle, _O_BINARY) : -1;
    char *kept = fd < 0 ? NULL : seep_strndup(path, strlen(path));
    FILE *stream = kept ? _fdopen(fd, "wb") : NULL;
    if (!stream) {
        (void)seep_fail(err, SEEP_NO_OFFSET, "check the folder and your permissions",
                        "cannot be written (%s)",
                        opened ? "out of memory" : seep_win32_reason(error, room));
        if (fd >= 0)
            (void)_close(fd);
        else if (opened)
            (void)CloseHandle(handle);
        if (opened)
            seep_os_remove(temporary.data);
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
    DWORD error = GetLastError();
    if (fclose(file->file) != 0 && ok) {
        error = GetLastError();
        ok = false;
    }
    file->file = NULL;
    if (ok) {
        wchar_t *from = seep_win32_path(file->temporary), *to = seep_win32_path(file->path);
        ok = from && to && MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING);
        error = GetLastError();
        seep_free(from);
        seep_free(to);
    }
    if (!ok) {
        char room[32];
        (void)seep_fail(err, SEEP_NO_OFFSET, "check the disk's free space and your permissions",
                        "cannot be written (%s)", seep_win32_reason(error, room));
    } else {
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
        seep_os_remove(file->temporary);
    seep_free(file->temporary);
    seep_free(file->path);
    *file = (struct seep_os_new_file){ 0 };
}

void seep_os_remove(const char *path)
{
    wchar_t *wide = seep_win32_path(path);
    if (wide)
        (void)DeleteFileW(wide);
    seep_free(wide);
}

bool seep_os_cache_folder(struct seep_buf *path)
{
    char *folder = seep_os_environment("LOCALAPPDATA");
    seep_buf_reset(path);
    if (folder)
        seep_buf_addf(path, "%s\\seep", folder);
    seep_free(folder);
    return path->len && !path->failed;
}

char *seep_os_environment(const char *name)
{
    wchar_t *wide_name = seep_win32_widen(name);
    DWORD need = wide_name ? GetEnvironmentVariableW(wide_name, NULL, 0) : 0;
    wchar_t *wide = need > 1 ? seep_alloc(need, sizeof *wide) : NULL;
    DWORD len = wide ? GetEnvironmentVariableW(wide_name, wide, need) : 0;
    char *value = len && len < need ? seep_win32_narrow(wide) : NULL;
    seep_free(wide);
    seep_free(wide_name);
    return value;
}

bool seep_os_path_is_local(const char *path)
{
    bool letter = (path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z');
    return letter && path[1] == ':' && (path[2] == '\\' || path[2] == '/');
}
