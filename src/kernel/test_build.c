// SPDX-License-Identifier: MIT
// A kernel in memory: members where the era's layout has them, everything else zero.
#include "kernel/test_build.h"

#include <string.h>

enum {
    PAGE = 4096,
    IMAGE_BYTES = 0x10000,
    // Variables, by their distance from the image's base. ExPoolTagTables has room for 32.
    AT_POOL_TABLE = 0x100,
    AT_TAG_TABLES = 0x200,
    AT_MASK = 0x300,
    AT_SESSION_TABLE = 0x310,
    AT_SESSION_SIZE = 0x320,
    AT_EXPANSION = 0x330,
    AT_EXPANSION_SIZE = 0x340,
    AT_POOL_SIZE = 0x350,
    AT_PROCESSES = 0x400,
    AT_IDS = 0x420,
    AT_TABLES = 0x440,
    AT_COOKIE = 0x460,
    AT_COUNTERS = 0x500,
    AT_PARTITION = 0x1000,
};

#define NONE SEEP_KERNEL_NO_OFFSET

// Tracker entries: key, then nonpaged and paged bytes, allocs, frees.
#define TRACKER_28                                                                                 \
    {                                                                                              \
        0x28, 0, 0x10, 4, 8, 0x20, 0x18, 0x1c, 4, 8                                                \
    }
#define TRACKER_38                                                                                 \
    {                                                                                              \
        0x38, 0, 8, 0x10, 0x18, 0x20, 0x28, 0x30, 8, 8                                             \
    }
#define TRACKER_50                                                                                 \
    {                                                                                              \
        0x50, 0, 8, 0x10, 0x18, 0x20, 0x28, 0x30, 8, 8                                             \
    }
#define TRACKER_1C                                                                                 \
    {                                                                                              \
        0x1c, 0, 0xc, 4, 8, 0x18, 0x10, 0x14, 4, 4                                                 \
    }
#define TRACKER_30                                                                                 \
    {                                                                                              \
        0x30, 0, 4, 8, 0x10, 0x18, 0x20, 0x28, 8, 4                                                \
    }
#define TRACKER_40                                                                                 \
    {                                                                                              \
        0x40, 0, 4, 8, 0x10, 0x18, 0x20, 0x28, 8, 4                                                \
    }
#define HEADER_64                                                                                  \
    {                                                                                              \
        0x38, 0, 8, 0x18, 0x1a                                                                     \
    }
#define HEADER_32                                                                                  \
    {                                                                                              \
        0x20, 0, 4, 0xc, 0xe                                                                       \
    }
#define TABLE_7                                                                                    \
    {                                                                                              \
        0, 8, 0x10, 0x20, 0x58                                                                     \
    }
#define TABLE_8_1                                                                                  \
    {                                                                                              \
        8, 0x10, 0x28, 0x18, NONE                                                                  \
    }
#define TABLE_7_32                                                                                 \
    {                                                                                              \
        0, 4, 8, 0x10, 0x30                                                                        \
    }
#define TABLE_8_1_32                                                                               \
    {                                                                                              \
        8, 0xc, 0x18, 0x10, NONE                                                                   \
    }
#define NO_PARTITION                                                                               \
    {                                                                                              \
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE                                 \
    }
#define PARTITION(vp, limit, commit)                                                               \
    {                                                                                              \
        (vp) + 552, (vp) + (limit), (vp) + 192, (vp) + 256, (vp) + 16, (commit), (vp) + 712, NONE, \
            NONE, (commit) + 8                                                                     \
    }

// Order of members: see struct seep_kernel_layout.
static const struct kit_era eras[KIT_N_ERAS] = {
    { "7601",
      7601,
      8,
      KIT_ENTRIES_PLAIN,
      false,
      false,
      { 8,
        TRACKER_28,
        { 0x28, 392, 384, 656, 512, 736, 360, 368, 440, 472, 1096, 776, 808, 824, 1092, 728 },
        { 0x210, 0x428, 0x360, 0x368 },
        TABLE_7,
        HEADER_64,
        false,
        false,
        NO_PARTITION } },
    { "9600",
      9600,
      8,
      KIT_ENTRIES_COUNTED,
      false,
      false,
      { 8,
        TRACKER_28,
        { 0x28, 744, 736, 992, 1032, 1080, 760, 1600, 1232, 920, 1496, 1136, 1152, 1000, 1488,
          1008 },
        { 0x220, 0x698, 0x5d0, 0x5d8 },
        TABLE_8_1,
        HEADER_64,
        true,
        false,
        NO_PARTITION } },
    { "14393",
      14393,
      8,
      KIT_ENTRIES_COUNTED,
      true,
      true,
      { 8,
        TRACKER_28,
        { 0x28, 752, 744, 992, 1048, 1104, 768, 1680, 1264, 920, 1576, 1160, 1176, 1016, 1568,
          1024 },
        { 0x220, 0x690, 0x5c8, 0x5d0 },
        TABLE_8_1,
        HEADER_64,
        true,
        true,
        PARTITION(6272, 1064, 5600) } },
    { "17763",
      17763,
      8,
      KIT_ENTRIES_COUNTED,
      true,
      true,
      { 8,
        TRACKER_38,
        { 0x28, 744, 736, 992, 1048, 1104, 760, 1680, 1264, 920, 1576, 1160, 1176, 1016, 1568,
          1024 },
        { 0x220, 0x6b0, 0x5e8, 0x5f0 },
        TABLE_8_1,
        HEADER_64,
        true,
        true,
        PARTITION(7104, 680, 6400) } },
    { "19041",
      19041,
      8,
      KIT_ENTRIES_COUNTED,
      true,
      true,
      { 8,
        TRACKER_38,
        { 0x28, 1096, 1088, 1344, 1392, 1448, 1128, 2112, 1608, 1272, 2008, 1504, 1520, 1360, 2004,
          1368 },
        { 0x220, 0x4e8, 0x430, 0x438 },
        TABLE_8_1,
        HEADER_64,
        true,
        true,
        PARTITION(6912, 680, 6208) } },
    { "20348",
      20348,
      8,
      KIT_ENTRIES_COUNTED,
      true,
      true,
      { 8,
        TRACKER_50,
        { 0x28, 1096, 1088, 1344, 1392, 1448, 1128, 2112, 1608, 1272, 2008, 1504, 1520, 1360, 2004,
          1368 },
        { 0x220, 0x4e8, 0x430, 0x438 },
        TABLE_8_1,
        HEADER_64,
        true,
        true,
        PARTITION(16704, 792, 16000) } },
    { "7601-x86",
      7601,
      4,
      KIT_ENTRIES_PLAIN,
      false,
      false,
      { 4,
        TRACKER_1C,
        { 0x18, 0xb8, 0xb4, 0x140, 0xf4, 0x16c, 0xa0, 0xa8, 0xd4, 0xe4, 0x278, 0x188, 0x198, 0x1a8,
          0x274, 0x168 },
        { 0x150, 0x268, 0x200, 0x208 },
        TABLE_7_32,
        HEADER_32,
        false,
        false,
        NO_PARTITION } },
    { "17763-x86",
      17763,
      4,
      KIT_ENTRIES_COUNTED,
      false,
      true,
      { 4,
        TRACKER_30,
        { 0x18, 0xb8, 0xb4, 0x148, 0x14c, 0x17c, 0xc8, 0x2f0, 0x1dc, 0x108, 0x2cc, 0x19c, 0x1ac,
          0x140, 0x2c8, 0x144 },
        { 0x150, 0x3a0, 0x350, 0x358 },
        TABLE_8_1_32,
        HEADER_32,
        true,
        true,
        NO_PARTITION } },
};

const struct kit_era *kit_era(size_t i)
{
    return &eras[i];
}

const struct kit_era *kit_era_named(const char *name)
{
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        if (strcmp(eras[i].name, name) == 0)
            return &eras[i];
    }
    fail_msg("no era %s", name);
    return NULL;
}

static struct seep_bytes paged_span(const struct seep_memory *memory, uint64_t address)
{
    const struct kit_kernel *k =
        (const struct kit_kernel *)((const uint8_t *)memory - offsetof(struct kit_kernel, paged));
    struct seep_bytes piece = k->m.memory.span(&k->m.memory, address);
    size_t left = PAGE - (size_t)(address % PAGE);
    return seep_bytes_part(piece, 0, left);
}

static bool paged_next(const struct seep_memory *memory, uint64_t address, uint64_t *held)
{
    const struct kit_kernel *k =
        (const struct kit_kernel *)((const uint8_t *)memory - offsetof(struct kit_kernel, paged));
    return k->m.memory.next(&k->m.memory, address, held);
}

void kit_pointer(struct kit_kernel *k, uint64_t address, uint64_t value)
{
    kit_put(&k->m, address, k->era->pointer, value);
}

uint64_t kit_number(struct kit_kernel *k, uint64_t address, unsigned bytes)
{
    const uint8_t *p = kit_memory_at(&k->m, address);
    uint64_t value = 0;
    for (unsigned i = bytes; i-- > 0;)
        value = value << 8 | p[i];
    return value;
}

static void list_init(struct kit_kernel *k, uint64_t head)
{
    kit_pointer(k, head, head);
    kit_pointer(k, head + k->era->pointer, head);
}

static void list_append(struct kit_kernel *k, uint64_t head, uint64_t links)
{
    unsigned pointer = k->era->pointer;
    uint64_t last = kit_number(k, head + pointer, pointer);
    kit_pointer(k, links, head);
    kit_pointer(k, links + pointer, last);
    kit_pointer(k, last, links);
    kit_pointer(k, head + pointer, links);
}

static void set_symbols(struct kit_kernel *k)
{
    struct seep_kernel_symbols *s = &k->kernel.symbols;
    uint64_t image = k->image;
    s->pool_track_table = image + AT_POOL_TABLE;
    s->pool_track_table_size = image + AT_POOL_SIZE;
    s->pool_track_table_expansion = image + AT_EXPANSION;
    s->pool_track_table_expansion_size = image + AT_EXPANSION_SIZE;
    s->pool_tag_tables = image + AT_TAG_TABLES;
    s->active_processes = image + AT_PROCESSES;
    s->cid_table = image + AT_IDS;
    s->handle_table_list = image + AT_TABLES;
    if (k->era->encoded_types) {
        s->object_header_cookie = image + AT_COOKIE;
        kit_put(&k->m, s->object_header_cookie, 1, KIT_COOKIE);
    }
    kit_put(&k->m, image + AT_MASK, k->era->pointer, 0xfff); // PoolTrackTableMask, as it happens
    list_init(k, s->active_processes);
    list_init(k, s->handle_table_list);
    if (k->era->partition) {
        s->system_partition = image + AT_PARTITION;
        return;
    }
    uint64_t *counters[] = { &s->n_physical_pages,     &s->available_pages,
                             &s->committed_pages,      &s->commit_limit,
                             &s->peak_commitment,      &s->nonpaged_pool_pages,
                             &s->paged_pool_pages,     &s->shared_commit,
                             &s->driver_commit,        &s->process_commit,
                             &s->paged_pool_size,      &s->maximum_nonpaged_pool,
                             &s->commit_limit_maximum, &s->resident_available_pages };
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        *counters[i] = image + AT_COUNTERS + 8 * i;
}

void kit_kernel_init(struct kit_kernel *k, const struct kit_era *era, size_t pool_bytes)
{
    memset(k, 0, sizeof *k);
    k->era = era;
    kit_memory_init(&k->m, era->pointer);
    k->image = era->pointer == 8 ? UINT64_C(0xfffff80312200000) : 0x82800000;
    k->pool = era->pointer == 8 ? UINT64_C(0xffffa50bd1c00000) : 0x85000000;
    k->pool_end = k->pool + pool_bytes;
    k->next = k->pool;
    kit_memory_add(&k->m, k->image, IMAGE_BYTES);
    kit_memory_add(&k->m, k->pool, pool_bytes);
    k->paged = (struct seep_memory){ .span = paged_span,
                                     .next = paged_next,
                                     .pointer_bytes = (uint8_t)era->pointer };
    k->kernel = (struct seep_kernel){ .memory = &k->paged,
                                      .base = k->image,
                                      .size_bytes = IMAGE_BYTES,
                                      .machine = era->pointer == 8 ? 0x8664 : 0x14c,
                                      .build = era->build,
                                      .known_by = SEEP_KERNEL_BY_TABLE,
                                      .layout = era->layout };
    set_symbols(k);
}

void kit_kernel_clear(struct kit_kernel *k)
{
    kit_memory_clear(&k->m);
}

uint64_t kit_alloc(struct kit_kernel *k, size_t len, size_t align)
{
    uint64_t at = (k->next + align - 1) / align * align;
    if (at > k->pool_end || len > k->pool_end - at)
        fail_msg("the kit's pool is full");
    k->next = at + len;
    return at;
}

uint64_t kit_trackers(struct kit_kernel *k, uint64_t n)
{
    return kit_alloc(k, (size_t)n * k->era->layout.tracker.size, 16);
}

void kit_track(struct kit_kernel *k, uint64_t table, uint64_t i, const struct kit_tracked *t)
{
    const struct seep_kernel_layout *l = &k->era->layout;
    uint64_t at = table + i * l->tracker.size;
    unsigned count = l->tracker.count_bytes, bytes = l->tracker.size_bytes;
    for (unsigned c = 0; c < 4; c++)
        kit_put(&k->m, at + l->tracker.key + c, 1, (uint8_t)t->tag[c]);
    kit_put(&k->m, at + l->tracker.nonpaged_allocs, count, (uint64_t)t->nonpaged_allocs);
    kit_put(&k->m, at + l->tracker.nonpaged_frees, count, (uint64_t)t->nonpaged_frees);
    kit_put(&k->m, at + l->tracker.nonpaged_bytes, bytes, (uint64_t)t->nonpaged_bytes);
    kit_put(&k->m, at + l->tracker.paged_allocs, count, (uint64_t)t->paged_allocs);
    kit_put(&k->m, at + l->tracker.paged_frees, count, (uint64_t)t->paged_frees);
    kit_put(&k->m, at + l->tracker.paged_bytes, bytes, (uint64_t)t->paged_bytes);
}

void kit_set_pool_table(struct kit_kernel *k, uint64_t table, uint64_t n)
{
    kit_pointer(k, k->kernel.symbols.pool_track_table, table);
    kit_pointer(k, k->kernel.symbols.pool_track_table_size, n);
}

void kit_set_processor_table(struct kit_kernel *k, unsigned processor, uint64_t table)
{
    kit_pointer(k, k->kernel.symbols.pool_tag_tables + processor * k->era->pointer, table);
}

uint64_t kit_header(const struct kit_kernel *k, uint64_t object)
{
    return object - (k->era->layout.object_header.size - 8);
}

// An object of `len` bytes: its header counts nothing yet.
static uint64_t object(struct kit_kernel *k, unsigned type, size_t len)
{
    const struct seep_kernel_layout *l = &k->era->layout;
    size_t before = l->object_header.size - 8;
    uint64_t header = kit_alloc(k, before + len, 16);
    uint8_t stored = (uint8_t)type;
    if (k->era->encoded_types)
        stored = (uint8_t)(type ^ KIT_COOKIE ^ (header >> 8));
    kit_put(&k->m, header + l->object_header.type_index, 1, stored);
    return header + before;
}

void kit_reference(struct kit_kernel *k, uint64_t object, int64_t n)
{
    uint64_t at = kit_header(k, object) + k->era->layout.object_header.pointer_count;
    kit_pointer(k, at, kit_number(k, at, k->era->pointer) + (uint64_t)n);
}

uint64_t kit_process(struct kit_kernel *k, uint32_t pid, const char *image, uint64_t exited)
{
    const struct seep_kernel_layout *l = &k->era->layout;
    uint64_t p = object(k, KIT_TYPE_PROCESS, 0xa40);
    kit_put(&k->m, p, 1, 3);
    kit_pointer(k, p + l->process.pid, pid);
    kit_pointer(k, p + l->process.parent_pid, 4);
    kit_pointer(k, p + l->process.directory_table, 0x1000 + pid);
    kit_put(&k->m, p + l->process.create_time, 8, UINT64_C(133800000000000000) + pid);
    kit_put(&k->m, p + l->process.exit_time, 8, exited);
    kit_pointer(k, p + l->process.commit_charge, 20);
    for (size_t i = 0; i < 15 && image[i]; i++)
        kit_put(&k->m, p + l->process.image_name + i, 1, (uint8_t)image[i]);
    list_init(k, p + l->process.thread_list);
    list_append(k, k->kernel.symbols.active_processes, p + l->process.links);
    if (!exited)
        kit_reference(k, p, 1);
    return p;
}

void kit_unlink(struct kit_kernel *k, uint64_t process)
{
    uint64_t links = process + k->era->layout.process.links;
    uint64_t next = kit_number(k, links, k->era->pointer);
    uint64_t before = kit_number(k, links + k->era->pointer, k->era->pointer);
    kit_pointer(k, before, next);
    kit_pointer(k, next + k->era->pointer, before);
    kit_pointer(k, links, 0);
    kit_pointer(k, links + k->era->pointer, 0);
}

uint64_t kit_thread(struct kit_kernel *k, uint64_t process)
{
    const struct seep_kernel_layout *l = &k->era->layout;
    uint64_t t = object(k, KIT_TYPE_THREAD, 0x898);
    kit_put(&k->m, t, 1, 6);
    kit_pointer(k, t + l->thread.process, process);
    list_append(k, process + l->process.thread_list, t + l->thread.links);
    kit_reference(k, process, 1);
    uint64_t active = process + l->process.active_threads;
    kit_put(&k->m, active, 4, kit_number(k, active, 4) + 1);
    return t;
}

uint64_t kit_file(struct kit_kernel *k)
{
    uint64_t f = object(k, KIT_TYPE_FILE, 0xd8);
    kit_put(&k->m, f, 1, 5);
    return f;
}

uint64_t kit_table(struct kit_kernel *k, uint64_t process, unsigned levels, uint64_t n, bool listed)
{
    const struct seep_kernel_layout *l = &k->era->layout;
    unsigned pointer = k->era->pointer;
    uint64_t per_leaf = PAGE / (2 * pointer), per_middle = PAGE / pointer;
    uint64_t n_leaves = n / per_leaf + 1, leaf = 0, middle = 0, top = 0, code = 0;
    uint64_t table = kit_alloc(k, 0x90, 16);
    if (levels == 2)
        code = top = kit_alloc(k, PAGE, PAGE);
    for (uint64_t i = 0; i < n_leaves; i++) {
        if (levels && i % per_middle == 0) {
            middle = kit_alloc(k, PAGE, PAGE);
            if (top)
                kit_pointer(k, top + i / per_middle * pointer, middle);
            else
                code = middle;
        }
        leaf = kit_alloc(k, PAGE, PAGE);
        // The first of a page is no handle, and here looks like one.
        kit_put(&k->m, leaf, pointer, 0);
        kit_put(&k->m, leaf + pointer, pointer, UINT64_C(0xfffffffffffffffe));
        if (middle)
            kit_pointer(k, middle + i % per_middle * pointer, leaf);
        else
            code = leaf;
        if (!levels)
            break;
    }
    kit_pointer(k, table + l->handle_table.table_code, code | levels);
    kit_pointer(k, table + l->handle_table.quota_process, process);
    if (listed)
        list_append(k, k->kernel.symbols.handle_table_list, table + l->handle_table.list);
    if (process)
        kit_pointer(k, process + l->process.object_table, table);
    return table;
}

uint64_t kit_entry_address(struct kit_kernel *k, uint64_t table, uint64_t handle)
{
    unsigned pointer = k->era->pointer;
    uint64_t per_leaf = PAGE / (2 * pointer), per_middle = PAGE / pointer, index = handle / 4;
    uint64_t code = kit_number(k, table + k->era->layout.handle_table.table_code, pointer);
    uint64_t page = code & ~UINT64_C(7);
    if ((code & 3) == 2)
        page = kit_number(k, page + index / per_leaf / per_middle * pointer, pointer);
    if ((code & 3) != 0)
        page = kit_number(k, page + index / per_leaf % per_middle * pointer, pointer);
    return page + index % per_leaf * 2 * pointer;
}

uint32_t kit_prepaid(const struct kit_kernel *k)
{
    if (k->era->entries == KIT_ENTRIES_PLAIN)
        return 0;
    return k->era->pointer == 8 ? KIT_MAX_PREPAID : 0x1f;
}

void kit_entry(struct kit_kernel *k, uint64_t table, uint64_t handle, uint64_t target,
               uint32_t access, uint32_t prepaid)
{
    uint64_t at = kit_entry_address(k, table, handle), low = target | 1, high = access;
    if (k->era->entries == KIT_ENTRIES_COUNTED && k->era->pointer == 8)
        low = (target & UINT64_C(0xfffffffffff0)) << 16 | (uint64_t)prepaid << 1 | 1;
    else if (k->era->entries == KIT_ENTRIES_COUNTED)
        high = access | prepaid << 27;
    kit_pointer(k, at, low);
    kit_pointer(k, at + k->era->pointer, high);
}

void kit_open(struct kit_kernel *k, uint64_t table, uint64_t handle, uint64_t object,
              uint32_t access, uint32_t used)
{
    uint64_t header = kit_header(k, object);
    uint64_t count = header + k->era->layout.object_header.handle_count;
    uint32_t prepaid = kit_prepaid(k) > used ? kit_prepaid(k) - used : 0;
    kit_entry(k, table, handle, header, access, prepaid);
    kit_pointer(k, count, kit_number(k, count, k->era->pointer) + 1);
    kit_reference(k, object, (int64_t)prepaid + 1);
}

uint64_t kit_ids(struct kit_kernel *k, unsigned levels, uint64_t most)
{
    uint64_t table = kit_table(k, 0, levels, most / 4, false);
    kit_pointer(k, k->kernel.symbols.cid_table, table);
    return table;
}
