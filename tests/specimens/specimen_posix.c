// SPDX-License-Identifier: MIT
// The specimens' system calls on POSIX.
#include "specimen.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void *map(size_t size_bytes, int protection)
{
    void *at =
        mmap(NULL, size_bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

void *specimen_commit(size_t size_bytes)
{
    return map(size_bytes, PROT_READ | PROT_WRITE);
}

void specimen_release(void *memory, size_t size_bytes)
{
    (void)munmap(memory, size_bytes);
}

bool specimen_reserve(size_t size_bytes)
{
    return map(size_bytes, PROT_NONE) != NULL;
}

bool specimen_leak_handle(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0;
}

static void *wait_for_ever(void *unused)
{
    for (;;)
        (void)pause();
    return unused;
}

bool specimen_leak_thread(void)
{
    enum { STACK_BYTES = 65536 };
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    bool ok = pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
              pthread_create(&thread, &attributes, wait_for_ever, NULL) == 0;
    (void)pthread_attr_destroy(&attributes);
    return ok;
}

bool specimen_leak_zombie(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0;
}

double specimen_now_s(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void specimen_sleep_ms(unsigned ms)
{
    struct timespec nap = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    (void)nanosleep(&nap, NULL);
}
