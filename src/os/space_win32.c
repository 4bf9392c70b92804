// SPDX-License-Identifier: MIT
// The address space of a process on Windows: VirtualQueryEx, the loader's modules, the threads'
// TEBs.
#include "os/space.h"

#include "base/alloc.h"
#include "os/win32.h"

#include <windows.h>

#include <psapi.h>
#include <string.h>
#include <tlhelp32.h>
#include <winternl.h>

NTSTATUS NTAPI RtlGetVersion(RTL_OSVERSIONINFOW *version);

enum {
    PROCESS_BASIC = 0,  // ProcessBasicInformation
    PROCESS_WOW64 = 26, // ProcessWow64Information: the address of the 32-bit PEB
    THREAD_BASIC = 0,   // ThreadBasicInformation
    PATH_CHARACTERS = 32768,
};

// THREAD_BASIC_INFORMATION, which winternl.h does not have.
struct thread_basic {
    NTSTATUS exit_status;
    PVOID teb;
    HANDLE process, thread;
    ULONG_PTR affinity;
    LONG priority, base_priority;
};

typedef NTSTATUS(NTAPI *query_thread_fn)(HANDLE, int, void *, ULONG, ULONG *);
typedef BOOL(WINAPI *is_wow64_fn)(HANDLE, USHORT *, USHORT *);

// A function that not every Windows has, or not every import library.
static void (*function(const wchar_t *module, const char *name))(void)
{
    HMODULE handle = GetModuleHandleW(module);
    return handle ? (void (*)(void))GetProcAddress(handle, name) : NULL;
}

static const char *keep(struct seep_os_space *space, const wchar_t *text)
{
    char *narrow = seep_win32_narrow(text);
    const char *kept = narrow ? seep_arena_strndup(&space->arena, narrow, strlen(narrow)) : NULL;
    seep_free(narrow);
    return kept;
}

// --- regions

// The file behind a reservation, as the kernel names it: "\Device\HarddiskVolume3\...".
static const char *file_of(struct seep_os_space *space, const void *address, wchar_t *room)
{
    DWORD len =
        K32GetMappedFileNameW(space->process, (void *)(uintptr_t)address, room, PATH_CHARACTERS);
    return len && len < PATH_CHARACTERS ? keep(space, room) : NULL;
}

static bool find_regions(struct seep_os_space *space, wchar_t *room)
{
    MEMORY_BASIC_INFORMATION m;
    uintptr_t at = 0;
    const char *name = NULL;
    const void *named = NULL; // the reservation that `name` is about
    while (VirtualQueryEx(space->process, (void *)at, &m, sizeof m) == sizeof m) {
        uintptr_t base = (uintptr_t)m.BaseAddress;
        bool file = m.State != MEM_FREE && (m.Type == MEM_MAPPED || m.Type == MEM_IMAGE);
        if (m.RegionSize == 0 || base < at)
            break;
        if (file && named != m.AllocationBase) {
            named = m.AllocationBase;
            name = file_of(space, m.AllocationBase, room);
        }
        if (!seep_grow(&space->regions, &space->regions_capacity, space->n_regions + 1,
                       sizeof *space->regions))
            return false;
        space->regions[space->n_regions++] = (struct seep_os_region){
            .base = base,
            .size_bytes = m.RegionSize,
            .allocation_base = (uintptr_t)m.AllocationBase,
            .state = m.State,
            .type = m.Type,
            .protect = m.Protect,
            .name = file ? name : NULL,
        };
        if (m.RegionSize > UINTPTR_MAX - base)
            break;
        at = base + m.RegionSize;
    }
    return true;
}

// --- modules

static bool add_module(struct seep_os_space *space, HMODULE handle, wchar_t *room)
{
    MODULEINFO info;
    if (!K32GetModuleInformation(space->process, handle, &info, sizeof info))
        return true; // it has been unloaded
    DWORD len = K32GetModuleFileNameExW(space->process, handle, room, PATH_CHARACTERS);
    if (!seep_grow(&space->modules, &space->modules_capacity, space->n_modules + 1,
                   sizeof *space->modules))
        return false;
    space->modules[space->n_modules++] = (struct seep_os_module){
        .base = (uintptr_t)info.lpBaseOfDll,
        .size_bytes = info.SizeOfImage,
        .path = len && len < PATH_CHARACTERS ? keep(space, room) : NULL,
    };
    return true;
}

static bool find_modules(struct seep_os_space *space, wchar_t *room)
{
    enum { TRIES = 4, FIRST = 256 };
    HMODULE *handles = NULL;
    size_t capacity = 0, n = 0;
    DWORD need = FIRST * sizeof *handles;
    bool ok = true;
    // Modules are loaded while they are listed.
    for (int i = 0; ok && i < TRIES; i++) {
        ok = seep_grow(&handles, &capacity, need / sizeof *handles, sizeof *handles);
        DWORD bytes = ok ? (DWORD)(capacity * sizeof *handles) : 0;
        if (!ok ||
            !K32EnumProcessModulesEx(space->process, handles, bytes, &need, LIST_MODULES_ALL))
            break;
        n = (need < bytes ? need : bytes) / sizeof *handles;
        if (need <= bytes)
            break;
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = add_module(space, handles[i], room);
    seep_free(handles);
    return ok;
}

// --- threads

static uint64_t teb_of(uint32_t id, query_thread_fn query)
{
    struct thread_basic basic = { 0 };
    HANDLE thread = OpenThread(THREAD_QUERY_INFORMATION, FALSE, id);
    if (!thread)
        return 0;
    if (!query || query(thread, THREAD_BASIC, &basic, sizeof basic, NULL) < 0)
        basic.teb = NULL;
    (void)CloseHandle(thread);
    return (uintptr_t)basic.teb;
}

static bool find_threads(struct seep_os_space *space, uint32_t pid)
{
    THREADENTRY32 entry = { .dwSize = sizeof entry };
    query_thread_fn query = (query_thread_fn)function(L"ntdll.dll", "NtQueryInformationThread");
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    bool ok = true;
    if (snapshot == INVALID_HANDLE_VALUE)
        return true;
    for (BOOL more = Thread32First(snapshot, &entry); ok && more;
         more = Thread32Next(snapshot, &entry)) {
        if (entry.th32OwnerProcessID != pid)
            continue;
        ok = seep_grow(&space->threads, &space->threads_capacity, space->n_threads + 1,
                       sizeof *space->threads);
        if (!ok)
            break;
        struct seep_os_space_thread *thread = &space->threads[space->n_threads++];
        *thread =
            (struct seep_os_space_thread){ entry.th32ThreadID, teb_of(entry.th32ThreadID, query) };
        space->n_threads_unread += thread->teb == 0;
    }
    (void)CloseHandle(snapshot);
    return ok;
}

// --- the process

static const char *architecture_name(USHORT machine)
{
    switch (machine) {
    case IMAGE_FILE_MACHINE_I386:
        return "x86";
    case IMAGE_FILE_MACHINE_AMD64:
        return "x64";
    case IMAGE_FILE_MACHINE_ARMNT:
        return "arm";
    case IMAGE_FILE_MACHINE_ARM64:
        return "arm64";
    default:
        return NULL;
    }
}

static void find_blocks(struct seep_os_space *space)
{
    PROCESS_BASIC_INFORMATION basic = { 0 };
    RTL_OSVERSIONINFOW version = { .dwOSVersionInfoSize = sizeof version };
    USHORT process = IMAGE_FILE_MACHINE_UNKNOWN, native = IMAGE_FILE_MACHINE_AMD64;
    is_wow64_fn is_wow64 = (is_wow64_fn)function(L"kernel32.dll", "IsWow64Process2");
    ULONG_PTR peb32 = 0;
    BOOL wow64 = FALSE;
    if (RtlGetVersion(&version) >= 0)
        space->build = version.dwBuildNumber;
    if (is_wow64 && is_wow64(space->process, &process, &native)) {
        wow64 = process != IMAGE_FILE_MACHINE_UNKNOWN;
    } else if (IsWow64Process(space->process, &wow64) && wow64) {
        process = IMAGE_FILE_MACHINE_I386;
    }
    space->wow64 = wow64;
    space->architecture = architecture_name(wow64 ? process : native);
    space->pointer_bytes = sizeof(void *); // this program's, which is the system's
    if (NtQueryInformationProcess(space->process, (PROCESSINFOCLASS)PROCESS_BASIC, &basic,
                                  sizeof basic, NULL) >= 0)
        space->peb64 = (uintptr_t)basic.PebBaseAddress;
    if (wow64 && NtQueryInformationProcess(space->process, (PROCESSINFOCLASS)PROCESS_WOW64, &peb32,
                                           sizeof peb32, NULL) >= 0)
        space->peb32 = peb32;
}

static bool cannot_open(DWORD error, struct seep_err *err)
{
    char room[32];
    if (error == ERROR_INVALID_PARAMETER) // the documented answer for a PID that is none
        return seep_fail(err, SEEP_NO_OFFSET, "see the Task Manager's Details",
                         "there is no process with this PID");
    if (error == ERROR_ACCESS_DENIED)
        return seep_fail(err, SEEP_NO_OFFSET,
                         "run seep as administrator; of a protected process, write a dump",
                         "the process may not be looked at (access denied)");
    return seep_fail(err, SEEP_NO_OFFSET, NULL, "the process cannot be opened (%s)",
                     seep_win32_reason(error, room));
}

bool seep_os_space_open(uint32_t pid, struct seep_os_space *space, struct seep_err *err)
{
    struct seep_os_space s = { .has_blocks = true };
    if (pid == 0 || pid == 4)
        return seep_fail(err, SEEP_NO_OFFSET,
                         "see what a recording says of the machine: seep record",
                         "the process has no address space of its own: it is the kernel's");
    seep_win32_use_debug_privilege();
    s.process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ | SYNCHRONIZE, FALSE, pid);
    if (!s.process)
        return cannot_open(GetLastError(), err);
    if (WaitForSingleObject(s.process, 0) == WAIT_OBJECT_0) {
        seep_os_space_close(&s);
        return seep_fail(err, SEEP_NO_OFFSET, "name a process that runs",
                         "the process has no address space: it has ended");
    }
    wchar_t *room = seep_alloc(PATH_CHARACTERS, sizeof *room);
    bool ok = room && find_regions(&s, room) && find_modules(&s, room) && find_threads(&s, pid);
    seep_free(room);
    if (!ok) {
        seep_os_space_close(&s);
        return seep_fail_memory(err);
    }
    if (s.n_regions == 0) {
        seep_os_space_close(&s);
        return seep_fail(err, SEEP_NO_OFFSET, "write a dump of it, and name that",
                         "the system does not list the memory of this process");
    }
    find_blocks(&s);
    *space = s;
    return true;
}

void seep_os_space_close(struct seep_os_space *space)
{
    if (space->process)
        (void)CloseHandle(space->process);
    seep_free(space->regions);
    seep_free(space->modules);
    seep_free(space->threads);
    seep_arena_clear(&space->arena);
    *space = (struct seep_os_space){ 0 };
}

size_t seep_os_space_read(const struct seep_os_space *space, uint64_t address, void *out,
                          size_t len)
{
    SIZE_T n = 0;
    // Where only a part can be read it says how much, and fails.
    if (address > UINTPTR_MAX ||
        (!ReadProcessMemory(space->process, (void *)(uintptr_t)address, out, len, &n) &&
         GetLastError() != ERROR_PARTIAL_COPY))
        return 0;
    return n < len ? n : len;
}
