// SPDX-License-Identifier: MIT
// Threads on POSIX systems.
#include "os/thread.h"

#include "base/alloc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

struct seep_os_thread {
    pthread_t thread;
    void (*run)(void *ctx);
    void *ctx;
};

struct seep_os_lock {
    pthread_mutex_t mutex;
    pthread_cond_t bell;
};

unsigned seep_os_processors(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

static void *run_thread(void *ctx)
{
    struct seep_os_thread *thread = ctx;
    thread->run(thread->ctx);
    return NULL;
}

struct seep_os_thread *seep_os_thread_start(void (*run)(void *ctx), void *ctx)
{
    struct seep_os_thread *thread = seep_alloc(1, sizeof *thread);
    sigset_t all, before;
    if (!thread)
        return NULL;
    thread->run = run;
    thread->ctx = ctx;
    // A new thread has the mask of the one that starts it.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread->thread, NULL, run_thread, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        seep_free(thread);
        return NULL;
    }
    return thread;
}

void seep_os_thread_join(struct seep_os_thread *thread)
{
    if (!thread)
        return;
    pthread_join(thread->thread, NULL);
    seep_free(thread);
}

struct seep_os_lock *seep_os_lock_new(void)
{
    struct seep_os_lock *lock = seep_alloc(1, sizeof *lock);
    if (!lock)
        return NULL;
    if (pthread_mutex_init(&lock->mutex, NULL) != 0) {
        seep_free(lock);
        return NULL;
    }
    if (pthread_cond_init(&lock->bell, NULL) != 0) {
        pthread_mutex_destroy(&lock->mutex);
        seep_free(lock);
        return NULL;
    }
    return lock;
}

void seep_os_lock_free(struct seep_os_lock *lock)
{
    if (!lock)
        return;
    pthread_cond_destroy(&lock->bell);
    pthread_mutex_destroy(&lock->mutex);
    seep_free(lock);
}

void seep_os_lock_take(struct seep_os_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

void seep_os_lock_give(struct seep_os_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

void seep_os_lock_wait(struct seep_os_lock *lock)
{
    pthread_cond_wait(&lock->bell, &lock->mutex);
}

void seep_os_lock_ring(struct seep_os_lock *lock)
{
    pthread_cond_broadcast(&lock->bell);
}
