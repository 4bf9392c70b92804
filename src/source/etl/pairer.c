// SPDX-License-Identifier: MIT
// Acts, one after another, given to the pairing: here, or in a thread of its own.
#include "source/etl/etl.h"

#include "base/alloc.h"

#include <string.h>

enum { AHEAD = 10 }; // acts whose blocks are on their way into the cache

static bool is_pool_alloc(uint16_t hook)
{
    return hook == SEEP_HOOK_POOL_ALLOC || hook == SEEP_HOOK_POOL_ALLOC_SESSION;
}

static struct seep_pairing_origin origin_of(const struct etl_act *act)
{
    struct seep_pairing_origin origin = { .process = { act->process }, .stack = { act->stack } };
    switch (act->hook >> 8) {
    case 0x02:
        origin.kind = SEEP_SITE_VIRTUAL;
        break;
    case 0x0e:
        origin.kind = SEEP_SITE_POOL;
        origin.process.v = 0;
        origin.tag = act->tag;
        origin.paged = act->flag;
        break;
    case 0x10:
        origin.kind = SEEP_SITE_HEAP;
        origin.heap = act->space;
        break;
    case 0x11:
        origin.tag = act->tag;
        origin.kind = SEEP_SITE_HANDLE;
        if (act->hook < SEEP_HOOK_OBJECT_CREATE)
            break;
        origin.kind = SEEP_SITE_REFERENCE;
        origin.process.v = 0;
        break;
    default:
        break;
    }
    return origin;
}

static bool pair_act(const struct etl_pairer *pairer, const struct etl_act *act)
{
    struct seep_pairing *pairing = pairer->pairing;
    const struct seep_pairing_origin origin = origin_of(act);
    int64_t t_ns = seep_etl_clock_ns(&pairer->clock, act->clock);
    switch (act->hook) {
    case SEEP_HOOK_PROCESS_END:
        return seep_pairing_process_ended(pairing, origin.process, t_ns);
    case SEEP_HOOK_VIRTUAL_FREE:
        return seep_pairing_decommit(pairing, &origin, act->address, act->size_bytes,
                                     (act->tag & SEEP_MEM_RELEASE) != 0, t_ns);
    case SEEP_HOOK_VIRTUAL_ALLOC:
    case SEEP_HOOK_VIRTUAL_DC_START:
        return seep_pairing_commit(pairing, &origin, act->address, act->size_bytes, t_ns);
    case SEEP_HOOK_HEAP_REALLOC:
        return seep_pairing_realloc(pairing, &origin, act->other, act->address, act->size_bytes,
                                    t_ns);
    case SEEP_HOOK_HEAP_CREATE: // what was at its address before it was destroyed unseen
    case SEEP_HOOK_HEAP_DESTROY:
        return seep_pairing_heap_destroyed(pairing, origin.process, act->space, t_ns);
    case SEEP_HOOK_OBJECT_DELETE:
        return seep_pairing_object_deleted(pairing, act->address, t_ns);
    case SEEP_HOOK_OBJECT_REFERENCE:
        return seep_pairing_reference(pairing, &origin, act->address, (int64_t)act->size_bytes,
                                      t_ns);
    case SEEP_HOOK_OBJECT_DEREFERENCE:
        return seep_pairing_reference(pairing, &origin, act->address, -(int64_t)act->size_bytes,
                                      t_ns);
    case SEEP_HOOK_HEAP_FREE:
    case SEEP_HOOK_HANDLE_CLOSE:
        return seep_pairing_release(pairing, &origin, act->address, t_ns);
    default:
        if (act->hook >> 8 == 0x0e && !is_pool_alloc(act->hook))
            return seep_pairing_release(pairing, &origin, act->address, t_ns);
        return seep_pairing_alloc(pairing, &origin, act->address, act->size_bytes, t_ns);
    }
}

static bool pair_batch(const struct etl_pairer *pairer, const struct etl_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        if (i + AHEAD < batch->n) {
            const struct etl_act *later = &batch->acts[i + AHEAD];
            const struct seep_pairing_origin origin = origin_of(later);
            seep_pairing_prefetch(pairer->pairing, &origin, later->address);
        }
        if (!pair_act(pairer, &batch->acts[i]))
            return false;
    }
    return true;
}

static void run(void *ctx)
{
    struct etl_pairer *pairer = ctx;
    const struct etl_batch *batch;
    while ((batch = seep_os_queue_take(pairer->queue)) != NULL) {
        if (!pair_batch(pairer, batch)) {
            pairer->failed = true;
            seep_os_queue_close(pairer->queue);
            return;
        }
        seep_os_queue_done(pairer->queue);
    }
}

bool etl_pairer_start(struct etl_pairer *pairer, int64_t start_ns, int64_t end_ns, bool two)
{
    pairer->pairing = seep_pairing_new(start_ns, end_ns);
    if (!pairer->pairing)
        return false;
    if (two) {
        pairer->queue = seep_os_queue_new(ETL_BATCHES, sizeof *pairer->batch);
        if (pairer->queue)
            pairer->thread = seep_os_thread_start(run, pairer);
        if (pairer->thread)
            return true;
        seep_os_queue_free(pairer->queue);
        pairer->queue = NULL;
    }
    pairer->own = seep_alloc(1, sizeof *pairer->own);
    return pairer->own != NULL;
}

// Hands over the batch that is being filled.
static bool send(struct etl_pairer *pairer)
{
    const struct etl_batch *batch = pairer->batch;
    pairer->batch = NULL;
    if (!batch)
        return true;
    if (!pairer->queue)
        return pair_batch(pairer, batch);
    seep_os_queue_put(pairer->queue);
    return true;
}

bool etl_pairer_give(struct etl_pairer *pairer, const struct etl_act *act)
{
    if (!pairer->batch) {
        pairer->batch = pairer->queue ? seep_os_queue_fill(pairer->queue) : pairer->own;
        if (!pairer->batch)
            return false;
        pairer->batch->n = 0;
    }
    pairer->batch->acts[pairer->batch->n++] = *act;
    return pairer->batch->n < ETL_BATCH || send(pairer);
}

bool etl_pairer_drain(struct etl_pairer *pairer)
{
    bool ok = send(pairer);
    if (pairer->queue)
        seep_os_queue_drain(pairer->queue);
    return ok && !pairer->failed;
}

bool etl_pairer_end(struct etl_pairer *pairer)
{
    bool ok = etl_pairer_drain(pairer);
    if (pairer->queue) {
        seep_os_queue_close(pairer->queue);
        seep_os_thread_join(pairer->thread);
        seep_os_queue_free(pairer->queue);
        pairer->queue = NULL;
        pairer->thread = NULL;
    }
    return ok && !pairer->failed;
}

void etl_pairer_clear(struct etl_pairer *pairer)
{
    pairer->batch = NULL; // what is not paired by now is not wanted
    (void)etl_pairer_end(pairer);
    seep_free(pairer->own);
    seep_pairing_free(pairer->pairing);
}
