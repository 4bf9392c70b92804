// SPDX-License-Identifier: MIT
// Images: headers, debug directory, exports, COFF symbols, version resource.
#include "symbols/pe.h"

#include "base/alloc.h"
#include "symbols/table_build.h"

#include <stdio.h>
#include <string.h>

enum {
    LFANEW_AT = 0x3c,
    COFF_HEAD = 24, // with the signature before it
    SECTION_HEAD = 40,
    DIRECTORY = 8,
    DIRECTORY_EXPORTS = 0,
    DIRECTORY_RESOURCES = 2,
    DIRECTORY_DEBUG = 6,
    DEBUG_ENTRY = 28,
    DEBUG_CODEVIEW = 2,
    MAX_DEBUG_ENTRIES = 64, // images have fewer than ten
    RSDS_HEAD = 24,
    EXPORTS_HEAD = 40,
    RESOURCE_VERSION = 16,
    COFF_SYMBOL = 18,
    CLASS_EXTERNAL = 2,
    CLASS_STATIC = 3,
    TYPE_FUNCTION = 0x20,
    CHUNK = 4096, // bytes that are read at once
    // bytes of all names of an image: hostile tables let long names overlap; the largest real ones
    // have a few MB
    MAX_NAME_BYTES = 16 << 20,
};

static size_t read_view(const struct seep_pe_reader *reader, uint64_t at, void *out, size_t len)
{
    if (at > reader->view.len)
        return 0;
    struct seep_bytes part = seep_bytes_part(reader->view, (size_t)at, len);
    if (part.len)
        memcpy(out, part.data, part.len);
    return part.len;
}

struct seep_pe_reader seep_pe_file(struct seep_bytes view)
{
    return (struct seep_pe_reader){ .read = read_view, .view = view };
}

struct seep_pe_reader seep_pe_mapped(struct seep_bytes view)
{
    return (struct seep_pe_reader){ .read = read_view, .view = view, .mapped = true };
}

static bool read_exactly(const struct seep_pe_reader *reader, uint64_t at, void *out, size_t len)
{
    return reader->read(reader, at, out, len) == len;
}

// Where an address of the image is for the reader; false where the file does not have it.
static bool place_of(const struct seep_pe_reader *reader, const struct seep_pe *pe, uint32_t rva,
                     uint64_t *at)
{
    if (reader->mapped) {
        *at = rva;
        return true;
    }
    for (uint32_t i = 0; i < pe->n_sections; i++) {
        const struct seep_pe_section *s = &pe->sections[i];
        if (rva >= s->rva && rva - s->rva < s->file_size_bytes) {
            *at = (uint64_t)s->offset + (rva - s->rva);
            return true;
        }
    }
    return false;
}

// Up to `len` bytes from an address of the image.
static size_t read_rva(const struct seep_pe_reader *reader, const struct seep_pe *pe, uint32_t rva,
                       void *out, size_t len)
{
    uint64_t at;
    return place_of(reader, pe, rva, &at) ? reader->read(reader, at, out, len) : 0;
}

// A NUL-terminated string of at most `size` - 1 bytes; its length. What comes after is cut off.
static size_t read_string(const struct seep_pe_reader *reader, const struct seep_pe *pe,
                          uint32_t rva, char *out, size_t size)
{
    size_t len = read_rva(reader, pe, rva, out, size - 1);
    const char *end = len ? memchr(out, '\0', len) : NULL;
    if (end)
        len = (size_t)(end - out);
    out[len] = '\0';
    return len;
}

struct directories {
    uint32_t rva[16], size[16];
};

static void read_optional(struct seep_cursor *c, struct seep_pe *pe, struct directories *d)
{
    pe->wide = seep_cursor_u16(c) == 0x20b;
    seep_cursor_seek(c, pe->wide ? 24 : 28);
    pe->image_base = pe->wide ? seep_cursor_u64(c) : seep_cursor_u32(c);
    seep_cursor_seek(c, 56);
    pe->size_bytes = seep_cursor_u32(c);
    (void)seep_cursor_u32(c); // of the headers
    pe->checksum = seep_cursor_u32(c);
    seep_cursor_seek(c, pe->wide ? 108 : 92);
    uint32_t n = seep_cursor_u32(c);
    for (uint32_t i = 0; i < n && i < 16 && seep_cursor_left(c) >= DIRECTORY; i++) {
        d->rva[i] = seep_cursor_u32(c);
        d->size[i] = seep_cursor_u32(c);
    }
}

static bool read_sections(const struct seep_pe_reader *reader, struct seep_pe *pe, uint64_t at,
                          uint32_t count)
{
    for (uint32_t i = 0; i < count && i < SEEP_PE_MAX_SECTIONS; i++) {
        uint8_t head[SECTION_HEAD];
        if (!read_exactly(reader, at + i * (uint64_t)SECTION_HEAD, head, sizeof head))
            return false;
        pe->sections[pe->n_sections++] = (struct seep_pe_section){
            .size_bytes = seep_le32(head + 8),
            .rva = seep_le32(head + 12),
            .file_size_bytes = seep_le32(head + 16),
            .offset = seep_le32(head + 20),
        };
    }
    return true;
}

// The CodeView record that names the PDB: "RSDS", GUID, age, path.
static bool read_codeview(const struct seep_pe_reader *reader, const struct seep_pe *pe,
                          uint32_t rva, uint32_t offset, uint32_t size, struct seep_pe *out)
{
    uint8_t record[RSDS_HEAD + SEEP_PE_NAME - 1];
    uint64_t at = reader->mapped ? rva : offset;
    if (!at && !place_of(reader, pe, rva, &at))
        return false;
    size_t len = size < sizeof record ? size : sizeof record;
    len = reader->read(reader, at, record, len);
    if (len < RSDS_HEAD || memcmp(record, "RSDS", 4) != 0)
        return false;
    memcpy(out->pdb_guid, record + 4, SEEP_GUID_BYTES);
    out->pdb_age = seep_le32(record + 20);
    memcpy(out->pdb_name, record + RSDS_HEAD, len - RSDS_HEAD);
    out->pdb_name[len - RSDS_HEAD] = '\0';
    out->has_pdb = true;
    return true;
}

static void read_debug(const struct seep_pe_reader *reader, struct seep_pe *pe, uint32_t rva,
                       uint32_t size)
{
    for (uint32_t i = 0; i < size / DEBUG_ENTRY && i < MAX_DEBUG_ENTRIES; i++) {
        uint8_t entry[DEBUG_ENTRY];
        if (i * DEBUG_ENTRY > UINT32_MAX - rva ||
            read_rva(reader, pe, rva + i * DEBUG_ENTRY, entry, sizeof entry) != sizeof entry)
            return;
        if (seep_le32(entry + 12) == DEBUG_CODEVIEW &&
            read_codeview(reader, pe, seep_le32(entry + 20), seep_le32(entry + 24),
                          seep_le32(entry + 16), pe))
            return;
    }
}

// The first entry of a directory of resources, or the one with an id; its offset with the bit that
// says whether it leads to another directory.
static bool find_resource(const struct seep_pe_reader *reader, const struct seep_pe *pe,
                          uint32_t root, uint32_t directory, uint32_t id, uint32_t *found)
{
    uint8_t head[16], entry[8];
    directory &= 0x7fffffff;
    if (directory > UINT32_MAX - root - sizeof head ||
        read_rva(reader, pe, root + directory, head, sizeof head) != sizeof head)
        return false;
    uint32_t n = (uint32_t)seep_le16(head + 12) + seep_le16(head + 14);
    uint32_t at = root + directory + (uint32_t)sizeof head;
    for (uint32_t i = 0; i < n && at <= UINT32_MAX - 8; i++, at += 8) {
        if (read_rva(reader, pe, at, entry, sizeof entry) != sizeof entry)
            return false;
        if (!id || seep_le32(entry) == id) {
            *found = seep_le32(entry + 4);
            return true;
        }
    }
    return false;
}

// The fixed part of the version resource starts with a signature, after a key in UTF-16.
static void read_version(const struct seep_pe_reader *reader, struct seep_pe *pe, uint32_t root)
{
    static const uint8_t signature[] = { 0xbd, 0x04, 0xef, 0xfe };
    uint32_t at = 0;
    uint8_t data[16], version[96];
    if (!root || !find_resource(reader, pe, root, 0, RESOURCE_VERSION, &at) ||
        !find_resource(reader, pe, root, at, 0, &at) ||
        !find_resource(reader, pe, root, at, 0, &at) || at & 0x80000000 || at > UINT32_MAX - root ||
        read_rva(reader, pe, root + at, data, sizeof data) != sizeof data)
        return;
    size_t len = read_rva(reader, pe, seep_le32(data), version, sizeof version);
    for (size_t i = 0; i + 16 <= len; i += 4) {
        if (memcmp(version + i, signature, sizeof signature) != 0)
            continue;
        uint32_t high = seep_le32(version + i + 8), low = seep_le32(version + i + 12);
        snprintf(pe->version, sizeof pe->version, "%u.%u.%u.%u", (unsigned)(high >> 16),
                 (unsigned)(high & 0xffff), (unsigned)(low >> 16), (unsigned)(low & 0xffff));
        return;
    }
}

bool seep_pe_read(const struct seep_pe_reader *reader, struct seep_pe *out, struct seep_err *err)
{
    uint8_t dos[64], coff[COFF_HEAD], optional[240] = { 0 };
    struct directories d = { 0 };
    struct seep_pe pe = { 0 };
    if (!read_exactly(reader, 0, dos, sizeof dos) || dos[0] != 'M' || dos[1] != 'Z')
        return seep_fail(err, 0, NULL, "not an image: it has no MZ at its start");
    uint32_t at = seep_le32(dos + LFANEW_AT);
    if (!read_exactly(reader, at, coff, sizeof coff) || memcmp(coff, "PE\0\0", 4) != 0)
        return seep_fail(err, LFANEW_AT, NULL, "not a Windows image: it has no PE header");
    pe.machine = seep_le16(coff + 4);
    uint32_t n_sections = seep_le16(coff + 6);
    pe.timestamp = seep_le32(coff + 8);
    pe.symbols_offset = seep_le32(coff + 12);
    pe.n_symbols = seep_le32(coff + 16);
    uint32_t optional_bytes = seep_le16(coff + 20);
    size_t len = optional_bytes < sizeof optional ? optional_bytes : sizeof optional;
    uint64_t optional_at = (uint64_t)at + COFF_HEAD;
    len = reader->read(reader, optional_at, optional, len);
    uint32_t magic = seep_le16(optional);
    if (len < 96 || (magic != 0x10b && magic != 0x20b))
        return seep_fail(err, optional_at, NULL, "the image's header is damaged or cut off");
    struct seep_cursor c = seep_cursor(seep_bytes(optional, len));
    read_optional(&c, &pe, &d);
    // Where a dump holds the header but not all sections, the header counts all the same.
    if (read_sections(reader, &pe, optional_at + optional_bytes, n_sections) || pe.n_sections) {
        read_debug(reader, &pe, d.rva[DIRECTORY_DEBUG], d.size[DIRECTORY_DEBUG]);
        read_version(reader, &pe, d.rva[DIRECTORY_RESOURCES]);
    }
    pe.exports_rva = d.rva[DIRECTORY_EXPORTS];
    pe.exports_size_bytes = d.size[DIRECTORY_EXPORTS];
    *out = pe;
    return true;
}

struct seep_image_identity seep_pe_identity(const struct seep_pe *pe, const char *name)
{
    struct seep_image_identity identity = {
        .name = name,
        .timestamp = pe->timestamp,
        .size_bytes = pe->size_bytes,
        .checksum = pe->checksum,
    };
    if (pe->has_pdb) {
        identity.pdb.name = pe->pdb_name[0] ? pe->pdb_name : NULL;
        identity.pdb.age = pe->pdb_age;
        memcpy(identity.pdb.guid, pe->pdb_guid, SEEP_GUID_BYTES);
    }
    return identity;
}

// A table that is read piece by piece, as an image in a dump need not lie in one piece.
struct window {
    const struct seep_pe_reader *reader;
    const struct seep_pe *pe;
    uint8_t bytes[CHUNK];
    uint32_t rva; // of its first byte
    size_t len;
};

static const uint8_t *window_at(struct window *w, uint64_t rva, size_t len)
{
    if (rva > UINT32_MAX - CHUNK)
        return NULL;
    if (rva < w->rva || rva - w->rva > w->len || len > w->len - (rva - w->rva)) {
        w->rva = (uint32_t)rva;
        w->len = read_rva(w->reader, w->pe, w->rva, w->bytes, sizeof w->bytes);
        if (w->len < len)
            return NULL;
    }
    return w->bytes + (rva - w->rva);
}

static bool read_exports(const struct seep_pe_reader *reader, const struct seep_pe *pe,
                         struct seep_symbol_builder *builder, size_t *count)
{
    uint8_t head[EXPORTS_HEAD];
    if (!pe->exports_rva || read_rva(reader, pe, pe->exports_rva, head, sizeof head) != sizeof head)
        return true;
    uint32_t n_functions = seep_le32(head + 20), n_names = seep_le32(head + 24);
    uint32_t functions = seep_le32(head + 28), names = seep_le32(head + 32);
    uint32_t ordinals = seep_le32(head + 36);
    struct window name_window = { .reader = reader, .pe = pe };
    struct window ordinal_window = name_window, function_window = name_window;
    char name[1024];
    size_t names_left = MAX_NAME_BYTES;
    for (uint32_t i = 0; i < n_names; i++) {
        const uint8_t *at = window_at(&name_window, names + (uint64_t)i * 4, 4);
        const uint8_t *ordinal_at = window_at(&ordinal_window, ordinals + (uint64_t)i * 2, 2);
        if (!at || !ordinal_at)
            break;
        uint32_t name_rva = seep_le32(at), ordinal = seep_le16(ordinal_at);
        const uint8_t *function_at =
            ordinal < n_functions
                ? window_at(&function_window, functions + (uint64_t)ordinal * 4, 4)
                : NULL;
        uint32_t rva = function_at ? seep_le32(function_at) : 0;
        bool forwarded = rva >= pe->exports_rva && rva - pe->exports_rva < pe->exports_size_bytes;
        if (!rva || forwarded)
            continue;
        size_t len = read_string(reader, pe, name_rva, name, sizeof name);
        if (len > names_left)
            break;
        names_left -= len;
        if (!seep_symbol_builder_add(builder, SEEP_SYMBOL_EXPORT, rva, 0, name, len))
            return false;
        ++*count;
    }
    return true;
}

// The COFF symbols of a file: 18 bytes each, long names in a table after them.
static bool read_coff_symbols(const struct seep_pe_reader *reader, const struct seep_pe *pe,
                              struct seep_symbol_builder *builder, size_t *count)
{
    uint64_t strings = pe->symbols_offset + (uint64_t)pe->n_symbols * COFF_SYMBOL;
    uint8_t record[COFF_SYMBOL];
    char name[1024];
    size_t names_left = reader->view.len ? reader->view.len : MAX_NAME_BYTES;
    for (uint32_t i = 0; pe->symbols_offset && !reader->mapped && i < pe->n_symbols; i++) {
        if (!read_exactly(reader, pe->symbols_offset + (uint64_t)i * COFF_SYMBOL, record,
                          sizeof record))
            break;
        uint32_t value = seep_le32(record + 8), section = seep_le16(record + 12);
        uint32_t type = seep_le16(record + 14);
        i += record[17]; // what belongs to it
        if (!section || section > pe->n_sections || record[0] == '.' ||
            (record[16] != CLASS_EXTERNAL && (record[16] != CLASS_STATIC || type != TYPE_FUNCTION)))
            continue;
        size_t len = 8;
        memcpy(name, record, 8);
        if (!seep_le32(record)) {
            uint32_t offset = seep_le32(record + 4);
            len = reader->read(reader, strings + offset, name, sizeof name);
            const char *end = memchr(name, '\0', len);
            len = end ? (size_t)(end - name) : len;
            if (len > names_left)
                break;
            names_left -= len;
        }
        const struct seep_pe_section *s = &pe->sections[section - 1];
        if (value > UINT32_MAX - s->rva)
            continue;
        if (!seep_symbol_builder_add(builder,
                                     type == TYPE_FUNCTION ? SEEP_SYMBOL_PUBLIC : SEEP_SYMBOL_DATA,
                                     s->rva + value, 0, name, len))
            return false;
        ++*count;
    }
    return true;
}

bool seep_pe_read_symbols(const struct seep_pe_reader *reader, const struct seep_pe *pe,
                          struct seep_symbol_builder *builder, size_t *count)
{
    size_t n = 0;
    for (uint32_t i = 0; i < pe->n_sections; i++) {
        if (!seep_symbol_builder_section(builder, pe->sections[i].rva, pe->sections[i].size_bytes))
            return false;
    }
    if (!read_exports(reader, pe, builder, &n) || !read_coff_symbols(reader, pe, builder, &n))
        return false;
    if (count)
        *count = n;
    return true;
}
