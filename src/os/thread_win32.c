// SPDX-License-Identifier: MIT
// Threads on Windows.
#include "os/thread.h"

#include "base/alloc.h"

#include <windows.h>

#include <process.h>

struct seep_os_thread {
    HANDLE thread;
    void (*run)(void *ctx);
    void *ctx;
};

struct seep_os_lock {
    SRWLOCK lock;
    CONDITION_VARIABLE bell;
};

unsigned seep_os_processors(void)
{
    DWORD_PTR mine, all;
    unsigned n = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &mine, &all))
        for (; mine; mine &= mine - 1)
            n++;
    return n ? n : 1;
}

static unsigned __stdcall run_thread(void *ctx)
{
    struct seep_os_thread *thread = ctx;
    thread->run(thread->ctx);
    return 0;
}

struct seep_os_thread *seep_os_thread_start(void (*run)(void *ctx), void *ctx)
{
    struct seep_os_thread *thread = seep_alloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    thread->run = run;
    thread->ctx = ctx;
    thread->thread = (HANDLE)_beginthreadex(NULL, 0, run_thread, thread, 0, NULL);
    if (!thread->thread) {
        seep_free(thread);
        return NULL;
    }
    return thread;
}

void seep_os_thread_join(struct seep_os_thread *thread)
{
    if (!thread)
        return;
    WaitForSingleObject(thread->thread, INFINITE);
    CloseHandle(thread->thread);
    seep_free(thread);
}

struct seep_os_lock *seep_os_lock_new(void)
{
    struct seep_os_lock *lock = seep_alloc(1, sizeof *lock);
    if (!lock)
        return NULL;
    InitializeSRWLock(&lock->lock);
    InitializeConditionVariable(&lock->bell);
    return lock;
}

void seep_os_lock_free(struct seep_os_lock *lock)
{
    seep_free(lock);
}

void seep_os_lock_take(struct seep_os_lock *lock)
{
    AcquireSRWLockExclusive(&lock->lock);
}

void seep_os_lock_give(struct seep_os_lock *lock)
{
    ReleaseSRWLockExclusive(&lock->lock);
}

void seep_os_lock_wait(struct seep_os_lock *lock)
{
    SleepConditionVariableSRW(&lock->bell, &lock->lock, INFINITE, 0);
}

void seep_os_lock_ring(struct seep_os_lock *lock)
{
    WakeAllConditionVariable(&lock->bell);
}
