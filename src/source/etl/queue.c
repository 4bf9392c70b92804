// SPDX-License-Identifier: MIT
// Events that wait for their stacks, and how each is paired.
//
// The stack of an event is an event of its own that names the first one by time and thread; it
// comes soon after, and that of the user's half only when the thread returns from the kernel. So
// the last few thousand events wait; whatever is older has had its chance.
#include "source/etl/etl.h"

#include "base/alloc.h"

#include <string.h>

bool etl_queue_init(struct etl_queue *queue)
{
    queue->ring = seep_alloc(ETL_QUEUE, sizeof *queue->ring);
    queue->buckets = seep_alloc(ETL_BUCKETS, sizeof *queue->buckets);
    queue->tail = 1;
    return queue->ring && queue->buckets;
}

void etl_queue_clear(struct etl_queue *queue)
{
    seep_free(queue->ring);
    seep_free(queue->buckets);
}

static size_t bucket(uint64_t clock, uint32_t tid)
{
    uint64_t x = (clock ^ (uint64_t)tid << 40) * 0x9E3779B97F4A7C15u;
    return (size_t)(x >> 51);
}
_Static_assert(ETL_BUCKETS == 1 << 13, "as many bits as bucket() gives");

static struct etl_op *op_at(struct etl_queue *queue, uint64_t number)
{
    return &queue->ring[number % ETL_QUEUE];
}

static bool pair_virtual(struct etl *etl, const struct etl_op *op,
                         struct seep_pairing_origin *origin, int64_t t_ns)
{
    origin->kind = SEEP_SITE_VIRTUAL;
    if (op->hook == SEEP_HOOK_VIRTUAL_FREE)
        return seep_pairing_decommit(etl->pairing, origin, op->address, op->size_bytes,
                                     (op->tag & SEEP_MEM_RELEASE) != 0, t_ns);
    return seep_pairing_commit(etl->pairing, origin, op->address, op->size_bytes, t_ns);
}

static bool pair_heap(struct etl *etl, const struct etl_op *op, struct seep_pairing_origin *origin,
                      int64_t t_ns)
{
    origin->kind = SEEP_SITE_HEAP;
    origin->heap = op->space;
    switch (op->hook) {
    case SEEP_HOOK_HEAP_ALLOC:
        return seep_pairing_alloc(etl->pairing, origin, op->address, op->size_bytes, t_ns);
    case SEEP_HOOK_HEAP_REALLOC:
        return seep_pairing_realloc(etl->pairing, origin, op->other, op->address, op->size_bytes,
                                    t_ns);
    case SEEP_HOOK_HEAP_FREE:
        return seep_pairing_release(etl->pairing, origin, op->address, t_ns);
    default:
        return seep_pairing_heap_destroyed(etl->pairing, origin->process, op->space, t_ns);
    }
}

static bool pair_pool(struct etl *etl, const struct etl_op *op, struct seep_pairing_origin *origin,
                      int64_t t_ns)
{
    origin->kind = SEEP_SITE_POOL;
    origin->process.v = 0;
    origin->tag = op->tag;
    origin->paged = op->flag;
    if (op->hook == SEEP_HOOK_POOL_ALLOC || op->hook == SEEP_HOOK_POOL_ALLOC_SESSION)
        return seep_pairing_alloc(etl->pairing, origin, op->address, op->size_bytes, t_ns);
    return seep_pairing_release(etl->pairing, origin, op->address, t_ns);
}

static bool pair_object(struct etl *etl, const struct etl_op *op,
                        struct seep_pairing_origin *origin, int64_t t_ns)
{
    origin->tag = op->tag;
    switch (op->hook) {
    case SEEP_HOOK_OBJECT_REFERENCE:
    case SEEP_HOOK_OBJECT_DEREFERENCE:
        origin->kind = SEEP_SITE_REFERENCE;
        origin->process.v = 0;
        return seep_pairing_reference(etl->pairing, origin, op->address,
                                      op->hook == SEEP_HOOK_OBJECT_REFERENCE
                                          ? (int64_t)op->size_bytes
                                          : -(int64_t)op->size_bytes,
                                      t_ns);
    case SEEP_HOOK_HANDLE_CLOSE:
        origin->kind = SEEP_SITE_HANDLE;
        return seep_pairing_release(etl->pairing, origin, op->address, t_ns);
    default:
        origin->kind = SEEP_SITE_HANDLE;
        return seep_pairing_alloc(etl->pairing, origin, op->address, 0, t_ns);
    }
}

// Gives one op to the pairing.
static bool pair(struct etl *etl, const struct etl_op *op)
{
    struct seep_pairing_origin origin = { .process = { op->process } };
    int64_t t_ns = seep_etl_merge_ns(etl->merge, op->clock);
    if (!etl_pair_of(etl, op->kernel, op->user, &origin.stack))
        return false;
    etl->allocates = true;
    switch (op->hook >> 8) {
    case 0x02:
        return pair_virtual(etl, op, &origin, t_ns);
    case 0x03:
        return seep_pairing_process_ended(etl->pairing, origin.process, t_ns);
    case 0x0e:
        return pair_pool(etl, op, &origin, t_ns);
    case 0x10:
        return pair_heap(etl, op, &origin, t_ns);
    default:
        return pair_object(etl, op, &origin, t_ns);
    }
}

bool etl_queue_add(struct etl *etl, const struct etl_op *op)
{
    struct etl_queue *queue = &etl->queue;
    if (queue->head + 1 - queue->tail == ETL_QUEUE && !pair(etl, op_at(queue, queue->tail++)))
        return false;
    size_t at = bucket(op->clock, op->tid);
    struct etl_op *place = op_at(queue, ++queue->head);
    *place = *op;
    place->below = queue->buckets[at];
    queue->buckets[at] = queue->head;
    return true;
}

struct etl_op *etl_queue_find(struct etl *etl, uint64_t clock, uint32_t tid)
{
    struct etl_queue *queue = &etl->queue;
    uint64_t number = queue->buckets[bucket(clock, tid)];
    // Two ops share a bucket now and then; only a hostile trace makes long chains of them.
    for (int steps = 0; number >= queue->tail && steps < 64; steps++) {
        struct etl_op *op = op_at(queue, number);
        if (op->clock == clock && op->tid == tid)
            return op;
        number = op->below;
    }
    return NULL;
}

bool etl_queue_flush(struct etl *etl)
{
    struct etl_queue *queue = &etl->queue;
    while (queue->tail <= queue->head) {
        if (!pair(etl, op_at(queue, queue->tail++)))
            return false;
    }
    return true;
}
