// SPDX-License-Identifier: MIT
// Who is to blame for an allocation site of a case: its stack, with names from symbols.
#include "base/log.h"
#include "cli/cli.h"

// Frames of a stack that a finding shows.
enum { SHOWN_FRAMES = 5 };

static bool make(struct cli_blame *b)
{
    static const struct seep_stacks_options options = { .kind = -1, .blame = true };
    struct seep_err err = { 0 };
    struct seep_stacks_namer namer = { cli_name_address, &b->names };
    if (b->tried)
        return b->made;
    b->tried = true;
    seep_profile_init(&b->profile);
    b->names.symbols = cli_symbols_open(b->args, &err);
    b->made = b->names.symbols && seep_profile_begin(&b->profile) &&
              seep_case_push_sites(b->c, &b->profile.sink, &err) &&
              seep_profile_finish(&b->profile) &&
              seep_stacks_make(&b->profile, b->data->sources, b->data->n_sources, &options, &namer,
                               &b->doc);
    if (!b->made)
        seep_log(SEEP_LOG_WARN, "stacks cannot be named: %s",
                 err.what[0] ? err.what : "out of memory");
    return b->made;
}

static bool name_site(void *ctx, size_t index, struct seep_buf *function, struct seep_buf *stack)
{
    struct cli_blame *b = ctx;
    size_t row = b->data->sites[index].row;
    if (!make(b) || row >= b->profile.n_sites)
        return false;
    const struct seep_site *site = &b->profile.sites[row].site;
    if (!seep_stacks_path_of(&b->doc, site->process.v, site->stack, true, &b->path) ||
        b->path.n == 0)
        return false;
    size_t blamed = seep_stacks_blamed(&b->doc, &b->path);
    const struct seep_stacks_frame *frames = b->doc.frames;
    seep_stacks_full_name(&frames[b->path.at[blamed < b->path.n ? blamed : 0]], function);
    for (size_t i = 0; i < b->path.n && i < SHOWN_FRAMES; i++) {
        if (i)
            seep_buf_adds(stack, " < ");
        seep_stacks_full_name(&frames[b->path.at[i]], stack);
    }
    if (b->path.n > SHOWN_FRAMES)
        seep_buf_adds(stack, " < ...");
    return !function->failed && !stack->failed;
}

void cli_blame_init(struct cli_blame *blame, struct seep_case *c, const struct cli_args *args,
                    struct seep_dataset *data)
{
    *blame = (struct cli_blame){ .c = c, .args = args, .data = data };
    data->blame = name_site;
    data->blame_ctx = blame;
}

void cli_blame_clear(struct cli_blame *b)
{
    if (b->tried) {
        seep_stacks_path_clear(&b->path);
        if (b->made)
            seep_stacks_doc_clear(&b->doc);
        seep_profile_clear(&b->profile);
        seep_symbols_close(b->names.symbols);
        seep_intern_clear(&b->names.strings);
    }
    *b = (struct cli_blame){ .c = NULL };
}
