// SPDX-License-Identifier: MIT
// UMDH's logs and comparisons: what one process has allocated in its heaps, by call stack. The
// facts: note.md.
//
// A file is a row of sections: each log is one, and so is a comparison. Lines are read once; of
// blocks only the sums of each trace are kept, unless the sink asks for survivors.
#include "source/umdh/umdh.h"

#include "base/alloc.h"
#include "base/time.h"
#include "base/utf.h"

#include <stdlib.h>
#include <string.h>

extern const struct seep_source seep_source_umdh;

enum {
    BID_BYTES = 1 << 18, // a comparison names its symbol files first, some hundred of them
    BASE_ROWS = 4096,    // that are looked at to find out the base of the numbers
    SURE_ROWS = 24,      // numbers without a letter that make decimal ones likely
    // Windows records at most 32 frames for a trace (the documentation of the stack trace database
    // says less for older versions); what is longer is no stack.
    MAX_FRAMES = 1024,
    GRANULE = 8, // block and overhead together are a multiple of it: observed in both real logs
};

static const struct loss_row {
    const char *what, *text;
    bool harmless;
} loss_rows[UMDH_N_LOSSES] = {
    [UMDH_TRUNCATED] = { "truncated", "the file ends inside a log", false },
    [UMDH_BAD_ROW] = { "bad-record", "lines that cannot be read were skipped", false },
    [UMDH_BAD_SUM] = { "bad-sum",
                       "rows of a comparison whose three numbers do not hang together; the newer "
                       "and the older one were taken",
                       false },
    [UMDH_BAD_TOTAL] = { "totals",
                         "the rows do not add up to the total: rows are missing or were changed",
                         false },
    [UMDH_HUGE] = { "huge-size", "sizes that exceed any address space were cut", false },
    [UMDH_LONG_STACK] = { "long-stack", "frames beyond the 1024th of a stack were skipped", false },
    [UMDH_ZEROS] = { "zero-bytes", "bytes are zero, as after a power cut", false },
    [UMDH_NO_BLOCKS] = { "no-allocations",
                         "the log lists no allocation: gflags /i IMAGE +ust must be set before the "
                         "process starts",
                         true },
    [UMDH_NO_FRAMES] = { "no-frames", "traces whose stack is nowhere in the log", true },
    [UMDH_NO_TRACE] = { "no-trace",
                        "allocations without a stack (BackTrace0): older than the stack database, "
                        "or it was full",
                        true },
    [UMDH_ALIAS] = { "alias-stack",
                     "further stacks (Alias) of a trace were skipped, the first one was kept",
                     true },
    [UMDH_OLD_COUNT] = { "old-count-unknown", "rows do not say how many blocks the older log had",
                         true },
    [UMDH_TOTAL_OVERHEAD] = { "overhead-unknown",
                              "the total counts the heap's overhead, the rows do not", true },
    [UMDH_IDENTITY] = { "identity-unknown",
                        "a comparison does not say which process it is about: named after the "
                        "first module whose symbols were loaded",
                        true },
    [UMDH_BASE] = { "number-base-guessed",
                    "no number shows whether they are hexadecimal or decimal (-d): taken as "
                    "hexadecimal, which is the default",
                    true },
    [UMDH_ZONE] = { "time-zone-unknown",
                    "the log's time is local and does not say the offset from UTC; taken as UTC",
                    true },
    [UMDH_ESCAPED] = { "text-escaped",
                       "names have bytes of an unknown code page, which are written as \\xHH",
                       true },
};

static void lose(struct umdh *u, enum umdh_loss loss, uint64_t count, uint64_t bytes,
                 uint64_t offset)
{
    struct umdh_tally *t = &u->losses[loss];
    if (!t->count)
        t->offset = offset;
    t->count += count;
    t->bytes += bytes;
}

static bool tell_losses(struct umdh *u)
{
    for (int i = 0; i < UMDH_N_LOSSES; i++) {
        const struct umdh_tally *t = &u->losses[i];
        struct seep_loss loss = { .what = loss_rows[i].what,
                                  .text = loss_rows[i].text,
                                  .harmless = loss_rows[i].harmless,
                                  .count = t->count,
                                  .bytes = t->bytes ? t->bytes : SEEP_UNKNOWN_COUNT,
                                  .offset = t->offset };
        if (t->count && !seep_sink_loss(u->sink, &loss))
            return false;
    }
    return true;
}

void umdh_add(struct umdh *u, uint64_t *sum, uint64_t more)
{
    // Doubles and signed differences are made of sums later.
    const uint64_t most = UINT64_MAX >> 1;
    if (more > most - *sum) {
        lose(u, UMDH_HUGE, 1, 0, u->line.offset);
        *sum = most;
    } else {
        *sum += more;
    }
}

// ---- what a line is about

static bool is_change(const char *text, size_t len, struct umdh_change *change)
{
    return len && (*text == '+' || *text == '-') && umdh_change(text, len, 16, change);
}

static unsigned bid(struct seep_bytes file)
{
    struct seep_pdh_lines lines = seep_pdh_text_lines(seep_bytes_part(file, 0, BID_BYTES));
    struct seep_pdh_line line;
    unsigned sure = SEEP_BID_NONE;
    while (!sure && seep_pdh_next_line(&lines, &line)) {
        struct umdh_head head;
        struct umdh_block block;
        struct umdh_blocks blocks;
        struct umdh_change change;
        if (line.zero_bytes && lines.encoding == SEEP_PDH_BYTES)
            break; // no text
        if (umdh_head(line.text, line.length, &head) ||
            umdh_block(line.text, line.length, 16, &block) ||
            umdh_blocks(line.text, line.length, &blocks) ||
            is_change(line.text, line.length, &change))
            sure = SEEP_BID_STRUCTURE;
    }
    seep_pdh_lines_clear(&lines);
    return sure;
}

// ---- hexadecimal or decimal

struct evidence {
    uint64_t rows, hex, dec;           // rows that fit each base
    uint64_t changed_hex, changed_dec; // what they come to, modulo 2^64
    bool letters;
    bool other_form; // a row that belongs to another section
};

static void look_at_block(struct evidence *e, const char *text, size_t len)
{
    struct umdh_block hex, dec;
    if (!umdh_block(text, len, 16, &hex))
        return;
    e->rows++;
    e->letters = umdh_has_letters(text, len);
    e->hex += (hex.bytes + hex.overhead_bytes) % GRANULE == 0;
    e->dec += umdh_block(text, len, 10, &dec) && (dec.bytes + dec.overhead_bytes) % GRANULE == 0;
}

static void look_at_change(struct evidence *e, const char *text, size_t len)
{
    struct umdh_change hex, dec;
    if (!umdh_change(text, len, 16, &hex))
        return;
    e->rows++;
    e->letters = umdh_has_letters(text, len);
    e->hex += umdh_change_adds_up(&hex);
    if (!hex.of_counts)
        e->changed_hex += hex.now - hex.old;
    if (!umdh_change(text, len, 10, &dec))
        return;
    e->dec += umdh_change_adds_up(&dec);
    if (!dec.of_counts)
        e->changed_dec += dec.now - dec.old;
}

// Whether a total is that of rows that come to `changed`, modulo 2^64. Of which of the numbers its
// word tells the sign is not documented where theirs differ, so both are taken.
static bool total_fits(const struct umdh_total *t, uint64_t changed)
{
    return (changed == t->bytes || changed == 0 - t->bytes) &&
           (!t->has_overhead || t->bytes + t->overhead_bytes == t->sum_bytes ||
            t->bytes - t->overhead_bytes == t->sum_bytes ||
            t->overhead_bytes - t->bytes == t->sum_bytes);
}

static void look_at_total(struct evidence *e, const char *text, size_t len)
{
    struct umdh_total hex, dec;
    if (!umdh_total(text, len, 16, &hex))
        return;
    e->rows++;
    e->letters = umdh_has_letters(text, len);
    e->hex += total_fits(&hex, e->changed_hex);
    e->dec += umdh_total(text, len, 10, &dec) && total_fits(&dec, e->changed_dec);
}

static void look_at(struct evidence *e, enum umdh_form form, const char *text, size_t len)
{
    struct umdh_block block;
    struct umdh_change change;
    struct umdh_head head;
    if (*text == '/')
        e->other_form = umdh_head(text, len, &head);
    else if (form == UMDH_LOG && is_change(text, len, &change))
        e->other_form = true;
    else if (form == UMDH_LOG)
        look_at_block(e, text, len);
    else if (*text == 'T')
        look_at_total(e, text, len);
    else if (*text == '+' || *text == '-')
        look_at_change(e, text, len);
    else
        e->other_form = umdh_block(text, len, 16, &block);
}

// Looks ahead from the first row of a section on, as far as the section goes. A letter decides;
// else what only adds up in one of the bases.
static unsigned find_base(struct umdh *u)
{
    struct seep_pdh_lines lines = { .file = u->lines.file,
                                    .pos = (size_t)u->line.offset,
                                    .encoding = u->lines.encoding };
    struct seep_pdh_line line;
    struct evidence e = { 0 };
    while (!e.letters && !e.other_form && e.rows < BASE_ROWS && seep_pdh_next_line(&lines, &line)) {
        if (line.length && *line.text != '\t' && *line.text != ' ')
            look_at(&e, u->form, line.text, line.length);
    }
    seep_pdh_lines_clear(&lines);
    if (e.letters || e.hex > e.dec)
        return 16;
    if (e.dec > e.hex || e.rows >= SURE_ROWS)
        return 10;
    if (e.rows)
        lose(u, UMDH_BASE, 1, 0, u->line.offset);
    return 16;
}

// ---- traces and their stacks

static struct umdh_trace *trace_of(struct umdh *u, const struct umdh_id *id)
{
    // Ids are addresses, or numbers, or hashes: folded so that none of them share their slots.
    uint32_t *recent = &u->recent[(id->value ^ id->value >> 13) % UMDH_RECENT];
    // What an earlier section left there is outside, or has another id.
    if (*recent && *recent <= u->n_traces && u->traces[*recent - 1].id.value == id->value)
        return &u->traces[*recent - 1];
    uint32_t number = seep_intern(&u->ids, &id->value, sizeof id->value);
    if (!number || !seep_grow(&u->traces, &u->traces_capacity, number, sizeof *u->traces))
        return NULL;
    if (number > u->n_traces)
        u->traces[u->n_traces++] = (struct umdh_trace){ .id = *id };
    *recent = number;
    return &u->traces[number - 1];
}

static uint64_t module_base(const struct umdh *u, uint64_t address)
{
    size_t low = 0, high = u->n_modules;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (u->modules[middle].base <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const struct umdh_loaded *m = low ? &u->modules[low - 1] : NULL;
    return m && address - m->base < m->size_bytes ? m->base : 0;
}

// The stack that was being read is whole: its frames came innermost first.
bool umdh_close_stack(struct umdh *u)
{
    bool keep = u->open && u->n_frames && !u->skip_frames;
    u->open = false;
    if (!keep)
        return true;
    struct umdh_trace *trace = &u->traces[u->last_open];
    if (trace->has_stack)
        return true;
    struct seep_stack_id node = { 0 };
    for (size_t i = u->n_frames; i-- > 0;) {
        const struct umdh_stack_frame *f = &u->frames[i];
        struct seep_frame frame = {
            .address = f->address,
            .module_base = f->address ? module_base(u, f->address) : 0,
            .text = f->address ? NULL : seep_buf_text(&u->frame_text) + f->text_at,
        };
        if (!seep_sink_stack(u->sink, node, &frame, &node))
            return false;
    }
    trace->stack = node;
    trace->has_stack = true;
    return true;
}

static bool open_stack(struct umdh *u, const struct umdh_trace *trace)
{
    if (!umdh_close_stack(u))
        return false;
    u->last_open = (size_t)(trace - u->traces);
    u->open = true;
    u->skip_frames = trace->has_stack;
    u->n_frames = 0;
    seep_buf_reset(&u->frame_text);
    return true;
}

static bool add_frame(struct umdh *u, uint64_t address, const char *name, size_t len)
{
    if (u->skip_frames)
        return true;
    if (u->n_frames >= MAX_FRAMES) {
        lose(u, UMDH_LONG_STACK, 1, 0, u->line.offset);
        return true;
    }
    if (!seep_grow(&u->frames, &u->frames_capacity, u->n_frames + 1, sizeof *u->frames))
        return false;
    struct umdh_stack_frame *f = &u->frames[u->n_frames++];
    *f = (struct umdh_stack_frame){ .address = address, .text_at = u->frame_text.len };
    if (!address) {
        struct seep_bytes text = seep_bytes(name, len < SEEP_MAX_NAME ? len : SEEP_MAX_NAME);
        if (!seep_utf8_add(&u->frame_text, text))
            lose(u, UMDH_ESCAPED, 1, 0, u->line.offset);
        seep_buf_addc(&u->frame_text, '\0');
    }
    return !u->frame_text.failed;
}

// ---- sections

static bool begin_rows(struct umdh *u, enum umdh_form form)
{
    if (u->form && u->form != form && !umdh_finish_section(u))
        return false;
    if (u->form)
        return true;
    u->form = form;
    u->base = find_base(u);
    return form == UMDH_COMPARISON || umdh_announce(u);
}

static bool read_block(struct umdh *u, bool *is)
{
    struct umdh_block b;
    *is = umdh_block(u->line.text, u->line.length, u->form == UMDH_LOG ? u->base : 16, &b);
    if (!*is)
        return true;
    if (u->form != UMDH_LOG &&
        (!begin_rows(u, UMDH_LOG) ||
         (u->base == 10 && !umdh_block(u->line.text, u->line.length, 10, &b))))
        return false;
    struct umdh_trace *trace = trace_of(u, &b.trace);
    if (!trace)
        return false;
    if (!trace->count)
        trace->heap = u->heap;
    trace->heap = trace->heap == u->heap ? u->heap : 0;
    umdh_add(u, &trace->bytes, b.bytes);
    umdh_add(u, &trace->overhead_bytes, b.overhead_bytes);
    trace->count++;
    u->n_blocks++;
    if (u->sink->ops->site_blocks) {
        if (!seep_grow(&u->blocks, &u->blocks_capacity, u->n_listed + 1, sizeof *u->blocks) ||
            !seep_grow(&u->block_traces, &u->block_traces_capacity, u->n_listed + 1,
                       sizeof *u->block_traces))
            return false;
        u->blocks[u->n_listed] = (struct seep_site_block){ b.address, b.bytes };
        u->block_traces[u->n_listed++] = (uint32_t)(trace - u->traces);
        trace->n_listed++;
    }
    return open_stack(u, trace);
}

static bool read_blocks(struct umdh *u, bool *is)
{
    struct umdh_blocks b;
    *is = umdh_blocks(u->line.text, u->line.length, &b);
    if (!*is)
        return true;
    if (!begin_rows(u, UMDH_LOG))
        return false;
    struct umdh_trace *trace = trace_of(u, &b.trace);
    if (!trace)
        return false;
    umdh_add(u, &trace->bytes, b.bytes);
    umdh_add(u, &trace->overhead_bytes, b.overhead_bytes);
    umdh_add(u, &trace->count, b.count);
    u->n_blocks++;
    u->by_size = true;
    return open_stack(u, trace);
}

static bool read_change(struct umdh *u, bool *is)
{
    struct umdh_change c;
    *is = is_change(u->line.text, u->line.length, &c);
    if (!*is)
        return true;
    if (!begin_rows(u, UMDH_COMPARISON))
        return false;
    if (u->base == 10) {
        *is = umdh_change(u->line.text, u->line.length, 10, &c);
        if (!*is)
            return true;
    }
    struct umdh_trace *trace = trace_of(u, &c.trace);
    if (!trace)
        return false;
    if (!umdh_change_adds_up(&c))
        lose(u, UMDH_BAD_SUM, 1, 0, u->line.offset);
    if (c.of_counts) {
        umdh_add(u, &trace->old_count, c.old);
        trace->has_old_count = true;
    } else {
        umdh_add(u, &trace->bytes, c.now);
        umdh_add(u, &trace->old_bytes, c.old);
        umdh_add(u, &trace->count, c.count);
        u->n_blocks++;
    }
    return open_stack(u, trace);
}

static bool read_total(struct umdh *u, bool *is)
{
    struct umdh_total t;
    uint64_t now = 0, old = 0;
    *is = u->form == UMDH_COMPARISON && umdh_total(u->line.text, u->line.length, u->base, &t);
    if (!*is)
        return true;
    for (size_t i = 0; i < u->n_traces; i++) {
        umdh_add(u, &now, u->traces[i].bytes);
        umdh_add(u, &old, u->traces[i].old_bytes);
    }
    if (!total_fits(&t, now - old))
        lose(u, UMDH_BAD_TOTAL, 1, 0, u->line.offset);
    if (t.has_overhead)
        lose(u, UMDH_TOTAL_OVERHEAD, 1, t.overhead_bytes, u->line.offset);
    u->has_total = true;
    return umdh_close_stack(u);
}

// A comment: the head of a log, its modules, the system's version.
static bool read_comment(struct umdh *u)
{
    const char *text = u->line.text;
    size_t len = u->line.length;
    struct umdh_head head;
    struct umdh_module module;
    if (umdh_head(text, len, &head))
        return (u->has_head || u->form ? umdh_finish_section(u) : true) &&
               umdh_begin_section(u, &head);
    if (!u->form && umdh_module(text, len, &module))
        return umdh_add_module(u, &module);
    static const char version[] = "// OS version ";
    const size_t skip = sizeof version - 1;
    if (!u->form && len > skip && memcmp(text, version, skip) == 0)
        umdh_set_os_version(u, text + skip, len - skip);
    return true;
}

static bool read_star(struct umdh *u)
{
    uint64_t heap;
    if (!umdh_heap(u->line.text, u->line.length, &heap))
        return true; // "Heap 3D0000 Hogs"
    if (!umdh_close_stack(u))
        return false;
    // The line at a heap's end is like the one at its start; words may be in any language.
    u->heap_open = !(u->heap_open && u->heap == heap);
    u->heap = heap;
    u->has_heap = true;
    return true;
}

// What is no row: a frame, something known, or a line that cannot be read.
static bool read_rest(struct umdh *u)
{
    const char *text = u->line.text, *name;
    size_t len = u->line.length, name_len;
    uint64_t address;
    if (u->open && umdh_frame(text, len, &address, &name, &name_len))
        return add_frame(u, address, name, name_len);
    if (umdh_has(text, len, "alias")) {
        lose(u, UMDH_ALIAS, 1, 0, u->line.offset);
        if (!umdh_close_stack(u))
            return false;
        u->open = u->skip_frames = true;
        return true;
    }
    if (umdh_has(text, len < 8 ? len : 8, "dbghelp")) {
        umdh_symbols_of(u, text, len);
        return true;
    }
    // Words in front of the rows, and paths of symbol files, say nothing about blocks.
    bool path = *text == ' ' && len > 2 && memchr(text, ':', len);
    bool column_head = umdh_has(text, len, "backtraceid") || umdh_has(text, len, "if not already");
    if (!u->form || path || column_head)
        return true;
    // An orphan's frames must not go to the trace before.
    lose(u, UMDH_BAD_ROW, 1, len, u->line.offset);
    if (umdh_has(text, len, "bytes") || umdh_has(text, len, "trace") || *text != '\t') {
        if (!umdh_close_stack(u))
            return false;
        u->open = u->skip_frames = true;
    }
    return true;
}

static bool is_blank(const struct seep_pdh_line *line)
{
    for (size_t i = 0; i < line->length; i++) {
        if (line->text[i] != ' ' && line->text[i] != '\t' && line->text[i] != '\r')
            return false;
    }
    return true;
}

static bool read_line(struct umdh *u)
{
    bool is = false;
    if (u->line.zero_bytes)
        lose(u, UMDH_ZEROS, 1, u->line.zero_bytes, u->line.offset);
    if (is_blank(&u->line)) {
        // Between a row and its stack there may be blank lines, after a stack there is one.
        return u->n_frames == 0 || u->skip_frames || umdh_close_stack(u);
    }
    if (!u->line.ended && u->form && *u->line.text != '*' && *u->line.text != 'T') {
        // Half a number is a wrong number.
        lose(u, UMDH_TRUNCATED, 1, u->line.length, u->line.offset);
        return true;
    }
    switch (*u->line.text) {
    case '/':
        return read_comment(u);
    case '*':
        return read_star(u);
    case '\t':
        return read_rest(u);
    case '+':
    case '-':
        return read_change(u, &is) && (is || read_rest(u));
    case 'T':
        return read_total(u, &is) && (is || read_rest(u));
    default:
        break;
    }
    if (!read_block(u, &is))
        return false;
    return is || (read_blocks(u, &is) && (is || read_rest(u)));
}

void umdh_lose(struct umdh *u, enum umdh_loss loss, uint64_t count, uint64_t bytes)
{
    lose(u, loss, count, bytes, SEEP_NO_OFFSET);
}

static bool take_line(void *ctx)
{
    return read_line(ctx);
}

static enum seep_status read_umdh(const struct seep_input *input, struct seep_sink *sink,
                                  const struct seep_control *control, uint64_t *read_bytes,
                                  struct seep_err *err)
{
    struct umdh u = { .input = input, .sink = sink, .lines = seep_pdh_text_lines(input->view) };
    u.head.t_ns = SEEP_NO_TIME;
    enum seep_status status = seep_pdh_each_line(&u.lines, &u.line, input, control, take_line, &u);
    *read_bytes = u.lines.pos;
    // What was read before the user stopped stays.
    if (status != SEEP_FAILED && (u.has_head || u.form) && !umdh_finish_section(&u))
        status = SEEP_FAILED;
    if (status != SEEP_FAILED && !tell_losses(&u))
        status = SEEP_FAILED;
    if (status == SEEP_OK && !u.n_sections) {
        (void)seep_fail(err, 0, "make one with umdh -p:PID -f:LOG",
                        "holds no line of a UMDH log or comparison");
        status = SEEP_FAILED;
    } else if (status == SEEP_FAILED && err && !err->what[0]) {
        if (sink->error.what[0])
            *err = sink->error;
        else
            (void)seep_fail_memory(err);
    }
    umdh_clear(&u);
    return status;
}

const struct seep_source seep_source_umdh = {
    .name = "umdh", .about = "heap allocations by stack, from UMDH", .bid = bid, .read = read_umdh
};
