// SPDX-License-Identifier: MIT
// Layouts of the heap structures: by name from types, else from a table of facts.
//
// Facts of the built-in table: the public symbols of Windows 10 19041 (ntdll.pdb, wntdll.pdb),
// offsets that ntdiff.github.io and vergiliusproject.com list from the public symbols of Windows 7
// SP1, 8.1, 10 1607, 1803, 1809, 1903 and 11 25H2; M. V. Yason, Windows 10 Segment Heap Internals
// (Black Hat 2016), for the chunks and large blocks of 1607. Segment heaps of 32-bit processes are
// known for 19041 to 19045 only.
#include "heap/layout.h"

#include <string.h>

static const struct {
    const char *structure, *path, *other;
} members[SEEP_N_HEAP_MEMBERS] = {
#define MEMBER(name, structure, path, other) [SEEP_HM_##name] = { structure, path, other },
    SEEP_HEAP_MEMBERS(MEMBER)
#undef MEMBER
};

static const char *const structures[SEEP_N_HEAP_STRUCTURES] = {
    [SEEP_HS_STORE] = "_HEAP_USERDATA_HEADER",       [SEEP_HS_CONTEXT] = "_HEAP_SEG_CONTEXT",
    [SEEP_HS_RANGE] = "_HEAP_PAGE_RANGE_DESCRIPTOR", [SEEP_HS_VS] = "_HEAP_VS_SUBSEGMENT",
    [SEEP_HS_CHUNK] = "_HEAP_VS_CHUNK_HEADER",       [SEEP_HS_LFH] = "_HEAP_LFH_SUBSEGMENT",
};

// Columns of the built-in table.
enum column {
    W7_32, // 7 and 7 SP1
    W7_64,
    W8_32, // 8, 8.1, 10 up to 1511
    W8_64,
    RS1_64, // 10 1607 and 1703
    RS4_64, // 10 1709 and 1803
    RS5_64, // 10 1809 to 1909
    VB_32,  // 10 2004 to 22H2, and what follows up to 11 23H2
    VB_64,
    GE_64, // 11 24H2 and 25H2
    N_COLUMNS,
};

static const struct {
    uint8_t bits;
    uint32_t build; // the first one that it holds for
} columns[N_COLUMNS] = {
    [W7_32] = { 32, 7600 },   [W7_64] = { 64, 7600 },   [W8_32] = { 32, 9200 },
    [W8_64] = { 64, 9200 },   [RS1_64] = { 64, 14393 }, [RS4_64] = { 64, 16299 },
    [RS5_64] = { 64, 17763 }, [VB_32] = { 32, 19041 },  [VB_64] = { 64, 19041 },
    [GE_64] = { 64, 26100 },
};

#define X SEEP_HEAP_ABSENT

// P = a pointer's size.
enum { P = 0 };

// One row: the member, bytes of the number, its offset in every column, first bit and length.
static const struct {
    uint16_t member;
    uint8_t size_bytes;
    uint16_t offset[N_COLUMNS];
    uint8_t bit_offset, bit_length;
} table[] = {
// clang-format off
#define ROW(name, bytes, ...) { SEEP_HM_##name, bytes, { __VA_ARGS__ }, 0, 0 }
#define BITS(name, bytes, first, length, ...) \
    { SEEP_HM_##name, bytes, { __VA_ARGS__ }, first, length }
    // member, bytes: W7_32 W7_64 W8_32 W8_64 RS1_64 RS4_64 RS5_64 VB_32 VB_64 GE_64
    ROW(ENTRY_SIZE, 2, 0, 8, 0, 8, 8, 8, 8, 0, 8, 8),
    ROW(ENTRY_FLAGS, 1, 2, 10, 2, 10, 10, 10, 10, 2, 10, 10),
    ROW(ENTRY_CHECKSUM, 1, 3, 11, 3, 11, 11, 11, 11, 3, 11, 11),
    ROW(ENTRY_PREVIOUS_SIZE, 2, 4, 12, 4, 12, 12, 12, 12, 4, 12, 12),
    ROW(ENTRY_UNUSED_BYTES, 1, 7, 15, 7, 15, 15, 15, 15, 7, 15, 15),
    ROW(HEAP_SEGMENT_SIGNATURE, 4, 8, 0x10, 8, 0x10, 0x10, 0x10, 0x10, 8, 0x10, 0x10),
    ROW(HEAP_ENCODE_FLAG_MASK, 4, 0x4c, 0x7c, 0x4c, 0x7c, 0x7c, 0x7c, 0x7c, 0x4c, 0x7c, 0x7c),
    ROW(HEAP_ENCODING, 8, 0x50, 0x80, 0x50, 0x80, 0x80, 0x80, 0x80, 0x50, 0x80, 0x80),
    ROW(HEAP_INTERCEPTOR, 4, 0x5c, 0x98, 0x58, 0x90, 0x90, 0x90, 0x90, 0x58, 0x90, 0x90),
    ROW(HEAP_SIGNATURE, 4, 0x64, 0xa0, 0x60, 0x98, 0x98, 0x98, 0x98, 0x60, 0x98, 0x98),
    ROW(HEAP_VIRTUAL_BLOCKS, P, 0xa0, 0x118, 0x9c, 0x110, 0x110, 0x110, 0x110, 0x9c, 0x110, 0x110),
    ROW(HEAP_SEGMENT_LIST, P, 0xa8, 0x128, 0xa4, 0x120, 0x120, 0x120, 0x120, 0xa4, 0x120, 0x120),
    ROW(HEAP_FRONT_END, P, 0xd4, 0x178, 0xd0, 0x170, 0x178, 0x178, 0x198, 0xe4, 0x198, X),
    ROW(SEGMENT_LIST_ENTRY, P, 0x10, 0x18, 0x10, 0x18, 0x18, 0x18, 0x18, 0x10, 0x18, 0x18),
    ROW(SEGMENT_HEAP, P, 0x18, 0x28, 0x18, 0x28, 0x28, 0x28, 0x28, 0x18, 0x28, 0x28),
    ROW(SEGMENT_BASE, P, 0x1c, 0x30, 0x1c, 0x30, 0x30, 0x30, 0x30, 0x1c, 0x30, 0x30),
    ROW(SEGMENT_PAGES, 4, 0x20, 0x38, 0x20, 0x38, 0x38, 0x38, 0x38, 0x20, 0x38, 0x38),
    ROW(SEGMENT_FIRST, P, 0x24, 0x40, 0x24, 0x40, 0x40, 0x40, 0x40, 0x24, 0x40, 0x40),
    ROW(SEGMENT_LAST, P, 0x28, 0x48, 0x28, 0x48, 0x48, 0x48, 0x48, 0x28, 0x48, 0x48),
    ROW(SEGMENT_UNCOMMITTED_PAGES, 4, 0x2c, 0x50, 0x2c, 0x50, 0x50, 0x50, 0x50, 0x2c, 0x50, 0x50),
    ROW(SEGMENT_UNCOMMITTED_LIST, P, 0x38, 0x60, 0x38, 0x60, 0x60, 0x60, 0x60, 0x38, 0x60, 0x60),
    ROW(UNCOMMITTED_SEGMENT_ENTRY, P, 8, 0x10, 8, 0x10, 0x10, 0x10, 0x10, 8, 0x10, 0x10),
    ROW(UNCOMMITTED_ADDRESS, P, 0x10, 0x20, 0x10, 0x20, 0x20, 0x20, 0x20, 0x10, 0x20, 0x20),
    ROW(UNCOMMITTED_SIZE, P, 0x14, 0x28, 0x14, 0x28, 0x28, 0x28, 0x28, 0x14, 0x28, 0x28),
    ROW(VIRTUAL_LIST_ENTRY, P, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    ROW(VIRTUAL_COMMIT, P, 0x10, 0x20, 0x10, 0x20, 0x20, 0x20, 0x20, 0x10, 0x20, 0x20),
    ROW(VIRTUAL_RESERVE, P, 0x14, 0x28, 0x14, 0x28, 0x28, 0x28, 0x28, 0x14, 0x28, 0x28),
    ROW(VIRTUAL_BLOCK, 8, 0x18, 0x30, 0x18, 0x30, 0x30, 0x30, 0x30, 0x18, 0x30, 0x30),
    ROW(FRONT_LIMIT, P, X, X, 0x18, 0x30, 0x30, 0x30, 0x30, 0x18, 0x30, 0x30),
    ROW(STORE_SUBSEGMENT, P, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    ROW(STORE_SIGNATURE, 4, 0x0c, 0x18, 0x0c, 0x14, 0x14, 0x14, 0x14, 0x0c, 0x14, 0x14),
    ROW(STORE_BITMAP_BITS, P, X, X, 0x14, 0x20, 0x20, 0x20, 0x20, 0x14, 0x20, 0x20),
    ROW(STORE_BITMAP_BUFFER, P, X, X, 0x18, 0x28, 0x28, 0x28, 0x28, 0x18, 0x28, 0x28),
    ROW(SUBSEGMENT_STORE, P, 4, 8, 4, 8, 8, 8, 8, 4, 8, 8),
    ROW(SUBSEGMENT_BLOCK_SIZE, 2, 0x10, 0x18, 0x14, 0x24, 0x24, 0x24, 0x24, 0x14, 0x24, 0x24),
    ROW(SUBSEGMENT_BLOCK_COUNT, 2, 0x14, 0x1c, 0x18, 0x28, 0x28, 0x28, 0x28, 0x18, 0x28, 0x28),
    ROW(TRACE_INDEX, 2, 8, 0x0c, 8, 0x0c, 0x0c, 0x0c, 0x0c, 8, 0x0c, 0x0c),
    ROW(TRACE_DEPTH, 2, 10, 0x0e, 10, 0x0e, 0x0e, 0x0e, 0x0e, 10, 0x0e, 0x0e),
    ROW(TRACE_FRAMES, P, 0x0c, 0x10, 0x0c, 0x10, 0x10, 0x10, 0x10, 0x0c, 0x10, 0x10),
    ROW(SH_SIGNATURE, 4, X, X, X, X, 0x10, 0x10, 0x10, 8, 0x10, 0x10),
    ROW(SH_CONTEXTS, P, X, X, X, X, X, 0x70, 0xa8, 0x100, 0x100, 0x140),
    ROW(SH_LARGE_TREE, P, X, X, X, X, 0x38, 0x50, 0x88, 0x44, 0x48, 0x48),
    ROW(SH_LARGE_RESERVED, P, X, X, X, X, 0x48, 0x60, 0x98, 0x4c, 0x58, 0x58),
    ROW(SH_RESERVED, P, X, X, X, X, 0, 0x18, 0x18, 0x80, 0x80, 0x80),
    ROW(SH_COMMITTED, P, X, X, X, X, 8, 0x20, 0x20, 0x84, 0x88, 0x88),
    ROW(SH_LFH_KEY, P, X, X, X, X, X, X, X, X, X, 0x390),
    ROW(SH_LIMIT, P, X, X, X, X, 0xa8, 0x180, 0x218, 0xc0, 0xf8, 0x100),
    ROW(SH_SEGMENT_LIST, P, X, X, X, X, 0x60, X, X, X, X, X),
    ROW(CONTEXT_MASK, P, X, X, X, X, X, 0, 0, 0, 0, 0),
    ROW(CONTEXT_UNIT_SHIFT, 1, X, X, X, X, X, 8, 8, 4, 8, 8),
    ROW(CONTEXT_FIRST_DESCRIPTOR, 1, X, X, X, X, X, 10, 10, 6, 10, 10),
    ROW(CONTEXT_SEGMENT_LIST, P, X, X, X, X, X, 0x20, 0x20, 0x44, 0x48, 0x48),
    ROW(PAGE_SEGMENT_LIST_ENTRY, P, X, X, X, X, 0, 0, 0, 0, 0, 0),
    ROW(PAGE_SEGMENT_SIGNATURE, P, X, X, X, X, 0x10, 0x10, 0x10, 8, 0x10, 0x10),
    ROW(RANGE_UNUSED_BYTES, 4, X, X, X, X, X, 4, 4, 4, 4, 4),
    ROW(RANGE_UNUSED_BYTES, 2, X, X, X, X, 6, X, X, X, X, X),
    ROW(RANGE_FLAGS, 1, X, X, X, X, 0x18, 0x18, 0x18, 0x0c, 0x18, 0x18),
    ROW(RANGE_UNITS, 1, X, X, X, X, 0x1b, 0x1f, 0x1f, 0x0f, 0x1f, 0x1f),
    ROW(VS_SIZE, 2, X, X, X, X, 0x20, 0x20, 0x20, 0x14, 0x20, 0x20),
    BITS(VS_SIGNATURE, 2, 0, 15, X, X, X, X, 0x22, 0x22, 0x22, 0x16, 0x22, 0x24),
    BITS(CHUNK_UNITS, 4, 16, 16, X, X, X, X, 0, 0, 0, X, 0, 0),
    BITS(CHUNK_UNITS, 4, 1, 15, X, X, X, X, X, X, X, 0, X, X),
    BITS(CHUNK_PREVIOUS_UNITS, 4, 0, 16, X, X, X, X, 4, 4, 4, X, 4, 4),
    BITS(CHUNK_PREVIOUS_UNITS, 4, 16, 15, X, X, X, X, X, X, X, 0, X, X),
    BITS(CHUNK_ALLOCATED, 4, 16, 8, X, X, X, X, 4, 4, 4, X, 4, 4),
    BITS(CHUNK_ALLOCATED, 4, 31, 1, X, X, X, X, X, X, X, 0, X, X),
    BITS(CHUNK_HAS_UNUSED, 4, 8, 1, X, X, X, X, 8, 8, 8, 4, 8, 8),
    BITS(CHUNK_SKIP, 4, 9, 1, X, X, X, X, 8, 8, 8, 4, 8, 8),
    ROW(LFH_BLOCK_COUNT, 2, X, X, X, X, 0x22, 0x22, 0x22, 0x12, 0x22, 0x22),
    ROW(LFH_OFFSETS, 4, X, X, X, X, 0x28, 0x28, 0x28, 0x18, 0x28, 0x28),
    ROW(LFH_BITMAP, P, X, X, X, X, 0x30, 0x30, 0x30, 0x20, 0x30, 0x40),
    ROW(LARGE_ADDRESS, P, X, X, X, X, 0x18, 0x18, 0x18, 0x0c, 0x18, 0x18),
    BITS(LARGE_UNUSED_BYTES, P, 0, 16, X, X, X, X, 0x18, 0x18, 0x18, 0x0c, 0x18, 0x18),
    BITS(LARGE_PAGES, 8, 12, 52, X, X, X, X, 0x20, 0x20, 0x20, X, 0x20, 0x20),
    BITS(LARGE_PAGES, 4, 12, 20, X, X, X, X, X, X, X, 0x10, X, X),
    ROW(GLOBALS_HEAP_KEY, P, X, X, X, X, X, X, 0, 0, 0, 0),
    ROW(GLOBALS_LFH_KEY, P, X, X, X, X, X, X, 8, 4, 8, 8),
};

#undef ROW
#undef BITS

static const uint16_t sizes[SEEP_N_HEAP_STRUCTURES][N_COLUMNS] = {
    [SEEP_HS_STORE] =   { 0x10, 0x20, 0x20, 0x38, 0x38, 0x38, 0x38, 0x20, 0x38, 0x38 },
    [SEEP_HS_CONTEXT] = {    0,    0,    0,    0,    0, 0x78, 0x98, 0x80, 0xc0, 0xc0 },
    [SEEP_HS_RANGE] =   {    0,    0,    0,    0, 0x20, 0x20, 0x20, 0x10, 0x20, 0x20 },
    [SEEP_HS_VS] =      {    0,    0,    0,    0, 0x28, 0x28, 0x28, 0x18, 0x28, 0x28 },
    [SEEP_HS_CHUNK] =   {    0,    0,    0,    0, 0x10, 0x10, 0x10, 0x08, 0x10, 0x10 },
    [SEEP_HS_LFH] =     {    0,    0,    0,    0, 0x38, 0x38, 0x38, 0x24, 0x38, 0x48 },
    // clang-format on
};
#undef X

static void begin(unsigned bits, struct seep_heap_layout *layout)
{
    memset(layout, 0, sizeof *layout);
    layout->pointer_bytes = (uint8_t)(bits / 8);
    layout->granule = (uint8_t)(bits / 4);
    for (int i = 0; i < SEEP_N_HEAP_MEMBERS; i++)
        layout->fields[i].offset = SEEP_HEAP_ABSENT;
}

// The column of the `which`-th newest row; N_COLUMNS where there is none.
static int column_of(unsigned bits, unsigned which)
{
    for (int i = N_COLUMNS - 1; i >= 0; i--) {
        if (columns[i].bits == bits && which-- == 0)
            return i;
    }
    return N_COLUMNS;
}

unsigned seep_heap_layouts(unsigned bits)
{
    unsigned n = 0;
    for (int i = 0; i < N_COLUMNS; i++)
        n += columns[i].bits == bits;
    return n;
}

bool seep_heap_layout_builtin(unsigned bits, unsigned which, struct seep_heap_layout *layout)
{
    int c = column_of(bits, which);
    if (c == N_COLUMNS)
        return false;
    begin(bits, layout);
    layout->build = columns[c].build;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].offset[c] == SEEP_HEAP_ABSENT)
            continue;
        layout->fields[table[i].member] = (struct seep_heap_field){
            .offset = table[i].offset[c],
            .size_bytes = table[i].size_bytes ? table[i].size_bytes : layout->pointer_bytes,
            .bit_offset = table[i].bit_offset,
            .bit_length = table[i].bit_length,
        };
    }
    for (int i = 0; i < SEEP_N_HEAP_STRUCTURES; i++)
        layout->sizes[i] = sizes[i][c];
    return true;
}

// A member from types. Of a structure or array only the first number's place is of use here.
static void from_types(const struct seep_types *types, int i, struct seep_heap_layout *layout)
{
    struct seep_member m;
    if (!seep_types_member(types, members[i].structure, members[i].path, &m) &&
        (!members[i].other ||
         !seep_types_member(types, members[i].structure, members[i].other, &m)))
        return;
    if (m.offset >= SEEP_HEAP_ABSENT || m.bit_offset > 63 || m.bit_length > 64)
        return;
    uint32_t size = m.size_bytes;
    if ((size != 1 && size != 2 && size != 4 && size != 8) ||
        (m.type && size > layout->pointer_bytes))
        size = i == SEEP_HM_LFH_OFFSETS ? 4 : layout->pointer_bytes;
    layout->fields[i] = (struct seep_heap_field){ .offset = (uint16_t)m.offset,
                                                  .size_bytes = (uint8_t)size,
                                                  .bit_offset = m.bit_offset,
                                                  .bit_length = m.bit_length };
}

void seep_heap_layout_fill(const struct seep_types *types, unsigned bits, uint32_t build,
                           struct seep_heap_layout *layout)
{
    uint64_t size;
    if (types && seep_types_size(types, "_HEAP", &size)) {
        begin(bits, layout);
        layout->from_types = true;
        for (int i = 0; i < SEEP_N_HEAP_MEMBERS; i++)
            from_types(types, i, layout);
        for (int i = 0; i < SEEP_N_HEAP_STRUCTURES; i++) {
            if (seep_types_size(types, structures[i], &size) && size <= UINT16_MAX)
                layout->sizes[i] = (uint16_t)size;
        }
        return;
    }
    unsigned which = 0;
    while (build && which + 1 < seep_heap_layouts(bits) &&
           columns[column_of(bits, which)].build > build)
        which++;
    (void)seep_heap_layout_builtin(bits, which, layout);
}

bool seep_heap_layout_has(const struct seep_heap_layout *layout, enum seep_heap_member first,
                          enum seep_heap_member last)
{
    for (int i = (int)first; i <= (int)last; i++) {
        if (layout->fields[i].offset == SEEP_HEAP_ABSENT)
            return false;
    }
    return true;
}

static uint64_t number(const uint8_t *p, const struct seep_heap_field *f)
{
    uint64_t value = 0;
    switch (f->size_bytes) {
    case 1:
        value = p[0];
        break;
    case 2:
        value = seep_le16(p);
        break;
    case 4:
        value = seep_le32(p);
        break;
    default:
        value = seep_le64(p);
        break;
    }
    if (!f->bit_length)
        return value;
    value >>= f->bit_offset;
    return f->bit_length < 64 ? value & ((UINT64_C(1) << f->bit_length) - 1) : value;
}

bool seep_heap_get(const struct seep_heap_layout *layout, struct seep_bytes structure,
                   enum seep_heap_member member, uint64_t *value)
{
    const struct seep_heap_field *f = &layout->fields[member];
    if (f->offset == SEEP_HEAP_ABSENT || !seep_bytes_has(structure, f->offset, f->size_bytes))
        return false;
    *value = number(structure.data + f->offset, f);
    return true;
}

bool seep_heap_read(const struct seep_heap_layout *layout, const struct seep_memory *memory,
                    uint64_t address, enum seep_heap_member member, uint64_t *value)
{
    const struct seep_heap_field *f = &layout->fields[member];
    uint8_t bytes[8];
    if (f->offset == SEEP_HEAP_ABSENT || address > UINT64_MAX - f->offset ||
        seep_memory_read(memory, address + f->offset, bytes, f->size_bytes) != f->size_bytes)
        return false;
    *value = number(bytes, f);
    return true;
}
