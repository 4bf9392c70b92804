// SPDX-License-Identifier: MIT
// Stacks as a profile of pprof: a gzip file of the message Profile of profile.proto
// (https://github.com/google/pprof/blob/main/proto/profile.proto), written by hand.
//
// Sample types: inuse_objects, inuse_space, alloc_objects, alloc_space; in a difference all four
// are what came to be between the two files, of survivors the first two are what survived. A
// mapping's build id is what Windows' symbol servers go by: GUID and age of the PDB.
#include "report/stacks.h"

#include "base/alloc.h"
#include "base/time.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

// Numbers of fields (profile.proto).
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_MAPPING = 3,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING_TABLE = 6,
    PROFILE_TIME_NANOS = 9,
    PROFILE_DURATION_NANOS = 10,
    PROFILE_PERIOD_TYPE = 11,
    PROFILE_PERIOD = 12,
    PROFILE_COMMENT = 13,
    PROFILE_DEFAULT_SAMPLE_TYPE = 14,
    VALUE_TYPE_TYPE = 1,
    VALUE_TYPE_UNIT = 2,
    SAMPLE_LOCATION_ID = 1,
    SAMPLE_VALUE = 2,
    SAMPLE_LABEL = 3,
    LABEL_KEY = 1,
    LABEL_STR = 2,
    LABEL_NUM = 3,
    MAPPING_ID = 1,
    MAPPING_MEMORY_START = 2,
    MAPPING_MEMORY_LIMIT = 3,
    MAPPING_FILENAME = 5,
    MAPPING_BUILD_ID = 6,
    MAPPING_HAS_FUNCTIONS = 7,
    MAPPING_HAS_FILENAMES = 8,
    MAPPING_HAS_LINE_NUMBERS = 9,
    MAPPING_HAS_INLINE_FRAMES = 10,
    LOCATION_ID = 1,
    LOCATION_MAPPING_ID = 2,
    LOCATION_ADDRESS = 3,
    LOCATION_LINE = 4,
    LINE_FUNCTION_ID = 1,
    LINE_LINE = 2,
    FUNCTION_ID = 1,
    FUNCTION_NAME = 2,
    FUNCTION_SYSTEM_NAME = 3,
    FUNCTION_FILENAME = 4,
};

enum { N_VALUES = 4, OUT_BYTES = 1 << 16 };

struct pprof {
    struct seep_stacks_doc *doc;
    FILE *out;
    z_stream zip;
    bool failed;
    struct seep_buf message, part, inner;
    struct seep_intern strings;   // id = index in the table, 0 is ""
    struct seep_intern functions; // (name, file) -> id
    struct seep_intern locations; // first frame and group -> id
    struct seep_intern mappings;  // module -> id
};

static void add_varint(struct seep_buf *buf, uint64_t value)
{
    while (value >= 0x80) {
        seep_buf_addc(buf, (char)(uint8_t)(value | 0x80));
        value >>= 7;
    }
    seep_buf_addc(buf, (char)(uint8_t)value);
}

static void add_uint(struct seep_buf *buf, unsigned field, uint64_t value)
{
    if (!value)
        return; // what is left out is 0
    add_varint(buf, field << 3);
    add_varint(buf, value);
}

static void add_bytes(struct seep_buf *buf, unsigned field, const void *data, size_t len)
{
    add_varint(buf, field << 3 | 2);
    add_varint(buf, len);
    seep_buf_add(buf, data, len);
}

static void add_message(struct seep_buf *buf, unsigned field, const struct seep_buf *part)
{
    add_bytes(buf, field, seep_buf_text(part), part->len);
}

// Hands bytes to gzip, and what it gives to the file.
static void zip(struct pprof *p, const void *data, size_t len, int flush)
{
    unsigned char out[OUT_BYTES];
    p->zip.next_in = (unsigned char *)(uintptr_t)data;
    p->zip.avail_in = (unsigned)len;
    do {
        p->zip.next_out = out;
        p->zip.avail_out = sizeof out;
        int rc = deflate(&p->zip, flush);
        size_t n = sizeof out - p->zip.avail_out;
        if (rc == Z_STREAM_ERROR || (n && fwrite(out, 1, n, p->out) != n))
            p->failed = true;
    } while (!p->failed && p->zip.avail_out == 0);
}

// Writes the part as one field of the profile.
static void put(struct pprof *p, unsigned field)
{
    seep_buf_reset(&p->message);
    add_message(&p->message, field, &p->part);
    if (p->message.failed || p->part.failed || p->inner.failed || p->message.len > UINT32_MAX)
        p->failed = true;
    if (!p->failed)
        zip(p, p->message.data, p->message.len, Z_NO_FLUSH);
    seep_buf_reset(&p->part);
}

// proto3 strings are UTF-8: bytes that are not become '?'.
static uint64_t string_of(struct pprof *p, const char *text)
{
    if (!text || !*text)
        return 0;
    struct seep_buf plain = { 0 };
    seep_buf_adds(&plain, text);
    if (!plain.failed)
        seep_err_plain(plain.data);
    uint32_t id = plain.failed ? 0 : seep_intern(&p->strings, plain.data, strlen(plain.data));
    p->failed |= !id;
    seep_buf_clear(&plain);
    return id;
}

static void put_value_type(struct pprof *p, unsigned field, const char *type, const char *unit)
{
    add_uint(&p->part, VALUE_TYPE_TYPE, string_of(p, type));
    add_uint(&p->part, VALUE_TYPE_UNIT, string_of(p, unit));
    put(p, field);
}

static uint64_t mapping_of(struct pprof *p, const struct seep_module *module)
{
    if (!module)
        return 0;
    const void *key = module;
    uint32_t known = (uint32_t)p->mappings.count;
    uint32_t id = seep_intern(&p->mappings, &key, sizeof key);
    p->failed |= !id;
    if (id <= known || !id)
        return id;
    char guid[SEEP_GUID_TEXT] = "";
    struct seep_buf build = { 0 };
    const struct seep_pdb_identity *pdb = &module->identity.pdb;
    if (seep_guid_known(pdb->guid)) {
        seep_guid_text(pdb->guid, guid);
        for (const char *c = guid; *c; c++) {
            if (*c != '-')
                seep_buf_addc(&build, *c);
        }
        seep_buf_addf(&build, "%" PRIX32, pdb->age);
    }
    add_uint(&p->part, MAPPING_ID, id);
    add_uint(&p->part, MAPPING_MEMORY_START, module->base);
    add_uint(&p->part, MAPPING_MEMORY_LIMIT,
             module->size_bytes <= UINT64_MAX - module->base ? module->base + module->size_bytes
                                                             : UINT64_MAX);
    add_uint(&p->part, MAPPING_FILENAME,
             string_of(p, module->path ? module->path : module->identity.name));
    add_uint(&p->part, MAPPING_BUILD_ID, string_of(p, seep_buf_text(&build)));
    // What could be named is: a reader need not look for symbols itself.
    add_uint(&p->part, MAPPING_HAS_FUNCTIONS, 1);
    add_uint(&p->part, MAPPING_HAS_FILENAMES, 1);
    add_uint(&p->part, MAPPING_HAS_LINE_NUMBERS, 1);
    add_uint(&p->part, MAPPING_HAS_INLINE_FRAMES, 1);
    put(p, PROFILE_MAPPING);
    p->failed |= build.failed;
    seep_buf_clear(&build);
    return id;
}

static uint64_t function_of(struct pprof *p, const struct seep_stacks_frame *frame)
{
    struct seep_buf name = { 0 };
    seep_stacks_full_name(frame, &name);
    uint64_t key[2] = { string_of(p, seep_buf_text(&name)), string_of(p, frame->file) };
    uint32_t known = (uint32_t)p->functions.count;
    uint32_t id = seep_intern(&p->functions, key, sizeof key);
    p->failed |= !id || name.failed;
    seep_buf_clear(&name);
    if (id > known) {
        add_uint(&p->part, FUNCTION_ID, id);
        add_uint(&p->part, FUNCTION_NAME, key[0]);
        add_uint(&p->part, FUNCTION_SYSTEM_NAME, key[0]);
        add_uint(&p->part, FUNCTION_FILENAME, key[1]);
        put(p, PROFILE_FUNCTION);
    }
    return id;
}

// The location of the frames `first`.. of one address, innermost first: the lines of a location
// are in that order.
static uint64_t location_of(struct pprof *p, const struct seep_stacks_path *path, size_t first,
                            size_t n)
{
    const struct seep_stacks_group *group = &p->doc->groups[path->groups[first]];
    uint32_t key[2] = { path->at[first], path->groups[first] };
    uint32_t known = (uint32_t)p->locations.count;
    uint32_t id = seep_intern(&p->locations, key, sizeof key);
    p->failed |= !id;
    if (id <= known || !id)
        return id;
    uint64_t mapping = mapping_of(p, group->module);
    uint64_t functions[32] = { 0 };
    n = n < 32 ? n : 32;
    for (size_t i = 0; i < n; i++)
        functions[i] = function_of(p, &p->doc->frames[path->at[first + i]]);
    add_uint(&p->part, LOCATION_ID, id);
    add_uint(&p->part, LOCATION_MAPPING_ID, mapping);
    add_uint(&p->part, LOCATION_ADDRESS, group->address);
    for (size_t i = 0; i < n; i++) {
        seep_buf_reset(&p->inner);
        add_uint(&p->inner, LINE_FUNCTION_ID, functions[i]);
        add_uint(&p->inner, LINE_LINE, p->doc->frames[path->at[first + i]].line);
        add_message(&p->part, LOCATION_LINE, &p->inner);
    }
    put(p, PROFILE_LOCATION);
    return id;
}

static void add_label(struct pprof *p, struct seep_buf *sample, const char *key, const char *text,
                      uint64_t number)
{
    if (!text && !number)
        return;
    seep_buf_reset(&p->inner);
    add_uint(&p->inner, LABEL_KEY, string_of(p, key));
    if (text)
        add_uint(&p->inner, LABEL_STR, string_of(p, text));
    else
        add_uint(&p->inner, LABEL_NUM, number);
    add_message(sample, SAMPLE_LABEL, &p->inner);
}

static bool put_sample(struct pprof *p, const struct seep_stacks_row *row,
                       struct seep_stacks_path *path)
{
    const struct seep_stacks_doc *doc = p->doc;
    struct seep_buf sample = { 0 }, packed = { 0 }, text = { 0 };
    bool diff = doc->mode == SEEP_STACKS_DIFF;
    if (!seep_stacks_path(p->doc, row, path))
        return false;
    for (size_t i = 0; i < path->n;) {
        size_t n = 1;
        while (i + n < path->n && path->groups[i + n] == path->groups[i] &&
               path->at[i + n] == path->at[i] + n)
            n++;
        add_varint(&packed, location_of(p, path, i, n));
        i += n;
    }
    add_message(&sample, SAMPLE_LOCATION_ID, &packed);
    const int64_t values[N_VALUES] = {
        seep_stacks_count(doc, row),
        seep_stacks_bytes(doc, row),
        (int64_t)(row->now.allocs - (diff ? row->old.allocs : 0)),
        (int64_t)(row->now.alloc_bytes - (diff ? row->old.alloc_bytes : 0)),
    };
    seep_buf_reset(&packed);
    for (int i = 0; i < N_VALUES; i++)
        add_varint(&packed, (uint64_t)values[i]);
    add_message(&sample, SAMPLE_VALUE, &packed);
    const struct seep_profile_process *own = &doc->profile->processes[row->process - 1];
    seep_stacks_process_name(doc, row->process, &text);
    add_label(p, &sample, "process", seep_buf_text(&text), 0);
    add_label(p, &sample, "pid", NULL, own->process.has_pid ? own->process.pid : 0);
    add_label(p, &sample, "kind", seep_site_kind_name(row->site.kind), 0);
    if (row->site.tag)
        add_label(p, &sample, "tag", row->site.tag, 0);
    if (row->site.heap) {
        seep_buf_reset(&text);
        seep_buf_addf(&text, "0x%" PRIx64, row->site.heap);
        add_label(p, &sample, "heap", seep_buf_text(&text), 0);
    }
    seep_buf_reset(&p->part);
    seep_buf_add(&p->part, seep_buf_text(&sample), sample.len);
    p->failed |= sample.failed || packed.failed || text.failed;
    seep_buf_clear(&sample);
    seep_buf_clear(&packed);
    seep_buf_clear(&text);
    put(p, PROFILE_SAMPLE);
    return !p->failed;
}

static void put_head(struct pprof *p)
{
    const struct seep_profile *profile = p->doc->profile;
    const struct seep_profile_moment *last =
        profile->n_moments ? &profile->moments[profile->n_moments - 1] : NULL;
    put_value_type(p, PROFILE_SAMPLE_TYPE, "inuse_objects", "count");
    put_value_type(p, PROFILE_SAMPLE_TYPE, "inuse_space", "bytes");
    put_value_type(p, PROFILE_SAMPLE_TYPE, "alloc_objects", "count");
    put_value_type(p, PROFILE_SAMPLE_TYPE, "alloc_space", "bytes");
    put_value_type(p, PROFILE_PERIOD_TYPE, "space", "bytes");
    seep_buf_reset(&p->message);
    add_uint(&p->message, PROFILE_PERIOD, 1); // every allocation was seen, none sampled
    if (last && last->end_ns != SEEP_NO_TIME && last->end_ns > 0) {
        add_uint(&p->message, PROFILE_TIME_NANOS, (uint64_t)last->end_ns);
        add_uint(&p->message, PROFILE_DURATION_NANOS, (uint64_t)(last->end_ns - last->start_ns));
    }
    add_uint(&p->message, PROFILE_DEFAULT_SAMPLE_TYPE,
             string_of(p, p->doc->options.by_count ? "inuse_objects" : "inuse_space"));
    for (size_t i = 0; i < p->doc->n_messages; i++)
        add_uint(&p->message, PROFILE_COMMENT, string_of(p, p->doc->messages[i]));
    p->failed |= p->message.failed;
    if (!p->failed)
        zip(p, p->message.data, p->message.len, Z_NO_FLUSH);
}

bool seep_stacks_pprof(struct seep_stacks_doc *doc, FILE *out)
{
    struct pprof p = { .doc = doc, .out = out };
    struct seep_stacks_path path = { 0 };
    size_t n = doc->options.top && doc->options.top < doc->n_rows ? doc->options.top : doc->n_rows;
    // 15 bits of window and 16 for a gzip header.
    if (deflateInit2(&p.zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return false;
    put_head(&p);
    for (size_t i = 0; !p.failed && i < n; i++)
        p.failed = !put_sample(&p, &doc->rows[i], &path) || p.failed;
    for (uint32_t id = 0; !p.failed && id <= p.strings.count; id++) {
        seep_buf_adds(&p.part, seep_intern_text(&p.strings, id));
        put(&p, PROFILE_STRING_TABLE);
    }
    if (!p.failed)
        zip(&p, "", 0, Z_FINISH);
    (void)deflateEnd(&p.zip);
    seep_stacks_path_clear(&path);
    seep_intern_clear(&p.strings);
    seep_intern_clear(&p.functions);
    seep_intern_clear(&p.locations);
    seep_intern_clear(&p.mappings);
    seep_buf_clear(&p.message);
    seep_buf_clear(&p.part);
    seep_buf_clear(&p.inner);
    return !p.failed && fflush(out) == 0;
}
