// SPDX-License-Identifier: MIT
// Reading files: mapping, choosing the source, progress, and one line for each that could not be
// read whole.
#include "base/alloc.h"
#include "base/log.h"
#include "cli/cli.h"
#include "source/live/machine.h"
#include "source/live/space.h"

#include <inttypes.h>
#include <string.h>

bool cli_file_open(const char *path, const char *as, struct cli_file *file, struct seep_err *err)
{
    struct cli_file opened = { .path = path };
    if (!seep_os_map(path, &opened.map, err))
        return false;
    if (as) {
        opened.source = seep_source_named(as);
        if (!opened.source)
            (void)seep_fail(err, SEEP_NO_OFFSET, "see `seep sources`",
                            "'%.40s' is no format that seep reads", as);
        else if (opened.map.view.len == 0) {
            opened.source = NULL;
            (void)seep_fail(err, SEEP_NO_OFFSET, "record it again, or leave it out",
                            "the file is empty");
        }
    } else {
        opened.source = seep_source_choose(opened.map.view, err);
    }
    if (!opened.source) {
        seep_os_unmap(&opened.map);
        return false;
    }
    *file = opened;
    return true;
}

bool cli_file_or_process_open(const char *path, const char *as, struct cli_file *file,
                              struct seep_err *err)
{
    uint32_t pid;
    if (as || !seep_live_pid(path, &pid) || seep_os_same_file(path, path))
        return cli_file_open(path, as, file, err);
    *file = (struct cli_file){ .path = path, .source = seep_live_space_source() };
    return true;
}

void cli_file_close(struct cli_file *file)
{
    seep_os_unmap(&file->map);
}

// The line "reading NAME 34 %" that is written over again on a terminal.
struct progress_line {
    const char *path;
    int64_t last_ns;
    bool shown;
};

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
    enum { EVERY_NS = 200000000 };
    struct progress_line *line = ctx;
    int64_t now = seep_os_monotonic_ns();
    if (now - line->last_ns < EVERY_NS || total == 0)
        return;
    line->last_ns = now;
    line->shown = true;
    char tail[49];
    size_t len = strlen(line->path);
    (void)snprintf(tail, sizeof tail, "%s", line->path + (len > 48 ? len - 48 : 0));
    seep_err_plain(tail);
    (void)fprintf(stderr, "\rreading %-48s %3.0f %%", tail, 100.0 * (double)done / (double)total);
    (void)fflush(stderr);
}

// Keeps the first harmful loss on its way to the real sink, so that it can be said in one line.
struct watching_sink {
    struct seep_sink sink; // first
    struct seep_sink *to;
    struct seep_err *first;
    struct cli_losses *kept; // NULL = not wanted
    bool seen;
};

void cli_losses_clear(struct cli_losses *losses)
{
    seep_arena_clear(&losses->arena);
    seep_free(losses->at);
    *losses = (struct cli_losses){ 0 };
}

// Keeps a loss; beyond the cap it is counted into the last one that is kept.
static bool keep_loss(struct cli_losses *kept, const struct seep_loss *loss)
{
    if (kept->n >= SEEP_MAX_LOSSES) {
        struct seep_loss *last = &kept->at[kept->n - 1];
        last->count = last->count == SEEP_UNKNOWN_COUNT ? 2 : last->count + 1;
        return true;
    }
    char *what = seep_arena_strndup(&kept->arena, loss->what, strlen(loss->what));
    char *text = seep_arena_strndup(&kept->arena, loss->text, strlen(loss->text));
    if (!what || !text || !seep_grow(&kept->at, &kept->capacity, kept->n + 1, sizeof *kept->at))
        return false;
    struct seep_loss *copy = &kept->at[kept->n++];
    *copy = *loss;
    copy->what = what;
    copy->text = text;
    return true;
}

static bool pass_machine(struct seep_sink *s, const struct seep_machine *f,
                         struct seep_machine_id *id)
{
    return seep_sink_machine(((struct watching_sink *)s)->to, f, id);
}

static bool pass_process(struct seep_sink *s, const struct seep_process *f,
                         struct seep_process_id *id)
{
    return seep_sink_process(((struct watching_sink *)s)->to, f, id);
}

static bool pass_process_end(struct seep_sink *s, struct seep_process_id id, int64_t end_ns)
{
    return seep_sink_process_end(((struct watching_sink *)s)->to, id, end_ns);
}

static bool pass_series(struct seep_sink *s, const struct seep_series *f, struct seep_series_id *id)
{
    return seep_sink_series(((struct watching_sink *)s)->to, f, id);
}

static bool pass_tick(struct seep_sink *s, struct seep_machine_id id, int64_t t_ns)
{
    return seep_sink_tick(((struct watching_sink *)s)->to, id, t_ns);
}

static bool pass_sample(struct seep_sink *s, struct seep_series_id id, double value)
{
    return seep_sink_sample(((struct watching_sink *)s)->to, id, value);
}

static bool pass_module(struct seep_sink *s, const struct seep_module *f)
{
    return seep_sink_module(((struct watching_sink *)s)->to, f);
}

static bool pass_region(struct seep_sink *s, const struct seep_region *f)
{
    return seep_sink_region(((struct watching_sink *)s)->to, f);
}

static bool pass_handle(struct seep_sink *s, const struct seep_handle *f)
{
    return seep_sink_handle(((struct watching_sink *)s)->to, f);
}

static bool pass_thread(struct seep_sink *s, const struct seep_thread *f)
{
    return seep_sink_thread(((struct watching_sink *)s)->to, f);
}

static bool pass_pool_tag(struct seep_sink *s, const struct seep_pool_tag *f)
{
    return seep_sink_pool_tag(((struct watching_sink *)s)->to, f);
}

static bool pass_vm(struct seep_sink *s, const struct seep_vm *f)
{
    return seep_sink_vm(((struct watching_sink *)s)->to, f);
}

static bool pass_zombie(struct seep_sink *s, const struct seep_zombie *f)
{
    return seep_sink_zombie(((struct watching_sink *)s)->to, f);
}

static bool pass_heap(struct seep_sink *s, const struct seep_heap *f)
{
    return seep_sink_heap(((struct watching_sink *)s)->to, f);
}

static bool pass_blocks(struct seep_sink *s, const struct seep_blocks *f)
{
    return seep_sink_blocks(((struct watching_sink *)s)->to, f);
}

static bool pass_stack(struct seep_sink *s, struct seep_stack_id parent, const struct seep_frame *f,
                       struct seep_stack_id *id)
{
    return seep_sink_stack(((struct watching_sink *)s)->to, parent, f, id);
}

static bool pass_site(struct seep_sink *s, const struct seep_site *f)
{
    return seep_sink_site(((struct watching_sink *)s)->to, f);
}

static bool pass_site_blocks(struct seep_sink *s, const struct seep_site_block *f, size_t n)
{
    return seep_sink_site_blocks(((struct watching_sink *)s)->to, f, n);
}

static bool pass_site_frees(struct seep_sink *s, const struct seep_site_frees *f)
{
    return seep_sink_site_frees(((struct watching_sink *)s)->to, f);
}

static bool pass_event(struct seep_sink *s, const struct seep_event *f)
{
    return seep_sink_event(((struct watching_sink *)s)->to, f);
}

static bool pass_tally(struct seep_sink *s, const struct seep_tally *f)
{
    return seep_sink_tally(((struct watching_sink *)s)->to, f);
}

static bool watch_loss(struct seep_sink *s, const struct seep_loss *loss)
{
    struct watching_sink *w = (struct watching_sink *)s;
    if (!loss->harmless && !w->seen) {
        w->seen = true;
        (void)seep_fail(w->first, loss->offset, "the rest was read; see the losses of this source",
                        "%.400s", loss->text);
    }
    if (w->kept && !keep_loss(w->kept, loss))
        return seep_fail_memory(&s->error);
    return seep_sink_loss(w->to, loss);
}

static const struct seep_sink_ops watching = {
    .machine = pass_machine,
    .process = pass_process,
    .process_end = pass_process_end,
    .series = pass_series,
    .tick = pass_tick,
    .sample = pass_sample,
    .module = pass_module,
    .region = pass_region,
    .handle = pass_handle,
    .thread = pass_thread,
    .pool_tag = pass_pool_tag,
    .vm = pass_vm,
    .zombie = pass_zombie,
    .heap = pass_heap,
    .blocks = pass_blocks,
    .stack = pass_stack,
    .site = pass_site,
    .site_blocks = pass_site_blocks,
    .site_frees = pass_site_frees,
    .event = pass_event,
    .tally = pass_tally,
    .loss = watch_loss,
};

enum seep_status cli_file_read(const struct cli_file *file, struct seep_sink *sink, bool quiet,
                               struct cli_losses *losses, uint64_t *read_bytes,
                               struct seep_err *err)
{
    struct progress_line line = { .path = file->path, .last_ns = seep_os_monotonic_ns() };
    struct seep_control control = { .cancel = seep_os_catch_interrupt() };
    if (!quiet && seep_os_is_terminal(2)) {
        control.progress = show_progress;
        control.ctx = &line;
    }
    struct seep_err loss = { 0 };
    // What is dear to find is offered only where somebody takes it.
    struct seep_sink_ops ops = watching;
    if (!sink->ops->thread)
        ops.thread = NULL;
    if (!sink->ops->zombie || (file->leave_out & 1u << SEEP_FACT_ZOMBIE))
        ops.zombie = NULL;
    if (!sink->ops->pool_tag || (file->leave_out & 1u << SEEP_FACT_POOL_TAG))
        ops.pool_tag = NULL;
    if (!sink->ops->heap || (file->leave_out & 1u << SEEP_FACT_HEAP))
        ops.heap = NULL;
    if (!sink->ops->blocks || (file->leave_out & 1u << SEEP_FACT_BLOCKS))
        ops.blocks = NULL;
    if (!sink->ops->site_blocks)
        ops.site_blocks = NULL;
    struct watching_sink watch = {
        .sink = { .ops = &ops }, .to = sink, .first = &loss, .kept = losses
    };
    struct seep_input input = { .path = file->path,
                                .view = file->map.view,
                                .map = &file->map,
                                .symbols = file->symbols,
                                .brief = file->brief,
                                .peek = file->peek,
                                .leave_out = file->leave_out };
    seep_log(SEEP_LOG_DETAIL, "%s: reading as %s", file->path, file->source->name);
    enum seep_status status = file->source->read(&input, &watch.sink, &control, read_bytes, err);
    if (line.shown)
        (void)fprintf(stderr, "\r%64s\r", "");
    if (status == SEEP_OK && watch.seen)
        status = SEEP_PARTIAL;
    if (status == SEEP_PARTIAL)
        *err = loss;
    if (status == SEEP_PARTIAL && !err->what[0])
        (void)seep_fail(err, *read_bytes, NULL, "could be read only in part");
    if (status == SEEP_CANCELLED)
        (void)seep_fail(err, SEEP_NO_OFFSET, "what was read before is kept",
                        "stopped before its end");
    return status;
}

// Reads a file that was opened, and closes it. `*stop` when the user wants no more.
static bool import_opened(struct seep_case *c, const struct cli_args *args, struct cli_file *file,
                          bool *stop, enum cli_exit *worst, struct seep_err *err)
{
    struct seep_err own = { 0 };
    struct seep_sink *sink;
    uint64_t read_bytes = 0;
    file->leave_out = args->leave_out;
    if (!seep_case_begin_source(c, file->path, file->source->name, file->map.view.len,
                                SEEP_CASE_IMPORT, &sink, err)) {
        cli_file_close(file);
        return false;
    }
    enum seep_status status =
        cli_file_read(file, sink, cli_has(args, CLI_QUIET), NULL, &read_bytes, &own);
    bool sink_failed = sink->error.what[0] != '\0';
    if (sink_failed)
        *err = sink->error;
    if (status == SEEP_FAILED && !sink_failed)
        (void)seep_sink_lose(sink, "unreadable", 1, file->map.view.len, own.offset, "%.400s",
                             own.what);
    cli_file_close(file);
    if (status != SEEP_OK) {
        *worst = CLI_EXIT_INPUT;
        if (!sink_failed)
            cli_complain(&own, file->path);
    }
    *stop = status == SEEP_CANCELLED;
    return !sink_failed && seep_case_end_source(c, status, read_bytes, err);
}

static bool import_files(struct seep_case *c, const struct cli_args *args, const char *const *files,
                         size_t n_files, struct seep_symbols *symbols, enum cli_exit *worst,
                         struct seep_err *err)
{
    bool stop = false;
    for (size_t i = 0; i < n_files && !stop; i++) {
        struct seep_err own = { 0 };
        struct cli_file file;
        if (cli_has(args, CLI_CASE) && seep_os_same_file(files[i], args->text[CLI_CASE])) {
            seep_log(SEEP_LOG_WARN, "%s: is the case itself, which has its facts already",
                     files[i]);
            continue;
        }
        bool opened = args->takes_pids
                          ? cli_file_or_process_open(files[i], args->text[CLI_AS], &file, &own)
                          : cli_file_open(files[i], args->text[CLI_AS], &file, &own);
        if (!opened) {
            cli_complain(&own, files[i]);
            *worst = CLI_EXIT_INPUT;
            continue;
        }
        file.symbols = symbols;
        if (!import_opened(c, args, &file, &stop, worst, err))
            return false;
    }
    return true;
}

bool cli_import(struct seep_case *c, const struct cli_args *args, const char *const *files,
                size_t n_files, enum cli_exit *worst, struct seep_err *err)
{
    struct seep_symbols *symbols = cli_symbols_open(args, err);
    bool ok = symbols && import_files(c, args, files, n_files, symbols, worst, err);
    seep_symbols_close(symbols);
    return ok;
}

bool cli_import_machine(struct seep_case *c, const struct cli_args *args, enum cli_exit *worst,
                        struct seep_err *err)
{
    struct cli_file file = { .path = "this machine", .source = seep_live_machine_source() };
    bool stop;
    return import_opened(c, args, &file, &stop, worst, err);
}
