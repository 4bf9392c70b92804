// SPDX-License-Identifier: MIT
// The address space of a process on Linux: /proc/PID/maps, in the words of VirtualQuery.
//
// Field meanings: proc(5). The sum of what is listed here as not free is the process's VmSize.
#include "os/space.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// The values of winnt.h.
enum {
    MEM_COMMIT = 0x1000,
    MEM_RESERVE = 0x2000,
    MEM_FREE = 0x10000,
    MEM_PRIVATE = 0x20000,
    MEM_MAPPED = 0x40000,
    MEM_IMAGE = 0x1000000,
    PAGE_NOACCESS = 0x01,
    PAGE_READONLY = 0x02,
    PAGE_READWRITE = 0x04,
    PAGE_WRITECOPY = 0x08,
    PAGE_EXECUTE = 0x10,
    PAGE_EXECUTE_READ = 0x20,
    PAGE_EXECUTE_READWRITE = 0x40,
    PAGE_EXECUTE_WRITECOPY = 0x80,
};

enum { READ_BYTES = 1 << 16 };

struct process {
    uint32_t pid;
    int memory_fd; // -1 where it may not be opened
};

// A line of maps.
struct mapping {
    uint64_t start, end, offset, inode;
    char permissions[5];
    const char *name; // the rest of the line, "" = anonymous
};

static int open_of(uint32_t pid, const char *name)
{
    char path[48];
    (void)snprintf(path, sizeof path, "/proc/%" PRIu32 "/%s", pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool read_all(int fd, struct seep_buf *text)
{
    char *room = seep_alloc(READ_BYTES, 1);
    ssize_t n = room ? 1 : -1;
    int error = room ? 0 : ENOMEM;
    while (n > 0) {
        n = read(fd, room, READ_BYTES);
        error = n < 0 ? errno : 0;
        if (n < 0 && error == EINTR)
            n = 1;
        else if (n > 0)
            seep_buf_add(text, room, (size_t)n);
    }
    seep_free(room);
    // A process that ends while it is read has nothing more to tell.
    return (n == 0 || error == ESRCH) && !text->failed;
}

// "START-END rwxp OFFSET MAJOR:MINOR INODE          NAME", the line end cut off.
static bool parse(char *line, struct mapping *m)
{
    char *at = line;
    *m = (struct mapping){ .start = strtoull(at, &at, 16) };
    if (*at++ != '-')
        return false;
    m->end = strtoull(at, &at, 16);
    if (*at++ != ' ' || strlen(at) < 5 || m->end <= m->start)
        return false;
    memcpy(m->permissions, at, 4);
    at += 4;
    m->offset = strtoull(at, &at, 16);
    at += strspn(at, " ");
    at += strcspn(at, " ");
    m->inode = strtoull(at, &at, 10);
    m->name = at + strspn(at, " ");
    return true;
}

static bool may(const struct mapping *m, char what)
{
    return memchr(m->permissions, what, 3) != NULL;
}

static bool starts(const char *text, const char *head)
{
    return strncmp(text, head, strlen(head)) == 0;
}

// Names in brackets are the kernel's words for memory, not files. Huge pages of private memory have
// a file that nobody sees.
static bool is_file(const struct mapping *m)
{
    return m->name[0] && m->name[0] != '[' && !starts(m->name, "/anon_hugepage");
}

static bool is_private(const struct mapping *m)
{
    return m->permissions[3] == 'p';
}

static uint32_t protect_of(const struct mapping *m)
{
    bool write = may(m, 'w'), run = may(m, 'x'), copies = is_file(m) && is_private(m);
    if (write && run)
        return copies ? PAGE_EXECUTE_WRITECOPY : PAGE_EXECUTE_READWRITE;
    if (write)
        return copies ? PAGE_WRITECOPY : PAGE_READWRITE;
    if (run)
        return may(m, 'r') ? PAGE_EXECUTE_READ : PAGE_EXECUTE;
    return may(m, 'r') ? PAGE_READONLY : PAGE_NOACCESS;
}

static enum seep_os_use use_of(const struct mapping *m)
{
    if (m->name[0] != '[' || starts(m->name, "[anon"))
        return SEEP_OS_USE_UNKNOWN;
    if (strcmp(m->name, "[heap]") == 0)
        return SEEP_OS_USE_HEAP;
    return starts(m->name, "[stack") ? SEEP_OS_USE_STACK : SEEP_OS_USE_SYSTEM;
}

static bool add(struct seep_os_space *space, const struct seep_os_region *region)
{
    if (!seep_grow(&space->regions, &space->regions_capacity, space->n_regions + 1,
                   sizeof *space->regions))
        return false;
    space->regions[space->n_regions++] = *region;
    return true;
}

// The name as UTF-8; the one of the region before where it is the same.
static bool keep_name(struct seep_os_space *space, const char *text, struct seep_buf *scratch,
                      const char **name)
{
    *name = NULL;
    size_t len = strlen(text);
    if (!len)
        return true;
    if (text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    seep_buf_reset(scratch);
    (void)seep_utf8_add(scratch, seep_bytes(text, len));
    for (size_t i = space->n_regions; i > 0 && i + 4 > space->n_regions; i--) {
        const char *before = space->regions[i - 1].name;
        if (before && strcmp(before, seep_buf_text(scratch)) == 0) {
            *name = before;
            return true;
        }
    }
    if (!scratch->failed)
        *name = seep_arena_strndup(&space->arena, seep_buf_text(scratch), scratch->len);
    return *name != NULL;
}

static bool add_mapping(struct seep_os_space *space, const struct mapping *m,
                        struct seep_buf *scratch)
{
    uint64_t done = 0;
    if (space->n_regions) {
        const struct seep_os_region *last = &space->regions[space->n_regions - 1];
        done = last->base + last->size_bytes;
    }
    // Where the process changed its mappings between two pieces of the list, what was told first
    // stands. The page of old system calls lies in the kernel's half: it is not the process's.
    if (m->start < done || strcmp(m->name, "[vsyscall]") == 0)
        return true;
    struct seep_os_region hole = { .base = done, .size_bytes = m->start - done, .state = MEM_FREE };
    struct seep_os_region region = {
        .base = m->start,
        .size_bytes = m->end - m->start,
        .allocation_base = m->start,
        .state = protect_of(m) == PAGE_NOACCESS && is_private(m) ? MEM_RESERVE : MEM_COMMIT,
        .type = is_file(m) || !is_private(m) ? MEM_MAPPED : MEM_PRIVATE,
        .protect = protect_of(m),
        .use = use_of(m),
    };
    if (region.use == SEEP_OS_USE_SYSTEM)
        region.type = MEM_MAPPED;
    return (!hole.size_bytes || add(space, &hole)) &&
           keep_name(space, m->name, scratch, &region.name) && add(space, &region);
}

// --- images

// Whether the file that is mapped at `base` starts like an ELF file.
static bool is_elf(const struct seep_os_space *space, uint64_t base, const char *path)
{
    static const char magic[4] = { 0x7f, 'E', 'L', 'F' };
    char head[4] = "";
    if (seep_os_space_read(space, base, head, sizeof head) == sizeof head)
        return memcmp(head, magic, sizeof head) == 0;
    // Its memory may not be read: the file of that name, then.
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is = fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head &&
              memcmp(head, magic, sizeof head) == 0;
    if (fd >= 0)
        (void)close(fd);
    return is;
}

static bool add_module(struct seep_os_space *space, uint64_t base, uint64_t end, const char *path)
{
    if (!seep_grow(&space->modules, &space->modules_capacity, space->n_modules + 1,
                   sizeof *space->modules))
        return false;
    space->modules[space->n_modules++] = (struct seep_os_module){ base, end - base, path };
    return true;
}

// The loader maps the segments of a file one behind the other: runs of mappings of one file of
// which one is executable.
static bool find_images(struct seep_os_space *space)
{
    struct seep_os_region *r = space->regions;
    size_t end;
    for (size_t i = 0; i < space->n_regions; i = end) {
        bool run = false;
        end = i + 1;
        if (r[i].type != MEM_MAPPED || r[i].use || !r[i].name)
            continue;
        // Names of one file are one pointer: see keep_name.
        while (end < space->n_regions && r[end].name == r[i].name &&
               r[end].base == r[end - 1].base + r[end - 1].size_bytes)
            end++;
        for (size_t k = i; k < end; k++)
            run = run || (r[k].protect & (PAGE_EXECUTE | PAGE_EXECUTE_READ |
                                          PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY));
        if (!run || !is_elf(space, r[i].base, r[i].name))
            continue;
        for (size_t k = i; k < end; k++) {
            r[k].type = MEM_IMAGE;
            r[k].allocation_base = r[i].base;
        }
        if (!add_module(space, r[i].base, r[end - 1].base + r[end - 1].size_bytes, r[i].name))
            return false;
    }
    return true;
}

// --- threads

static struct seep_os_region *region_at(struct seep_os_space *space, uint64_t address)
{
    size_t low = 0, high = space->n_regions;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct seep_os_region *r = &space->regions[middle];
        if (address < r->base)
            high = middle;
        else if (address - r->base >= r->size_bytes)
            low = middle + 1;
        else
            return r;
    }
    return NULL;
}

// The stack pointer of a thread that waits: /proc/PID/task/TID/syscall ends with it and the
// instruction pointer. A thread that runs has none to tell, so it is asked a few times. 0 =
// unknown.
static uint64_t stack_pointer(uint32_t pid, uint32_t tid)
{
    enum { TRIES = 4 };
    const struct timespec nap = { .tv_nsec = 500000 };
    char name[40], text[256];
    (void)snprintf(name, sizeof name, "task/%" PRIu32 "/syscall", tid);
    for (int i = 0; i < TRIES; i++) {
        int fd = open_of(pid, name);
        ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
        if (fd >= 0)
            (void)close(fd);
        if (n <= 0)
            return 0;
        text[n] = '\0';
        char *last = strrchr(text, ' ');
        if (last) {
            *last = '\0';
            char *before = strrchr(text, ' ');
            return before ? strtoull(before, NULL, 16) : 0;
        }
        (void)nanosleep(&nap, NULL);
    }
    return 0;
}

// The region below a stack to which nothing may be written belongs to it: it stops what overflows.
static bool claim_stack(struct seep_os_space *space, uint64_t address, uint32_t thread)
{
    enum { MOST_GUARD_BYTES = 1 << 20 };
    struct seep_os_region *r = address ? region_at(space, address) : NULL;
    if (!r || r->type != MEM_PRIVATE || r->state != MEM_COMMIT || !(r->protect & PAGE_READWRITE) ||
        r->use == SEEP_OS_USE_HEAP)
        return false;
    if (!r->thread)
        r->thread = thread;
    if (r->use == SEEP_OS_USE_STACK)
        return true;
    r->use = SEEP_OS_USE_STACK;
    if (r == space->regions || r[-1].state != MEM_RESERVE || r[-1].type != MEM_PRIVATE ||
        r[-1].size_bytes > MOST_GUARD_BYTES || r[-1].base + r[-1].size_bytes != r->base)
        return true;
    r[-1].use = SEEP_OS_USE_STACK;
    r[-1].thread = thread;
    r->allocation_base = r[-1].base;
    return true;
}

static bool find_threads(struct seep_os_space *space, uint32_t pid)
{
    char path[32];
    bool ok = true;
    (void)snprintf(path, sizeof path, "/proc/%" PRIu32 "/task", pid);
    DIR *folder = opendir(path);
    for (const struct dirent *entry; ok && folder && (entry = readdir(folder)) != NULL;) {
        uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);
        if (!tid)
            continue;
        ok = seep_grow(&space->threads, &space->threads_capacity, space->n_threads + 1,
                       sizeof *space->threads);
        if (!ok)
            break;
        space->threads[space->n_threads++] = (struct seep_os_space_thread){ .id = tid };
        // The kernel names the main thread's stack.
        if (!claim_stack(space, stack_pointer(pid, tid), tid) && tid != pid)
            space->n_threads_unread++;
    }
    if (folder)
        (void)closedir(folder);
    return ok;
}

// What was reserved as one piece, and then made accessible in part, is several mappings.
static void join_reservations(struct seep_os_space *space)
{
    for (size_t i = 1; i < space->n_regions; i++) {
        struct seep_os_region *r = &space->regions[i];
        if (r->type == MEM_PRIVATE && r[-1].type == MEM_PRIVATE && !r->name && !r[-1].name &&
            !r->use && !r[-1].use && r->state != r[-1].state &&
            r[-1].base + r[-1].size_bytes == r->base)
            r->allocation_base = r[-1].allocation_base;
    }
}

// --- the process

// By the program's ELF header: "x64" for a 64-bit one, "x86" for a 32-bit one.
static void find_architecture(struct seep_os_space *space, uint32_t pid)
{
    enum { EM_386 = 3, EM_X86_64 = 62, EM_AARCH64 = 183, EM_ARM = 40 };
    uint8_t head[20];
    int fd = open_of(pid, "exe");
    bool known = fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head;
    if (fd >= 0)
        (void)close(fd);
    space->pointer_bytes = known && head[4] == 1 ? 4 : 8;
    if (!known)
        return;
    switch (head[18] | head[19] << 8) {
    case EM_386:
        space->architecture = "x86";
        break;
    case EM_X86_64:
        space->architecture = "x64";
        break;
    case EM_ARM:
        space->architecture = "arm";
        break;
    case EM_AARCH64:
        space->architecture = "arm64";
        break;
    default:
        break;
    }
}

static bool list(struct seep_os_space *space, char *text)
{
    struct seep_buf scratch = { 0 };
    bool ok = true;
    for (char *line = text, *next; ok && *line; line = next) {
        struct mapping m;
        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = '\0';
        if (parse(line, &m))
            ok = add_mapping(space, &m, &scratch);
    }
    seep_buf_clear(&scratch);
    return ok;
}

static bool no_space(struct seep_err *err)
{
    return seep_fail(err, SEEP_NO_OFFSET, "name a process that runs",
                     "the process has no address space: it has ended, or is the kernel's");
}

static bool cannot(uint32_t pid, int error, struct seep_err *err)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/%" PRIu32, pid);
    bool none = error == ENOENT || error == ESRCH;
    if (none && access(path, F_OK) == 0)
        return no_space(err);
    if (none && access("/proc/self", F_OK) == 0)
        return seep_fail(err, SEEP_NO_OFFSET, "see `ps`", "there is no process with this PID");
    if (error == EACCES || error == EPERM)
        return seep_fail(err, SEEP_NO_OFFSET,
                         "run seep as the process's user, or as root (sudo seep map ...)",
                         "the process may not be looked at (access denied)");
    return seep_fail(err, SEEP_NO_OFFSET, "mount /proc", "cannot read /proc");
}

bool seep_os_space_open(uint32_t pid, struct seep_os_space *space, struct seep_err *err)
{
    struct seep_os_space s = { 0 };
    struct seep_buf text = { 0 };
    struct process *process;
    int fd = open_of(pid, "maps"), error = errno;
    if (fd < 0)
        return cannot(pid, error, err);
    s.process = process = seep_alloc(1, sizeof *process);
    bool ok = process && read_all(fd, &text);
    (void)close(fd);
    if (process)
        *process = (struct process){ pid, open_of(pid, "mem") };
    ok = ok && (!text.len || list(&s, text.data));
    seep_buf_clear(&text);
    if (ok && s.n_regions == 0) {
        seep_os_space_close(&s);
        return no_space(err);
    }
    if (!ok || !find_images(&s) || !find_threads(&s, pid)) {
        seep_os_space_close(&s);
        return seep_fail_memory(err);
    }
    join_reservations(&s);
    find_architecture(&s, pid);
    *space = s;
    return true;
}

void seep_os_space_close(struct seep_os_space *space)
{
    struct process *process = space->process;
    if (process && process->memory_fd >= 0)
        (void)close(process->memory_fd);
    seep_free(process);
    seep_free(space->regions);
    seep_free(space->modules);
    seep_free(space->threads);
    seep_arena_clear(&space->arena);
    *space = (struct seep_os_space){ 0 };
}

size_t seep_os_space_read(const struct seep_os_space *space, uint64_t address, void *out,
                          size_t len)
{
    const struct process *process = space->process;
    size_t done = 0;
    while (process->memory_fd >= 0 && done < len && address <= INT64_MAX - len) {
        ssize_t n =
            pread(process->memory_fd, (char *)out + done, len - done, (off_t)(address + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}
