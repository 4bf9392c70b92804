// SPDX-License-Identifier: MIT
// The facts of a dump, kind by kind.
#include "source/minidump/facts.h"

#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CANCEL_STEP = 4096 }; // facts between two looks at the cancel flag

static bool may_go_on(struct dump_reader *r, uint64_t done)
{
    return done % CANCEL_STEP || !seep_cancelled(r->control);
}

static bool push_sample(struct dump_reader *r, bool of_process, enum seep_metric metric,
                        const char *counter, uint64_t value)
{
    struct seep_series_id id;
    struct seep_series series = {
        .subject = { .kind = of_process ? SEEP_SUBJECT_PROCESS : SEEP_SUBJECT_MACHINE,
                     .machine = r->machine },
        .metric = metric,
        .counter = counter,
    };
    if (of_process)
        series.subject.process = r->process;
    if (value == UINT64_MAX)
        return true;
    return seep_sink_series(r->sink, &series, &id) && seep_sink_sample(r->sink, id, (double)value);
}

// The entries of a list that is whole; UINT64_MAX where it is not, or where there is none.
static uint64_t whole_count(const struct dump_reader *r, uint32_t type)
{
    struct seep_minidump_list list;
    if (!seep_minidump_list(&r->dump, type, &list) || list.n != list.promised || list.n == 0)
        return UINT64_MAX;
    return list.n;
}

bool dump_push_counters(struct dump_reader *r, const struct seep_minidump_system_memory *memory)
{
    struct seep_minidump_vm vm = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
    (void)seep_minidump_vm(&r->dump, &vm);
    if (r->time_ns == SEEP_NO_TIME)
        return true;
    const struct {
        bool of_process;
        enum seep_metric metric;
        const char *counter;
        uint64_t value;
    } rows[] = {
        { true, SEEP_METRIC_PRIVATE_BYTES, "ProcessVmCounters PrivateUsage", vm.private_bytes },
        { true, SEEP_METRIC_VIRTUAL_BYTES, "ProcessVmCounters VirtualSize", vm.virtual_bytes },
        { true, SEEP_METRIC_WORKING_SET_BYTES, "ProcessVmCounters WorkingSetSize",
          vm.working_set_bytes },
        { true, SEEP_METRIC_PAGED_POOL_BYTES, "ProcessVmCounters QuotaPagedPoolUsage",
          vm.paged_pool_bytes },
        { true, SEEP_METRIC_NONPAGED_POOL_BYTES, "ProcessVmCounters QuotaNonPagedPoolUsage",
          vm.nonpaged_pool_bytes },
        { true, SEEP_METRIC_HANDLES, "HandleData", whole_count(r, SEEP_MINIDUMP_HANDLES) },
        { true, SEEP_METRIC_THREADS, "ThreadList", whole_count(r, SEEP_MINIDUMP_THREADS) },
        { false, SEEP_METRIC_AVAILABLE_BYTES, "SystemMemoryInfo AvailablePages",
          memory ? memory->available_bytes : UINT64_MAX },
        { false, SEEP_METRIC_COMMIT_BYTES, "SystemMemoryInfo CommittedPages",
          memory ? memory->commit_bytes : UINT64_MAX },
        { false, SEEP_METRIC_COMMIT_LIMIT_BYTES, "SystemMemoryInfo CommitLimit",
          memory ? memory->commit_limit_bytes : UINT64_MAX },
        { false, SEEP_METRIC_PAGED_POOL_BYTES, "SystemMemoryInfo PagedPoolPages",
          memory ? memory->paged_pool_bytes : UINT64_MAX },
        { false, SEEP_METRIC_NONPAGED_POOL_BYTES, "SystemMemoryInfo NonPagedPoolPages",
          memory ? memory->nonpaged_pool_bytes : UINT64_MAX },
    };
    bool ok = seep_sink_tick(r->sink, r->machine, r->time_ns);
    for (size_t i = 0; ok && i < sizeof rows / sizeof *rows; i++)
        ok = push_sample(r, rows[i].of_process, rows[i].metric, rows[i].counter, rows[i].value);
    return ok;
}

static bool push_module(struct dump_reader *r, const struct seep_minidump_module *m, bool unloaded)
{
    struct seep_buf pdb = { 0 };
    char version[32];
    const char *path = dump_text(r, m->name_rva);
    struct seep_module module = {
        .process = r->process,
        .base = m->base,
        .size_bytes = m->size_bytes,
        .path = path && *path ? path : NULL,
        .identity = { .timestamp = m->timestamp,
                      .size_bytes = m->size_bytes,
                      .checksum = m->checksum },
        .unloaded = unloaded,
    };
    if (module.path)
        module.identity.name = dump_file_name(module.path);
    if (m->has_version) {
        (void)snprintf(version, sizeof version, "%u.%u.%u.%u", m->version[0], m->version[1],
                       m->version[2], m->version[3]);
        module.version = version;
    }
    if (m->codeview_rva && m->codeview_bytes &&
        !seep_bytes_has(r->dump.file, m->codeview_rva, m->codeview_bytes))
        r->doubts.codeview_bad++;
    if (seep_minidump_codeview(&r->dump, m, module.identity.pdb.guid, &module.identity.pdb.age,
                               &pdb))
        module.identity.pdb.name =
            pdb.len && dump_text_budget(r, pdb.len) ? seep_buf_text(&pdb) : NULL;
    bool ok = !pdb.failed && seep_sink_module(r->sink, &module);
    seep_buf_clear(&pdb);
    return ok;
}

bool dump_push_modules(struct dump_reader *r)
{
    struct seep_minidump_list list;
    bool ok = true;
    if (seep_minidump_list(&r->dump, SEEP_MINIDUMP_MODULES, &list)) {
        for (uint64_t i = 0; ok && i < list.n; i++) {
            struct seep_minidump_module m = seep_minidump_module(seep_minidump_entry(&list, i));
            // not what is there twice
            const struct seep_usage_image *image =
                seep_usage_image_at(r->images, r->n_images, m.base);
            if (image && image->base == m.base && image->size_bytes == m.size_bytes &&
                image->index != i)
                continue;
            ok = push_module(r, &m, false) && may_go_on(r, i);
        }
    }
    if (ok && seep_minidump_list(&r->dump, SEEP_MINIDUMP_UNLOADED, &list)) {
        for (uint64_t i = 0; ok && i < list.n; i++) {
            struct seep_minidump_module m = seep_minidump_unloaded(seep_minidump_entry(&list, i));
            ok = push_module(r, &m, true) && may_go_on(r, i);
        }
    }
    return ok;
}

bool dump_push_regions(struct dump_reader *r)
{
    bool ok = true;
    for (size_t i = 0; ok && i < r->usage.regions.n; i++) {
        const struct seep_usage_region *at = &r->usage.regions.at[i];
        struct seep_region region = {
            .process = r->process,
            .base = at->base,
            .size_bytes = at->size_bytes,
            .allocation_base = at->allocation_base,
            .state = (enum seep_region_state)at->state,
            .type = (enum seep_region_type)at->type,
            .usage = (enum seep_region_usage)at->usage,
            .protect = at->protect,
            .detail = at->detail,
        };
        ok = seep_sink_region(r->sink, &region) && may_go_on(r, i);
    }
    return ok;
}

// The types of objects are few and, by some writers, stored once: each is read once.
struct type_cache {
    uint32_t rva[64];
    const char *text[64];
};

static const char *type_text(struct dump_reader *r, struct type_cache *cache, uint32_t rva)
{
    enum { TYPE_NAME = 64 }; // bytes; "EtwConsumer", "IoCompletionReserve"
    unsigned slot = (rva ^ rva >> 6 ^ rva >> 12) % 64;
    if (rva && cache->rva[slot] == rva)
        return cache->text[slot];
    const char *text = dump_text(r, rva);
    if (!text || !*text)
        return NULL;
    size_t len = r->text.len < TYPE_NAME ? r->text.len : TYPE_NAME;
    while (len < r->text.len && len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
        len--; // no half character
    const char *kept = seep_arena_strndup(&r->arena, text, len);
    if (!kept) {
        (void)dump_stop(r);
        return NULL;
    }
    cache->rva[slot] = rva;
    cache->text[slot] = kept;
    return kept;
}

bool dump_push_handles(struct dump_reader *r)
{
    struct seep_minidump_list list;
    struct type_cache types = { 0 };
    bool ok = true;
    if (!seep_minidump_list(&r->dump, SEEP_MINIDUMP_HANDLES, &list))
        return true;
    for (uint64_t i = 0; ok && i < list.n; i++) {
        struct seep_minidump_handle h = seep_minidump_handle(seep_minidump_entry(&list, i));
        const char *type = type_text(r, &types, h.type_rva);
        const char *name = dump_text(r, h.name_rva);
        struct seep_handle handle = {
            .holder = r->process,
            .value = h.value,
            .type = type,
            .name = name && *name ? name : NULL,
            .access = h.access,
            .n_handles = h.n_handles,
            .n_pointers = h.n_pointers,
        };
        ok = !r->stopped && seep_sink_handle(r->sink, &handle) && may_go_on(r, i);
    }
    return ok;
}
