// SPDX-License-Identifier: MIT
// The trace source: one walk over all records; what they say goes to its room.
#include "source/etl/etl.h"

#include "base/alloc.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_EVERY = 1 << 14,     // records between two looks at the flag and the progress
    RELEASE_EVERY = 16 << 20, // bytes between two notes to the system
    N_HOOKS = 1 << 16,
    WORTH_A_THREAD = 16 << 20, // bytes: less is read sooner than a thread is started and ended
};

// Perfmon's logs are traces too: the source that knows their provider is surer of them.
static unsigned bid(struct seep_bytes file)
{
    struct seep_etl_buffer first;
    struct seep_etl_trace trace;
    return seep_etl_open(file, &first, &trace) ? SEEP_BID_STRUCTURE : SEEP_BID_NONE;
}

// ---- events that are counted

static bool count(struct etl *etl, const struct seep_etl_record *record, uint16_t hook)
{
    struct {
        uint8_t guid[16];
        uint32_t id, version;
    } key = { .version = 0 };
    if (hook != SEEP_HOOK_NONE) {
        etl->hooks[hook].count++;
        etl->hooks[hook].version = record->version;
        return true;
    }
    if (!record->guid)
        return true;
    memcpy(key.guid, record->guid, sizeof key.guid);
    if (record->kind == SEEP_ETL_MANIFEST) {
        // EVENT_DESCRIPTOR at 0x28 of the EVENT_HEADER: id, version.
        key.id = seep_le16(record->payload.data + 0x28);
        key.version = record->payload.data[0x2a];
    } else {
        key.id = record->type;
        key.version = record->version;
    }
    uint32_t id = seep_intern(&etl->others, &key, sizeof key);
    if (!id || !seep_grow(&etl->other_counts, &etl->others_capacity, id, sizeof *etl->other_counts))
        return false;
    if (id > etl->n_others)
        etl->other_counts[etl->n_others++] = 0;
    etl->other_counts[id - 1]++;
    return true;
}

static bool tell_counts(struct etl *etl)
{
    for (uint32_t hook = 0; hook < SEEP_HOOK_NONE; hook++) {
        char name[SEEP_KERNEL_NAME];
        if (!etl->hooks[hook].count)
            continue;
        seep_kernel_event_name((uint16_t)hook, name);
        struct seep_tally tally = { .provider = "Windows Kernel",
                                    .name = name,
                                    .id = hook & 0xff,
                                    .version = etl->hooks[hook].version,
                                    .count = etl->hooks[hook].count };
        if (!seep_sink_tally(etl->sink, &tally))
            return false;
    }
    for (size_t i = 0; i < etl->others.count; i++) {
        const uint8_t *key = (const uint8_t *)etl->others.entries[i].text;
        char text[SEEP_GUID_TEXT], provider[SEEP_GUID_TEXT + 2];
        seep_guid_text(key, text);
        (void)snprintf(provider, sizeof provider, "{%s}", text); // as logman and wevtutil do
        struct seep_tally tally = { .provider = provider, .count = etl->other_counts[i] };
        memcpy(&tally.id, key + 16, sizeof tally.id);
        memcpy(&tally.version, key + 20, sizeof tally.version);
        if (!seep_sink_tally(etl->sink, &tally))
            return false;
    }
    return true;
}

// ---- events that are paired

void etl_bad_event(struct etl *etl, const struct seep_etl_item *item)
{
    if (etl->n_bad_events++ == 0)
        etl->first_bad_offset = item->offset;
}

static bool on_virtual(struct etl *etl, const struct seep_etl_item *item, struct etl_op *op)
{
    struct seep_kernel_virtual event;
    if (!seep_kernel_virtual_read(&item->record, op->act.hook, &event)) {
        etl_bad_event(etl, item);
        return true;
    }
    struct etl_act *act = &op->act;
    bool allocates = act->hook == SEEP_HOOK_VIRTUAL_ALLOC;
    if (!(allocates ? etl_living_process_of : etl_process_of)(etl, event.pid, &act->process))
        return false;
    act->address = event.base;
    act->size_bytes = event.size_bytes;
    act->tag = event.flags;
    bool commits = allocates && event.flags & SEEP_MEM_COMMIT;
    bool frees =
        act->hook == SEEP_HOOK_VIRTUAL_FREE && event.flags & (SEEP_MEM_DECOMMIT | SEEP_MEM_RELEASE);
    // What was committed when the trace began: its size, which may be a part of the range.
    bool was = act->hook == SEEP_HOOK_VIRTUAL_DC_START && event.commit_bytes;
    if (was)
        act->size_bytes =
            event.commit_bytes < event.size_bytes ? event.commit_bytes : event.size_bytes;
    return !(commits || frees || was) || etl_queue_add(etl, op);
}

static bool on_heap(struct etl *etl, const struct seep_etl_item *item, struct etl_op *op)
{
    struct seep_kernel_heap event;
    if (!seep_kernel_heap_read(&item->record, op->act.hook, &event)) {
        etl_bad_event(etl, item);
        return true;
    }
    struct etl_act *act = &op->act;
    bool allocates = act->hook == SEEP_HOOK_HEAP_ALLOC || act->hook == SEEP_HOOK_HEAP_CREATE;
    if (!(allocates ? etl_living_process_of : etl_process_of)(etl, item->record.pid, &act->process))
        return false;
    act->space = event.heap;
    act->address = event.address;
    act->other = event.old_address;
    act->size_bytes = event.size_bytes;
    return etl_queue_add(etl, op);
}

static bool on_pool(struct etl *etl, const struct seep_etl_item *item, struct etl_op *op)
{
    enum { PAGED = 1, PROTECTED_LOW = 0x7fffffff };
    struct seep_kernel_pool event;
    if (!seep_kernel_pool_read(&item->record, &event)) {
        etl_bad_event(etl, item);
        return true;
    }
    op->act.address = event.address;
    op->act.size_bytes = event.size_bytes;
    op->act.tag = event.tag & PROTECTED_LOW; // the top bit marks a protected tag
    op->act.flag = (event.type & PAGED) != 0;
    return etl_queue_add(etl, op);
}

static bool on_type(struct etl *etl, const struct seep_etl_item *item, uint16_t hook)
{
    struct seep_kernel_handle event;
    if (!seep_kernel_handle_read(&item->record, hook, &event)) {
        etl_bad_event(etl, item);
        return true;
    }
    uint32_t number = event.type;
    uint32_t id = seep_intern(&etl->types, &number, sizeof number);
    if (!id || !seep_grow(&etl->type_names, &etl->types_capacity, id, sizeof *etl->type_names))
        return false;
    etl->type_names[id - 1] = etl_text(etl, event.name);
    return etl->type_names[id - 1] != NULL;
}

static bool on_handle(struct etl *etl, const struct seep_etl_item *item, struct etl_op *op)
{
    enum { SYSTEM = 4 };
    const uint32_t kernel_handle = 0x80000000;
    struct seep_kernel_handle event;
    struct etl_act *act = &op->act;
    if (!seep_kernel_handle_read(&item->record, act->hook, &event)) {
        etl_bad_event(etl, item);
        return true;
    }
    bool named = act->hook == SEEP_HOOK_HANDLE_DUPLICATE || act->hook == SEEP_HOOK_HANDLE_DC_START;
    uint32_t pid = named ? event.pid : item->record.pid;
    // Handles of the kernel are those of System, whichever process's thread makes them.
    if (event.handle & kernel_handle)
        pid = SYSTEM;
    bool closes = act->hook == SEEP_HOOK_HANDLE_CLOSE;
    if (!(closes ? etl_process_of : etl_living_process_of)(etl, pid, &act->process))
        return false;
    act->address = event.handle;
    act->other = event.object;
    act->tag = event.type;
    return etl_queue_add(etl, op);
}

static bool on_reference(struct etl *etl, const struct seep_etl_item *item, struct etl_op *op)
{
    struct seep_kernel_reference event;
    if (!seep_kernel_reference_read(&item->record, &event)) {
        etl_bad_event(etl, item);
        return true;
    }
    op->act.address = event.object;
    op->act.tag = event.tag;
    op->act.size_bytes = event.count;
    return etl_queue_add(etl, op);
}

// An object that goes takes all references with it; its address will be another's.
static bool on_delete(struct etl *etl, const struct seep_etl_item *item, struct etl_op *op)
{
    struct seep_kernel_handle event;
    if (!seep_kernel_handle_read(&item->record, op->act.hook, &event)) {
        etl_bad_event(etl, item);
        return true;
    }
    op->act.address = event.object;
    return etl_queue_add(etl, op);
}

// Which half of its event's stack a stack is. A half that begins in the kernel may go on into the
// user's; then it is all there is.
static bool is_kernel_half(const struct seep_kernel_stack *stack, uint16_t hook)
{
    size_t n = stack->addresses.len / stack->address_bytes;
    if (hook != SEEP_HOOK_STACK)
        return hook == SEEP_HOOK_STACK_KEY_KERNEL;
    return n && etl_is_kernel(seep_kernel_stack_address(stack, n - 1), stack->address_bytes);
}

static bool on_stack(struct etl *etl, const struct seep_etl_item *item, uint16_t hook)
{
    struct seep_kernel_stack stack;
    uint32_t process = 0, part;
    if (!seep_kernel_stack_read(&item->record, hook, &stack)) {
        etl_bad_event(etl, item);
        return true;
    }
    if (hook == SEEP_HOOK_STACK_KEY_DELETE || hook == SEEP_HOOK_STACK_KEY_RUNDOWN)
        return etl_define_key(etl, &stack, hook == SEEP_HOOK_STACK_KEY_DELETE) &&
               etl_stacks_compact(etl);
    struct etl_op *op = etl_queue_find(etl, stack.time, stack.tid);
    if (!op)
        return true; // of an event that allocates nothing
    bool kernel = is_kernel_half(&stack, hook);
    if (!kernel && !etl_process_of(etl, stack.pid, &process))
        return false;
    bool ok = hook == SEEP_HOOK_STACK
                  ? etl_part_of(etl, &stack, process, item->record.time, &part)
                  : etl_part_of_key(etl, stack.key, process, item->record.time, &part);
    // The second half of the user's, of a 32-bit process on a 64-bit system.
    if (kernel)
        op->kernel = part;
    else if (!op->user || op->user == part)
        op->user = part;
    else
        op->more = part;
    return ok;
}

static bool take(struct etl *etl, const struct seep_etl_item *item)
{
    const struct seep_etl_record *record = &item->record;
    uint16_t hook = seep_kernel_hook(record);
    struct etl_op op = { .act = { .clock = record->time, .hook = hook }, .tid = record->tid };
    struct seep_kernel_image_id id;
    if (!count(etl, record, hook))
        return false;
    switch (hook) {
    case SEEP_HOOK_NONE:
        return !seep_kernel_image_id_read(record, &id) || etl_image_id_event(etl, &id);
    case SEEP_HOOK_PROCESS_START:
    case SEEP_HOOK_PROCESS_END:
    case SEEP_HOOK_PROCESS_DC_START:
    case SEEP_HOOK_PROCESS_DC_END:
        return etl_process_event(etl, hook, item);
    case SEEP_HOOK_IMAGE_LOAD:
    case SEEP_HOOK_IMAGE_UNLOAD:
    case SEEP_HOOK_IMAGE_DC_START:
    case SEEP_HOOK_IMAGE_DC_END:
        return etl_image_event(etl, hook, item);
    case SEEP_HOOK_VIRTUAL_ALLOC:
    case SEEP_HOOK_VIRTUAL_FREE:
    case SEEP_HOOK_VIRTUAL_DC_START:
        return on_virtual(etl, item, &op);
    case SEEP_HOOK_HEAP_CREATE:
    case SEEP_HOOK_HEAP_ALLOC:
    case SEEP_HOOK_HEAP_REALLOC:
    case SEEP_HOOK_HEAP_FREE:
    case SEEP_HOOK_HEAP_DESTROY:
        return on_heap(etl, item, &op);
    case SEEP_HOOK_POOL_ALLOC:
    case SEEP_HOOK_POOL_ALLOC_SESSION:
    case SEEP_HOOK_POOL_FREE:
    case SEEP_HOOK_POOL_FREE_SESSION:
        return on_pool(etl, item, &op);
    case SEEP_HOOK_TYPE_DC_START:
    case SEEP_HOOK_TYPE_DC_END:
        return on_type(etl, item, hook);
    case SEEP_HOOK_HANDLE_CREATE:
    case SEEP_HOOK_HANDLE_CLOSE:
    case SEEP_HOOK_HANDLE_DUPLICATE:
    case SEEP_HOOK_HANDLE_DC_START:
        return on_handle(etl, item, &op);
    case SEEP_HOOK_OBJECT_REFERENCE:
    case SEEP_HOOK_OBJECT_DEREFERENCE:
        return on_reference(etl, item, &op);
    case SEEP_HOOK_OBJECT_DELETE:
        return on_delete(etl, item, &op);
    case SEEP_HOOK_STACK:
    case SEEP_HOOK_STACK_KEY_DELETE:
    case SEEP_HOOK_STACK_KEY_RUNDOWN:
    case SEEP_HOOK_STACK_KEY_KERNEL:
    case SEEP_HOOK_STACK_KEY_USER:
        return on_stack(etl, item, hook);
    default:
        return true;
    }
}

// ---- what is lost

static bool lose(struct etl *etl, const char *what, uint64_t n, uint64_t bytes, uint64_t offset,
                 const char *text)
{
    return !n || seep_sink_lose(etl->sink, what, n, bytes, offset, "%s: %" PRIu64, text, n);
}

static bool tell_losses(struct etl *etl)
{
    const struct seep_etl_trace *trace = seep_etl_merge_trace(etl->merge);
    const struct seep_etl_lack *lack = seep_etl_merge_lack(etl->merge);
    const uint64_t unknown = SEEP_UNKNOWN_COUNT;
    bool ok = lose(etl, "lost-events", trace->events_lost, unknown, SEEP_NO_OFFSET,
                   "events that the session lost") &&
              lose(etl, "lost-buffers", trace->buffers_lost, unknown, SEEP_NO_OFFSET,
                   "buffers that the session lost") &&
              lose(etl, "bad-buffer", lack->bad_buffers, lack->bad_bytes, lack->first_bad_offset,
                   "places where no buffer can be") &&
              lose(etl, "bad-compression", lack->short_buffers, unknown, lack->first_short_offset,
                   "buffers that do not decompress to what they promise") &&
              lose(etl, "bad-record", lack->bad_records, unknown, lack->first_bad_record_offset,
                   "buffers whose rest is no record") &&
              lose(etl, "bad-event", etl->n_bad_events, unknown, etl->first_bad_offset,
                   "events shorter than their kind") &&
              lose(etl, "bad-text", etl->n_bad_text, unknown, SEEP_NO_OFFSET,
                   "names that are no valid text, escaped or cut") &&
              lose(etl, "no-stack", etl->stacks.n_undefined, unknown, SEEP_NO_OFFSET,
                   "stacks that are referred to and not there") &&
              lose(etl, "too-many-frames", etl->stacks.n_cut, unknown, SEEP_NO_OFFSET,
                   "stacks left out, for the trace uses the same frames for more than it has room");
    if (ok && lack->cut_bytes)
        ok = seep_sink_lose(etl->sink, "truncated", SEEP_UNKNOWN_COUNT, lack->cut_bytes,
                            etl->input->view.len, "the trace ends inside a buffer");
    // A session that lost events says so in the header when it is closed; the flags of single
    // buffers are all that one that was cut off has.
    if (ok && lack->lossy_buffers && !trace->events_lost && !trace->buffers_lost)
        ok = seep_sink_note(etl->sink, "lossy-buffers", lack->lossy_buffers, unknown,
                            SEEP_NO_OFFSET, "buffers marked as coming after lost events: %" PRIu64,
                            lack->lossy_buffers);
    if (ok && lack->early_records)
        ok =
            seep_sink_note(etl->sink, "disorder", lack->early_records, unknown, SEEP_NO_OFFSET,
                           "events more than a second out of order: %" PRIu64, lack->early_records);
    if (ok && !trace->end_time)
        ok = seep_sink_note(etl->sink, "not-closed", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET, "the trace was still being written");
    return ok;
}

// ---- the end

static bool name_process(void *ctx, struct seep_process_id fed, struct seep_process_id *id)
{
    return etl_tell_process(ctx, fed.v, id);
}

static bool name_stack(void *ctx, struct seep_process_id of, struct seep_stack_id fed,
                       struct seep_stack_id *id, uint64_t *fingerprint)
{
    return etl_resolve(ctx, of.v, fed, id, fingerprint);
}

static bool is_dead(void *ctx, uint64_t object)
{
    return etl_is_dead(ctx, object);
}

static const char *tag_name(void *ctx, enum seep_site_kind kind, uint32_t tag)
{
    const struct etl *etl = ctx;
    uint32_t id = kind == SEEP_SITE_HANDLE ? seep_intern_find(&etl->types, &tag, sizeof tag) : 0;
    return id ? etl->type_names[id - 1] : NULL;
}

static bool finish(struct etl *etl)
{
    const struct seep_pairing_names names = { .process = name_process,
                                              .resolve = name_stack,
                                              .is_dead = is_dead,
                                              .tag_name = tag_name,
                                              .ctx = etl };
    struct seep_pairing_totals totals;
    if (!etl_queue_flush(etl) || !etl_pairer_end(&etl->pairer) || !etl_tell_processes(etl))
        return false;
    if (etl->allocates &&
        !seep_pairing_finish(etl->pairer.pairing, etl->machine, &names, etl->sink, &totals))
        return false;
    return tell_counts(etl) && tell_losses(etl);
}

static bool begin(struct etl *etl, enum etl_threads threads)
{
    const struct seep_etl_trace *trace = seep_etl_merge_trace(etl->merge);
    char version[32] = "";
    (void)snprintf(version, sizeof version, "%u.%u.%" PRIu32, trace->os_major, trace->os_minor,
                   trace->os_build);
    struct seep_machine machine = {
        .os = "Windows",
        .os_version = version,
        .n_processors = trace->n_processors,
        .boot_ns = seep_time_from_filetime(trace->boot_time),
    };
    int64_t start_ns = seep_time_from_filetime(trace->start_time);
    bool two = threads == ETL_TWO_THREADS ||
               (threads == ETL_AS_FITS && etl->input->view.len >= WORTH_A_THREAD &&
                seep_os_processors() > 1);
    etl->clock = etl->pairer.clock = seep_etl_merge_clock(etl->merge);
    etl->hooks = seep_alloc(N_HOOKS, sizeof *etl->hooks);
    return etl->hooks && etl_queue_init(&etl->queue) && etl_processes_init(etl) &&
           etl_pairer_start(&etl->pairer, start_ns == SEEP_NO_TIME ? 0 : start_ns,
                            seep_time_from_filetime(trace->end_time), two) &&
           seep_sink_machine(etl->sink, &machine, &etl->machine);
}

static enum seep_status walk(struct etl *etl, const struct seep_control *control,
                             uint64_t *read_bytes)
{
    struct seep_etl_item item;
    uint64_t released = 0;
    enum seep_etl_next next;
    for (uint64_t n = 1; (next = seep_etl_merge_next(etl->merge, &item)) == SEEP_ETL_RECORD; n++) {
        if (!take(etl, &item))
            return SEEP_FAILED;
        if (n % LOOK_EVERY)
            continue;
        *read_bytes = seep_etl_merge_done(etl->merge);
        seep_progress(control, *read_bytes, etl->input->view.len);
        if (seep_cancelled(control))
            return SEEP_CANCELLED;
        // Buffers come in any order; what is read again of the open ones is little.
        if (*read_bytes - released >= RELEASE_EVERY) {
            seep_input_release(etl->input);
            released = *read_bytes;
        }
    }
    *read_bytes = etl->input->view.len;
    return next == SEEP_ETL_END ? SEEP_OK : SEEP_FAILED;
}

static void release_input(void *ctx)
{
    seep_input_release(((const struct etl *)ctx)->input);
}

enum seep_status etl_read(const struct seep_input *input, struct seep_sink *sink,
                          const struct seep_control *control, enum etl_threads threads,
                          uint64_t *read_bytes, struct seep_err *err)
{
    // A stack is referred to by two events of 40 bytes and an event that it is of; most have come
    // before.
    enum { FRAMES_AT_LEAST = 1 << 20, BYTES_PER_FRAME = 4 };
    struct etl etl = { .input = input, .sink = sink };
    enum seep_status status = SEEP_FAILED;
    *read_bytes = 0;
    etl.stacks.max_frames = FRAMES_AT_LEAST + input->view.len / BYTES_PER_FRAME;
    etl.merge = seep_etl_merge_open(input->view, release_input, &etl, err);
    if (!etl.merge)
        return SEEP_FAILED;
    if (begin(&etl, threads))
        status = walk(&etl, control, read_bytes);
    // What was read until the user asked to stop stays.
    if (status != SEEP_FAILED && !finish(&etl))
        status = SEEP_FAILED;
    if (status == SEEP_FAILED) {
        if (sink->error.what[0]) {
            if (err)
                *err = sink->error;
        } else {
            (void)seep_fail_memory(err);
        }
    }
    etl_pairer_clear(&etl.pairer);
    etl_queue_clear(&etl.queue);
    etl_stacks_clear(&etl.stacks);
    etl_processes_clear(&etl);
    seep_intern_clear(&etl.others);
    seep_intern_clear(&etl.types);
    seep_free(etl.hooks);
    seep_free(etl.other_counts);
    seep_free(etl.type_names);
    seep_arena_clear(&etl.arena);
    seep_etl_merge_close(etl.merge);
    return status;
}

static enum seep_status read_trace(const struct seep_input *input, struct seep_sink *sink,
                                   const struct seep_control *control, uint64_t *read_bytes,
                                   struct seep_err *err)
{
    return etl_read(input, sink, control, ETL_AS_FITS, read_bytes, err);
}

const struct seep_source seep_source_etl = {
    .name = "etl",
    .about = "ETW trace log",
    .bid = bid,
    .read = read_trace,
};
