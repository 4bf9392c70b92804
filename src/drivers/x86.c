// SPDX-License-Identifier: MIT
// Lengths and operands of x86 and x64 instructions, from tables of what follows each opcode.
#include "drivers/x86.h"

// What follows an opcode.
enum {
    M = 1,  // ModRM
    I1 = 2, // an immediate of one byte
    IZ = 4, // of two or four, by operand size
    I2 = 8, // of two
    // what needs a look of its own, or is none
    XX = 16, // no instruction, or none that this reads
    G = 32,  // gone in 64 bits
    // combined
    MI1 = M | I1,
    MIZ = M | IZ,
};

// Opcodes of one byte. Prefixes are taken off before; a0..a3, b8..bf, c4, c5, 62, c8, f6, f7 and
// what is not there in 64 bits are seen to in the code.
static const uint8_t one[256] = {
    M,   M,   M,       M,   I1,     IZ,     G,   G,   M,       M,   M,  M,   I1, IZ, G,  0,  // 00
    M,   M,   M,       M,   I1,     IZ,     G,   G,   M,       M,   M,  M,   I1, IZ, G,  G,  // 10
    M,   M,   M,       M,   I1,     IZ,     0,   G,   M,       M,   M,  M,   I1, IZ, 0,  G,  // 20
    M,   M,   M,       M,   I1,     IZ,     0,   G,   M,       M,   M,  M,   I1, IZ, 0,  G,  // 30
    0,   0,   0,       0,   0,      0,      0,   0,   0,       0,   0,  0,   0,  0,  0,  0,  // 40
    0,   0,   0,       0,   0,      0,      0,   0,   0,       0,   0,  0,   0,  0,  0,  0,  // 50
    G,   G,   M,       M,   XX,     XX,     XX,  XX,  IZ,      MIZ, I1, MI1, 0,  0,  0,  0,  // 60
    I1,  I1,  I1,      I1,  I1,     I1,     I1,  I1,  I1,      I1,  I1, I1,  I1, I1, I1, I1, // 70
    MI1, MIZ, MI1 | G, MI1, M,      M,      M,   M,   M,       M,   M,  M,   M,  M,  M,  M,  // 80
    0,   0,   0,       0,   0,      0,      0,   0,   0,       0,   XX, 0,   0,  0,  0,  0,  // 90
    0,   0,   0,       0,   0,      0,      0,   0,   I1,      IZ,  0,  0,   0,  0,  0,  0,  // a0
    I1,  I1,  I1,      I1,  I1,     I1,     I1,  I1,  0,       0,   0,  0,   0,  0,  0,  0,  // b0
    MI1, MI1, I2,      0,   M,      M,      MI1, MIZ, I2 | I1, 0,   I2, 0,   0,  I1, G,  0,  // c0
    M,   M,   M,       M,   I1 | G, I1 | G, XX,  0,   M,       M,   M,  M,   M,  M,  M,  M,  // d0
    I1,  I1,  I1,      I1,  I1,     I1,     I1,  I1,  IZ,      IZ,  XX, I1,  0,  0,  0,  0,  // e0
    XX,  0,   XX,      XX,  0,      0,      M,   M,   0,       0,   0,  0,   0,  0,  M,  M,  // f0
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
    uint8_t rex, segment;
    uint8_t extended; // bits r, x, b of REX, VEX or EVEX, where set
};

static void read_prefixes(struct seep_cursor *c, bool wide, struct prefixes *p)
{
    for (; c->pos < c->view.len; c->pos++) {
        uint8_t b = c->view.data[c->pos];
        if (b == 0x66)
            p->operand = true;
        else if (b == 0x67)
            p->address = true;
        else if (b == 0x2e || b == 0x36 || b == 0x3e || b == 0x26 || b == 0x64 || b == 0x65)
            p->segment = b;
        else if (b != 0xf0 && b != 0xf2 && b != 0xf3)
            break;
    }
    if (wide && c->pos < c->view.len && (c->view.data[c->pos] & 0xf0) == 0x40) {
        p->rex = c->view.data[c->pos++];
        p->extended = p->rex & 7;
    }
}

// The prefix of vectors, behind its first byte `kind`; false where it names no known map.
static bool read_vector(struct seep_cursor *c, uint8_t kind, struct prefixes *p,
                        struct seep_x86 *out)
{
    uint8_t first = seep_cursor_u8(c);
    uint8_t map = 1;
    p->extended = (uint8_t)(~first >> 5 & 4);
    if (kind != 0xc5) {
        p->extended = (uint8_t)(~first >> 5 & 7);
        map = first & (kind == 0x62 ? 7 : 31);
        out->is_wide = seep_cursor_u8(c) >> 7;
    }
    if (kind == 0x62)
        (void)seep_cursor_u8(c);
    out->is_vector = true;
    out->map = map;
    return map >= 1 && map <= 3;
}

// A byte as a signed number.
static int32_t signed_byte(struct seep_cursor *c)
{
    return (int32_t)(seep_cursor_u8(c) ^ 0x80u) - 0x80;
}

static void read_modrm(struct seep_cursor *c, bool wide, const struct prefixes *p,
                       struct seep_x86 *out)
{
    uint8_t modrm = seep_cursor_u8(c);
    uint8_t mod = modrm >> 6, rm = modrm & 7;
    uint8_t r = p->extended >> 2 & 1, x = p->extended >> 1 & 1, b = p->extended & 1;
    out->has_modrm = true;
    out->reg = (uint8_t)((modrm >> 3 & 7) | r << 3);
    out->rm = (uint8_t)(rm | b << 3);
    out->base = out->index = SEEP_X86_NO_REG;
    if (mod == 3)
        return;
    out->is_memory = true;
    if (!wide && p->address) { // 16-bit addresses: only their length counts
        if (mod == 2 || (mod == 0 && rm == 6))
            seep_cursor_skip(c, 2);
        else if (mod == 1)
            seep_cursor_skip(c, 1);
        out->segment = 0x67;
        return;
    }
    out->base = out->rm;
    uint8_t low = rm;
    if (rm == 4) {
        uint8_t sib = seep_cursor_u8(c);
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
        out->disp = (int32_t)seep_cursor_u32(c);
    } else if (mod == 1) {
        out->disp = signed_byte(c);
    } else if (mod == 2) {
        out->disp = (int32_t)seep_cursor_u32(c);
    }
}

static void read_immediate(struct seep_cursor *c, unsigned what, bool narrow, struct seep_x86 *out)
{
    if (what & I2)
        out->imm = seep_cursor_u16(c);
    if (what & IZ)
        out->imm = narrow ? (int16_t)seep_cursor_u16(c) : (int32_t)seep_cursor_u32(c);
    if (what & I1)
        out->imm = signed_byte(c);
    out->has_imm = (what & (I1 | I2 | IZ)) != 0;
}

// What follows an opcode of one byte, with those that depend on more than their own byte.
static unsigned follows_one(const struct seep_cursor *c, bool wide, uint8_t op)
{
    if (wide && one[op] & G)
        return XX;
    // Groups 3: only "test" has an immediate.
    if ((op == 0xf6 || op == 0xf7) && c->pos < c->view.len && !(c->view.data[c->pos] >> 3 & 6))
        return op == 0xf6 ? MI1 : MIZ;
    return one[op];
}

// The address of a0..a3, and the full immediates of b8..bf; false where it was none of these.
static bool read_special(struct seep_cursor *c, bool wide, const struct prefixes *p, uint8_t op,
                         struct seep_x86 *out)
{
    if (op >= 0xa0 && op <= 0xa3) {
        bool eight = wide && !p->address;
        out->imm = eight ? (int64_t)seep_cursor_u64(c) : (int64_t)seep_cursor_u32(c);
    } else if (op >= 0xb8 && op <= 0xbf) {
        out->imm = out->is_wide ? (int64_t)seep_cursor_u64(c)
                   : p->operand ? (int64_t)seep_cursor_u16(c)
                                : (int64_t)seep_cursor_u32(c);
    } else {
        return false;
    }
    out->has_imm = true;
    return true;
}

bool seep_x86_decode(const uint8_t *code, size_t len, bool wide, struct seep_x86 *out)
{
    *out = (struct seep_x86){ .base = SEEP_X86_NO_REG, .index = SEEP_X86_NO_REG };
    struct prefixes p = { 0 };
    struct seep_cursor c =
        seep_cursor(seep_bytes(code, len < SEEP_X86_MAX_LEN ? len : SEEP_X86_MAX_LEN));
    read_prefixes(&c, wide, &p);
    out->is_wide = p.rex >> 3 & 1;
    out->is_narrow = p.operand && !out->is_wide;
    out->segment = p.segment;
    out->op = seep_cursor_u8(&c);
    unsigned what;
    bool vector = out->op == 0xc4 || out->op == 0xc5 || out->op == 0x62;
    // In 32 bits these are LES, LDS and BOUND with an operand in memory.
    if (vector && (wide || (c.pos < len && c.view.len > c.pos && code[c.pos] >= 0xc0))) {
        if (!read_vector(&c, out->op, &p, out))
            return false;
        out->op = seep_cursor_u8(&c);
        what = out->map == 1 ? two[out->op] : out->map == 2 ? M : MI1;
    } else if (out->op == 0x0f) {
        out->map = 1;
        out->op = seep_cursor_u8(&c);
        what = two[out->op];
        if (out->op == 0x38 || out->op == 0x3a) {
            out->map = out->op == 0x38 ? 2 : 3;
            what = out->op == 0x38 ? M : MI1;
            out->op = seep_cursor_u8(&c);
        }
    } else {
        what = vector ? M : follows_one(&c, wide, out->op);
        if (!vector && read_special(&c, wide, &p, out->op, out))
            what = 0;
    }
    if (what & XX)
        return false;
    out->rm = (uint8_t)((out->op & 7) | (p.extended & 1) << 3);
    if (what & M)
        read_modrm(&c, wide, &p, out);
    // In 64 bits, jumps and calls keep their four bytes whatever the prefix.
    bool branch = (out->map == 0 && (out->op == 0xe8 || out->op == 0xe9)) ||
                  (out->map == 1 && (out->op & 0xf0) == 0x80);
    if (what & (I1 | I2 | IZ))
        read_immediate(&c, what, out->is_narrow && !(wide && branch), out);
    if (c.failed)
        return false;
    out->len = (uint8_t)c.pos;
    return true;
}
