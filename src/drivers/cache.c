// SPDX-License-Identifier: MIT
// What was found in drivers, kept from run to run in one file of the user's.
//
// "SEEPDRV", the version of this form (1 byte), the version of the scanner (4), nothing (4), the
// hash of what follows (8); then records, each: its bytes (4), size (8), time (8), timestamp (4),
// image size (4), checksum (4), image base (8), how many tags (4), lengths of name, version,
// company and signer (2 each), whether it imports allocators (1), nothing (3), the four texts, the
// tags (16 each). All of it may be lost at any time, and nothing depends on its being written.
#include "base/alloc.h"
#include "base/intern.h"
#include "drivers/files.h"
#include "os/files.h"
#include "os/os.h"

#include <string.h>

#define MAGIC "SEEPDRV\1"
enum {
    SCANNER_VERSION = 1, // to be counted up when the scanner finds other things
    HEAD = 8 + 4 + 4 + 8,
    RECORD_HEAD = 4 + 8 + 8 + 4 + 4 + 4 + 8 + 4 + 8 + 4,
    TAG = 16,
    MAX_BYTES = 64 << 20, // a driver takes some 500
};

static void add_le(struct seep_buf *buf, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        seep_buf_addc(buf, (char)(value >> 8 * i & 0xff));
}

struct record {
    struct seep_driver_file file; // without what it owns
    size_t lengths[4];
    uint32_t n_tags;
    struct seep_bytes texts, tags;
    uint32_t len;
};

static bool read_record(struct seep_bytes at, struct record *r)
{
    struct seep_cursor c = seep_cursor(at);
    r->len = seep_cursor_u32(&c);
    r->file.size_bytes = seep_cursor_u64(&c);
    r->file.modified_ns = (int64_t)seep_cursor_u64(&c);
    r->file.timestamp = seep_cursor_u32(&c);
    r->file.image_bytes = seep_cursor_u32(&c);
    r->file.checksum = seep_cursor_u32(&c);
    r->file.image_base = seep_cursor_u64(&c);
    r->n_tags = seep_cursor_u32(&c);
    size_t texts = 0;
    for (unsigned i = 0; i < 4; i++)
        texts += r->lengths[i] = seep_cursor_u16(&c);
    r->file.scan.imports_allocators = seep_cursor_u8(&c) != 0;
    seep_cursor_skip(&c, 3);
    if (c.failed || r->len > at.len || !seep_cursor_fits(&c, r->n_tags, TAG))
        return false;
    r->texts = seep_cursor_take(&c, texts);
    r->tags = seep_cursor_take(&c, (size_t)r->n_tags * TAG);
    return !c.failed && c.pos == r->len;
}

static uint64_t identity_hash(const struct seep_driver_file *file, const char *name, size_t len)
{
    uint64_t parts[5] = { file->size_bytes, (uint64_t)file->modified_ns,
                          (uint64_t)file->timestamp << 32 | file->image_bytes, file->checksum,
                          seep_hash(name, len) };
    return seep_hash(parts, sizeof parts);
}

static bool same_identity(const struct record *r, const struct seep_driver_file *file)
{
    size_t len = strlen(file->name);
    return r->file.size_bytes == file->size_bytes && r->file.modified_ns == file->modified_ns &&
           r->file.timestamp == file->timestamp && r->file.image_bytes == file->image_bytes &&
           r->file.checksum == file->checksum && r->lengths[0] == len &&
           memcmp(r->texts.data, file->name, len) == 0;
}

static void index_record(struct seep_driver_cache *cache, const struct record *r, size_t at)
{
    uint64_t hash = identity_hash(&r->file, (const char *)r->texts.data, r->lengths[0]);
    size_t slot = (size_t)hash & (cache->n_slots - 1);
    while (cache->slots[slot])
        slot = (slot + 1) & (cache->n_slots - 1);
    cache->slots[slot] = (uint32_t)at + 1;
}

bool seep_driver_cache_open(struct seep_driver_cache *cache, const char *path)
{
    *cache = (struct seep_driver_cache){ 0 };
    struct seep_os_map *map = seep_alloc(1, sizeof *map);
    if (!map)
        return false;
    cache->map = map;
    if (!seep_os_map(path, map, NULL))
        return true;
    struct seep_bytes all = map->view, records = seep_bytes_part(all, HEAD, SIZE_MAX);
    if (!seep_bytes_match(all, 0, MAGIC, 8) || seep_bytes_u32(all, 8) != SCANNER_VERSION ||
        all.len < HEAD || records.len > MAX_BYTES ||
        seep_bytes_u64(all, 16) != seep_hash(records.data, records.len))
        return true;
    size_t n = 0;
    struct record r;
    for (size_t at = 0; at < records.len; at += r.len, n++) {
        if (!read_record(seep_bytes_part(records, at, SIZE_MAX), &r))
            return true;
    }
    cache->n_slots = 64;
    while (cache->n_slots / 2 <= n)
        cache->n_slots *= 2;
    cache->slots = seep_alloc(cache->n_slots, sizeof *cache->slots);
    if (!cache->slots)
        return false;
    for (size_t at = 0; at < records.len; at += r.len) {
        if (!read_record(seep_bytes_part(records, at, SIZE_MAX), &r))
            break;
        index_record(cache, &r, at);
    }
    cache->records = records;
    return true;
}

static void text_of(const struct record *r, unsigned which, char *out, size_t size)
{
    size_t at = 0, len = r->lengths[which];
    for (unsigned i = 0; i < which; i++)
        at += r->lengths[i];
    len = len < size ? len : size - 1;
    memcpy(out, r->texts.data + at, len);
    out[len] = '\0';
}

static bool tags_of(const struct record *r, struct seep_scan *scan)
{
    if (!r->n_tags)
        return true;
    scan->tags = seep_alloc(r->n_tags, sizeof *scan->tags);
    if (!scan->tags)
        return false;
    for (uint32_t i = 0; i < r->n_tags; i++) {
        const uint8_t *p = r->tags.data + (size_t)i * TAG;
        scan->tags[i] = (struct seep_scan_tag){
            .key = seep_le32(p),
            .rva = seep_le32(p + 4),
            .count = seep_le32(p + 8),
            .how = p[12] < SEEP_N_SCAN_HOW ? p[12] : SEEP_SCAN_DATA,
            .api = p[13],
            .wrapped = p[14] != 0,
        };
    }
    scan->n_tags = r->n_tags;
    return true;
}

bool seep_driver_cache_find(const struct seep_driver_cache *cache, struct seep_driver_file *file)
{
    if (!cache->n_slots)
        return false;
    size_t slot =
        (size_t)identity_hash(file, file->name, strlen(file->name)) & (cache->n_slots - 1);
    for (; cache->slots[slot]; slot = (slot + 1) & (cache->n_slots - 1)) {
        struct record r = { 0 };
        if (!read_record(seep_bytes_part(cache->records, cache->slots[slot] - 1, SIZE_MAX), &r) ||
            !same_identity(&r, file))
            continue;
        if (!tags_of(&r, &file->scan))
            return false; // the file is scanned then, and says so itself if memory is out
        file->scan.imports_allocators = r.file.scan.imports_allocators;
        file->image_base = r.file.image_base;
        text_of(&r, 1, file->version, sizeof file->version);
        text_of(&r, 2, file->company, sizeof file->company);
        text_of(&r, 3, file->signer, sizeof file->signer);
        return true;
    }
    return false;
}

static void add_record(struct seep_buf *out, const struct seep_driver_file *file)
{
    const char *texts[4] = { file->name, file->version, file->company, file->signer };
    size_t len = RECORD_HEAD + file->scan.n_tags * TAG;
    for (unsigned i = 0; i < 4; i++)
        len += strlen(texts[i]);
    if (strlen(file->name) > UINT16_MAX || len > UINT32_MAX || len > MAX_BYTES - out->len)
        return;
    add_le(out, len, 4);
    add_le(out, file->size_bytes, 8);
    add_le(out, (uint64_t)file->modified_ns, 8);
    add_le(out, file->timestamp, 4);
    add_le(out, file->image_bytes, 4);
    add_le(out, file->checksum, 4);
    add_le(out, file->image_base, 8);
    add_le(out, file->scan.n_tags, 4);
    for (unsigned i = 0; i < 4; i++)
        add_le(out, strlen(texts[i]), 2);
    add_le(out, file->scan.imports_allocators, 4);
    for (unsigned i = 0; i < 4; i++)
        seep_buf_adds(out, texts[i]);
    for (size_t i = 0; i < file->scan.n_tags; i++) {
        const struct seep_scan_tag *tag = &file->scan.tags[i];
        add_le(out, tag->key, 4);
        add_le(out, tag->rva, 4);
        add_le(out, tag->count, 4);
        add_le(out, tag->how | (uint32_t)tag->api << 8 | (uint32_t)tag->wrapped << 16, 4);
    }
}

// Records of files that were not looked at this time.
static void add_others(struct seep_buf *out, const struct seep_driver_cache *cache,
                       const struct seep_driver_cache *written)
{
    struct record r;
    for (size_t at = 0; at < cache->records.len; at += r.len) {
        struct seep_bytes rest = seep_bytes_part(cache->records, at, SIZE_MAX);
        if (!read_record(rest, &r) || r.len > MAX_BYTES - out->len)
            return;
        uint64_t hash = identity_hash(&r.file, (const char *)r.texts.data, r.lengths[0]);
        size_t slot = (size_t)hash & (written->n_slots - 1);
        bool there = false;
        for (; written->slots[slot] && !there; slot = (slot + 1) & (written->n_slots - 1)) {
            struct record other;
            there = read_record(seep_bytes_part(seep_bytes(out->data, out->len),
                                                written->slots[slot] - 1, SIZE_MAX),
                                &other) &&
                    identity_hash(&other.file, (const char *)other.texts.data, other.lengths[0]) ==
                        hash;
        }
        if (!there)
            seep_buf_add(out, rest.data, r.len);
    }
}

void seep_driver_cache_keep(struct seep_driver_cache *cache, const char *path,
                            const struct seep_driver_files *files)
{
    struct seep_buf body = { 0 }, head = { 0 };
    struct seep_driver_cache written = { .n_slots = 64 };
    struct seep_os_new_file file = { 0 };
    while (written.n_slots / 2 <= files->n)
        written.n_slots *= 2;
    written.slots = seep_alloc(written.n_slots, sizeof *written.slots);
    bool ok = written.slots != NULL;
    for (size_t i = 0; ok && i < files->n; i++) {
        size_t at = body.len;
        struct record r;
        if (!files->at[i].read)
            continue;
        add_record(&body, &files->at[i]);
        ok = !body.failed;
        if (ok && read_record(seep_bytes_part(seep_bytes(body.data, body.len), at, SIZE_MAX), &r))
            index_record(&written, &r, at);
    }
    if (ok)
        add_others(&body, cache, &written);
    seep_free(written.slots);
    seep_driver_cache_close(cache); // on Windows a file is not replaced while it is mapped
    seep_buf_add(&head, MAGIC, 8);
    add_le(&head, SCANNER_VERSION, 4);
    add_le(&head, 0, 4);
    add_le(&head, seep_hash(body.data, body.len), 8);
    ok = ok && !body.failed && !head.failed && seep_os_new_file_begin(path, &file, NULL);
    if (ok && fwrite(head.data, 1, head.len, file.file) == head.len &&
        fwrite(body.data, 1, body.len, file.file) == body.len)
        (void)seep_os_new_file_keep(&file, NULL);
    seep_os_new_file_drop(&file);
    seep_buf_clear(&body);
    seep_buf_clear(&head);
}

void seep_driver_cache_close(struct seep_driver_cache *cache)
{
    if (cache->map)
        seep_os_unmap(cache->map);
    seep_free(cache->map);
    seep_free(cache->slots);
    *cache = (struct seep_driver_cache){ 0 };
}
