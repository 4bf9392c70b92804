// SPDX-License-Identifier: MIT
// The contract with the operating system, on Windows.
//
// Paths become wide strings; those near MAX_PATH become absolute "\\?\" paths, which have no such
// limit. "Maximum Path Length Limitation", Windows documentation.
#include "os/os.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"
#include "os/win32.h"

#include <windows.h>

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <winternl.h>

// ntifs.h; advapi32's functions of the same purpose would be one more import.
NTSTATUS NTAPI NtOpenProcessToken(HANDLE process, ACCESS_MASK access, HANDLE *token);
NTSTATUS NTAPI NtAdjustPrivilegesToken(HANDLE token, BOOLEAN disable_all, TOKEN_PRIVILEGES *wanted,
                                       ULONG length, TOKEN_PRIVILEGES *before, ULONG *need);

wchar_t *seep_win32_widen(const char *text)
{
    int n = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
    wchar_t *wide = n > 0 ? seep_alloc((size_t)n, sizeof *wide) : NULL;
    if (wide && MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, n) != n) {
        seep_free(wide);
        return NULL;
    }
    return wide;
}

char *seep_win32_narrow(const wchar_t *wide)
{
    int n = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *text = n > 0 ? seep_alloc((size_t)n, 1) : NULL;
    if (text && WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, n, NULL, NULL) != n) {
        seep_free(text);
        return NULL;
    }
    return text;
}

wchar_t *seep_win32_path(const char *path)
{
    // A folder's name leaves room for a file name of the 8.3 form.
    enum { SHORT_ENOUGH = MAX_PATH - 13, UNC_PREFIX = 8 };
    wchar_t *given = seep_win32_widen(path);
    if (!given || wcslen(given) < SHORT_ENOUGH || wcsncmp(given, L"\\\\?\\", 4) == 0)
        return given;
    DWORD need = GetFullPathNameW(given, 0, NULL, NULL);
    wchar_t *full = need ? seep_alloc((size_t)need + UNC_PREFIX, sizeof *full) : NULL;
    if (full) {
        wchar_t *at = full + UNC_PREFIX;
        DWORD len = GetFullPathNameW(given, need, at, NULL);
        if (!len || len >= need) {
            seep_free(full);
            full = NULL;
        } else if (wcsncmp(at, L"\\\\", 2) == 0) { // \\server\share: "\\?\UNC" + "\server\share"
            memmove(full + 7, at + 1, len * sizeof *full);
            memcpy(full, L"\\\\?\\UNC", 7 * sizeof *full);
        } else {
            memmove(full + 4, at, (len + 1) * sizeof *full);
            memcpy(full, L"\\\\?\\", 4 * sizeof *full);
        }
    }
    seep_free(given);
    return full;
}

const char *seep_win32_reason(DWORD error, char room[32])
{
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
        return "no such file";
    case ERROR_ACCESS_DENIED:
        return "access denied";
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
        return "in use by another program";
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_COMMITMENT_LIMIT:
        return "out of memory";
    case ERROR_BAD_EXE_FORMAT:
        return "not a program for this system";
    default:
        (void)snprintf(room, 32, "error %lu", error);
        return room;
    }
}

// What a mapping needs besides its view.
struct mapping {
    HANDLE section;
    size_t done; // bytes from the start that were given back
};

static bool map_section(HANDLE file, struct seep_os_map *map, struct seep_err *err)
{
    char room[32];
    LARGE_INTEGER size;
    if (GetFileType(file) != FILE_TYPE_DISK)
        return seep_fail(err, SEEP_NO_OFFSET, "name a file", "is not a regular file");
    if (!GetFileSizeEx(file, &size) || (uint64_t)size.QuadPart > SIZE_MAX)
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot be examined (%s)",
                         seep_win32_reason(GetLastError(), room));
    if (!size.QuadPart) {
        *map = (struct seep_os_map){ 0 };
        return true;
    }
    struct mapping *mapping = seep_alloc(1, sizeof *mapping);
    if (!mapping)
        return seep_fail_memory(err);
    mapping->section = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    const void *view =
        mapping->section ? MapViewOfFile(mapping->section, FILE_MAP_READ, 0, 0, 0) : NULL;
    if (!view) {
        (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot be mapped (%s)",
                        seep_win32_reason(GetLastError(), room));
        if (mapping->section)
            (void)CloseHandle(mapping->section);
        seep_free(mapping);
        return false;
    }
    FILETIME written = { 0 };
    (void)GetFileTime(file, NULL, NULL, &written);
    *map = (struct seep_os_map){
        .view = { view, (size_t)size.QuadPart },
        .modified_ns =
            seep_time_from_filetime((uint64_t)written.dwHighDateTime << 32 | written.dwLowDateTime),
        .handle = mapping,
    };
    return true;
}

bool seep_os_map(const char *path, struct seep_os_map *map, struct seep_err *err)
{
    char room[32];
    wchar_t *wide = seep_win32_path(path);
    if (!wide)
        return seep_fail_memory(err);
    DWORD attributes = GetFileAttributesW(wide);
    if (attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY) {
        seep_free(wide);
        return seep_fail(err, SEEP_NO_OFFSET, "name a file", "is not a regular file");
    }
    // Logs are read while their writers have them open.
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    HANDLE file =
        CreateFileW(wide, GENERIC_READ, share, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD error = GetLastError();
    seep_free(wide);
    if (file == INVALID_HANDLE_VALUE)
        return seep_fail(err, SEEP_NO_OFFSET, "check the name and your permissions",
                         "cannot be opened (%s)", seep_win32_reason(error, room));
    bool ok = map_section(file, map, err);
    (void)CloseHandle(file);
    return ok;
}

void seep_os_unmap(struct seep_os_map *map)
{
    struct mapping *mapping = map->handle;
    if (mapping) {
        (void)UnmapViewOfFile(map->view.data);
        (void)CloseHandle(mapping->section);
        seep_free(mapping);
    }
    *map = (struct seep_os_map){ 0 };
}

void seep_os_map_done(const struct seep_os_map *map, size_t offset)
{
    struct mapping *mapping = map->handle;
    if (!mapping)
        return;
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    if (offset > map->view.len)
        offset = map->view.len;
    offset -= offset % info.dwPageSize;
    if (offset <= mapping->done)
        return;
    // Unlocking pages that are not locked fails, and takes them out of the working set all the
    // same: "VirtualUnlock function", Windows documentation.
    (void)VirtualUnlock((void *)(uintptr_t)(map->view.data + mapping->done),
                        offset - mapping->done);
    mapping->done = offset;
}

void seep_os_map_scattered(const struct seep_os_map *map, size_t offset, bool scattered)
{
    // A view of a file reads a few pages around a fault and has no advice to take.
    (void)map;
    (void)offset;
    (void)scattered;
}

void seep_os_map_release(const struct seep_os_map *map)
{
    if (map->view.len)
        (void)VirtualUnlock((void *)(uintptr_t)map->view.data, map->view.len);
}

int64_t seep_os_now_ns(void)
{
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now);
    return seep_time_from_filetime((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime);
}

int64_t seep_os_monotonic_ns(void)
{
    LARGE_INTEGER count, frequency;
    (void)QueryPerformanceCounter(&count);
    (void)QueryPerformanceFrequency(&frequency);
    int64_t seconds = count.QuadPart / frequency.QuadPart;
    int64_t rest = count.QuadPart % frequency.QuadPart;
    return seconds * SEEP_NS_PER_S + rest * SEEP_NS_PER_S / frequency.QuadPart;
}

int64_t seep_os_cpu_ns(void)
{
    FILETIME created, ended, kernel, user;
    if (!GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user))
        return 0;
    uint64_t units = ((uint64_t)kernel.dwHighDateTime << 32 | kernel.dwLowDateTime) +
                     ((uint64_t)user.dwHighDateTime << 32 | user.dwLowDateTime);
    return (int64_t)(units * 100);
}

void seep_os_sleep_until(int64_t until_ns, const volatile sig_atomic_t *wake)
{
    enum { LOOK_MS = 100, NS_PER_MS = 1000000 };
    while (!(wake && *wake)) {
        int64_t left = until_ns - seep_os_monotonic_ns();
        if (left <= 0)
            return;
        int64_t ms = left / NS_PER_MS + 1;
        Sleep((DWORD)(ms < LOOK_MS ? ms : LOOK_MS));
    }
}

static volatile sig_atomic_t interrupted;

// Runs in a thread of its own.
static BOOL WINAPI on_control(DWORD event)
{
    enum { TIME_TO_END_MS = 10000 };
    bool again = interrupted;
    interrupted = 1;
    if (event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT)
        return !again;
    // The window closes, the user logs off or the machine shuts down: the process ends when this
    // returns, so the main thread gets its time here.
    Sleep(TIME_TO_END_MS);
    return TRUE;
}

volatile sig_atomic_t *seep_os_catch_interrupt(void)
{
    // A parent may have turned Ctrl-C off for its children.
    (void)SetConsoleCtrlHandler(NULL, FALSE);
    (void)SetConsoleCtrlHandler(on_control, TRUE);
    return &interrupted;
}

static HANDLE stream_handle(int stream)
{
    return GetStdHandle(stream == 2 ? STD_ERROR_HANDLE : STD_OUTPUT_HANDLE);
}

bool seep_os_is_terminal(int stream)
{
    DWORD mode;
    return GetConsoleMode(stream_handle(stream), &mode) != 0;
}

static UINT first_code_page;

static void restore_code_page(void)
{
    (void)SetConsoleOutputCP(first_code_page);
}

void seep_os_console_init(void)
{
    (void)_setmode(_fileno(stdin), _O_BINARY);
    (void)_setmode(_fileno(stdout), _O_BINARY);
    (void)_setmode(_fileno(stderr), _O_BINARY);
    for (int stream = 1; stream <= 2; stream++) {
        DWORD mode;
        if (GetConsoleMode(stream_handle(stream), &mode))
            (void)SetConsoleMode(stream_handle(stream), mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
    }
    // The code page belongs to the console, not to this process.
    first_code_page = GetConsoleOutputCP();
    if (first_code_page && first_code_page != CP_UTF8 && SetConsoleOutputCP(CP_UTF8))
        (void)atexit(restore_code_page);
}

// Of the C runtime. shell32's CommandLineToArgvW brings user32 along, and a program that needs it
// cannot start where the desktop heap is used up: there seep is wanted most. `new_mode`: 0, malloc
// fails by itself.
int __cdecl __wgetmainargs(int *argc, wchar_t ***argv, wchar_t ***env, int expand_wildcards,
                           int *new_mode);

bool seep_os_arguments(int argc, char **argv, int *utf8_argc, char ***utf8_argv)
{
    (void)argc;
    (void)argv;
    int n = 0, new_mode = 0;
    wchar_t **wide = NULL, **variables = NULL;
    if (__wgetmainargs(&n, &wide, &variables, 0, &new_mode) < 0 || !wide)
        return false;
    char **text = seep_alloc((size_t)n + 1, sizeof *text);
    bool ok = text != NULL;
    for (int i = 0; ok && i < n; i++) {
        text[i] = seep_win32_narrow(wide[i]);
        ok = text[i] != NULL;
    }
    if (!ok) {
        for (int i = 0; text && i < n; i++)
            seep_free(text[i]);
        seep_free(text);
        return false;
    }
    *utf8_argc = n;
    *utf8_argv = text;
    return true;
}

// The folder of `pattern` with the name that was found in it; the caller frees it.
static char *beside(const char *pattern, const wchar_t *found)
{
    size_t folder = strlen(pattern);
    while (folder && !strchr("/\\:", pattern[folder - 1]))
        folder--;
    char *name = seep_win32_narrow(found);
    char *path = name ? seep_alloc(folder + strlen(name) + 1, 1) : NULL;
    if (path) {
        memcpy(path, pattern, folder);
        memcpy(path + folder, name, strlen(name) + 1);
    }
    seep_free(name);
    return path;
}

bool seep_os_each_file(const char *argument, bool (*take)(void *ctx, const char *path), void *ctx)
{
    WIN32_FIND_DATAW found;
    wchar_t *wide = strpbrk(argument, "*?") ? seep_win32_path(argument) : NULL;
    HANDLE search = wide ? FindFirstFileW(wide, &found) : INVALID_HANDLE_VALUE;
    bool ok = true, any = false;
    seep_free(wide);
    if (search != INVALID_HANDLE_VALUE) {
        do {
            if (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
                continue;
            char *path = beside(argument, found.cFileName);
            any = true;
            ok = path && take(ctx, path);
            seep_free(path);
        } while (ok && FindNextFileW(search, &found));
        (void)FindClose(search);
    }
    return any ? ok : take(ctx, argument);
}

FILE *seep_os_create(const char *path, struct seep_err *err)
{
    wchar_t *wide = seep_win32_path(path);
    FILE *file = wide ? _wfopen(wide, L"wb") : NULL;
    if (!file) {
        char room[32];
        (void)seep_fail(err, SEEP_NO_OFFSET, "check the folder and your permissions",
                        "cannot be written (%s)", seep_win32_reason(GetLastError(), room));
    }
    seep_free(wide);
    return file;
}

static void add_backslashes(struct seep_buf *line, size_t n)
{
    while (n-- > 0)
        seep_buf_addc(line, '\\');
}

// One argument as the C runtime and CommandLineToArgvW take command lines apart: backslashes count
// only before a quote, and there double. "Parsing C Command-Line Arguments", Microsoft C++
// documentation.
static void add_argument(struct seep_buf *line, const char *argument)
{
    if (line->len)
        seep_buf_addc(line, ' ');
    if (*argument && !strpbrk(argument, " \t\n\v\"")) {
        seep_buf_adds(line, argument);
        return;
    }
    seep_buf_addc(line, '"');
    size_t n_backslashes = 0;
    for (const char *p = argument; *p; p++) {
        if (*p == '\\') {
            n_backslashes++;
            continue;
        }
        add_backslashes(line, *p == '"' ? 2 * n_backslashes + 1 : n_backslashes);
        n_backslashes = 0;
        seep_buf_addc(line, *p);
    }
    add_backslashes(line, 2 * n_backslashes);
    seep_buf_addc(line, '"');
}

void seep_win32_use_debug_privilege(void)
{
    enum { DEBUG_PRIVILEGE = 20 }; // SE_DEBUG_PRIVILEGE in wdm.h
    TOKEN_PRIVILEGES wanted = { .PrivilegeCount = 1,
                                .Privileges = {
                                    { { .LowPart = DEBUG_PRIVILEGE }, SE_PRIVILEGE_ENABLED } } };
    HANDLE token;
    if (NtOpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &token) < 0)
        return;
    (void)NtAdjustPrivilegesToken(token, FALSE, &wanted, sizeof wanted, NULL, NULL);
    (void)CloseHandle(token);
}

static HANDLE inheritable(DWORD stream)
{
    HANDLE handle = GetStdHandle(stream);
    if (handle && handle != INVALID_HANDLE_VALUE)
        (void)SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    return handle;
}

static bool identity(const char *path, BY_HANDLE_FILE_INFORMATION *info)
{
    wchar_t *wide = seep_win32_path(path);
    HANDLE file = wide
                      ? CreateFileW(wide, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                    NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL)
                      : INVALID_HANDLE_VALUE;
    seep_free(wide);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    BOOL ok = GetFileInformationByHandle(file, info);
    (void)CloseHandle(file);
    return ok;
}

bool seep_os_same_file(const char *a, const char *b)
{
    BY_HANDLE_FILE_INFORMATION one, two;
    return identity(a, &one) && identity(b, &two) &&
           one.dwVolumeSerialNumber == two.dwVolumeSerialNumber &&
           one.nFileIndexHigh == two.nFileIndexHigh && one.nFileIndexLow == two.nFileIndexLow;
}

bool seep_os_spawn(char *const *argv, struct seep_os_child *child, struct seep_err *err)
{
    struct seep_buf text = { 0 };
    for (size_t i = 0; argv[i]; i++)
        add_argument(&text, argv[i]);
    wchar_t *line = text.failed ? NULL : seep_win32_widen(seep_buf_text(&text));
    seep_buf_clear(&text);
    if (!line)
        return seep_fail_memory(err);
    STARTUPINFOW start = { .cb = sizeof start,
                           .dwFlags = STARTF_USESTDHANDLES,
                           .hStdInput = inheritable(STD_INPUT_HANDLE),
                           .hStdOutput = inheritable(child->output_to_stderr ? STD_ERROR_HANDLE
                                                                             : STD_OUTPUT_HANDLE),
                           .hStdError = inheritable(STD_ERROR_HANDLE) };
    PROCESS_INFORMATION started;
    (void)fflush(stdout);
    BOOL ok = CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &started);
    DWORD error = GetLastError();
    seep_free(line);
    if (!ok) {
        char room[32];
        return seep_fail(err, SEEP_NO_OFFSET, "check the command after --",
                         "cannot start '%s' (%s)", argv[0], seep_win32_reason(error, room));
    }
    (void)CloseHandle(started.hThread);
    child->pid = started.dwProcessId;
    child->handle = started.hProcess;
    return true;
}

bool seep_os_child_ended(struct seep_os_child *child, int *status)
{
    DWORD code;
    if (WaitForSingleObject(child->handle, 0) != WAIT_OBJECT_0 ||
        !GetExitCodeProcess(child->handle, &code))
        return false;
    *status = (int)code;
    return true;
}

void seep_os_child_release(struct seep_os_child *child)
{
    if (child->handle)
        (void)CloseHandle(child->handle);
    *child = (struct seep_os_child){ 0 };
}
