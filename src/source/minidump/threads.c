// SPDX-License-Identifier: MIT
// The threads of a dump, and all that they lead to.
#include "source/minidump/threads.h"

#include "base/alloc.h"
#include "nt/process.h"
#include "source/minidump/names.h"
#include "symbols/readable.h"

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
        if (rva > UINT32_MAX)
            r->doubts.unnamed++; // beyond what else of the file can be pointed to
        else if (rva)
            names[(*n)++] = (struct thread_name){ seep_bytes_u32(entry, 0), (uint32_t)rva };
    }
    if (*n)
        qsort(names, *n, sizeof *names, by_id);
    return names;
}

static bool name_thread(struct dump_reader *r, struct dump_thread *thread,
                        const struct thread_name *names, size_t n_names)
{
    struct thread_name key = { .id = thread->record.id };
    const struct thread_name *found =
        n_names ? bsearch(&key, names, n_names, sizeof key, by_id) : NULL;
    const char *name = found ? dump_text(r, found->rva) : NULL;
    struct seep_buf text = { 0 };
    if (name && *name) {
        thread->name = seep_arena_strndup(&r->arena, name, r->text.len);
        if (!thread->name)
            return dump_stop(r);
    }
    seep_buf_addf(&text, "thread %" PRIu32, thread->record.id);
    if (thread->name)
        seep_buf_addf(&text, " (%s)", thread->name);
    if (!text.failed)
        thread->detail = seep_arena_strndup(&r->arena, seep_buf_text(&text), text.len);
    seep_buf_clear(&text);
    return thread->detail || dump_stop(r);
}

void dump_threads_load(struct dump_reader *r)
{
    struct seep_minidump_list list;
    size_t n_names;
    if (!seep_minidump_list(&r->dump, SEEP_MINIDUMP_THREADS, &list) || list.n == 0)
        return;
    struct thread_name *names = thread_names(r, &n_names);
    r->threads = r->stopped ? NULL : seep_alloc((size_t)list.n, sizeof *r->threads);
    if (!r->threads)
        (void)dump_stop(r);
    for (uint64_t i = 0; i < list.n && !r->stopped; i++) {
        struct dump_thread *thread = &r->threads[r->n_threads++];
        thread->record = seep_minidump_thread(seep_minidump_entry(&list, i));
        if (thread->record.context_rva &&
            !seep_bytes_has(r->dump.file, thread->record.context_rva, thread->record.context_bytes))
            r->doubts.contexts_bad++;
        (void)name_thread(r, thread, names, n_names);
    }
    seep_free(names);
}

bool dump_thread_registers(const struct dump_reader *r, const struct dump_thread *thread,
                           struct seep_minidump_registers *registers)
{
    return seep_minidump_registers(&r->dump, r->system.architecture, &thread->record, registers);
}

bool dump_thread_registers32(const struct dump_reader *r, const struct dump_thread *thread,
                             struct seep_minidump_registers *registers)
{
    enum { CONTEXT_BYTES = 0xcc, CONTROL = 0x10001 }; // CONTEXT_i386 | CONTEXT_CONTROL
    const struct seep_memory *memory = &r->memory.memory;
    const struct seep_nt_process_layout *layout = seep_nt_process_layout(4);
    struct seep_minidump_registers native;
    uint8_t context[CONTEXT_BYTES];
    uint64_t cpu, base, limit;
    // In 32-bit code the thread's own context is the one of that code, and what lies in the slot is
    // of its last system call.
    if (r->system.architecture != SEEP_MINIDUMP_AMD64 || !thread->teb32 ||
        (dump_thread_registers(r, thread, &native) && native.code32) ||
        !seep_memory_pointer(memory, thread->record.teb + SEEP_NT_TEB64_WOW64_CPU, 8, &cpu) ||
        cpu > UINT64_MAX - SEEP_NT_WOW64_CPU_CONTEXT - sizeof context ||
        seep_memory_read(memory, cpu + SEEP_NT_WOW64_CPU_CONTEXT, context, sizeof context) !=
            sizeof context ||
        (seep_le32(context) & CONTROL) != CONTROL ||
        !seep_minidump_context((struct seep_bytes){ context, sizeof context }, SEEP_MINIDUMP_X86,
                               registers))
        return false;
    return seep_memory_pointer(memory, thread->teb32 + layout->teb.stack_base, 4, &base) &&
           seep_memory_pointer(memory, thread->teb32 + layout->teb.stack_limit, 4, &limit) &&
           registers->stack_pointer >= limit && registers->stack_pointer < base;
}

// --- what the regions are for ---

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
    dump_threads_load(r);
    for (size_t i = 0; i < r->n_threads && !r->stopped; i++) {
        struct dump_thread *thread = &r->threads[i];
        thread->teb32 =
            seep_usage_thread(u, thread->record.teb, thread->record.stack, thread->detail);
    }
    if (!r->stopped && !seep_usage_finish(u))
        (void)dump_stop(r);
}

// --- for the sink ---

static void find_instruction(const struct dump_reader *r, const struct dump_thread *thread,
                             const struct seep_minidump_exception *exception,
                             struct seep_thread *fact)
{
    struct seep_minidump_registers registers;
    struct seep_minidump_thread crashed = { .context_rva = exception->context_rva,
                                            .context_bytes = exception->context_bytes };
    fact->has_instruction =
        (fact->crashed &&
         seep_minidump_registers(&r->dump, r->system.architecture, &crashed, &registers)) ||
        dump_thread_registers32(r, thread, &registers) ||
        dump_thread_registers(r, thread, &registers);
    if (fact->has_instruction)
        fact->instruction = registers.instruction;
}

static bool push_thread(struct dump_reader *r, const struct dump_thread *thread,
                        const struct seep_minidump_exception *exception)
{
    struct seep_thread fact = { .process = r->process,
                                .id = thread->record.id,
                                .name = thread->name,
                                .crashed =
                                    exception->code && exception->thread == thread->record.id };
    struct seep_buf function = { 0 };
    struct seep_symbol symbol;
    bool found = false;
    if (fact.crashed)
        fact.exception = exception->code;
    find_instruction(r, thread, exception, &fact);
    const struct seep_usage_image *image =
        fact.has_instruction ? dump_symbol_at(r, fact.instruction, &symbol, &found) : NULL;
    if (image) {
        fact.module = image->path ? dump_file_name(image->path) : NULL;
        fact.offset = fact.instruction - image->base;
    }
    if (found) {
        (void)seep_symbol_readable(symbol.function, &function);
        fact.function = seep_buf_text(&function);
        fact.offset = symbol.offset;
        fact.file = symbol.file;
        fact.line = symbol.line;
    }
    bool ok = !r->stopped && !function.failed && seep_sink_thread(r->sink, &fact);
    seep_buf_clear(&function);
    return ok;
}

bool dump_push_threads(struct dump_reader *r)
{
    struct seep_minidump_exception exception = { 0 };
    bool ok = true;
    if (!r->sink->ops->thread)
        return true;
    (void)seep_minidump_exception(&r->dump, &exception);
    for (size_t i = 0; ok && i < r->n_threads; i++)
        ok = push_thread(r, &r->threads[i], &exception) && !seep_cancelled(r->control);
    return ok;
}
