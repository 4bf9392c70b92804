// SPDX-License-Identifier: MIT
// Reading PDH-CSV and PDH-TSV logs: rows of a time and the values of all columns. One pass.
#include "source/pdh_text.h"

#include "base/time.h"
#include "source/pdh_header.h"
#include "source/pdh_number.h"
#include "source/perfmon.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    SIGNATURE_BITS = 8 * 13, // "(PDH-CSV 4.0)"
    // bytes between two looks at the cancel flag, progress reports and releases of what was read
    STEP_BYTES = 1 << 20,
    // lines of other text that may follow the last row: what typeperf says at its end
    TRAILER_LINES = 8,
};

// What was lost, by kind; each is told once, at the end.
enum loss {
    LOSS_TRUNCATED,
    LOSS_CELL,
    LOSS_RECORD,
    LOSS_COLUMNS,
    LOSS_ZEROS,
    LOSS_UNKNOWN_COLUMN,
    LOSS_DUPLICATE,
    NOTE_ZONE,
    NOTE_CLOCK_BACK,
    NOTE_CLOCK_FORWARD,
    NOTE_CODEPAGE,
    NOTE_ESCAPED,
    N_LOSSES,
};

static const struct loss_row {
    const char *what, *text;
    bool harmless; // normal for such a log
} loss_rows[N_LOSSES] = {
    [LOSS_TRUNCATED] = { "truncated", "the file ends inside a row", false },
    [LOSS_CELL] = { "bad-cell", "cells that are no numbers were skipped", false },
    [LOSS_RECORD] = { "bad-record", "rows without a time that can be read were skipped", false },
    [LOSS_COLUMNS] = { "wrong-columns",
                       "rows have more or fewer cells than the header has columns; the columns "
                       "that "
                       "are there were read",
                       false },
    [LOSS_ZEROS] = { "zero-bytes", "bytes are zero, as after a power cut", false },
    [LOSS_UNKNOWN_COLUMN] = { "bad-column", "columns whose names are no counter paths were skipped",
                              false },
    [LOSS_DUPLICATE] = { "duplicate-column",
                         "columns that have the same counter as an earlier one were skipped",
                         false },
    [NOTE_ZONE] = { "time-zone-unknown",
                    "the header does not say the offset from UTC; times are taken as UTC", true },
    [NOTE_CLOCK_BACK] = { "clock-jump",
                          "time goes back: the clock was set, or daylight saving time ended",
                          true },
    [NOTE_CLOCK_FORWARD] = { "clock-jump",
                             "time skips an hour: daylight saving time began, or the log has a gap",
                             true },
    [NOTE_CODEPAGE] = { "code-page-guessed",
                        "names are not UTF-8; the code page was guessed from the counter names",
                        true },
    [NOTE_ESCAPED] = { "text-escaped",
                       "names have bytes of an unknown code page, which are written as \\xHH",
                       true },
};

struct tally {
    uint64_t count, bytes, offset;
};

struct reader {
    struct seep_pdh_lines lines;
    struct seep_pdh_header header;
    struct seep_perfmon *pm;
    struct seep_sink *sink;
    enum seep_pdh_kind kind;
    struct tally losses[N_LOSSES];
    struct tally text; // lines of other text since the last row
    int64_t last_ns, interval_ns;
    bool has_last;
};

unsigned seep_pdh_bid(struct seep_bytes file, enum seep_pdh_kind kind)
{
    struct seep_pdh_start start;
    if (!seep_pdh_find_start(file, &start) || start.kind != kind)
        return SEEP_BID_NONE;
    return start.first_text ? SIGNATURE_BITS : SEEP_BID_TEXT;
}

static void lose(struct reader *r, enum loss loss, uint64_t count, uint64_t bytes, uint64_t offset)
{
    struct tally *t = &r->losses[loss];
    if (!t->count)
        t->offset = offset;
    t->count += count;
    t->bytes += bytes;
}

static bool tell_losses(struct reader *r)
{
    for (int i = 0; i < N_LOSSES; i++) {
        const struct tally *t = &r->losses[i];
        if (!t->count)
            continue;
        struct seep_loss loss = {
            .what = loss_rows[i].what,
            .text = loss_rows[i].text,
            .harmless = loss_rows[i].harmless,
            .count = t->count,
            .bytes = t->bytes ? t->bytes : SEEP_UNKNOWN_COUNT,
            .offset = t->offset,
        };
        if (!seep_sink_loss(r->sink, &loss))
            return false;
    }
    return true;
}

// Reads 1 to `most` digits; returns how many there were.
static int read_digits(const char **at, const char *end, int most, int *number)
{
    int n = 0;
    *number = 0;
    while (n < most && *at < end && **at >= '0' && **at <= '9') {
        *number = *number * 10 + (**at - '0');
        ++*at;
        n++;
    }
    return n;
}

static bool read_mark(const char **at, const char *end, char mark)
{
    if (*at == end || **at != mark)
        return false;
    ++*at;
    return true;
}

// "MM/DD/YYYY HH:MM:SS.mmm" in local time; some writers leave out the milliseconds, a spreadsheet
// that saved the log again leaves out leading zeros and the seconds.
static bool parse_time(struct seep_bytes cell, int64_t *t_ns)
{
    const char *at = (const char *)cell.data, *end = at + cell.len;
    int year, month, day, hour, minute, second = 0, fraction = 0;
    while (end > at && end[-1] == ' ')
        end--;
    if (!read_digits(&at, end, 2, &month) || !read_mark(&at, end, '/') ||
        !read_digits(&at, end, 2, &day) || !read_mark(&at, end, '/') ||
        read_digits(&at, end, 4, &year) != 4 || !read_mark(&at, end, ' ') ||
        !read_digits(&at, end, 2, &hour) || !read_mark(&at, end, ':') ||
        !read_digits(&at, end, 2, &minute))
        return false;
    if (read_mark(&at, end, ':') && !read_digits(&at, end, 2, &second))
        return false;
    if (read_mark(&at, end, '.')) {
        int n = read_digits(&at, end, 9, &fraction);
        if (!n)
            return false;
        for (; n < 9; n++)
            fraction *= 10;
    }
    return at == end &&
           seep_time_from_civil(year, month, day, hour, minute, second, fraction, t_ns);
}

// The header's offset holds for the whole log, so the local times of a log that runs through a
// change of daylight saving time jump by an hour. They are kept as they are.
static void note_clock(struct reader *r, int64_t t_ns, size_t offset)
{
    const int64_t hour = 3600 * SEEP_NS_PER_S;
    int64_t apart = r->has_last ? t_ns - r->last_ns : 0;
    if (apart < 0) {
        lose(r, NOTE_CLOCK_BACK, 1, 0, offset);
    } else if (r->interval_ns > 0 && r->interval_ns < hour / 2 &&
               llabs(apart - r->interval_ns - hour) <= r->interval_ns / 2 + SEEP_NS_PER_S) {
        lose(r, NOTE_CLOCK_FORWARD, 1, 0, offset);
    } else if (apart > 0) {
        r->interval_ns = apart;
    }
    r->last_ns = t_ns;
    r->has_last = true;
}

// A cell that is not simply a number in quotes: blank, padded, not quoted, or bad. `*at` moves
// behind it. Returns whether the cell ends where the file goes on, or with its quote.
static bool read_odd_cell(struct reader *r, const struct seep_pdh_line *line, const char **at,
                          struct seep_perfmon_column column)
{
    const char *end = line->text + line->length, *start = *at;
    struct seep_bytes cell;
    bool closed;
    double value;
    *at = seep_pdh_cell(start, end, r->header.delimiter, &cell, &closed);
    if (!closed || (*at == end && !line->ended && (*at == start || (*at)[-1] != '"')))
        return line->ended; // cut off: the number may go on
    while (cell.len && cell.data[cell.len - 1] == ' ')
        cell.len--;
    while (cell.len && cell.data[0] == ' ') {
        cell.data++;
        cell.len--;
    }
    if (!cell.len)
        return true;
    const char *text = (const char *)cell.data;
    if (seep_pdh_number(text, text + cell.len, &value) == text + cell.len)
        seep_perfmon_value(r->pm, column, value);
    else
        lose(r, LOSS_CELL, 1, cell.len, line->offset);
    return true;
}

// The cells behind the time. Returns false where the file ends inside the row.
static bool read_cells(struct reader *r, const struct seep_pdh_line *line, const char *at)
{
    const char *end = line->text + line->length;
    const struct seep_perfmon_column *columns = r->header.columns;
    size_t n_columns = r->header.n_columns, n = 0;
    const char delimiter = r->header.delimiter;
    bool has_extra = false, whole = true;
    for (; at < end && whole; n++) {
        at++; // the delimiter
        if (n >= n_columns) {
            struct seep_bytes cell;
            bool closed;
            at = seep_pdh_cell(at, end, delimiter, &cell, &closed);
            has_extra |= cell.len > 1 || (cell.len == 1 && cell.data[0] != ' ');
            continue;
        }
        double value;
        if (at < end && *at == '"') {
            const char *behind = seep_pdh_number(at + 1, end, &value);
            if (behind && behind < end && *behind == '"' &&
                (behind + 1 == end || behind[1] == delimiter)) {
                at = behind + 1;
                seep_perfmon_value(r->pm, columns[n], value);
                continue;
            }
        }
        whole = read_odd_cell(r, line, &at, columns[n]);
    }
    if (!line->ended && (!whole || n < n_columns))
        return false;
    if (n < n_columns || has_extra)
        lose(r, LOSS_COLUMNS, 1, 0, line->offset);
    return true;
}

static bool read_row(struct reader *r, const struct seep_pdh_line *line)
{
    const char *end = line->text + line->length;
    struct seep_bytes cell;
    bool closed;
    int64_t t_ns;
    const char *at = seep_pdh_cell(line->text, end, r->header.delimiter, &cell, &closed);
    if (!closed || !parse_time(cell, &t_ns)) {
        lose(r, line->ended ? LOSS_RECORD : LOSS_TRUNCATED, 1, line->length, line->offset);
        return true;
    }
    if (r->header.has_bias)
        t_ns = seep_time_clamp(t_ns + r->header.bias_minutes * 60 * SEEP_NS_PER_S);
    if (!seep_perfmon_tick(r->pm, t_ns))
        return false;
    if (!read_cells(r, line, at))
        lose(r, LOSS_TRUNCATED, 1, 0, line->offset);
    note_clock(r, t_ns, line->offset);
    return seep_perfmon_tick_end(r->pm);
}

static bool read_header(struct reader *r, const struct seep_pdh_line *line)
{
    struct seep_pdh_header *h = &r->header;
    h->n_escaped = h->n_duplicate = h->n_unknown = 0;
    h->is_cut = false;
    if (!seep_pdh_read_header(h, line, r->kind, r->pm)) {
        // A sink that refuses says why; all else that can fail here is memory.
        return r->sink->error.what[0] ? false : seep_fail_memory(&r->sink->error);
    }
    lose(r, LOSS_TRUNCATED, h->is_cut, 0, line->offset);
    lose(r, LOSS_UNKNOWN_COLUMN, h->n_unknown, 0, line->offset);
    lose(r, LOSS_DUPLICATE, h->n_duplicate, 0, line->offset);
    lose(r, NOTE_ZONE, !h->has_bias, 0, line->offset);
    lose(r, NOTE_CODEPAGE, h->codepage != 0, 0, line->offset);
    lose(r, NOTE_ESCAPED, h->n_escaped, 0, line->offset);
    r->has_last = false;
    r->interval_ns = 0;
    return true;
}

// Lines of other text between rows are damage; behind the last row they are typeperf's farewell.
static void end_text(struct reader *r, bool at_end)
{
    if (r->text.count && !(at_end && r->text.count <= TRAILER_LINES))
        lose(r, LOSS_RECORD, r->text.count, r->text.bytes, r->text.offset);
    r->text = (struct tally){ 0 };
}

static bool read_line(struct reader *r, const struct seep_pdh_line *line)
{
    if (line->zero_bytes > 1 || (line->zero_bytes && r->lines.encoding == SEEP_PDH_BYTES))
        lose(r, LOSS_ZEROS, line->zero_bytes, line->zero_bytes, line->offset - line->zero_bytes);
    if (!line->length)
        return true;
    enum seep_pdh_kind kind = SEEP_PDH_NONE;
    if (line->text[0] == '"' || line->text[0] == '(')
        kind = seep_pdh_header_kind(line->text, line->length);
    if (kind) {
        end_text(r, false);
        r->kind = kind;
        return read_header(r, line);
    }
    if (line->text[0] == '"' || (line->text[0] >= '0' && line->text[0] <= '9')) {
        end_text(r, false);
        return read_row(r, line);
    }
    if (!r->text.count)
        r->text.offset = line->offset;
    r->text.count++;
    r->text.bytes += line->length;
    return true;
}

static enum seep_status read_lines(struct reader *r, const struct seep_input *input,
                                   const struct seep_control *control)
{
    struct seep_pdh_line line;
    size_t told = 0;
    while (seep_pdh_next_line(&r->lines, &line)) {
        if (!read_line(r, &line))
            return seep_cancelled(control) ? SEEP_CANCELLED : SEEP_FAILED;
        if (r->lines.pos - told < STEP_BYTES)
            continue;
        told = r->lines.pos;
        if (seep_cancelled(control))
            return SEEP_CANCELLED;
        seep_progress(control, told, input->view.len);
        seep_input_done(input, told);
    }
    if (r->lines.text.failed) {
        (void)seep_fail_memory(&r->sink->error);
        return SEEP_FAILED;
    }
    end_text(r, true);
    return SEEP_OK;
}

enum seep_status seep_pdh_read(const struct seep_input *input, struct seep_sink *sink,
                               const struct seep_control *control, uint64_t *read_bytes,
                               struct seep_err *err)
{
    struct seep_pdh_start start;
    *read_bytes = 0;
    if (!seep_pdh_find_start(input->view, &start)) {
        (void)seep_fail(err, 0, "write the log again with `relog FILE -f csv -o OUT.csv`",
                        "there is no PDH-CSV or PDH-TSV header at the start of the file");
        return SEEP_FAILED;
    }
    struct reader r = {
        .lines = { .file = input->view, .pos = start.offset, .encoding = start.encoding },
        .sink = sink,
        .kind = start.kind,
    };
    r.pm = seep_perfmon_open(sink, err);
    if (!r.pm)
        return SEEP_FAILED;
    enum seep_status status = read_lines(&r, input, control);
    if (status != SEEP_FAILED && (!seep_perfmon_finish(r.pm) || !tell_losses(&r)))
        status = SEEP_FAILED;
    *read_bytes = r.lines.pos;
    if (status == SEEP_FAILED) {
        if (sink->error.what[0] && err)
            *err = sink->error;
        else
            (void)seep_fail(err, *read_bytes, NULL, "the facts could not be stored");
    }
    seep_perfmon_close(r.pm);
    seep_pdh_header_clear(&r.header);
    seep_pdh_lines_clear(&r.lines);
    return status;
}
