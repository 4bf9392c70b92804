// SPDX-License-Identifier: MIT
// Vtables: their symbols, or the type information that stands before them.
//
// Facts: Microsoft's RTTI (OpenRCE, I. Skochinsky, Reversing Microsoft Visual C++ Part II): the
// word before a vtable points to a complete object locator {signature 0 or 1, offset, constructor
// offset, type descriptor, class hierarchy, on x64 itself}, in a signature 1 as offsets from the
// image's base; a type descriptor is two words and the decorated name. Itanium C++ ABI 2.9.5
// (mingw): the word before a vtable points to the type_info, whose second word points to the name.
#include "heap/classes.h"

#include "base/alloc.h"
#include "symbols/readable.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_CLASS_NAME = 1024, // bytes of a decorated name; longer ones are no names
    LOCATOR_TYPE = 12,     // offsets in a complete object locator
    LOCATOR_SELF = 20,
};

static int by_address(const void *a, const void *b)
{
    const struct seep_census_image *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

bool seep_classes_init(struct seep_classes *classes, const struct seep_census *census)
{
    memset(classes, 0, sizeof *classes);
    classes->census = census;
    if (!census->n_images)
        return true;
    classes->images = seep_alloc(census->n_images, sizeof *classes->images);
    if (!classes->images)
        return false;
    memcpy(classes->images, census->images, census->n_images * sizeof *classes->images);
    qsort(classes->images, census->n_images, sizeof *classes->images, by_address);
    for (size_t i = 0; i < census->n_images; i++) {
        const struct seep_census_image *image = &classes->images[i];
        const struct seep_census_image *before =
            classes->n_images ? &classes->images[classes->n_images - 1] : NULL;
        if (image->size_bytes && image->size_bytes <= UINT64_MAX - image->address &&
            (!before || image->address - before->address >= before->size_bytes))
            classes->images[classes->n_images++] = *image;
    }
    return true;
}

static const struct seep_census_image *image_at(const struct seep_classes *classes,
                                                uint64_t address)
{
    size_t low = 0, high = classes->n_images;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (classes->images[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const struct seep_census_image *image = low ? &classes->images[low - 1] : NULL;
    return image && address - image->address < image->size_bytes ? image : NULL;
}

static bool in_image(const struct seep_census_image *image, uint64_t address)
{
    return address >= image->address && address - image->address < image->size_bytes;
}

// A NUL-terminated name in memory; false where it does not end or holds what no name does.
static bool read_name(const struct seep_memory *memory, uint64_t address, char *name)
{
    size_t n = seep_memory_read(memory, address, name, MAX_CLASS_NAME);
    for (size_t i = 0; i < n; i++) {
        if (name[i] == '\0')
            return i > 0;
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    }
    return false;
}

// ".?AVBuffer@net@@" -> "net::Buffer::`vftable'"
static bool microsoft_name(const char *name, struct seep_buf *out)
{
    struct seep_buf symbol = { 0 };
    size_t len = strlen(name);
    if (len < 5 || strncmp(name, ".?A", 3) != 0)
        return false;
    seep_buf_adds(&symbol, "??_7");
    seep_buf_add(&symbol, name + 4, len - 4);
    seep_buf_adds(&symbol, "6B@");
    bool understood = !symbol.failed && seep_symbol_readable(seep_buf_text(&symbol), out);
    if (!understood && !symbol.failed) {
        // Templates that are not taken apart keep their decorated name.
        seep_buf_reset(out);
        seep_buf_adds(out, name);
        seep_buf_adds(out, "::`vftable'");
    }
    seep_buf_clear(&symbol);
    return true;
}

// "N3net6BufferE" -> "net::Buffer::`vftable'"
static bool itanium_name(const char *name, struct seep_buf *out)
{
    struct seep_buf symbol = { 0 };
    seep_buf_adds(&symbol, "_Z");
    seep_buf_adds(&symbol, name);
    bool understood = !symbol.failed && seep_symbol_readable(seep_buf_text(&symbol), out);
    seep_buf_clear(&symbol);
    if (understood)
        seep_buf_adds(out, "::`vftable'");
    return understood;
}

static bool microsoft_type(const struct seep_classes *classes, uint64_t locator, unsigned bytes,
                           const struct seep_census_image *image, struct seep_buf *out)
{
    const struct seep_memory *memory = classes->census->memory;
    char name[MAX_CLASS_NAME];
    uint32_t signature, type, self;
    uint64_t base = 0;
    if (!seep_memory_u32(memory, locator, &signature) || signature != (bytes == 8) ||
        !seep_memory_u32(memory, locator + LOCATOR_TYPE, &type))
        return false;
    if (bytes == 8) {
        if (!seep_memory_u32(memory, locator + LOCATOR_SELF, &self))
            return false;
        base = locator - self;
        if (base != image->address)
            return false;
    }
    uint64_t descriptor = base + type;
    return in_image(image, descriptor) && read_name(memory, descriptor + 2 * bytes, name) &&
           microsoft_name(name, out);
}

static bool itanium_type(const struct seep_classes *classes, uint64_t type, unsigned bytes,
                         struct seep_buf *out)
{
    const struct seep_memory *memory = classes->census->memory;
    char name[MAX_CLASS_NAME];
    uint64_t at;
    return seep_memory_pointer(memory, type + bytes, bytes, &at) && image_at(classes, at) &&
           read_name(memory, at, name) && (name[0] == 'N' || (name[0] >= '1' && name[0] <= '9')) &&
           itanium_name(name, out);
}

// A vtable's symbol: "??_7Foo@@6B@", "Foo::`vftable'", "_ZTV3Foo" two words before.
static bool symbol_type(const struct seep_classes *classes, uint64_t vtable, unsigned bytes,
                        struct seep_buf *out)
{
    const struct seep_census *census = classes->census;
    const char *name;
    uint64_t offset;
    if (!census->symbol || !census->symbol(census->ctx, vtable, &name, &offset))
        return false;
    if (offset == 0 && strncmp(name, "??_7", 4) == 0) {
        if (!seep_symbol_readable(name, out)) {
            seep_buf_reset(out);
            seep_buf_adds(out, name);
        }
        return true;
    }
    if (offset == 0 && strstr(name, "`vftable'")) {
        seep_buf_adds(out, name);
        return true;
    }
    while (*name == '_' && strncmp(name, "_ZTV", 4) != 0)
        name++;
    return offset == 2 * bytes && strncmp(name, "_ZTV", 4) == 0 && itanium_name(name + 4, out);
}

static bool name_of(const struct seep_classes *classes, uint64_t vtable, unsigned bytes,
                    const struct seep_census_image *image, struct seep_buf *out)
{
    uint64_t before;
    if (symbol_type(classes, vtable, bytes, out))
        return true;
    seep_buf_reset(out);
    if (vtable < bytes ||
        !seep_memory_pointer(classes->census->memory, vtable - bytes, bytes, &before) ||
        !image_at(classes, before))
        return false;
    if (in_image(image, before) && microsoft_type(classes, before, bytes, image, out))
        return true;
    seep_buf_reset(out);
    return itanium_type(classes, before, bytes, out);
}

uint32_t seep_classes_of(struct seep_classes *classes, uint64_t word, unsigned pointer_bytes)
{
    const struct seep_census_image *image;
    // A vtable is aligned; most words of data are told apart here.
    if (!classes->n_images || word % pointer_bytes || word < classes->images[0].address ||
        !(image = image_at(classes, word)))
        return 0;
    const struct seep_tally_row *row = seep_tally_find(&classes->seen, word, pointer_bytes);
    if (row)
        return (uint32_t)row->blocks;
    struct seep_buf name = { 0 };
    uint32_t id = 0;
    if (name_of(classes, word, pointer_bytes, image, &name) && name.len) {
        id = seep_intern(&classes->names, seep_buf_text(&name), name.len);
        classes->no_memory |= id == 0;
    }
    classes->no_memory |= name.failed;
    seep_buf_clear(&name);
    struct seep_tally_row *made = seep_tally_row(&classes->seen, word, pointer_bytes);
    if (!made)
        classes->no_memory = true;
    else
        made->blocks = id;
    return id;
}

size_t seep_classes_bytes(const struct seep_classes *classes)
{
    return seep_tally_bytes(&classes->seen) + classes->names.arena.used_bytes +
           classes->names.capacity * sizeof *classes->names.entries +
           classes->names.n_slots * sizeof *classes->names.slots;
}

void seep_classes_clear(struct seep_classes *classes)
{
    seep_free(classes->images);
    seep_tally_clear(&classes->seen);
    seep_intern_clear(&classes->names);
}
