// SPDX-License-Identifier: MIT
// Going through code of x86 and x64.
//
// Arguments on x64 come in rcx, rdx, r8, r9 and from 32 bytes above the stack pointer on; on x86 on
// the stack. Calls of imports are `call [slot]`, `call` of a `jmp [slot]`, or a call through
// whatever (a retpoline, the guard's dispatcher) with the import's address in rax or r10.
// Source: learn.microsoft.com/cpp/build/x64-calling-convention, /cpp/cpp/stdcall.
#include "drivers/scan_internal.h"
#include "drivers/x86.h"

#include <string.h>

enum { AX = 0, CX = 1, DX = 2, BX = 3, SP = 4, BP = 5, SI = 6, DI = 7, R8 = 8, R9 = 9, R10 = 10 };

struct sweep {
    struct seep_scanner *s;
    struct seep_bytes code;
    uint32_t rva; // of the code
    bool wide;
    uint8_t word;    // bytes of a register
    int32_t deepest; // how far down the stack went in this function
    uint32_t here;   // address of the instruction
    uint32_t next;   // and of the one behind it
};

static struct seep_value constant(uint32_t n)
{
    return (struct seep_value){ .kind = SEEP_VALUE_CONST, .n = n };
}

static struct seep_value stack(int32_t at)
{
    return (struct seep_value){ .kind = SEEP_VALUE_STACK, .n = (uint32_t)at };
}

static void start_function(struct sweep *w, uint32_t rva, bool whole)
{
    struct seep_scanner *s = w->s;
    memset(&s->track, 0, sizeof s->track);
    s->n_pending = 0;
    s->function = rva;
    s->knows_function = whole;
    s->track.regs[SP] = stack(0);
    w->deepest = 0;
    if (!whole)
        return;
    if (w->wide) {
        static const uint8_t registers[] = { CX, DX, R8, R9 };
        for (uint32_t i = 0; i < 4; i++)
            s->track.regs[registers[i]] = (struct seep_value){ SEEP_VALUE_ARGUMENT, 0, i };
    }
    for (uint32_t i = w->wide ? 4 : 0; i < 10; i++) {
        int32_t at = (int32_t)(w->word * (i + 1)); // above the address to return to
        seep_track_store(&s->track, at, (struct seep_value){ SEEP_VALUE_ARGUMENT, 0, i });
    }
}

static void forget(struct sweep *w, uint8_t reg)
{
    if (reg < 16)
        w->s->track.regs[reg].kind = SEEP_VALUE_NONE;
}

// Of the byte registers 4 to 7, which are the second bytes of 0 to 3 without REX, and sp is none
// with it.
static void forget_byte(struct sweep *w, uint8_t reg)
{
    if (reg != SP)
        forget(w, reg);
    if (reg >= 4 && reg < 8)
        forget(w, reg - 4);
}

static void forget_volatile(struct sweep *w)
{
    static const uint8_t volatiles[] = { AX, CX, DX, R8, R9, R10, 11 };
    for (size_t i = 0; i < (w->wide ? sizeof volatiles : 3); i++)
        forget(w, volatiles[i]);
}

static void set(struct sweep *w, uint8_t reg, struct seep_value value)
{
    w->s->track.regs[reg & 15] = value;
    if ((reg & 15) == SP && value.kind == SEEP_VALUE_STACK && (int32_t)value.n < w->deepest)
        w->deepest = (int32_t)value.n;
}

// Where an operand in memory is.
enum place { PLACE_UNKNOWN, PLACE_IMAGE, PLACE_STACK, PLACE_TABLE, PLACE_WDF };

static enum place place_of(const struct sweep *w, const struct seep_x86 *i, uint32_t *at,
                           uint8_t *step)
{
    if (i->segment > 0x3e)
        return PLACE_UNKNOWN;
    if (i->rip) {
        *at = w->next + (uint32_t)i->disp;
        return PLACE_IMAGE;
    }
    bool indexed = i->index != SEEP_X86_NO_REG;
    *step = indexed ? i->scale : 1;
    if (!w->wide && seep_image_rva(w->s->image, (uint32_t)i->disp, at)) {
        bool based = i->base != SEEP_X86_NO_REG;
        return based || indexed ? PLACE_TABLE : PLACE_IMAGE;
    }
    if (i->base == SEEP_X86_NO_REG)
        return PLACE_UNKNOWN;
    struct seep_value base = w->s->track.regs[i->base];
    if (indexed && i->scale == 1 && w->s->track.regs[i->index].kind == SEEP_VALUE_ADDRESS)
        base = w->s->track.regs[i->index];
    *at = base.n + (uint32_t)i->disp;
    if (base.kind == SEEP_VALUE_STACK && !indexed)
        return PLACE_STACK;
    if (base.kind == SEEP_VALUE_ADDRESS)
        return indexed ? PLACE_TABLE : PLACE_IMAGE;
    if (base.kind == SEEP_VALUE_WDF && !indexed) {
        *at = (uint32_t)i->disp / w->word;
        return PLACE_WDF;
    }
    return PLACE_UNKNOWN;
}

static struct seep_value load(const struct sweep *w, const struct seep_x86 *i, unsigned size)
{
    struct seep_value value = { 0 };
    uint32_t at = 0;
    uint8_t step = 0;
    switch (place_of(w, i, &at, &step)) {
    case PLACE_IMAGE:
        if (size == w->word && w->s->wdf_functions && at == w->s->wdf_functions) {
            value.kind = SEEP_VALUE_WDF;
            break;
        }
        value.n = size == w->word ? seep_scanner_import(w->s, at) : SEEP_SCAN_NO_API;
        if (value.n != SEEP_SCAN_NO_API) {
            value.kind = SEEP_VALUE_IMPORT;
        } else if (size == 4) {
            value.kind = SEEP_VALUE_VARIABLE;
            value.n = at;
        }
        break;
    case PLACE_STACK:
        value = seep_track_load(&w->s->track, (int32_t)at);
        break;
    case PLACE_TABLE:
        if (size == 4)
            value = (struct seep_value){ SEEP_VALUE_TABLE, step, at };
        break;
    case PLACE_WDF:
        value = (struct seep_value){ SEEP_VALUE_WDF_CALL, 0, at };
        break;
    case PLACE_UNKNOWN:
        break;
    }
    return value;
}

static void store(struct sweep *w, const struct seep_x86 *i, struct seep_value value)
{
    uint32_t at = 0;
    uint8_t step = 0;
    if (place_of(w, i, &at, &step) == PLACE_STACK)
        seep_track_store(&w->s->track, (int32_t)at, value);
}

static void push(struct sweep *w, struct seep_value value)
{
    struct seep_value sp = w->s->track.regs[SP];
    if (sp.kind != SEEP_VALUE_STACK)
        return;
    int32_t at = (int32_t)(sp.n - w->word);
    set(w, SP, stack(at));
    seep_track_store(&w->s->track, at, value);
}

static struct seep_value pop(struct sweep *w)
{
    struct seep_value *sp = &w->s->track.regs[SP], value = { 0 };
    if (sp->kind != SEEP_VALUE_STACK)
        return value;
    value = seep_track_load(&w->s->track, (int32_t)sp->n);
    sp->n += w->word;
    return value;
}

// The n-th argument at a call; `above` bytes lie between it and the stack pointer.
static struct seep_value argument(const struct sweep *w, unsigned n, uint32_t above)
{
    static const uint8_t registers[] = { CX, DX, R8, R9 };
    struct seep_value sp = w->s->track.regs[SP];
    if (w->wide && n < 4)
        return w->s->track.regs[registers[n]];
    if (sp.kind != SEEP_VALUE_STACK)
        return (struct seep_value){ 0 };
    return seep_track_load(&w->s->track, (int32_t)(sp.n + above + n * w->word));
}

static void call_api(struct sweep *w, unsigned api, uint32_t above)
{
    const struct seep_api *a = &seep_apis[api];
    struct seep_value tag = argument(w, w->wide ? a->argument : a->argument_x86, above);
    seep_scanner_call(w->s, api, tag, argument(w, 0, above), false, w->here);
    if (!w->wide && !above && w->s->track.regs[SP].kind == SEEP_VALUE_STACK)
        w->s->track.regs[SP].n += a->bytes_x86;
}

static bool call_value(struct sweep *w, struct seep_value target, uint32_t above)
{
    unsigned api = target.kind == SEEP_VALUE_IMPORT     ? target.n
                   : target.kind == SEEP_VALUE_WDF_CALL ? seep_scanner_wdf(target.n)
                                                        : SEEP_SCAN_NO_API;
    if (api == SEEP_SCAN_NO_API)
        return target.kind == SEEP_VALUE_IMPORT || target.kind == SEEP_VALUE_WDF_CALL;
    call_api(w, api, above);
    return true;
}

// A call of something unknown with the address of what is meant in a register.
static void call_through(struct sweep *w, uint32_t above)
{
    if (!call_value(w, w->s->track.regs[AX], above) && w->wide)
        (void)call_value(w, w->s->track.regs[R10], above);
}

// A call or jump to an address: a stub `jmp [slot]`, or a function of the driver's own.
static void call_address(struct sweep *w, uint32_t target, uint32_t above)
{
    struct seep_bytes stub =
        seep_bytes_part(w->code, target >= w->rva ? target - w->rva : SIZE_MAX, 8);
    size_t at = stub.len > 6 && stub.data[0] == 0x48;
    if (stub.data && seep_bytes_match(stub, at, "\xff\x25", 2)) {
        uint32_t slot = seep_bytes_u32(stub, at + 2);
        if (w->wide)
            slot += target + (uint32_t)at + 6;
        else if (!seep_image_rva(w->s->image, slot, &slot))
            return;
        unsigned api = seep_scanner_import(w->s, slot);
        if (api != SEEP_SCAN_NO_API)
            call_api(w, api, above);
        if (api != SEEP_SCAN_NO_API || slot)
            return;
    }
    const struct seep_wrapper *wrapper = seep_scanner_wrapper(w->s, target);
    if (wrapper)
        seep_scanner_call(w->s, wrapper->api, argument(w, wrapper->argument, above), constant(0),
                          true, w->here);
    else
        call_through(w, above);
}

static void after_call(struct sweep *w)
{
    forget_volatile(w);
}

static void after_jump(struct sweep *w)
{
    forget_volatile(w);
    // What follows is reached from before the end of the function, where the stack was deeper.
    w->s->track.regs[SP] = stack(w->deepest);
}

// ff: inc, dec, call, jmp, push of an operand. True where the code does not go on behind it.
static bool step_ff(struct sweep *w, const struct seep_x86 *i)
{
    unsigned what = i->reg & 7;
    struct seep_value value = { 0 };
    if (what == 2 || what == 4 || what == 6)
        value = i->is_memory ? load(w, i, w->word) : w->s->track.regs[i->rm];
    if (what == 2) {
        if (!call_value(w, value, 0))
            call_through(w, 0);
        after_call(w);
    } else if (what == 4) {
        // The stub itself hands on whatever it gets; it is no function that takes a tag.
        if (w->here != w->s->function && !call_value(w, value, w->word))
            call_through(w, w->word);
        after_jump(w);
    } else if (what == 6) {
        // A push of a variable's four bytes on x86, of eight on x64.
        push(w, !w->wide && i->is_memory ? load(w, i, 4) : value);
    } else if (what < 2 && !i->is_memory) {
        forget(w, i->rm);
    }
    return what == 4 || what == 5;
}

static uint32_t swapped(uint32_t v)
{
    return v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24;
}

// add, or, and, sub, xor of a register and an immediate, as far as the register is known.
static void step_arithmetic(struct sweep *w, const struct seep_x86 *i)
{
    unsigned what = i->reg & 7;
    if (what == 7)
        return;
    if (i->is_memory) {
        store(w, i, (struct seep_value){ 0 });
        return;
    }
    struct seep_value v = w->s->track.regs[i->rm];
    uint32_t n = (uint32_t)i->imm;
    bool adds = what == 0 || what == 5;
    if (i->op == 0x80) {
        forget_byte(w, i->rm);
        return;
    }
    if (i->is_narrow || (v.kind != SEEP_VALUE_CONST &&
                         !(adds && (v.kind == SEEP_VALUE_STACK || v.kind == SEEP_VALUE_ADDRESS)))) {
        // The stack pointer is only ever aligned so.
        if (i->rm != SP)
            forget(w, i->rm);
        return;
    }
    if (what == 0)
        v.n += n;
    else if (what == 1)
        v.n |= n;
    else if (what == 4)
        v.n &= n;
    else if (what == 5)
        v.n -= n;
    else if (what == 6)
        v.n ^= n;
    else
        v.kind = SEEP_VALUE_NONE;
    set(w, i->rm, v);
}

static void step_lea(struct sweep *w, const struct seep_x86 *i)
{
    struct seep_value v = { 0 };
    uint32_t at = 0;
    uint8_t step = 0;
    enum place place = place_of(w, i, &at, &step);
    if (place == PLACE_IMAGE)
        v = (struct seep_value){ SEEP_VALUE_ADDRESS, 0, at };
    else if (place == PLACE_STACK)
        v = stack((int32_t)at);
    else if (i->base != SEEP_X86_NO_REG && i->index == SEEP_X86_NO_REG &&
             w->s->track.regs[i->base].kind == SEEP_VALUE_CONST)
        v = constant(w->s->track.regs[i->base].n + (uint32_t)i->disp);
    set(w, i->reg, v);
}

static void step_mov(struct sweep *w, const struct seep_x86 *i)
{
    struct seep_value *regs = w->s->track.regs;
    unsigned size = i->is_narrow ? 2 : i->is_wide ? 8 : 4;
    struct seep_value none = { 0 };
    switch (i->op) {
    case 0x88:
        if (i->is_memory)
            store(w, i, none);
        else
            forget_byte(w, i->rm);
        break;
    case 0x89:
        if (i->is_memory)
            store(w, i, size == 2 ? none : regs[i->reg]);
        else
            set(w, i->rm, size == 2 ? none : regs[i->reg]);
        break;
    case 0x8a:
        forget_byte(w, i->reg);
        break;
    case 0x8b:
        set(w, i->reg, size == 2 ? none : i->is_memory ? load(w, i, size) : regs[i->rm]);
        break;
    default: { // c7
        struct seep_value v = size == 2 ? none : constant((uint32_t)i->imm);
        if (size > 2)
            seep_scanner_constant(w->s, v.n, w->here);
        if (i->is_memory)
            store(w, i, v);
        else
            set(w, i->rm, v);
    }
    }
}

static void step_mov_immediate(struct sweep *w, const struct seep_x86 *i)
{
    struct seep_value v = { 0 };
    uint32_t rva;
    if (i->op < 0xb8) {
        forget_byte(w, i->rm);
        return;
    }
    if (!i->is_narrow && (uint64_t)i->imm <= UINT32_MAX) {
        v = constant((uint32_t)i->imm);
        seep_scanner_constant(w->s, v.n, w->here);
    }
    // An address takes four bytes on x86, where it may be meant as such, and eight on x64.
    if (i->is_wide == w->wide && seep_image_rva(w->s->image, (uint64_t)i->imm, &rva))
        v = (struct seep_value){ SEEP_VALUE_ADDRESS, 0, rva };
    set(w, i->rm, v);
}

// Instructions of one byte that only leave registers unknown.
static void step_other(struct sweep *w, const struct seep_x86 *i)
{
    uint8_t op = i->op;
    unsigned low = op & 7, group = i->reg & 7;
    if (op < 0x40 && low < 6) {
        bool same = !i->is_memory && i->reg == i->rm && !i->is_narrow;
        if (op >> 3 == 7)
            return;
        if (low == 4 || low == 5)
            forget(w, AX);
        else if (same && (op == 0x31 || op == 0x33 || op == 0x29 || op == 0x2b))
            set(w, i->reg, constant(0));
        else if (low >= 2)
            low == 2 ? forget_byte(w, i->reg) : forget(w, i->reg);
        else if (!i->is_memory && i->rm != SP)
            low == 0 ? forget_byte(w, i->rm) : forget(w, i->rm);
        return;
    }
    if (op >= 0x40 && op < 0x50) // inc and dec of x86
        forget(w, i->rm);
    else if (op == 0x61)
        for (uint8_t r = 0; r < 8; r++)
            r == SP ? (void)0 : forget(w, r);
    else if (op == 0x63 || op == 0x69 || op == 0x6b)
        forget(w, i->reg);
    else if (op == 0x86 || op == 0x87) {
        forget(w, i->reg);
        i->is_memory ? store(w, i, (struct seep_value){ 0 }) : forget(w, i->rm);
    } else if ((op > 0x90 && op < 0x98) || (op == 0x90 && i->rm)) {
        forget(w, AX);
        forget(w, i->rm);
    } else if (op == 0x98 || op == 0x9f || op == 0xd7 || op == 0xe4 || op == 0xe5 || op == 0xec ||
               op == 0xed || (op == 0xdf && !i->is_memory)) {
        forget(w, AX);
    } else if (op == 0x99) {
        forget(w, DX);
    } else if (op >= 0xa0 && op <= 0xa1) {
        forget(w, AX);
    } else if ((op >= 0xa4 && op <= 0xa7) || (op >= 0xaa && op <= 0xaf)) {
        forget(w, CX);
        forget(w, SI);
        forget(w, DI);
        if (op == 0xac || op == 0xad)
            forget(w, AX);
    } else if (op == 0xc0 || op == 0xc6 || op == 0xd0 || op == 0xd2 || op == 0xfe) {
        i->is_memory ? store(w, i, (struct seep_value){ 0 }) : forget_byte(w, i->rm);
    } else if (op == 0xc1 || op == 0xd1 || op == 0xd3) {
        i->is_memory ? store(w, i, (struct seep_value){ 0 }) : forget(w, i->rm);
    } else if ((op == 0xf6 || op == 0xf7) && group >= 4) {
        forget(w, AX);
        forget(w, DX);
    } else if ((op == 0xf6 || op == 0xf7) && group >= 2 && !i->is_memory) {
        forget(w, i->rm);
    }
}

// Those of more bytes.
static void step_long(struct sweep *w, const struct seep_x86 *i)
{
    uint8_t op = i->op;
    if (i->map == 2) {
        if (op == 0xf0 || op == 0xf1 || (i->is_vector && op >= 0xf2 && op <= 0xf7))
            forget(w, i->reg);
        return;
    }
    if (i->map == 3) {
        if (op >= 0x14 && op <= 0x17 && !i->is_memory)
            forget(w, i->rm);
        else if (i->is_vector && op == 0xf0)
            forget(w, i->reg);
        return;
    }
    if (op >= 0xc8 && op <= 0xcf) {
        struct seep_value *v = &w->s->track.regs[i->rm];
        if (v->kind == SEEP_VALUE_CONST && !i->is_wide)
            v->n = swapped(v->n);
        else
            forget(w, i->rm);
    } else if ((op >= 0x40 && op < 0x50) || op == 0x02 || op == 0x03 || op == 0x2c || op == 0x2d ||
               op == 0x50 || op == 0xaf || (op >= 0xb6 && op <= 0xb8) ||
               (op >= 0xbc && op <= 0xbf) || op == 0xc5 || op == 0xd7) {
        forget(w, i->reg);
    } else if (op >= 0x90 && op < 0xa0) {
        if (!i->is_memory)
            forget_byte(w, i->rm);
    } else if (op == 0x7e || op == 0xa4 || op == 0xa5 || op == 0xab || op == 0xac || op == 0xad ||
               op == 0xb3 || op == 0xba || op == 0xbb) {
        if (!i->is_memory)
            forget(w, i->rm);
    } else if (op == 0xb0 || op == 0xb1 || op == 0xc0 || op == 0xc1 || op == 0xc7) {
        forget(w, AX);
        if (op >= 0xc0)
            forget(w, i->reg);
        if (op == 0xc7)
            forget(w, DX);
        if (!i->is_memory)
            forget(w, i->rm);
    } else if (op == 0x01 || op == 0x31 || op == 0x32 || op == 0x33 || op == 0xa2 || op == 0x05) {
        forget_volatile(w);
        if (op == 0xa2)
            forget(w, BX);
    }
}

static void jump_forward(struct sweep *w, int64_t by)
{
    if (by > 0 && by < 65536)
        seep_scanner_jump(w->s, w->next + (uint32_t)by);
}

// Instructions that move control or the stack. True where the code does not go on behind it;
// `*done` where it was one of them.
static bool step_control(struct sweep *w, const struct seep_x86 *i, bool *done)
{
    uint8_t op = i->op;
    *done = true;
    if (op == 0xe8 || op == 0xe9) {
        uint32_t target = w->next + (uint32_t)i->imm;
        if (op == 0xe8) {
            call_address(w, target, 0);
            after_call(w);
            return false;
        }
        jump_forward(w, i->imm);
        call_address(w, target, w->word);
        after_jump(w);
        return true;
    }
    if (op == 0xeb || (op >= 0x70 && op < 0x80) || (op >= 0xe0 && op < 0xe4)) {
        jump_forward(w, i->imm);
        if (op == 0xeb)
            after_jump(w);
        return op == 0xeb;
    }
    if (op == 0xff)
        return step_ff(w, i);
    if (op == 0xc2 || op == 0xc3 || op == 0xca || op == 0xcb || op == 0xcc || op == 0xcf) {
        after_jump(w);
        return true;
    }
    if (op >= 0x50 && op < 0x58) {
        push(w, w->s->track.regs[i->rm]);
    } else if (op >= 0x58 && op < 0x60) {
        struct seep_value v = pop(w);
        if (i->rm == SP)
            v.kind = SEEP_VALUE_NONE;
        set(w, i->rm, v);
    } else if (op == 0x68 || op == 0x6a) {
        seep_scanner_constant(w->s, (uint32_t)i->imm, w->here);
        uint32_t rva;
        bool address = !w->wide && seep_image_rva(w->s->image, (uint32_t)i->imm, &rva);
        push(w, address ? (struct seep_value){ SEEP_VALUE_ADDRESS, 0, rva }
                        : constant((uint32_t)i->imm));
    } else if (op == 0x8f) {
        (void)pop(w);
        if (!i->is_memory)
            forget(w, i->rm);
    } else if (op == 0x9c || op == 0x60) {
        for (unsigned n = 0; n < (op == 0x60 ? 8u : 1u); n++)
            push(w, (struct seep_value){ 0 });
    } else if (op == 0x9d) {
        (void)pop(w);
    } else if (op == 0xc9) {
        set(w, SP, w->s->track.regs[BP]);
        set(w, BP, pop(w));
    } else {
        *done = false;
    }
    return false;
}

// True where the code does not go on behind the instruction.
static bool step(struct sweep *w, const struct seep_x86 *i)
{
    bool done = false, ends = false;
    if (i->is_vector || i->map) {
        if (i->map == 1 && !i->is_vector && i->op >= 0x80 && i->op < 0x90)
            jump_forward(w, i->imm);
        else if (i->map == 1 && i->op == 0x0b) // ud2 stands behind what does not return
            ends = true;
        else
            step_long(w, i);
        return ends;
    }
    ends = step_control(w, i, &done);
    if (done)
        return ends;
    if ((i->op >= 0x88 && i->op <= 0x8b) || i->op == 0xc7)
        step_mov(w, i);
    else if (i->op >= 0xb0 && i->op <= 0xbf)
        step_mov_immediate(w, i);
    else if (i->op == 0x8d)
        step_lea(w, i);
    else if (i->op >= 0x80 && i->op <= 0x83)
        step_arithmetic(w, i);
    else if (i->op == 0xa1 && !w->wide && !i->is_narrow) {
        struct seep_x86 as_mov = { .disp = (int32_t)i->imm,
                                   .base = SEEP_X86_NO_REG,
                                   .index = SEEP_X86_NO_REG,
                                   .segment = i->segment };
        set(w, AX, load(w, &as_mov, 4));
    } else
        step_other(w, i);
    return false;
}

// Bytes between functions.
static size_t padding(struct seep_bytes code, size_t at)
{
    static const char *const nops[] = { "\x66\x90", "\x0f\x1f\x00", "\x0f\x1f\x40\x00",
                                        "\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00" };
    static const uint8_t lengths[] = { 2, 3, 4, 10 };
    size_t start = at;
    for (bool more = true; more && at < code.len;) {
        more = code.data[at] == 0xcc || code.data[at] == 0x90;
        at += more;
        for (size_t i = 0; !more && i < sizeof lengths; i++) {
            more = seep_bytes_match(code, at, nops[i], lengths[i]);
            at += more ? lengths[i] : 0;
        }
    }
    return at - start;
}

// The function at `here`, or the first behind it.
static void next_function(const struct sweep *w, size_t *entry, uint32_t here,
                          struct seep_function *f)
{
    while (f->start < here) {
        if (!seep_scanner_function(w->s, entry, f))
            f->start = UINT32_MAX;
    }
}

void seep_scan_x86(struct seep_scanner *s, struct seep_bytes code, uint32_t rva)
{
    struct sweep w = { .s = s, .code = code, .rva = rva };
    w.wide = s->image->pe.machine == SEEP_MACHINE_X64;
    w.word = w.wide ? 8 : 4;
    size_t entry = 0;
    struct seep_function next = { 0 };
    uint32_t known_to = 0; // the end of the function that is gone through
    bool ended = true;     // nothing leads from before to here
    bool lost = false;     // nor has anything led here since
    if (code.len > UINT32_MAX - rva)
        return;
    for (size_t at = 0; at < code.len && !s->failed;) {
        if (ended)
            at += padding(code, at);
        w.here = rva + (uint32_t)at;
        next_function(&w, &entry, w.here, &next);
        bool arrived = (ended || lost) && seep_scanner_arrive(s, w.here);
        if (w.here == next.start) {
            start_function(&w, w.here, next.whole);
            known_to = next.end;
            lost = false;
        } else if (ended && !arrived && !(w.here & 15) && w.here >= known_to) {
            start_function(&w, w.here, true);
            lost = false;
        } else {
            lost = (ended || lost) && !arrived;
        }
        struct seep_x86 i;
        size_t left = code.len - at;
        if (at >= code.len)
            break;
        if (!seep_x86_decode(code.data + at, left, w.wide, &i)) {
            // Data in the code: on to the next byte, knowing nothing.
            start_function(&w, w.here, false);
            ended = false;
            at++;
            continue;
        }
        // Where a function starts in the middle of what was read, it was no instruction.
        if (next.start > w.here && next.start - w.here < i.len) {
            at += next.start - w.here;
            ended = true;
            continue;
        }
        w.next = w.here + i.len;
        ended = step(&w, &i);
        at += i.len;
    }
}
