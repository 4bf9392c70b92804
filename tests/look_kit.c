// SPDX-License-Identifier: MIT
// Datasets of looks at a machine, made by hand.
#include "look_kit.h"

#include "base/time.h"
#include "detect/pool.h"

#include <math.h>
#include <string.h>

#define NOON INT64_C(1772366400000000000) // 2026-03-01T12:00:00Z
#define HOUR (3600 * SEEP_NS_PER_S)
#define KB ((uint64_t)1024)
#define MB (KB * KB)
#define GB (KB * MB)
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define HOSTILE "\033[31m\xe2\x80\xae\xff\"x"

static const struct seep_loss losses[] = {
    { "pages-missing", 7, SEEP_UNKNOWN_COUNT, 0x2000, "7 pages are not in the dump", false },
};

static const struct seep_loss notes[] = {
    { "no-zone", 1, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET, "the log names no time zone", true },
};

static const struct seep_dataset_source sources[] = {
    { "monday.log", "poolmon", 4096, 4096, { [SEEP_FACT_POOL_TAG] = 4 }, notes, COUNT(notes) },
    { "MEMORY.DMP",
      "kernel-dump",
      8 * GB,
      8 * GB,
      { [SEEP_FACT_POOL_TAG] = 5, [SEEP_FACT_VM] = 1, [SEEP_FACT_ZOMBIE] = 6 },
      losses,
      COUNT(losses) },
};

static const struct seep_machine machines[] = {
    { .host = "SRV01",
      .os = "Windows",
      .os_version = "10.0.20348",
      .ram_bytes = 16 * GB,
      .page_size_bytes = 4096,
      .boot_ns = NOON - 100 * HOUR },
};

static const struct seep_machine hostile_machines[] = { { .host = HOSTILE,
                                                          .boot_ns = SEEP_NO_TIME } };

#define DEAD(id_, image_)                                                                          \
    {                                                                                              \
        .machine = { 1 }, .pid = id_, .has_pid = true, .start_ns = NOON - 9 * HOUR,                \
        .end_ns = NOON - 8 * HOUR, .image = image_                                                 \
    }
#define ALIVE(id_, image_)                                                                         \
    {                                                                                              \
        .machine = { 1 }, .pid = id_, .has_pid = true, .start_ns = NOON - 90 * HOUR,               \
        .end_ns = SEEP_NO_TIME, .image = image_                                                    \
    }

static const struct seep_process processes[] = {
    ALIVE(4, "System"),       ALIVE(1234, "svc.exe"), ALIVE(888, "other.exe"),
    DEAD(60004, "cl.exe"),    DEAD(60000, "cl.exe"),  DEAD(60008, "link.exe"),
    DEAD(60012, "agent.exe"), DEAD(60016, NULL),      DEAD(60020, "lost.exe"),
};

static const struct seep_process hostile_processes[] = { ALIVE(7, HOSTILE), DEAD(8, HOSTILE) };

#define TAG(look_, tag_, paged_, allocs_, frees_, bytes_, session_, mapped_)                       \
    {                                                                                              \
        .tag = { .machine = { 1 },                                                                 \
                 .tag = tag_,                                                                      \
                 .paged = paged_,                                                                  \
                 .allocs = allocs_,                                                                \
                 .frees = frees_,                                                                  \
                 .bytes = bytes_,                                                                  \
                 .wraps = true,                                                                    \
                 .session = session_,                                                              \
                 .mapped_driver = mapped_ },                                                       \
        .source = { look_ }, .taken_ns = look_ == 1 ? NOON - 10 * HOUR : NOON, .look = look_       \
    }
#define NO_SESSION SEEP_NO_SESSION

static const struct seep_dataset_pool_tag tags[] = {
    TAG(1, "File", false, 4294967290u, 4294960000u, 2 * MB, NO_SESSION, "nt!io - File objects"),
    TAG(1, "MmSt", true, 1000, 400, 300 * MB, NO_SESSION, "nt!mm - Mm section object prototype"),
    TAG(1, "WCsc", true, 1000, 0, 1 * MB, NO_SESSION, NULL),
    TAG(1, "Once", true, 10, 10, 0, NO_SESSION, NULL),
    // The counts of File have wrapped.
    TAG(2, "File", false, 50000, 500, 20 * MB, NO_SESSION, "nt!io - File objects"),
    TAG(2, "Gh05", true, 20, 10, 640 * KB, 1, NULL),
    TAG(2, "MmSt", true, 1100, 500, 300 * MB, NO_SESSION, "nt!mm - Mm section object prototype"),
    TAG(2, "Once", true, 10, 10, 0, NO_SESSION, NULL),
    TAG(2, "WCsc", true, 51000, 0, 51 * MB, NO_SESSION, NULL),
};

static const struct seep_dataset_pool_tag one_tags[] = {
    TAG(2, "AGP", false, SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT, 344, NO_SESSION, NULL),
    TAG(2, "Thre", false, 12, 2, SEEP_UNKNOWN_COUNT, NO_SESSION, "nt!ps"),
};

static const struct seep_dataset_pool_tag hostile_tags[] = {
    TAG(2, "a\033b\"", true, 1, 0, 64, NO_SESSION, HOSTILE " - " HOSTILE),
};

static const struct seep_dataset_site sites[] = {
    { .site = { .kind = SEEP_SITE_POOL,
                .tag = "WCsc",
                .paged = true,
                .allocs = 900,
                .outstanding_count = 900,
                .outstanding_bytes = 1 * MB,
                .oldest_ns = SEEP_NO_TIME } },
    { .site = { .kind = SEEP_SITE_HEAP, .outstanding_bytes = GB, .oldest_ns = SEEP_NO_TIME } },
    { .site = { .kind = SEEP_SITE_POOL,
                .tag = "WCsc",
                .paged = true,
                .allocs = 40000,
                .frees = 100,
                .outstanding_count = 39900,
                .outstanding_bytes = 40 * MB,
                .oldest_ns = SEEP_NO_TIME } },
    { .site = { .kind = SEEP_SITE_POOL,
                .tag = "File",
                .paged = false,
                .allocs = 10,
                .outstanding_count = 10,
                .outstanding_bytes = 4 * KB,
                .oldest_ns = SEEP_NO_TIME } },
};

static bool blame(void *ctx, size_t index, struct seep_buf *function, struct seep_buf *stack)
{
    (void)ctx;
    if (index == 0)
        return false;
    seep_buf_addf(function, "wcifs.sys!WcAllocate%d", (int)index);
    seep_buf_addf(stack, "wcifs.sys!WcAllocate%d < wcifs.sys!WcPostCreate < nt!IofCallDriver",
                  (int)index);
    return true;
}

static const struct seep_tag_owner wcifs[] = {
    { .name = "wcifs.sys",
      .version = "10.0.20348.1",
      .company = "Contoso",
      .path = "drivers/wcifs.sys",
      .evidence = "operand before 3 calls of ExAllocatePoolWithTag, first at 0x140001234",
      .how = SEEP_OWNER_IMPORT,
      .confidence = 0.95 },
    { .name = "other.sys", .how = SEEP_OWNER_SCAN, .confidence = 0.2 },
};
static const struct seep_tag_owners wcifs_owners = { wcifs, COUNT(wcifs), "Windows Container FS" };
static const struct seep_tag_owner hostile_owner[] = {
    { .name = HOSTILE, .company = HOSTILE, .how = SEEP_OWNER_SCAN, .confidence = 0.1 },
};
static const struct seep_tag_owners hostile_owners = { hostile_owner, 1, HOSTILE };

static const struct seep_tag_owners *owners(void *ctx, const char *tag)
{
    if (ctx)
        return &hostile_owners;
    return strcmp(tag, "WCsc") == 0 ? &wcifs_owners : NULL;
}

static const struct seep_pool_member members[] = { { "WCsc", 1 }, { "File", 0.987 } };
static const struct seep_pool_cluster clusters[] = {
    { .machine = { 1 },
      .source = "WCsc",
      .members = members,
      .n_members = COUNT(members),
      .verdict = SEEP_VERDICT_LEAKING,
      .finding = "driver/WCsc" },
};

static const struct seep_evidence evidence[] = {
    { "none of 51000 allocations was freed", { 2 }, SEEP_NO_OFFSET, SEEP_NO_TIME },
};
static const char *const caveats[] = { "two looks only" };
static const char *const next[] = { "seep stacks pool.etl --kind pool" };

static struct seep_finding findings[] = {
    { .id = "driver/WCsc",
      .class_ = SEEP_CLASS_DRIVER,
      .verdict = SEEP_VERDICT_LEAKING,
      .subject = SEEP_SUBJECT_DRIVER,
      .name = "wcifs.sys",
      .tag = "WCsc",
      .driver = "wcifs.sys",
      .start_ns = SEEP_NO_TIME,
      .machine = { 1 },
      .metric = SEEP_METRIC_PAGED_POOL_BYTES,
      .rate = { true, 1456, 1400, 1500 },
      .since_ns = SEEP_NO_TIME,
      .evidence = evidence,
      .n_evidence = COUNT(evidence),
      .caveats = caveats,
      .n_caveats = COUNT(caveats),
      .next = next,
      .n_next = COUNT(next) },
    { .id = "process-zombies/svc.exe:1234",
      .class_ = SEEP_CLASS_PROCESS_ZOMBIES,
      .verdict = SEEP_VERDICT_SUSPECT,
      .subject = SEEP_SUBJECT_PROCESS,
      .name = "svc.exe",
      .pid = 1234,
      .has_pid = true,
      .start_ns = SEEP_NO_TIME,
      .machine = { 1 },
      .metric = SEEP_METRIC_ZOMBIES,
      .since_ns = SEEP_NO_TIME,
      .gist = "holds 3 dead processes",
      .evidence = evidence,
      .n_evidence = COUNT(evidence) },
    { .id = "paged-pool/machine",
      .class_ = SEEP_CLASS_PAGED_POOL,
      .verdict = SEEP_VERDICT_SUSPECT,
      .subject = SEEP_SUBJECT_MACHINE,
      .start_ns = SEEP_NO_TIME,
      .machine = { 1 },
      .metric = SEEP_METRIC_PAGED_POOL_BYTES,
      .rate = { true, 2048, 2000, 2100 },
      .since_ns = SEEP_NO_TIME },
};

#define VM(...)                                                                                    \
    {                                                                                              \
        .vm = { .machine = { 1 }, .bytes = { __VA_ARGS__ } }, .source = { 2 }, .taken_ns = NOON    \
    }
#define U SEEP_UNKNOWN_COUNT

static const struct seep_dataset_vm vms[] = {
    VM(16 * GB, 2 * GB, 10 * GB, 12 * GB, 24 * GB, U, 20 * GB, 900 * MB, 1 * GB, 500 * MB, 12 * GB,
       8 * GB, 1 * GB, 100 * MB, 200 * MB, 64 * MB, U),
};
static const struct seep_dataset_vm one_vms[] = {
    VM(U, U, U, 2 * GB, U, U, U, U, U, U, U, U, U, U, U, U, U),
};

#define ZOMBIE(process_, handles_, found_, commit_)                                                \
    {                                                                                              \
        .zombie = { .process = { process_ },                                                       \
                    .n_handles = handles_,                                                         \
                    .n_found = found_,                                                             \
                    .n_pointers = 3,                                                               \
                    .n_unexplained = 1,                                                            \
                    .commit_bytes = commit_ },                                                     \
        .source = { 2 }, .taken_ns = NOON                                                          \
    }

static const struct seep_dataset_zombie zombies[] = {
    ZOMBIE(4, 1, 1, 80 * KB), ZOMBIE(5, 2, 2, 80 * KB), ZOMBIE(6, 1, 1, 80 * KB),
    ZOMBIE(7, 0, 0, 80 * KB), ZOMBIE(8, 0, 0, 80 * KB), ZOMBIE(9, 1, 0, 80 * KB),
};
static const struct seep_dataset_zombie one_zombies[] = { ZOMBIE(4, U, U, U) };
static const struct seep_dataset_zombie hostile_zombies[] = { ZOMBIE(2, 1, 1, U) };

static const struct seep_dataset_hold holds[] = {
    { { 2 }, { 4 }, { 2 }, 1 },
    { { 2 }, { 5 }, { 2 }, 1 },
    { { 2 }, { 6 }, { 2 }, 1 },
    { { 3 }, { 5 }, { 2 }, 1 },
};
static const struct seep_dataset_hold hostile_holds[] = { { { 1 }, { 2 }, { 2 }, 1 } };

static const struct seep_dataset_series series[] = {
    { .series = { { SEEP_SUBJECT_PROCESS, { 1 }, { 2 }, NULL }, SEEP_METRIC_PRIVATE_BYTES, NULL },
      .n_points = 1,
      .first_ns = NOON,
      .last_ns = NOON },
    { .series = { { SEEP_SUBJECT_PROCESS, { 1 }, { 3 }, NULL }, SEEP_METRIC_PRIVATE_BYTES, NULL },
      .n_points = 1,
      .first_ns = NOON,
      .last_ns = NOON },
    { .series = { { SEEP_SUBJECT_PROCESS, { 1 }, { 2 }, NULL }, SEEP_METRIC_HANDLES, NULL },
      .n_points = 1,
      .first_ns = NOON,
      .last_ns = NOON },
    // It has ended before the look: what it had counts no longer.
    { .series = { { SEEP_SUBJECT_PROCESS, { 1 }, { 4 }, NULL }, SEEP_METRIC_PRIVATE_BYTES, NULL },
      .n_points = 1,
      .first_ns = NOON - 9 * HOUR,
      .last_ns = NOON - 9 * HOUR },
};

static bool points(void *ctx, size_t index, struct seep_points *out, struct seep_err *err)
{
    static const double values[] = { 300e6, 500e6, 12000, 900e6 };
    (void)ctx;
    (void)err;
    out->count = 0;
    return seep_points_add(out, NOON, values[index]);
}

static struct look_case cases[] = {
    { .name = "full",
      .data = { .sources = sources,
                .n_sources = COUNT(sources),
                .machines = machines,
                .n_machines = COUNT(machines),
                .processes = processes,
                .n_processes = COUNT(processes),
                .series = series,
                .n_series = COUNT(series),
                .points = points,
                .sites = sites,
                .n_sites = COUNT(sites),
                .blame = blame,
                .pool_tags = tags,
                .n_pool_tags = COUNT(tags),
                .vms = vms,
                .n_vms = COUNT(vms),
                .zombies = zombies,
                .n_zombies = COUNT(zombies),
                .holds = holds,
                .n_holds = COUNT(holds),
                .owners = owners },
      .judgement = { .verdict = SEEP_VERDICT_LEAKING,
                     .findings = findings,
                     .n_findings = COUNT(findings),
                     .start_ns = SEEP_NO_TIME,
                     .end_ns = SEEP_NO_TIME,
                     .clusters = clusters,
                     .n_clusters = COUNT(clusters) } },
    { .name = "one",
      .data = { .sources = sources + 1,
                .n_sources = 1,
                .machines = machines,
                .n_machines = COUNT(machines),
                .processes = processes,
                .n_processes = COUNT(processes),
                .pool_tags = one_tags,
                .n_pool_tags = COUNT(one_tags),
                .vms = one_vms,
                .n_vms = COUNT(one_vms),
                .zombies = one_zombies,
                .n_zombies = COUNT(one_zombies) } },
    { .name = "empty" },
    { .name = "hostile",
      .data = { .sources = sources + 1,
                .n_sources = 1,
                .machines = hostile_machines,
                .n_machines = COUNT(hostile_machines),
                .processes = hostile_processes,
                .n_processes = COUNT(hostile_processes),
                .pool_tags = hostile_tags,
                .n_pool_tags = COUNT(hostile_tags),
                .vms = one_vms,
                .n_vms = COUNT(one_vms),
                .zombies = hostile_zombies,
                .n_zombies = COUNT(hostile_zombies),
                .holds = hostile_holds,
                .n_holds = COUNT(hostile_holds),
                .owners = owners,
                .owners_ctx = cases } },
};

const struct look_case *look_case_find(const char *name)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    }
    return NULL;
}
