// SPDX-License-Identifier: MIT
// Processes that have exited and are still there, with who holds them, on Windows.
//
// Every process handle of the machine is duplicated to see what it is to, and every PID is tried:
// that is done once where somebody asks, not in each sample.
#include "base/alloc.h"
#include "base/intern.h"
#include "base/time.h"
#include "base/utf.h"
#include "os/sample_win32.h"

#include <winternl.h>

// What is known of a process that has exited, by a handle to it.
static bool describe_zombie(struct seep_os_sampler *s, HANDLE target, uint32_t pid)
{
    struct {
        ULONG attributes, access, n_handles, n_pointers, rest[10];
    } object = { 0 };
    FILETIME start, end, kernel, user;
    wchar_t path[MAX_PATH];
    DWORD len = MAX_PATH;
    if (!seep_grow(&s->zombies, &s->zombies_room, s->n_zombies + 1, sizeof *s->zombies) ||
        !seep_grow(&s->zombie_name_at, &s->zombie_name_at_room, s->n_zombies + 1,
                   sizeof *s->zombie_name_at))
        return false;
    struct seep_os_zombie z = {
        .pid = pid, .start_ns = SEEP_NO_TIME, .end_ns = SEEP_NO_TIME, .n_handles = SEEP_OS_UNKNOWN
    };
    if (GetProcessTimes(target, &start, &end, &kernel, &user)) {
        z.start_ns =
            seep_time_from_filetime((uint64_t)start.dwHighDateTime << 32 | start.dwLowDateTime);
        z.end_ns = seep_time_from_filetime((uint64_t)end.dwHighDateTime << 32 | end.dwLowDateTime);
    }
    // One of its handles is the one that it is looked at with.
    if (NtQueryObject(target, (OBJECT_INFORMATION_CLASS)0, &object, sizeof object, NULL) >= 0 &&
        object.n_handles >= 1)
        z.n_handles = object.n_handles - 1;
    s->zombie_name_at[s->n_zombies] = s->zombie_names.len;
    if (QueryFullProcessImageNameW(target, PROCESS_NAME_NATIVE, path, &len)) {
        size_t from = len;
        while (from && path[from - 1] != L'\\')
            from--;
        (void)seep_utf16_add(&s->zombie_names, seep_bytes(path + from, (len - from) * 2));
    }
    seep_buf_addc(&s->zombie_names, '\0');
    s->zombies[s->n_zombies++] = z;
    return !s->zombie_names.failed;
}

// The zombie that a handle of a process is to, added where it is new; false when memory is out.
static bool add_zombie_handle(struct seep_os_sampler *s, struct seep_intern *pids, HANDLE holder,
                              const struct seep_nt_handle *h)
{
    HANDLE target;
    bool ok = true;
    if (!DuplicateHandle(holder, (HANDLE)(uintptr_t)h->value, GetCurrentProcess(), &target,
                         PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, 0))
        return true;
    uint32_t pid = WaitForSingleObject(target, 0) == WAIT_OBJECT_0 ? GetProcessId(target) : 0;
    if (pid) {
        uint32_t id = seep_intern(pids, &pid, sizeof pid);
        ok = id && seep_grow(&s->zombie_handles, &s->zombie_handles_room, s->n_zombie_handles + 1,
                             sizeof *s->zombie_handles);
        if (ok && id > s->n_zombies)
            ok = describe_zombie(s, target, pid);
        if (ok) {
            s->zombies[id - 1].n_found++;
            s->zombie_handles[s->n_zombie_handles++] = (struct seep_os_zombie_handle){
                .holder_pid = h->pid, .zombie = id - 1, .value = h->value, .access = h->access
            };
        }
    }
    (void)CloseHandle(target);
    return ok;
}

// Zombies that nobody has a handle to are found by their PIDs, which stay taken: the highest one
// that is known says how far to look.
static bool find_unheld(struct seep_os_sampler *s, struct seep_intern *pids)
{
    enum { BEYOND = 4096, MOST_PIDS = 1 << 22 };
    uint32_t last = 0;
    for (size_t i = 0; i < s->n_processes; i++)
        last = s->processes[i].pid > last ? s->processes[i].pid : last;
    for (size_t i = 0; i < s->n_zombies; i++)
        last = s->zombies[i].pid > last ? s->zombies[i].pid : last;
    last = last < MOST_PIDS - BEYOND ? last + BEYOND : MOST_PIDS;
    bool ok = true;
    for (uint32_t pid = 8; ok && pid <= last; pid += 4) {
        if (seep_win32_process(s, pid) || seep_intern_find(pids, &pid, sizeof pid))
            continue;
        HANDLE target = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, pid);
        if (!target)
            continue;
        if (WaitForSingleObject(target, 0) == WAIT_OBJECT_0)
            ok = seep_intern(pids, &pid, sizeof pid) && describe_zombie(s, target, pid);
        (void)CloseHandle(target);
    }
    return ok;
}

bool seep_os_sampler_zombies(struct seep_os_sampler *sampler, struct seep_os_zombies *zombies,
                             struct seep_err *err)
{
    struct seep_os_sampler *s = sampler;
    struct seep_intern pids = { 0 };
    HANDLE holder = NULL;
    uint32_t pid = 0;
    uint64_t n_closed = 0;
    bool ok = true;
    s->n_zombies = s->n_zombie_handles = 0;
    seep_buf_reset(&s->zombie_names);
    if (s->has_handle_types && !seep_win32_query(&s->query, SEEP_WIN32_SYSTEM, SEEP_NT_HANDLES))
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot list the handles of this machine");
    size_t n = s->has_handle_types ? seep_nt_n_handles(s->query.table) : 0;
    for (size_t i = 0; ok && i < n; i++) {
        struct seep_nt_handle h = seep_nt_handle(s->query.table, i);
        if (h.type != s->process_type || h.pid == s->own_pid || h.pid == 0)
            continue;
        if (h.pid != pid) {
            if (holder)
                (void)CloseHandle(holder);
            pid = h.pid;
            holder = OpenProcess(PROCESS_DUP_HANDLE, FALSE, pid);
            n_closed += !holder && GetLastError() == ERROR_ACCESS_DENIED;
        }
        ok = !holder || add_zombie_handle(s, &pids, holder, &h);
    }
    if (holder)
        (void)CloseHandle(holder);
    ok = ok && find_unheld(s, &pids);
    seep_intern_clear(&pids);
    if (!ok)
        return seep_fail_memory(err);
    for (size_t i = 0; i < s->n_zombies; i++)
        s->zombies[i].image = s->zombie_names.data + s->zombie_name_at[i];
    *zombies = (struct seep_os_zombies){ .at = s->zombies,
                                         .n = s->n_zombies,
                                         .handles = s->zombie_handles,
                                         .n_handles = s->n_zombie_handles,
                                         .n_closed = n_closed };
    return true;
}
