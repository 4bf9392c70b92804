// SPDX-License-Identifier: MIT
// The list of regions of a dump, or what can be known without one.
#include "source/minidump/regions.h"

static bool from_list(const struct seep_minidump_list *entries, struct seep_usage_regions *regions,
                      struct dump_region_list *list)
{
    list->list_offset = entries->offset;
    for (uint64_t i = 0; i < entries->n; i++) {
        struct seep_minidump_region e = seep_minidump_region(seep_minidump_entry(entries, i));
        struct seep_usage_region region;
        if (!seep_usage_region(e.base, e.size_bytes, e.allocation_base, e.state, e.type, e.protect,
                               &region)) {
            if (!list->n_bad++)
                list->first_bad = entries->offset + i * entries->entry_bytes;
        } else if (!seep_usage_add(regions, &region)) {
            return false;
        }
    }
    size_t n = seep_usage_tidy(regions);
    if (n && !list->n_bad)
        list->first_bad = entries->offset;
    list->n_bad += n;
    return true;
}

// Where a range of the dump begins a region may begin: neighbours are held as one piece.
static bool add_borders(const struct seep_minidump *dump, struct seep_usage_regions *regions)
{
    static const uint32_t types[] = { SEEP_MINIDUMP_MEMORY64, SEEP_MINIDUMP_MEMORY };
    struct seep_minidump_list list;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        if (!seep_minidump_list(dump, types[k], &list))
            continue;
        for (uint64_t i = 0; i < list.n; i++) {
            if (!seep_usage_border(regions, seep_bytes_u64(seep_minidump_entry(&list, i), 0)))
                return false;
        }
    }
    return true;
}

// Without a list: each image, and what memory is held between them.
static bool derive(struct seep_usage_regions *regions, const struct seep_usage_image *images,
                   size_t n_images, const struct seep_minidump_memory *memory)
{
    size_t image = 0, piece = 0;
    uint64_t done = 0; // everything below is settled
    while (image < n_images || piece < memory->n_pieces) {
        const struct seep_usage_image *i = image < n_images ? &images[image] : NULL;
        const struct seep_minidump_piece *p =
            piece < memory->n_pieces ? &memory->pieces[piece] : NULL;
        struct seep_usage_region region = { .state = SEEP_STATE_COMMIT };
        uint64_t start = p ? (p->address > done ? p->address : done) : 0;
        if (p && p->address + p->size_bytes <= done) {
            piece++;
            continue;
        }
        if (i && i->base < done) {
            image++;
            continue;
        }
        if (i && (!p || i->base <= start)) {
            region.base = region.allocation_base = i->base;
            region.size_bytes = i->size_bytes;
            region.type = SEEP_TYPE_IMAGE;
            image++;
        } else if (p) {
            uint64_t end = p->address + p->size_bytes;
            if (i && i->base < end)
                end = i->base;
            region.base = start;
            region.size_bytes = end - start;
        }
        done = region.base + region.size_bytes;
        if (region.size_bytes && !seep_usage_add(regions, &region))
            return false;
    }
    return true;
}

bool dump_regions_load(const struct seep_minidump *dump, const struct seep_usage_image *images,
                       size_t n_images, const struct seep_minidump_memory *memory,
                       struct seep_usage_regions *regions, struct dump_region_list *list)
{
    struct seep_minidump_list entries;
    struct seep_usage_regions r = { 0 };
    struct dump_region_list l = { 0 };
    bool ok = true;
    if (seep_minidump_list(dump, SEEP_MINIDUMP_REGIONS, &entries))
        ok = from_list(&entries, &r, &l);
    if (ok && r.n == 0) {
        l.derived = true;
        ok = derive(&r, images, n_images, memory) && add_borders(dump, &r);
        r.derived = true;
        r.max_extents = seep_usage_max_extents(memory->n_pieces, memory->held_bytes);
    }
    if (!ok) {
        seep_usage_regions_clear(&r);
        return false;
    }
    *regions = r;
    *list = l;
    return true;
}
