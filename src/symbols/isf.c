// SPDX-License-Identifier: MIT
// ISF: three passes over the document in memory. The first finds its parts, the second the sizes of
// plain types, which members refer to by name, the third the symbols and layouts.
#include "symbols/isf.h"

#include "base/alloc.h"
#include "base/intern.h"
#include "symbols/expand.h"
#include "symbols/json_in.h"
#include "symbols/types_build.h"

#include <string.h>

enum part { PART_BASE = 0, PART_ENUMS, PART_USER, PART_SYMBOLS, PART_METADATA, N_PARTS };

static const char *const part_names[N_PARTS] = {
    [PART_BASE] = "base_types", [PART_ENUMS] = "enums",       [PART_USER] = "user_types",
    [PART_SYMBOLS] = "symbols", [PART_METADATA] = "metadata",
};

// The sizes of named types in bytes.
struct sizes {
    struct seep_intern names;
    uint32_t *bytes; // bytes[id - 1]
    size_t capacity;
};

struct isf {
    struct seep_bytes parts[N_PARTS]; // the value of each; empty = there is none
    struct sizes base, enums;
    uint32_t pointer_size;
    struct seep_err *err;
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool seep_isf_is(struct seep_bytes file)
{
    if (seep_xz_is(file))
        return true;
    size_t at = seep_bytes_match(file, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (at < file.len && is_blank(file.data[at]))
        at++;
    return at < file.len && file.data[at] == '{';
}

static bool add_text(void *ctx, const void *data, size_t len)
{
    struct seep_buf *text = ctx;
    seep_buf_add(text, data, len);
    return !text->failed;
}

bool seep_isf_unpack(struct seep_bytes file, struct seep_buf *text, struct seep_bytes *json,
                     struct seep_err *err)
{
    const struct seep_expand to = { .take = add_text, .ctx = text };
    if (!seep_xz_is(file)) {
        *json = file;
        return true;
    }
    seep_buf_reset(text);
    if (!seep_xz_expand(file, &to, err)) {
        if (text->failed)
            (void)seep_fail_memory(err);
        return false;
    }
    *json = seep_bytes(text->data, text->len);
    return true;
}

// Says why a document could not be read to its end.
static bool broken(const struct seep_json_in *in, struct seep_err *err)
{
    return seep_fail(err, in->err.offset, "get the file again", "is no whole symbol table: %s",
                     in->err.what);
}

static bool find_parts(struct isf *isf, struct seep_bytes json)
{
    struct seep_json_in in;
    seep_json_in_init(&in, json);
    bool ok = seep_json_in_object(&in);
    if (!ok && !in.failed)
        (void)seep_fail(&in.err, 0, NULL, "it is not an object");
    while (ok && seep_json_in_key(&in)) {
        size_t part = 0;
        while (part < N_PARTS && !seep_json_in_is(&in, part_names[part]))
            part++;
        size_t start = in.pos;
        seep_json_in_skip(&in);
        if (part < N_PARTS)
            isf->parts[part] = seep_bytes(json.data + start, in.pos - start);
    }
    ok = ok && seep_json_in_next(&in) == SEEP_JSON_END;
    if (!ok)
        (void)broken(&in, isf->err);
    seep_json_in_clear(&in);
    return ok;
}

static bool read_pdb(struct seep_json_in *in, struct seep_buf *name,
                     struct seep_pdb_identity *identity)
{
    uint64_t age = 0;
    bool has_guid = false;
    while (seep_json_in_key(in)) {
        if (seep_json_in_is(in, "GUID")) {
            char text[SEEP_GUID_TEXT] = "";
            if (seep_json_in_string(in) && in->text_len < sizeof text) {
                memcpy(text, in->text, in->text_len);
                text[in->text_len] = '\0';
                has_guid = seep_guid_parse(text, identity->guid);
            }
        } else if (seep_json_in_is(in, "age")) {
            if (seep_json_in_whole(in, &age) && age <= UINT32_MAX)
                identity->age = (uint32_t)age;
        } else if (seep_json_in_is(in, "database")) {
            if (seep_json_in_string(in) && in->text_len <= SEEP_MAX_NAME) {
                seep_buf_reset(name);
                seep_buf_add(name, in->text, in->text_len);
            }
        } else {
            seep_json_in_skip(in);
        }
    }
    return has_guid && !in->failed && !name->failed;
}

// Enters the member `key` of the object that comes next.
static bool enter(struct seep_json_in *in, const char *key)
{
    if (!seep_json_in_object(in))
        return false;
    while (seep_json_in_key(in)) {
        if (seep_json_in_is(in, key))
            return true;
        seep_json_in_skip(in);
    }
    return false;
}

bool seep_isf_identity(struct seep_bytes json, struct seep_buf *name,
                       struct seep_pdb_identity *identity, struct seep_err *err)
{
    struct isf isf = { .err = err };
    struct seep_pdb_identity found = { 0 };
    struct seep_json_in in;
    if (!find_parts(&isf, json))
        return false;
    seep_buf_reset(name);
    seep_json_in_init(&in, isf.parts[PART_METADATA]);
    bool ok = isf.parts[PART_METADATA].len && enter(&in, "windows") && enter(&in, "pdb") &&
              seep_json_in_object(&in) && read_pdb(&in, name, &found);
    seep_json_in_clear(&in);
    if (!ok)
        return seep_fail(err, SEEP_NO_OFFSET, NULL,
                         "does not say which PDB of Windows its symbols are of");
    found.name = name->len ? name->data : NULL;
    *identity = found;
    return true;
}

static bool sizes_add(struct sizes *sizes, const char *name, size_t len, uint64_t bytes)
{
    uint32_t id = seep_intern(&sizes->names, name, len);
    if (!id || !seep_grow(&sizes->bytes, &sizes->capacity, id, sizeof *sizes->bytes))
        return false;
    sizes->bytes[id - 1] = bytes <= UINT32_MAX ? (uint32_t)bytes : 0;
    return true;
}

static uint32_t sizes_get(const struct sizes *sizes, const char *name, size_t len)
{
    uint32_t id = seep_intern_find(&sizes->names, name, len);
    return id && sizes->bytes ? sizes->bytes[id - 1] : 0;
}

static void sizes_clear(struct sizes *sizes)
{
    seep_intern_clear(&sizes->names);
    seep_free(sizes->bytes);
}

// The `size` of the entries of a part, by name.
static bool read_sizes(const struct isf *isf, enum part part, struct sizes *sizes)
{
    struct seep_json_in in;
    struct seep_buf name = { 0 };
    bool ok = true;
    seep_json_in_init(&in, isf->parts[part]);
    for (bool more = isf->parts[part].len && seep_json_in_object(&in);
         ok && more && seep_json_in_key(&in);) {
        seep_buf_reset(&name);
        seep_buf_add(&name, in.text, in.text_len);
        uint64_t size = 0;
        if (!seep_json_in_object(&in))
            continue;
        while (seep_json_in_key(&in)) {
            if (!seep_json_in_is(&in, "size"))
                seep_json_in_skip(&in);
            else
                (void)seep_json_in_whole(&in, &size);
        }
        ok = !name.failed && sizes_add(sizes, seep_buf_text(&name), name.len, size);
    }
    seep_buf_clear(&name);
    ok = ok && !in.failed;
    seep_json_in_clear(&in);
    return ok || seep_fail_memory(isf->err);
}

enum kind {
    KIND_OTHER = 0, // "function", "void" and what is not known: no size
    KIND_BASE,
    KIND_POINTER,
    KIND_ARRAY,
    KIND_STRUCT,
    KIND_ENUM,
    KIND_BITFIELD,
};

// One level of a type: an array of pointers to a structure has three.
struct level {
    enum kind kind;
    uint64_t count, bit_position, bit_length;
};

enum { MAX_LEVELS = 8 };

struct type {
    struct level levels[MAX_LEVELS];
    unsigned n_levels;
    struct seep_buf name; // of the innermost
};

static enum kind kind_of(const struct seep_json_in *in)
{
    static const struct {
        const char *name;
        enum kind kind;
    } kinds[] = { { "base", KIND_BASE },     { "pointer", KIND_POINTER },  { "array", KIND_ARRAY },
                  { "struct", KIND_STRUCT }, { "union", KIND_STRUCT },     { "class", KIND_STRUCT },
                  { "enum", KIND_ENUM },     { "bitfield", KIND_BITFIELD } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (seep_json_in_is(in, kinds[i].name))
            return kinds[i].kind;
    }
    return KIND_OTHER;
}

// The type that comes next. Levels are objects within objects under "subtype" or "type".
static bool read_type(struct seep_json_in *in, struct type *type)
{
    memset(type->levels, 0, sizeof type->levels);
    type->n_levels = 0;
    seep_buf_reset(&type->name);
    if (!seep_json_in_object(in))
        return false;
    unsigned open = 1; // levels that are not closed; more than are kept are read over
    type->n_levels = 1;
    while (open && !in->failed) {
        struct level *level = &type->levels[open - 1];
        if (!seep_json_in_key(in)) {
            open--;
        } else if (seep_json_in_is(in, "kind")) {
            level->kind = seep_json_in_string(in) ? kind_of(in) : KIND_OTHER;
        } else if (seep_json_in_is(in, "name")) {
            if (seep_json_in_string(in) && in->text_len <= SEEP_MAX_NAME) {
                seep_buf_reset(&type->name);
                seep_buf_add(&type->name, in->text, in->text_len);
            }
        } else if (seep_json_in_is(in, "count")) {
            (void)seep_json_in_whole(in, &level->count);
        } else if (seep_json_in_is(in, "bit_position")) {
            (void)seep_json_in_whole(in, &level->bit_position);
        } else if (seep_json_in_is(in, "bit_length")) {
            (void)seep_json_in_whole(in, &level->bit_length);
        } else if (open < MAX_LEVELS &&
                   (seep_json_in_is(in, "subtype") || seep_json_in_is(in, "type"))) {
            open += seep_json_in_object(in);
            type->n_levels = open > type->n_levels ? open : type->n_levels;
        } else {
            seep_json_in_skip(in);
        }
    }
    return !in->failed && !type->name.failed;
}

// What a member of this type is; false where it does not fit into the numbers of a member.
static bool describe(const struct isf *isf, const struct type *type, struct seep_types_field *field)
{
    unsigned at = 0;
    uint64_t count = 1, size = 0;
    for (; at < type->n_levels && type->levels[at].kind == KIND_ARRAY; at++) {
        if (type->levels[at].count && count > UINT32_MAX / type->levels[at].count)
            return false;
        count *= type->levels[at].count;
    }
    const struct level *level = at < type->n_levels ? &type->levels[at] : NULL;
    if (level && level->kind == KIND_BITFIELD) {
        if (level->bit_length > 64 || level->bit_position > 63)
            return false;
        field->bit_offset = (uint8_t)level->bit_position;
        field->bit_length = (uint8_t)level->bit_length;
        at++;
    }
    enum kind kind = at < type->n_levels ? type->levels[at].kind : KIND_OTHER;
    const char *name = seep_buf_text(&type->name);
    size_t len = type->name.len;
    bool to_struct = at + 1 < type->n_levels && type->levels[at + 1].kind == KIND_STRUCT;
    if (kind == KIND_BASE)
        size = sizes_get(&isf->base, name, len);
    else if (kind == KIND_ENUM)
        size = sizes_get(&isf->enums, name, len);
    else if (kind == KIND_POINTER)
        size = isf->pointer_size;
    if (size && count > UINT32_MAX / size)
        return false;
    field->count = (uint32_t)count;
    field->size_bytes = (uint32_t)(size * count);
    field->pointer = kind == KIND_POINTER;
    if (len && (kind == KIND_STRUCT || (kind == KIND_POINTER && to_struct))) {
        field->type = name;
        field->type_len = len;
    }
    return true;
}

// A member, whose value comes next: { "offset": 8, "type": {...}, "anonymous": true }.
static bool read_member(const struct isf *isf, struct seep_json_in *in, struct type *type,
                        const struct seep_buf *name, struct seep_types_builder *builder)
{
    struct seep_types_field field = { .name = seep_buf_text(name), .name_len = name->len };
    uint64_t offset = UINT64_MAX;
    bool has_type = false;
    if (!seep_json_in_object(in))
        return true;
    while (seep_json_in_key(in)) {
        if (seep_json_in_is(in, "offset")) {
            (void)seep_json_in_whole(in, &offset);
        } else if (seep_json_in_is(in, "type")) {
            has_type = read_type(in, type);
            if (type->name.failed)
                return false;
        } else if (seep_json_in_is(in, "anonymous")) {
            enum seep_json_token token = seep_json_in_next(in);
            if (token == SEEP_JSON_TRUE)
                field.name_len = 0;
            else if (token == SEEP_JSON_OBJECT || token == SEEP_JSON_ARRAY)
                seep_json_in_leave(in, in->depth);
        } else {
            seep_json_in_skip(in);
        }
    }
    if (in->failed || !has_type || offset > UINT32_MAX || !describe(isf, type, &field))
        return true; // a member that cannot be is left out
    field.offset = (uint32_t)offset;
    return seep_types_builder_member(builder, &field);
}

static bool read_structs(const struct isf *isf, struct seep_types_builder *builder)
{
    struct seep_json_in in;
    struct type type = { 0 };
    struct seep_buf name = { 0 }, member = { 0 };
    bool ok = true;
    seep_json_in_init(&in, isf->parts[PART_USER]);
    for (bool more = isf->parts[PART_USER].len && seep_json_in_object(&in);
         ok && more && seep_json_in_key(&in);) {
        seep_buf_reset(&name);
        seep_buf_add(&name, in.text, in.text_len);
        if (!seep_json_in_object(&in))
            continue;
        // The size may stand after the members: it is looked for first.
        struct seep_json_in body = in;
        body.unescaped = (struct seep_buf){ 0 };
        uint64_t size = 0;
        while (seep_json_in_key(&body)) {
            if (!seep_json_in_is(&body, "size"))
                seep_json_in_skip(&body);
            else
                (void)seep_json_in_whole(&body, &size);
        }
        seep_json_in_clear(&body);
        ok = !name.failed &&
             seep_types_builder_struct(builder, seep_buf_text(&name), name.len, size, 0);
        while (ok && seep_json_in_key(&in)) {
            if (!seep_json_in_is(&in, "fields")) {
                seep_json_in_skip(&in);
                continue;
            }
            for (bool fields = seep_json_in_object(&in); ok && fields && seep_json_in_key(&in);) {
                seep_buf_reset(&member);
                seep_buf_add(&member, in.text, in.text_len);
                ok = !member.failed && read_member(isf, &in, &type, &member, builder);
            }
        }
    }
    seep_buf_clear(&name);
    seep_buf_clear(&member);
    seep_buf_clear(&type.name);
    ok = ok && !in.failed;
    seep_json_in_clear(&in);
    return ok || seep_fail_memory(isf->err);
}

static bool read_enums(const struct isf *isf, struct seep_types_builder *builder)
{
    struct seep_json_in in;
    struct seep_buf name = { 0 };
    bool ok = true;
    seep_json_in_init(&in, isf->parts[PART_ENUMS]);
    for (bool more = isf->parts[PART_ENUMS].len && seep_json_in_object(&in);
         ok && more && seep_json_in_key(&in);) {
        ok = seep_types_builder_enum(builder, in.text, in.text_len);
        if (!seep_json_in_object(&in))
            continue;
        while (ok && seep_json_in_key(&in)) {
            if (!seep_json_in_is(&in, "constants")) {
                seep_json_in_skip(&in);
                continue;
            }
            for (bool constants = seep_json_in_object(&in);
                 ok && constants && seep_json_in_key(&in);) {
                int64_t value;
                seep_buf_reset(&name);
                seep_buf_add(&name, in.text, in.text_len);
                if (seep_json_in_signed(&in, &value))
                    ok = !name.failed && seep_types_builder_enumerator(
                                             builder, seep_buf_text(&name), name.len, value);
            }
        }
    }
    seep_buf_clear(&name);
    ok = ok && !in.failed;
    seep_json_in_clear(&in);
    return ok || seep_fail_memory(isf->err);
}

static bool read_symbols(const struct isf *isf, struct seep_symbol_builder *builder)
{
    struct seep_json_in in;
    struct seep_buf name = { 0 };
    bool ok = true;
    seep_json_in_init(&in, isf->parts[PART_SYMBOLS]);
    for (bool more = isf->parts[PART_SYMBOLS].len && seep_json_in_object(&in);
         ok && more && seep_json_in_key(&in);) {
        seep_buf_reset(&name);
        seep_buf_add(&name, in.text, in.text_len);
        uint64_t rva = UINT64_MAX;
        if (!seep_json_in_object(&in))
            continue;
        while (seep_json_in_key(&in)) {
            if (!seep_json_in_is(&in, "address"))
                seep_json_in_skip(&in);
            else
                (void)seep_json_in_whole(&in, &rva);
        }
        if (rva <= UINT32_MAX && name.len)
            ok = !name.failed && seep_symbol_builder_add(builder, SEEP_SYMBOL_PUBLIC, (uint32_t)rva,
                                                         0, name.data, name.len);
    }
    seep_buf_clear(&name);
    ok = ok && !in.failed;
    seep_json_in_clear(&in);
    return ok || seep_fail_memory(isf->err);
}

static struct seep_types *make_types(const struct isf *isf)
{
    struct seep_types_builder *builder = seep_types_builder_new();
    struct seep_types *types = NULL;
    if (!builder)
        (void)seep_fail_memory(isf->err);
    else if (read_structs(isf, builder) && read_enums(isf, builder))
        types = seep_types_builder_finish(builder, isf->err);
    seep_types_builder_free(builder);
    return types;
}

static struct seep_symbol_table *make_table(const struct isf *isf)
{
    struct seep_symbol_builder *builder = seep_symbol_builder_new();
    struct seep_symbol_table *table = NULL;
    if (!builder)
        (void)seep_fail_memory(isf->err);
    else if (read_symbols(isf, builder))
        table = seep_symbol_builder_finish(builder, isf->err);
    seep_symbol_builder_free(builder);
    return table;
}

bool seep_isf_read(struct seep_bytes json, struct seep_symbol_table **table,
                   struct seep_types **types, struct seep_err *err)
{
    struct isf isf = { .err = err };
    struct seep_symbol_table *symbols = NULL;
    struct seep_types *layouts = NULL;
    bool ok = find_parts(&isf, json) && read_sizes(&isf, PART_BASE, &isf.base) &&
              read_sizes(&isf, PART_ENUMS, &isf.enums);
    if (ok) {
        isf.pointer_size = sizes_get(&isf.base, "pointer", strlen("pointer"));
        layouts = make_types(&isf);
        symbols = layouts ? make_table(&isf) : NULL;
        ok = symbols != NULL;
    }
    sizes_clear(&isf.base);
    sizes_clear(&isf.enums);
    if (!ok) {
        seep_types_free(layouts);
        seep_symbol_table_free(symbols);
        return false;
    }
    *table = symbols;
    *types = layouts;
    return true;
}
