// SPDX-License-Identifier: MIT
// Cached tables: a head that says what the table is of, then the table as it is in memory.
#include "symbols/cache.h"

#include <string.h>

// "SEEPTAB", the version of this head; size and time of the source (8 bytes each), GUID, age,
// nothing (4 bytes).
#define MAGIC "SEEPTAB\1"
enum { HEAD_SIZE = 8 + 8 + 8 + SEEP_GUID_BYTES + 4 + 4 };

static void add_le(struct seep_buf *buf, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        seep_buf_addc(buf, (char)(value >> 8 * i & 0xff));
}

static void add_head(struct seep_buf *buf, const struct seep_cache_key *key)
{
    seep_buf_add(buf, MAGIC, 8);
    add_le(buf, key->source.size_bytes, 8);
    add_le(buf, (uint64_t)key->source.modified_ns, 8);
    seep_buf_add(buf, key->guid, SEEP_GUID_BYTES);
    add_le(buf, key->age, 4);
    add_le(buf, 0, 4);
}

static void add_path(struct seep_buf *buf, const char *folder, const struct seep_cache_key *key)
{
    char guid[SEEP_GUID_TEXT];
    seep_guid_text(key->guid, guid);
    seep_buf_addf(buf, "%s/tables/%s-%s-%x", folder, key->name, guid, key->age);
}

struct seep_symbol_table *seep_cache_open(const char *folder, const struct seep_cache_key *key,
                                          struct seep_os_map *map)
{
    struct seep_buf path = { 0 }, head = { 0 };
    struct seep_symbol_table *table = NULL;
    struct seep_os_map mapped = { 0 };
    add_path(&path, folder, key);
    add_head(&head, key);
    if (!path.failed && !head.failed && seep_os_map(path.data, &mapped, NULL)) {
        if (seep_bytes_match(mapped.view, 0, head.data, HEAD_SIZE))
            table = seep_symbol_table_open(seep_bytes_part(mapped.view, HEAD_SIZE, SIZE_MAX), NULL);
        if (table)
            *map = mapped;
        else
            seep_os_unmap(&mapped);
    }
    seep_buf_clear(&path);
    seep_buf_clear(&head);
    return table;
}

void seep_cache_keep(const char *folder, const struct seep_cache_key *key,
                     const struct seep_symbol_table *table)
{
    struct seep_buf path = { 0 }, bytes = { 0 };
    struct seep_os_new_file file = { 0 };
    seep_buf_addf(&path, "%s/tables", folder);
    bool ok = !path.failed && seep_os_make_folder(path.data, NULL);
    seep_buf_reset(&path);
    add_path(&path, folder, key);
    add_head(&bytes, key);
    ok = ok && !path.failed && seep_symbol_table_save(table, &bytes) && !bytes.failed &&
         seep_os_new_file_begin(path.data, &file, NULL);
    if (ok && fwrite(bytes.data, 1, bytes.len, file.file) == bytes.len)
        (void)seep_os_new_file_keep(&file, NULL);
    seep_os_new_file_drop(&file);
    seep_buf_clear(&path);
    seep_buf_clear(&bytes);
}
