// SPDX-License-Identifier: MIT
// LZX: Huffman codes for literals, lengths and distances over a window ([MS-PATCH] 2).
#include "symbols/lzx.h"

#include "base/alloc.h"

#include <string.h>

enum {
    LITERALS = 256,
    MAX_SLOTS = 50,
    MAIN_SYMBOLS = LITERALS + MAX_SLOTS * 8,
    LENGTH_SYMBOLS = 249,
    ALIGNED_SYMBOLS = 8,
    PRE_SYMBOLS = 20,
    MAX_CODE = 16,  // bits of a code
    FAST_BITS = 10, // codes up to this length are found with one look
    MIN_MATCH = 2,
    LONG_LENGTH = 7, // the header of a match from which the length tree goes on
};

enum block_type { BLOCK_NONE = 0, BLOCK_VERBATIM, BLOCK_ALIGNED, BLOCK_UNCOMPRESSED };

// A canonical Huffman code.
struct tree {
    uint16_t fast[1 << FAST_BITS]; // symbol << 5 | length; 0 = longer, or no code
    uint16_t first[MAX_CODE + 1];  // the first code of each length
    uint16_t count[MAX_CODE + 1];  // codes of each length
    uint16_t index[MAX_CODE + 1];  // where their symbols start in `symbols`
    uint16_t symbols[MAIN_SYMBOLS];
};

// Bits come from 16-bit little-endian words, the highest first.
struct bits {
    struct seep_bytes in;
    size_t pos;
    uint32_t held; // the next bits, left-aligned
    unsigned n_held;
    unsigned n_made_up; // zeros after the end of the input
};

struct seep_lzx {
    uint8_t *window;
    uint32_t window_size, pos; // where the next byte goes
    uint64_t produced;         // bytes in all
    unsigned n_main;           // symbols of the main tree
    uint32_t recent[3];        // distances R0, R1, R2
    enum block_type block;
    uint32_t block_left; // bytes
    bool block_odd;      // an uncompressed block of odd length has a byte of padding
    bool skip_byte;      // that byte has not come yet
    bool started, ended, failed;
    bool translated; // x86 CALL targets are to be made relative again
    int32_t translation_size;
    uint8_t main_lengths[MAIN_SYMBOLS], length_lengths[LENGTH_SYMBOLS];
    struct tree main, length, aligned, pre;
};

static void fill(struct bits *b)
{
    while (b->n_held <= 16) {
        uint32_t word = 0;
        if (b->in.len - b->pos >= 2) {
            word = seep_le16(b->in.data + b->pos);
            b->pos += 2;
        } else {
            b->n_made_up += 16;
        }
        b->held |= word << (16 - b->n_held);
        b->n_held += 16;
    }
}

// `n` <= 17 bits.
static uint32_t take(struct bits *b, unsigned n)
{
    if (n == 0)
        return 0;
    if (b->n_held < n)
        fill(b);
    uint32_t value = b->held >> (32 - n);
    b->held <<= n;
    b->n_held -= n;
    return value;
}

static bool overrun(const struct bits *b)
{
    return b->n_made_up > b->n_held;
}

// False where the lengths make no prefix code. A code without symbols is one, but cannot be read.
static bool make_tree(struct tree *tree, const uint8_t *lengths, unsigned n)
{
    memset(tree->count, 0, sizeof tree->count);
    for (unsigned i = 0; i < n; i++)
        tree->count[lengths[i]]++;
    tree->count[0] = 0;
    uint32_t code = 0;
    uint16_t at = 0, next[MAX_CODE + 1];
    for (unsigned len = 1; len <= MAX_CODE; len++) {
        code <<= 1;
        tree->first[len] = (uint16_t)code;
        tree->index[len] = next[len] = at;
        code += tree->count[len];
        if (code > (uint32_t)1 << len)
            return false;
        at = (uint16_t)(at + tree->count[len]);
    }
    for (unsigned i = 0; i < n; i++) {
        if (lengths[i])
            tree->symbols[next[lengths[i]]++] = (uint16_t)i;
    }
    memset(tree->fast, 0, sizeof tree->fast);
    for (unsigned len = 1; len <= FAST_BITS; len++) {
        for (unsigned i = 0; i < tree->count[len]; i++) {
            unsigned spread = 1u << (FAST_BITS - len);
            unsigned from = (tree->first[len] + i) * spread;
            unsigned symbol = tree->symbols[tree->index[len] + i];
            uint16_t entry = (uint16_t)(symbol << 5 | len);
            for (unsigned k = 0; k < spread; k++)
                tree->fast[from + k] = entry;
        }
    }
    return true;
}

// The next symbol; false where the bits are no code.
static bool decode(const struct tree *tree, struct bits *b, unsigned *symbol)
{
    if (b->n_held < MAX_CODE)
        fill(b);
    uint16_t entry = tree->fast[b->held >> (32 - FAST_BITS)];
    if (entry) {
        *symbol = entry >> 5;
        b->held <<= entry & 31;
        b->n_held -= entry & 31;
        return true;
    }
    for (unsigned len = FAST_BITS + 1; len <= MAX_CODE; len++) {
        uint32_t code = b->held >> (32 - len);
        if (code - tree->first[len] < tree->count[len]) {
            *symbol = tree->symbols[tree->index[len] + (code - tree->first[len])];
            b->held <<= len;
            b->n_held -= len;
            return true;
        }
    }
    return false;
}

// The lengths of the codes `from` to `to`, as differences to those of the block before.
static bool read_lengths(struct seep_lzx *lzx, struct bits *b, uint8_t *lengths, unsigned from,
                         unsigned to)
{
    uint8_t pre[PRE_SYMBOLS];
    for (unsigned i = 0; i < PRE_SYMBOLS; i++)
        pre[i] = (uint8_t)take(b, 4);
    if (!make_tree(&lzx->pre, pre, PRE_SYMBOLS))
        return false;
    while (from < to && !overrun(b)) {
        unsigned code, run = 1;
        bool zero = false;
        if (!decode(&lzx->pre, b, &code))
            return false;
        if (code == 17 || code == 18) {
            run = code == 17 ? take(b, 4) + 4 : take(b, 5) + 20;
            zero = true;
        } else if (code == 19) {
            run = take(b, 1) + 4;
            if (!decode(&lzx->pre, b, &code) || code > MAX_CODE)
                return false;
        }
        if (run > to - from)
            return false;
        uint8_t length = zero ? 0 : (uint8_t)((lengths[from] + 17u - code) % 17);
        memset(lengths + from, length, run);
        from += run;
    }
    return from == to;
}

// Ends the bits: what follows are whole bytes from the next word on. Where the bits end with a
// word, sixteen more are padding.
static void to_bytes(struct bits *b)
{
    if (b->n_held == 0)
        fill(b);
    unsigned back = b->n_held / 16 - (b->n_held % 16 == 0);
    unsigned made_up = b->n_made_up / 16 < back ? b->n_made_up / 16 : back;
    b->n_made_up -= made_up * 16;
    b->pos -= (size_t)(back - made_up) * 2;
    b->held = 0;
    b->n_held = 0;
}

static bool start_block(struct seep_lzx *lzx, struct bits *b)
{
    uint8_t aligned[ALIGNED_SYMBOLS];
    lzx->block = (enum block_type)take(b, 3);
    lzx->block_left = take(b, 16) << 8;
    lzx->block_left |= take(b, 8);
    if (!lzx->block_left || overrun(b))
        return false;
    if (lzx->block == BLOCK_UNCOMPRESSED) {
        to_bytes(b);
        if (b->in.len - b->pos < 12)
            return false;
        for (int i = 0; i < 3; i++, b->pos += 4)
            lzx->recent[i] = seep_le32(b->in.data + b->pos);
        lzx->block_odd = lzx->block_left & 1;
        return true;
    }
    if (lzx->block != BLOCK_VERBATIM && lzx->block != BLOCK_ALIGNED)
        return false;
    if (lzx->block == BLOCK_ALIGNED) {
        for (unsigned i = 0; i < ALIGNED_SYMBOLS; i++)
            aligned[i] = (uint8_t)take(b, 3);
        if (!make_tree(&lzx->aligned, aligned, ALIGNED_SYMBOLS))
            return false;
    }
    return read_lengths(lzx, b, lzx->main_lengths, 0, LITERALS) &&
           read_lengths(lzx, b, lzx->main_lengths, LITERALS, lzx->n_main) &&
           make_tree(&lzx->main, lzx->main_lengths, lzx->n_main) &&
           read_lengths(lzx, b, lzx->length_lengths, 0, LENGTH_SYMBOLS) &&
           make_tree(&lzx->length, lzx->length_lengths, LENGTH_SYMBOLS);
}

// Bits that follow a position slot, and the first position of the slot.
static unsigned slot_bits(unsigned slot)
{
    return slot < 4 ? 0 : slot / 2 - 1 > 17 ? 17 : slot / 2 - 1;
}

static uint32_t slot_base(unsigned slot)
{
    if (slot < 4)
        return slot;
    // Slots come in pairs that double, up to slot 37; then each has 2^17 positions.
    if (slot < 38)
        return (2 + (slot & 1)) << (slot / 2 - 1);
    return ((uint32_t)1 << 19) + ((uint32_t)(slot - 38) << 17);
}

// The distance of a match; 0 where there is none.
static uint32_t read_distance(struct seep_lzx *lzx, struct bits *b, unsigned slot)
{
    uint32_t *recent = lzx->recent;
    if (slot < 3) {
        uint32_t distance = recent[slot];
        recent[slot] = recent[0];
        recent[0] = distance;
        return distance;
    }
    unsigned extra = slot_bits(slot), low = 0;
    uint32_t formatted = slot_base(slot);
    if (lzx->block == BLOCK_ALIGNED && extra >= 3) {
        formatted += take(b, extra - 3) << 3;
        if (!decode(&lzx->aligned, b, &low))
            return 0;
        formatted += low;
    } else {
        formatted += take(b, extra);
    }
    recent[2] = recent[1];
    recent[1] = recent[0];
    recent[0] = formatted - 2;
    return recent[0];
}

// Copies from `distance` back to the place of the next byte. Both may lie across the end of the
// window.
static void copy(struct seep_lzx *lzx, uint32_t distance, uint32_t len)
{
    uint32_t mask = lzx->window_size - 1, from = (lzx->pos - distance) & mask;
    for (uint32_t i = 0; i < len; i++)
        lzx->window[lzx->pos + i] = lzx->window[(from + i) & mask];
}

// Up to `todo` bytes of a compressed block.
static bool read_compressed(struct seep_lzx *lzx, struct bits *b, uint32_t todo)
{
    while (todo) {
        unsigned symbol, more = 0;
        if (!decode(&lzx->main, b, &symbol) || overrun(b))
            return false;
        if (symbol < LITERALS) {
            lzx->window[lzx->pos++] = (uint8_t)symbol;
            lzx->produced++;
            lzx->block_left--;
            todo--;
            continue;
        }
        symbol -= LITERALS;
        uint32_t len = symbol % 8;
        if (len == LONG_LENGTH) {
            if (!decode(&lzx->length, b, &more))
                return false;
            len += more;
        }
        len += MIN_MATCH;
        uint32_t distance = read_distance(lzx, b, symbol / 8);
        // Matches end within their frame and their block, and start in what there is.
        if (!distance || distance > lzx->produced || distance > lzx->window_size || len > todo)
            return false;
        copy(lzx, distance, len);
        lzx->pos += len;
        lzx->produced += len;
        lzx->block_left -= len;
        todo -= len;
    }
    return true;
}

static bool read_stored(struct seep_lzx *lzx, struct bits *b, uint32_t todo)
{
    if (todo > b->in.len - b->pos)
        return false;
    memcpy(lzx->window + lzx->pos, b->in.data + b->pos, todo);
    b->pos += todo;
    lzx->pos += todo;
    lzx->produced += todo;
    lzx->block_left -= todo;
    if (!lzx->block_left && lzx->block_odd) {
        lzx->skip_byte = b->pos == b->in.len;
        b->pos += !lzx->skip_byte;
    }
    return true;
}

// Undoes the encoder's change of CALL targets from relative to absolute ones ([MS-PATCH] 2.1.1).
static void translate(const struct seep_lzx *lzx, uint8_t *out, size_t len, uint64_t start)
{
    enum { TAIL = 10, CALL = 0xe8 };
    if (!lzx->translated || len <= TAIL || start >= (uint64_t)SEEP_LZX_FRAME << 15)
        return;
    for (size_t i = 0; i < len - TAIL; i++) {
        if (out[i] != CALL)
            continue;
        int64_t target = (int32_t)seep_le32(out + i + 1), here = (int64_t)(start + i);
        if (target >= -here && target < lzx->translation_size) {
            target += target >= 0 ? -here : lzx->translation_size;
            for (size_t k = 0; k < 4; k++)
                out[i + 1 + k] = (uint8_t)((uint64_t)target >> 8 * k);
        }
        i += 4;
    }
}

static bool read_frame(struct seep_lzx *lzx, struct bits *b, uint32_t len)
{
    if (!lzx->started) {
        lzx->started = true;
        lzx->translated = take(b, 1);
        if (lzx->translated) {
            uint32_t high = take(b, 16);
            lzx->translation_size = (int32_t)(high << 16 | take(b, 16));
        }
    }
    while (len) {
        if (!lzx->block_left && !start_block(lzx, b))
            return false;
        uint32_t todo = lzx->block_left < len ? lzx->block_left : len;
        bool ok = lzx->block == BLOCK_UNCOMPRESSED ? read_stored(lzx, b, todo)
                                                   : read_compressed(lzx, b, todo);
        if (!ok)
            return false;
        len -= todo;
    }
    return !overrun(b);
}

struct seep_lzx *seep_lzx_new(unsigned window_bits)
{
    static const uint8_t slots[] = { 30, 32, 34, 36, 38, 42, MAX_SLOTS };
    struct seep_lzx *lzx = seep_alloc(1, sizeof *lzx);
    if (!lzx)
        return NULL;
    lzx->window_size = (uint32_t)1 << window_bits;
    lzx->n_main = LITERALS + slots[window_bits - SEEP_LZX_MIN_WINDOW] * 8u;
    lzx->recent[0] = lzx->recent[1] = lzx->recent[2] = 1;
    lzx->window = seep_alloc(lzx->window_size, 1);
    if (!lzx->window) {
        seep_free(lzx);
        return NULL;
    }
    return lzx;
}

void seep_lzx_free(struct seep_lzx *lzx)
{
    if (!lzx)
        return;
    seep_free(lzx->window);
    seep_free(lzx);
}

bool seep_lzx_frame(struct seep_lzx *lzx, struct seep_bytes in, uint8_t *out, size_t out_len)
{
    struct bits b = { .in = in };
    // Whole frames keep each within the window.
    if (lzx->failed || lzx->ended || out_len > SEEP_LZX_FRAME)
        return false;
    lzx->ended = out_len < SEEP_LZX_FRAME;
    if (lzx->pos == lzx->window_size)
        lzx->pos = 0;
    if (lzx->skip_byte && in.len) {
        b.pos = 1;
        lzx->skip_byte = false;
    }
    uint32_t start = lzx->pos;
    uint64_t offset = lzx->produced;
    lzx->failed = !read_frame(lzx, &b, (uint32_t)out_len);
    if (lzx->failed)
        return false;
    memcpy(out, lzx->window + start, out_len);
    translate(lzx, out, out_len, offset);
    return true;
}
