// SPDX-License-Identifier: MIT
// VMMap's CSV files: one process, its regions with their sub-blocks. The facts: note.md.
//
// A sub-block is what VirtualQuery gives, so it becomes a region; the row above it is the
// reservation. The summary in front is what the rows must add up to.
#include "base/time.h"
#include "source/source.h"
#include "source/vmmap-csv/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct seep_source seep_source_vmmap_csv;

#define KIB 1024u

// Where the columns of the region rows are.
struct columns {
    size_t type, size, committed, private_bytes, protect, details;
};

// A row of the summary, and what the rows of its type come to.
struct total {
    bool given;
    uint64_t size_bytes, committed_bytes, private_bytes;
    uint64_t sum_bytes, sum_committed_bytes, sum_private_bytes, sum_row_private_bytes;
    uint64_t slack_bytes; // sizes are cut to KiB
};

struct row {
    bool pending, is_sub;
    uint64_t base, size_bytes, committed_bytes, private_bytes;
    enum vmmap_type type;
    enum seep_region_type backing;
    uint32_t protect;
    bool reserved; // by its protection
    struct seep_buf details;
};

struct reader {
    struct seep_sink *sink;
    struct vmmap_lines lines;
    struct vmmap_line line;
    struct columns columns;
    struct total totals[VMMAP_N_TYPES];
    struct seep_machine_id machine;
    struct seep_process_id process;
    bool bits64, has_process;
    struct row parent, sub; // those that wait for the next row: it says where they end
    bool parent_has_subs;
    uint64_t end, free_bytes; // of the regions so far
    uint64_t n_regions, n_bad, bad_offset, n_types, n_protections, n_without_subs;
    struct seep_buf detail;
};

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

static struct seep_bytes without_mark(struct seep_bytes file)
{
    bool mark = seep_bytes_match(file, 0, "\xef\xbb\xbf", 3);
    return mark ? seep_bytes_part(file, 3, file.len) : file;
}

// The head of a file: the process and its PID, a blank line, the header of the summary.
struct head {
    bool english;
    char pid[16];
    struct seep_buf image;
};

static bool read_head(struct vmmap_lines *lines, struct vmmap_line *line, struct head *head)
{
    if (!vmmap_next(lines, line) || line->n < 2 || line->n > 3 || line->cells[2][0])
        return false;
    head->english = strncmp(line->cells[0], "Process", 7) == 0;
    seep_buf_adds(&head->image, line->cells[1]);
    if (!vmmap_next(lines, line) || line->n < 2 || !is_number(line->cells[1]) ||
        strlen(line->cells[1]) >= sizeof head->pid)
        return false;
    head->english = head->english && strncmp(line->cells[0], "PID", 3) == 0;
    (void)snprintf(head->pid, sizeof head->pid, "%s", line->cells[1]);
    // Newer versions may put more lines here.
    enum { MORE = 16 };
    for (int i = 0; i < MORE && vmmap_next(lines, line); i++) {
        if (line->n >= 9) {
            head->english = head->english && strcmp(line->cells[0], "Type") == 0 &&
                            strcmp(line->cells[1], "Size") == 0;
            return true;
        }
    }
    return false;
}

static unsigned bid(struct seep_bytes file)
{
    struct vmmap_lines lines = { .file = seep_bytes_part(without_mark(file), 0, 4096) };
    struct vmmap_line line;
    struct head head = { .english = false };
    bool is = read_head(&lines, &line, &head) && line.whole;
    seep_buf_clear(&lines.text);
    seep_buf_clear(&head.image);
    if (!is)
        return SEEP_BID_NONE;
    return head.english ? SEEP_BID_STRUCTURE : SEEP_BID_TEXT;
}

// Finds the columns by their words, and keeps the places of the known version for what has others.
static void find_columns(struct reader *r, bool *english)
{
    struct columns *c = &r->columns;
    struct {
        const char *name;
        size_t *at;
    } wanted[] = {
        { "Type", &c->type },           { "Size", &c->size },
        { "Committed", &c->committed }, { "Private", &c->private_bytes },
        { "Protection", &c->protect },  { "Details", &c->details },
    };
    *c = (struct columns){ 1, 2, 3, 4, 11, 12 };
    *english = true;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        bool found = false;
        for (size_t k = 0; k < r->line.n && !found; k++) {
            found = strcmp(r->line.cells[k], wanted[i].name) == 0;
            if (found)
                *wanted[i].at = k;
        }
        *english = *english && found;
    }
    if (*english)
        return;
    // By position: the header ends with a comma, the rows do not; the last two columns are these.
    size_t n = r->line.n;
    while (n && !r->line.cells[n - 1][0])
        n--;
    if (n >= 6) {
        c->protect = n - 2;
        c->details = n - 1;
    }
}

// Announces the process. 64-bit addresses have more than eight digits; a 32-bit process that has a
// 64-bit stack, or images of SysWOW64, runs under WoW64.
static bool announce(struct reader *r, const struct head *head, struct seep_bytes file)
{
    struct seep_machine machine = { .os = "Windows", .boot_ns = SEEP_NO_TIME };
    struct seep_process process = { .pid = (uint32_t)strtoul(head->pid, NULL, 10),
                                    .has_pid = true,
                                    .start_ns = SEEP_NO_TIME,
                                    .end_ns = SEEP_NO_TIME,
                                    .image = seep_buf_text(&head->image) };
    struct vmmap_lines lines = { .file = file };
    struct vmmap_line line;
    bool wow64 = false, any = false;
    while (vmmap_next(&lines, &line)) {
        uint64_t address;
        bool is_sub;
        if (line.n < 6 || !vmmap_address(line.cells[0], &address, &is_sub))
            continue;
        any = true;
        r->bits64 = r->bits64 || address > UINT32_MAX;
        for (size_t i = 1; i < line.n && !wow64; i++)
            wow64 = strstr(line.cells[i], "64-bit thread stack") ||
                    strstr(line.cells[i], "\\SysWOW64\\");
        if (r->bits64)
            break;
    }
    seep_buf_clear(&lines.text);
    if (any)
        process.architecture = r->bits64 ? "x64" : "x86";
    process.wow64 = any && !r->bits64 && wow64;
    if (!seep_sink_machine(r->sink, &machine, &r->machine))
        return false;
    process.machine = r->machine;
    r->has_process = true;
    return seep_sink_process(r->sink, &process, &r->process);
}

// A cell of the row of a summary or region, in bytes.
static bool cell_bytes(const struct reader *r, size_t column, uint64_t *bytes)
{
    *bytes = 0;
    return column >= r->line.n || vmmap_kib(r->line.cells[column], bytes);
}

static bool bad_row(struct reader *r)
{
    if (r->n_bad++ == 0)
        r->bad_offset = r->line.offset;
    return true;
}

static bool read_summary_row(struct reader *r, struct seep_series_id total[2], bool *stop)
{
    enum seep_region_type backing;
    enum vmmap_type type = vmmap_type(r->line.cells[0], &backing);
    uint64_t working_set;
    *stop = false;
    if (type == VMMAP_N_TYPES)
        return true; // the words of a version that has more types
    struct total *t = &r->totals[type];
    if (!cell_bytes(r, 1, &t->size_bytes) || !cell_bytes(r, 2, &t->committed_bytes) ||
        !cell_bytes(r, 3, &t->private_bytes) || !cell_bytes(r, 4, &working_set))
        return bad_row(r);
    t->given = true;
    if (type != VMMAP_TOTAL)
        return true;
    *stop = !seep_sink_sample(r->sink, total[0], (double)t->private_bytes) ||
            !seep_sink_sample(r->sink, total[1], (double)working_set);
    return !*stop;
}

// The summary: what the system counts of the process. It has no time.
static bool read_summary(struct reader *r)
{
    struct seep_series_id total[2];
    static const struct {
        enum seep_metric metric;
        const char *counter;
    } counted[] = { { SEEP_METRIC_PRIVATE_BYTES, "VMMap Total/Private" },
                    { SEEP_METRIC_WORKING_SET_BYTES, "VMMap Total/Total WS" } };
    for (int i = 0; i < 2; i++) {
        struct seep_series s = { .subject = { .kind = SEEP_SUBJECT_PROCESS,
                                              .machine = r->machine,
                                              .process = r->process },
                                 .metric = counted[i].metric,
                                 .counter = counted[i].counter };
        if (!seep_sink_series(r->sink, &s, &total[i]))
            return false;
    }
    if (!seep_sink_tick(r->sink, r->machine, SEEP_NO_TIME))
        return false;
    bool stop = false;
    while (!stop && vmmap_next(&r->lines, &r->line) && r->line.n >= 2)
        (void)read_summary_row(r, total, &stop);
    return !stop && !r->lines.text.failed;
}

// What a row says, or else what the row of its reservation does.
static const char *details_of(const struct reader *r, const struct row *row)
{
    return seep_buf_text(row->details.len ? &row->details : &r->parent.details);
}

static enum seep_region_usage usage_of(const struct reader *r, const struct row *row)
{
    const char *details = details_of(r, row);
    bool is64 = r->bits64;
    switch (row->type) {
    case VMMAP_IMAGE:
        return SEEP_USAGE_IMAGE;
    case VMMAP_MAPPED_FILE:
        return SEEP_USAGE_MAPPED_FILE;
    case VMMAP_HEAP:
        return is64 ? SEEP_USAGE_HEAP64 : SEEP_USAGE_HEAP32;
    case VMMAP_STACK:
        return is64 || strstr(seep_buf_text(&r->parent.details), "64-bit") ? SEEP_USAGE_STACK64
                                                                           : SEEP_USAGE_STACK32;
    default:
        break;
    }
    if (strstr(details, "Thread Environment Block"))
        return is64 ? SEEP_USAGE_TEB64 : SEEP_USAGE_TEB32;
    if (strstr(details, "Process Environment Block"))
        return is64 ? SEEP_USAGE_PEB64 : SEEP_USAGE_PEB32;
    return SEEP_USAGE_UNKNOWN;
}

static bool push_region(struct reader *r, const struct row *row, uint64_t base, uint64_t size_bytes,
                        bool committed)
{
    const char *details = details_of(r, row);
    seep_buf_reset(&r->detail);
    if (row->type == VMMAP_MANAGED_HEAP)
        seep_buf_adds(&r->detail, *details ? "managed heap: " : "managed heap");
    seep_buf_adds(&r->detail, details);
    struct seep_region region = { .process = r->process,
                                  .base = base,
                                  .size_bytes = size_bytes,
                                  .allocation_base = r->parent.base,
                                  .state = committed ? SEEP_STATE_COMMIT : SEEP_STATE_RESERVE,
                                  .type = row->backing,
                                  .usage = usage_of(r, row),
                                  .protect = committed ? row->protect : 0,
                                  .detail = r->detail.len ? seep_buf_text(&r->detail) : NULL };
    if (row->type == VMMAP_FREE || row->type == VMMAP_UNUSABLE) {
        region.state = SEEP_STATE_FREE;
        region.type = SEEP_TYPE_FREE;
        region.usage = SEEP_USAGE_FREE;
        region.allocation_base = 0;
    }
    r->n_regions++;
    return size_bytes == 0 || seep_sink_region(r->sink, &region);
}

static bool push_free(struct reader *r, uint64_t base, uint64_t size_bytes)
{
    struct seep_region region = { .process = r->process,
                                  .base = base,
                                  .size_bytes = size_bytes,
                                  .state = SEEP_STATE_FREE,
                                  .type = SEEP_TYPE_FREE,
                                  .usage = SEEP_USAGE_FREE };
    r->free_bytes += size_bytes;
    return seep_sink_region(r->sink, &region);
}

// The sub-block that waits: its size is cut to KiB, where the next one begins says what was cut.
static bool push_sub(struct reader *r, uint64_t next)
{
    struct row *s = &r->sub;
    if (!s->pending)
        return true;
    s->pending = false;
    uint64_t size = s->size_bytes;
    if (next > s->base && next - s->base > size && next - s->base - size < KIB)
        size = next - s->base;
    return push_region(r, s, s->base, size, s->committed_bytes != 0);
}

// The row of the reservation, when all of its sub-blocks are known.
static bool push_parent(struct reader *r)
{
    struct row *p = &r->parent;
    if (!p->pending)
        return true;
    bool ok = push_sub(r, p->base + p->size_bytes);
    p->pending = false;
    if (ok && !r->parent_has_subs) {
        // Where it lies in the reservation is not told: what is committed is taken to come first.
        uint64_t committed =
            p->committed_bytes < p->size_bytes ? p->committed_bytes : p->size_bytes;
        r->n_without_subs += committed && committed < p->size_bytes;
        ok = (!committed || push_region(r, p, p->base, committed, true)) &&
             (committed == p->size_bytes ||
              push_region(r, p, p->base + committed, p->size_bytes - committed, false));
    }
    if (ok && p->type == VMMAP_IMAGE && p->details.len) {
        struct seep_module module = { .process = r->process,
                                      .base = p->base,
                                      .size_bytes = p->size_bytes,
                                      .path = seep_buf_text(&p->details) };
        ok = seep_sink_module(r->sink, &module);
    }
    return ok;
}

// Reads a row into `row`; false where it is none.
static bool parse_row(struct reader *r, struct row *row)
{
    const struct columns *c = &r->columns;
    const char *const *cells = r->line.cells;
    struct row parsed = { .pending = true, .details = row->details };
    if (!r->line.whole || r->line.n <= c->size || r->line.n <= c->committed ||
        c->protect >= VMMAP_MAX_CELLS || c->details >= VMMAP_MAX_CELLS ||
        !vmmap_address(cells[0], &parsed.base, &parsed.is_sub) ||
        !cell_bytes(r, c->size, &parsed.size_bytes) ||
        !cell_bytes(r, c->committed, &parsed.committed_bytes) ||
        !cell_bytes(r, c->private_bytes, &parsed.private_bytes) ||
        parsed.size_bytes > UINT64_MAX - parsed.base)
        return false;
    parsed.type = vmmap_type(cells[c->type], &parsed.backing);
    r->n_types += parsed.type == VMMAP_N_TYPES;
    r->n_protections += !vmmap_protect(cells[c->protect], &parsed.protect);
    seep_buf_reset(&parsed.details);
    seep_buf_adds(&parsed.details, cells[c->details]);
    *row = parsed;
    return true;
}

static void add_up(struct reader *r, const struct row *row)
{
    if (row->type == VMMAP_N_TYPES)
        return;
    struct total *t = &r->totals[row->type];
    if (row->is_sub) {
        t->sum_private_bytes += row->private_bytes;
        t->slack_bytes += row->size_bytes % (4 * KIB) ? KIB : 0;
    } else {
        t->sum_bytes += row->size_bytes;
        t->sum_committed_bytes += row->committed_bytes;
        t->sum_row_private_bytes += row->private_bytes;
    }
}

// A new reservation: what lies between it and the one before is free.
static bool begin_parent(struct reader *r, struct row *row)
{
    if (!push_parent(r))
        return false;
    if (row->base > r->end && !push_free(r, r->end, row->base - r->end))
        return false;
    struct seep_buf spare = r->parent.details;
    r->parent = *row;
    row->details = spare;
    r->parent_has_subs = false;
    if (row->base + row->size_bytes > r->end)
        r->end = row->base + row->size_bytes;
    add_up(r, &r->parent);
    return true;
}

static bool add_sub(struct reader *r, struct row *row)
{
    if (!r->parent.pending)
        return bad_row(r);
    if (!push_sub(r, row->base))
        return false;
    struct seep_buf spare = r->sub.details;
    r->sub = *row;
    row->details = spare;
    r->parent_has_subs = true;
    add_up(r, &r->sub);
    return true;
}

static enum seep_status read_regions(struct reader *r, const struct seep_input *input,
                                     const struct seep_control *control)
{
    struct row row = { .pending = false };
    enum seep_status status = SEEP_OK;
    uint64_t n = 0;
    while (status == SEEP_OK && vmmap_next(&r->lines, &r->line)) {
        if ((++n & 0xfff) == 0) {
            seep_progress(control, r->lines.pos, r->lines.file.len);
            seep_input_done(input, r->line.offset);
            if (seep_cancelled(control))
                status = SEEP_CANCELLED;
        }
        if (r->line.n == 0)
            continue;
        bool ok = true;
        if (!parse_row(r, &row)) // the sub-blocks of a bad row belong to no other one
            ok = bad_row(r) && (r->line.cells[0][0] == ' ' || push_parent(r));
        else
            ok = row.is_sub ? add_sub(r, &row) : begin_parent(r, &row);
        if (!ok)
            status = SEEP_FAILED;
    }
    if (status == SEEP_OK && (!push_parent(r) || r->lines.text.failed))
        status = SEEP_FAILED;
    seep_buf_clear(&row.details);
    return status;
}

// What is free behind the last region, as far as the summary tells.
static bool push_rest(struct reader *r)
{
    const struct total *is_free = &r->totals[VMMAP_FREE], *lost = &r->totals[VMMAP_UNUSABLE];
    uint64_t all = is_free->size_bytes + lost->size_bytes;
    if (!is_free->given || is_free->sum_bytes || r->n_bad || all <= r->free_bytes ||
        all - r->free_bytes < 64 * KIB || all - r->free_bytes > UINT64_MAX - r->end)
        return true;
    return push_free(r, r->end, all - r->free_bytes);
}

static bool check_totals(struct reader *r)
{
    uint64_t n = 0, bytes = 0;
    for (int i = VMMAP_IMAGE; i <= VMMAP_PRIVATE_DATA; i++) {
        const struct total *t = &r->totals[i];
        uint64_t apart = t->size_bytes > t->sum_bytes ? t->size_bytes - t->sum_bytes
                                                      : t->sum_bytes - t->size_bytes;
        // Private of images is in their sub-blocks only; rows without them tell it themselves.
        uint64_t own = t->sum_private_bytes ? t->sum_private_bytes : t->sum_row_private_bytes;
        uint64_t more = t->private_bytes > own ? t->private_bytes - own : own - t->private_bytes;
        bool wrong = apart || t->committed_bytes != t->sum_committed_bytes ||
                     (t->sum_private_bytes && more > t->slack_bytes);
        n += t->given && wrong;
        bytes += t->given && wrong ? apart : 0;
    }
    return n == 0 || seep_sink_lose(r->sink, "totals", n, bytes, SEEP_NO_OFFSET,
                                    "types of memory whose rows do not add up to the summary: rows "
                                    "are missing or were changed");
}

static bool tell_losses(struct reader *r)
{
    if (r->n_bad && !seep_sink_lose(r->sink, "bad-record", r->n_bad, SEEP_UNKNOWN_COUNT,
                                    r->bad_offset, "rows that are cut off or no regions"))
        return false;
    if (r->n_types &&
        !seep_sink_lose(r->sink, "unknown-type", r->n_types, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                        "rows with a type of memory that seep does not know"))
        return false;
    if (r->n_protections &&
        !seep_sink_note(r->sink, "unknown-protection", r->n_protections, SEEP_UNKNOWN_COUNT,
                        SEEP_NO_OFFSET, "rows with a protection that seep does not know"))
        return false;
    return r->n_without_subs == 0 ||
           seep_sink_note(r->sink, "no-sub-blocks", r->n_without_subs, SEEP_UNKNOWN_COUNT,
                          SEEP_NO_OFFSET,
                          "rows without sub-blocks: which of their pages are committed is guessed");
}

static enum seep_status read_body(struct reader *r, const struct seep_input *input,
                                  const struct seep_control *control)
{
    bool english = true;
    if (!read_summary(r))
        return SEEP_FAILED;
    while (vmmap_next(&r->lines, &r->line) && r->line.n == 0)
        ;
    if (r->lines.text.failed)
        return SEEP_FAILED;
    if (r->line.n < 6)
        return seep_sink_lose(r->sink, "truncated", 1, SEEP_UNKNOWN_COUNT, r->lines.pos,
                              "the file ends before its list of regions")
                   ? SEEP_OK
                   : SEEP_FAILED;
    find_columns(r, &english);
    if (!english && !seep_sink_note(r->sink, "other-columns", 1, SEEP_UNKNOWN_COUNT, r->line.offset,
                                    "the columns have other names than in the version that seep "
                                    "knows: they are read by position"))
        return SEEP_FAILED;
    enum seep_status status = read_regions(r, input, control);
    if (status == SEEP_OK && (!push_rest(r) || !check_totals(r)))
        status = SEEP_FAILED;
    return status != SEEP_FAILED && tell_losses(r) ? status : SEEP_FAILED;
}

static enum seep_status read_vmmap(const struct seep_input *input, struct seep_sink *sink,
                                   const struct seep_control *control, uint64_t *read_bytes,
                                   struct seep_err *err)
{
    struct seep_bytes file = without_mark(input->view);
    struct reader r = { .sink = sink, .lines = { .file = file } };
    struct head head = { .english = false };
    enum seep_status status = SEEP_FAILED;
    bool is = read_head(&r.lines, &r.line, &head);
    if (!is && !r.lines.text.failed)
        (void)seep_fail(err, 0, "save it again with VMMap's File, Save As, .CSV",
                        "is no CSV file of VMMap");
    else if (is && announce(&r, &head, file))
        status = read_body(&r, input, control);
    *read_bytes = input->view.len - file.len + r.lines.pos;
    if (status == SEEP_FAILED && err && !err->what[0]) {
        if (sink->error.what[0])
            *err = sink->error;
        else
            (void)seep_fail_memory(err);
    }
    seep_buf_clear(&r.lines.text);
    seep_buf_clear(&r.parent.details);
    seep_buf_clear(&r.sub.details);
    seep_buf_clear(&r.detail);
    seep_buf_clear(&head.image);
    return status;
}

const struct seep_source seep_source_vmmap_csv = { .name = "vmmap-csv",
                                                   .about =
                                                       "address space of a process, from VMMap",
                                                   .bid = bid,
                                                   .read = read_vmmap };
