// SPDX-License-Identifier: MIT
// poolmon's screens and snapshots: what each pool tag had at one moment or several. The facts:
// note.md.
//
// A snapshot is kept until the next one begins: only then is it known whether it is the only one of
// its file, which may be as old as the file is.
#include "base/alloc.h"
#include "base/buf.h"
#include "base/intern.h"
#include "base/time.h"
#include "base/utf.h"
#include "source/pdh_lines.h"
#include "source/poolmon/rows.h"
#include "source/poolmon/when.h"
#include "source/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

extern const struct seep_source seep_source_poolmon;

enum {
    BID_BYTES = 1 << 16, // a script may have written much before
    SURE_ROWS = 2,
};

enum loss {
    TRUNCATED = 0,
    BAD_ROW,
    ZEROS,
    REPEATED,
    MERGED,
    OTHER_TEXT,
    AMBIGUOUS,
    NO_TIME,
    FROM_FILE,
    ZONE,
    BACKWARDS,
    ESCAPED,
    N_LOSSES,
};

static const struct {
    const char *what, *text;
    bool harmless;
} loss_rows[N_LOSSES] = {
    [TRUNCATED] = { "truncated", "the file ends inside a row", false },
    [BAD_ROW] = { "bad-record", "rows that cannot be read were skipped", false },
    [ZEROS] = { "zero-bytes", "bytes are zero, as after a power cut", false },
    [REPEATED] = { "repeated-rows", "rows of a tag that the snapshot already had were skipped",
                   true },
    [MERGED] = { "tags-merged",
                 "tags that differ only in characters that cannot be shown count as one", true },
    [OTHER_TEXT] = { "other-text", "lines that are no part of a snapshot were skipped", true },
    [AMBIGUOUS] = { "date-ambiguous",
                    "dates before snapshots do not show which number is the day and which the "
                    "month, so they were not used: write them as 2026-03-01",
                    true },
    [NO_TIME] = { "time-unknown",
                  "snapshots without a time: only their order is known. Have a script write the "
                  "time before each: echo %date% %time%",
                  true },
    [FROM_FILE] = { "time-from-file",
                    "the snapshot does not say when it was taken: when the file was last written "
                    "is taken for it",
                    true },
    [ZONE] = { "time-zone-unknown", "times are local without the offset from UTC; taken as UTC",
               true },
    [BACKWARDS] = { "clock-jump", "times that go back: the clock was set, or the zone changed",
                    true },
    [ESCAPED] = { "text-escaped",
                  "names have bytes of an unknown code page, which are written as \\xHH", true },
};

// A tag in one pool.
struct entry {
    char tag[SEEP_TAG_TEXT];
    bool paged;
    uint32_t session;
    struct seep_series_id bytes, count;
    uint64_t snapshot; // the last that had it, counted from 1
    size_t row;        // there
};

struct snap_row {
    uint32_t entry; // its index
    uint64_t allocs, frees, bytes;
    size_t driver_at; // in `drivers`, plus 1; 0 = none
};

enum { COMMIT = 0, LIMIT, AVAILABLE, PAGED, NONPAGED, N_TOTALS };

static const struct {
    enum seep_metric metric;
    const char *counter;
} totals[N_TOTALS] = {
    [COMMIT] = { SEEP_METRIC_COMMIT_BYTES, "poolmon Commit" },
    [LIMIT] = { SEEP_METRIC_COMMIT_LIMIT_BYTES, "poolmon Limit" },
    [AVAILABLE] = { SEEP_METRIC_AVAILABLE_BYTES, "poolmon Avail" },
    [PAGED] = { SEEP_METRIC_PAGED_POOL_BYTES, "poolmon Pool P" },
    [NONPAGED] = { SEEP_METRIC_NONPAGED_POOL_BYTES, "poolmon Pool N" },
};

struct reader {
    const struct seep_input *input;
    struct seep_sink *sink;
    struct seep_pdh_lines lines;
    struct seep_pdh_line line;
    struct {
        uint64_t count, bytes, offset;
    } losses[N_LOSSES];
    uint64_t n_snapshots;
    int64_t last_ns;
    enum poolmon_order order; // of day and month in this file
    bool looked_for_order;
    bool wide; // a count was above 2^32: they are not kept in 32 bits
    struct seep_intern keys;
    struct entry *entries; // by key - 1
    size_t n_entries, entries_room;
    bool has_machine;
    struct seep_machine_id machine;
    struct seep_series_id totals[N_TOTALS];

    // The snapshot that is being read.
    struct poolmon_when when;
    struct poolmon_head head;
    bool has_head, csv, after_row;
    uint32_t session;
    struct snap_row *rows;
    size_t n_rows, rows_room;
    struct seep_buf drivers, name;
};

static void lose(struct reader *r, enum loss loss, uint64_t count, uint64_t bytes, uint64_t offset)
{
    if (!r->losses[loss].count)
        r->losses[loss].offset = offset;
    r->losses[loss].count += count;
    r->losses[loss].bytes += bytes;
}

static bool tell_losses(struct reader *r)
{
    for (int i = 0; i < N_LOSSES; i++) {
        struct seep_loss loss = { .what = loss_rows[i].what,
                                  .text = loss_rows[i].text,
                                  .harmless = loss_rows[i].harmless,
                                  .count = r->losses[i].count,
                                  .bytes =
                                      r->losses[i].bytes ? r->losses[i].bytes : SEEP_UNKNOWN_COUNT,
                                  .offset = r->losses[i].offset };
        if (loss.count && !seep_sink_loss(r->sink, &loss))
            return false;
    }
    return true;
}

static void begin_snapshot(struct reader *r)
{
    const uint64_t none = SEEP_UNKNOWN_COUNT;
    r->when = (struct poolmon_when){ 0 };
    r->head = (struct poolmon_head){ none, none, none, none, none, none, none };
    r->has_head = false;
    r->session = SEEP_NO_SESSION;
    r->n_rows = 0;
    seep_buf_reset(&r->drivers);
}

static unsigned bid(struct seep_bytes file)
{
    struct seep_pdh_lines lines = seep_pdh_text_lines(seep_bytes_part(file, 0, BID_BYTES));
    struct seep_pdh_line line;
    unsigned n_rows = 0;
    bool sure = false;
    while (!sure && seep_pdh_next_line(&lines, &line)) {
        struct poolmon_head head;
        struct poolmon_row row;
        bool csv;
        n_rows += poolmon_row(line.text, line.length, &row);
        sure = n_rows >= SURE_ROWS || poolmon_memory(line.text, line.length, &head) ||
               poolmon_columns(line.text, line.length, &csv);
    }
    seep_pdh_lines_clear(&lines);
    return sure ? SEEP_BID_STRUCTURE : n_rows ? SEEP_BID_TEXT : SEEP_BID_NONE;
}

// ---- when it was

// Looks ahead, once a file, for a date that shows which of two numbers is the day.
static void find_order(struct reader *r)
{
    struct seep_pdh_lines lines = { .file = r->lines.file,
                                    .pos = r->lines.pos,
                                    .encoding = r->lines.encoding };
    struct seep_pdh_line line;
    struct poolmon_row row;
    r->looked_for_order = true;
    while (!r->order && seep_pdh_next_line(&lines, &line)) {
        struct poolmon_when when = { 0 };
        if (!poolmon_row(line.text, line.length, &row) &&
            poolmon_when_add(&when, line.text, line.length))
            r->order = when.says;
    }
    seep_pdh_lines_clear(&lines);
}

static int64_t moment(struct reader *r, bool only)
{
    int64_t t_ns;
    if (poolmon_when_time(&r->when, r->order, &t_ns)) {
        lose(r, ZONE, !r->when.has_zone, 0, SEEP_NO_OFFSET);
        return t_ns;
    }
    lose(r, AMBIGUOUS, r->when.has_date && r->when.either, 0, SEEP_NO_OFFSET);
    if (only && poolmon_when_named(r->input->path, &t_ns)) {
        lose(r, ZONE, 1, 0, SEEP_NO_OFFSET);
        return t_ns;
    }
    if (only && r->input->map && r->input->map->modified_ns != SEEP_NO_TIME) {
        lose(r, FROM_FILE, 1, 0, SEEP_NO_OFFSET);
        return seep_time_clamp(r->input->map->modified_ns);
    }
    lose(r, NO_TIME, 1, 0, SEEP_NO_OFFSET);
    return SEEP_NO_TIME;
}

// ---- a whole snapshot

static bool announce_machine(struct reader *r)
{
    struct seep_machine machine = { .os = "Windows", .boot_ns = SEEP_NO_TIME };
    if (r->has_machine)
        return true;
    r->has_machine = true;
    if (r->head.memory != SEEP_UNKNOWN_COUNT)
        machine.ram_bytes = r->head.memory;
    if (r->head.limit != SEEP_UNKNOWN_COUNT)
        machine.commit_limit_bytes = r->head.limit;
    return seep_sink_machine(r->sink, &machine, &r->machine);
}

// The counter of a tag's series, with its session in front.
static const char *counter_of(struct reader *r, const struct entry *e, const char *counter)
{
    if (e->session == SEEP_NO_SESSION)
        return counter;
    seep_buf_reset(&r->name);
    if (e->session == SEEP_ALL_SESSIONS)
        seep_buf_adds(&r->name, "All sessions ");
    else
        seep_buf_addf(&r->name, "Session %" PRIu32 " ", e->session);
    seep_buf_adds(&r->name, counter);
    return seep_buf_text(&r->name);
}

static bool announce_entry(struct reader *r, struct entry *e)
{
    struct seep_series series = {
        .subject = { .kind = SEEP_SUBJECT_POOL_TAG, .machine = r->machine, .name = e->tag },
        .metric = e->paged ? SEEP_METRIC_PAGED_POOL_BYTES : SEEP_METRIC_NONPAGED_POOL_BYTES,
        .counter = counter_of(r, e, SEEP_POOL_BYTES_COUNTER),
    };
    if (e->bytes.v)
        return true;
    if (r->name.failed || !seep_sink_series(r->sink, &series, &e->bytes))
        return false;
    series.metric = SEEP_METRIC_OUTSTANDING_COUNT;
    series.counter =
        counter_of(r, e, e->paged ? SEEP_POOL_PAGED_COUNTER : SEEP_POOL_NONPAGED_COUNTER);
    return !r->name.failed && seep_sink_series(r->sink, &series, &e->count);
}

static void totals_of(const struct reader *r, uint64_t values[N_TOTALS])
{
    values[COMMIT] = r->head.commit;
    values[LIMIT] = r->head.limit;
    values[AVAILABLE] = r->head.available;
    values[PAGED] = r->head.paged;
    values[NONPAGED] = r->head.nonpaged;
}

static bool announce(struct reader *r)
{
    uint64_t values[N_TOTALS];
    if (!announce_machine(r))
        return false;
    totals_of(r, values);
    for (int i = 0; i < N_TOTALS; i++) {
        struct seep_series series = { .subject = { .kind = SEEP_SUBJECT_MACHINE,
                                                   .machine = r->machine },
                                      .metric = totals[i].metric,
                                      .counter = totals[i].counter };
        if (values[i] != SEEP_UNKNOWN_COUNT && !r->totals[i].v &&
            !seep_sink_series(r->sink, &series, &r->totals[i]))
            return false;
    }
    for (size_t i = 0; i < r->n_rows; i++) {
        if (!announce_entry(r, &r->entries[r->rows[i].entry]))
            return false;
    }
    return true;
}

static bool push_head(struct reader *r)
{
    uint64_t values[N_TOTALS];
    if (!r->has_head)
        return true;
    struct seep_vm vm = seep_vm_unknown(r->machine);
    vm.bytes[SEEP_VM_PHYSICAL] = r->head.memory;
    vm.bytes[SEEP_VM_AVAILABLE] = r->head.available;
    vm.bytes[SEEP_VM_COMMITTED] = r->head.commit;
    vm.bytes[SEEP_VM_COMMIT_LIMIT] = r->head.limit;
    vm.bytes[SEEP_VM_COMMIT_PEAK] = r->head.peak;
    vm.bytes[SEEP_VM_PAGED_POOL] = r->head.paged;
    vm.bytes[SEEP_VM_NONPAGED_POOL] = r->head.nonpaged;
    if (!seep_sink_vm(r->sink, &vm))
        return false;
    totals_of(r, values);
    for (int i = 0; i < N_TOTALS; i++) {
        if (values[i] != SEEP_UNKNOWN_COUNT &&
            !seep_sink_sample(r->sink, r->totals[i], (double)values[i]))
            return false;
    }
    return true;
}

static bool push_row(struct reader *r, const struct snap_row *row)
{
    const struct entry *e = &r->entries[row->entry];
    struct seep_pool_tag tag = {
        .machine = r->machine,
        .tag = e->tag,
        .paged = e->paged,
        .allocs = row->allocs,
        .frees = row->frees,
        .bytes = row->bytes,
        .wraps = !r->wide,
        .session = e->session,
        .mapped_driver = row->driver_at ? r->drivers.data + row->driver_at - 1 : NULL,
    };
    uint64_t diff = seep_pool_tag_diff(&tag);
    return seep_sink_pool_tag(r->sink, &tag) &&
           seep_sink_sample(r->sink, e->bytes, (double)row->bytes) &&
           (diff == SEEP_UNKNOWN_COUNT || seep_sink_sample(r->sink, e->count, (double)diff));
}

// Gives the snapshot to the sink. `last`: no other follows.
static bool end_snapshot(struct reader *r, bool last)
{
    if (r->n_rows || r->has_head) {
        int64_t t_ns = moment(r, last && r->n_snapshots == 0);
        if (t_ns != SEEP_NO_TIME) {
            lose(r, BACKWARDS, r->last_ns != SEEP_NO_TIME && t_ns < r->last_ns, 0, SEEP_NO_OFFSET);
            r->last_ns = t_ns;
        }
        if (r->drivers.failed || !announce(r) || !seep_sink_tick(r->sink, r->machine, t_ns) ||
            !push_head(r))
            return false;
        for (size_t i = 0; i < r->n_rows; i++) {
            if (!push_row(r, &r->rows[i]))
                return false;
        }
        r->n_snapshots++;
    }
    begin_snapshot(r);
    return true;
}

// ---- lines

// The entry of a row's tag, NULL when memory is out. `*shown`: all of its characters can be.
static struct entry *entry_of(struct reader *r, const struct poolmon_row *row, bool *shown)
{
    char tag[SEEP_TAG_TEXT] = "", key[sizeof tag + 1 + sizeof r->session] = "";
    char own[POOLMON_TAG];
    memcpy(own, row->tag, sizeof own);
    // The top bit of a tag marks protected blocks.
    if (r->lines.encoding == SEEP_PDH_BYTES && own[3] != '\xff')
        own[3] = (char)(own[3] & 0x7f);
    (void)seep_pool_tag_clean(own, sizeof own, tag);
    *shown = true;
    for (size_t i = 0; i < sizeof own; i++)
        *shown = *shown && own[i] >= 0x20 && own[i] < 0x7f;
    memcpy(key, tag, sizeof tag);
    key[sizeof tag] = (char)row->paged;
    memcpy(key + sizeof tag + 1, &r->session, sizeof r->session);
    uint32_t id = seep_intern(&r->keys, key, sizeof key);
    if (!id || !seep_grow(&r->entries, &r->entries_room, id, sizeof *r->entries))
        return NULL;
    struct entry *e = &r->entries[id - 1];
    if (id > r->n_entries) {
        *e = (struct entry){ .paged = row->paged, .session = r->session };
        memcpy(e->tag, tag, sizeof tag);
        r->n_entries = id;
    }
    return e;
}

// Keeps what the column Mapped_Driver says, with one blank where it has several.
static size_t keep_driver(struct reader *r, const struct poolmon_row *row)
{
    size_t at = r->drivers.len, n = 0;
    if (!row->driver)
        return 0;
    seep_buf_reset(&r->name);
    for (size_t i = 0; i < row->driver_len && n < SEEP_MAX_NAME; i++, n++) {
        char c = row->driver[i] == '\t' ? ' ' : row->driver[i];
        if (c != ' ' || (r->name.len && r->name.data[r->name.len - 1] != ' '))
            seep_buf_addc(&r->name, c);
    }
    if (!seep_utf8_add(&r->drivers, seep_bytes(r->name.data, r->name.len)))
        lose(r, ESCAPED, 1, 0, r->line.offset);
    seep_buf_addc(&r->drivers, '\0');
    r->drivers.failed |= r->name.failed;
    return at + 1;
}

static bool take_row(struct reader *r, const struct poolmon_row *row)
{
    bool shown;
    struct entry *e = entry_of(r, row, &shown);
    if (!e)
        return false;
    r->wide = r->wide || row->allocs > UINT32_MAX || row->frees > UINT32_MAX;
    r->after_row = true;
    if (e->snapshot == r->n_snapshots + 1) {
        struct snap_row *first = &r->rows[e->row];
        lose(r, shown ? REPEATED : MERGED, 1, 0, r->line.offset);
        if (!shown && row->bytes <= UINT64_MAX - first->bytes) {
            first->allocs += row->allocs;
            first->frees += row->frees;
            first->bytes += row->bytes;
        }
        return true;
    }
    if (!seep_grow(&r->rows, &r->rows_room, r->n_rows + 1, sizeof *r->rows))
        return false;
    e->snapshot = r->n_snapshots + 1;
    e->row = r->n_rows;
    r->rows[r->n_rows++] = (struct snap_row){
        .entry = (uint32_t)(e - r->entries),
        .allocs = row->allocs,
        .frees = row->frees,
        .bytes = row->bytes,
        .driver_at = keep_driver(r, row),
    };
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

// A line that is no row: the head, a title, a time, something else. What belongs in front of the
// rows begins a snapshot.
static bool read_other(struct reader *r, const char *text, size_t len)
{
    struct poolmon_head head = r->head;
    struct poolmon_when when = { 0 };
    uint32_t session;
    bool was_after_row = r->after_row, csv;
    r->after_row = false;
    if (poolmon_memory(text, len, &head)) {
        if ((r->n_rows || r->has_head) && !end_snapshot(r, false))
            return false;
        r->head.memory = head.memory;
        r->head.available = head.available;
        r->has_head = true;
    } else if (poolmon_commit(text, len, &head)) {
        r->head = head;
        r->has_head = true;
    } else if (poolmon_title(text, len, &session)) {
        if (r->n_rows && !end_snapshot(r, false))
            return false;
        r->session = session;
    } else if (poolmon_columns(text, len, &csv)) {
        if (r->n_rows && !end_snapshot(r, false))
            return false;
        r->csv = csv;
    } else if (poolmon_when_add(&when, text, len)) {
        if (r->n_rows && !end_snapshot(r, false))
            return false;
        (void)poolmon_when_add(&r->when, text, len);
        r->order = r->order ? r->order : when.says;
        if (when.either && !r->order && !r->looked_for_order)
            find_order(r);
    } else if (!r->line.ended && (was_after_row || poolmon_broken_row(text, len))) {
        lose(r, TRUNCATED, 1, len, r->line.offset);
    } else if (poolmon_broken_row(text, len)) {
        lose(r, BAD_ROW, 1, len, r->line.offset);
    } else {
        lose(r, OTHER_TEXT, 1, len, r->line.offset);
    }
    return true;
}

static bool read_line(struct reader *r)
{
    struct poolmon_row row;
    const char *text = r->line.text;
    size_t len = r->line.length;
    if (r->line.zero_bytes)
        lose(r, ZEROS, 1, r->line.zero_bytes, r->line.offset);
    if (r->csv ? poolmon_csv_row(text, len, &row) : poolmon_row(text, len, &row)) {
        // Half a number is a wrong number.
        if (r->line.ended || row.consistent)
            return take_row(r, &row);
        lose(r, TRUNCATED, 1, len, r->line.offset);
        return true;
    }
    if (is_blank(&r->line)) {
        r->after_row = false;
        return true;
    }
    return read_other(r, text, len);
}

static bool take_line(void *ctx)
{
    return read_line(ctx);
}

static enum seep_status read_poolmon(const struct seep_input *input, struct seep_sink *sink,
                                     const struct seep_control *control, uint64_t *read_bytes,
                                     struct seep_err *err)
{
    struct reader r = { .input = input,
                        .sink = sink,
                        .lines = seep_pdh_text_lines(input->view),
                        .last_ns = SEEP_NO_TIME };
    begin_snapshot(&r);
    enum seep_status status = seep_pdh_each_line(&r.lines, &r.line, input, control, take_line, &r);
    *read_bytes = r.lines.pos;
    // What was read before the user stopped stays.
    if (status != SEEP_FAILED && !end_snapshot(&r, status == SEEP_OK))
        status = SEEP_FAILED;
    if (status != SEEP_FAILED && !tell_losses(&r))
        status = SEEP_FAILED;
    if (status == SEEP_OK && !r.n_snapshots) {
        (void)seep_fail(err, 0, "make one with poolmon -n FILE", "holds no row of poolmon");
        status = SEEP_FAILED;
    } else if (status == SEEP_FAILED && err && !err->what[0]) {
        if (sink->error.what[0])
            *err = sink->error;
        else
            (void)seep_fail_memory(err);
    }
    seep_pdh_lines_clear(&r.lines);
    seep_intern_clear(&r.keys);
    seep_buf_clear(&r.drivers);
    seep_buf_clear(&r.name);
    seep_free(r.entries);
    seep_free(r.rows);
    return status;
}

const struct seep_source seep_source_poolmon = {
    .name = "poolmon", .about = "pool tags, from poolmon", .bid = bid, .read = read_poolmon
};
