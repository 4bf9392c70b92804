// SPDX-License-Identifier: MIT
// Scanning a driver: what it imports, what is found, data, and the order of it all.
#include "drivers/scan.h"

#include "base/alloc.h"
#include "drivers/scan_internal.h"

#include <stdlib.h>
#include <string.h>

#define API(name, kind, argument, argument_x86, bytes_x86)                                         \
    { #name, kind, argument, argument_x86, bytes_x86 },
const struct seep_api seep_apis[] = {
#include "drivers/allocators.def"
    // Functions of the driver framework are called through a table, not imported. Their first
    // argument is the framework's own. Source: wdfmemory.h and wdffuncenum.h of KMDF.
    API(WdfMemoryCreate, SEEP_API_ALLOCATES, 3, 3, 28)
        API(WdfLookasideListCreate, SEEP_API_ALLOCATES, 5, 5, 28)
};
#undef API
const unsigned seep_n_apis = sizeof seep_apis / sizeof *seep_apis;

enum {
    WDF_MEMORY_CREATE = 192, // places in the table; it only grows at its end
    WDF_LOOKASIDE_LIST_CREATE = 198,
    N_PASSES = 4,   // a function that hands its tag on may be called by another such one
    MAX_TABLE = 64, // tags of one table
    MAX_CONTEXTS = 64,
    MAX_TAGS = 16384, // of one file; real drivers have fewer than 300
    RUNTIME_FUNCTION_X64 = 12,
    RUNTIME_FUNCTION_ARM64 = 8,
    DIRECTORY_RELOCATIONS = 5,
};

const char *seep_scan_api_name(unsigned api)
{
    return api < seep_n_apis ? seep_apis[api].name : "";
}

unsigned seep_scanner_wdf(uint32_t n)
{
    return n == WDF_MEMORY_CREATE           ? seep_n_apis - 2
           : n == WDF_LOOKASIDE_LIST_CREATE ? seep_n_apis - 1
                                            : SEEP_SCAN_NO_API;
}

struct seep_value seep_track_load(const struct seep_track *track, int32_t at)
{
    for (unsigned i = 0; i < track->n_slots; i++) {
        if (track->slots[i].at == at)
            return track->slots[i].value;
    }
    return (struct seep_value){ 0 };
}

void seep_track_store(struct seep_track *track, int32_t at, struct seep_value value)
{
    unsigned i = 0;
    while (i < track->n_slots && track->slots[i].at != at)
        i++;
    if (i == track->n_slots) {
        if (value.kind == SEEP_VALUE_NONE)
            return;
        if (track->n_slots < SEEP_TRACK_SLOTS)
            track->n_slots++;
        else
            i = track->oldest = (uint8_t)((track->oldest + 1) % SEEP_TRACK_SLOTS);
    }
    track->slots[i] = (struct seep_track_slot){ at, value };
}

void seep_scanner_jump(struct seep_scanner *s, uint32_t to)
{
    struct seep_pending *p = &s->pending[s->n_pending % SEEP_PENDING];
    p->to = to;
    memcpy(p->regs, s->track.regs, sizeof p->regs);
    s->n_pending++;
}

bool seep_scanner_arrive(struct seep_scanner *s, uint32_t here)
{
    for (unsigned i = 0; i < SEEP_PENDING && i < s->n_pending; i++) {
        if (s->pending[i].to != here)
            continue;
        memcpy(s->track.regs, s->pending[i].regs, sizeof s->track.regs);
        return true;
    }
    return false;
}

unsigned seep_scanner_import(const struct seep_scanner *s, uint32_t slot)
{
    for (size_t i = 0; i < s->n_imports; i++) {
        if (s->imports[i].slot == slot)
            return s->imports[i].api;
    }
    return SEEP_SCAN_NO_API;
}

static int by_start(const void *a, const void *b)
{
    const struct seep_wrapper *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

const struct seep_wrapper *seep_scanner_wrapper(const struct seep_scanner *s, uint32_t start)
{
    struct seep_wrapper key = { .start = start };
    return s->n_sorted ? bsearch(&key, s->wrappers, s->n_sorted, sizeof *s->wrappers, by_start)
                       : NULL;
}

static void add_wrapper(struct seep_scanner *s, uint32_t argument, unsigned api)
{
    if (!s->knows_function || argument > 16 || s->n_wrappers >= SEEP_MAX_WRAPPERS)
        return;
    for (size_t i = 0; i < s->n_wrappers; i++) {
        if (s->wrappers[i].start == s->function)
            return;
    }
    if (!seep_grow(&s->wrappers, &s->wrapper_capacity, s->n_wrappers + 1, sizeof *s->wrappers)) {
        s->failed = true;
        return;
    }
    s->wrappers[s->n_wrappers++] =
        (struct seep_wrapper){ s->function, (uint8_t)argument, (uint8_t)api };
}

static bool is_printable(uint32_t c)
{
    return c >= 0x20 && c < 0x7f;
}

// Whether a value that is a tag's argument can be one: characters, the last of which may be
// missing. Not one that only looks so because what leads to it was followed wrongly.
static bool is_tag(uint32_t key)
{
    unsigned n = 0;
    key &= 0x7fffffff; // the mark of protected tags
    while (n < 4 && is_printable(key >> 8 * n & 0xff))
        n++;
    return n == 4 || (n == 3 && key >> 24 == 0);
}

// Whether a value that nothing says is a tag reads like one: letters and digits, with little else.
static bool reads_like_tag(uint32_t key)
{
    unsigned letters = 0, blanks = 0, others = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t c = key >> 8 * i & 0xff;
        if (!is_printable(c) || (blanks && c != ' '))
            return false;
        bool letter = ((c | 32) >= 'a' && (c | 32) <= 'z');
        letters += letter;
        blanks += c == ' ';
        others += !letter && c != ' ' && !(c >= '0' && c <= '9');
    }
    return letters >= 2 && others <= 1 && blanks < 3;
}

// Whether there is something besides letters, digits and blanks.
static bool has_signs(uint32_t key)
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t c = key >> 8 * i & 0xff;
        if (!((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9') && c != ' ')
            return true;
    }
    return false;
}

// Four letters that code and data hold for other reasons: names of processors, marks of other
// formats, plain words.
static bool is_common(uint32_t key)
{
    static const char words[][5] = {
        "Genu", "ineI", "ntel", "Auth", "enti", "cAMD", "Hygo", "nGen", "uine", "Cent", "aurH",
        "auls", "Micr", "osof", "t Hv", "VMwa", "reVM", "ware", "RSDS", "RSDT", "XSDT", "FACP",
        "APIC", "NULL", "Null", "null", "None", "none", "TRUE", "True", "true", "FALS", "YES ",
        "name", "Name", "NAME", "type", "Type", "TYPE", "size", "Size", "data", "Data", "DATA",
        "path", "Path", "file", "text", "INIT", "PAGE", "open", "read", "Read", "Open", "http",
        "HTTP", "GET ", "POST", "main", "void", "char", "bool", "long", "HKLM", "SCSI",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (key == seep_le32((const uint8_t *)words[i]))
            return true;
    }
    return false;
}

static struct seep_scan_tag *tag_slot(struct seep_scan_tag *tags, size_t n_slots, uint32_t key)
{
    size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (n_slots - 1);
    while (tags[at].key && tags[at].key != key)
        at = (at + 1) & (n_slots - 1);
    return &tags[at];
}

static bool grow_tags(struct seep_scanner *s)
{
    size_t n_slots = s->n_slots ? s->n_slots * 2 : 256;
    struct seep_scan_tag *tags = seep_alloc(n_slots, sizeof *tags);
    if (!tags)
        return false;
    for (size_t i = 0; s->tags && i < s->n_slots; i++) {
        if (s->tags[i].key)
            *tag_slot(tags, n_slots, s->tags[i].key) = s->tags[i];
    }
    seep_free(s->tags);
    s->tags = tags;
    s->n_slots = n_slots;
    return true;
}

static void found(struct seep_scanner *s, uint32_t key, enum seep_scan_how how, unsigned api,
                  bool wrapped, uint32_t rva)
{
    key &= 0x7fffffff;
    if (!key)
        return;
    if ((!s->tags || s->n_tags >= s->n_slots / 2) && !grow_tags(s)) {
        s->failed = true;
        return;
    }
    struct seep_scan_tag *tag = tag_slot(s->tags, s->n_slots, key);
    if (tag->key && tag->how > how)
        return;
    if (!tag->key && s->n_tags >= MAX_TAGS)
        return;
    s->n_tags += !tag->key;
    if (!tag->key || tag->how < how)
        *tag = (struct seep_scan_tag){
            .key = key, .rva = rva, .how = (uint8_t)how, .api = (uint8_t)api, .wrapped = wrapped
        };
    tag->count += tag->count < UINT32_MAX;
}

void seep_scanner_constant(struct seep_scanner *s, uint32_t value, uint32_t rva)
{
    // Most constants are small: they are told apart at once.
    if ((value & 0x7f000000) >= 0x20000000 && reads_like_tag(value & 0x7fffffff) &&
        !is_common(value))
        found(s, value, SEEP_SCAN_CODE, SEEP_SCAN_NO_API, false, rva);
}

static void found_in_table(struct seep_scanner *s, struct seep_value table, unsigned api,
                           bool wrapped)
{
    struct seep_bytes bytes = seep_image_at(s->image, table.n);
    size_t step = table.step < 4 ? 4 : table.step;
    for (size_t i = 0; i < MAX_TABLE && seep_bytes_has(bytes, i * step, 4); i++) {
        uint32_t key = seep_le32(bytes.data + i * step);
        if (!is_tag(key))
            break;
        found(s, key, SEEP_SCAN_TABLE, api, wrapped, table.n + (uint32_t)(i * step));
    }
}

// The contexts that a file system filter registers: FLT_REGISTRATION leads to an array of
// FLT_CONTEXT_REGISTRATION that the type 0xffff ends. Source: fltkernel.h's documentation,
// learn.microsoft.com/windows-hardware/drivers/ddi/fltkernel/ns-fltkernel-_flt_registration.
static void found_contexts(struct seep_scanner *s, uint32_t registration, unsigned api)
{
    bool wide = s->image->pe.wide;
    struct seep_bytes head = seep_image_at(s->image, registration);
    uint64_t address = wide ? seep_bytes_u64(head, 8) : seep_bytes_u32(head, 8);
    uint32_t rva;
    if (!address || !seep_image_rva(s->image, address, &rva))
        return;
    struct seep_bytes contexts = seep_image_at(s->image, rva);
    size_t size = wide ? 56 : 28, tag_at = wide ? 24 : 12;
    for (size_t i = 0; i < MAX_CONTEXTS && seep_bytes_has(contexts, i * size, size); i++) {
        uint32_t type = seep_bytes_u32(contexts, i * size) & 0xffff;
        uint32_t key = seep_bytes_u32(contexts, i * size + tag_at);
        if (type == 0xffff)
            break;
        if (is_tag(key))
            found(s, key, SEEP_SCAN_FILTER, api, false, rva + (uint32_t)(i * size + tag_at));
    }
}

void seep_scanner_call(struct seep_scanner *s, unsigned api, struct seep_value tag,
                       struct seep_value first, bool wrapped, uint32_t rva)
{
    enum seep_api_kind kind = seep_apis[api].kind;
    if (kind == SEEP_API_FILTER) {
        if (tag.kind == SEEP_VALUE_ADDRESS)
            found_contexts(s, tag.n, api);
        return;
    }
    if (kind == SEEP_API_STORPORT && (first.kind != SEEP_VALUE_CONST || first.n != 0))
        return;
    if (kind == SEEP_API_UNTAGGED) {
        found(s, seep_le32((const uint8_t *)"None"), SEEP_SCAN_NAME, api, false, rva);
        return;
    }
    bool frees = kind == SEEP_API_FREES;
    if (tag.kind == SEEP_VALUE_CONST && is_tag(tag.n)) {
        found(s, tag.n, frees ? SEEP_SCAN_FREE : SEEP_SCAN_CALL, api, wrapped, rva);
    } else if (tag.kind == SEEP_VALUE_VARIABLE) {
        uint32_t key = seep_bytes_u32(seep_image_at(s->image, tag.n), 0);
        if (is_tag(key))
            found(s, key, frees ? SEEP_SCAN_FREE : SEEP_SCAN_VARIABLE, api, wrapped, rva);
    } else if (tag.kind == SEEP_VALUE_TABLE) {
        found_in_table(s, tag, api, wrapped);
    } else if (tag.kind == SEEP_VALUE_ARGUMENT) {
        add_wrapper(s, tag.n, api);
    }
}

bool seep_scanner_function(const struct seep_scanner *s, size_t *entry, struct seep_function *f)
{
    bool x64 = s->image->pe.machine == SEEP_MACHINE_X64;
    size_t size = x64 ? RUNTIME_FUNCTION_X64 : RUNTIME_FUNCTION_ARM64;
    uint32_t directory = s->image->directory_rva[SEEP_IMAGE_EXCEPTIONS];
    struct seep_bytes table = { 0 };
    if (directory && s->image->pe.machine != SEEP_MACHINE_X86)
        table = seep_bytes_part(seep_image_at(s->image, directory), 0,
                                s->image->directory_size[SEEP_IMAGE_EXCEPTIONS]);
    if (*entry >= table.len / size)
        return false;
    const uint8_t *at = table.data + *entry * size;
    *f = (struct seep_function){ .start = seep_le32(at) };
    if (x64) {
        // A part of a function that lies elsewhere has UNW_FLAG_CHAININFO in its unwind data.
        struct seep_bytes unwind = seep_image_at(s->image, seep_le32(at + 8));
        f->whole = !(unwind.len && unwind.data[0] >> 3 & 4);
        f->end = seep_le32(at + 4);
    } else {
        // Packed, or the address of the data; a fragment without a prologue is 2. Both have the
        // length in units of four bytes. Source:
        // learn.microsoft.com/cpp/build/arm64-exception-handling.
        uint32_t data = seep_le32(at + 4);
        uint32_t units = data & 3 ? data >> 2 & 0x7ff
                                  : seep_bytes_u32(seep_image_at(s->image, data), 0) & 0x3ffff;
        f->whole = (data & 3) != 2;
        f->end = f->start + units * 4;
    }
    ++*entry;
    return true;
}

static bool take_import(void *ctx, const char *name, size_t len, uint32_t slot)
{
    struct seep_scanner *s = ctx;
    if (len == 14 && memcmp(name, "WdfVersionBind", 14) == 0)
        s->uses_wdf = true;
    if (len == 25 && memcmp(name, "MmGetSystemRoutineAddress", 25) == 0)
        s->looks_up = true;
    for (unsigned i = 0; i < seep_n_apis; i++) {
        if (strlen(seep_apis[i].name) == len && memcmp(seep_apis[i].name, name, len) == 0 &&
            s->n_imports < SEEP_MAX_IMPORTS)
            s->imports[s->n_imports++] = (struct seep_import){ slot, (uint8_t)i };
    }
    return true;
}

// A driver tells the framework where to put its table: WDF_BIND_INFO is {size, address of
// L"KmdfLibrary", three numbers of a version, how many functions, address of the pointer to the
// table, module}. Source: WDF's public sources, fxldr.h.
static void find_wdf(struct seep_scanner *s, struct seep_bytes data)
{
    static const char library[] = "K\0m\0d\0f\0L\0i\0b\0r\0a\0r\0y";
    bool wide = s->image->pe.wide;
    uint32_t size = wide ? 0x30 : 0x20;
    for (size_t i = 0; i + size <= data.len && !s->wdf_functions; i += 4) {
        if (seep_le32(data.data + i) != size)
            continue;
        const uint8_t *p = data.data + i;
        uint64_t name = wide ? seep_le64(p + 8) : seep_le32(p + 4);
        uint64_t table = wide ? seep_le64(p + 32) : seep_le32(p + 24);
        uint32_t name_rva, table_rva;
        if (seep_image_rva(s->image, name, &name_rva) &&
            seep_image_rva(s->image, table, &table_rva) &&
            seep_bytes_match(seep_image_at(s->image, name_rva), 0, library, sizeof library))
            s->wdf_functions = table_rva;
    }
}

// "The framework makes a tag of the first four characters of the driver's service name, or of the
// next four if it begins with WDF; FxDr where there are too few": learn.microsoft.com,
// WDF_DRIVER_CONFIG, DriverPoolTag. Services are mostly named as their files are.
static void find_wdf_name(struct seep_scanner *s, const char *stem)
{
    size_t len = strlen(stem);
    if (len >= 3 && (stem[0] | 32) == 'w' && (stem[1] | 32) == 'd' && (stem[2] | 32) == 'f') {
        stem += 3;
        len -= 3;
    }
    if (len < 4)
        return;
    uint8_t as_is[4], lower[4];
    for (unsigned i = 0; i < 4; i++) {
        as_is[i] = (uint8_t)stem[i];
        lower[i] = (uint8_t)(stem[i] >= 'A' && stem[i] <= 'Z' ? stem[i] | 32 : stem[i]);
    }
    if (is_tag(seep_le32(as_is)))
        found(s, seep_le32(as_is), SEEP_SCAN_NAME, SEEP_SCAN_NO_API, false, 0);
    if (is_tag(seep_le32(lower)) && memcmp(as_is, lower, 4) != 0)
        found(s, seep_le32(lower), SEEP_SCAN_NAME, SEEP_SCAN_NO_API, false, 0);
}

// Four characters at an address that 4 divides, with none before and none behind them: in a longer
// text they would be a part of it. Addresses within the image can look so, too.
static void scan_data(struct seep_scanner *s, struct seep_bytes data, uint32_t rva)
{
    for (size_t i = 0; i + 4 <= data.len; i += 4) {
        uint32_t v = seep_le32(data.data + i);
        if (v & 0x80808080 || (v - 0x20202020) & 0x80808080 || !reads_like_tag(v))
            continue;
        bool before = i && is_printable(data.data[i - 1]);
        bool behind = i + 4 < data.len && is_printable(data.data[i + 4]);
        uint64_t address = s->image->pe.wide ? seep_bytes_u64(data, i) : v;
        uint32_t to;
        if (!before && !behind && !is_common(v) && !has_signs(v) &&
            !seep_image_rva(s->image, address, &to))
            found(s, v, SEEP_SCAN_DATA, SEEP_SCAN_NO_API, false, rva + (uint32_t)i);
    }
}

// Sections that hold nothing but what the loader, or a person, reads.
static bool is_tables(const struct seep_image *image, uint32_t section)
{
    static const uint8_t directories[] = { SEEP_IMAGE_RESOURCES, SEEP_IMAGE_EXCEPTIONS,
                                           DIRECTORY_RELOCATIONS };
    uint32_t rva = image->pe.sections[section].rva;
    for (size_t i = 0; i < sizeof directories; i++) {
        if (image->directory_rva[directories[i]] == rva)
            return true;
    }
    return false;
}

// Sections may lie over each other: all together they are not more than the file.
static struct seep_bytes next_section(const struct seep_image *image, uint32_t section,
                                      size_t *left)
{
    struct seep_bytes bytes = seep_bytes_part(seep_image_section(image, section), 0, *left);
    *left -= bytes.len;
    return bytes;
}

static void scan_code(struct seep_scanner *s)
{
    const struct seep_image *image = s->image;
    size_t left = image->file.len;
    for (uint32_t i = 0; i < image->pe.n_sections && !s->failed; i++) {
        if (!image->is_code[i])
            continue;
        struct seep_bytes code = next_section(image, i, &left);
        if (image->pe.machine == SEEP_MACHINE_ARM64)
            seep_scan_arm64(s, code, image->pe.sections[i].rva);
        else
            seep_scan_x86(s, code, image->pe.sections[i].rva);
    }
}

static int by_key(const void *a, const void *b)
{
    const struct seep_scan_tag *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

static void scan(struct seep_scanner *s, const char *stem)
{
    const struct seep_image *image = s->image;
    seep_image_each_import(image, take_import, s);
    size_t left = image->file.len;
    for (uint32_t i = 0; s->uses_wdf && i < image->pe.n_sections; i++) {
        if (image->is_data[i])
            find_wdf(s, next_section(image, i, &left));
    }
    for (unsigned pass = 0; pass < N_PASSES && !s->failed; pass++) {
        if (s->tags)
            memset(s->tags, 0, s->n_slots * sizeof *s->tags);
        s->n_tags = 0;
        scan_code(s);
        if (s->n_wrappers == s->n_sorted)
            break;
        qsort(s->wrappers, s->n_wrappers, sizeof *s->wrappers, by_start);
        s->n_sorted = s->n_wrappers;
    }
    if (s->uses_wdf)
        find_wdf_name(s, stem);
    left = image->file.len;
    bool allocates = s->n_imports || s->uses_wdf || s->looks_up;
    for (uint32_t i = 0; allocates && i < image->pe.n_sections && !s->failed; i++) {
        if (image->is_data[i] && !is_tables(image, i))
            scan_data(s, next_section(image, i, &left), image->pe.sections[i].rva);
    }
}

bool seep_scan_image(const struct seep_image *image, const char *stem, struct seep_scan *result)
{
    struct seep_scan out = { 0 };
    uint16_t machine = image->pe.machine;
    if (machine != SEEP_MACHINE_X86 && machine != SEEP_MACHINE_X64 &&
        machine != SEEP_MACHINE_ARM64) {
        *result = out;
        return true;
    }
    struct seep_scanner *s = seep_alloc(1, sizeof *s);
    if (!s)
        return false;
    s->image = image;
    scan(s, stem);
    bool ok = !s->failed;
    if (ok && s->n_tags) {
        out.tags = s->tags;
        for (size_t i = 0; i < s->n_slots; i++) {
            if (s->tags[i].key)
                out.tags[out.n_tags++] = s->tags[i];
        }
        s->tags = NULL;
        qsort(out.tags, out.n_tags, sizeof *out.tags, by_key);
    }
    out.imports_allocators = s->n_imports || s->uses_wdf;
    seep_free(s->tags);
    seep_free(s->wrappers);
    seep_free(s);
    if (ok)
        *result = out;
    return ok;
}

void seep_scan_clear(struct seep_scan *scan)
{
    seep_free(scan->tags);
    *scan = (struct seep_scan){ 0 };
}
