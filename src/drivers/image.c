// SPDX-License-Identifier: MIT
// The file of a driver: directories, sections, imports.
#include "drivers/image.h"

#include <string.h>

enum {
    LFANEW_AT = 0x3c,
    COFF_HEAD = 24, // with the signature before it
    SECTION_HEAD = 40,
    SECTION_FLAGS_AT = 36,
    CAN_EXECUTE = 0x20000000,
    CAN_DISCARD = 0x02000000,
    IMPORT_ENTRY = 20,
    DELAY_ENTRY = 32,
    MAX_IMPORT_NAME = 512, // names of functions in C are shorter than 60, in C++ than 300
};

bool seep_image_read(struct seep_bytes file, struct seep_image *out, struct seep_err *err)
{
    struct seep_image image = { .file = file };
    struct seep_pe_reader reader = seep_pe_file(file);
    if (!seep_pe_read(&reader, &image.pe, err))
        return false;
    // What follows was there when the headers were read, or reads as 0.
    size_t coff = seep_bytes_u32(file, LFANEW_AT);
    size_t optional = coff + COFF_HEAD;
    size_t optional_bytes = seep_bytes_u32(file, coff + 20) & 0xffff;
    size_t count_at = optional + (image.pe.wide ? 108 : 92);
    uint32_t n = seep_bytes_u32(file, count_at);
    for (uint32_t i = 0; i < n && i < SEEP_IMAGE_N_DIRECTORIES; i++) {
        if (count_at + 4 + 8 * (size_t)i + 8 > optional + optional_bytes)
            break;
        image.directory_rva[i] = seep_bytes_u32(file, count_at + 4 + 8 * (size_t)i);
        image.directory_size[i] = seep_bytes_u32(file, count_at + 8 + 8 * (size_t)i);
    }
    for (uint32_t i = 0; i < image.pe.n_sections; i++) {
        size_t at = optional + optional_bytes + SECTION_HEAD * (size_t)i + SECTION_FLAGS_AT;
        uint32_t flags = seep_bytes_u32(file, at);
        image.is_code[i] = (flags & CAN_EXECUTE) != 0;
        image.is_data[i] = !(flags & (CAN_EXECUTE | CAN_DISCARD));
    }
    *out = image;
    return true;
}

struct seep_bytes seep_image_section(const struct seep_image *image, uint32_t section)
{
    const struct seep_pe_section *s = &image->pe.sections[section];
    // In the file a section is filled up to a whole block; in memory it ends where it says.
    uint32_t size = s->file_size_bytes;
    if (s->size_bytes && s->size_bytes < size)
        size = s->size_bytes;
    return seep_bytes_part(image->file, s->offset, size);
}

struct seep_bytes seep_image_at(const struct seep_image *image, uint32_t rva)
{
    for (uint32_t i = 0; i < image->pe.n_sections; i++) {
        const struct seep_pe_section *s = &image->pe.sections[i];
        if (rva >= s->rva && rva - s->rva < s->file_size_bytes)
            return seep_bytes_part(seep_image_section(image, i), rva - s->rva, SIZE_MAX);
    }
    return (struct seep_bytes){ 0 };
}

bool seep_image_rva(const struct seep_image *image, uint64_t address, uint32_t *rva)
{
    if (address < image->pe.image_base || address - image->pe.image_base >= image->pe.size_bytes)
        return false;
    *rva = (uint32_t)(address - image->pe.image_base);
    return true;
}

struct imports {
    const struct seep_image *image;
    bool (*take)(void *ctx, const char *name, size_t len, uint32_t slot);
    void *ctx;
    // Names that may still be read: entries of hostile tables can all lead to the same ones.
    size_t left;
};

// The names of one file's imports: an array of addresses of (hint, name) that a 0 ends, and the
// slots beside it. False to stop.
static bool each_name(struct imports *in, uint32_t names, uint32_t slots, uint64_t base)
{
    size_t size = in->image->pe.wide ? 8 : 4;
    struct seep_bytes table = seep_image_at(in->image, names);
    for (size_t i = 0; i < table.len / size; i++) {
        const uint8_t *p = table.data + i * size;
        uint64_t entry = size == 8 ? seep_le64(p) : seep_le32(p);
        if (!entry)
            break;
        if (!in->left--)
            return false;
        if (entry >> (size * 8 - 1)) // by number
            continue;
        entry -= entry >= base ? base : 0;
        uint32_t slot = (uint32_t)(slots + i * size);
        if (entry > UINT32_MAX - 2)
            continue;
        struct seep_bytes name = seep_image_at(in->image, (uint32_t)entry + 2);
        size_t len = name.len < MAX_IMPORT_NAME ? name.len : MAX_IMPORT_NAME;
        const uint8_t *end = len ? memchr(name.data, '\0', len) : NULL;
        if (end && !in->take(in->ctx, (const char *)name.data, (size_t)(end - name.data), slot))
            return false;
    }
    return true;
}

void seep_image_each_import(const struct seep_image *image,
                            bool (*take)(void *ctx, const char *name, size_t len, uint32_t slot),
                            void *ctx)
{
    struct imports in = { image, take, ctx, image->file.len / 4 };
    struct seep_bytes table = { 0 };
    if (image->directory_rva[SEEP_IMAGE_IMPORTS])
        table = seep_image_at(image, image->directory_rva[SEEP_IMAGE_IMPORTS]);
    for (size_t at = 0; table.len - at >= IMPORT_ENTRY; at += IMPORT_ENTRY) {
        const uint8_t *entry = table.data + at;
        uint32_t names = seep_le32(entry), slots = seep_le32(entry + 16);
        if (!slots)
            break;
        // Old linkers leave the names only where the slots are.
        if (!each_name(&in, names ? names : slots, slots, 0))
            return;
    }
    table = (struct seep_bytes){ 0 };
    if (image->directory_rva[SEEP_IMAGE_DELAY_IMPORTS])
        table = seep_image_at(image, image->directory_rva[SEEP_IMAGE_DELAY_IMPORTS]);
    for (size_t at = 0; table.len - at >= DELAY_ENTRY; at += DELAY_ENTRY) {
        const uint8_t *entry = table.data + at;
        // Without the attribute, addresses are absolute (Visual C++ 6).
        uint32_t base = seep_le32(entry) & 1 ? 0 : (uint32_t)image->pe.image_base;
        uint32_t slots = seep_le32(entry + 12), names = seep_le32(entry + 16);
        if (!slots || slots < base || names < base)
            break;
        if (!each_name(&in, names - base, slots - base, base))
            return;
    }
}
