// SPDX-License-Identifier: MIT
// Which kernel a memory holds, and how it is known.
#include "kernel/identify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MACHINE_X64 = 0x8664, MAX_PROCESSORS = 2048 };

// One identification.
struct search {
    struct seep_kernel *kernel;
    const struct seep_kernel_hints *hints;
    struct seep_pe pe;
    bool has_image;
    const struct seep_known_kernel *known;
    size_t n_alike; // known kernels whose variables lie as here
    bool ambiguous; // and these differ in something else
};

static uint64_t narrow(const struct seep_kernel *kernel, uint64_t address)
{
    return kernel->memory->pointer_bytes == 4 ? address & UINT32_MAX : address;
}

// Of a 32-bit system the block's addresses are sign-extended.
static void narrow_debugger_data(struct seep_kernel *kernel)
{
    struct seep_debugger_data *d = &kernel->debugger_data;
    uint64_t *all[] = {
        &d->kernel_base,
        &d->loaded_modules,
        &d->active_processes,
        &d->cid_table,
        &d->paged_pool_descriptor,
        &d->pfn_database,
        &d->n_physical_pages,
        &d->maximum_nonpaged_pool,
        &d->paged_pool_size,
        &d->total_commit_limit,
        &d->total_committed,
        &d->shared_commit,
        &d->driver_commit,
        &d->process_commit,
        &d->paged_pool_commit,
        &d->available_pages,
        &d->resident_available_pages,
        &d->pool_track_table,
        &d->unloaded_drivers,
        &d->allocated_nonpaged_pool,
        &d->peak_commitment,
        &d->commit_limit_maximum,
        &d->physical_memory_block,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        *all[i] = narrow(kernel, *all[i]);
}

static void take_debugger_data(struct search *s, bool found, bool decoded)
{
    if (!found)
        return;
    s->kernel->has_debugger_data = true;
    s->kernel->debugger_data_decoded = decoded;
    narrow_debugger_data(s->kernel);
}

// The block in clear: in the file, or where the header says.
static void find_debugger_data(struct search *s)
{
    const struct seep_kernel_hints *hints = s->hints;
    struct seep_debugger_data *data = &s->kernel->debugger_data;
    bool found = hints->debugger_data.len && seep_debugger_data_read(hints->debugger_data, data);
    if (!found && hints->header)
        found = seep_kernel_debugger_data_at(s->kernel->memory, hints->header->debugger_data, data);
    take_debugger_data(s, found, false);
}

// The base of the first module of the list of loaded ones: the kernel.
static uint64_t first_module(const struct seep_kernel *kernel, uint64_t head)
{
    unsigned width = kernel->memory->pointer_bytes;
    uint64_t entry, base;
    if (!head || !seep_memory_pointer(kernel->memory, head, width, &entry) || !entry ||
        entry == head ||
        !seep_memory_pointer(kernel->memory, entry + (width == 8 ? 0x30 : 0x18), width, &base))
        return 0;
    return base;
}

static bool take_base(struct search *s, uint64_t base)
{
    if (!base)
        return false;
    if (!s->kernel->base)
        s->kernel->base = base; // the best so far
    if (!seep_kernel_image_at(s->kernel->memory, base, &s->pe))
        return false;
    s->kernel->base = base;
    s->has_image = true;
    return true;
}

static void find_base(struct search *s)
{
    const struct seep_kernel *kernel = s->kernel;
    const struct seep_kernel_dump_header *header = s->hints->header;
    const uint64_t known[] = {
        s->hints->kernel_base,
        kernel->has_debugger_data ? kernel->debugger_data.kernel_base : 0,
        header ? first_module(kernel, header->loaded_modules) : 0,
        kernel->has_debugger_data ? first_module(kernel, kernel->debugger_data.loaded_modules) : 0,
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (take_base(s, known[i]))
            return;
    }
    const uint64_t inside[] = {
        header ? header->loaded_modules : 0,
        header ? header->active_processes : 0,
        header ? header->debugger_data : 0,
    };
    for (size_t i = 0; !s->kernel->base && i < sizeof inside / sizeof *inside; i++) {
        if (inside[i] && take_base(s, seep_kernel_image_around(kernel->memory, inside[i])))
            return;
    }
}

static const char *base_name(const char *path)
{
    const char *name = path;
    for (const char *c = path; *c; c++) {
        if (*c == '\\' || *c == '/')
            name = c + 1;
    }
    return name;
}

// What the image says, and where it is silent, what the source knows of it.
static void take_image(struct search *s)
{
    struct seep_kernel *kernel = s->kernel;
    const struct seep_image_identity *given = &s->hints->image;
    const struct seep_kernel_dump_header *header = s->hints->header;
    const char *name = NULL;
    kernel->timestamp = given->timestamp;
    kernel->size_bytes = given->size_bytes;
    if (header) {
        kernel->machine = header->machine;
        kernel->build = header->build;
    }
    if (s->has_image) {
        kernel->machine = s->pe.machine;
        kernel->timestamp = s->pe.timestamp;
        kernel->size_bytes = s->pe.size_bytes;
        (void)snprintf(kernel->version, sizeof kernel->version, "%s", s->pe.version);
    }
    if (s->has_image && s->pe.has_pdb) {
        memcpy(kernel->pdb.guid, s->pe.pdb_guid, sizeof kernel->pdb.guid);
        kernel->pdb.age = s->pe.pdb_age;
        name = s->pe.pdb_name;
    } else if (seep_guid_known(given->pdb.guid)) {
        memcpy(kernel->pdb.guid, given->pdb.guid, sizeof kernel->pdb.guid);
        kernel->pdb.age = given->pdb.age;
        name = given->pdb.name;
    }
    if (name)
        (void)snprintf(kernel->pdb_name, sizeof kernel->pdb_name, "%.*s",
                       (int)sizeof kernel->pdb_name - 1, base_name(name));
}

// Where the kernel's variables are said to lie, by the number of the table's column.
static size_t places(const struct seep_kernel *kernel, const struct seep_kernel_hints *hints,
                     uint64_t rva[SEEP_N_KNOWN_VARIABLES])
{
    const struct seep_debugger_data *d = kernel->has_debugger_data ? &kernel->debugger_data : NULL;
    const struct seep_kernel_dump_header *h = hints->header;
    uint64_t address[SEEP_N_KNOWN_VARIABLES] = { 0 };
    size_t n = 0;
    if (d) {
        address[SEEP_KNOWN_POOL_TRACK_TABLE] = d->pool_track_table;
        address[SEEP_KNOWN_ACTIVE_PROCESSES] = d->active_processes;
        address[SEEP_KNOWN_CID_TABLE] = d->cid_table;
    }
    if (h && !address[SEEP_KNOWN_ACTIVE_PROCESSES])
        address[SEEP_KNOWN_ACTIVE_PROCESSES] = h->active_processes;
    if (h)
        address[SEEP_KNOWN_DEBUGGER_DATA] = h->debugger_data;
    for (size_t i = 0; i < SEEP_N_KNOWN_VARIABLES; i++) {
        rva[i] = 0;
        if (address[i] > kernel->base && address[i] - kernel->base <= UINT32_MAX) {
            rva[i] = address[i] - kernel->base;
            n++;
        }
    }
    return n;
}

static bool lies_so(const struct seep_known_kernel *known,
                    const uint64_t rva[SEEP_N_KNOWN_VARIABLES])
{
    for (size_t i = 0; i < SEEP_N_KNOWN_VARIABLES; i++) {
        if (rva[i] && known->rva[i] != rva[i])
            return false;
    }
    return true;
}

// By where the variables lie: at least two of them. Kernels that agree in all that is needed may
// share them.
static void find_by_places(struct search *s)
{
    uint64_t rva[SEEP_N_KNOWN_VARIABLES];
    if (!s->kernel->base || s->kernel->machine != MACHINE_X64 ||
        places(s->kernel, s->hints, rva) < 2)
        return;
    for (size_t i = 0; i < seep_known_count(); i++) {
        const struct seep_known_kernel *known = seep_known_at(i);
        if (!lies_so(known, rva))
            continue;
        if (s->known && !seep_known_alike(s->known, known))
            s->ambiguous = true;
        if (!s->known)
            s->known = known;
        s->n_alike++;
    }
    s->kernel->by_pair = s->known != NULL;
}

static void find_known(struct search *s)
{
    if (!s->kernel->base)
        return;
    if (seep_guid_known(s->kernel->pdb.guid)) {
        s->known = seep_known_by_guid(s->kernel->pdb.guid);
        s->n_alike = s->known != NULL;
    } else {
        find_by_places(s);
    }
}

// Whether the symbols put the kernel's variables where they are.
static bool reproduces(const struct search *s, const struct seep_symbol_table *table)
{
    static const char *const names[SEEP_N_KNOWN_VARIABLES] = {
        [SEEP_KNOWN_POOL_TRACK_TABLE] = "PoolTrackTable",
        [SEEP_KNOWN_ACTIVE_PROCESSES] = "PsActiveProcessHead",
        [SEEP_KNOWN_CID_TABLE] = "PspCidTable",
        [SEEP_KNOWN_DEBUGGER_DATA] = "KdDebuggerDataBlock",
    };
    uint64_t rva[SEEP_N_KNOWN_VARIABLES];
    uint32_t found;
    if (places(s->kernel, s->hints, rva) < 2)
        return false;
    for (size_t i = 0; i < SEEP_N_KNOWN_VARIABLES; i++) {
        if (rva[i] && names[i] && (!seep_kernel_symbol(table, names[i], &found) || found != rva[i]))
            return false;
    }
    return true;
}

static bool take_symbols(struct search *s, const struct seep_image_identity *identity, bool check,
                         struct seep_err *why)
{
    struct seep_kernel *kernel = s->kernel;
    struct seep_symbols *symbols = s->hints->symbols;
    const struct seep_symbol_file *file = seep_symbols_for(symbols, identity, why);
    if (!file || (check && !reproduces(s, file->table)))
        return false;
    const struct seep_types *types = seep_symbols_types(symbols, identity, why);
    if (!types)
        return false;
    kernel->table = file->table;
    kernel->types = types;
    if (seep_guid_known(identity->pdb.guid)) {
        memcpy(kernel->pdb.guid, identity->pdb.guid, sizeof kernel->pdb.guid);
        kernel->pdb.age = identity->pdb.age;
    }
    return true;
}

// The identity under which the kernel's symbols are asked for.
static struct seep_image_identity identity_of(const struct seep_kernel *kernel)
{
    struct seep_image_identity identity = {
        .name = "ntoskrnl.exe",
        .timestamp = kernel->timestamp,
        .size_bytes = (uint32_t)kernel->size_bytes,
        .pdb = kernel->pdb,
    };
    identity.pdb.name = kernel->pdb_name[0] ? kernel->pdb_name : "ntkrnlmp.pdb";
    return identity;
}

// Symbols by the PDB record; without one, those of each known kernel that it may be, those of the
// image by its time stamp, and what the user named, if its variables lie as the dump's do.
static void find_symbols(struct search *s, struct seep_err *why)
{
    struct seep_symbols *symbols = s->hints->symbols;
    struct seep_image_identity identity = identity_of(s->kernel);
    uint64_t rva[SEEP_N_KNOWN_VARIABLES];
    if (!symbols || !s->kernel->base)
        return;
    if (seep_guid_known(s->kernel->pdb.guid)) {
        (void)take_symbols(s, &identity, false, why);
        return;
    }
    (void)places(s->kernel, s->hints, rva);
    for (size_t i = 0; s->known && i < seep_known_count(); i++) {
        if (!lies_so(seep_known_at(i), rva))
            continue;
        seep_known_guid(seep_known_at(i), identity.pdb.guid);
        identity.pdb.age = 1;
        if (take_symbols(s, &identity, true, why))
            return;
    }
    for (size_t i = 0; seep_symbols_named(symbols, i, &identity.pdb); i++) {
        if (take_symbols(s, &identity, true, why))
            return;
    }
    if (s->known && !s->ambiguous)
        return; // a server need not be asked
    identity = identity_of(s->kernel);
    (void)take_symbols(s, &identity, true, why);
}

static const char *prefix(uint32_t build)
{
    return build >= 10240 ? "10.0" : build >= 9600 ? "6.3" : build >= 9200 ? "6.2" : "6.1";
}

static void set_version(struct search *s)
{
    struct seep_kernel *kernel = s->kernel;
    const struct seep_known_kernel *known = s->ambiguous || s->n_alike > 1 ? NULL : s->known;
    if (known && known->build) {
        // The header may have the number of an enablement package: 19045 for 19041.
        uint32_t build = kernel->build ? kernel->build : known->build;
        (void)snprintf(kernel->version, sizeof kernel->version, "%s.%" PRIu32 ".%" PRIu32,
                       prefix(build), build, known->revision);
        kernel->build = build;
    } else if (!kernel->version[0] && kernel->build) {
        (void)snprintf(kernel->version, sizeof kernel->version, "%s.%" PRIu32,
                       prefix(kernel->build), kernel->build);
    }
}

static void take_known(struct search *s)
{
    struct seep_kernel *kernel = s->kernel;
    if (!s->known || s->ambiguous)
        return;
    kernel->known_by = SEEP_KERNEL_BY_TABLE;
    if (s->n_alike == 1 && !seep_guid_known(kernel->pdb.guid)) {
        seep_known_guid(s->known, kernel->pdb.guid);
        kernel->pdb.age = 1;
    }
    seep_kernel_variables_known(kernel, s->known);
    // The tables are those of processors: behind the last one are zeros, and then other variables.
    if (s->hints->header && s->hints->header->n_processors <= MAX_PROCESSORS &&
        kernel->symbols.pool_tag_tables)
        kernel->symbols.pool_tag_tables_end =
            kernel->symbols.pool_tag_tables + (uint64_t)8 * s->hints->header->n_processors;
    seep_kernel_layout_known(s->known, &kernel->layout);
}

// Of an unknown kernel of a known build at least the structures are known.
static void take_build(struct search *s)
{
    struct seep_kernel *kernel = s->kernel;
    const struct seep_known_kernel *known = seep_known_of_build(kernel->build);
    if (kernel->known_by == SEEP_KERNEL_UNKNOWN && kernel->machine == MACHINE_X64 && known)
        seep_kernel_layout_known(known, &kernel->layout);
}

// One sentence: that the kernel is not known, and what would help.
static void explain(struct search *s, const struct seep_err *why)
{
    struct seep_kernel *kernel = s->kernel;
    char which[48] = "", guid[SEEP_GUID_TEXT], pdb[160] = "";
    if (kernel->known_by != SEEP_KERNEL_UNKNOWN)
        return;
    if (kernel->version[0])
        (void)snprintf(which, sizeof which, " %s", kernel->version);
    if (seep_guid_known(kernel->pdb.guid)) {
        seep_guid_text(kernel->pdb.guid, guid);
        (void)snprintf(pdb, sizeof pdb, " (%.60s, %s, age %" PRIu32 ")",
                       kernel->pdb_name[0] ? kernel->pdb_name : "ntkrnlmp.pdb", guid,
                       kernel->pdb.age);
    }
    if (!kernel->base)
        (void)snprintf(kernel->why, sizeof kernel->why, "no kernel was found in this memory");
    else if (s->hints->symbols && pdb[0] && why->what[0] && !why->hint[0])
        // There is a symbol path, and what it lacks, or has instead, is said already.
        (void)snprintf(kernel->why, sizeof kernel->why,
                       "the kernel%s is not among those that seep knows, and %.180s", which,
                       why->what);
    else if (s->ambiguous)
        (void)snprintf(kernel->why, sizeof kernel->why,
                       "the kernel%s may be any of %" PRIu64
                       " that differ: give its symbols with --symbols",
                       which, (uint64_t)s->n_alike);
    else
        (void)snprintf(kernel->why, sizeof kernel->why,
                       "the kernel%s is not among those that seep knows: give its symbols%s with "
                       "--symbols",
                       which, pdb);
}

bool seep_kernel_identify(const struct seep_memory *memory, const struct seep_kernel_hints *hints,
                          struct seep_kernel *kernel, struct seep_err *err)
{
    struct seep_err why = { 0 };
    struct search s = { .kernel = kernel, .hints = hints };
    (void)err;
    memset(kernel, 0, sizeof *kernel);
    kernel->memory = memory;
    kernel->pdb.name = NULL;
    seep_kernel_layout_none(&kernel->layout, memory->pointer_bytes);
    find_debugger_data(&s);
    find_base(&s);
    take_image(&s);
    find_known(&s);
    find_symbols(&s, &why);
    if (kernel->types) {
        kernel->known_by = SEEP_KERNEL_BY_SYMBOLS;
        if (!kernel->has_debugger_data)
            take_debugger_data(&s,
                               seep_kernel_debugger_data_decode(memory, kernel->base, kernel->table,
                                                                &kernel->debugger_data),
                               true);
        if (!s.known)
            s.known = seep_known_by_guid(kernel->pdb.guid);
        seep_kernel_layout_types(kernel->types, memory->pointer_bytes, kernel->build,
                                 &kernel->layout);
        seep_kernel_variables_table(kernel);
        kernel->layout.type_index_encoded = kernel->symbols.object_header_cookie != 0;
    } else {
        take_known(&s);
    }
    set_version(&s);
    if (!kernel->has_debugger_data)
        take_debugger_data(&s,
                           seep_kernel_debugger_data_at(memory, kernel->symbols.debugger_data,
                                                        &kernel->debugger_data),
                           false);
    seep_kernel_variables_debugger(kernel);
    if (hints->header && !kernel->symbols.active_processes)
        kernel->symbols.active_processes = hints->header->active_processes;
    if (hints->header && !kernel->symbols.loaded_modules)
        kernel->symbols.loaded_modules = hints->header->loaded_modules;
    if (seep_guid_known(kernel->pdb.guid) && kernel->pdb_name[0])
        kernel->pdb.name = kernel->pdb_name;
    take_build(&s);
    explain(&s, &why);
    return true;
}
