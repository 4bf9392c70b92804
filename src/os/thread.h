// SPDX-License-Identifier: MIT
// A second thread, and a bounded queue of batches to it: for work that comes in a row and can be
// done behind the one who finds it.
//
// One thread fills batches, one takes them, in the order in which they were filled. What both touch
// travels in the batches; nothing else is shared. Part of the contract of os.h: thread_posix.c,
// thread_win32.c; the queue stands on their locks.
#ifndef SEEP_OS_THREAD_H
#define SEEP_OS_THREAD_H

#include <stdbool.h>
#include <stddef.h>

// Processors that this process may use; at least 1.
unsigned seep_os_processors(void);

struct seep_os_thread;

// Starts a thread that runs `run(ctx)` and ends with it. NULL where none can be started: the caller
// does the work itself then. Interrupts go to the threads that were there before.
struct seep_os_thread *seep_os_thread_start(void (*run)(void *ctx), void *ctx);

// Waits for its end and frees it; NULL is harmless.
void seep_os_thread_join(struct seep_os_thread *thread);

// A lock with a bell: who waits lets go of the lock, and has it again when the bell has rung.
struct seep_os_lock;

struct seep_os_lock *seep_os_lock_new(void);
void seep_os_lock_free(struct seep_os_lock *lock);
void seep_os_lock_take(struct seep_os_lock *lock);
void seep_os_lock_give(struct seep_os_lock *lock);
// Both only while holding the lock. A wait may end without a ring: ask again what is waited for.
void seep_os_lock_wait(struct seep_os_lock *lock);
void seep_os_lock_ring(struct seep_os_lock *lock);

struct seep_os_queue;

// `count` batches of `size` bytes each; NULL when memory is out.
struct seep_os_queue *seep_os_queue_new(size_t count, size_t size);
void seep_os_queue_free(struct seep_os_queue *queue);

// The one who fills: a batch to fill (waits until one is free; NULL once the taker has closed the
// queue), and handing it over.
void *seep_os_queue_fill(struct seep_os_queue *queue);
void seep_os_queue_put(struct seep_os_queue *queue);
// Waits until every batch was taken and is done with, or the queue is closed.
void seep_os_queue_drain(struct seep_os_queue *queue);

// The one who takes: the oldest batch (waits until there is one; NULL once the queue is closed and
// empty), and giving it back for the next use.
void *seep_os_queue_take(struct seep_os_queue *queue);
void seep_os_queue_done(struct seep_os_queue *queue);

// Either side: nothing more will come, or be taken.
void seep_os_queue_close(struct seep_os_queue *queue);

#endif
