// SPDX-License-Identifier: MIT
// The numbers of a sample by their metrics, the machine.
#include "source/live/columns.h"

#include <string.h>

#define PROCESS(name, metric_)                                                                     \
    {                                                                                              \
        offsetof(struct seep_os_process, name), offsetof(struct seep_os_process_fields, name),     \
            SEEP_METRIC_##metric_                                                                  \
    }
const struct live_column live_process_columns[LIVE_PROCESS_VALUES] = {
    PROCESS(private_bytes, PRIVATE_BYTES),
    PROCESS(virtual_bytes, VIRTUAL_BYTES),
    PROCESS(working_set_bytes, WORKING_SET_BYTES),
    PROCESS(handles, HANDLES),
    PROCESS(threads, THREADS),
    PROCESS(gdi_objects, GDI_OBJECTS),
    PROCESS(user_objects, USER_OBJECTS),
    PROCESS(paged_pool_bytes, PAGED_POOL_BYTES),
    PROCESS(nonpaged_pool_bytes, NONPAGED_POOL_BYTES),
    { offsetof(struct seep_os_process, zombies), offsetof(struct seep_os_process_fields, zombies),
      SEEP_METRIC_ZOMBIES, .from_first_nonzero = true },
};

uint64_t live_number_at(const void *record, size_t at)
{
    uint64_t number;
    memcpy(&number, (const uint8_t *)record + at, sizeof number);
    return number;
}

const char *live_text_at(const void *record, size_t at)
{
    const char *text;
    memcpy(&text, (const uint8_t *)record + at, sizeof text);
    return text;
}

bool live_push_machine(struct seep_sink *sink, const struct seep_os_totals *totals,
                       struct seep_machine_id *id, struct seep_os_machine *os, struct seep_err *err)
{
    struct seep_os_machine m;
    if (!seep_os_machine(&m, err))
        return false;
    struct seep_machine machine = {
        .host = m.host,
        .os = m.os,
        .os_version = m.os_version,
        .ram_bytes = m.ram_bytes,
        .page_size_bytes = m.page_size_bytes,
        .n_processors = m.n_processors,
        .boot_ns = m.boot_ns,
    };
    if (totals->commit_limit_bytes != SEEP_OS_UNKNOWN)
        machine.commit_limit_bytes = totals->commit_limit_bytes;
    if (!seep_sink_machine(sink, &machine, id)) {
        if (err)
            *err = sink->error;
        return false;
    }
    if (os)
        *os = m;
    return true;
}
