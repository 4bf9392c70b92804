// SPDX-License-Identifier: MIT
// Where a Windows process says what its memory is for: offsets in the PEB, the TEB and the heads of
// its heaps, for 32-bit and 64-bit code.
//
// Source: the public symbols of ntdll (types _PEB, _TEB, _HEAP, _HEAP_SEGMENT, _SEGMENT_HEAP,
// _HEAP_SEG_CONTEXT) of Windows 10 1809 to 2004, x86 and x64; ARM64 uses the layouts of x64. The
// offsets of PEB and TEB are the same since Windows 7; those of a heap differ as said below.
#ifndef SEEP_NT_PROCESS_H
#define SEEP_NT_PROCESS_H

#include <stddef.h>
#include <stdint.h>

struct seep_nt_process_layout {
    uint8_t pointer_bytes;
    struct {
        uint16_t stack_base, stack_limit, self, pid, tid, peb, deallocation_stack;
        uint16_t bytes; // pages that the kernel gives it
    } teb;
    struct {
        uint16_t parameters, heap, n_heaps, max_heaps, heaps;
        uint16_t os_major, os_minor, os_build;
    } peb;
    struct {
        uint16_t segment_signature; // of the heap's first segment and of every other
        uint16_t segment_entry;     // LIST_ENTRY of a segment
        uint16_t segment_heap;      // pointer to the heap
        // Windows 8 and later; before, _HEAP.PointerKey stood in between, so that these are one
        // pointer further.
        uint16_t signature, virtual_blocks, segments;
    } heap;
    struct {
        uint16_t signature;
        uint16_t large;         // RTL_RB_TREE: root, then the lowest node with "encoded" in bit 0
        uint16_t large_address; // in a node; its low 16 bits are not part of the address
        uint16_t contexts, context_bytes, n_contexts;
        uint16_t context_segments; // LIST_ENTRY in a context
    } segment_heap;
};

// The layout for pointers of 4 or 8 bytes.
const struct seep_nt_process_layout *seep_nt_process_layout(unsigned pointer_bytes);

enum {
    SEEP_NT_TEB_EXCEPTION_LIST = 0, // in the TEB64 of a WoW64 process: the address of its TEB32
};
#define SEEP_NT_HEAP_SIGNATURE UINT32_C(0xeeffeeff)
#define SEEP_NT_HEAP_SEGMENT_SIGNATURE UINT32_C(0xffeeffee)
#define SEEP_NT_SEGMENT_HEAP_SIGNATURE UINT32_C(0xddeeddee)
#define SEEP_NT_USER_SHARED_DATA UINT64_C(0x7ffe0000)

// What the PEB points to that is neither heap, stack nor image.
struct seep_nt_peb_pointer {
    uint16_t offset32, offset64;
    const char *what; // as WinDbg's !address says it
};
extern const struct seep_nt_peb_pointer seep_nt_peb_pointers[];
extern const size_t seep_nt_n_peb_pointers;

#endif
