// SPDX-License-Identifier: MIT
// The source "kernel-dump": crash dumps of the Windows kernel, of every kind.
//
// What kinds there are and what each holds is in note.md. The file is mapped: of several GB only
// the pages are touched that what is asked for lies in.
#include "base/time.h"
#include "base/utf.h"
#include "source/kernel-dump/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    PAGE = SEEP_PAGE_BYTES,
};

bool kdump_stop(struct kdump *k)
{
    k->stopped = true;
    if (!k->sink->error.what[0])
        (void)seep_fail_memory(&k->sink->error);
    return false;
}

bool kdump_sample(struct kdump *k, const struct seep_subject *subject, enum seep_metric metric,
                  const char *counter, uint64_t value)
{
    struct seep_series_id id;
    struct seep_series series = { .subject = *subject, .metric = metric, .counter = counter };
    if (value == SEEP_UNKNOWN_FIELD || k->header.time_ns == SEEP_NO_TIME)
        return true;
    return seep_sink_series(k->sink, &series, &id) && seep_sink_sample(k->sink, id, (double)value);
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

bool kdump_gaps(struct kdump *k, const char *what, const struct seep_kernel_gaps *gaps)
{
    bool ok = true;
    if (gaps->n_unreadable)
        ok = seep_sink_lose(k->sink, "unreadable", gaps->n_unreadable, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET,
                            "the dump does not hold all of %s: memory is missing at %" PRIu64
                            " place%s, the first at 0x%" PRIx64,
                            what, gaps->n_unreadable, plural(gaps->n_unreadable), gaps->first);
    if (ok && gaps->n_bad)
        ok = seep_sink_lose(k->sink, "bad-record", gaps->n_bad, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                            "%s make no sense at %" PRIu64 " place%s, the first at 0x%" PRIx64,
                            what, gaps->n_bad, plural(gaps->n_bad), gaps->first);
    return ok;
}

const char *kdump_text(struct kdump *k, struct seep_bytes utf16)
{
    seep_buf_reset(&k->text);
    if (!seep_utf16_add(&k->text, seep_utf16_until_nul(utf16)))
        k->n_escaped++;
    if (k->text.failed) {
        (void)kdump_stop(k);
        return "";
    }
    return seep_buf_text(&k->text);
}

static bool is_triage(const struct kdump *k)
{
    return k->header.kind == SEEP_KERNEL_DUMP_TRIAGE;
}

// The memory that the dump holds; what stands in the way is a loss.
static bool open_memory(struct kdump *k)
{
    struct seep_err err = { 0 };
    struct seep_bytes file = k->input->view;
    if (is_triage(k)) {
        k->has_triage = seep_triage_read(file, &k->header, &k->triage, &err);
        k->has_memory = k->has_triage &&
                        seep_triage_memory_open(file, &k->header, &k->triage, &k->memory, &err);
        if (k->has_triage)
            (void)seep_triage_memory_read(file, &k->triage, &k->record);
    } else {
        k->physical = seep_physical_open(file, &k->header, &err);
        k->has_memory =
            k->physical && seep_kernel_memory_open(k->physical, &k->header,
                                                   seep_kernel_paging(k->physical, &k->header),
                                                   k->header.directory_table, &k->memory, &err);
        if (k->has_memory)
            k->memory.invalid_pte_mask = seep_kernel_infer_mask(&k->memory);
    }
    if (k->has_memory) {
        k->memory.n_absent = &k->n_absent;
        k->memory.n_paged_out = &k->n_paged_out;
        return true;
    }
    return seep_sink_lose(k->sink, "no-memory", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT, err.offset,
                          "of a %s dump only the header can be read: %.300s",
                          seep_kernel_dump_kind_name(k->header.kind), err.what);
}

// What symbols say of the mask counts more than what entries show. Bits that no physical address
// has: that much can be asked of it before it is believed.
static void take_pte_mask(struct kdump *k)
{
    uint64_t address = k->kernel.symbols.invalid_pte_mask, mask;
    const uint64_t high = UINT64_C(0x000fff0000000000), ram = k->header.n_pages;
    if (address && k->physical && seep_memory_u64(&k->memory.memory, address, &mask) && mask &&
        (mask & ~high) == 0 && ram <= UINT64_C(1) << 28)
        k->memory.invalid_pte_mask = mask;
}

static bool identify(struct kdump *k)
{
    struct seep_err err = { 0 };
    struct seep_kernel_hints hints = { .header = &k->header, .symbols = k->input->symbols };
    if (!k->has_memory)
        return true;
    if (k->has_triage && k->triage.debugger_data_offset)
        hints.debugger_data = seep_bytes_part(k->input->view, k->triage.debugger_data_offset,
                                              k->triage.debugger_data_bytes);
    if (k->has_triage)
        kdump_kernel_driver(k, &hints);
    if (!seep_kernel_identify(&k->memory.memory, &hints, &k->kernel, &err)) {
        k->sink->error = err;
        return kdump_stop(k);
    }
    take_pte_mask(k);
    return true;
}

static bool push_machine(struct kdump *k)
{
    const struct seep_kernel_dump_header *h = &k->header;
    char version[32];
    struct seep_machine machine = {
        .os = "Windows",
        .n_processors = h->n_processors,
        .boot_ns = h->boot_ns,
        .page_size_bytes = PAGE,
    };
    if (k->kernel.version[0]) {
        machine.os_version = k->kernel.version;
    } else if (h->build >= 10240) {
        (void)snprintf(version, sizeof version, "10.0.%" PRIu32, h->build);
        machine.os_version = version;
    } else if (h->build) {
        // Which 6.x it is, is told by the build.
        (void)snprintf(version, sizeof version, "6.%d.%" PRIu32,
                       h->build >= 9600   ? 3
                       : h->build >= 9200 ? 2
                       : h->build >= 7600 ? 1
                                          : 0,
                       h->build);
        machine.os_version = version;
    }
    if (h->n_pages != SEEP_UNKNOWN_FIELD && h->n_pages <= UINT64_MAX / PAGE)
        machine.ram_bytes = h->n_pages * PAGE;
    return seep_sink_machine(k->sink, &machine, &k->machine);
}

// Why the system stopped: an event with the code as its id.
static bool push_bugcheck(struct kdump *k)
{
    const struct seep_kernel_dump_header *h = &k->header;
    static const char *const names[] = { "parameter1", "parameter2", "parameter3", "parameter4" };
    struct seep_field fields[4] = { 0 };
    char name[24];
    if (h->bugcheck == SEEP_UNKNOWN_FIELD || h->bugcheck == 0 || h->bugcheck > UINT32_MAX)
        return true;
    for (size_t i = 0; i < 4; i++)
        fields[i] = (struct seep_field){ .path = names[i],
                                         .type = SEEP_FIELD_HEX,
                                         .value.uint = h->bugcheck_parameters[i] };
    struct seep_event event = { .machine = k->machine,
                                .time_ns = h->time_ns,
                                .provider = "bugcheck",
                                .id = (uint32_t)h->bugcheck,
                                .offset = SEEP_NO_OFFSET,
                                .fields = fields,
                                .n_fields = 4 };
    (void)snprintf(name, sizeof name, "0x%" PRIX32, (uint32_t)h->bugcheck);
    struct seep_tally tally = {
        .provider = "bugcheck", .name = name, .id = (uint32_t)h->bugcheck, .count = 1
    };
    return seep_sink_event(k->sink, &event) && seep_sink_tally(k->sink, &tally);
}

// What the file should have and has not.
static bool size_losses(struct kdump *k)
{
    const struct seep_kernel_dump_header *h = &k->header;
    uint64_t file = k->input->view.len, wanted = h->required_size;
    uint64_t missing = k->physical ? seep_physical_missing(k->physical) : 0;
    if (k->has_triage)
        wanted = k->triage.size_of_dump;
    if (missing)
        return seep_sink_lose(k->sink, "truncated", missing, SEEP_UNKNOWN_COUNT, file,
                              "%" PRIu64 " of %" PRIu64
                              " pages of memory lie behind the end of the file",
                              missing, missing + seep_physical_n_pages(k->physical));
    // Its blocks may lie behind what a triage dump says its size is.
    missing = k->has_triage && k->has_memory && wanted <= file
                  ? seep_triage_memory_missing(&k->memory)
                  : 0;
    if (missing)
        return seep_sink_lose(
            k->sink, "truncated", SEEP_UNKNOWN_COUNT, missing, file,
            "%" PRIu64 " bytes of the dump's blocks of memory lie behind the end of the file",
            missing);
    if (wanted == SEEP_UNKNOWN_FIELD || wanted <= file)
        return true;
    return seep_sink_lose(k->sink, "truncated", SEEP_UNKNOWN_COUNT, wanted - file, file,
                          "the file has %" PRIu64 " of the %" PRIu64 " bytes that it should have",
                          file, wanted);
}

// A triage dump is not meant to have more than its writer found worth keeping.
static bool kernel_losses(struct kdump *k)
{
    if (!k->has_memory)
        return true;
    if (is_triage(k) &&
        !seep_sink_note(k->sink, "triage-dump", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                        SEEP_NO_OFFSET,
                        "a triage dump holds drivers, one process and what one stack leads to: "
                        "pool tags, the other processes and handles are not in it"))
        return false;
    if (k->kernel.known_by != SEEP_KERNEL_UNKNOWN)
        return true;
    if (is_triage(k))
        return seep_sink_note(k->sink, "unknown-kernel", 1, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                              "%s", k->kernel.why);
    return seep_sink_lose(k->sink, "unknown-kernel", 1, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET, "%s",
                          k->kernel.why);
}

static bool page_notes(struct kdump *k)
{
    bool ok = true;
    if (k->n_paged_out)
        ok =
            seep_sink_note(k->sink, "paged-out", k->n_paged_out, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                           "%" PRIu64 " page%s that were looked for lay in a page "
                           "file",
                           k->n_paged_out, plural(k->n_paged_out));
    if (ok && k->n_absent)
        ok =
            seep_sink_note(k->sink, "absent-pages", k->n_absent, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                           "%" PRIu64 " page%s that were looked for %s not in the dump",
                           k->n_absent, plural(k->n_absent), k->n_absent == 1 ? "is" : "are");
    if (ok && k->n_escaped)
        ok = seep_sink_lose(k->sink, "bad-text", k->n_escaped, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                            "%" PRIu64 " name%s no UTF-16", k->n_escaped,
                            k->n_escaped == 1 ? " is" : "s are");
    return ok;
}

static bool push(struct kdump *k)
{
    return open_memory(k) && identify(k) && push_machine(k) &&
           seep_sink_tick(k->sink, k->machine, k->header.time_ns) && push_bugcheck(k) &&
           kdump_push_modules(k) && kdump_read_pool(k) && kdump_push_processes(k) &&
           kdump_push_vm(k) && kdump_push_pool(k) && size_losses(k) && kernel_losses(k) &&
           page_notes(k);
}

static enum seep_status kernel_dump_read(const struct seep_input *input, struct seep_sink *sink,
                                         const struct seep_control *control, uint64_t *read_bytes,
                                         struct seep_err *err)
{
    struct kdump k = { .input = input, .sink = sink, .control = control };
    enum seep_status status = SEEP_OK;
    *read_bytes = 0;
    if (!seep_kernel_dump_read(input->view, &k.header, err))
        return SEEP_FAILED;
    seep_input_scattered(input, 0, true);
    memset(&k.record, 0xff, sizeof k.record); // SEEP_UNKNOWN_FIELD throughout
    k.zombie_pages = SEEP_UNKNOWN_FIELD;
    if (!push(&k)) {
        status = seep_cancelled(control) && !k.stopped ? SEEP_CANCELLED : SEEP_FAILED;
        if (status == SEEP_FAILED && err)
            *err = sink->error;
    }
    if (status != SEEP_FAILED)
        *read_bytes = input->view.len;
    if (k.has_memory)
        seep_kernel_memory_close(&k.memory);
    seep_physical_close(k.physical);
    kdump_clear_pool(&k);
    seep_buf_clear(&k.text);
    return status;
}

static unsigned kernel_dump_bid(struct seep_bytes file)
{
    enum { MAGIC_BITS = 64 };
    return seep_kernel_dump_is(file) ? MAGIC_BITS : SEEP_BID_NONE;
}

const struct seep_source seep_source_kernel_dump = {
    .name = "kernel-dump",
    .about = "crash dump of the Windows kernel (MEMORY.DMP, minidumps of a bugcheck)",
    .bid = kernel_dump_bid,
    .read = kernel_dump_read,
};
