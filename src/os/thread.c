// SPDX-License-Identifier: MIT
// The queue of batches: a ring and two counters behind one lock.
#include "os/thread.h"

#include "base/alloc.h"

#include <stdint.h>

struct seep_os_queue {
    struct seep_os_lock *lock;
    unsigned char *batches;
    size_t count, size;
    uint64_t put, done; // so many were handed over, and given back
    bool closed;
};

struct seep_os_queue *seep_os_queue_new(size_t count, size_t size)
{
    struct seep_os_queue *queue = seep_alloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    queue->count = count;
    queue->size = size;
    queue->lock = seep_os_lock_new();
    queue->batches = size <= SIZE_MAX / count ? seep_alloc(count, size) : NULL;
    if (!queue->lock || !queue->batches) {
        seep_os_queue_free(queue);
        return NULL;
    }
    return queue;
}

void seep_os_queue_free(struct seep_os_queue *queue)
{
    if (!queue)
        return;
    seep_os_lock_free(queue->lock);
    seep_free(queue->batches);
    seep_free(queue);
}

static void *batch(struct seep_os_queue *queue, uint64_t number)
{
    return queue->batches + (size_t)(number % queue->count) * queue->size;
}

void *seep_os_queue_fill(struct seep_os_queue *queue)
{
    seep_os_lock_take(queue->lock);
    while (!queue->closed && queue->put - queue->done == queue->count)
        seep_os_lock_wait(queue->lock);
    void *free_one = queue->closed ? NULL : batch(queue, queue->put);
    seep_os_lock_give(queue->lock);
    return free_one;
}

void seep_os_queue_put(struct seep_os_queue *queue)
{
    seep_os_lock_take(queue->lock);
    queue->put++;
    seep_os_lock_ring(queue->lock);
    seep_os_lock_give(queue->lock);
}

void seep_os_queue_drain(struct seep_os_queue *queue)
{
    seep_os_lock_take(queue->lock);
    while (!queue->closed && queue->put != queue->done)
        seep_os_lock_wait(queue->lock);
    seep_os_lock_give(queue->lock);
}

void *seep_os_queue_take(struct seep_os_queue *queue)
{
    seep_os_lock_take(queue->lock);
    while (!queue->closed && queue->put == queue->done)
        seep_os_lock_wait(queue->lock);
    void *oldest = queue->put == queue->done ? NULL : batch(queue, queue->done);
    seep_os_lock_give(queue->lock);
    return oldest;
}

void seep_os_queue_done(struct seep_os_queue *queue)
{
    seep_os_lock_take(queue->lock);
    queue->done++;
    seep_os_lock_ring(queue->lock);
    seep_os_lock_give(queue->lock);
}

void seep_os_queue_close(struct seep_os_queue *queue)
{
    seep_os_lock_take(queue->lock);
    queue->closed = true;
    seep_os_lock_ring(queue->lock);
    seep_os_lock_give(queue->lock);
}
