// SPDX-License-Identifier: MIT
// Symbols of a dump's images.
#include "source/minidump/names.h"

#include "base/alloc.h"

bool dump_identity(const struct dump_reader *r, const struct seep_usage_image *image,
                   struct seep_image_identity *identity, struct seep_buf *pdb)
{
    struct seep_minidump_list list;
    if (!seep_minidump_list(&r->dump, SEEP_MINIDUMP_MODULES, &list) || image->index >= list.n)
        return false;
    struct seep_minidump_module m = seep_minidump_module(seep_minidump_entry(&list, image->index));
    *identity =
        (struct seep_image_identity){ .name = image->path ? dump_file_name(image->path) : NULL,
                                      .timestamp = m.timestamp,
                                      .size_bytes = m.size_bytes,
                                      .checksum = m.checksum };
    if (seep_minidump_codeview(&r->dump, &m, identity->pdb.guid, &identity->pdb.age, pdb))
        identity->pdb.name = seep_buf_text(pdb);
    return !pdb->failed;
}

const struct seep_symbol_file *dump_symbols(struct dump_reader *r,
                                            const struct seep_usage_image *image)
{
    struct seep_image_identity identity;
    struct seep_buf pdb = { 0 };
    if (!r->input->symbols)
        return NULL;
    if (!r->symbols)
        r->symbols = seep_alloc(r->n_images + 1, sizeof *r->symbols);
    if (!r->symbols) {
        (void)dump_stop(r);
        return NULL;
    }
    struct dump_symbols *cached = &r->symbols[image - r->images];
    if (cached->asked)
        return cached->file;
    cached->asked = true;
    if (dump_identity(r, image, &identity, &pdb))
        cached->file = seep_symbols_for(r->input->symbols, &identity, NULL);
    seep_buf_clear(&pdb);
    return cached->file;
}

const struct seep_usage_image *dump_symbol_at(struct dump_reader *r, uint64_t address,
                                              struct seep_symbol *symbol, bool *found)
{
    const struct seep_usage_image *image = seep_usage_image_at(r->images, r->n_images, address);
    *found = false;
    if (!image)
        return NULL;
    const struct seep_symbol_file *file = dump_symbols(r, image);
    *found = file && file->table &&
             seep_symbol_table_at(file->table, (uint32_t)(address - image->base), symbol);
    return image;
}
