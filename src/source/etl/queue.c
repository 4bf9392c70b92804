// SPDX-License-Identifier: MIT
// Events that wait for their stacks.
//
// The stack of an event is an event of its own that names the first one by time and thread; it
// comes soon after, and that of the user's half only when the thread returns from the kernel. So
// the last few thousand events wait; whatever is older has had its chance.
#include "source/etl/etl.h"

#include "base/alloc.h"

#include <string.h>

enum { AHEAD = 8 }; // ops whose parts are on their way into the cache

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

// Whether an act is what the system does for a process that is gone: the event of its end comes
// before its memory and its handles are let go, and has taken all of them off.
static bool comes_after_its_end(const struct etl *etl, const struct etl_act *act)
{
    switch (act->hook) {
    case SEEP_HOOK_VIRTUAL_FREE:
    case SEEP_HOOK_HEAP_FREE:
    case SEEP_HOOK_HEAP_DESTROY:
    case SEEP_HOOK_HANDLE_CLOSE:
        return act->process && etl->processes.at[act->process].end <= act->clock;
    default:
        return false;
    }
}

// Gives one op to the pairing.
static bool pair(struct etl *etl, struct etl_op *op)
{
    if (comes_after_its_end(etl, &op->act))
        return true;
    etl->allocates |= op->act.hook != SEEP_HOOK_PROCESS_END;
    return etl_pair_of(etl, op, &op->act.stack) && etl_pairer_give(&etl->pairer, &op->act);
}

bool etl_queue_add(struct etl *etl, const struct etl_op *op)
{
    struct etl_queue *queue = &etl->queue;
    if (queue->head + 1 - queue->tail == ETL_QUEUE) {
        uint32_t later = op_at(queue, queue->tail + AHEAD)->user;
        if (later)
            __builtin_prefetch(&etl->stacks.parts[later - 1].same_as);
        if (!pair(etl, op_at(queue, queue->tail++)))
            return false;
    }
    size_t at = bucket(op->act.clock, op->tid);
    struct etl_op *place = op_at(queue, ++queue->head);
    *place = *op;
    place->below = queue->buckets[at];
    queue->no_thread |= !op->tid;
    queue->buckets[at] = queue->head;
    return true;
}

static struct etl_op *find(struct etl_queue *queue, uint64_t clock, uint32_t tid)
{
    uint64_t number = queue->buckets[bucket(clock, tid)];
    // Two ops share a bucket now and then; only a hostile trace makes long chains of them.
    for (int steps = 0; number >= queue->tail && steps < 64; steps++) {
        struct etl_op *op = op_at(queue, number);
        if (op->act.clock == clock && op->tid == tid)
            return op;
        number = op->below;
    }
    return NULL;
}

struct etl_op *etl_queue_find(struct etl *etl, uint64_t clock, uint32_t tid)
{
    struct etl_queue *queue = &etl->queue;
    struct etl_op *op = find(queue, clock, tid);
    return op || !queue->no_thread ? op : find(queue, clock, 0);
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
