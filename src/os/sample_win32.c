// SPDX-License-Identifier: MIT
// Sampling on Windows: one NtQuerySystemInformation call for all processes.
//
// Some numbers are not filled in everywhere (Wine has no PrivatePageCount and no pool quotas, and
// its HandleCount is the size of the handle table). Which field to believe is decided when the
// sampler is opened, by looking at what it says of this process. Dead processes that are still held
// are found by looking through every process handle of the machine: that is done as often as it
// costs little.
#include "os/sample.h"

#include "base/alloc.h"
#include "base/time.h"
#include "base/utf.h"
#include "os/os.h"
#include "os/sample_win32.h"
#include "os/win32.h"

#include <psapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winternl.h>

NTSTATUS NTAPI RtlGetVersion(RTL_OSVERSIONINFOW *version);

#define STATUS_BUFFER_OVERFLOW_ ((NTSTATUS)0x80000005)
#define STATUS_LENGTH_MISMATCH_ ((NTSTATUS)0xC0000004)
#define STATUS_BUFFER_SMALL_ ((NTSTATUS)0xC0000023)

enum {
    FIRST_BYTES = 1 << 20,
    FIRST_ROOM = 1024, // processes that fit without another allocation
    TRIES = 8,         // a table grows between the call that fails and the next one
    SYSTEM_PID = 4,
    ZOMBIE_SHARE = 10, // looking for zombies may take one part in so many of the time
};
#define MAX_QUERY_BYTES ((size_t)1 << 30) // address space that a buffer reserves: 25 M handles

const char *seep_os_live_name(void)
{
    return "live-windows";
}

bool seep_win32_query(struct seep_win32_query *q, enum seep_win32_what what, int class_)
{
    ULONG need = 0;
    NTSTATUS status = STATUS_LENGTH_MISMATCH_;
    q->table = (struct seep_bytes){ 0 };
    if (!q->data)
        q->data = VirtualAlloc(NULL, MAX_QUERY_BYTES, MEM_RESERVE, PAGE_READWRITE);
    for (int i = 0; q->data && i < TRIES; i++) {
        size_t want = q->committed ? q->committed : FIRST_BYTES;
        if (i > 0)
            want = need > want ? (size_t)need + need / 4 : want * 2;
        if (want > MAX_QUERY_BYTES)
            return false;
        if (want > q->committed) {
            if (!VirtualAlloc(q->data, want, MEM_COMMIT, PAGE_READWRITE))
                return false;
            q->committed = want;
        }
        need = 0;
        status = what == SEEP_WIN32_SYSTEM
                     ? NtQuerySystemInformation((SYSTEM_INFORMATION_CLASS)class_, q->data,
                                                (ULONG)q->committed, &need)
                     : NtQueryObject(NULL, (OBJECT_INFORMATION_CLASS)class_, q->data,
                                     (ULONG)q->committed, &need);
        if (status != STATUS_LENGTH_MISMATCH_ && status != STATUS_BUFFER_SMALL_ &&
            status != STATUS_BUFFER_OVERFLOW_)
            break;
    }
    if (status < 0 || !q->data)
        return false;
    q->table = seep_bytes(q->data, need && need <= q->committed ? need : q->committed);
    return true;
}

static uint64_t address_of(const struct seep_win32_query *q)
{
    return (uint64_t)(uintptr_t)q->data;
}

// SYSTEM_TIMEOFDAY_INFORMATION begins with the time of the boot.
static int64_t boot_time_ns(void)
{
    struct {
        LARGE_INTEGER boot, rest[5];
    } times = { 0 };
    ULONG need;
    if (NtQuerySystemInformation((SYSTEM_INFORMATION_CLASS)SEEP_NT_TIME_OF_DAY, &times, 48, &need) <
        0)
        return SEEP_NO_TIME;
    return seep_time_from_filetime((uint64_t)times.boot.QuadPart);
}

bool seep_os_machine(struct seep_os_machine *machine, struct seep_err *err)
{
    wchar_t host[MAX_COMPUTERNAME_LENGTH + 1];
    DWORD host_len = MAX_COMPUTERNAME_LENGTH + 1;
    RTL_OSVERSIONINFOW version = { .dwOSVersionInfoSize = sizeof version };
    MEMORYSTATUSEX memory = { .dwLength = sizeof memory };
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    if (!GlobalMemoryStatusEx(&memory) || RtlGetVersion(&version) < 0)
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot examine this machine");
    struct seep_os_machine m = {
        .os = "Windows",
        .ram_bytes = memory.ullTotalPhys,
        .page_size_bytes = info.dwPageSize,
        .n_processors = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS),
        .boot_ns = boot_time_ns(),
        .commit_limit_binds = true,
    };
    // Perfmon logs name machines by this name too.
    if (!GetComputerNameW(host, &host_len) ||
        !WideCharToMultiByte(CP_UTF8, 0, host, -1, m.host, sizeof m.host, NULL, NULL))
        m.host[0] = '\0';
    (void)snprintf(m.os_version, sizeof m.os_version, "%lu.%lu.%lu", version.dwMajorVersion,
                   version.dwMinorVersion, version.dwBuildNumber);
    *machine = m;
    return true;
}

// This process in the table of processes.
static bool own_row(struct seep_os_sampler *s, struct seep_nt_process *own)
{
    if (!seep_win32_query(&s->processes_query, SEEP_WIN32_SYSTEM, SEEP_NT_PROCESSES))
        return false;
    for (size_t offset = 0; seep_nt_process(s->processes_query.table,
                                            address_of(&s->processes_query), &offset, own);) {
        if (own->pid == s->own_pid)
            return true;
    }
    return false;
}

// Whether HandleCount is the number of handles: opening and closing some has to show in it exactly.
static bool counts_handles(struct seep_os_sampler *s)
{
    enum { N = 5 };
    struct seep_nt_process before, during, after;
    HANDLE events[N];
    bool ok = own_row(s, &before);
    for (int i = 0; i < N; i++)
        events[i] = CreateEventW(NULL, TRUE, FALSE, NULL);
    ok = own_row(s, &during) && ok;
    for (int i = 0; i < N; i++) {
        if (events[i])
            (void)CloseHandle(events[i]);
    }
    ok = own_row(s, &after) && ok;
    return ok && during.n_handles == before.n_handles + N && after.n_handles == before.n_handles;
}

// The ObjectTypeIndex of processes differs between versions: it is that of a handle made here.
static bool find_process_type(struct seep_os_sampler *s)
{
    HANDLE own;
    if (!DuplicateHandle(GetCurrentProcess(), GetCurrentProcess(), GetCurrentProcess(), &own, 0,
                         FALSE, DUPLICATE_SAME_ACCESS))
        return false;
    bool found = false;
    if (seep_win32_query(&s->query, SEEP_WIN32_SYSTEM, SEEP_NT_HANDLES)) {
        size_t n = seep_nt_n_handles(s->query.table);
        for (size_t i = 0; i < n && !found; i++) {
            struct seep_nt_handle h = seep_nt_handle(s->query.table, i);
            found = h.pid == s->own_pid && h.value == (uint64_t)(uintptr_t)own;
            s->process_type = h.type;
        }
    }
    (void)CloseHandle(own);
    return found;
}

// GetGuiResources, if it sees a menu that is made here.
static seep_win32_gui_fn find_gui_resources(void)
{
    HMODULE user32 = LoadLibraryExW(L"user32.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!user32)
        return NULL;
    typedef HMENU(WINAPI * create_fn)(void);
    typedef BOOL(WINAPI * destroy_fn)(HMENU);
    seep_win32_gui_fn resources =
        (seep_win32_gui_fn)(void (*)(void))GetProcAddress(user32, "GetGuiResources");
    create_fn create = (create_fn)(void (*)(void))GetProcAddress(user32, "CreateMenu");
    destroy_fn destroy = (destroy_fn)(void (*)(void))GetProcAddress(user32, "DestroyMenu");
    HMENU menu = resources && create && destroy ? create() : NULL;
    bool works = menu && resources(GetCurrentProcess(), GR_USEROBJECTS) > 0;
    if (menu)
        (void)destroy(menu);
    if (works)
        return resources;
    (void)FreeLibrary(user32);
    return NULL;
}

static bool make_room(struct seep_os_sampler *s, size_t n)
{
    return seep_grow(&s->processes, &s->processes_room, n, sizeof *s->processes) &&
           seep_grow(&s->name_at, &s->name_at_room, n, sizeof *s->name_at);
}

bool seep_os_sampler_open(struct seep_os_sampler **sampler, struct seep_err *err)
{
    struct seep_os_sampler *s = seep_alloc(1, sizeof *s);
    if (!s)
        return seep_fail_memory(err);
    struct seep_nt_process own;
    PERFORMANCE_INFORMATION totals = { .cb = sizeof totals };
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    s->page_bytes = info.dwPageSize;
    s->own_pid = GetCurrentProcessId();
    seep_win32_use_debug_privilege();
    s->boot_ns = boot_time_ns();
    if (!own_row(s, &own) || !GetPerformanceInfo(&totals, sizeof totals) ||
        !make_room(s, FIRST_ROOM)) {
        seep_os_sampler_close(s);
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot list the processes of this machine");
    }
    s->has_private_pages = own.private_page_count != 0;
    s->has_pool_quotas = own.quota_paged_pool_usage != 0;
    s->has_kernel_pools = totals.KernelPaged != 0 && totals.KernelNonpaged != 0;
    s->has_handle_counts = counts_handles(s);
    s->has_handle_types = find_process_type(s);
    s->has_page_files = seep_win32_query(&s->query, SEEP_WIN32_SYSTEM, SEEP_NT_PAGE_FILES);
    s->has_pool_tags = seep_win32_query(&s->query, SEEP_WIN32_SYSTEM, SEEP_NT_POOL_TAGS);
    s->has_performance = seep_win32_query(&s->query, SEEP_WIN32_SYSTEM, SEEP_NT_PERFORMANCE);
    s->has_object_totals = seep_win32_query(&s->query, SEEP_WIN32_OBJECTS, SEEP_NT_OBJECT_TYPES);
    s->gui_resources = find_gui_resources();
    *sampler = s;
    return true;
}

void seep_os_sampler_close(struct seep_os_sampler *sampler)
{
    if (!sampler)
        return;
    if (sampler->processes_query.data)
        (void)VirtualFree(sampler->processes_query.data, 0, MEM_RELEASE);
    if (sampler->query.data)
        (void)VirtualFree(sampler->query.data, 0, MEM_RELEASE);
    seep_buf_clear(&sampler->names);
    seep_free(sampler->processes);
    seep_free(sampler->name_at);
    seep_free(sampler->tags);
    seep_free(sampler->held);
    seep_free(sampler->closed_holders);
    seep_free(sampler->zombies);
    seep_free(sampler->zombie_name_at);
    seep_free(sampler->zombie_handles);
    seep_buf_clear(&sampler->zombie_names);
    seep_free(sampler);
}

static void count_gui_objects(struct seep_os_sampler *s, struct seep_os_process *p)
{
    HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, p->pid);
    if (!process) {
        s->n_unreadable += GetLastError() == ERROR_ACCESS_DENIED;
        return;
    }
    p->gdi_objects = s->gui_resources(process, GR_GDIOBJECTS);
    p->user_objects = s->gui_resources(process, GR_USEROBJECTS);
    (void)CloseHandle(process);
}

static void fill(struct seep_os_sampler *s, const struct seep_nt_process *nt)
{
    int64_t start_ns = seep_time_from_filetime(nt->create_time);
    s->name_at[s->n_processes] = s->names.len;
    (void)seep_utf16_add(&s->names, nt->image);
    seep_buf_addc(&s->names, '\0');
    struct seep_os_process *p = &s->processes[s->n_processes++];
    *p = (struct seep_os_process){
        .pid = nt->pid,
        .parent_pid = nt->parent_pid,
        .start_ns = start_ns == SEEP_NO_TIME ? s->boot_ns : start_ns, // what the boot started
        .private_bytes = s->has_private_pages ? nt->private_page_count : nt->pagefile_usage,
        .virtual_bytes = nt->virtual_size,
        .working_set_bytes = nt->working_set_size,
        .handles = s->has_handle_counts  ? nt->n_handles
                   : s->has_handle_types ? 0
                                         : SEEP_OS_UNKNOWN,
        .threads = nt->n_threads,
        .gdi_objects = SEEP_OS_UNKNOWN,
        .user_objects = SEEP_OS_UNKNOWN,
        .paged_pool_bytes = s->has_pool_quotas ? nt->quota_paged_pool_usage : SEEP_OS_UNKNOWN,
        .nonpaged_pool_bytes = s->has_pool_quotas ? nt->quota_nonpaged_pool_usage : SEEP_OS_UNKNOWN,
        .zombies = s->has_handle_types ? 0 : SEEP_OS_UNKNOWN,
    };
    if (s->gui_resources && nt->pid > SYSTEM_PID)
        count_gui_objects(s, p);
}

static int by_pid(const void *a, const void *b)
{
    const struct seep_os_process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

struct seep_os_process *seep_win32_process(struct seep_os_sampler *s, uint32_t pid)
{
    const struct seep_os_process key = { .pid = pid };
    return bsearch(&key, s->processes, s->n_processes, sizeof key, by_pid);
}

static bool sample_processes(struct seep_os_sampler *s, struct seep_err *err)
{
    struct seep_win32_query *q = &s->processes_query;
    struct seep_nt_process nt;
    if (!seep_win32_query(q, SEEP_WIN32_SYSTEM, SEEP_NT_PROCESSES))
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot list the processes of this machine");
    s->n_processes = 0;
    seep_buf_reset(&s->names);
    for (size_t offset = 0; seep_nt_process(q->table, address_of(q), &offset, &nt);) {
        if (nt.pid == 0) // the idle process is no process
            continue;
        if (!make_room(s, s->n_processes + 1))
            return seep_fail_memory(err);
        fill(s, &nt);
    }
    if (s->names.failed)
        return seep_fail_memory(err);
    for (size_t i = 0; i < s->n_processes; i++)
        s->processes[i].image = s->names.data + s->name_at[i];
    qsort(s->processes, s->n_processes, sizeof *s->processes, by_pid);
    return true;
}

static int by_holder(const void *a, const void *b)
{
    const struct seep_win32_held *x = a, *y = b;
    if (x->holder != y->holder)
        return x->holder < y->holder ? -1 : 1;
    return (x->zombie > y->zombie) - (x->zombie < y->zombie);
}

static int by_zombie(const void *a, const void *b)
{
    const struct seep_win32_held *x = a, *y = b;
    return (x->zombie > y->zombie) - (x->zombie < y->zombie);
}

// The PID of the process behind a handle of another process if it has ended, else 0. PIDs stay
// taken as long as the process object exists.
static uint32_t dead_target(HANDLE holder, uint64_t value)
{
    HANDLE target;
    if (!DuplicateHandle(holder, (HANDLE)(uintptr_t)value, GetCurrentProcess(), &target,
                         PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, 0))
        return 0;
    DWORD pid = WaitForSingleObject(target, 0) == WAIT_OBJECT_0 ? GetProcessId(target) : 0;
    (void)CloseHandle(target);
    return pid;
}

// Keeps one row for each holder and zombie, and counts the zombies that somebody holds.
static void settle_held(struct seep_os_sampler *s)
{
    qsort(s->held, s->n_held, sizeof *s->held, by_zombie);
    s->n_zombies_held = 0;
    for (size_t i = 0; i < s->n_held; i++)
        s->n_zombies_held += i == 0 || s->held[i].zombie != s->held[i - 1].zombie;
    qsort(s->held, s->n_held, sizeof *s->held, by_holder);
    size_t n = 0;
    for (size_t i = 0; i < s->n_held; i++) {
        if (n == 0 || by_holder(&s->held[n - 1], &s->held[i]) != 0)
            s->held[n++] = s->held[i];
    }
    s->n_held = n;
}

// Looks through every process handle in the table of handles. This process's own are left out: the
// recorder holds the child that it started.
static bool find_zombies(struct seep_os_sampler *s)
{
    size_t n = seep_nt_n_handles(s->query.table);
    uint32_t pid = 0;
    HANDLE holder = NULL;
    bool ok = true;
    s->n_held = s->n_closed = 0;
    for (size_t i = 0; ok && i < n; i++) {
        struct seep_nt_handle h = seep_nt_handle(s->query.table, i);
        if (h.type != s->process_type || h.pid == s->own_pid || h.pid == 0)
            continue;
        if (h.pid != pid) {
            if (holder)
                (void)CloseHandle(holder);
            pid = h.pid;
            holder = OpenProcess(PROCESS_DUP_HANDLE, FALSE, pid);
            if (!holder && GetLastError() == ERROR_ACCESS_DENIED) {
                ok = seep_grow(&s->closed_holders, &s->closed_room, s->n_closed + 1,
                               sizeof *s->closed_holders);
                if (ok)
                    s->closed_holders[s->n_closed++] = pid;
            }
        }
        uint32_t zombie = holder ? dead_target(holder, h.value) : 0;
        if (!zombie)
            continue;
        ok = seep_grow(&s->held, &s->held_room, s->n_held + 1, sizeof *s->held);
        if (ok)
            s->held[s->n_held++] = (struct seep_win32_held){ .holder = pid, .zombie = zombie };
    }
    if (holder)
        (void)CloseHandle(holder);
    settle_held(s);
    return ok;
}

// What the table of all handles tells: how many each process has, and who holds dead processes.
static bool read_handles(struct seep_os_sampler *s, struct seep_err *err)
{
    int64_t now_ns = seep_os_monotonic_ns();
    bool look = now_ns >= s->zombies_due_ns;
    if (!s->has_handle_types || (s->has_handle_counts && !look))
        return true;
    if (!seep_win32_query(&s->query, SEEP_WIN32_SYSTEM, SEEP_NT_HANDLES))
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot list the handles of this machine");
    struct seep_os_process *p = NULL;
    size_t n = s->has_handle_counts ? 0 : seep_nt_n_handles(s->query.table);
    for (size_t i = 0; i < n; i++) {
        uint32_t pid = seep_nt_handle(s->query.table, i).pid;
        if (!p || p->pid != pid)
            p = seep_win32_process(s, pid);
        if (p)
            p->handles++;
    }
    if (look) {
        if (!find_zombies(s))
            return seep_fail_memory(err);
        int64_t end_ns = seep_os_monotonic_ns();
        s->zombies_due_ns = end_ns + ZOMBIE_SHARE * (end_ns - now_ns);
    }
    return true;
}

// The zombies of each holder, and how many there are. The object manager counts also those that no
// handle explains.
static uint64_t count_zombies(struct seep_os_sampler *s)
{
    for (size_t i = 0; i < s->n_held; i++) {
        struct seep_os_process *p = seep_win32_process(s, s->held[i].holder);
        if (p)
            p->zombies++;
    }
    for (size_t i = 0; i < s->n_closed; i++) {
        struct seep_os_process *p = seep_win32_process(s, s->closed_holders[i]);
        if (p)
            p->zombies = SEEP_OS_UNKNOWN;
    }
    s->n_unreadable += s->n_closed;
    uint32_t objects = 0;
    if (s->has_object_totals &&
        seep_win32_query(&s->query, SEEP_WIN32_OBJECTS, SEEP_NT_OBJECT_TYPES) &&
        seep_nt_object_total(s->query.table, address_of(&s->query), "Process", &objects)) {
        uint64_t more = objects > s->n_processes ? objects - s->n_processes : 0;
        return more > s->n_zombies_held ? more : s->n_zombies_held;
    }
    return s->has_handle_types ? s->n_zombies_held : SEEP_OS_UNKNOWN;
}

// Pages in bytes; 0 is what Wine says of what it does not know.
static uint64_t pages(const struct seep_os_sampler *s, uint64_t n)
{
    return n == UINT64_MAX || n == 0 ? SEEP_OS_UNKNOWN : n * s->page_bytes;
}

static bool read_totals(struct seep_os_sampler *s, struct seep_os_totals *totals,
                        struct seep_err *err)
{
    PERFORMANCE_INFORMATION p = { .cb = sizeof p };
    if (!GetPerformanceInfo(&p, sizeof p))
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot read the memory counters");
    *totals = (struct seep_os_totals){
        .commit_bytes = p.CommitTotal * p.PageSize,
        .commit_limit_bytes = p.CommitLimit * p.PageSize,
        .ram_bytes = p.PhysicalTotal * p.PageSize,
        .available_bytes = p.PhysicalAvailable * p.PageSize,
        .paged_pool_bytes = s->has_kernel_pools ? p.KernelPaged * p.PageSize : SEEP_OS_UNKNOWN,
        .nonpaged_pool_bytes =
            s->has_kernel_pools ? p.KernelNonpaged * p.PageSize : SEEP_OS_UNKNOWN,
        .pagefile_used_bytes = SEEP_OS_UNKNOWN,
        .pagefile_total_bytes = SEEP_OS_UNKNOWN,
        .commit_peak_bytes = pages(s, p.CommitPeak),
        .resident_available_bytes = SEEP_OS_UNKNOWN,
        .shared_bytes = SEEP_OS_UNKNOWN,
        .kernel_stack_bytes = SEEP_OS_UNKNOWN,
        .page_table_bytes = SEEP_OS_UNKNOWN,
        .driver_bytes = SEEP_OS_UNKNOWN,
    };
    struct seep_nt_performance more;
    if (s->has_performance && seep_win32_query(&s->query, SEEP_WIN32_SYSTEM, SEEP_NT_PERFORMANCE) &&
        seep_nt_performance(s->query.table, &more)) {
        totals->resident_available_bytes = pages(s, more.resident_available);
        totals->shared_bytes = pages(s, more.shared_committed);
        totals->page_table_bytes = pages(s, more.system_page_tables);
        totals->driver_bytes = pages(s, more.drivers);
    }
    uint64_t used, total;
    if (s->has_page_files && seep_win32_query(&s->query, SEEP_WIN32_SYSTEM, SEEP_NT_PAGE_FILES) &&
        seep_nt_page_files(s->query.table, &used, &total)) {
        totals->pagefile_used_bytes = used * s->page_bytes;
        totals->pagefile_total_bytes = total * s->page_bytes;
    }
    return true;
}

// A tag's four bytes as text, as everywhere in seep (model/pool.h): the mark of protected blocks is
// off, '.' stands for what is not printable. False where there was such a thing.
static bool set_tag_name(struct seep_os_pool_tag *tag, const char bytes[4])
{
    size_t len = 0;
    bool printable = true;
    for (size_t i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (i == 3)
            c &= 0x7f;
        bool shown = c >= ' ' && c <= '~';
        printable = printable && shown;
        tag->name[i] = shown ? (char)c : '.';
        if (tag->name[i] != ' ')
            len = i + 1;
    }
    tag->name[len] = '\0';
    return printable;
}

static struct seep_os_pool_counts pool_counts(uint32_t allocs, uint32_t frees, uint64_t bytes)
{
    const uint64_t none = SEEP_OS_UNKNOWN;
    if (!allocs && !frees && !bytes) // never in this pool; a count that wrapped to 0 comes back
        return (struct seep_os_pool_counts){ none, none, none, none };
    uint32_t blocks = allocs - frees;
    return (struct seep_os_pool_counts){ bytes, blocks <= INT32_MAX ? blocks : none, allocs,
                                         frees };
}

static void add_counts(struct seep_os_pool_counts *to, const struct seep_os_pool_counts *more)
{
    if (more->bytes == SEEP_OS_UNKNOWN)
        return;
    if (to->bytes == SEEP_OS_UNKNOWN)
        *to = (struct seep_os_pool_counts){ 0 };
    *to = pool_counts((uint32_t)(to->allocs + more->allocs), (uint32_t)(to->frees + more->frees),
                      to->bytes + more->bytes);
}

// Adds the last tag to an earlier one that reads the same.
static void merge_tag(struct seep_os_sampler *s)
{
    const struct seep_os_pool_tag *last = &s->tags[s->n_tags - 1];
    for (size_t i = 0; i + 1 < s->n_tags; i++) {
        if (strcmp(s->tags[i].name, last->name) == 0) {
            add_counts(&s->tags[i].paged, &last->paged);
            add_counts(&s->tags[i].nonpaged, &last->nonpaged);
            s->n_tags--;
            return;
        }
    }
}

static bool read_tags(struct seep_os_sampler *s, struct seep_err *err)
{
    s->n_tags = 0;
    if (!s->has_pool_tags || !seep_win32_query(&s->query, SEEP_WIN32_SYSTEM, SEEP_NT_POOL_TAGS))
        return true;
    size_t n = seep_nt_n_pool_tags(s->query.table);
    if (!seep_grow(&s->tags, &s->tags_room, n, sizeof *s->tags))
        return seep_fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        struct seep_nt_pool_tag nt = seep_nt_pool_tag(s->query.table, i);
        struct seep_os_pool_tag *tag = &s->tags[s->n_tags++];
        bool printable = set_tag_name(tag, nt.tag);
        tag->paged = pool_counts(nt.paged_allocs, nt.paged_frees, nt.paged_bytes);
        tag->nonpaged = pool_counts(nt.nonpaged_allocs, nt.nonpaged_frees, nt.nonpaged_bytes);
        if (!printable) // there are few
            merge_tag(s);
    }
    return true;
}

bool seep_os_sampler_take(struct seep_os_sampler *sampler, struct seep_os_sample *sample,
                          struct seep_err *err)
{
    struct seep_os_sampler *s = sampler;
    struct seep_os_totals totals;
    int64_t t_ns = seep_os_now_ns();
    s->n_unreadable = 0;
    if (!read_totals(s, &totals, err) || !sample_processes(s, err) || !read_handles(s, err) ||
        !read_tags(s, err))
        return false;
    totals.zombies = count_zombies(s);
    *sample = (struct seep_os_sample){
        .t_ns = t_ns,
        .totals = totals,
        .processes = s->processes,
        .n_processes = s->n_processes,
        .tags = s->tags,
        .n_tags = s->n_tags,
        .n_unreadable = s->n_unreadable,
    };
    return true;
}

void seep_os_sampler_fields(const struct seep_os_sampler *sampler,
                            struct seep_os_process_fields *process,
                            struct seep_os_totals_fields *totals)
{
    const struct seep_os_sampler *s = sampler;
    const char *quota = "SYSTEM_PROCESS_INFORMATION.QuotaPagedPoolUsage";
    const char *nonpaged_quota = "SYSTEM_PROCESS_INFORMATION.QuotaNonPagedPoolUsage";
    *process = (struct seep_os_process_fields){
        .private_bytes = s->has_private_pages ? "SYSTEM_PROCESS_INFORMATION.PrivatePageCount"
                                              : "SYSTEM_PROCESS_INFORMATION.PagefileUsage",
        .virtual_bytes = "SYSTEM_PROCESS_INFORMATION.VirtualSize",
        .working_set_bytes = "SYSTEM_PROCESS_INFORMATION.WorkingSetSize",
        .handles = s->has_handle_counts  ? "SYSTEM_PROCESS_INFORMATION.HandleCount"
                   : s->has_handle_types ? "SYSTEM_HANDLE_INFORMATION_EX entries"
                                         : NULL,
        .threads = "SYSTEM_PROCESS_INFORMATION.NumberOfThreads",
        .gdi_objects = s->gui_resources ? "GetGuiResources GR_GDIOBJECTS" : NULL,
        .user_objects = s->gui_resources ? "GetGuiResources GR_USEROBJECTS" : NULL,
        .paged_pool_bytes = s->has_pool_quotas ? quota : NULL,
        .nonpaged_pool_bytes = s->has_pool_quotas ? nonpaged_quota : NULL,
        .zombies = s->has_handle_types ? "SYSTEM_HANDLE_INFORMATION_EX ended processes" : NULL,
    };
    const char *zombies = s->has_object_totals
                              ? "OBJECT_TYPE_INFORMATION.TotalNumberOfObjects - processes"
                          : s->has_handle_types ? process->zombies
                                                : NULL;
    *totals = (struct seep_os_totals_fields){
        .commit_bytes = "PERFORMANCE_INFORMATION.CommitTotal",
        .commit_limit_bytes = "PERFORMANCE_INFORMATION.CommitLimit",
        .available_bytes = "PERFORMANCE_INFORMATION.PhysicalAvailable",
        .paged_pool_bytes = s->has_kernel_pools ? "PERFORMANCE_INFORMATION.KernelPaged" : NULL,
        .nonpaged_pool_bytes =
            s->has_kernel_pools ? "PERFORMANCE_INFORMATION.KernelNonpaged" : NULL,
        .pagefile_usage = s->has_page_files ? "SYSTEM_PAGEFILE_INFORMATION.TotalInUse" : NULL,
        .zombies = zombies,
    };
    if (s->has_pool_tags) { // as model/pool.h names them
        totals->tag_bytes = "SYSTEM_POOLTAG bytes";
        totals->tag_paged_blocks = "SYSTEM_POOLTAG PagedAllocs-PagedFrees";
        totals->tag_nonpaged_blocks = "SYSTEM_POOLTAG NonPagedAllocs-NonPagedFrees";
    }
}
