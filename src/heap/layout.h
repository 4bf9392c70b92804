// SPDX-License-Identifier: MIT
// Where the members of Windows' heap structures lie: from the types of an ntdll by name, else from
// a table of facts by build.
//
// Structures change their names and shapes between builds, so a member is asked for by what it
// means; one that a build does not have is absent, and whoever needs it says so.
#ifndef SEEP_HEAP_LAYOUT_H
#define SEEP_HEAP_LAYOUT_H

#include "memory/memory.h"
#include "symbols/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One row: the name here, the structure, the member's path, another path that it had in some build.
#define SEEP_HEAP_MEMBERS(ROW)                                                                     \
    /* the header of a block of an NT heap, 8 bytes on x86, 16 on x64 */                           \
    ROW(ENTRY_SIZE, "_HEAP_ENTRY", "Size", NULL)                                                   \
    ROW(ENTRY_FLAGS, "_HEAP_ENTRY", "Flags", NULL)                                                 \
    ROW(ENTRY_CHECKSUM, "_HEAP_ENTRY", "SmallTagIndex", NULL)                                      \
    ROW(ENTRY_PREVIOUS_SIZE, "_HEAP_ENTRY", "PreviousSize", NULL)                                  \
    ROW(ENTRY_UNUSED_BYTES, "_HEAP_ENTRY", "UnusedBytes", NULL)                                    \
    ROW(HEAP_SEGMENT_SIGNATURE, "_HEAP", "SegmentSignature", "Segment.SegmentSignature")           \
    ROW(HEAP_ENCODE_FLAG_MASK, "_HEAP", "EncodeFlagMask", NULL)                                    \
    ROW(HEAP_ENCODING, "_HEAP", "Encoding", NULL)                                                  \
    ROW(HEAP_INTERCEPTOR, "_HEAP", "Interceptor", NULL)                                            \
    ROW(HEAP_SIGNATURE, "_HEAP", "Signature", NULL)                                                \
    ROW(HEAP_VIRTUAL_BLOCKS, "_HEAP", "VirtualAllocdBlocks", NULL)                                 \
    ROW(HEAP_SEGMENT_LIST, "_HEAP", "SegmentList", NULL)                                           \
    ROW(HEAP_FRONT_END, "_HEAP", "FrontEndHeap", NULL)                                             \
    ROW(SEGMENT_LIST_ENTRY, "_HEAP_SEGMENT", "SegmentListEntry", NULL)                             \
    ROW(SEGMENT_HEAP, "_HEAP_SEGMENT", "Heap", NULL)                                               \
    ROW(SEGMENT_BASE, "_HEAP_SEGMENT", "BaseAddress", NULL)                                        \
    ROW(SEGMENT_PAGES, "_HEAP_SEGMENT", "NumberOfPages", NULL)                                     \
    ROW(SEGMENT_FIRST, "_HEAP_SEGMENT", "FirstEntry", NULL)                                        \
    ROW(SEGMENT_LAST, "_HEAP_SEGMENT", "LastValidEntry", NULL)                                     \
    ROW(SEGMENT_UNCOMMITTED_PAGES, "_HEAP_SEGMENT", "NumberOfUnCommittedPages", NULL)              \
    ROW(SEGMENT_UNCOMMITTED_LIST, "_HEAP_SEGMENT", "UCRSegmentList", NULL)                         \
    ROW(UNCOMMITTED_SEGMENT_ENTRY, "_HEAP_UCR_DESCRIPTOR", "SegmentEntry", NULL)                   \
    ROW(UNCOMMITTED_ADDRESS, "_HEAP_UCR_DESCRIPTOR", "Address", NULL)                              \
    ROW(UNCOMMITTED_SIZE, "_HEAP_UCR_DESCRIPTOR", "Size", NULL)                                    \
    ROW(VIRTUAL_LIST_ENTRY, "_HEAP_VIRTUAL_ALLOC_ENTRY", "Entry", NULL)                            \
    ROW(VIRTUAL_COMMIT, "_HEAP_VIRTUAL_ALLOC_ENTRY", "CommitSize", NULL)                           \
    ROW(VIRTUAL_RESERVE, "_HEAP_VIRTUAL_ALLOC_ENTRY", "ReserveSize", NULL)                         \
    ROW(VIRTUAL_BLOCK, "_HEAP_VIRTUAL_ALLOC_ENTRY", "BusyBlock", NULL)                             \
    /* the low-fragmentation front end of an NT heap */                                            \
    ROW(FRONT_LIMIT, "_LFH_HEAP", "ReservedAddressLimit", NULL)                                    \
    ROW(STORE_SUBSEGMENT, "_HEAP_USERDATA_HEADER", "SubSegment", NULL)                             \
    ROW(STORE_SIGNATURE, "_HEAP_USERDATA_HEADER", "Signature", NULL)                               \
    ROW(STORE_BITMAP_BITS, "_HEAP_USERDATA_HEADER", "BusyBitmap.SizeOfBitMap", NULL)               \
    ROW(STORE_BITMAP_BUFFER, "_HEAP_USERDATA_HEADER", "BusyBitmap.Buffer", NULL)                   \
    ROW(SUBSEGMENT_STORE, "_HEAP_SUBSEGMENT", "UserBlocks", NULL)                                  \
    ROW(SUBSEGMENT_BLOCK_SIZE, "_HEAP_SUBSEGMENT", "BlockSize", NULL)                              \
    ROW(SUBSEGMENT_BLOCK_COUNT, "_HEAP_SUBSEGMENT", "BlockCount", NULL)                            \
    /* the stack database of `gflags /i image +ust` */                                             \
    ROW(TRACE_INDEX, "_RTL_STACK_TRACE_ENTRY", "Index", NULL)                                      \
    ROW(TRACE_DEPTH, "_RTL_STACK_TRACE_ENTRY", "Depth", NULL)                                      \
    ROW(TRACE_FRAMES, "_RTL_STACK_TRACE_ENTRY", "BackTrace", NULL)                                 \
    /* a segment heap */                                                                           \
    ROW(SH_SIGNATURE, "_SEGMENT_HEAP", "Signature", NULL)                                          \
    ROW(SH_CONTEXTS, "_SEGMENT_HEAP", "SegContexts", NULL)                                         \
    ROW(SH_LARGE_TREE, "_SEGMENT_HEAP", "LargeAllocMetadata", NULL)                                \
    ROW(SH_LARGE_RESERVED, "_SEGMENT_HEAP", "LargeReservedPages", NULL)                            \
    ROW(SH_RESERVED, "_SEGMENT_HEAP", "MemStats.TotalReservedPages", "TotalReservedPages")         \
    ROW(SH_COMMITTED, "_SEGMENT_HEAP", "MemStats.TotalCommittedPages", "TotalCommittedPages")      \
    ROW(SH_LFH_KEY, "_SEGMENT_HEAP", "LfhContext.EncodeKey", NULL)                                 \
    ROW(SH_LIMIT, "_SEGMENT_HEAP", "ReservedLimit", NULL)                                          \
    ROW(SH_SEGMENT_LIST, "_SEGMENT_HEAP", "SegmentListHead", NULL)                                 \
    ROW(CONTEXT_MASK, "_HEAP_SEG_CONTEXT", "SegmentMask", NULL)                                    \
    ROW(CONTEXT_UNIT_SHIFT, "_HEAP_SEG_CONTEXT", "UnitShift", NULL)                                \
    ROW(CONTEXT_FIRST_DESCRIPTOR, "_HEAP_SEG_CONTEXT", "FirstDescriptorIndex", NULL)               \
    ROW(CONTEXT_SEGMENT_LIST, "_HEAP_SEG_CONTEXT", "SegmentListHead", NULL)                        \
    ROW(PAGE_SEGMENT_LIST_ENTRY, "_HEAP_PAGE_SEGMENT", "ListEntry", NULL)                          \
    ROW(PAGE_SEGMENT_SIGNATURE, "_HEAP_PAGE_SEGMENT", "Signature", NULL)                           \
    ROW(RANGE_UNUSED_BYTES, "_HEAP_PAGE_RANGE_DESCRIPTOR", "UnusedBytes", NULL)                    \
    ROW(RANGE_FLAGS, "_HEAP_PAGE_RANGE_DESCRIPTOR", "RangeFlags", NULL)                            \
    ROW(RANGE_UNITS, "_HEAP_PAGE_RANGE_DESCRIPTOR", "UnitSize", "Size")                            \
    ROW(VS_SIZE, "_HEAP_VS_SUBSEGMENT", "Size", NULL)                                              \
    ROW(VS_SIGNATURE, "_HEAP_VS_SUBSEGMENT", "Signature", NULL)                                    \
    ROW(CHUNK_UNITS, "_HEAP_VS_CHUNK_HEADER", "Sizes.UnsafeSize", NULL)                            \
    ROW(CHUNK_PREVIOUS_UNITS, "_HEAP_VS_CHUNK_HEADER", "Sizes.UnsafePrevSize", NULL)               \
    ROW(CHUNK_ALLOCATED, "_HEAP_VS_CHUNK_HEADER", "Sizes.Allocated", NULL)                         \
    ROW(CHUNK_HAS_UNUSED, "_HEAP_VS_CHUNK_HEADER", "UnusedBytes", NULL)                            \
    ROW(CHUNK_SKIP, "_HEAP_VS_CHUNK_HEADER", "SkipDuringWalk", NULL)                               \
    ROW(LFH_BLOCK_COUNT, "_HEAP_LFH_SUBSEGMENT", "BlockCount", NULL)                               \
    ROW(LFH_OFFSETS, "_HEAP_LFH_SUBSEGMENT", "BlockOffsets", NULL)                                 \
    ROW(LFH_BITMAP, "_HEAP_LFH_SUBSEGMENT", "BlockBitmap", NULL)                                   \
    ROW(LARGE_ADDRESS, "_HEAP_LARGE_ALLOC_DATA", "VirtualAddress", NULL)                           \
    ROW(LARGE_UNUSED_BYTES, "_HEAP_LARGE_ALLOC_DATA", "UnusedBytes", NULL)                         \
    ROW(LARGE_PAGES, "_HEAP_LARGE_ALLOC_DATA", "AllocatedPages", NULL)                             \
    ROW(GLOBALS_HEAP_KEY, "_RTLP_HP_HEAP_GLOBALS", "HeapKey", NULL)                                \
    ROW(GLOBALS_LFH_KEY, "_RTLP_HP_HEAP_GLOBALS", "LfhKey", NULL)

enum seep_heap_member {
#define SEEP_HEAP_ENUM(name, structure, path, other) SEEP_HM_##name,
    SEEP_HEAP_MEMBERS(SEEP_HEAP_ENUM)
#undef SEEP_HEAP_ENUM
        SEEP_N_HEAP_MEMBERS
};

// Structures whose size matters: steps of arrays, where the first block follows a header.
enum seep_heap_structure {
    SEEP_HS_STORE,   // _HEAP_USERDATA_HEADER
    SEEP_HS_CONTEXT, // _HEAP_SEG_CONTEXT
    SEEP_HS_RANGE,   // _HEAP_PAGE_RANGE_DESCRIPTOR
    SEEP_HS_VS,      // _HEAP_VS_SUBSEGMENT
    SEEP_HS_CHUNK,   // _HEAP_VS_CHUNK_HEADER
    SEEP_HS_LFH,     // _HEAP_LFH_SUBSEGMENT
    SEEP_N_HEAP_STRUCTURES,
};

#define SEEP_HEAP_ABSENT UINT16_MAX

struct seep_heap_field {
    uint16_t offset;    // bytes from the structure's start; SEEP_HEAP_ABSENT
    uint8_t size_bytes; // of the number that holds it: 1, 2, 4, 8
    uint8_t bit_offset; // of a bit field, from the least significant bit
    uint8_t bit_length; // 0 = no bit field
};

struct seep_heap_layout {
    uint8_t pointer_bytes; // 4 or 8
    uint8_t granule;       // bytes of an entry and of the unit of block sizes: 8 or 16
    bool from_types;       // else from the built-in table
    uint32_t build;        // of the built-in row that was taken; 0 = from types
    struct seep_heap_field fields[SEEP_N_HEAP_MEMBERS];
    uint16_t sizes[SEEP_N_HEAP_STRUCTURES]; // bytes; 0 = unknown
};

// How many built-in rows there are for `bits` (32 or 64), newest first; `which` counts them.
unsigned seep_heap_layouts(unsigned bits);

// Fills the layout of a built-in row. False and `*layout` untouched where there is no such row.
bool seep_heap_layout_builtin(unsigned bits, unsigned which, struct seep_heap_layout *layout);

// Fills the layout of an ntdll: by its types where they have _HEAP, else by its build: the row of
// the newest build that is not newer than it, the oldest one for an older build, the newest one for
// build 0. What is absent in the types is absent in the layout: rows are never mixed.
void seep_heap_layout_fill(const struct seep_types *types, unsigned bits, uint32_t build,
                           struct seep_heap_layout *layout);

// Whether the layout has every member between `first` and `last`.
bool seep_heap_layout_has(const struct seep_heap_layout *layout, enum seep_heap_member first,
                          enum seep_heap_member last);

// The address of a member of the structure at `address`.
static inline uint64_t seep_heap_at(const struct seep_heap_layout *layout, uint64_t address,
                                    enum seep_heap_member member)
{
    return address + layout->fields[member].offset;
}

// A number from bytes that begin with the structure; false where it is absent or not all there.
bool seep_heap_get(const struct seep_heap_layout *layout, struct seep_bytes structure,
                   enum seep_heap_member member, uint64_t *value);

// The same from the structure at `address` in memory.
bool seep_heap_read(const struct seep_heap_layout *layout, const struct seep_memory *memory,
                    uint64_t address, enum seep_heap_member member, uint64_t *value);

#endif
