// SPDX-License-Identifier: MIT
// Going through code of ARM64.
//
// Arguments come in x0 to x7, then on the stack. Calls of imports are adrp, ldr and blr, or bl of a
// stub that does the same with br; the guard's dispatcher takes what is meant in x15. Constants of
// 32 bits are a movz with a movk, or lie in the code.
// Source: Arm Architecture Reference Manual for A-profile (DDI 0487), C4 and C6;
// learn.microsoft.com/cpp/build/arm64-windows-abi-conventions.
#include "drivers/scan_internal.h"

#include <string.h>

enum {
    SP = SEEP_TRACK_SP,
    LR = 30,
    GUARDED = 15, // what the guard's dispatcher is to call
    N_VOLATILE = 18,
    N_ARGUMENTS = 8,
};

struct sweep {
    struct seep_scanner *s;
    struct seep_bytes code;
    uint32_t rva;
    uint32_t here;
    int32_t deepest;
};

static struct seep_value constant(uint32_t n)
{
    return (struct seep_value){ .kind = SEEP_VALUE_CONST, .n = n };
}

// A number of `bits` bits as a signed one.
static int32_t sign_extend(uint32_t value, unsigned bits)
{
    uint32_t sign = UINT32_C(1) << (bits - 1);
    return (int32_t)((value & ((sign << 1) - 1)) ^ sign) - (int32_t)sign;
}

static void start_function(struct sweep *w, bool whole)
{
    struct seep_scanner *s = w->s;
    memset(&s->track, 0, sizeof s->track);
    s->n_pending = 0;
    s->function = w->here;
    s->knows_function = whole;
    s->track.regs[SP] = (struct seep_value){ .kind = SEEP_VALUE_STACK };
    w->deepest = 0;
    for (uint32_t i = 0; whole && i < N_ARGUMENTS; i++)
        s->track.regs[i] = (struct seep_value){ SEEP_VALUE_ARGUMENT, 0, i };
    for (uint32_t i = N_ARGUMENTS; whole && i < 14; i++)
        seep_track_store(&s->track, (int32_t)(8 * (i - N_ARGUMENTS)),
                         (struct seep_value){ SEEP_VALUE_ARGUMENT, 0, i });
}

static void set_sp(struct sweep *w, struct seep_value value)
{
    w->s->track.regs[SP] = value;
    if (value.kind == SEEP_VALUE_STACK && (int32_t)value.n < w->deepest)
        w->deepest = (int32_t)value.n;
}

// Number 31 is the zero register, where it is not the stack pointer.
static void set(struct sweep *w, uint32_t reg, struct seep_value value)
{
    if (reg != SP)
        w->s->track.regs[reg] = value;
}

static struct seep_value get(const struct sweep *w, uint32_t reg)
{
    return reg == SP ? constant(0) : w->s->track.regs[reg];
}

static void forget(struct sweep *w, uint32_t reg)
{
    set(w, reg, (struct seep_value){ 0 });
}

static void forget_volatile(struct sweep *w)
{
    for (uint32_t i = 0; i < N_VOLATILE; i++)
        forget(w, i);
    forget(w, LR);
}

static struct seep_value argument(const struct sweep *w, unsigned n)
{
    struct seep_value sp = w->s->track.regs[SP];
    if (n < N_ARGUMENTS)
        return w->s->track.regs[n];
    if (sp.kind != SEEP_VALUE_STACK)
        return (struct seep_value){ 0 };
    return seep_track_load(&w->s->track, (int32_t)(sp.n + 8 * (n - N_ARGUMENTS)));
}

static void call_api(struct sweep *w, unsigned api)
{
    seep_scanner_call(w->s, api, argument(w, seep_apis[api].argument), argument(w, 0), false,
                      w->here);
}

static bool call_value(struct sweep *w, struct seep_value target)
{
    unsigned api = target.kind == SEEP_VALUE_IMPORT     ? target.n
                   : target.kind == SEEP_VALUE_WDF_CALL ? seep_scanner_wdf(target.n)
                                                        : SEEP_SCAN_NO_API;
    if (api != SEEP_SCAN_NO_API)
        call_api(w, api);
    return target.kind == SEEP_VALUE_IMPORT || target.kind == SEEP_VALUE_WDF_CALL;
}

static uint32_t adrp_target(uint32_t insn, uint32_t here)
{
    uint32_t pages = (insn >> 5 & 0x7ffff) << 2 | (insn >> 29 & 3);
    return (here & ~UINT32_C(0xfff)) + ((uint32_t)sign_extend(pages, 21) << 12);
}

// The API whose stub (adrp, ldr, br of one register) is at an address.
static unsigned stub_at(const struct sweep *w, uint32_t target)
{
    struct seep_bytes stub =
        seep_bytes_part(w->code, target >= w->rva ? target - w->rva : SIZE_MAX, 12);
    if (stub.len < 12)
        return SEEP_SCAN_NO_API;
    uint32_t a = seep_le32(stub.data), b = seep_le32(stub.data + 4), c = seep_le32(stub.data + 8);
    uint32_t reg = a & 31;
    if ((a & 0x9f000000) != 0x90000000 || (b & 0xffc003ff) != (0xf9400000 | reg << 5 | reg) ||
        c != (0xd61f0000 | reg << 5))
        return SEEP_SCAN_NO_API;
    return seep_scanner_import(w->s, adrp_target(a, target) + ((b >> 10 & 0xfff) << 3));
}

static void call_address(struct sweep *w, uint32_t target)
{
    unsigned api = stub_at(w, target);
    if (api != SEEP_SCAN_NO_API) {
        call_api(w, api);
        return;
    }
    const struct seep_wrapper *wrapper = seep_scanner_wrapper(w->s, target);
    if (wrapper)
        seep_scanner_call(w->s, wrapper->api, argument(w, wrapper->argument), constant(0), true,
                          w->here);
    else
        (void)call_value(w, w->s->track.regs[GUARDED]);
}

static void jump_forward(struct sweep *w, int32_t by)
{
    if (by > 0 && by < 65536)
        seep_scanner_jump(w->s, w->here + (uint32_t)by);
}

static void after_jump(struct sweep *w)
{
    forget_volatile(w);
    w->s->track.regs[SP] =
        (struct seep_value){ .kind = SEEP_VALUE_STACK, .n = (uint32_t)w->deepest };
}

// Branches; `*ends` where the code does not go on behind it.
static bool step_branch(struct sweep *w, uint32_t insn, bool *ends)
{
    if ((insn & 0x7c000000) == 0x14000000) { // b, bl
        int32_t by = sign_extend(insn & 0x3ffffff, 26) * 4;
        uint32_t target = w->here + (uint32_t)by;
        if (!(insn >> 31))
            jump_forward(w, by);
        call_address(w, target);
        *ends = !(insn >> 31);
    } else if ((insn & 0xff000010) == 0x54000000 || (insn & 0x7e000000) == 0x34000000) {
        jump_forward(w, sign_extend(insn >> 5 & 0x7ffff, 19) * 4); // b.cond, cbz, cbnz
        return true;
    } else if ((insn & 0x7e000000) == 0x36000000) { // tbz, tbnz
        jump_forward(w, sign_extend(insn >> 5 & 0x3fff, 14) * 4);
        return true;
    } else if ((insn & 0xfffffc1f) == 0xd63f0000 || (insn & 0xfffffc1f) == 0xd61f0000) { // blr, br
        if (!call_value(w, get(w, insn >> 5 & 31)))
            (void)call_value(w, w->s->track.regs[GUARDED]);
        *ends = (insn & 0xfffffc1f) == 0xd61f0000;
    } else if ((insn & 0xfffffc1f) == 0xd65f0000 || (insn & 0xffe0001f) == 0xd4200000 ||
               (insn & 0xfffff800) == 0xd65f0800) { // ret, brk, retaa
        *ends = true;
    } else {
        return false;
    }
    if (*ends)
        after_jump(w);
    else
        forget_volatile(w);
    return true;
}

// Constants and addresses out of immediates.
static bool step_immediate(struct sweep *w, uint32_t insn)
{
    uint32_t rd = insn & 31, rn = insn >> 5 & 31;
    uint32_t half = insn >> 5 & 0xffff, shift = (insn >> 21 & 3) * 16;
    uint32_t kind = insn & 0x7f800000;
    if (kind == 0x52800000 || kind == 0x12800000) { // movz, movn
        uint32_t n = shift < 32 ? half << shift : 0;
        set(w, rd, constant(kind == 0x12800000 ? ~n : n));
        return true;
    }
    if (kind == 0x72800000) { // movk
        struct seep_value v = get(w, rd);
        if (v.kind != SEEP_VALUE_CONST)
            return true;
        if (shift < 32) {
            v.n = (v.n & ~(UINT32_C(0xffff) << shift)) | half << shift;
            seep_scanner_constant(w->s, v.n, w->here);
        }
        set(w, rd, v);
        return true;
    }
    if ((insn & 0x1f000000) == 0x10000000) { // adr, adrp
        uint32_t near =
            w->here + (uint32_t)sign_extend((insn >> 5 & 0x7ffff) << 2 | (insn >> 29 & 3), 21);
        set(w, rd,
            (struct seep_value){ SEEP_VALUE_ADDRESS, 0,
                                 insn >> 31 ? adrp_target(insn, w->here) : near });
        return true;
    }
    if (kind == 0x11000000 || kind == 0x51000000) { // add, sub; with sp for 31
        struct seep_value v = w->s->track.regs[rn];
        uint32_t n = (insn >> 10 & 0xfff) << (insn >> 22 & 1 ? 12 : 0);
        if (v.kind != SEEP_VALUE_CONST && v.kind != SEEP_VALUE_ADDRESS &&
            v.kind != SEEP_VALUE_STACK)
            v.kind = SEEP_VALUE_NONE;
        v.n += kind == 0x11000000 ? n : 0 - n;
        if (rd == SP)
            set_sp(w, v);
        else
            set(w, rd, v);
        return true;
    }
    if ((insn & 0x7fe0ffe0) == 0x2a0003e0) { // orr with the zero register: mov
        set(w, rd, get(w, insn >> 16 & 31));
        return true;
    }
    return false;
}

static struct seep_value load(const struct sweep *w, struct seep_value base, int32_t by,
                              unsigned size)
{
    struct seep_value v = { 0 };
    uint32_t at = base.n + (uint32_t)by;
    if (base.kind == SEEP_VALUE_STACK)
        return seep_track_load(&w->s->track, (int32_t)at);
    if (base.kind == SEEP_VALUE_WDF && size == 8)
        return (struct seep_value){ SEEP_VALUE_WDF_CALL, 0, (uint32_t)by / 8 };
    if (base.kind != SEEP_VALUE_ADDRESS)
        return v;
    if (size == 4)
        return (struct seep_value){ SEEP_VALUE_VARIABLE, 0, at };
    if (size == 8 && w->s->wdf_functions && at == w->s->wdf_functions)
        return (struct seep_value){ .kind = SEEP_VALUE_WDF };
    v.n = size == 8 ? seep_scanner_import(w->s, at) : SEEP_SCAN_NO_API;
    v.kind = v.n != SEEP_SCAN_NO_API ? SEEP_VALUE_IMPORT : SEEP_VALUE_NONE;
    return v;
}

// Takes what is at an address into a register, or the other way round.
static void move(struct sweep *w, bool loads, uint32_t rt, struct seep_value base, int32_t by,
                 unsigned size)
{
    if (loads)
        set(w, rt, load(w, base, by, size));
    else if (base.kind == SEEP_VALUE_STACK)
        seep_track_store(&w->s->track, (int32_t)(base.n + (uint32_t)by),
                         size >= 4 ? get(w, rt) : (struct seep_value){ 0 });
}

// The base register after an access that changes it.
static void write_back(struct sweep *w, uint32_t rn, struct seep_value base, int32_t by)
{
    bool known = base.kind == SEEP_VALUE_STACK || base.kind == SEEP_VALUE_ADDRESS;
    base.n += (uint32_t)by;
    if (!known)
        base.kind = SEEP_VALUE_NONE;
    if (rn == SP)
        set_sp(w, base);
    else
        set(w, rn, base);
}

// Loads and stores of pairs: mode 1 changes the base after, 3 before.
static void step_pair(struct sweep *w, uint32_t insn)
{
    uint32_t rn = insn >> 5 & 31, mode = insn >> 23 & 3;
    struct seep_value base = w->s->track.regs[rn];
    bool vector = insn >> 26 & 1, loads = insn >> 22 & 1;
    unsigned size = vector ? 4u << (insn >> 30) : insn >> 31 ? 8 : 4;
    int32_t by = sign_extend(insn >> 15 & 0x7f, 7) * (int32_t)size;
    int32_t at = mode == 1 ? 0 : by;
    if (!vector) {
        move(w, loads, insn & 31, base, at, size);
        move(w, loads, insn >> 10 & 31, base, at + (int32_t)size, size);
    }
    if (mode == 1 || mode == 3)
        write_back(w, rn, base, by);
}

static bool step_memory(struct sweep *w, uint32_t insn)
{
    uint32_t rt = insn & 31, rn = insn >> 5 & 31;
    bool vector = insn >> 26 & 1;
    unsigned opc = insn >> 22 & 3, size = 1u << (insn >> 30);
    struct seep_value base = w->s->track.regs[rn];
    if ((insn & 0x3a000000) == 0x28000000) {
        step_pair(w, insn);
    } else if ((insn & 0xbf000000) == 0x18000000) { // ldr of what lies in the code
        uint32_t at = w->here + (uint32_t)(sign_extend(insn >> 5 & 0x7ffff, 19) * 4);
        uint32_t n = seep_bytes_u32(seep_image_at(w->s->image, at), 0);
        set(w, rt, constant(n));
        if (!(insn >> 30 & 1))
            seep_scanner_constant(w->s, n, at);
    } else if ((insn & 0x3b000000) == 0x39000000) {
        if (!vector && opc < 2)
            move(w, opc == 1, rt, base, (int32_t)((insn >> 10 & 0xfff) * size), size);
        else if (!vector)
            forget(w, rt);
    } else if ((insn & 0x3b200000) == 0x38000000) {
        unsigned mode = insn >> 10 & 3;
        int32_t by = sign_extend(insn >> 12 & 0x1ff, 9);
        if (!vector && opc < 2)
            move(w, opc == 1, rt, base, mode == 1 ? 0 : by, size);
        else if (!vector)
            forget(w, rt);
        if (mode == 1 || mode == 3)
            write_back(w, rn, base, by);
    } else if ((insn & 0x3b200c00) == 0x38200800) { // with a register as the offset
        struct seep_value v = { 0 };
        if (base.kind == SEEP_VALUE_ADDRESS && size == 4)
            v = (struct seep_value){ SEEP_VALUE_TABLE, insn >> 12 & 1 ? 4 : 1, base.n };
        if (!vector && opc)
            set(w, rt, opc == 1 ? v : (struct seep_value){ 0 });
    } else {
        // Exclusive and atomic ones, and whatever else: what they may write is unknown then.
        forget(w, rt);
        forget(w, insn >> 16 & 31);
    }
    return true;
}

// True where the code does not go on behind the instruction.
static bool step(struct sweep *w, uint32_t insn)
{
    bool ends = false;
    if (step_branch(w, insn, &ends) || step_immediate(w, insn))
        return ends;
    if ((insn & 0x0a000000) == 0x08000000)
        (void)step_memory(w, insn);
    else if ((insn & 0x1c000000) == 0x10000000 || (insn & 0x0e000000) == 0x0a000000 ||
             (insn & 0x0e000000) == 0x0e000000 || (insn & 0xfff00000) == 0xd5300000)
        forget(w, insn & 31); // arithmetic, vectors into registers, mrs
    return false;
}

void seep_scan_arm64(struct seep_scanner *s, struct seep_bytes code, uint32_t rva)
{
    struct sweep w = { .s = s, .code = code, .rva = rva };
    struct seep_function next = { 0 };
    size_t entry = 0;
    uint32_t known_to = 0;
    bool ended = true; // nothing leads from before to here
    bool lost = false; // nor has anything led here since
    if (code.len > UINT32_MAX - rva)
        return;
    for (size_t at = 0; code.len - at >= 4 && !s->failed; at += 4) {
        uint32_t insn = seep_le32(code.data + at);
        w.here = rva + (uint32_t)at;
        while (next.start < w.here) {
            if (!seep_scanner_function(s, &entry, &next))
                next.start = UINT32_MAX;
        }
        bool arrived = (ended || lost) && seep_scanner_arrive(s, w.here);
        if (w.here == next.start) {
            start_function(&w, next.whole);
            known_to = next.end;
            lost = false;
        } else if (ended && !arrived && w.here >= known_to) {
            start_function(&w, true);
            lost = false;
        } else {
            lost = (ended || lost) && !arrived;
        }
        ended = step(&w, insn);
    }
}
