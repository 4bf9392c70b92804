// SPDX-License-Identifier: MIT
// The source "evtx": Windows XML event logs.
//
// Every record of every chunk is counted by provider and id; only the few events that tell of a
// leak are decoded whole. What that costs is in note.md.
#include "source/evtx/events.h"

#include "base/alloc.h"
#include "base/time.h"
#include "base/utf.h"
#include "source/evtx/chunk.h"
#include "source/evtx/fields.h"
#include "source/evtx/plan.h"
#include "source/source.h"

#include <inttypes.h>

enum {
    FILE_HEADER_BYTES = 0x1000,
    FILE_CHUNKS = 42, // bytes in the file header
    FILE_MAJOR = 38,
    FILE_FLAGS = 120,
    FILE_CRC = 124,
    CHUNK_LAST_RECORD = 32, // bytes in a chunk header
    FLAG_DIRTY = 1,
    FLAG_FULL = 2,
    PLAN_SLOTS = 1024, // open addressing over PLANS plans
    PLANS = 512,       // templates of System parts in one chunk; real chunks have about 20
    DONE_STEP = 8 << 20,
    // What may be spent on one chunk, in bytes read or written. A chunk full of event 2004 needs
    // about 0.4 MiB; the rest is room for stranger logs.
    CHUNK_WORK = 1 << 20,
};

struct plan_slot {
    uint32_t chunk;      // the chunk that it belongs to, counted from 1
    uint16_t definition; // offset of the template
    uint16_t plan;
};

struct tally {
    uint32_t provider, id;
    uint8_t version;
    enum seep_evtx_kind kind;
    uint64_t count;
};

struct tally_key {
    uint32_t provider, id;
    uint32_t version;
};

struct log {
    const struct seep_input *input;
    struct seep_sink *sink;
    const struct seep_control *control;
    struct seep_evtx_crc crc;
    struct seep_intern providers; // UTF-16LE names as they stand in the file
    struct seep_intern tally_keys;
    struct tally *tallies; // by the id of the key - 1
    size_t tallies_capacity;
    struct seep_evtx_facts facts;
    struct seep_evtx_fields fields;
    struct seep_buf computer, channel, provider, log_host;
    uint64_t n_chunks, n_unsound;
    bool stopped; // the sink is full or memory is out

    // of the current chunk
    struct seep_evtx_chunk chunk;
    uint32_t chunk_number;
    uint64_t chunk_offset, work;
    uint64_t n_bad, first_bad;
    enum seep_evtx_result bad;
    struct seep_evtx_plan plans[PLANS];
    bool plan_good[PLANS];
    uint16_t n_plans;
    struct plan_slot slots[PLAN_SLOTS];
};

// The System part of one record, resolved.
struct record {
    struct seep_evtx_record at;
    const struct seep_evtx_plan *plan;
    struct seep_evtx_values values;
    struct tally *tally;
};

static bool stop(struct log *l)
{
    l->stopped = true;
    if (!l->sink->error.what[0])
        (void)seep_fail_memory(&l->sink->error);
    return false;
}

static void bad_record(struct log *l, const struct seep_evtx_record *at, enum seep_evtx_result why)
{
    if (!l->n_bad++) {
        l->first_bad = l->chunk_offset + at->pos;
        l->bad = why;
    }
}

// The plan of the template at `definition`, from the chunk's cache or made now; NULL when there is
// none. `spare` holds a plan that finds no place in the cache.
static const struct seep_evtx_plan *find_plan(struct log *l, const struct seep_evtx_template *t,
                                              struct seep_evtx_plan *spare)
{
    uint16_t definition = (uint16_t)t->definition;
    unsigned at = (definition * 40503u >> 6) % PLAN_SLOTS;
    while (l->slots[at].chunk == l->chunk_number && l->slots[at].definition != definition)
        at = (at + 1) % PLAN_SLOTS;
    if (l->slots[at].chunk == l->chunk_number)
        return l->plan_good[l->slots[at].plan] ? &l->plans[l->slots[at].plan] : NULL;
    struct seep_evtx_plan *plan = l->n_plans < PLANS ? &l->plans[l->n_plans] : spare;
    uint64_t cost = t->body_end - t->body;
    bool affordable = l->work >= cost;
    bool good = affordable && seep_evtx_plan_make(l->chunk.bytes, t->body, t->body_end, plan);
    l->work -= affordable ? cost : 0;
    if (good) {
        struct seep_evtx_ref *ref = &plan->part[SEEP_EVTX_PROVIDER];
        plan->provider_key = 0;
        if (ref->kind == SEEP_EVTX_REF_TEXT)
            plan->provider_key = seep_intern(&l->providers, ref->text.data, ref->text.len);
    }
    if (plan != spare) {
        l->slots[at] = (struct plan_slot){ l->chunk_number, definition, l->n_plans };
        l->plan_good[l->n_plans++] = good;
    }
    return good ? plan : NULL;
}

// Finds the System part of a record. False when it is no event.
static bool resolve(struct log *l, struct record *r, struct seep_evtx_plan *spare)
{
    struct seep_bytes chunk = l->chunk.bytes;
    size_t pos = r->at.pos + SEEP_EVTX_RECORD_HEADER_BYTES;
    size_t limit = r->at.pos + r->at.size - 4;
    struct seep_evtx_template t;
    seep_evtx_skip_fragment(chunk, &pos, limit);
    if (pos >= limit)
        return false;
    if (chunk.data[pos] != SEEP_EVTX_TEMPLATE) {
        uint64_t cost = limit - pos;
        if (l->work < cost || !seep_evtx_plan_make(chunk, pos, limit, spare))
            return false;
        l->work -= cost;
        spare->provider_key = 0;
        r->plan = spare;
        r->values = (struct seep_evtx_values){ 0 };
        return true;
    }
    if (!seep_evtx_template(chunk, pos, limit, &t))
        return false;
    r->plan = find_plan(l, &t, spare);
    r->values = t.values;
    return r->plan != NULL;
}

static bool part_number(const struct record *r, enum seep_evtx_part part, uint64_t *number)
{
    struct seep_evtx_value value;
    return seep_evtx_plan_get(r->plan, part, &r->values, &value) &&
           seep_evtx_number(&value, number);
}

// The text of a part as UTF-8 in `out`; "" when there is none.
static const char *part_text(const struct record *r, enum seep_evtx_part part, struct seep_buf *out)
{
    struct seep_evtx_value value;
    seep_buf_reset(out);
    if (seep_evtx_plan_get(r->plan, part, &r->values, &value) &&
        value.type == SEEP_EVTX_TYPE_STRING) {
        struct seep_bytes text = seep_utf16_until_nul(value.bytes);
        if (text.len > SEEP_MAX_NAME)
            text.len = SEEP_MAX_NAME;
        (void)seep_utf16_add(out, text);
    }
    return seep_buf_text(out);
}

// Reads a provider's name, as it stands in the file, into `out`.
static const char *provider_text(struct log *l, uint32_t provider, struct seep_buf *out)
{
    seep_buf_reset(out);
    size_t len = provider ? l->providers.entries[provider - 1].len : 0;
    if (len > SEEP_MAX_NAME)
        len = SEEP_MAX_NAME;
    (void)seep_utf16_add(out, seep_bytes(seep_intern_text(&l->providers, provider), len));
    return seep_buf_text(out);
}

// Counts a record under its provider, id and version. False when it has no provider or id, or when
// memory is out (`stopped`).
static bool count(struct log *l, struct record *r)
{
    struct seep_evtx_value value;
    struct tally_key key = { .provider = r->plan->provider_key };
    uint64_t id, version = 0;
    if (!part_number(r, SEEP_EVTX_ID, &id) || id > UINT32_MAX)
        return false;
    if (!key.provider) {
        if (!seep_evtx_plan_get(r->plan, SEEP_EVTX_PROVIDER, &r->values, &value) ||
            value.type != SEEP_EVTX_TYPE_STRING)
            return false;
        struct seep_bytes name = seep_utf16_until_nul(value.bytes);
        key.provider = seep_intern(&l->providers, name.data, name.len);
        if (!key.provider)
            return stop(l);
    }
    (void)part_number(r, SEEP_EVTX_VERSION, &version);
    key.id = (uint32_t)id;
    key.version = (uint8_t)version;
    uint32_t known = (uint32_t)l->tally_keys.count;
    uint32_t at = seep_intern(&l->tally_keys, &key, sizeof key);
    if (!at || !seep_grow(&l->tallies, &l->tallies_capacity, at, sizeof *l->tallies))
        return stop(l);
    struct tally *t = &l->tallies[at - 1];
    if (at > known)
        *t = (struct tally){ .provider = key.provider,
                             .id = key.id,
                             .version = (uint8_t)key.version,
                             .kind = seep_evtx_kind(provider_text(l, key.provider, &l->provider),
                                                    key.id) };
    if (l->provider.failed)
        return stop(l);
    t->count++;
    r->tally = t;
    return true;
}

static int64_t event_time(const struct record *r)
{
    struct seep_evtx_value value;
    int64_t t_ns = SEEP_NO_TIME;
    if (seep_evtx_plan_get(r->plan, SEEP_EVTX_TIME, &r->values, &value) &&
        value.type == SEEP_EVTX_TYPE_FILETIME && value.bytes.len == 8)
        t_ns = seep_time_from_filetime(seep_le64(value.bytes.data));
    return t_ns != SEEP_NO_TIME ? t_ns : seep_time_from_filetime(r->at.written);
}

// Decodes a record that matters and hands it on.
static void decode(struct log *l, struct record *r)
{
    size_t pos = r->at.pos + SEEP_EVTX_RECORD_HEADER_BYTES;
    size_t limit = r->at.pos + r->at.size - 4;
    enum seep_evtx_result result =
        seep_evtx_fields_read(&l->fields, l->chunk.bytes, pos, limit, &l->work);
    if (result == SEEP_EVTX_NO_MEMORY) {
        (void)stop(l);
        return;
    }
    if (result != SEEP_EVTX_READ)
        bad_record(l, &r->at, result);
    if (!l->fields.sound)
        l->n_unsound++;
    struct seep_event event = {
        .time_ns = event_time(r),
        .provider = provider_text(l, r->tally->provider, &l->provider),
        .channel = part_text(r, SEEP_EVTX_CHANNEL, &l->channel),
        .id = r->tally->id,
        .version = r->tally->version,
        .record_id = r->at.id,
        .offset = l->chunk_offset + r->at.pos,
        .fields = l->fields.rows,
        .n_fields = l->fields.n_rows,
    };
    if (!*event.channel)
        event.channel = NULL;
    // A forwarded event keeps the number that it had in the log where it was written.
    uint64_t written_id = r->at.id;
    bool forwarded = part_number(r, SEEP_EVTX_RECORD_ID, &written_id) && written_id != r->at.id;
    const char *computer = part_text(r, SEEP_EVTX_COMPUTER, &l->computer);
    if (l->provider.failed || l->channel.failed || l->computer.failed) {
        (void)stop(l);
        return;
    }
    if (!seep_evtx_event(&l->facts, r->tally->kind, computer, forwarded, &event))
        (void)stop(l);
}

static const char *bad_text(enum seep_evtx_result why)
{
    switch (why) {
    case SEEP_EVTX_TOO_DEEP:
        return "nested too deep";
    case SEEP_EVTX_TOO_LARGE:
        return "out of proportion to the chunk";
    default:
        return "no sound binary XML";
    }
}

// How many records a chunk says it has and does not, by the numbers in its header.
static uint64_t missing(const struct seep_evtx_chunk *c, const struct seep_evtx_records *walk)
{
    uint64_t expected = c->last_id - c->first_id + 1;
    uint64_t most = SEEP_EVTX_CHUNK_BYTES / SEEP_EVTX_RECORD_MIN_BYTES;
    if (!c->header_sound || expected > most || expected <= walk->n_read)
        return SEEP_UNKNOWN_COUNT;
    return expected - walk->n_read;
}

// A chunk that the file cuts off: only its free space may be gone.
static bool cut_loss(struct log *l, size_t len, uint64_t n_missing)
{
    uint64_t bytes = SEEP_EVTX_CHUNK_BYTES - len;
    if (len > SEEP_EVTX_CHUNK_HEADER_BYTES && l->chunk.data_checked)
        return seep_sink_note(l->sink, "truncated", 0, bytes, l->input->view.len,
                              "the last chunk is cut off behind its records");
    return seep_sink_lose(l->sink, "truncated", n_missing, bytes, l->input->view.len,
                          "the last chunk is cut off after %zu of 65536 bytes", len);
}

// The losses of a chunk that has been read.
static void chunk_losses(struct log *l, const struct seep_evtx_records *walk)
{
    const struct seep_evtx_chunk *c = &l->chunk;
    bool ok = true;
    if (!c->has_header)
        ok = seep_sink_lose(l->sink, "bad-chunk", 1, c->bytes.len, l->chunk_offset,
                            "a chunk has lost its header; %" PRIu64
                            " records were read from its start",
                            walk->n_read);
    else if (!c->header_sound)
        ok = seep_sink_lose(l->sink, "checksum", 1, SEEP_UNKNOWN_COUNT, l->chunk_offset,
                            "a chunk's header has a wrong checksum; %" PRIu64
                            " records were read from its start",
                            walk->n_read);
    else if (c->data_checked && !c->data_sound)
        ok = seep_sink_lose(l->sink, "checksum", 1, SEEP_UNKNOWN_COUNT, l->chunk_offset,
                            "the records of a chunk have a wrong checksum; they were read as they "
                            "are");
    // The record at the cut of a short chunk is part of the loss "truncated".
    bool cut = c->bytes.len < SEEP_EVTX_CHUNK_BYTES && !c->data_checked && walk->pos >= c->end;
    if (ok && walk->n_skips > cut)
        ok = seep_sink_lose(l->sink, "bad-record", walk->n_skips, walk->skipped_bytes,
                            l->chunk_offset + walk->first_skipped,
                            "%zu bytes of a chunk are no records", walk->skipped_bytes);
    else if (ok && c->data_checked && !c->data_sound && missing(c, walk) != SEEP_UNKNOWN_COUNT)
        ok = seep_sink_lose(l->sink, "lost-records", missing(c, walk), SEEP_UNKNOWN_COUNT,
                            l->chunk_offset, "a damaged chunk has fewer records than it says");
    if (ok && l->n_bad)
        ok = seep_sink_lose(l->sink, "bad-event", l->n_bad, SEEP_UNKNOWN_COUNT, l->first_bad,
                            "%" PRIu64 " events of a chunk could not be read whole (the first: %s)",
                            l->n_bad, bad_text(l->bad));
    if (!ok)
        (void)stop(l);
}

static void begin_chunk(struct log *l, uint64_t offset, struct seep_bytes bytes)
{
    seep_evtx_chunk_open(&l->crc, bytes, &l->chunk);
    l->chunk_offset = offset;
    l->chunk_number++;
    l->n_plans = 0;
    l->work = CHUNK_WORK;
    l->n_bad = 0;
}

// Reads one chunk; returns how many of its records are missing.
static uint64_t read_chunk(struct log *l, uint64_t offset, struct seep_bytes bytes)
{
    struct seep_evtx_records walk = { 0 };
    struct record r;
    struct seep_evtx_plan spare;
    begin_chunk(l, offset, bytes);
    while (!l->stopped && seep_evtx_record_next(&l->chunk, &walk, &r.at)) {
        if (!resolve(l, &r, &spare) || !count(l, &r)) {
            if (!l->stopped)
                bad_record(l, &r.at, SEEP_EVTX_MALFORMED);
        } else if (r.tally->kind != SEEP_EVTX_OTHER) {
            decode(l, &r);
        }
    }
    if (!l->stopped)
        chunk_losses(l, &walk);
    return missing(&l->chunk, &walk);
}

// Finds the computer whose log this is: the one of the newest record, because names change.
static void find_log_host(struct log *l)
{
    struct seep_bytes file = l->input->view;
    struct seep_evtx_records walk = { 0 };
    struct record r;
    struct seep_evtx_plan spare;
    uint64_t newest = 0;
    size_t at = 0;
    for (size_t pos = FILE_HEADER_BYTES; seep_bytes_has(file, pos, SEEP_EVTX_CHUNK_HEADER_BYTES);
         pos += SEEP_EVTX_CHUNK_BYTES) {
        uint64_t last = seep_bytes_u64(file, pos + CHUNK_LAST_RECORD);
        if (seep_bytes_match(file, pos, "ElfChnk", 8) && last < INT64_MAX && last >= newest) {
            newest = last;
            at = pos;
        }
        if (file.len - pos < SEEP_EVTX_CHUNK_BYTES)
            break;
    }
    if (!at)
        return;
    begin_chunk(l, at, seep_bytes_part(file, at, SEEP_EVTX_CHUNK_BYTES));
    newest = 0;
    while (seep_evtx_record_next(&l->chunk, &walk, &r.at)) {
        if (r.at.id >= newest && resolve(l, &r, &spare)) {
            newest = r.at.id;
            (void)part_text(&r, SEEP_EVTX_COMPUTER, &l->log_host);
        }
    }
}

static bool all_zero(struct seep_bytes b)
{
    return b.len == 0 || (b.data[0] == 0 && memcmp(b.data, b.data + 1, b.len - 1) == 0);
}

// Reads every chunk there is: the file header of a log that was not closed does not know them all.
// Returns how far it came.
static size_t read_chunks(struct log *l)
{
    struct seep_bytes file = l->input->view;
    size_t pos = FILE_HEADER_BYTES, done = 0;
    while (pos < file.len && !l->stopped && !seep_cancelled(l->control)) {
        struct seep_bytes place = seep_bytes_part(file, pos, SEEP_EVTX_CHUNK_BYTES);
        bool used = seep_bytes_match(place, 0, "ElfChnk", 8) || !all_zero(place);
        if (used) {
            l->n_chunks++;
            uint64_t n_missing = SEEP_UNKNOWN_COUNT;
            if (place.len > SEEP_EVTX_CHUNK_HEADER_BYTES)
                n_missing = read_chunk(l, pos, place);
            if (place.len < SEEP_EVTX_CHUNK_BYTES && !l->stopped &&
                !cut_loss(l, place.len, n_missing))
                (void)stop(l);
        }
        pos += place.len;
        seep_progress(l->control, pos, file.len);
        if (pos - done >= DONE_STEP) {
            seep_input_done(l->input, pos);
            done = pos;
        }
    }
    return pos < file.len ? pos : file.len;
}

static bool header_losses(struct log *l)
{
    struct seep_bytes file = l->input->view;
    const uint8_t *h = file.data;
    uint32_t flags = seep_le32(h + FILE_FLAGS);
    bool ok = true;
    if (!seep_bytes_match(file, 0, "ElfFile", 8))
        return seep_sink_lose(l->sink, "bad-header", 1, FILE_HEADER_BYTES, 0,
                              "the file header is damaged; the chunks were looked for at their "
                              "places");
    if (seep_evtx_crc32(&l->crc, 0, h, FILE_FLAGS) != seep_le32(h + FILE_CRC))
        ok = seep_sink_lose(l->sink, "checksum", 1, SEEP_UNKNOWN_COUNT, 0,
                            "the file header has a wrong checksum");
    if (ok && seep_le16(h + FILE_MAJOR) != 3)
        ok = seep_sink_lose(l->sink, "unknown-version", 1, SEEP_UNKNOWN_COUNT, FILE_MAJOR,
                            "version %u.%u of the format is not known; it was read as 3.1",
                            seep_le16(h + FILE_MAJOR), seep_le16(h + FILE_MAJOR - 2));
    if (ok && (flags & FLAG_FULL))
        ok = seep_sink_note(l->sink, "log-full", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT, FILE_FLAGS,
                            "the log was full: later events were not written");
    if (ok && (flags & FLAG_DIRTY))
        ok = seep_sink_note(l->sink, "dirty", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT, FILE_FLAGS,
                            "the log was not closed: the last events may be missing");
    return ok;
}

static bool write_end(struct log *l)
{
    bool ok = seep_evtx_facts_end(&l->facts);
    for (size_t i = 0; ok && i < l->tally_keys.count; i++) {
        const struct tally *t = &l->tallies[i];
        struct seep_tally tally = { .provider = provider_text(l, t->provider, &l->provider),
                                    .id = t->id,
                                    .version = t->version,
                                    .count = t->count };
        ok = !l->provider.failed && seep_sink_tally(l->sink, &tally);
    }
    if (ok && l->n_unsound)
        ok = seep_sink_note(l->sink, "bad-value", l->n_unsound, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                            "%" PRIu64 " events have a value that does not fit its type or is no "
                            "text; it is shown escaped or in hexadecimal",
                            l->n_unsound);
    return ok || stop(l);
}

static enum seep_status read_log(struct log *l, uint64_t *read_bytes, struct seep_err *err)
{
    struct seep_bytes file = l->input->view;
    if (file.len < FILE_HEADER_BYTES) {
        (void)seep_fail(err, file.len, "copy it again, or export it with `wevtutil epl`",
                        "the event log is cut off inside its header");
        return SEEP_FAILED;
    }
    seep_evtx_crc_init(&l->crc);
    if (!header_losses(l))
        (void)stop(l);
    find_log_host(l);
    if (l->log_host.failed)
        (void)stop(l);
    l->facts.log_host = seep_buf_text(&l->log_host);
    *read_bytes = l->stopped ? 0 : read_chunks(l);
    if (!l->stopped && seep_cancelled(l->control) && *read_bytes < file.len) {
        (void)write_end(l);
        return SEEP_CANCELLED;
    }
    bool promised = seep_le16(file.data + FILE_CHUNKS) > 0;
    bool header = seep_bytes_match(file, 0, "ElfFile", 8);
    if (!l->stopped && l->n_chunks == 0 && (promised || !header)) {
        if (header)
            (void)seep_fail(err, FILE_HEADER_BYTES,
                            "copy it again, or export it with `wevtutil epl`",
                            "the event log has a header but none of its chunks");
        else
            (void)seep_fail(err, 0, "see `seep sources` for what seep reads",
                            "not an event log: neither a file header nor a chunk");
        return SEEP_FAILED;
    }
    if (!l->stopped && write_end(l))
        return SEEP_OK;
    if (err)
        *err = l->sink->error;
    return SEEP_FAILED;
}

static enum seep_status evtx_read(const struct seep_input *input, struct seep_sink *sink,
                                  const struct seep_control *control, uint64_t *read_bytes,
                                  struct seep_err *err)
{
    struct log *l = seep_alloc(1, sizeof *l);
    if (!l) {
        (void)seep_fail_memory(err);
        return SEEP_FAILED;
    }
    l->input = input;
    l->sink = sink;
    l->control = control;
    l->facts.sink = sink;
    enum seep_status status = read_log(l, read_bytes, err);
    seep_intern_clear(&l->providers);
    seep_intern_clear(&l->tally_keys);
    seep_free(l->tallies);
    seep_evtx_facts_clear(&l->facts);
    seep_evtx_fields_clear(&l->fields);
    seep_buf_clear(&l->computer);
    seep_buf_clear(&l->channel);
    seep_buf_clear(&l->provider);
    seep_buf_clear(&l->log_host);
    seep_free(l);
    return status;
}

static unsigned evtx_bid(struct seep_bytes file)
{
    return seep_bytes_match(file, 0, "ElfFile", 8) ? 64 : SEEP_BID_NONE;
}

const struct seep_source seep_source_evtx = {
    .name = "evtx",
    .about = "Windows event log (.evtx)",
    .bid = evtx_bid,
    .read = evtx_read,
};
