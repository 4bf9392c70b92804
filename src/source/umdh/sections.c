// SPDX-License-Identifier: MIT
// A log or a comparison as a whole: whose it is, its modules, and at its end its sites.
#include "source/umdh/umdh.h"

#include "base/alloc.h"
#include "base/time.h"
#include "base/utf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Appends text of the log, at most SEEP_MAX_NAME bytes, NUL-terminated.
static void add_text(struct umdh *u, struct seep_buf *out, const char *text, size_t len)
{
    if (!seep_utf8_add(out, seep_bytes(text, len < SEEP_MAX_NAME ? len : SEEP_MAX_NAME)))
        umdh_lose(u, UMDH_ESCAPED, 1, 0);
    seep_buf_addc(out, '\0');
}

static void set_text(struct umdh *u, struct seep_buf *out, const char *text, size_t len)
{
    seep_buf_reset(out);
    add_text(u, out, text, len);
}

bool umdh_begin_section(struct umdh *u, const struct umdh_head *head)
{
    u->has_head = true;
    u->head = *head;
    u->head.machine = NULL;
    if (head->machine)
        set_text(u, &u->host, head->machine, head->machine_len);
    if (head->t_ns != SEEP_NO_TIME)
        umdh_lose(u, UMDH_ZONE, 1, 0);
    return !u->host.failed;
}

void umdh_set_os_version(struct umdh *u, const char *text, size_t len)
{
    while (len && text[len - 1] == ' ')
        len--;
    set_text(u, &u->os_version, text, len);
}

bool umdh_add_module(struct umdh *u, const struct umdh_module *module)
{
    if (!seep_grow(&u->modules, &u->modules_capacity, u->n_modules + 1, sizeof *u->modules))
        return false;
    u->modules[u->n_modules++] = (struct umdh_loaded){ .base = module->base,
                                                       .size_bytes = module->size_bytes,
                                                       .path_at = u->module_text.len };
    if (u->n_modules == 1) {
        size_t name = module->path_len;
        while (name && module->path[name - 1] != '\\' && module->path[name - 1] != '/')
            name--;
        set_text(u, &u->image, module->path + name, module->path_len - name);
    }
    add_text(u, &u->module_text, module->path, module->path_len);
    return !u->module_text.failed && !u->image.failed;
}

void umdh_symbols_of(struct umdh *u, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len), *end = text + len;
    if (!colon || u->image.len)
        return;
    const char *name = colon + 1, *stop;
    while (name < end && *name == ' ')
        name++;
    for (stop = name; stop < end && *stop != ' ';)
        stop++;
    if (stop > name)
        set_text(u, &u->image, name, (size_t)(stop - name));
}

static int by_base(const void *left, const void *right)
{
    const struct umdh_loaded *a = left, *b = right;
    return a->base != b->base ? (a->base < b->base ? -1 : 1)
                              : (a->path_at > b->path_at) - (a->path_at < b->path_at);
}

static bool is_wow64(const struct umdh *u)
{
    for (size_t i = 0; i < u->n_modules; i++) {
        const char *path = u->module_text.data + u->modules[i].path_at;
        if (umdh_has(path, strlen(path), "\\syswow64\\"))
            return true;
    }
    return false;
}

static bool tell_process(struct umdh *u)
{
    bool wide = false;
    for (size_t i = 0; i < u->n_modules; i++)
        wide = wide || u->modules[i].base + u->modules[i].size_bytes > UINT32_MAX;
    struct seep_process process = {
        .machine = u->machine,
        .pid = u->head.pid,
        .has_pid = u->head.has_pid,
        .start_ns = SEEP_NO_TIME,
        .end_ns = SEEP_NO_TIME,
        .architecture = u->n_modules ? (wide ? "x64" : "x86") : NULL,
        .wow64 = u->n_modules && !wide && is_wow64(u),
        // "ntdll" is whose symbols come first where the program has none.
        .image = u->image.len && strcmp(u->image.data, "ntdll") != 0 &&
                         (u->n_modules || u->form == UMDH_COMPARISON)
                     ? u->image.data
                     : NULL,
    };
    return seep_sink_process(u->sink, &process, &u->process);
}

static bool tell_machine(struct umdh *u)
{
    struct seep_machine machine = {
        .host = u->host.len ? seep_buf_text(&u->host) : NULL,
        .os = "Windows",
        .os_version = u->os_version.len ? seep_buf_text(&u->os_version) : NULL,
        .boot_ns = SEEP_NO_TIME,
    };
    return seep_sink_machine(u->sink, &machine, &u->machine);
}

bool umdh_announce(struct umdh *u)
{
    u->announced = true;
    if (!tell_machine(u) || !seep_sink_tick(u->sink, u->machine, u->head.t_ns) || !tell_process(u))
        return false;
    if (u->n_modules)
        qsort(u->modules, u->n_modules, sizeof *u->modules, by_base);
    for (size_t i = 0; i < u->n_modules; i++) {
        const char *path = u->module_text.data + u->modules[i].path_at;
        const char *slash = strrchr(path, '\\');
        struct seep_module module = { .process = u->process,
                                      .base = u->modules[i].base,
                                      .size_bytes = u->modules[i].size_bytes,
                                      .path = path,
                                      .identity = { .name = slash ? slash + 1 : path } };
        if (u->modules[i].size_bytes <= UINT32_MAX)
            module.identity.size_bytes = (uint32_t)u->modules[i].size_bytes;
        if (!seep_sink_module(u->sink, &module))
            return false;
    }
    return true;
}

// ---- sites

static int by_address(const void *left, const void *right)
{
    const struct seep_site_block *a = left, *b = right;
    return a->address != b->address
               ? (a->address < b->address ? -1 : 1)
               : (a->size_bytes > b->size_bytes) - (a->size_bytes < b->size_bytes);
}

// The blocks again, those of each trace together in the order of the log; the caller frees them.
// NULL when memory is out.
static struct seep_site_block *blocks_by_trace(const struct umdh *u)
{
    struct seep_site_block *blocks = seep_alloc(u->n_listed + 1, sizeof *blocks);
    size_t *next = seep_alloc(u->n_traces + 1, sizeof *next);
    if (blocks && next) {
        for (size_t i = 0; i + 1 < u->n_traces; i++)
            next[i + 1] = next[i] + u->traces[i].n_listed;
        for (size_t i = 0; i < u->n_listed; i++)
            blocks[next[u->block_traces[i]]++] = u->blocks[i];
    } else {
        seep_free(blocks);
        blocks = NULL;
    }
    seep_free(next);
    return blocks;
}

static bool tell_blocks(struct umdh *u, struct seep_site_block *blocks, size_t n)
{
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = by_address(&blocks[i - 1], &blocks[i]) <= 0;
    if (!sorted)
        qsort(blocks, n, sizeof *blocks, by_address);
    return seep_sink_site_blocks(u->sink, blocks, n);
}

static bool tell_site(struct umdh *u, const struct umdh_trace *trace, bool old)
{
    char name[sizeof "heap BackTrace" + UMDH_ID_TEXT];
    (void)snprintf(name, sizeof name, "heap BackTrace%s", trace->id.text);
    struct seep_site site = {
        .process = u->process,
        .kind = SEEP_SITE_HEAP,
        .name = name,
        .heap = trace->heap,
        .tag = name + 5,
        .stack = trace->stack,
        .outstanding_bytes = old ? trace->old_bytes : trace->bytes,
        .outstanding_count = old ? trace->old_count : trace->count,
        .overhead_bytes = trace->overhead_bytes,
        .survivor_count = UINT64_MAX,
        .survivor_bytes = UINT64_MAX,
        .oldest_ns = SEEP_NO_TIME,
    };
    if (!seep_sink_site(u->sink, &site))
        return false;
    if (u->head.t_ns == SEEP_NO_TIME)
        return true;
    struct seep_series series = {
        .subject = { .kind = SEEP_SUBJECT_SITE,
                     .machine = u->machine,
                     .process = u->process,
                     .name = name },
        .metric = SEEP_METRIC_OUTSTANDING_BYTES,
    };
    struct seep_series_id id;
    return seep_sink_series(u->sink, &series, &id) &&
           seep_sink_sample(u->sink, id, (double)site.outstanding_bytes);
}

static bool tell_log(struct umdh *u)
{
    // Logs by size list no blocks.
    bool lists = u->sink->ops->site_blocks && !u->by_size;
    struct seep_site_block *blocks = lists ? blocks_by_trace(u) : NULL;
    size_t at = 0;
    bool ok = !lists || blocks;
    for (size_t i = 0; ok && i < u->n_traces; i++) {
        const struct umdh_trace *trace = &u->traces[i];
        if (!trace->id.value)
            umdh_lose(u, UMDH_NO_TRACE, trace->count, trace->bytes);
        else if (!trace->has_stack)
            umdh_lose(u, UMDH_NO_FRAMES, 1, trace->bytes);
        ok = tell_site(u, trace, false) && (!lists || tell_blocks(u, blocks + at, trace->n_listed));
        at += trace->n_listed;
    }
    seep_free(blocks);
    return ok;
}

// Two moments, neither of which has a time. One log alone that was made readable (umdh -v LOG)
// looks like a comparison with nothing: it is one moment.
static bool tell_comparison(struct umdh *u)
{
    bool compared = false;
    for (size_t i = 0; i < u->n_traces; i++)
        compared = compared || u->traces[i].old_bytes || u->traces[i].old_count;
    if (!tell_machine(u))
        return false;
    for (int old = compared; old >= 0; old--) {
        if (!seep_sink_tick(u->sink, u->machine, SEEP_NO_TIME) || !tell_process(u))
            return false;
        for (size_t i = 0; i < u->n_traces; i++) {
            const struct umdh_trace *trace = &u->traces[i];
            if (old && !trace->has_old_count && trace->old_bytes)
                umdh_lose(u, UMDH_OLD_COUNT, 1, 0);
            // What an older log did not have is not a site of it.
            if ((!old || trace->old_bytes || trace->old_count) && !tell_site(u, trace, old))
                return false;
        }
    }
    umdh_lose(u, UMDH_IDENTITY, 1, 0);
    return true;
}

static void reset_section(struct umdh *u)
{
    u->form = UMDH_NO_ROWS;
    u->has_head = u->announced = u->has_total = false;
    u->head = (struct umdh_head){ .t_ns = SEEP_NO_TIME };
    seep_buf_reset(&u->host);
    seep_buf_reset(&u->os_version);
    seep_buf_reset(&u->image);
    seep_buf_reset(&u->module_text);
    seep_intern_clear(&u->ids);
    u->n_modules = u->n_traces = u->n_listed = u->n_frames = 0;
    u->n_blocks = u->heap = 0;
    u->has_heap = u->heap_open = u->by_size = u->open = u->skip_frames = false;
}

bool umdh_finish_section(struct umdh *u)
{
    if (!umdh_close_stack(u))
        return false;
    u->n_sections++;
    bool ok = true;
    if (u->form == UMDH_COMPARISON) {
        if (!u->has_total)
            umdh_lose(u, UMDH_TRUNCATED, 1, 0);
        ok = tell_comparison(u);
    } else {
        // The end of each heap is marked; a head without a heap was cut, too.
        if (u->heap_open || (u->has_head && !u->has_heap && !u->n_blocks))
            umdh_lose(u, UMDH_TRUNCATED, 1, 0);
        else if (!u->n_blocks)
            umdh_lose(u, UMDH_NO_BLOCKS, 1, 0);
        ok = (u->announced || umdh_announce(u)) && tell_log(u);
    }
    reset_section(u);
    return ok;
}

void umdh_clear(struct umdh *u)
{
    seep_pdh_lines_clear(&u->lines);
    seep_buf_clear(&u->host);
    seep_buf_clear(&u->os_version);
    seep_buf_clear(&u->image);
    seep_buf_clear(&u->module_text);
    seep_buf_clear(&u->frame_text);
    seep_intern_clear(&u->ids);
    seep_free(u->modules);
    seep_free(u->traces);
    seep_free(u->blocks);
    seep_free(u->block_traces);
    seep_free(u->frames);
}
