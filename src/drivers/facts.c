// SPDX-License-Identifier: MIT
// What a file says about its maker: the strings of its version resource.
//
// Source: learn.microsoft.com/windows/win32/menurc/vs-versioninfo, stringfileinfo, string-str.
#include "drivers/facts.h"

#include "base/utf.h"

#include <string.h>

enum {
    RESOURCE_VERSION = 16,
    MAX_ENTRIES = 4096, // of a directory of resources
    BLOCK_HEAD = 6,     // bytes of a block, of its value, whether the value is text; then its key
};

// What an entry of a directory of resources leads to: the first, or that of an id.
static bool find_entry(struct seep_bytes resources, uint32_t directory, uint32_t id, uint32_t *to)
{
    directory &= 0x7fffffff;
    if (!seep_bytes_has(resources, directory, 16))
        return false;
    const uint8_t *head = resources.data + directory;
    uint32_t n = (uint32_t)seep_le16(head + 12) + seep_le16(head + 14);
    for (uint32_t i = 0; i < n && i < MAX_ENTRIES; i++) {
        size_t at = (size_t)directory + 16 + 8 * (size_t)i;
        if (!seep_bytes_has(resources, at, 8))
            return false;
        if (!id || seep_le32(resources.data + at) == id) {
            *to = seep_le32(resources.data + at + 4);
            return true;
        }
    }
    return false;
}

static struct seep_bytes version_resource(const struct seep_image *image)
{
    uint32_t rva = image->directory_rva[SEEP_IMAGE_RESOURCES], at = 0;
    struct seep_bytes resources = { 0 };
    if (rva)
        resources = seep_image_at(image, rva);
    if (!find_entry(resources, 0, RESOURCE_VERSION, &at) || !find_entry(resources, at, 0, &at) ||
        !find_entry(resources, at, 0, &at) || at >> 31 || !seep_bytes_has(resources, at, 16))
        return (struct seep_bytes){ 0 };
    return seep_bytes_part(seep_image_at(image, seep_le32(resources.data + at)), 0,
                           seep_le32(resources.data + at + 4));
}

// A block of the resource: its key, and what follows the key.
struct block {
    struct seep_bytes key, rest;
    size_t len; // of all of it
    size_t value_units;
};

static bool read_block(struct seep_bytes at, struct block *b)
{
    if (at.len < BLOCK_HEAD)
        return false;
    b->len = seep_le16(at.data);
    b->value_units = seep_le16(at.data + 2);
    if (b->len < BLOCK_HEAD || b->len > at.len)
        return false;
    struct seep_bytes whole = seep_bytes_part(at, 0, b->len);
    b->key = seep_utf16_until_nul(seep_bytes_part(whole, BLOCK_HEAD, SIZE_MAX));
    size_t end = (BLOCK_HEAD + b->key.len + 2 + 3) & ~(size_t)3;
    b->rest = seep_bytes_part(whole, end, SIZE_MAX);
    return true;
}

static bool key_is(const struct block *b, const char *name)
{
    size_t n = strlen(name);
    if (b->key.len != n * 2)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (b->key.data[2 * i] != (uint8_t)name[i] || b->key.data[2 * i + 1])
            return false;
    }
    return true;
}

// The blocks that follow each other in `all`, from `*pos` on.
static bool next_block(struct seep_bytes all, size_t *pos, struct block *b)
{
    struct seep_bytes rest = seep_bytes_part(all, *pos, SIZE_MAX);
    if (!read_block(rest, b))
        return false;
    *pos += (b->len + 3) & ~(size_t)3;
    return true;
}

static bool keep_text(struct seep_bytes utf16, char *text, size_t size)
{
    struct seep_buf buf = { .max = 4096 };
    (void)seep_utf16_add(&buf, seep_utf16_until_nul(utf16));
    size_t len = buf.failed ? 0 : buf.len;
    while (len && (unsigned char)buf.data[len - 1] <= ' ')
        len--;
    if (len >= size) // not in the middle of a character
        for (len = size - 1; len && ((unsigned char)buf.data[len] & 0xc0) == 0x80;)
            len--;
    if (len)
        memcpy(text, buf.data, len);
    if (len)
        text[len] = '\0';
    seep_buf_clear(&buf);
    return len > 0;
}

bool seep_facts_company(const struct seep_image *image, char *text, size_t size)
{
    struct block root, info, table, string;
    if (!read_block(version_resource(image), &root) || !key_is(&root, "VS_VERSION_INFO"))
        return false;
    size_t at = (root.value_units + 3) & ~(size_t)3;
    while (next_block(root.rest, &at, &info)) {
        if (!key_is(&info, "StringFileInfo"))
            continue;
        for (size_t t = 0; next_block(info.rest, &t, &table);) {
            for (size_t s = 0; next_block(table.rest, &s, &string);) {
                if (key_is(&string, "CompanyName") && keep_text(string.rest, text, size))
                    return true;
            }
        }
    }
    return false;
}
