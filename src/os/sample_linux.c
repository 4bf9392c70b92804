// SPDX-License-Identifier: MIT
// Sampling on Linux: /proc.
//
// Cost decides the shape (bench/bench_sample measures it). In the steady state a process costs one
// read of statm (status instead while the machine uses swap) and two fstat calls, all on files that
// stay open between samples; opening and reading stat would cost more than the three together. It
// is read for a new process, when the size of the process has changed (after an exec it has), when
// the process has no memory, and now and then. Files are opened anew each time only for the
// processes beyond the limit of open files. A file that is kept open belongs to the process that it
// was opened for: when that is gone, reading it fails, whoever has the PID then.
//
// Kernel threads have no memory of their own and are left out; what they allocate shows in the
// totals and the slab caches. Field meanings: proc(5), and Documentation/filesystems/proc.rst of
// the kernel.
#include "os/sample.h"

#include "base/alloc.h"
#include "base/time.h"
#include "base/utf.h"
#include "os/os.h"
#include "os/posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
    NAME_BYTES = 64,       // a comm: 15 bytes, each of which may be escaped as \xHH
    KEPT_PROCESSES = 2048, // processes whose files stay open: about 8 KB of kernel memory each
    FILES_EACH = 3,
    SPARE_FILES = 256, // for the rest of the program
    FIRST_ROOM = 1024, // processes that fit without another allocation
    STAT_EVERY = 16,   // samples between two looks at stat of a process that seems the same
    KERNEL_THREAD = 0x00200000, // PF_KTHREAD of the kernel's sched.h, in the flags of stat
};

// What is remembered of a process between two samples. The files are -1 while they are not open.
struct known {
    uint32_t pid, parent_pid;
    int memory_fd, files_fd, task_fd;
    bool has_status; // memory_fd is status, not statm
    bool kernel_thread, zombie;
    int64_t start_ns; // SEEP_NO_TIME = never looked at
    uint64_t virtual_bytes;
    char name[NAME_BYTES];
};

struct slab {
    char name[sizeof((struct seep_os_pool_tag *)0)->name];
    bool reclaimable;
};

struct seep_os_sampler {
    DIR *proc;
    int proc_fd, meminfo_fd, slabinfo_fd; // slabinfo: -1 where it may not be read
    int64_t boot_ns;
    uint64_t tick_ns, page_bytes;
    uint32_t own_pid;
    bool counts_files; // the size of /proc/PID/fd is the number of descriptors (Linux 6.2)
    bool swap_used;    // now or in an earlier sample
    size_t n_files, max_files;
    struct known *known, *next; // in the order of PIDs
    size_t n_known, known_room, n_next, next_room;
    struct seep_os_process *processes;
    size_t n_processes, processes_room;
    uint32_t n_samples;
    struct seep_os_zombie *zombies;
    struct seep_os_zombie_handle *zombie_handles;
    size_t zombies_room, zombie_handles_room;
    struct seep_os_pool_tag *tags;
    struct slab *slabs; // slabs[i] tells of tags[i] of the last sample
    size_t n_tags, tags_room, n_slabs, slabs_room;
    struct seep_buf text; // room for names and for slabinfo
    uint64_t n_unreadable;
};

const char *seep_os_live_name(void)
{
    return "live-linux";
}

// Reads a file from its start into `room`, NUL-terminated. Returns the bytes, or -1.
static ssize_t read_start(int fd, char *room, size_t size)
{
    ssize_t n;
    do
        n = pread(fd, room, size - 1, 0);
    while (n < 0 && errno == EINTR);
    room[n > 0 ? n : 0] = '\0';
    return n;
}

// The number at the start of `text` in the unit of /proc/meminfo and status: kB.
static uint64_t kilobytes(const char *text)
{
    return strtoull(text, NULL, 10) * 1024;
}

// The bytes of the row `key` ("\nVmSwap:") of a "key: n kB" text, SEEP_OS_UNKNOWN where it is
// missing.
static uint64_t row_bytes(const char *text, const char *key)
{
    const char *row = strstr(text, key);
    return row ? kilobytes(row + strlen(key)) : SEEP_OS_UNKNOWN;
}

static int64_t boot_time_ns(void)
{
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return SEEP_NO_TIME;
    int64_t boot_ns = SEEP_NO_TIME;
    char line[256];
    bool at_start = true;
    while (fgets(line, sizeof line, file)) {
        if (at_start && strncmp(line, "btime ", 6) == 0)
            boot_ns = strtoll(line + 6, NULL, 10) * SEEP_NS_PER_S;
        at_start = strchr(line, '\n') != NULL;
    }
    fclose(file);
    return boot_ns;
}

bool seep_os_machine(struct seep_os_machine *machine, struct seep_err *err)
{
    struct utsname names;
    char room[4096];
    int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && read_start(fd, room, sizeof room) > 0 && uname(&names) == 0;
    if (fd >= 0)
        (void)close(fd);
    if (!ok)
        return seep_fail(err, SEEP_NO_OFFSET, "mount /proc", "cannot read /proc/meminfo");
    // The limit binds in the mode 2 only: Documentation/mm/overcommit-accounting.rst.
    char mode[8] = "";
    int mode_fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
    if (mode_fd >= 0) {
        (void)read_start(mode_fd, mode, sizeof mode);
        (void)close(mode_fd);
    }
    long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct seep_os_machine m = {
        .os = "Linux",
        .ram_bytes = row_bytes(room, "MemTotal:"),
        .page_size_bytes = (uint32_t)sysconf(_SC_PAGESIZE),
        .n_processors = n_processors > 0 ? (uint32_t)n_processors : 0,
        .boot_ns = boot_time_ns(),
        .commit_limit_binds = mode[0] == '2',
    };
    if (m.ram_bytes == SEEP_OS_UNKNOWN)
        m.ram_bytes = 0;
    (void)snprintf(m.host, sizeof m.host, "%s", names.nodename);
    (void)snprintf(m.os_version, sizeof m.os_version, "%.63s", names.release);
    *machine = m;
    return true;
}

static bool make_room(struct seep_os_sampler *s, size_t n)
{
    return seep_grow(&s->next, &s->next_room, n, sizeof *s->next) &&
           seep_grow(&s->processes, &s->processes_room, n, sizeof *s->processes);
}

bool seep_os_sampler_open(struct seep_os_sampler **sampler, struct seep_err *err)
{
    struct seep_os_sampler *s = seep_alloc(1, sizeof *s);
    if (!s)
        return seep_fail_memory(err);
    s->meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    s->slabinfo_fd = open("/proc/slabinfo", O_RDONLY | O_CLOEXEC);
    s->proc = opendir("/proc");
    s->proc_fd = s->proc ? dirfd(s->proc) : -1;
    s->boot_ns = boot_time_ns();
    s->tick_ns = (uint64_t)SEEP_NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
    s->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    s->own_pid = (uint32_t)getpid();
    if (s->meminfo_fd < 0 || !s->proc || s->boot_ns == SEEP_NO_TIME) {
        seep_os_sampler_close(s);
        return seep_fail(err, SEEP_NO_OFFSET, "mount /proc", "cannot read /proc");
    }
    size_t files = seep_posix_raise_file_limit(KEPT_PROCESSES * FILES_EACH + SPARE_FILES);
    s->max_files = files > SPARE_FILES ? files - SPARE_FILES : 0;
    // This process has /proc open, so 0 can only mean that the kernel does not count.
    struct stat st;
    s->counts_files = stat("/proc/self/fd", &st) == 0 && st.st_size > 0;
    if (!make_room(s, FIRST_ROOM) ||
        !seep_grow(&s->known, &s->known_room, FIRST_ROOM, sizeof *s->known)) {
        seep_os_sampler_close(s);
        return seep_fail_memory(err);
    }
    *sampler = s;
    return true;
}

static void close_file(struct seep_os_sampler *s, int *fd)
{
    if (*fd < 0)
        return;
    (void)close(*fd);
    *fd = -1;
    s->n_files--;
}

static void close_files(struct seep_os_sampler *s, struct known *known)
{
    close_file(s, &known->memory_fd);
    close_file(s, &known->files_fd);
    close_file(s, &known->task_fd);
}

void seep_os_sampler_close(struct seep_os_sampler *sampler)
{
    if (!sampler)
        return;
    for (size_t i = 0; i < sampler->n_known; i++)
        close_files(sampler, &sampler->known[i]);
    if (sampler->proc)
        (void)closedir(sampler->proc);
    if (sampler->meminfo_fd >= 0)
        (void)close(sampler->meminfo_fd);
    if (sampler->slabinfo_fd >= 0)
        (void)close(sampler->slabinfo_fd);
    seep_buf_clear(&sampler->text);
    seep_free(sampler->known);
    seep_free(sampler->next);
    seep_free(sampler->processes);
    seep_free(sampler->zombies);
    seep_free(sampler->zombie_handles);
    seep_free(sampler->tags);
    seep_free(sampler->slabs);
    seep_free(sampler);
}

// Opens a file of a process; -1 with errno set. close_file ends it.
static int open_file(struct seep_os_sampler *s, uint32_t pid, const char *name, int flags)
{
    char path[32];
    (void)snprintf(path, sizeof path, "%u/%s", (unsigned)pid, name);
    int fd = openat(s->proc_fd, path, flags | O_CLOEXEC);
    if (fd >= 0)
        s->n_files++;
    return fd;
}

// The fields of /proc/PID/stat that are wanted. The comm lies between the first '(' and the last
// ')' and may hold both, and spaces.
struct stat_fields {
    const char *comm;
    size_t comm_len;
    char state;
    uint64_t parent_pid, flags, n_threads, start_ticks;
};

static bool parse_stat(const char *text, struct stat_fields *out)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (!open || !close || close < open || close[1] != ' ')
        return false;
    // Numbers by their place behind the comm; the state is place 0. Missing ones make it invalid.
    enum { PARENT = 1, FLAGS = 6, THREADS = 17, START = 19, PLACES };
    uint64_t at[PLACES];
    char *p = (char *)(uintptr_t)(close + 3);
    for (int i = 1; i < PLACES; i++) {
        char *end;
        at[i] = strtoull(p, &end, 10); // the terminal's group may be -1, which nobody reads
        if (end == p)
            return false;
        p = end;
    }
    *out = (struct stat_fields){ .comm = open + 1,
                                 .comm_len = (size_t)(close - open - 1),
                                 .state = close[2],
                                 .parent_pid = at[PARENT],
                                 .flags = at[FLAGS],
                                 .n_threads = at[THREADS],
                                 .start_ticks = at[START] };
    return true;
}

// What statm or status tell; all 0 for a process that has no memory (any more).
struct memory {
    uint64_t virtual_bytes, working_set_bytes, private_bytes;
};

// Reads the memory of a process from the file that is open for it, or a new one. Returns 1, 0 where
// the process is gone, or -1 where it cannot be read.
static int read_memory(struct seep_os_sampler *s, struct known *known, struct memory *m)
{
    char room[4096];
    if (known->has_status != s->swap_used)
        close_file(s, &known->memory_fd);
    if (known->memory_fd < 0) {
        known->has_status = s->swap_used;
        known->memory_fd = open_file(s, known->pid, s->swap_used ? "status" : "statm", O_RDONLY);
        if (known->memory_fd < 0)
            return errno == ENOENT || errno == ESRCH ? 0 : -1;
    }
    ssize_t n = read_start(known->memory_fd, room, sizeof room);
    if (n <= 0)
        return n < 0 && errno == ESRCH ? 0 : -1;
    *m = (struct memory){ 0 };
    if (known->has_status) {
        uint64_t anonymous = row_bytes(room, "\nRssAnon:");
        uint64_t swapped = row_bytes(room, "\nVmSwap:");
        if (anonymous == SEEP_OS_UNKNOWN || swapped == SEEP_OS_UNKNOWN)
            return 1;
        m->virtual_bytes = row_bytes(room, "\nVmSize:");
        m->working_set_bytes = row_bytes(room, "\nVmRSS:");
        m->private_bytes = anonymous + swapped;
        return 1;
    }
    char *at = room;
    uint64_t size = strtoull(at, &at, 10), resident = strtoull(at, &at, 10);
    uint64_t shared = strtoull(at, &at, 10);
    m->virtual_bytes = size * s->page_bytes;
    m->working_set_bytes = resident * s->page_bytes;
    m->private_bytes = resident > shared ? (resident - shared) * s->page_bytes : 0;
    return 1;
}

// The folder of a process's threads has a link for each of them, and two more.
static void count_threads(struct seep_os_sampler *s, struct known *known, struct seep_os_process *p)
{
    struct stat st;
    if (known->task_fd < 0)
        known->task_fd = open_file(s, known->pid, "task", O_PATH | O_DIRECTORY);
    if (known->task_fd >= 0 && fstat(known->task_fd, &st) == 0 && st.st_nlink > 2)
        p->threads = st.st_nlink - 2;
}

static void count_files(struct seep_os_sampler *s, struct known *known, struct seep_os_process *p)
{
    if (s->counts_files) {
        struct stat st;
        if (known->files_fd < 0)
            known->files_fd = open_file(s, known->pid, "fd", O_PATH | O_DIRECTORY);
        if (known->files_fd >= 0 && fstat(known->files_fd, &st) == 0)
            p->handles = (uint64_t)st.st_size;
        else if (errno == EACCES || errno == EPERM)
            s->n_unreadable++;
    } else {
        char path[32];
        (void)snprintf(path, sizeof path, "/proc/%u/fd", (unsigned)known->pid);
        DIR *folder = opendir(path);
        if (!folder) {
            if (errno == EACCES || errno == EPERM)
                s->n_unreadable++;
            return;
        }
        p->handles = 0;
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
            p->handles += entry->d_name[0] != '.';
        (void)closedir(folder);
    }
    // The files that are kept open here are not the program's: they would follow the number of
    // processes on the machine.
    if (known->pid == s->own_pid && p->handles != SEEP_OS_UNKNOWN) {
        p->handles -= s->n_files < p->handles ? s->n_files : p->handles;
    }
}

static struct seep_os_process *add_process(struct seep_os_sampler *s, const struct known *known)
{
    struct seep_os_process *p = &s->processes[s->n_processes++];
    *p = (struct seep_os_process){
        .pid = known->pid,
        .parent_pid = known->parent_pid,
        .start_ns = known->start_ns,
        .private_bytes = SEEP_OS_UNKNOWN,
        .virtual_bytes = SEEP_OS_UNKNOWN,
        .working_set_bytes = SEEP_OS_UNKNOWN,
        .handles = SEEP_OS_UNKNOWN,
        .threads = SEEP_OS_UNKNOWN,
        .gdi_objects = SEEP_OS_UNKNOWN,
        .user_objects = SEEP_OS_UNKNOWN,
        .paged_pool_bytes = SEEP_OS_UNKNOWN,
        .nonpaged_pool_bytes = SEEP_OS_UNKNOWN,
    };
    return p;
}

// Reads stat of a process. Returns 1, 0 where it is gone, or -1 where it cannot be read.
static int read_stat(struct seep_os_sampler *s, const struct known *known, char *room, size_t size,
                     struct stat_fields *f)
{
    int fd = open_file(s, known->pid, "stat", O_RDONLY);
    if (fd < 0)
        return errno == ENOENT || errno == ESRCH ? 0 : -1;
    bool ok = read_start(fd, room, size) > 0 && parse_stat(room, f);
    close_file(s, &fd);
    return ok;
}

// Takes over who a process is. False where stat is of another process than the one known before.
static bool identify(struct seep_os_sampler *s, struct known *known, const struct stat_fields *f)
{
    int64_t start_ns = s->boot_ns + (int64_t)(f->start_ticks * s->tick_ns);
    if (known->start_ns != SEEP_NO_TIME && known->start_ns != start_ns)
        return false;
    known->start_ns = start_ns;
    known->parent_pid = (uint32_t)f->parent_pid;
    known->kernel_thread = f->flags & KERNEL_THREAD;
    seep_buf_reset(&s->text);
    (void)seep_utf8_add(&s->text, seep_bytes(f->comm, f->comm_len));
    (void)snprintf(known->name, sizeof known->name, "%s", seep_buf_text(&s->text));
    return true;
}

// Finds out who a process is and how it is, where that may have changed since the last sample.
// Returns 1, 0 where the process is gone, or -1 where it cannot be read.
static int look_closer(struct seep_os_sampler *s, struct known *known, bool was_open,
                       struct memory *m)
{
    char room[1024];
    struct stat_fields f;
    bool is_new = known->start_ns == SEEP_NO_TIME;
    bool same = known->zombie || (m->virtual_bytes && m->virtual_bytes == known->virtual_bytes);
    bool is_due = (s->n_samples + known->pid) % STAT_EVERY == 0;
    if (was_open && !is_new && (known->kernel_thread || (same && !is_due)))
        return 1;
    int got = read_stat(s, known, room, sizeof room, &f);
    if (got <= 0)
        return got;
    if (!identify(s, known, &f))
        return 0;
    // A leader that has ended while other threads run is a zombie to ps, but the process lives.
    known->zombie = (f.state == 'Z' || f.state == 'X') && f.n_threads <= 1;
    // The file that is open belongs to who was just identified if it can still be read.
    return is_new ? read_memory(s, known, m) : 1;
}

static struct known unknown_process(uint32_t pid)
{
    return (struct known){
        .pid = pid, .memory_fd = -1, .files_fd = -1, .task_fd = -1, .start_ns = SEEP_NO_TIME
    };
}

static void sample_process(struct seep_os_sampler *s, struct known known)
{
    struct memory m = { 0 };
    bool was_open = known.memory_fd >= 0;
    int got = read_memory(s, &known, &m);
    if (got == 0 && was_open) { // the PID may belong to another process by now
        close_files(s, &known);
        known = unknown_process(known.pid);
        was_open = false;
        got = read_memory(s, &known, &m);
    }
    if (got > 0)
        got = look_closer(s, &known, was_open, &m);
    if (got == 0 || (got < 0 && known.start_ns == SEEP_NO_TIME)) {
        s->n_unreadable += got < 0;
        close_files(s, &known);
        return;
    }
    if (!known.kernel_thread) {
        struct seep_os_process *p = add_process(s, &known);
        p->zombie = known.zombie;
        s->n_unreadable += got < 0;
        // No memory: a zombie, one that is just ending, or a leader that has ended before its
        // threads, through which their memory cannot be seen.
        if (got > 0 && m.virtual_bytes) {
            p->virtual_bytes = known.virtual_bytes = m.virtual_bytes;
            p->working_set_bytes = m.working_set_bytes;
            p->private_bytes = m.private_bytes;
            count_files(s, &known, p);
        }
        if (got > 0 && !known.zombie)
            count_threads(s, &known, p);
    }
    if (s->n_files > s->max_files)
        close_files(s, &known);
    s->next[s->n_next++] = known;
}

static int by_known_pid(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static int by_pid(const void *a, const void *b)
{
    const struct seep_os_process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

// Goes through the folders of /proc. The kernel gives them in the order of PIDs; what is out of
// order is looked at all the same, as if it were new.
static bool sample_processes(struct seep_os_sampler *s, struct seep_err *err)
{
    s->n_next = s->n_processes = 0;
    size_t at = 0;
    uint32_t last = 0;
    bool sorted = true, ok = true;
    rewinddir(s->proc);
    for (const struct dirent *entry; ok && (entry = readdir(s->proc)) != NULL;) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);
        struct known known = unknown_process(pid);
        while (at < s->n_known && s->known[at].pid < pid)
            close_files(s, &s->known[at++]);
        if (at < s->n_known && s->known[at].pid == pid)
            known = s->known[at++];
        sorted = sorted && pid > last;
        last = pid;
        ok = make_room(s, s->n_next + 1);
        if (ok)
            sample_process(s, known);
        else
            close_files(s, &known);
    }
    while (at < s->n_known)
        close_files(s, &s->known[at++]);
    struct known *known = s->known;
    size_t room = s->known_room;
    s->known = s->next;
    s->n_known = s->n_next;
    s->known_room = s->next_room;
    s->next = known;
    s->next_room = room;
    if (!ok)
        return seep_fail_memory(err);
    if (!sorted) {
        qsort(s->known, s->n_known, sizeof *s->known, by_known_pid);
        qsort(s->processes, s->n_processes, sizeof *s->processes, by_pid);
    }
    // Both are in the order of PIDs; kernel threads are in one of them only.
    for (size_t i = 0, k = 0; i < s->n_processes; i++) {
        while (s->known[k].pid != s->processes[i].pid)
            k++;
        s->processes[i].image = s->known[k].name;
    }
    return true;
}

static uint64_t count_zombies(struct seep_os_sampler *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->n_processes; i++) {
        const struct seep_os_process key = { .pid = s->processes[i].parent_pid };
        if (!s->processes[i].zombie)
            continue;
        n++;
        struct seep_os_process *parent =
            bsearch(&key, s->processes, s->n_processes, sizeof key, by_pid);
        if (parent && parent->zombies != SEEP_OS_UNKNOWN)
            parent->zombies++;
    }
    return n;
}

static bool read_totals(struct seep_os_sampler *s, struct seep_os_totals *totals,
                        struct seep_err *err)
{
    char room[8192];
    if (read_start(s->meminfo_fd, room, sizeof room) <= 0)
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot read /proc/meminfo");
    uint64_t swap = row_bytes(room, "\nSwapTotal:"), swap_free = row_bytes(room, "\nSwapFree:");
    bool has_swap = swap != SEEP_OS_UNKNOWN && swap_free != SEEP_OS_UNKNOWN && swap >= swap_free;
    *totals = (struct seep_os_totals){
        .commit_bytes = row_bytes(room, "\nCommitted_AS:"),
        .commit_limit_bytes = row_bytes(room, "\nCommitLimit:"),
        .ram_bytes = row_bytes(room, "MemTotal:"),
        .available_bytes = row_bytes(room, "\nMemAvailable:"),
        .paged_pool_bytes = row_bytes(room, "\nSReclaimable:"),
        .nonpaged_pool_bytes = row_bytes(room, "\nSUnreclaim:"),
        .pagefile_total_bytes = swap,
        .pagefile_used_bytes = has_swap ? swap - swap_free : SEEP_OS_UNKNOWN,
        .commit_peak_bytes = SEEP_OS_UNKNOWN,
        .resident_available_bytes = SEEP_OS_UNKNOWN,
        .shared_bytes = row_bytes(room, "\nShmem:"),
        .kernel_stack_bytes = row_bytes(room, "\nKernelStack:"),
        .page_table_bytes = row_bytes(room, "\nPageTables:"),
        .driver_bytes = SEEP_OS_UNKNOWN,
    };
    s->swap_used = s->swap_used || (has_swap && swap > swap_free);
    return true;
}

// Whether the kernel can take back what a cache holds; 0 or 1 in a file for each cache.
static bool is_reclaimable(const char *cache)
{
    char path[128], room[8];
    (void)snprintf(path, sizeof path, "/sys/kernel/slab/%s/reclaim_account", cache);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool yes = read_start(fd, room, sizeof room) > 0 && room[0] == '1';
    (void)close(fd);
    return yes;
}

// One row of slabinfo: name, 5 numbers (objects in use, objects, their size, how many to a slab,
// pages to a slab), ": tunables" and 3, ": slabdata", active slabs, slabs.
static bool add_slab(struct seep_os_sampler *s, const char *row)
{
    size_t name_len = strcspn(row, " ");
    const char *data = strstr(row, ": slabdata");
    if (name_len == 0 || name_len >= sizeof s->tags->name || row[0] == '#' || !data)
        return true;
    char *at = (char *)(uintptr_t)(row + name_len);
    uint64_t number[5];
    for (int i = 0; i < 5; i++)
        number[i] = strtoull(at, &at, 10);
    at = (char *)(uintptr_t)(data + strlen(": slabdata"));
    (void)strtoull(at, &at, 10);
    uint64_t bytes = strtoull(at, NULL, 10) * number[4] * s->page_bytes;
    size_t i = s->n_tags;
    if (!seep_grow(&s->tags, &s->tags_room, i + 1, sizeof *s->tags) ||
        !seep_grow(&s->slabs, &s->slabs_room, i + 1, sizeof *s->slabs))
        return false;
    struct seep_os_pool_tag *tag = &s->tags[s->n_tags++];
    struct slab *slab = &s->slabs[i];
    memcpy(tag->name, row, name_len);
    tag->name[name_len] = '\0';
    if (i >= s->n_slabs || strcmp(slab->name, tag->name) != 0) {
        memcpy(slab->name, tag->name, name_len + 1);
        slab->reclaimable = is_reclaimable(tag->name);
        if (i >= s->n_slabs)
            s->n_slabs = i + 1;
    }
    const uint64_t none = SEEP_OS_UNKNOWN;
    const struct seep_os_pool_counts in_use = { bytes, number[0], none, none };
    tag->paged = tag->nonpaged = (struct seep_os_pool_counts){ none, none, none, none };
    *(slab->reclaimable ? &tag->paged : &tag->nonpaged) = in_use;
    return true;
}

static bool read_slabs(struct seep_os_sampler *s, struct seep_err *err)
{
    char room[4096];
    s->n_tags = 0;
    if (s->slabinfo_fd < 0)
        return true;
    seep_buf_reset(&s->text);
    ssize_t n = 0;
    for (off_t at = 0; (n = pread(s->slabinfo_fd, room, sizeof room, at)) > 0; at += n)
        seep_buf_add(&s->text, room, (size_t)n);
    if (s->text.failed)
        return seep_fail_memory(err);
    if (n < 0 || !s->text.len)
        return true;
    for (char *row = s->text.data, *end; (end = strchr(row, '\n')) != NULL; row = end + 1) {
        *end = '\0';
        if (!add_slab(s, row))
            return seep_fail_memory(err);
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
    s->n_samples++;
    if (!read_totals(s, &totals, err) || !sample_processes(s, err) || !read_slabs(s, err))
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

bool seep_os_sampler_zombies(struct seep_os_sampler *sampler, struct seep_os_zombies *zombies,
                             struct seep_err *err)
{
    struct seep_os_sampler *s = sampler;
    size_t n = 0, n_handles = 0;
    for (size_t i = 0; i < s->n_processes; i++) {
        const struct seep_os_process *p = &s->processes[i];
        const struct seep_os_process key = { .pid = p->parent_pid };
        if (!p->zombie)
            continue;
        if (!seep_grow(&s->zombies, &s->zombies_room, n + 1, sizeof *s->zombies) ||
            !seep_grow(&s->zombie_handles, &s->zombie_handles_room, n_handles + 1,
                       sizeof *s->zombie_handles))
            return seep_fail_memory(err);
        bool held = bsearch(&key, s->processes, s->n_processes, sizeof key, by_pid) != NULL;
        s->zombies[n] = (struct seep_os_zombie){
            .pid = p->pid,
            .parent_pid = p->parent_pid,
            .start_ns = p->start_ns,
            .end_ns = SEEP_NO_TIME,
            .image = p->image,
            .n_handles = held,
            .n_found = held,
        };
        if (held)
            s->zombie_handles[n_handles++] =
                (struct seep_os_zombie_handle){ .holder_pid = p->parent_pid, .zombie = n };
        n++;
    }
    *zombies = (struct seep_os_zombies){
        .at = s->zombies, .n = n, .handles = s->zombie_handles, .n_handles = n_handles
    };
    return true;
}

void seep_os_sampler_fields(const struct seep_os_sampler *sampler,
                            struct seep_os_process_fields *process,
                            struct seep_os_totals_fields *totals)
{
    *process = (struct seep_os_process_fields){
        .private_bytes = "/proc/PID/statm resident-shared + VmSwap",
        .virtual_bytes = "/proc/PID/statm size",
        .working_set_bytes = "/proc/PID/statm resident",
        .handles = "/proc/PID/fd",
        .threads = "/proc/PID/task",
        .zombies = "/proc/PID/stat state Z, ppid",
    };
    *totals = (struct seep_os_totals_fields){
        .commit_bytes = "/proc/meminfo Committed_AS",
        .commit_limit_bytes = "/proc/meminfo CommitLimit",
        .available_bytes = "/proc/meminfo MemAvailable",
        .paged_pool_bytes = "/proc/meminfo SReclaimable",
        .nonpaged_pool_bytes = "/proc/meminfo SUnreclaim",
        .pagefile_usage = "/proc/meminfo SwapTotal-SwapFree",
        .zombies = "/proc/PID/stat state Z",
    };
    if (sampler->slabinfo_fd >= 0) {
        totals->tag_bytes = "/proc/slabinfo num_slabs*pagesperslab";
        totals->tag_paged_blocks = "/proc/slabinfo active_objs, reclaimable";
        totals->tag_nonpaged_blocks = "/proc/slabinfo active_objs";
    }
}
