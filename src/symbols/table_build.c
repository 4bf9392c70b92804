// SPDX-License-Identifier: MIT
// Filling a table of symbols, sorting it, and cutting overlapping ranges into segments.
#include "symbols/table_build.h"

#include "base/alloc.h"
#include "base/intern.h"
#include "symbols/names.h"
#include "symbols/table_internal.h"

#include <stdlib.h>
#include <string.h>

struct symbol {
    uint32_t rva, size, offset, name;
    uint32_t order; // of its arrival; the first of equals wins
    uint8_t kind;
    bool dropped; // there already
};

struct range { // a line, or an inlined call
    uint32_t rva, size, depth, name, file, line;
    uint32_t order;
};

struct pair {
    uint32_t rva, other;
};

struct thunk {
    uint32_t rva, size, target;
};

// The arrays of the builder, each with count and capacity.
#define ARRAY(type, name)                                                                          \
    struct type *name;                                                                             \
    size_t n_##name, name##_capacity

struct seep_symbol_builder {
    struct seep_names names;
    ARRAY(symbol, symbols);
    ARRAY(range, lines);
    ARRAY(range, inlined);
    ARRAY(pair, files);    // rva = name
    ARRAY(pair, sections); // other = end
    ARRAY(pair, to_source);
    ARRAY(pair, from_source);
    ARRAY(thunk, thunks);
    ARRAY(thunk, parts); // target = the function
    bool failed;
};

// Room for one more element; indices stay below 2^30, so that four bytes for each fit a buffer.
#define ROOM(b, array)                                                                             \
    ((b)->n_##array < (UINT32_C(1) << 30) &&                                                       \
     seep_grow(&(b)->array, &(b)->array##_capacity, (b)->n_##array + 1, sizeof *(b)->array))

#define PUSH(b, array, ...)                                                                        \
    (ROOM(b, array) ? ((b)->array[(b)->n_##array++] = __VA_ARGS__, true)                           \
                    : ((b)->failed = true, false))

struct seep_symbol_builder *seep_symbol_builder_new(void)
{
    return seep_alloc(1, sizeof(struct seep_symbol_builder));
}

static void clear(struct seep_symbol_builder *b)
{
    seep_names_clear(&b->names);
    seep_free(b->symbols);
    seep_free(b->lines);
    seep_free(b->inlined);
    seep_free(b->files);
    seep_free(b->sections);
    seep_free(b->to_source);
    seep_free(b->from_source);
    seep_free(b->thunks);
    seep_free(b->parts);
    *b = (struct seep_symbol_builder){ 0 };
}

void seep_symbol_builder_free(struct seep_symbol_builder *b)
{
    if (!b)
        return;
    clear(b);
    seep_free(b);
}

static bool add_symbol(struct seep_symbol_builder *b, struct symbol symbol, const char *name,
                       size_t name_len)
{
    symbol.name = seep_names_add(&b->names, name, name_len);
    symbol.order = (uint32_t)b->n_symbols;
    if (!symbol.name)
        return true; // nothing to say
    if (symbol.name == SEEP_NO_NAME) {
        b->failed = true;
        return false;
    }
    return PUSH(b, symbols, symbol);
}

bool seep_symbol_builder_add(struct seep_symbol_builder *b, enum seep_symbol_kind kind,
                             uint32_t rva, uint32_t size_bytes, const char *name, size_t name_len)
{
    struct symbol symbol = { .rva = rva, .size = size_bytes, .kind = (uint8_t)kind };
    return add_symbol(b, symbol, name, name_len);
}

bool seep_symbol_builder_part(struct seep_symbol_builder *b, uint32_t rva, uint32_t size_bytes,
                              uint32_t parent)
{
    return !size_bytes ||
           PUSH(b, parts, (struct thunk){ .rva = rva, .size = size_bytes, .target = parent });
}

bool seep_symbol_builder_line(struct seep_symbol_builder *b, uint32_t rva, uint32_t size_bytes,
                              uint32_t file, uint32_t line)
{
    struct range range = { .rva = rva,
                           .size = size_bytes,
                           .file = file < b->n_files ? file : SEEP_TABLE_NONE,
                           .line = line,
                           .order = (uint32_t)b->n_lines };
    return !size_bytes || PUSH(b, lines, range);
}

bool seep_symbol_builder_file(struct seep_symbol_builder *b, const char *path, size_t len,
                              uint32_t *file)
{
    uint32_t name = seep_names_add(&b->names, path, len);
    if (name == SEEP_NO_NAME) {
        b->failed = true;
        return false;
    }
    if (!PUSH(b, files, (struct pair){ .rva = name }))
        return false;
    *file = (uint32_t)(b->n_files - 1);
    return true;
}

bool seep_symbol_builder_inline(struct seep_symbol_builder *b, uint32_t rva, uint32_t size_bytes,
                                uint32_t depth, const char *name, size_t name_len, uint32_t file,
                                uint32_t line)
{
    if (!size_bytes || !depth || depth > SEEP_MAX_INLINED)
        return true;
    struct range range = { .rva = rva,
                           .size = size_bytes,
                           .depth = depth,
                           .name = seep_names_add(&b->names, name, name_len),
                           .file = file < b->n_files ? file : SEEP_TABLE_NONE,
                           .line = line,
                           .order = (uint32_t)b->n_inlined };
    if (range.name == SEEP_NO_NAME) {
        b->failed = true;
        return false;
    }
    return PUSH(b, inlined, range);
}

bool seep_symbol_builder_section(struct seep_symbol_builder *b, uint32_t rva, uint32_t size_bytes)
{
    uint32_t end = size_bytes > UINT32_MAX - rva ? UINT32_MAX : rva + size_bytes;
    return PUSH(b, sections, (struct pair){ .rva = rva, .other = end });
}

bool seep_symbol_builder_thunk(struct seep_symbol_builder *b, uint32_t rva, uint32_t size_bytes,
                               uint32_t target)
{
    return PUSH(b, thunks, (struct thunk){ .rva = rva, .size = size_bytes, .target = target });
}

bool seep_symbol_builder_omap(struct seep_symbol_builder *b, bool to_source, uint32_t rva,
                              uint32_t other)
{
    struct pair pair = { .rva = rva, .other = other };
    return to_source ? PUSH(b, to_source, pair) : PUSH(b, from_source, pair);
}

static int order_of(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

// By address; where two start at one, the higher kind, then the earlier.
static int by_address(const void *left, const void *right)
{
    const struct symbol *a = left, *b = right;
    int order = order_of(a->rva, b->rva);
    if (!order)
        order = order_of(b->kind, a->kind);
    return order ? order : order_of(a->order, b->order);
}

static int by_name(const void *left, const void *right)
{
    const struct symbol *a = left, *b = right;
    int order = order_of(a->name, b->name);
    return order ? order : by_address(left, right);
}

static int by_start(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    int order = order_of(a->depth, b->depth);
    if (!order)
        order = order_of(a->rva, b->rva);
    return order ? order : order_of(a->order, b->order);
}

static int by_pair(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    int order = order_of(a->rva, b->rva);
    return order ? order : order_of(a->other, b->other);
}

static int by_thunk(const void *left, const void *right)
{
    const struct thunk *a = left, *b = right;
    return order_of(a->rva, b->rva);
}

static int by_number(const void *left, const void *right)
{
    uint64_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

static void sort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1)
        qsort(array, count, size, compare);
}

// Sorts the symbols by address and drops those whose name and address are there already.
static void sort_symbols(struct seep_symbol_builder *b)
{
    sort(b->symbols, b->n_symbols, sizeof *b->symbols, by_name);
    size_t kept = 0;
    for (size_t i = 0; i < b->n_symbols; i++) {
        const struct symbol *last = kept ? &b->symbols[kept - 1] : NULL;
        if (!last || last->name != b->symbols[i].name || last->rva != b->symbols[i].rva)
            b->symbols[kept++] = b->symbols[i];
    }
    b->n_symbols = kept;
    sort(b->symbols, b->n_symbols, sizeof *b->symbols, by_address);
}

// The name of what starts at an address; 0 where nothing does. The symbols are sorted.
static uint32_t name_at(const struct seep_symbol_builder *b, size_t count, uint32_t rva)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->symbols[middle].rva < rva)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && b->symbols[low].rva == rva ? b->symbols[low].name : 0;
}

// Names the linker's jumps after what they lead to. The first `sorted` symbols are sorted.
static bool name_thunks(struct seep_symbol_builder *b, size_t sorted)
{
    sort(b->thunks, b->n_thunks, sizeof *b->thunks, by_thunk);
    struct seep_buf text = { 0 };
    uint64_t first = 0, end = 0;
    for (size_t i = 0; i < b->n_thunks && !b->failed; i++) {
        const struct thunk *t = &b->thunks[i];
        if (i == 0 || t->rva > end)
            first = t->rva;
        end = (uint64_t)t->rva + t->size;
        uint32_t name = name_at(b, sorted, t->target);
        seep_buf_reset(&text);
        seep_buf_addf(&text, "ILT+%u(", (unsigned)(t->rva - first));
        seep_buf_adds(&text, name ? b->names.text + name : "?");
        seep_buf_addc(&text, ')');
        if (text.failed)
            b->failed = true;
        else
            (void)seep_symbol_builder_add(b, SEEP_SYMBOL_PUBLIC, t->rva, t->size, text.data,
                                          text.len);
    }
    seep_buf_clear(&text);
    return !b->failed;
}

// Names the parts after their functions. The first `sorted` symbols are sorted.
static bool name_parts(struct seep_symbol_builder *b, size_t sorted)
{
    for (size_t i = 0; i < b->n_parts && !b->failed; i++) {
        const struct thunk *part = &b->parts[i];
        uint32_t name = name_at(b, sorted, part->target);
        struct symbol symbol = {
            .rva = part->rva, .size = part->size, .kind = SEEP_SYMBOL_PROCEDURE, .name = name
        };
        if (name && part->rva < part->target) {
            struct seep_buf text = { 0 };
            seep_buf_adds(&text, b->names.text + name);
            seep_buf_adds(&text, "$part");
            if (text.failed || !add_symbol(b, symbol, text.data, text.len))
                b->failed = true;
            seep_buf_clear(&text);
        } else if (name) {
            symbol.offset = part->rva - part->target;
            symbol.order = (uint32_t)b->n_symbols;
            (void)PUSH(b, symbols, symbol);
        }
    }
    return !b->failed;
}

// Where a symbol without a size ends at the latest: with its section.
static uint64_t section_end(const struct seep_symbol_builder *b, uint32_t rva)
{
    size_t low = 0, high = b->n_sections; // the sections up to `low` start at or before `rva`
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->sections[middle].rva <= rva)
            low = middle + 1;
        else
            high = middle;
    }
    return low && rva < b->sections[low - 1].other ? b->sections[low - 1].other : UINT64_C(1) << 32;
}

struct segment {
    uint32_t rva, symbol;
};

struct cut {
    struct segment *segments;
    size_t count;    // of `segments`; there is room for all
    uint32_t *stack; // the sized symbols that are open, inner ones last
    size_t depth;
};

static void emit(struct cut *cut, uint64_t rva, uint32_t symbol)
{
    if (rva > UINT32_MAX)
        return;
    if (cut->count && cut->segments[cut->count - 1].rva == rva)
        cut->count--; // replaced by what begins at the same place
    if (cut->count && cut->segments[cut->count - 1].symbol == symbol)
        return;
    cut->segments[cut->count++] = (struct segment){ (uint32_t)rva, symbol };
}

static uint64_t end_of(const struct seep_symbol_builder *b, uint32_t symbol)
{
    return (uint64_t)b->symbols[symbol].rva + b->symbols[symbol].size;
}

// Closes what ends at or before `rva`: from there on the code is of the next outer symbol that is
// still open.
static void close_until(const struct seep_symbol_builder *b, struct cut *cut, uint64_t rva)
{
    while (cut->depth) {
        uint64_t end = end_of(b, cut->stack[cut->depth - 1]);
        if (end > rva)
            return;
        cut->depth--;
        while (cut->depth && end_of(b, cut->stack[cut->depth - 1]) <= end)
            cut->depth--;
        emit(cut, end, cut->depth ? cut->stack[cut->depth - 1] : SEEP_TABLE_NONE);
    }
}

// Cuts the ranges of the sorted symbols into segments. A symbol without a size inside one with a
// size (a label in a procedure) gets none.
static bool cut_symbols(const struct seep_symbol_builder *b, struct cut *cut)
{
    cut->segments = seep_alloc(2 * b->n_symbols + 1, sizeof *cut->segments);
    cut->stack = seep_alloc(b->n_symbols, sizeof *cut->stack);
    if (!cut->segments || !cut->stack)
        return false;
    uint64_t open_end = 0; // of the last symbol without a size
    for (size_t i = 0; i < b->n_symbols; i++) {
        const struct symbol *s = &b->symbols[i];
        if (i && b->symbols[i - 1].rva == s->rva)
            continue; // the first at an address is the best
        if (open_end && open_end <= s->rva)
            emit(cut, open_end, SEEP_TABLE_NONE);
        if (open_end)
            open_end = 0;
        close_until(b, cut, s->rva);
        if (!s->size && cut->depth)
            continue;
        emit(cut, s->rva, (uint32_t)i);
        if (s->size)
            cut->stack[cut->depth++] = (uint32_t)i;
        else
            open_end = section_end(b, s->rva);
    }
    if (open_end)
        emit(cut, open_end, SEEP_TABLE_NONE);
    close_until(b, cut, UINT64_MAX);
    return true;
}

// Cuts sorted ranges so that each ends where the next begins; of those that begin at one place the
// last stays, for the others have no code.
static void cut_ranges(struct range *ranges, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        struct range *last = kept ? &ranges[kept - 1] : NULL;
        uint32_t room = UINT32_MAX - ranges[i].rva;
        if (last && last->depth == ranges[i].depth) {
            if (last->rva == ranges[i].rva)
                kept--;
            else if (last->size > ranges[i].rva - last->rva)
                last->size = ranges[i].rva - last->rva;
        }
        if (!room)
            continue;
        ranges[kept] = ranges[i];
        if (ranges[kept].size > room)
            ranges[kept].size = room;
        kept++;
    }
    *count = kept;
}

// Turns lines into segments: neighbours of one line are one, what lies between is of no line. At
// most two for each line; `out` may not be `b->lines`.
static size_t cut_lines(const struct seep_symbol_builder *b, struct range *out)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_lines; i++) {
        const struct range *line = &b->lines[i];
        if (n && out[n - 1].rva == line->rva)
            n--; // no gap after all
        if (!n || out[n - 1].file != line->file || out[n - 1].line != line->line)
            out[n++] = *line;
        out[n++] = (struct range){ .rva = line->rva + line->size, .file = SEEP_TABLE_NONE };
    }
    return n;
}

static void sort_pairs(struct pair *pairs, size_t *count)
{
    sort(pairs, *count, sizeof *pairs, by_pair);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (!kept || pairs[kept - 1].rva != pairs[i].rva)
            pairs[kept++] = pairs[i];
    }
    *count = kept;
}

struct writer {
    uint8_t *at;
};

static void put32(struct writer *w, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        *w->at++ = (uint8_t)(value >> (8 * i));
}

// One array of the table: a field of each element of an array of structures.
#define PUT(w, array, count, field)                                                                \
    for (size_t i_ = 0; i_ < (count); i_++)                                                        \
    put32(w, (array)[i_].field)

static bool put_find(const struct seep_symbol_builder *b, struct writer *w)
{
    uint64_t *order = seep_alloc(b->n_symbols, sizeof *order);
    if (!order)
        return false;
    for (size_t i = 0; i < b->n_symbols; i++) {
        const char *name = b->names.text + b->symbols[i].name;
        order[i] = (uint64_t)seep_table_hash(name, strlen(name)) << 32 | i;
    }
    sort(order, b->n_symbols, sizeof *order, by_number);
    for (size_t i = 0; i < b->n_symbols; i++)
        put32(w, (uint32_t)(order[i] >> 32));
    for (size_t i = 0; i < b->n_symbols; i++)
        put32(w, (uint32_t)order[i]);
    seep_free(order);
    return true;
}

static void put_inlined(const struct seep_symbol_builder *b, struct writer *w)
{
    size_t at = 0;
    for (uint32_t depth = 1; depth <= SEEP_MAX_INLINED + 1; depth++) {
        while (at < b->n_inlined && b->inlined[at].depth < depth)
            at++;
        put32(w, (uint32_t)at);
    }
    PUT(w, b->inlined, b->n_inlined, rva);
    PUT(w, b->inlined, b->n_inlined, size);
    PUT(w, b->inlined, b->n_inlined, name);
    PUT(w, b->inlined, b->n_inlined, file);
    PUT(w, b->inlined, b->n_inlined, line);
}

// Writes the table; the order of the arrays is that of enum seep_table_array.
static uint8_t *write_table(const struct seep_symbol_builder *b, const struct cut *cut,
                            const struct range *lines, size_t n_lines, size_t *size)
{
    const size_t counts[N_COUNTS] = {
        [N_SEGMENTS] = cut->count,
        [N_SYMBOLS] = b->n_symbols,
        [N_FILES] = b->n_files,
        [N_LINES] = n_lines,
        [N_DEPTHS] = SEEP_MAX_INLINED + 1,
        [N_INLINED] = b->n_inlined,
        [N_TO_SOURCE] = b->n_to_source,
        [N_FROM_SOURCE] = b->n_from_source,
    };
    uint64_t total = SEEP_TABLE_HEAD + (uint64_t)b->names.len;
    for (size_t i = 0; i < N_ARRAYS; i++)
        total += 4 * (uint64_t)counts[seep_table_count_of[i]];
    uint8_t *bytes = total > SIZE_MAX / 2 ? NULL : seep_alloc((size_t)total, 1);
    if (!bytes)
        return NULL;
    struct writer w = { .at = bytes + SEEP_TABLE_COUNTS };
    for (size_t i = 0; i < N_COUNTS; i++)
        put32(&w, (uint32_t)counts[i]);
    put32(&w, (uint32_t)b->names.len);
    PUT(&w, cut->segments, cut->count, rva);
    PUT(&w, cut->segments, cut->count, symbol);
    PUT(&w, b->symbols, b->n_symbols, rva);
    PUT(&w, b->symbols, b->n_symbols, offset);
    PUT(&w, b->symbols, b->n_symbols, name);
    PUT(&w, b->symbols, b->n_symbols, kind);
    if (!put_find(b, &w)) {
        seep_free(bytes);
        return NULL;
    }
    PUT(&w, b->files, b->n_files, rva);
    PUT(&w, lines, n_lines, rva);
    PUT(&w, lines, n_lines, file);
    PUT(&w, lines, n_lines, line);
    put_inlined(b, &w);
    PUT(&w, b->to_source, b->n_to_source, rva);
    PUT(&w, b->to_source, b->n_to_source, other);
    PUT(&w, b->from_source, b->n_from_source, rva);
    PUT(&w, b->from_source, b->n_from_source, other);
    memcpy(w.at, b->names.text, b->names.len);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)SEEP_TABLE_MAGIC[i];
    uint64_t hash = seep_hash(bytes + SEEP_TABLE_HASHED, (size_t)total - SEEP_TABLE_HASHED);
    w.at = bytes + 8;
    put32(&w, (uint32_t)hash);
    put32(&w, (uint32_t)(hash >> 32));
    *size = (size_t)total;
    return bytes;
}

struct seep_symbol_table *seep_symbol_builder_finish(struct seep_symbol_builder *b,
                                                     struct seep_err *err)
{
    struct seep_symbol_table *table = NULL;
    struct cut cut = { 0 };
    struct range *lines = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    // The pool is never empty: "" is at its start.
    if (b->failed || seep_names_add(&b->names, "", 0) == SEEP_NO_NAME)
        goto out;
    sort_symbols(b);
    if (b->n_thunks || b->n_parts) {
        size_t sorted = b->n_symbols;
        if (!name_thunks(b, sorted) || !name_parts(b, sorted))
            goto out;
        sort_symbols(b);
    }
    sort(b->lines, b->n_lines, sizeof *b->lines, by_start);
    cut_ranges(b->lines, &b->n_lines);
    sort(b->inlined, b->n_inlined, sizeof *b->inlined, by_start);
    cut_ranges(b->inlined, &b->n_inlined);
    sort_pairs(b->sections, &b->n_sections);
    sort_pairs(b->to_source, &b->n_to_source);
    sort_pairs(b->from_source, &b->n_from_source);
    lines = seep_alloc(2 * b->n_lines, sizeof *lines);
    if (!lines || !cut_symbols(b, &cut))
        goto out;
    bytes = write_table(b, &cut, lines, cut_lines(b, lines), &size);
    if (!bytes)
        goto out;
    table = seep_table_view(seep_bytes(bytes, size), false, err);
    if (table) {
        table->owned = bytes;
        bytes = NULL;
    }
out:
    if (!table)
        seep_fail_memory(err);
    seep_free(bytes);
    seep_free(lines);
    seep_free(cut.segments);
    seep_free(cut.stack);
    clear(b);
    return table;
}
