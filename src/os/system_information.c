// SPDX-License-Identifier: MIT
// The tables that NtQuerySystemInformation and NtQueryObject return on 64-bit Windows.
#include "os/system_information.h"

enum {
    PERFORMANCE_BYTES = 0x138,
    PROCESS_BYTES = 0x100,
    HANDLE_HEAD_BYTES = 16,
    HANDLE_BYTES = 40,
    POOL_TAG_HEAD_BYTES = 8,
    POOL_TAG_BYTES = 40,
    PAGE_FILE_BYTES = 32,
    OBJECT_TYPES_HEAD_BYTES = 8,
    OBJECT_TYPE_BYTES = 104,
};

// The text of the UNICODE_STRING at `offset`; empty where it points outside the table.
static struct seep_bytes unicode_string(struct seep_bytes table, uint64_t address, size_t offset)
{
    size_t len = seep_le16(table.data + offset);
    uint64_t at = seep_le64(table.data + offset + 8);
    if (at < address || at - address > table.len || len > table.len - (at - address))
        return (struct seep_bytes){ 0 };
    return seep_bytes_part(table, (size_t)(at - address), len);
}

static uint64_t later_u64(struct seep_bytes table, size_t offset)
{
    return seep_bytes_has(table, offset, 8) ? seep_le64(table.data + offset) : UINT64_MAX;
}

bool seep_nt_performance(struct seep_bytes table, struct seep_nt_performance *performance)
{
    if (!seep_bytes_has(table, 0, PERFORMANCE_BYTES))
        return false;
    *performance = (struct seep_nt_performance){
        .committed = seep_le32(table.data + 0x30),
        .commit_limit = seep_le32(table.data + 0x34),
        .commit_peak = seep_le32(table.data + 0x38),
        .drivers = seep_le32(table.data + 0x90),
        .resident_available = later_u64(table, 0x148),
        .shared_committed = later_u64(table, 0x150),
        .system_page_tables = later_u64(table, 0x168),
    };
    return true;
}

bool seep_nt_process(struct seep_bytes table, uint64_t address, size_t *offset,
                     struct seep_nt_process *process)
{
    if (!seep_bytes_has(table, *offset, PROCESS_BYTES))
        return false;
    const uint8_t *p = table.data + *offset;
    *process = (struct seep_nt_process){
        .n_threads = seep_le32(p + 0x04),
        .create_time = seep_le64(p + 0x20),
        .image = unicode_string(table, address, *offset + 0x38),
        .pid = seep_le32(p + 0x50),
        .parent_pid = seep_le32(p + 0x58),
        .n_handles = seep_le32(p + 0x60),
        .virtual_size = seep_le64(p + 0x78),
        .working_set_size = seep_le64(p + 0x90),
        .quota_paged_pool_usage = seep_le64(p + 0xa0),
        .quota_nonpaged_pool_usage = seep_le64(p + 0xb0),
        .pagefile_usage = seep_le64(p + 0xb8),
        .private_page_count = seep_le64(p + 0xc8),
    };
    uint32_t next = seep_le32(p);
    *offset = next && next <= table.len - *offset ? *offset + next : SIZE_MAX;
    return true;
}

// Elements of `size` bytes behind a head: as many as are said and present.
static size_t elements(struct seep_bytes table, uint64_t said, size_t head, size_t size)
{
    size_t present = table.len > head ? (table.len - head) / size : 0;
    return said < present ? (size_t)said : present;
}

size_t seep_nt_n_handles(struct seep_bytes table)
{
    return elements(table, seep_bytes_u64(table, 0), HANDLE_HEAD_BYTES, HANDLE_BYTES);
}

struct seep_nt_handle seep_nt_handle(struct seep_bytes table, size_t index)
{
    const uint8_t *p = table.data + HANDLE_HEAD_BYTES + index * HANDLE_BYTES;
    return (struct seep_nt_handle){
        .object = seep_le64(p),
        .pid = seep_le32(p + 0x08),
        .value = seep_le64(p + 0x10),
        .access = seep_le32(p + 0x18),
        .type = seep_le16(p + 0x1e),
    };
}

size_t seep_nt_n_pool_tags(struct seep_bytes table)
{
    return elements(table, seep_bytes_u32(table, 0), POOL_TAG_HEAD_BYTES, POOL_TAG_BYTES);
}

struct seep_nt_pool_tag seep_nt_pool_tag(struct seep_bytes table, size_t index)
{
    const uint8_t *p = table.data + POOL_TAG_HEAD_BYTES + index * POOL_TAG_BYTES;
    struct seep_nt_pool_tag tag = {
        .paged_allocs = seep_le32(p + 0x04),
        .paged_frees = seep_le32(p + 0x08),
        .paged_bytes = seep_le64(p + 0x10),
        .nonpaged_allocs = seep_le32(p + 0x18),
        .nonpaged_frees = seep_le32(p + 0x1c),
        .nonpaged_bytes = seep_le64(p + 0x20),
    };
    memcpy(tag.tag, p, sizeof tag.tag);
    return tag;
}

bool seep_nt_page_files(struct seep_bytes table, uint64_t *used_pages, uint64_t *total_pages)
{
    uint64_t used = 0, total = 0;
    for (size_t offset = 0;;) {
        if (!seep_bytes_has(table, offset, PAGE_FILE_BYTES))
            return false;
        const uint8_t *p = table.data + offset;
        total += seep_le32(p + 0x04);
        used += seep_le32(p + 0x08);
        uint32_t next = seep_le32(p);
        if (!next)
            break;
        if (next > table.len - offset)
            return false;
        offset += next;
    }
    *used_pages = used;
    *total_pages = total;
    return true;
}

static bool is_text(struct seep_bytes utf16, const char *ascii)
{
    size_t len = strlen(ascii);
    if (!utf16.data || utf16.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (seep_le16(utf16.data + 2 * i) != (uint8_t)ascii[i])
            return false;
    }
    return true;
}

bool seep_nt_object_total(struct seep_bytes table, uint64_t address, const char *type,
                          uint32_t *total)
{
    uint32_t n_types = seep_bytes_u32(table, 0);
    size_t offset = OBJECT_TYPES_HEAD_BYTES;
    for (uint32_t i = 0; i < n_types && seep_bytes_has(table, offset, OBJECT_TYPE_BYTES); i++) {
        const uint8_t *p = table.data + offset;
        if (is_text(unicode_string(table, address, offset), type)) {
            *total = seep_le32(p + 0x10);
            return true;
        }
        // The name follows its entry, the next entry its name's room, aligned to 8 bytes.
        offset += OBJECT_TYPE_BYTES + ((size_t)seep_le16(p + 2) + 7) / 8 * 8;
    }
    return false;
}
