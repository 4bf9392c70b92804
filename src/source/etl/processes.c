// SPDX-License-Identifier: MIT
// Processes and images of a trace: what was where, when.
//
// A PID is one life after another; a rundown at the end names processes that no event introduced.
// Facts are told when the trace has been read, and so with all that is known of them.
#include "source/etl/etl.h"

#include "base/alloc.h"
#include "base/time.h"
#include "base/utf.h"

#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX

const char *etl_text(struct etl *etl, struct seep_kernel_text text)
{
    struct seep_buf buf = { 0 };
    struct seep_bytes bytes = text.bytes;
    size_t longest = SEEP_MAX_NAME * (text.utf16 ? 2u : 1u);
    bool whole = bytes.len <= longest;
    if (!whole)
        bytes.len = longest;
    if (!(text.utf16 ? seep_utf16_add(&buf, bytes) : seep_utf8_add(&buf, bytes)) || !whole)
        etl->n_bad_text++;
    const char *kept = seep_arena_strndup(&etl->arena, seep_buf_text(&buf), buf.len);
    seep_buf_clear(&buf);
    return kept;
}

static bool add_process(struct etl *etl, uint32_t pid, uint32_t *index)
{
    struct etl_processes *ps = &etl->processes;
    uint32_t known = seep_intern(&ps->pids, &pid, sizeof pid);
    if (!known || ps->n >= UINT32_MAX - 1 ||
        !seep_grow(&ps->current, &ps->current_capacity, known, sizeof *ps->current) ||
        !seep_grow(&ps->at, &ps->capacity, ps->n + 1, sizeof *ps->at))
        return false;
    ps->at[ps->n] = (struct etl_process){ .pid = pid, .end = NEVER };
    ps->current[known - 1] = (uint32_t)ps->n;
    *index = (uint32_t)ps->n++;
    return true;
}

bool etl_processes_init(struct etl *etl)
{
    // The kernel, under a PID that no process has.
    uint32_t index;
    return add_process(etl, UINT32_MAX, &index);
}

void etl_processes_clear(struct etl *etl)
{
    struct etl_processes *ps = &etl->processes;
    for (size_t i = 0; i < ps->n; i++)
        seep_free(ps->at[i].images);
    seep_free(ps->at);
    seep_free(ps->current);
    seep_free(ps->symbols);
    seep_free(ps->build_symbols);
    seep_intern_clear(&ps->pids);
    seep_intern_clear(&ps->places);
    seep_intern_clear(&ps->builds);
    seep_intern_clear(&ps->dead);
}

bool etl_process_of(struct etl *etl, uint32_t pid, uint32_t *index)
{
    struct etl_processes *ps = &etl->processes;
    uint32_t known = seep_intern_find(&ps->pids, &pid, sizeof pid);
    if (known) {
        *index = ps->current[known - 1];
        return true;
    }
    return add_process(etl, pid, index);
}

bool etl_process_event(struct etl *etl, uint16_t hook, const struct seep_etl_record *record)
{
    struct seep_kernel_process event;
    uint32_t index;
    if (!seep_kernel_process_read(record, &event)) {
        etl->n_bad_events++;
        return true;
    }
    bool begins = hook == SEEP_HOOK_PROCESS_START;
    if (!etl_process_of(etl, event.pid, &index))
        return false;
    // A PID that begins is a new life, unless the one before was only heard of.
    const struct etl_process *before = &etl->processes.at[index];
    if (begins && (before->image || before->end != NEVER || before->start) &&
        !add_process(etl, event.pid, &index))
        return false;
    struct etl_process *process = &etl->processes.at[index];
    if (!process->image && event.image.bytes.len) {
        process->image = etl_text(etl, event.image);
        if (!process->image)
            return false;
    }
    process->parent_pid = event.parent_pid;
    if (event.key)
        process->key = event.key;
    if (begins)
        process->start = record->time;
    if (hook != SEEP_HOOK_PROCESS_END)
        return true;
    process->end = record->time;
    if (process->key && !seep_intern(&etl->processes.dead, &process->key, sizeof process->key))
        return false;
    struct etl_op op = {
        .clock = record->time, .tid = record->tid, .process = index, .hook = hook
    };
    return etl_queue_add(etl, &op);
}

// ---- images

// The process whose address space an image event is about: drivers come with PID 0, and with that
// of System.
static bool image_process(struct etl *etl, uint32_t pid, uint64_t base, bool is_64, uint32_t *index)
{
    *index = 0;
    return etl_is_kernel(base, is_64 ? 8 : 4) || etl_process_of(etl, pid, index);
}

static struct etl_image *find_image(struct etl_process *process, uint64_t base)
{
    // The last one at this base: it is the one that is unloaded, or run down again.
    size_t n = process->n_images < 512 ? process->n_images : 512;
    for (size_t i = process->n_images; n-- > 0; i--) {
        if (process->images[i - 1].base == base)
            return &process->images[i - 1];
    }
    return NULL;
}

bool etl_image_event(struct etl *etl, uint16_t hook, const struct seep_etl_record *record)
{
    struct seep_kernel_image event;
    uint32_t index;
    if (!seep_kernel_image_read(record, &event)) {
        etl->n_bad_events++;
        return true;
    }
    if (!image_process(etl, event.pid, event.base, record->is_64, &index))
        return false;
    struct etl_process *process = &etl->processes.at[index];
    struct etl_image *there = find_image(process, event.base);
    bool same = there && there->to == NEVER && there->size_bytes == event.size_bytes;
    if (hook == SEEP_HOOK_IMAGE_UNLOAD && same) {
        there->to = record->time;
        return true;
    }
    // A rundown of what is known already.
    if (same && hook != SEEP_HOOK_IMAGE_LOAD) {
        if (!there->timestamp)
            there->timestamp = event.timestamp;
        return true;
    }
    if (!seep_grow(&process->images, &process->images_capacity, process->n_images + 1,
                   sizeof *process->images))
        return false;
    struct etl_image image = {
        .base = event.base,
        .size_bytes = event.size_bytes,
        .from = hook == SEEP_HOOK_IMAGE_LOAD ? record->time : 0,
        .to = hook == SEEP_HOOK_IMAGE_UNLOAD ? record->time : NEVER,
        .timestamp = event.timestamp,
        .checksum = event.checksum,
        .path = etl_text(etl, event.path),
    };
    if (!image.path)
        return false;
    process->images[process->n_images++] = image;
    return true;
}

static bool by_place(struct etl *etl, uint32_t pid, uint64_t base, bool add, uint32_t *index)
{
    struct etl_processes *ps = &etl->processes;
    uint64_t key[2] = { pid, base };
    uint32_t id = add ? seep_intern(&ps->places, key, sizeof key)
                      : seep_intern_find(&ps->places, key, sizeof key);
    if (!id)
        return false;
    *index = id - 1;
    if (!add || id <= ps->n_symbols)
        return true;
    if (!seep_grow(&ps->symbols, &ps->symbols_capacity, id, sizeof *ps->symbols))
        return false;
    ps->symbols[ps->n_symbols++] = (struct etl_symbols){ 0 };
    return true;
}

bool etl_image_id_event(struct etl *etl, const struct seep_kernel_image_id *id)
{
    struct etl_processes *ps = &etl->processes;
    uint32_t index;
    if (!by_place(etl, id->pid, id->base, true, &index))
        return false;
    struct etl_symbols *symbols = &ps->symbols[index];
    const char *name = etl_text(etl, id->name);
    if (!name)
        return false;
    if (!id->guid) {
        // Another image may have taken the place: what was said of the symbols is of the old one.
        *symbols = (struct etl_symbols){ .timestamp = id->timestamp,
                                         .size_bytes = id->size_bytes,
                                         .file = name };
        return true;
    }
    memcpy(symbols->guid, id->guid, sizeof symbols->guid);
    symbols->age = id->age;
    symbols->pdb = name;
    if (!symbols->timestamp)
        return true;
    uint64_t build[2] = { symbols->timestamp, symbols->size_bytes };
    uint32_t known = seep_intern(&ps->builds, build, sizeof build);
    if (!known ||
        !seep_grow(&ps->build_symbols, &ps->builds_capacity, known, sizeof *ps->build_symbols))
        return false;
    ps->build_symbols[known - 1] = index + 1;
    return true;
}

// What is known of the symbols of an image: by its build, which is sure, else by its place.
static const struct etl_symbols *symbols_of(struct etl *etl, const struct etl_process *process,
                                            const struct etl_image *image)
{
    struct etl_processes *ps = &etl->processes;
    uint64_t build[2] = { image->timestamp, image->size_bytes };
    uint32_t index,
        known = image->timestamp ? seep_intern_find(&ps->builds, build, sizeof build) : 0;
    if (known)
        return &ps->symbols[ps->build_symbols[known - 1] - 1];
    if (by_place(etl, process->pid, image->base, false, &index) ||
        by_place(etl, 0, image->base, false, &index)) {
        const struct etl_symbols *symbols = &ps->symbols[index];
        bool same = symbols->size_bytes == image->size_bytes &&
                    (!image->timestamp || symbols->timestamp == image->timestamp);
        return same && symbols->pdb ? symbols : NULL;
    }
    return NULL;
}

static int by_base(const void *left, const void *right)
{
    const struct etl_image *a = left, *b = right;
    if (a->base != b->base)
        return a->base < b->base ? -1 : 1;
    return (a->from > b->from) - (a->from < b->from);
}

const struct etl_image *etl_image_at(struct etl *etl, uint32_t index, uint64_t address,
                                     uint64_t clock)
{
    struct etl_process *process = &etl->processes.at[index];
    if (!process->sorted && process->n_images)
        qsort(process->images, process->n_images, sizeof *process->images, by_base);
    process->sorted = true;
    size_t low = 0, high = process->n_images;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (process->images[middle].base <= address)
            low = middle + 1;
        else
            high = middle;
    }
    // Images do not overlap at one time; those of other times may lie between.
    for (size_t i = low, n = 0; i > 0 && n < 64; i--, n++) {
        const struct etl_image *image = &process->images[i - 1];
        if (address - image->base < image->size_bytes && clock >= image->from && clock <= image->to)
            return image;
    }
    return NULL;
}

// ---- telling

static int64_t clock_ns(const struct etl *etl, uint64_t clock)
{
    return clock == 0 || clock == NEVER ? SEEP_NO_TIME : seep_etl_merge_ns(etl->merge, clock);
}

bool etl_tell_process(struct etl *etl, uint32_t index, struct seep_process_id *id)
{
    struct etl_process *process = &etl->processes.at[index];
    if (index == 0) {
        *id = (struct seep_process_id){ 0 };
        return true;
    }
    if (!process->told) {
        struct seep_process fact = {
            .machine = etl->machine,
            .pid = process->pid,
            .has_pid = true,
            .parent_pid = process->parent_pid,
            .start_ns = clock_ns(etl, process->start),
            .end_ns = SEEP_NO_TIME,
            .image = process->image,
        };
        if (!seep_sink_process(etl->sink, &fact, &process->id))
            return false;
        process->told = true;
        int64_t end_ns = clock_ns(etl, process->end);
        if (end_ns != SEEP_NO_TIME && !seep_sink_process_end(etl->sink, process->id, end_ns))
            return false;
    }
    *id = process->id;
    return true;
}

static bool tell_image(struct etl *etl, const struct etl_process *process,
                       const struct etl_image *image)
{
    const struct etl_symbols *symbols = symbols_of(etl, process, image);
    const char *slash = strrchr(image->path, '\\');
    struct seep_module module = {
        .process = process->id,
        .base = image->base,
        .size_bytes = image->size_bytes,
        .path = image->path,
        .identity = { .name = slash ? slash + 1 : image->path,
                      .timestamp = image->timestamp,
                      .size_bytes =
                          image->size_bytes <= UINT32_MAX ? (uint32_t)image->size_bytes : 0,
                      .checksum = image->checksum },
        .unloaded = image->to != NEVER,
    };
    if (symbols) {
        if (!module.identity.timestamp)
            module.identity.timestamp = symbols->timestamp;
        module.identity.pdb.name = symbols->pdb;
        module.identity.pdb.age = symbols->age;
        memcpy(module.identity.pdb.guid, symbols->guid, sizeof module.identity.pdb.guid);
    }
    return seep_sink_module(etl->sink, &module);
}

bool etl_tell_processes(struct etl *etl)
{
    for (size_t i = 0; i < etl->processes.n; i++) {
        struct seep_process_id id;
        if (!etl_tell_process(etl, (uint32_t)i, &id))
            return false;
        const struct etl_process *process = &etl->processes.at[i];
        for (size_t k = 0; k < process->n_images; k++) {
            if (!tell_image(etl, process, &process->images[k]))
                return false;
        }
    }
    return true;
}
