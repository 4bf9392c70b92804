// SPDX-License-Identifier: MIT
// The contract with the operating system, on POSIX.
#include "os/os.h"

#include "base/alloc.h"

#include "os/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool seep_os_map(const char *path, struct seep_os_map *map, struct seep_err *err)
{
    // A pipe would wait for its writer.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        const char *reason = strerror(errno);
        return seep_fail(err, SEEP_NO_OFFSET, "check the name and your permissions",
                         "cannot be opened (%s)", reason);
    }
    struct stat st;
    bool ok = false;
    void *data = NULL;
    if (fstat(fd, &st) != 0) {
        const char *reason = strerror(errno);
        (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot be examined (%s)", reason);
    } else if (!S_ISREG(st.st_mode)) {
        (void)seep_fail(err, SEEP_NO_OFFSET, "name a file", "is not a regular file");
    } else if (st.st_size == 0) {
        ok = true;
    } else {
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        ok = data != MAP_FAILED;
        if (!ok) {
            const char *reason = strerror(errno);
            (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot be mapped (%s)", reason);
        }
    }
    (void)close(fd);
    size_t *done = ok ? seep_alloc(1, sizeof *done) : NULL;
    if (ok && !done) {
        if (data)
            (void)munmap(data, (size_t)st.st_size);
        return seep_fail_memory(err);
    }
    if (ok)
        *map = (struct seep_os_map){
            .view = { data, (size_t)st.st_size },
            .modified_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
            .handle = done,
        };
    return ok;
}

void seep_os_unmap(struct seep_os_map *map)
{
    if (map->view.len)
        (void)munmap((void *)(uintptr_t)map->view.data, map->view.len);
    seep_free(map->handle);
    *map = (struct seep_os_map){ 0 };
}

void seep_os_map_done(const struct seep_os_map *map, size_t offset)
{
    // What was given back before is not walked again: else long files would cost their square.
    size_t page = (size_t)sysconf(_SC_PAGESIZE), *done = map->handle;
    if (offset > map->view.len)
        offset = map->view.len;
    offset -= offset % page;
    if (!done || offset <= *done)
        return;
    (void)madvise((void *)(uintptr_t)(map->view.data + *done), offset - *done, MADV_DONTNEED);
    *done = offset;
}

void seep_os_map_scattered(const struct seep_os_map *map, size_t offset, bool scattered)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (offset > map->view.len || page - 1 > map->view.len - offset)
        return;
    offset += page - 1;
    offset -= offset % page;
    (void)madvise((void *)(uintptr_t)(map->view.data + offset), map->view.len - offset,
                  scattered ? MADV_RANDOM : MADV_NORMAL);
}

void seep_os_map_release(const struct seep_os_map *map)
{
    if (map->view.len)
        (void)madvise((void *)(uintptr_t)map->view.data, map->view.len, MADV_DONTNEED);
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec t;
    if (clock_gettime(id, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t seep_os_now_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

int64_t seep_os_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t seep_os_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void seep_os_sleep_until(int64_t until_ns, const volatile sig_atomic_t *wake)
{
    enum { LOOK_NS = 100000000 };
    while (!(wake && *wake)) {
        int64_t left = until_ns - seep_os_monotonic_ns();
        if (left <= 0)
            return;
        if (wake && left > LOOK_NS)
            left = LOOK_NS;
        struct timespec nap = { .tv_sec = (time_t)(left / 1000000000),
                                .tv_nsec = (long)(left % 1000000000) };
        (void)nanosleep(&nap, NULL);
    }
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

volatile sig_atomic_t *seep_os_catch_interrupt(void)
{
    // SA_RESETHAND: the second signal has its default effect.
    struct sigaction action = { .sa_handler = on_interrupt,
                                .sa_flags = (int)SA_RESETHAND | SA_RESTART };
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    return &interrupted;
}

bool seep_os_is_terminal(int stream)
{
    return isatty(stream) == 1;
}

void seep_os_console_init(void)
{
}

bool seep_os_arguments(int argc, char **argv, int *utf8_argc, char ***utf8_argv)
{
    *utf8_argc = argc;
    *utf8_argv = argv;
    return true;
}

bool seep_os_each_file(const char *argument, bool (*take)(void *ctx, const char *path), void *ctx)
{
    return take(ctx, argument);
}

FILE *seep_os_create(const char *path, struct seep_err *err)
{
    FILE *file = fopen(path, "wb");
    if (!file) {
        const char *reason = strerror(errno);
        (void)seep_fail(err, SEEP_NO_OFFSET, "check the folder and your permissions",
                        "cannot be written (%s)", reason);
    }
    return file;
}

// The limit of open files that this process was started with; rlim_max 0 = not raised.
static struct rlimit first_file_limit;

size_t seep_posix_raise_file_limit(size_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = limit;
        raised.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            if (!first_file_limit.rlim_max)
                first_file_limit = limit;
            limit = raised;
        }
    }
    return limit.rlim_cur < SIZE_MAX ? (size_t)limit.rlim_cur : SIZE_MAX;
}

bool seep_os_same_file(const char *a, const char *b)
{
    struct stat one, two;
    return stat(a, &one) == 0 && stat(b, &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

bool seep_os_spawn(char *const *argv, struct seep_os_child *child, struct seep_err *err)
{
    // The pipe closes at a successful exec; otherwise the child sends its errno through it.
    int tell[2];
    if (pipe2(tell, O_CLOEXEC) != 0)
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "cannot start '%s' (no pipe)", argv[0]);
    (void)fflush(stdout);
    pid_t pid = fork();
    int reason = errno;
    if (pid == 0) {
        if (child->output_to_stderr)
            (void)dup2(STDERR_FILENO, STDOUT_FILENO);
        if (first_file_limit.rlim_max)
            (void)setrlimit(RLIMIT_NOFILE, &first_file_limit);
        execvp(argv[0], argv);
        reason = errno;
        (void)!write(tell[1], &reason, sizeof reason);
        _exit(127);
    }
    (void)close(tell[1]);
    bool ok = pid > 0 && read(tell[0], &reason, sizeof reason) != (ssize_t)sizeof reason;
    (void)close(tell[0]);
    if (!ok) {
        if (pid > 0)
            (void)waitpid(pid, NULL, 0);
        return seep_fail(err, SEEP_NO_OFFSET, "check the command after --",
                         "cannot start '%s' (%s)", argv[0], strerror(reason));
    }
    child->pid = (uint32_t)pid;
    child->handle = NULL;
    return true;
}

bool seep_os_child_ended(struct seep_os_child *child, int *status)
{
    // Once waited for, the PID is free for others: the handle keeps the status (plus 1) instead.
    if (!child->handle) {
        int raw;
        if (waitpid((pid_t)child->pid, &raw, WNOHANG) != (pid_t)child->pid)
            return false;
        int ended = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
        child->handle = (void *)((uintptr_t)ended + 1);
    }
    *status = (int)((uintptr_t)child->handle - 1);
    return true;
}

void seep_os_child_release(struct seep_os_child *child)
{
    *child = (struct seep_os_child){ 0 };
}
