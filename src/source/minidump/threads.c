// SPDX-License-Identifier: MIT
// What is asked about the regions of a dump: its threads, then all that they lead to.
#include "base/alloc.h"
#include "source/minidump/reader.h"

#include <inttypes.h>
#include <stdlib.h>

struct thread_name {
    uint32_t id, rva;
};

static int by_id(const void *left, const void *right)
{
    const struct thread_name *a = left, *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

// The names of the threads by id; `*n` 0 where the dump has none.
static struct thread_name *thread_names(struct dump_reader *r, size_t *n)
{
    struct seep_minidump_list list;
    *n = 0;
    if (!seep_minidump_list(&r->dump, SEEP_MINIDUMP_THREAD_NAMES, &list) || list.n == 0)
        return NULL;
    struct thread_name *names = seep_alloc((size_t)list.n, sizeof *names);
    if (!names) {
        (void)dump_stop(r);
        return NULL;
    }
    for (uint64_t i = 0; i < list.n; i++) {
        struct seep_bytes entry = seep_minidump_entry(&list, i);
        uint64_t rva = seep_bytes_u64(entry, 4);
        if (rva && rva <= UINT32_MAX)
            names[(*n)++] = (struct thread_name){ seep_bytes_u32(entry, 0), (uint32_t)rva };
    }
    qsort(names, *n, sizeof *names, by_id);
    return names;
}

// "thread 1234 (name)" that lives as long as the run; NULL when memory is out.
static const char *thread_detail(struct dump_reader *r, uint32_t id,
                                 const struct thread_name *names, size_t n_names)
{
    struct thread_name key = { .id = id };
    const struct thread_name *found =
        n_names ? bsearch(&key, names, n_names, sizeof key, by_id) : NULL;
    const char *name = found ? dump_text(r, found->rva) : NULL;
    struct seep_buf text = { 0 };
    seep_buf_addf(&text, "thread %" PRIu32, id);
    if (name && *name) {
        seep_buf_adds(&text, " (");
        seep_buf_adds(&text, name);
        seep_buf_addc(&text, ')');
    }
    const char *kept =
        text.failed ? NULL : seep_arena_strndup(&r->arena, seep_buf_text(&text), text.len);
    seep_buf_clear(&text);
    if (!kept)
        (void)dump_stop(r);
    return kept;
}

static void read_threads(struct dump_reader *r)
{
    struct seep_minidump_list list;
    size_t n_names;
    if (!seep_minidump_list(&r->dump, SEEP_MINIDUMP_THREADS, &list))
        return;
    struct thread_name *names = thread_names(r, &n_names);
    for (uint64_t i = 0; i < list.n && !r->stopped; i++) {
        struct seep_minidump_thread thread = seep_minidump_thread(seep_minidump_entry(&list, i));
        const char *detail = thread_detail(r, thread.id, names, n_names);
        if (detail)
            seep_usage_thread(&r->usage, thread.teb, thread.stack, detail);
    }
    seep_free(names);
}

static void release(void *ctx)
{
    const struct dump_reader *r = ctx;
    seep_input_release(r->input);
}

void dump_usage(struct dump_reader *r)
{
    struct seep_usage *u = &r->usage;
    u->memory = &r->memory.memory;
    u->held_bytes = r->memory.held_bytes;
    u->build = r->has_system ? r->system.build : 0;
    u->images = r->images;
    u->n_images = r->n_images;
    u->arena = &r->arena;
    u->control = r->control;
    u->release = release;
    u->ctx = r;
    read_threads(r);
    if (!r->stopped && !seep_usage_finish(u))
        (void)dump_stop(r);
}
