// SPDX-License-Identifier: MIT
// One instruction of x86 or x64: how long it is, and its operands as numbers.
//
// Not a disassembler: nothing is named. What it does not know it says so.
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, appendix A.
#ifndef SEEP_DRIVERS_X86_H
#define SEEP_DRIVERS_X86_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEEP_X86_NO_REG = 0xff,
    SEEP_X86_MAX_LEN = 15,
};

struct seep_x86 {
    uint8_t len;     // bytes
    uint8_t map;     // 0: one byte, 1: 0f, 2: 0f 38, 3: 0f 3a
    uint8_t op;      // the opcode's last byte
    bool has_modrm;  // then the fields down to `disp` have a meaning
    bool is_memory;  // the operand is in memory, else it is register `rm`
    bool is_vector;  // VEX or EVEX
    bool is_wide;    // REX.W
    bool is_narrow;  // 16 bits, by prefix 66
    bool rip;        // `disp` counts from the end of the instruction
    uint8_t reg, rm; // with the bits of REX; without ModRM `rm` is the opcode's own register
    uint8_t base, index, scale;
    uint8_t segment; // the prefix byte; 0 = none
    int32_t disp;
    bool has_imm;
    int64_t imm; // also what a relative jump or call adds
};

// False where the bytes are no whole, known instruction; `*out` says nothing then.
bool seep_x86_decode(const uint8_t *code, size_t len, bool wide, struct seep_x86 *out);

#endif
