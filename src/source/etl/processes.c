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
    ps->last_pid = pid;
    ps->last_index = *index = (uint32_t)ps->n++;
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
    for (size_t i = 0; i < ps->n; i++) {
        seep_free(ps->at[i].images);
        seep_ranges_clear(&ps->at[i].places);
    }
    seep_free(ps->at);
    seep_free(ps->current);
    seep_free(ps->symbols);
    seep_free(ps->build_symbols);
    seep_free(ps->owners);
    seep_free(ps->path_names);
    seep_intern_clear(&ps->pids);
    seep_intern_clear(&ps->paths);
    seep_intern_clear(&ps->places);
    seep_intern_clear(&ps->builds);
    seep_intern_clear(&ps->keys);
}

bool etl_process_of(struct etl *etl, uint32_t pid, uint32_t *index)
{
    struct etl_processes *ps = &etl->processes;
    if (pid == ps->last_pid) {
        *index = ps->last_index;
        return true;
    }
    uint32_t known = seep_intern_find(&ps->pids, &pid, sizeof pid);
    if (!known)
        return add_process(etl, pid, index);
    ps->last_pid = pid;
    ps->last_index = *index = ps->current[known - 1];
    return true;
}

bool etl_living_process_of(struct etl *etl, uint32_t pid, uint32_t *index)
{
    return etl_process_of(etl, pid, index) &&
           (etl->processes.at[*index].end == NEVER || add_process(etl, pid, index));
}

// Notes that the object at `key` is this process. Addresses are used again.
static bool own_key(struct etl_processes *ps, uint32_t index, uint64_t key)
{
    ps->at[index].key = key;
    uint32_t id = seep_intern(&ps->keys, &key, sizeof key);
    if (!id || !seep_grow(&ps->owners, &ps->owners_capacity, id, sizeof *ps->owners))
        return false;
    ps->owners[id - 1] = index;
    return true;
}

bool etl_is_dead(const struct etl *etl, uint64_t object)
{
    const struct etl_processes *ps = &etl->processes;
    uint32_t id = seep_intern_find(&ps->keys, &object, sizeof object);
    return id && ps->at[ps->owners[id - 1]].end != NEVER;
}

bool etl_process_event(struct etl *etl, uint16_t hook, const struct seep_etl_item *item)
{
    const struct seep_etl_record *record = &item->record;
    struct seep_kernel_process event;
    uint32_t index;
    if (!seep_kernel_process_read(record, &event)) {
        etl_bad_event(etl, item);
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
    if (event.key && event.key != process->key && !own_key(&etl->processes, index, event.key))
        return false;
    if (begins)
        process->start = record->time;
    if (hook != SEEP_HOOK_PROCESS_END)
        return true;
    process->end = record->time;
    struct etl_op op = { .act = { .clock = record->time, .process = index, .hook = hook },
                         .tid = record->tid };
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

static const char *path_of(struct etl *etl, struct seep_kernel_text text)
{
    struct seep_bytes bytes = text.bytes;
    uint32_t known = seep_intern_find(&etl->processes.paths, bytes.data, bytes.len);
    if (known)
        return etl->processes.path_names[known - 1];
    uint32_t id = seep_intern(&etl->processes.paths, bytes.data, bytes.len);
    const char *path = id ? etl_text(etl, text) : NULL;
    if (!path || !seep_grow(&etl->processes.path_names, &etl->processes.paths_capacity, id,
                            sizeof *etl->processes.path_names))
        return NULL;
    etl->processes.path_names[id - 1] = path;
    return path;
}

static void nobody_asks(void *ctx, uint32_t site, int64_t bytes, int64_t pieces)
{
    (void)ctx;
    (void)site;
    (void)bytes;
    (void)pieces;
}

static uint64_t image_end(const struct etl_image *image)
{
    return image->size_bytes > UINT64_MAX - image->base ? UINT64_MAX
                                                        : image->base + image->size_bytes;
}

// The last image at this very base.
static struct etl_image *find_image(struct etl_process *process, uint64_t base)
{
    const struct seep_range *range = seep_ranges_at(&process->places, base);
    struct etl_image *image = range ? &process->images[range->site] : NULL;
    return image && image->base == base ? image : NULL;
}

// Puts an image where others may have been; `now` is the clock of the event that told of it.
static bool place_image(struct etl_process *process, struct etl_image *image, uint64_t now)
{
    const struct seep_range_change change = { .changed = nobody_asks };
    uint64_t end = image_end(image), bytes;
    uint32_t index = (uint32_t)process->n_images;
    if (process->n_images >= UINT32_MAX ||
        !seep_grow(&process->images, &process->images_capacity, process->n_images + 1,
                   sizeof *process->images))
        return false;
    const struct seep_range *range = seep_ranges_at(&process->places, image->base);
    for (int n = 0; range && range->base < end && n < SEEP_RANGES_SPAN; n++) {
        struct etl_image *other = &process->images[range->site];
        if (other->to >= now) // its unloading was not seen
            other->to = now ? now - 1 : 0;
        // Where the loading was not seen either: it came after the other one had gone.
        if (image->from <= other->to)
            image->from = other->to + 1;
        other->superseded = true;
        process->epoch++;
        range = seep_ranges_at(&process->places, range->end);
    }
    process->images[process->n_images++] = *image;
    return seep_ranges_remove(&process->places, image->base, end, &change, &bytes) &&
           seep_ranges_add(&process->places, image->base, end, index, 0, &change);
}

// Rundowns and loads may give one file by different paths.
static bool same_file_name(const char *a, const char *b)
{
    if (a == b)
        return true;
    const char *slash_a = strrchr(a, '\\'), *slash_b = strrchr(b, '\\');
    a = slash_a ? slash_a + 1 : a;
    b = slash_b ? slash_b + 1 : b;
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;
        if (x != y)
            return false;
    }
    return *a == *b;
}

static bool same_image(const struct etl_image *there, const struct seep_kernel_image *event,
                       const char *path)
{
    return there->size_bytes == event->size_bytes && same_file_name(there->path, path) &&
           (!there->timestamp || !event->timestamp || there->timestamp == event->timestamp);
}

bool etl_image_event(struct etl *etl, uint16_t hook, const struct seep_etl_item *item)
{
    const struct seep_etl_record *record = &item->record;
    struct seep_kernel_image event;
    uint32_t index;
    if (!seep_kernel_image_read(record, &event)) {
        etl_bad_event(etl, item);
        return true;
    }
    if (!image_process(etl, event.pid, event.base, record->is_64, &index))
        return false;
    const char *path = path_of(etl, event.path);
    if (!path)
        return false;
    struct etl_process *process = &etl->processes.at[index];
    struct etl_image *there = find_image(process, event.base);
    if (there && same_image(there, &event, path)) {
        // Unloaded, run down again, or loaded again: nothing else was there in between.
        there->to = hook == SEEP_HOOK_IMAGE_UNLOAD ? record->time : NEVER;
        if (!there->timestamp)
            there->timestamp = event.timestamp;
        return true;
    }
    struct etl_image image = {
        .base = event.base,
        .size_bytes = event.size_bytes,
        .from = hook == SEEP_HOOK_IMAGE_LOAD ? record->time : 0,
        .to = hook == SEEP_HOOK_IMAGE_UNLOAD ? record->time : NEVER,
        .timestamp = event.timestamp,
        .checksum = event.checksum,
        .path = path,
    };
    return place_image(process, &image, record->time);
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
    return clock == 0 || clock == NEVER ? SEEP_NO_TIME : seep_etl_clock_ns(&etl->clock, clock);
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
            if (!process->images[k].superseded && !tell_image(etl, process, &process->images[k]))
                return false;
        }
    }
    return true;
}
