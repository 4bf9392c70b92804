// SPDX-License-Identifier: MIT
// The source "minidump": user-mode dumps of Windows, by whomever they were written.
//
// Nothing is read that is not needed: the lists, and of the memory the few pages that say what the
// rest is for. What the formats' writers do is in note.md.
#include "base/alloc.h"
#include "base/time.h"
#include "source/minidump/facts.h"
#include "source/minidump/heaps.h"
#include "source/minidump/threads.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool dump_stop(struct dump_reader *r)
{
    r->stopped = true;
    if (!r->sink->error.what[0])
        (void)seep_fail_memory(&r->sink->error);
    return false;
}

bool dump_text_budget(struct dump_reader *r, size_t len)
{
    if (r->text_budget == 0) {
        r->doubts.over_budget++;
        return false;
    }
    r->text_budget -= len < r->text_budget ? len : r->text_budget;
    return true;
}

const char *dump_text(struct dump_reader *r, uint32_t rva)
{
    if (rva == 0 || !dump_text_budget(r, 0))
        return NULL;
    seep_buf_reset(&r->text);
    if (!seep_minidump_text(&r->dump, rva, &r->text, &r->doubts.escaped)) {
        r->doubts.unnamed++;
        return NULL;
    }
    (void)dump_text_budget(r, r->text.len);
    return seep_buf_text(&r->text);
}

bool dump_ends_with(const char *name, const char *tail)
{
    size_t len = strlen(name), n = strlen(tail);
    if (len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[len - n + i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != tail[i])
            return false;
    }
    return true;
}

static int by_base(const void *left, const void *right)
{
    const struct seep_usage_image *a = left, *b = right;
    if (a->base != b->base)
        return a->base < b->base ? -1 : 1;
    if (a->size_bytes != b->size_bytes)
        return a->size_bytes > b->size_bytes ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

// Of images at one base the largest stays: the list of a WoW64 process has the program twice, once
// from each loader.
static void sort_images(struct dump_reader *r)
{
    size_t n = 0;
    if (r->n_images)
        qsort(r->images, r->n_images, sizeof *r->images, by_base);
    for (size_t i = 0; i < r->n_images; i++) {
        if (n == 0 || r->images[i].base != r->images[n - 1].base)
            r->images[n++] = r->images[i];
    }
    r->n_images = n;
}

// Where the images lie, and whether this is a 32-bit process on a 64-bit Windows: then wow64.dll is
// loaded, or (in a dump that a 32-bit program wrote) ntdll comes from SysWOW64.
static void find_images(struct dump_reader *r, const char **first)
{
    struct seep_minidump_list list;
    if (!seep_minidump_list(&r->dump, SEEP_MINIDUMP_MODULES, &list))
        return;
    for (uint64_t i = 0; i < list.n && !r->stopped; i++) {
        struct seep_minidump_module m = seep_minidump_module(seep_minidump_entry(&list, i));
        const char *path = dump_text(r, m.name_rva);
        const char *kept = path ? seep_arena_strndup(&r->arena, path, r->text.len) : NULL;
        if ((path && !kept) ||
            !seep_grow(&r->images, &r->images_capacity, r->n_images + 1, sizeof *r->images)) {
            (void)dump_stop(r);
            return;
        }
        if (i == 0)
            *first = kept;
        if (kept &&
            (dump_ends_with(kept, "\\wow64.dll") || dump_ends_with(kept, "\\syswow64\\ntdll.dll")))
            r->usage.wow64 = true;
        if (m.size_bytes == 0 || m.size_bytes > UINT64_MAX - m.base)
            r->doubts.images_bad++;
        else
            r->images[r->n_images++] = (struct seep_usage_image){ m.base, m.size_bytes, kept, i };
    }
    sort_images(r);
}

// How wide pointers are where no SystemInfo says it: 8 bytes where something lies above 4 GiB.
static unsigned guess_pointer_bytes(struct dump_reader *r)
{
    for (size_t i = 0; i < r->n_images; i++) {
        if (r->images[i].base > UINT32_MAX)
            return 8;
    }
    return 4;
}

static const char *architecture(const struct dump_reader *r)
{
    if (!r->has_system)
        return NULL;
    switch (r->system.architecture) {
    case SEEP_MINIDUMP_X86:
    case SEEP_MINIDUMP_X86_ON_WIN64:
        return "x86";
    case SEEP_MINIDUMP_AMD64:
        return r->usage.wow64 ? "x86" : "x64";
    case SEEP_MINIDUMP_ARM:
        return "arm";
    case SEEP_MINIDUMP_ARM64:
    case SEEP_MINIDUMP_ARM64_BREAKPAD:
        return r->usage.wow64 ? "x86" : "arm64";
    default:
        return NULL;
    }
}

static bool push_machine(struct dump_reader *r, const struct seep_minidump_system_memory *memory)
{
    char version[48];
    (void)snprintf(version, sizeof version, "%" PRIu32 ".%" PRIu32 ".%" PRIu32, r->system.major,
                   r->system.minor, r->system.build);
    struct seep_machine machine = {
        .os = "Windows",
        .os_version = r->has_system && r->system.major ? version : NULL,
        .n_processors = r->system.n_processors,
        .boot_ns = SEEP_NO_TIME,
    };
    if (memory) {
        machine.page_size_bytes = memory->page_bytes;
        machine.ram_bytes = memory->ram_bytes;
        if (memory->commit_limit_bytes != UINT64_MAX)
            machine.commit_limit_bytes = memory->commit_limit_bytes;
    }
    return seep_sink_machine(r->sink, &machine, &r->machine);
}

const char *dump_file_name(const char *path)
{
    const char *slash = strrchr(path, '\\');
    const char *other = strrchr(path, '/');
    const char *last = slash && (!other || slash > other) ? slash : other;
    return last ? last + 1 : path;
}

static bool push_process(struct dump_reader *r, const char *path)
{
    struct seep_minidump_misc misc = { 0 };
    (void)seep_minidump_misc(&r->dump, &misc);
    const char *image = path ? dump_file_name(path) : NULL;
    struct seep_process process = {
        .machine = r->machine,
        .pid = misc.pid,
        .has_pid = misc.has_pid,
        .start_ns = misc.has_start && misc.start_s
                        ? seep_time_clamp((int64_t)misc.start_s * SEEP_NS_PER_S)
                        : SEEP_NO_TIME,
        .end_ns = SEEP_NO_TIME,
        .architecture = architecture(r),
        .wow64 = r->usage.wow64,
        .image = image && *image ? image : NULL,
    };
    return seep_sink_process(r->sink, &process, &r->process);
}

// One line of `seep facts --events` for each stream.
static bool push_streams(struct dump_reader *r)
{
    for (uint32_t i = 0; i < r->dump.n_streams; i++) {
        struct seep_minidump_stream stream = seep_minidump_stream_at(&r->dump, i);
        const char *known = seep_minidump_type_name(stream.type);
        char name[80];
        if (stream.type == 0) // a place that the writer did not need
            continue;
        (void)snprintf(name, sizeof name, "%s, %" PRIu32 " bytes", known ? known : "unknown",
                       stream.promised_bytes);
        struct seep_tally tally = {
            .provider = "minidump", .name = name, .id = stream.type, .count = 1
        };
        if (!seep_sink_tally(r->sink, &tally))
            return false;
    }
    return true;
}

// What the directory speaks of and the file does not have.
static bool stream_losses(struct dump_reader *r)
{
    uint64_t n = 0, bytes = 0;
    uint32_t offset = 0;
    if (r->dump.n_streams < r->dump.n_promised &&
        !seep_sink_lose(r->sink, "truncated", r->dump.n_promised - r->dump.n_streams,
                        SEEP_UNKNOWN_COUNT, r->dump.directory,
                        "the directory is cut off after %" PRIu32 " of %" PRIu32 " streams",
                        r->dump.n_streams, r->dump.n_promised))
        return false;
    for (uint32_t i = 0; i < r->dump.n_streams; i++) {
        struct seep_minidump_stream s = seep_minidump_stream_at(&r->dump, i);
        if (s.type == 0 || s.bytes.len == s.promised_bytes)
            continue;
        if (!n++)
            offset = s.offset;
        bytes += s.promised_bytes - s.bytes.len;
    }
    return !n || seep_sink_lose(r->sink, "truncated", n, bytes, offset,
                                "%" PRIu64 " of %" PRIu32
                                " streams lie in part or whole behind the end of the file",
                                n, r->dump.n_streams);
}

// The lists whose counts are not what is there. Memory's own losses are told by its index.
static bool list_losses(struct dump_reader *r)
{
    static const uint32_t types[] = {
        SEEP_MINIDUMP_THREADS,  SEEP_MINIDUMP_MODULES,     SEEP_MINIDUMP_MEMORY,
        SEEP_MINIDUMP_MEMORY64, SEEP_MINIDUMP_HANDLES,     SEEP_MINIDUMP_UNLOADED,
        SEEP_MINIDUMP_REGIONS,  SEEP_MINIDUMP_THREAD_INFO, SEEP_MINIDUMP_THREAD_NAMES,
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct seep_minidump_list list;
        const char *name = seep_minidump_type_name(types[i]);
        bool ok = true;
        if (!seep_minidump_list(&r->dump, types[i], &list))
            continue;
        if (list.promised == SEEP_MINIDUMP_BROKEN)
            ok =
                seep_sink_lose(r->sink, "bad-list", SEEP_UNKNOWN_COUNT, list.bytes.len, list.offset,
                               "the stream %s has a header that makes no sense", name);
        else if (list.n < list.promised)
            ok = seep_sink_lose(
                r->sink, "truncated", list.promised - list.n, SEEP_UNKNOWN_COUNT, list.offset,
                "the stream %s has %" PRIu64 " of the %" PRIu64 " entries that it speaks of", name,
                list.n, list.promised);
        if (!ok)
            return false;
    }
    return true;
}

// Streams of one record that are not what they should be.
static bool record_losses(struct dump_reader *r)
{
    enum { KNOWN_REVISIONS = 2 };
    struct seep_minidump_stream stream;
    struct seep_minidump_vm vm;
    uint16_t revision;
    const uint64_t none = SEEP_UNKNOWN_COUNT;
    bool ok = true;
    if (seep_minidump_stream(&r->dump, SEEP_MINIDUMP_SYSTEM, &stream) && !r->has_system)
        ok = seep_sink_lose(r->sink, "bad-record", 1, none, stream.offset,
                            "the stream SystemInfo is too short: what kind of process it is was "
                            "guessed");
    if (!ok || seep_minidump_vm(&r->dump, &vm) ||
        !seep_minidump_stream(&r->dump, SEEP_MINIDUMP_VM_COUNTERS, &stream))
        return ok;
    if (seep_minidump_vm_revision(&r->dump, &revision) &&
        (revision == 0 || revision > KNOWN_REVISIONS))
        return seep_sink_lose(r->sink, "bad-record", 1, none, stream.offset,
                              "the stream ProcessVmCounters is of revision %u, which seep does not "
                              "know",
                              revision);
    return seep_sink_lose(r->sink, "bad-record", 1, none, stream.offset,
                          "the stream ProcessVmCounters is too short");
}

static bool memory_losses(struct dump_reader *r)
{
    const struct seep_minidump_memory *m = &r->memory;
    if (m->n_missing &&
        !seep_sink_lose(r->sink, "truncated", m->n_missing, m->missing_bytes, r->dump.file.len,
                        "%" PRIu64 " of %" PRIu64
                        " ranges of memory lie behind the end of the file",
                        m->n_missing, m->n_ranges))
        return false;
    const struct dump_region_list *g = &r->list;
    return !g->n_bad || seep_sink_lose(r->sink, "bad-record", g->n_bad, SEEP_UNKNOWN_COUNT,
                                       g->first_bad, "%" PRIu64 " entr%s of the list of regions %s",
                                       g->n_bad, g->n_bad == 1 ? "y" : "ies",
                                       g->n_bad == 1 ? "is no region" : "are no regions");
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

// What such a dump does not carry: it is as its writer meant it, but the map has holes.
static bool partial_notes(struct dump_reader *r)
{
    const struct seep_usage_doubts *d = &r->usage.doubts;
    const char *missing = NULL;
    bool ok = true;
    if (r->list.derived)
        ok = seep_sink_note(r->sink, "regions-partial", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET,
                            "the dump has no list of regions: only its modules and the memory that "
                            "it holds are known; reserved, mapped and free memory are not");
    if (!r->usage.peb64 && !r->usage.peb32)
        missing = "the dump does not hold the PEB: heaps cannot be told from other private memory";
    else if (r->usage.wow64 && r->usage.pointer_bytes == 8 && !r->usage.peb32)
        missing = "the dump does not hold the 32-bit PEB: 32-bit heaps cannot be told from other "
                  "private memory";
    if (ok && missing)
        ok = seep_sink_note(r->sink, "usage-partial", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET, "%s", missing);
    if (ok && d->tebs_unread)
        ok = seep_sink_note(r->sink, "usage-partial", d->tebs_unread, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET,
                            "the dump does not hold the TEBs of %" PRIu64
                            " thread%s: of their stacks only what is in the dump is known",
                            d->tebs_unread, plural(d->tebs_unread));
    if (ok && d->heaps_unread)
        ok = seep_sink_note(r->sink, "usage-partial", d->heaps_unread, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET,
                            "the dump does not hold the lists of %" PRIu64
                            " heap%s: further segments and large blocks count as other "
                            "private memory",
                            d->heaps_unread, plural(d->heaps_unread));
    if (ok && d->heaps_foreign)
        ok = seep_sink_note(
            r->sink, "heap-layout", d->heaps_foreign, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
            "%" PRIu64 " heap%s of no layout that seep knows (Wine's, or a program's own): "
            "only the first reservation is known",
            d->heaps_foreign, d->heaps_foreign == 1 ? " is" : "s are");
    return ok;
}

static bool doubt_losses(struct dump_reader *r)
{
    const struct dump_doubts *d = &r->doubts;
    const struct seep_usage_doubts *u = &r->usage.doubts;
    bool ok = partial_notes(r);
    if (ok && u->heaps_bad)
        ok = seep_sink_lose(r->sink, "bad-heap", u->heaps_bad, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                            "the lists of %" PRIu64 " heap%s are damaged (the first: 0x%" PRIx64
                            "): further segments count as other private memory",
                            u->heaps_bad, plural(u->heaps_bad), u->first_bad_heap);
    if (ok && d->images_bad)
        ok = seep_sink_lose(r->sink, "bad-record", d->images_bad, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET, "%" PRIu64 " module%s no size or no place",
                            d->images_bad, d->images_bad == 1 ? " has" : "s have");
    if (ok && d->contexts_bad)
        ok = seep_sink_lose(r->sink, "bad-record", d->contexts_bad, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET,
                            "the registers of %" PRIu64 " thread%s lie outside of the file",
                            d->contexts_bad, plural(d->contexts_bad));
    if (ok && d->codeview_bad)
        ok = seep_sink_lose(r->sink, "bad-record", d->codeview_bad, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET,
                            "the CodeView records of %" PRIu64
                            " module%s lie outside of the file: their symbols cannot be found",
                            d->codeview_bad, plural(d->codeview_bad));
    if (ok && d->unnamed)
        ok = seep_sink_lose(r->sink, "bad-text", d->unnamed, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                            "%" PRIu64 " name%s outside of the file", d->unnamed,
                            d->unnamed == 1 ? " lies" : "s lie");
    if (ok && d->over_budget)
        ok = seep_sink_lose(r->sink, "too-much-text", d->over_budget, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET,
                            "%" PRIu64 " name%s not read: the file uses the same bytes for "
                            "more names than it has room for",
                            d->over_budget, d->over_budget == 1 ? " was" : "s were");
    if (ok && d->escaped)
        ok = seep_sink_note(r->sink, "bad-value", d->escaped, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                            "%" PRIu64 " name%s no UTF-16 and shown escaped", d->escaped,
                            d->escaped == 1 ? " is" : "s are");
    return ok;
}

// Everything in the order that sinks want: whose memory it is, then what is in it.
static bool push_all(struct dump_reader *r, const char *first_image)
{
    struct seep_minidump_system_memory memory;
    bool has_memory = seep_minidump_system_memory(&r->dump, &memory);
    return stream_losses(r) && list_losses(r) && record_losses(r) &&
           push_machine(r, has_memory ? &memory : NULL) && push_process(r, first_image) &&
           push_streams(r) && dump_push_counters(r, has_memory ? &memory : NULL) &&
           dump_push_modules(r) && dump_push_regions(r) && dump_push_handles(r) &&
           dump_push_threads(r) && dump_push_heaps(r) && memory_losses(r) && doubt_losses(r);
}

static bool anything(const struct seep_minidump *dump)
{
    struct seep_minidump_stream stream;
    for (uint32_t i = 0; i < dump->n_streams; i++) {
        stream = seep_minidump_stream_at(dump, i);
        if (stream.type >= SEEP_MINIDUMP_THREADS && stream.type <= SEEP_MINIDUMP_THREAD_NAMES &&
            stream.bytes.len)
            return true;
    }
    return false;
}

// A dump of another system has streams that Breakpad added for it, also where it lacks SystemInfo.
static const char *foreign(const struct dump_reader *r)
{
    enum { LINUX_FIRST = 0x47670003, LINUX_LAST = 0x4767000a };
    struct seep_minidump_stream stream;
    if (r->has_system)
        return seep_minidump_foreign(r->system.platform);
    for (uint32_t type = LINUX_FIRST; type <= LINUX_LAST; type++) {
        if (seep_minidump_stream(&r->dump, type, &stream))
            return "Linux";
    }
    return NULL;
}

static enum seep_status read_dump(struct dump_reader *r, struct seep_err *err)
{
    enum { TEXT_AT_LEAST = 1 << 20 };
    const char *first_image = NULL;
    if (!seep_minidump_open(r->input->view, &r->dump, err))
        return SEEP_FAILED;
    r->has_system = seep_minidump_system(&r->dump, &r->system);
    const char *other = foreign(r);
    if (other) {
        (void)seep_fail(err, SEEP_NO_OFFSET, "seep reads those of Windows",
                        "this is a minidump of %s", other);
        return SEEP_FAILED;
    }
    if (!anything(&r->dump)) {
        (void)seep_fail(err, r->dump.directory, "copy the dump again, or write it again",
                        "none of the minidump's %" PRIu32 " streams can be read",
                        r->dump.n_streams);
        return SEEP_FAILED;
    }
    r->text_budget = TEXT_AT_LEAST + 4 * (uint64_t)r->input->view.len;
    r->time_ns =
        r->dump.time_s ? seep_time_clamp((int64_t)r->dump.time_s * SEEP_NS_PER_S) : SEEP_NO_TIME;
    find_images(r, &first_image);
    r->usage.pointer_bytes = r->has_system ? seep_minidump_pointer_bytes(r->system.architecture)
                                           : guess_pointer_bytes(r);
    if (r->stopped ||
        !seep_minidump_memory_open(&r->dump, r->usage.pointer_bytes, &r->memory, &r->sink->error) ||
        !dump_regions_load(&r->dump, r->images, r->n_images, &r->memory, &r->usage.regions,
                           &r->list))
        (void)dump_stop(r);
    // Of the memory only a page here and there is looked at.
    seep_input_scattered(r->input, r->memory.first_offset, true);
    if (!r->stopped)
        dump_usage(r);
    seep_input_scattered(r->input, r->memory.first_offset, false);
    if (!r->stopped && !push_all(r, first_image))
        (void)dump_stop(r);
    if (!r->stopped)
        return SEEP_OK;
    if (seep_cancelled(r->control))
        return SEEP_CANCELLED;
    if (err)
        *err = r->sink->error;
    return SEEP_FAILED;
}

static enum seep_status minidump_read(const struct seep_input *input, struct seep_sink *sink,
                                      const struct seep_control *control, uint64_t *read_bytes,
                                      struct seep_err *err)
{
    struct dump_reader r = { .input = input, .sink = sink, .control = control };
    enum seep_status status = read_dump(&r, err);
    *read_bytes = status == SEEP_OK ? input->view.len : 0;
    seep_free(r.images);
    seep_usage_clear(&r.usage);
    seep_free(r.threads);
    seep_free(r.symbols);
    seep_minidump_memory_close(&r.memory);
    seep_buf_clear(&r.text);
    seep_arena_clear(&r.arena);
    return status;
}

static unsigned minidump_bid(struct seep_bytes file)
{
    enum { MAGIC_BITS = 32, VERSION_BITS = 16 };
    if (!seep_minidump_is(file))
        return SEEP_BID_NONE;
    return MAGIC_BITS + (seep_bytes_match(file, 4, "\x93\xa7", 2) ? VERSION_BITS : 0);
}

const struct seep_source seep_source_minidump = {
    .name = "minidump",
    .about = "user-mode dump of Windows (.dmp, .mdmp)",
    .bid = minidump_bid,
    .read = minidump_read,
};
