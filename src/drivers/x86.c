// SPDX-License-Identifier: MIT
// Lengths and operands of x86 and x64 instructions, from tables of what follows each opcode.
#include "drivers/x86.h"

#include <string.h>

// What follows an opcode.
enum {
    M = 1,  // ModRM
    I1 = 2, // an immediate of one byte
    IZ = 4, // of two or four, by operand size
    I2 = 8, // of two
    // what needs a look of its own, or is none
    XX = 16, // no instruction, or none that this reads
    G = 32,  // gone in 64 bits
    P = 64,  // a prefix
    S = 128, // a way of its own
    // combined
    MI1 = M | I1,
    MIZ = M | IZ,
};

// Opcodes of one byte.
static const uint8_t one[256] = {
    M,   M,   M,       M,   I1,     IZ,     G,   G,   M,       M,   M,  M,   I1, IZ, G,  0,  // 00
    M,   M,   M,       M,   I1,     IZ,     G,   G,   M,       M,   M,  M,   I1, IZ, G,  G,  // 10
    M,   M,   M,       M,   I1,     IZ,     P,   G,   M,       M,   M,  M,   I1, IZ, P,  G,  // 20
    M,   M,   M,       M,   I1,     IZ,     P,   G,   M,       M,   M,  M,   I1, IZ, P,  G,  // 30
    0,   0,   0,       0,   0,      0,      0,   0,   0,       0,   0,  0,   0,  0,  0,  0,  // 40
    0,   0,   0,       0,   0,      0,      0,   0,   0,       0,   0,  0,   0,  0,  0,  0,  // 50
    G,   G,   S,       M,   P,      P,      P,   P,   IZ,      MIZ, I1, MI1, 0,  0,  0,  0,  // 60
    I1,  I1,  I1,      I1,  I1,     I1,     I1,  I1,  I1,      I1,  I1, I1,  I1, I1, I1, I1, // 70
    MI1, MIZ, MI1 | G, MI1, M,      M,      M,   M,   M,       M,   M,  M,   M,  M,  M,  M,  // 80
    0,   0,   0,       0,   0,      0,      0,   0,   0,       0,   XX, 0,   0,  0,  0,  0,  // 90
    S,   S,   S,       S,   0,      0,      0,   0,   I1,      IZ,  0,  0,   0,  0,  0,  0,  // a0
    I1,  I1,  I1,      I1,  I1,     I1,     I1,  I1,  S,       S,   S,  S,   S,  S,  S,  S,  // b0
    MI1, MI1, I2,      0,   S,      S,      MI1, MIZ, I2 | I1, 0,   I2, 0,   0,  I1, G,  0,  // c0
    M,   M,   M,       M,   I1 | G, I1 | G, XX,  0,   M,       M,   M,  M,   M,  M,  M,  M,  // d0
    I1,  I1,  I1,      I1,  I1,     I1,     I1,  I1,  IZ,      IZ,  XX, I1,  0,  0,  0,  0,  // e0
    P,   0,   P,       P,   0,      0,      S,   S,   0,       0,   0,  0,   0,  0,  M,  M,  // f0
};

// Opcodes after 0f.
static const uint8_t two[256] = {
    M,   M,   M,   M,   XX,  0,   0,   0,  0,  0,  XX,  0,  XX,  M,  0,  MI1, // 00
    M,   M,   M,   M,   M,   M,   M,   M,  M,  M,  M,   M,  M,   M,  M,  M,   // 10
    M,   M,   M,   M,   XX,  XX,  XX,  XX, M,  M,  M,   M,  M,   M,  M,  M,   // 20
    0,   0,   0,   0,   0,   0,   XX,  0,  XX, XX, XX,  XX, XX,  XX, XX, XX,  // 30
    M,   M,   M,   M,   M,   M,   M,   M,  M,  M,  M,   M,  M,   M,  M,  M,   // 40
    M,   M,   M,   M,   M,   M,   M,   M,  M,  M,  M,   M,  M,   M,  M,  M,   // 50
    M,   M,   M,   M,   M,   M,   M,   M,  M,  M,  M,   M,  M,   M,  M,  M,   // 60
    MI1, MI1, MI1, MI1, M,   M,   M,   0,  M,  M,  XX,  XX, M,   M,  M,  M,   // 70
    IZ,  IZ,  IZ,  IZ,  IZ,  IZ,  IZ,  IZ, IZ, IZ, IZ,  IZ, IZ,  IZ, IZ, IZ,  // 80
    M,   M,   M,   M,   M,   M,   M,   M,  M,  M,  M,   M,  M,   M,  M,  M,   // 90
    0,   0,   0,   M,   MI1, M,   XX,  XX, 0,  0,  0,   M,  MI1, M,  M,  M,   // a0
    M,   M,   M,   M,   M,   M,   M,   M,  M,  M,  MI1, M,  M,   M,  M,  M,   // b0
    M,   M,   MI1, M,   MI1, MI1, MI1, M,  0,  0,  0,   0,  0,   0,  0,  0,   // c0
    M,   M,   M,   M,   M,   M,   M,   M,  M,  M,  M,   M,  M,   M,  M,  M,   // d0
    M,   M,   M,   M,   M,   M,   M,   M,  M,  M,  M,   M,  M,   M,  M,  M,   // e0
    M,   M,   M,   M,   M,   M,   M,   M,  M,  M,  M,   M,  M,   M,  M,  M,   // f0
};

struct prefixes {
    bool operand, address;
    uint8_t extended; // bits r, x, b of REX, VEX or EVEX, where set
};

// The longest that can be read before an instruction is found to be too long: eleven prefixes,
// three bytes of opcode, ModRM, SIB, a displacement, an immediate of eight bytes.
enum { ROOM = 32, MAX_PREFIXES = 11 };

// A byte as a signed number.
static int32_t signed_byte(uint8_t b)
{
    return (int32_t)(b ^ 0x80u) - 0x80;
}

static const uint8_t *read_prefixes(const uint8_t *p, bool wide, struct prefixes *prefixes,
                                    struct seep_x86 *out)
{
    for (int i = 0; i < MAX_PREFIXES; i++, p++) {
        uint8_t b = *p;
        if ((one[b] & P) == 0)
            break;
        if (b == 0x66)
            prefixes->operand = true;
        else if (b == 0x67)
            prefixes->address = true;
        else if (b < 0xf0)
            out->segment = b;
    }
    if (wide && (*p & 0xf0) == 0x40) {
        out->is_wide = *p >> 3 & 1;
        prefixes->extended = *p++ & 7;
    }
    out->is_narrow = prefixes->operand && !out->is_wide;
    return p;
}

// The prefix of vectors, whose first byte is the opcode; NULL where it names no known map.
static const uint8_t *read_vector(const uint8_t *p, struct prefixes *prefixes, struct seep_x86 *out)
{
    uint8_t first = *p++;
    uint8_t map = 1;
    prefixes->extended = (uint8_t)(~first >> 5 & 4);
    if (out->op != 0xc5) {
        prefixes->extended = (uint8_t)(~first >> 5 & 7);
        map = first & (out->op == 0x62 ? 7 : 31);
        out->is_wide = *p++ >> 7;
    }
    p += out->op == 0x62;
    out->is_vector = true;
    out->map = map;
    return map >= 1 && map <= 3 ? p : NULL;
}

static const uint8_t *read_modrm(const uint8_t *p, bool wide, const struct prefixes *prefixes,
                                 struct seep_x86 *out)
{
    uint8_t modrm = *p++;
    uint8_t mod = modrm >> 6, rm = modrm & 7;
    uint8_t r = prefixes->extended >> 2 & 1, x = prefixes->extended >> 1 & 1;
    uint8_t b = prefixes->extended & 1;
    out->has_modrm = true;
    out->reg = (uint8_t)((modrm >> 3 & 7) | r << 3);
    out->rm = (uint8_t)(rm | b << 3);
    if (mod == 3)
        return p;
    out->is_memory = true;
    if (!wide && prefixes->address) { // 16-bit addresses: only their length counts
        out->segment = 0x67;
        return p + (mod == 2 || (mod == 0 && rm == 6) ? 2 : mod == 1);
    }
    out->base = out->rm;
    uint8_t low = rm;
    if (rm == 4) {
        uint8_t sib = *p++;
        out->scale = (uint8_t)(1u << (sib >> 6));
        out->index = (uint8_t)((sib >> 3 & 7) | x << 3);
        if (out->index == 4)
            out->index = SEEP_X86_NO_REG;
        out->base = (uint8_t)((sib & 7) | b << 3);
        low = sib & 7;
    }
    if (mod == 0 && low == 5) {
        out->rip = wide && rm == 5;
        out->base = SEEP_X86_NO_REG;
    } else if (mod == 1) {
        out->disp = signed_byte(*p);
        return p + 1;
    } else if (mod == 0) {
        return p;
    }
    out->disp = (int32_t)seep_le32(p);
    return p + 4;
}

static const uint8_t *read_immediate(const uint8_t *p, unsigned what, bool narrow,
                                     struct seep_x86 *out)
{
    out->has_imm = true;
    if (what & I2) {
        out->imm = seep_le16(p);
        p += 2;
    }
    if (what & IZ) {
        out->imm = narrow ? (int16_t)seep_le16(p) : (int32_t)seep_le32(p);
        p += narrow ? 2 : 4;
    }
    if (what & I1)
        out->imm = signed_byte(*p++);
    return p;
}

// The addresses of a0..a3, and the full immediates of b8..bf.
static const uint8_t *read_special(const uint8_t *p, bool wide, const struct prefixes *prefixes,
                                   struct seep_x86 *out)
{
    bool eight = out->op < 0xb0 ? wide && !prefixes->address : out->is_wide;
    bool two_bytes = out->op >= 0xb0 && !eight && prefixes->operand;
    out->has_imm = true;
    out->imm = eight       ? (int64_t)seep_le64(p)
               : two_bytes ? (int64_t)seep_le16(p)
                           : (int64_t)seep_le32(p);
    return p + (eight ? 8 : two_bytes ? 2 : 4);
}

// The opcode, and what follows it, from bytes of which ROOM can be read; 0 where it is none.
static size_t decode(const uint8_t *code, bool wide, struct seep_x86 *out)
{
    struct prefixes prefixes = { 0 };
    const uint8_t *p = read_prefixes(code, wide, &prefixes, out);
    out->op = *p++;
    unsigned what = one[out->op];
    if (out->op == 0x0f) {
        out->map = 1;
        out->op = *p++;
        what = two[out->op];
        if (out->op == 0x38 || out->op == 0x3a) {
            out->map = out->op == 0x38 ? 2 : 3;
            what = out->op == 0x38 ? M : MI1;
            out->op = *p++;
        }
    } else if (what & S) {
        // In 32 bits the prefixes of vectors are LES, LDS and BOUND with an operand in memory.
        bool vector = out->op == 0xc4 || out->op == 0xc5 || out->op == 0x62;
        if (vector && (wide || *p >= 0xc0)) {
            p = read_vector(p, &prefixes, out);
            if (!p)
                return 0;
            out->op = *p++;
            what = out->map == 1 ? two[out->op] : out->map == 2 ? M : MI1;
        } else if (vector) {
            what = M;
        } else if (out->op == 0xf6 || out->op == 0xf7) { // only "test" has an immediate
            what = *p >> 3 & 6 ? M : out->op == 0xf6 ? MI1 : MIZ;
        } else {
            p = read_special(p, wide, &prefixes, out);
            what = 0;
        }
    }
    if (what & XX || (wide && !out->map && what & G))
        return 0;
    out->rm = (uint8_t)((out->op & 7) | (prefixes.extended & 1) << 3);
    if (what & M)
        p = read_modrm(p, wide, &prefixes, out);
    // In 64 bits, jumps and calls keep their four bytes whatever the prefix.
    bool branch = (out->map == 0 && (out->op == 0xe8 || out->op == 0xe9)) ||
                  (out->map == 1 && (out->op & 0xf0) == 0x80);
    if (what & (I1 | I2 | IZ))
        p = read_immediate(p, what, out->is_narrow && !(wide && branch), out);
    return (size_t)(p - code);
}

bool seep_x86_decode(const uint8_t *code, size_t len, bool wide, struct seep_x86 *out)
{
    *out = (struct seep_x86){ .base = SEEP_X86_NO_REG, .index = SEEP_X86_NO_REG };
    size_t took;
    if (len >= ROOM) {
        took = decode(code, wide, out);
    } else {
        uint8_t padded[ROOM] = { 0 };
        if (len)
            memcpy(padded, code, len);
        took = decode(padded, wide, out);
    }
    out->len = (uint8_t)took;
    return took && took <= len && took <= SEEP_X86_MAX_LEN;
}
