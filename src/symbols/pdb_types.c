// SPDX-License-Identifier: MIT
// Types of a PDB: structures, classes, unions and enumerations with their members.
#include "symbols/pdb_internal.h"

// Leaves of type records; those named *_ST have the length of a name before it.
enum {
    LF_MODIFIER = 0x1001,
    LF_POINTER = 0x1002,
    LF_ARRAY_ST = 0x1003,
    LF_CLASS_ST = 0x1004,
    LF_STRUCTURE_ST = 0x1005,
    LF_UNION_ST = 0x1006,
    LF_ENUM_ST = 0x1007,
    LF_FIELDLIST = 0x1203,
    LF_BITFIELD = 0x1205,
    LF_ENUMERATE_ST = 0x0403,
    LF_BCLASS = 0x1400,
    LF_VBCLASS = 0x1401,
    LF_IVBCLASS = 0x1402,
    LF_INDEX = 0x1404,
    LF_MEMBER_ST = 0x1405,
    LF_STMEMBER_ST = 0x1406,
    LF_METHOD_ST = 0x1407,
    LF_NESTTYPE_ST = 0x1408,
    LF_VFUNCTAB = 0x1409,
    LF_FRIENDCLS = 0x140a,
    LF_ONEMETHOD_ST = 0x140b,
    LF_VFUNCOFF = 0x140c,
    LF_ENUMERATE = 0x1502,
    LF_ARRAY = 0x1503,
    LF_CLASS = 0x1504,
    LF_STRUCTURE = 0x1505,
    LF_UNION = 0x1506,
    LF_ENUM = 0x1507,
    LF_MEMBER = 0x150d,
    LF_STMEMBER = 0x150e,
    LF_METHOD = 0x150f,
    LF_NESTTYPE = 0x1510,
    LF_ONEMETHOD = 0x1511,
    LF_NESTTYPEEX = 0x1512,
    LF_INTERFACE = 0x1519,
    LF_BINTERFACE = 0x151a,
    LF_PAD0 = 0xf0,
};

enum {
    FIRST_RECORD = 0x1000, // indices below are types that are built in
    PROPERTY_FORWARD = 0x80,
    MAX_CHAIN = 32, // modifiers, arrays and bit fields on the way to a type
    LIST_BYTES_PER_BYTE = 4,
};

bool seep_pdb_udt(const struct seep_pdb_record *record, struct seep_pdb_udt *udt)
{
    struct seep_pdb_udt found = { .leaf = record->kind };
    struct seep_cursor c = seep_cursor(record->body);
    (void)seep_cursor_u16(&c); // count of members
    uint32_t property = seep_cursor_u16(&c);
    bool counted = false;
    switch (record->kind) {
    case LF_CLASS_ST:
    case LF_STRUCTURE_ST:
        counted = true;
        // fall through
    case LF_CLASS:
    case LF_STRUCTURE:
    case LF_INTERFACE:
        found.fields = seep_cursor_u32(&c);
        seep_cursor_skip(&c, 8); // bases, shape of the vtable
        found.size_bytes = seep_pdb_number(&c);
        break;
    case LF_UNION_ST:
        counted = true;
        // fall through
    case LF_UNION:
        found.fields = seep_cursor_u32(&c);
        found.size_bytes = seep_pdb_number(&c);
        break;
    case LF_ENUM_ST:
        counted = true;
        // fall through
    case LF_ENUM:
        found.is_enum = true;
        (void)seep_cursor_u32(&c); // type of its values
        found.fields = seep_cursor_u32(&c);
        break;
    default:
        return false;
    }
    found.name = seep_pdb_name(&c, counted);
    found.forward = property & PROPERTY_FORWARD;
    if (c.failed)
        return false;
    *udt = found;
    return true;
}

struct types_reading {
    struct seep_pdb *pdb;
    struct seep_types_builder *builder;
    struct seep_pdb_loss loss;
    uint64_t bytes_left; // of lists of members that may still be read
    struct seep_msf_scratch udt_scratch, list_scratch, type_scratch;
};

// What a member's type is, seen from the member.
struct resolved {
    uint64_t size;  // bytes; 0 = unknown, that of the structure
    uint64_t count; // elements; 0 = as many as fit
    uint8_t bit_offset, bit_length;
    bool pointer;
    uint32_t id;            // of a structure, 0 = none
    struct seep_bytes name; // of that structure, valid until the next type is resolved
};

// Bytes of a built-in type: 3 bits say how it is pointed to, 8 what it is.
static uint64_t built_in_size(uint32_t index, bool *pointer)
{
    static const uint8_t pointers[8] = { 0, 2, 4, 4, 4, 6, 8, 16 };
    *pointer = (index >> 8 & 7) != 0;
    if (*pointer)
        return pointers[index >> 8 & 7];
    switch (index & 0xff) {
    case 0x10: // signed and unsigned char, char, bool8, int8, uint8, char8
    case 0x20:
    case 0x70:
    case 0x30:
    case 0x68:
    case 0x69:
    case 0x7c:
        return 1;
    case 0x11: // short, unsigned short, wchar, char16, bool16, int16, uint16, real16
    case 0x21:
    case 0x71:
    case 0x7a:
    case 0x31:
    case 0x72:
    case 0x73:
    case 0x46:
        return 2;
    case 0x08: // HRESULT, long, unsigned long, int, unsigned, char32, bool32, real32
    case 0x12:
    case 0x22:
    case 0x74:
    case 0x75:
    case 0x7b:
    case 0x32:
    case 0x40:
        return 4;
    case 0x13: // quad, unsigned quad, int64, uint64, bool64, real64, complex32
    case 0x23:
    case 0x76:
    case 0x77:
    case 0x33:
    case 0x41:
    case 0x50:
        return 8;
    case 0x42: // real80
        return 10;
    case 0x14: // octs, int128, real128, complex64
    case 0x24:
    case 0x78:
    case 0x79:
    case 0x43:
    case 0x51:
        return 16;
    default:
        return 0;
    }
}

// One step from a type to what it is made of. False where that is the end: `inner` is then the
// size of one element, 0 = unknown.
static bool resolve_step(struct types_reading *t, uint32_t *index, struct resolved *out,
                         bool *array, uint64_t *inner)
{
    struct seep_pdb_record record;
    struct seep_pdb_udt udt;
    if (*index < FIRST_RECORD) {
        bool pointer;
        *inner = built_in_size(*index, &pointer);
        return false;
    }
    if (!seep_pdb_find(t->pdb, &t->pdb->types, *index, &t->type_scratch, &record))
        return false;
    struct seep_cursor c = seep_cursor(record.body);
    switch (record.kind) {
    case LF_MODIFIER:
        *index = seep_cursor_u32(&c);
        return !c.failed;
    case LF_BITFIELD:
        *index = seep_cursor_u32(&c);
        out->bit_length = seep_cursor_u8(&c);
        out->bit_offset = seep_cursor_u8(&c);
        return !c.failed;
    case LF_ARRAY:
    case LF_ARRAY_ST:
        *index = seep_cursor_u32(&c);
        (void)seep_cursor_u32(&c); // type of its index
        if (!*array)
            out->size = seep_pdb_number(&c);
        *array = true;
        return !c.failed;
    case LF_ENUM:
    case LF_ENUM_ST:
        (void)seep_cursor_u32(&c);
        *index = seep_cursor_u32(&c); // as large as the type of its values
        return !c.failed;
    case LF_POINTER: {
        *index = seep_cursor_u32(&c);
        uint32_t attributes = seep_cursor_u32(&c);
        *inner = attributes >> 13 & 0x3f;
        if (!*inner) // old records leave the size out; the kind says it
            *inner = (attributes & 0x1f) == 0x0c ? 8 : 4;
        out->pointer = !c.failed;
        return false;
    }
    default:
        if (!seep_pdb_udt(&record, &udt))
            return false;
        *inner = udt.forward ? 0 : udt.size_bytes;
        out->id = *index;
        out->name = udt.name;
        return false;
    }
}

// The structure that a pointer points to, if it does.
static void resolve_pointee(struct types_reading *t, uint32_t index, struct resolved *out)
{
    struct seep_pdb_record record;
    struct seep_pdb_udt udt;
    for (int i = 0; i < MAX_CHAIN; i++) {
        if (!seep_pdb_find(t->pdb, &t->pdb->types, index, &t->type_scratch, &record))
            return;
        struct seep_cursor c = seep_cursor(record.body);
        if (record.kind == LF_MODIFIER) {
            index = seep_cursor_u32(&c);
        } else {
            if (seep_pdb_udt(&record, &udt) && !udt.is_enum) {
                out->id = index;
                out->name = udt.name;
            }
            return;
        }
    }
}

// Looks through modifiers, bit fields, arrays and one pointer to what a member is.
static void resolve(struct types_reading *t, uint32_t index, struct resolved *out)
{
    bool array = false;
    uint64_t inner = 0;
    *out = (struct resolved){ .count = 1 };
    for (int i = 0; i < MAX_CHAIN && resolve_step(t, &index, out, &array, &inner); i++)
        ;
    if (!array)
        out->size = inner;
    else
        out->count = inner ? out->size / inner : 0;
    if (out->pointer)
        resolve_pointee(t, index, out);
    else if (index < FIRST_RECORD && index >> 8 & 7)
        out->pointer = true;
}

static bool add_member(struct types_reading *t, uint32_t type, uint64_t offset,
                       struct seep_bytes name)
{
    struct resolved of;
    if (offset > UINT32_MAX)
        return true;
    resolve(t, type, &of);
    struct seep_types_field field = {
        .name = (const char *)name.data,
        .name_len = name.len,
        .offset = (uint32_t)offset,
        .size_bytes = of.size > UINT32_MAX ? 0 : (uint32_t)of.size,
        .bit_offset = of.bit_offset,
        .bit_length = of.bit_length,
        .count = of.count > UINT32_MAX ? 0 : (uint32_t)of.count,
        .pointer = of.pointer,
        .type = (const char *)of.name.data,
        .type_len = of.name.len,
        .type_id = of.id,
    };
    return seep_types_builder_member(t->builder, &field) || seep_pdb_no_memory(&t->loss);
}

static bool add_enumerator(struct types_reading *t, struct seep_cursor *c, bool counted)
{
    seep_cursor_skip(c, 2);
    int64_t value = (int64_t)seep_pdb_number(c);
    struct seep_bytes name = seep_pdb_name(c, counted);
    return c->failed ||
           seep_types_builder_enumerator(t->builder, (const char *)name.data, name.len, value) ||
           seep_pdb_no_memory(&t->loss);
}

// A named member that is neither data nor a value: skipped.
static void skip_field(struct seep_cursor *c, uint32_t leaf)
{
    uint32_t attributes = seep_cursor_u16(c);
    switch (leaf) {
    case LF_VBCLASS:
    case LF_IVBCLASS:
        seep_cursor_skip(c, 8);
        (void)seep_pdb_number(c);
        (void)seep_pdb_number(c);
        break;
    case LF_VFUNCTAB:
    case LF_FRIENDCLS:
        seep_cursor_skip(c, 4);
        break;
    case LF_VFUNCOFF:
        seep_cursor_skip(c, 8);
        break;
    case LF_ONEMETHOD:
    case LF_ONEMETHOD_ST: {
        uint32_t kind = attributes >> 2 & 7;
        seep_cursor_skip(c, kind == 4 || kind == 6 ? 8 : 4); // 4 more: introduces a virtual one
        (void)seep_pdb_name(c, leaf == LF_ONEMETHOD_ST);
        break;
    }
    case LF_STMEMBER:
    case LF_METHOD:
    case LF_NESTTYPE:
    case LF_NESTTYPEEX:
    case LF_STMEMBER_ST:
    case LF_METHOD_ST:
    case LF_NESTTYPE_ST:
        seep_cursor_skip(c, 4);
        (void)seep_pdb_name(c, leaf == LF_STMEMBER_ST || leaf == LF_METHOD_ST ||
                                   leaf == LF_NESTTYPE_ST);
        break;
    default: // how long it is is not known
        c->failed = true;
    }
}

// One field of a list; `*next` becomes the list that continues this one.
static bool add_field(struct types_reading *t, struct seep_cursor *c, bool is_enum, uint32_t *next)
{
    uint32_t leaf = seep_cursor_u16(c);
    switch (leaf) {
    case LF_MEMBER:
    case LF_MEMBER_ST: {
        seep_cursor_skip(c, 2);
        uint32_t type = seep_cursor_u32(c);
        uint64_t offset = seep_pdb_number(c);
        struct seep_bytes name = seep_pdb_name(c, leaf == LF_MEMBER_ST);
        return c->failed || is_enum || add_member(t, type, offset, name);
    }
    case LF_BCLASS:
    case LF_BINTERFACE: {
        seep_cursor_skip(c, 2);
        uint32_t type = seep_cursor_u32(c);
        uint64_t offset = seep_pdb_number(c);
        return c->failed || is_enum || add_member(t, type, offset, (struct seep_bytes){ 0 });
    }
    case LF_ENUMERATE:
    case LF_ENUMERATE_ST:
        return add_enumerator(t, c, leaf == LF_ENUMERATE_ST);
    case LF_INDEX:
        seep_cursor_skip(c, 2);
        *next = seep_cursor_u32(c);
        return true;
    default:
        skip_field(c, leaf);
        return true;
    }
}

static bool add_fields(struct types_reading *t, uint32_t list, bool is_enum)
{
    uint32_t above = UINT32_MAX;
    struct seep_pdb_record record;
    // A list is continued by an earlier one, so this ends.
    while (list && list < above) {
        if (!seep_pdb_find(t->pdb, &t->pdb->types, list, &t->list_scratch, &record) ||
            record.kind != LF_FIELDLIST || record.body.len > t->bytes_left)
            break;
        t->bytes_left -= record.body.len;
        above = list;
        list = 0;
        struct seep_cursor c = seep_cursor(record.body);
        while (seep_cursor_left(&c) >= 2) {
            if (c.view.data[c.pos] > LF_PAD0) { // so many bytes to the next field
                size_t pad = c.view.data[c.pos] & 15;
                seep_cursor_skip(&c, pad < seep_cursor_left(&c) ? pad : seep_cursor_left(&c));
            } else if (!add_field(t, &c, is_enum, &list)) {
                return false;
            }
        }
        if (c.failed) {
            seep_pdb_lose(&t->loss, "the PDB is damaged: members of a type are missing");
            return true;
        }
        if (!list)
            return true;
    }
    if (list)
        seep_pdb_lose(&t->loss, "the PDB is damaged: members of a type are missing");
    return true;
}

static bool add_type(struct types_reading *t, uint32_t index)
{
    struct seep_pdb_record record;
    struct seep_pdb_udt udt;
    if (!seep_pdb_find(t->pdb, &t->pdb->types, index, &t->udt_scratch, &record) ||
        !seep_pdb_udt(&record, &udt) || udt.forward)
        return true;
    const char *name = (const char *)udt.name.data;
    bool added = udt.is_enum ? seep_types_builder_enum(t->builder, name, udt.name.len)
                             : seep_types_builder_struct(t->builder, name, udt.name.len,
                                                         udt.size_bytes, index);
    if (!added)
        return seep_pdb_no_memory(&t->loss);
    return add_fields(t, udt.fields, udt.is_enum);
}

enum seep_status seep_pdb_read_types(struct seep_pdb *pdb, struct seep_types_builder *builder,
                                     struct seep_err *err)
{
    struct types_reading t = { .pdb = pdb, .builder = builder };
    if (pdb->msf.damaged) {
        t.loss.lost = true;
        t.loss.err = pdb->msf.damage;
    }
    // Types of equal members share a list; a hostile file could make all share a long one.
    t.bytes_left = LIST_BYTES_PER_BYTE * (uint64_t)seep_msf_size(&pdb->msf, pdb->types.stream);
    bool done = seep_pdb_load(pdb, &pdb->types, &t.loss);
    for (uint32_t i = pdb->types.first; done && i < pdb->types.end; i++)
        done = add_type(&t, i);
    seep_msf_scratch_clear(&t.udt_scratch);
    seep_msf_scratch_clear(&t.list_scratch);
    seep_msf_scratch_clear(&t.type_scratch);
    return seep_pdb_status(&t.loss, err);
}
