// SPDX-License-Identifier: MIT
// Where a Windows process says what its memory is for: offsets in the PEB and the TEB of 32-bit and
// 64-bit code.
//
// Source: the public symbols of ntdll of Windows 10 (types _PEB and _TEB), x86 and x64; the same
// offsets give sense in dumps from Windows 7 to 11. ARM64 uses the layouts of x64.
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
};

// The layout for pointers of 4 or 8 bytes.
const struct seep_nt_process_layout *seep_nt_process_layout(unsigned pointer_bytes);

enum {
    SEEP_NT_TEB_EXCEPTION_LIST = 0, // in the TEB64 of a WoW64 process: the address of its TEB32
    // Slot 1 of a TEB64's thread local storage: the address of a structure that has the 32-bit
    // CONTEXT from offset 4 on (Microsoft's page on WOW64_CONTEXT, for Windows Vista to 8.1;
    // observed on Windows 7). Nothing promises it for later versions: what is there is checked.
    SEEP_NT_TEB64_WOW64_CPU = 0x1488,
    SEEP_NT_WOW64_CPU_CONTEXT = 4,
};
#define SEEP_NT_USER_SHARED_DATA UINT64_C(0x7ffe0000)

// What the PEB points to that is neither heap, stack nor image.
struct seep_nt_peb_pointer {
    uint16_t offset32, offset64;
    const char *what; // as WinDbg's !address says it
};
extern const struct seep_nt_peb_pointer seep_nt_peb_pointers[];
extern const size_t seep_nt_n_peb_pointers;

#endif
