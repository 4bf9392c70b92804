// SPDX-License-Identifier: MIT
// Looking up symbols, and opening a table from bytes that may be hostile.
#include "symbols/table.h"

#include "base/alloc.h"
#include "base/intern.h"
#include "symbols/table_internal.h"

#include <assert.h>
#include <string.h>

const uint8_t seep_table_count_of[] = {
    [SEGMENT_START] = N_SEGMENTS,
    [SEGMENT_SYMBOL] = N_SEGMENTS,
    [SYMBOL_RVA] = N_SYMBOLS,
    [SYMBOL_OFFSET] = N_SYMBOLS,
    [SYMBOL_NAME] = N_SYMBOLS,
    [SYMBOL_KIND] = N_SYMBOLS,
    [FIND_HASH] = N_SYMBOLS,
    [FIND_SYMBOL] = N_SYMBOLS,
    [FILE_NAME] = N_FILES,
    [LINE_START] = N_LINES,
    [LINE_FILE] = N_LINES,
    [LINE_NUMBER] = N_LINES,
    [DEPTH_START] = N_DEPTHS,
    [INLINE_START] = N_INLINED,
    [INLINE_SIZE] = N_INLINED,
    [INLINE_NAME] = N_INLINED,
    [INLINE_FILE] = N_INLINED,
    [INLINE_LINE] = N_INLINED,
    [TO_SOURCE_RVA] = N_TO_SOURCE,
    [TO_SOURCE_OTHER] = N_TO_SOURCE,
    [FROM_SOURCE_RVA] = N_FROM_SOURCE,
    [FROM_SOURCE_OTHER] = N_FROM_SOURCE,
};
static_assert(sizeof seep_table_count_of == N_ARRAYS, "each array has its count");

uint32_t seep_table_hash(const char *name, size_t len)
{
    return (uint32_t)seep_hash(name, len);
}

// The last of `count` sorted numbers from element `first` on that is at most `key`: its index from
// `first`, or SEEP_TABLE_NONE where all are greater.
static uint32_t last_at_most(const struct seep_symbol_table *table, enum seep_table_array array,
                             uint32_t first, uint32_t count, uint32_t key)
{
    const uint8_t *base = table->arrays[array] + 4 * (size_t)first;
    if (!count || seep_le32(base) > key)
        return SEEP_TABLE_NONE;
    uint32_t low = 0;
    // base[low] <= key throughout; the loop has no branch that a predictor could miss
    for (uint32_t n = count; n > 1;) {
        uint32_t half = n / 2;
        low = seep_le32(base + 4 * (size_t)(low + half)) <= key ? low + half : low;
        n -= half;
    }
    return low;
}

static bool translate(const struct seep_symbol_table *table, enum seep_table_array from,
                      enum seep_table_count count, uint32_t *rva)
{
    uint32_t n = table->counts[count];
    if (!n)
        return true;
    uint32_t i = last_at_most(table, from, 0, n, *rva);
    uint32_t other = i == SEEP_TABLE_NONE ? 0 : seep_table_get(table, from + 1, i);
    if (!other)
        return false;
    *rva = other + (*rva - seep_table_get(table, from, i));
    return true;
}

static const char *file_name(const struct seep_symbol_table *table, uint32_t file)
{
    return file == SEEP_TABLE_NONE ? NULL : table->names + seep_table_get(table, FILE_NAME, file);
}

static void add_inlined(const struct seep_symbol_table *table, uint32_t rva,
                        struct seep_symbol *symbol)
{
    uint32_t covering[SEEP_MAX_INLINED];
    uint32_t n = 0;
    for (; n < SEEP_MAX_INLINED; n++) {
        uint32_t first = seep_table_get(table, DEPTH_START, n);
        uint32_t end = seep_table_get(table, DEPTH_START, n + 1);
        uint32_t i = last_at_most(table, INLINE_START, first, end - first, rva);
        if (i == SEEP_TABLE_NONE)
            break;
        i += first;
        if (rva - seep_table_get(table, INLINE_START, i) >= seep_table_get(table, INLINE_SIZE, i))
            break;
        covering[n] = i;
    }
    symbol->n_inlined = n;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = covering[n - 1 - k];
        symbol->inlined[k] = (struct seep_symbol_frame){
            .function = table->names + seep_table_get(table, INLINE_NAME, i),
            .file = file_name(table, seep_table_get(table, INLINE_FILE, i)),
            .line = seep_table_get(table, INLINE_LINE, i),
        };
    }
}

bool seep_symbol_table_at(const struct seep_symbol_table *table, uint32_t rva,
                          struct seep_symbol *symbol)
{
    if (!translate(table, TO_SOURCE_RVA, N_TO_SOURCE, &rva))
        return false;
    uint32_t i = last_at_most(table, SEGMENT_START, 0, table->counts[N_SEGMENTS], rva);
    uint32_t found = i == SEEP_TABLE_NONE ? i : seep_table_get(table, SEGMENT_SYMBOL, i);
    if (found == SEEP_TABLE_NONE)
        return false;
    symbol->function = table->names + seep_table_get(table, SYMBOL_NAME, found);
    symbol->offset = rva - seep_table_get(table, SYMBOL_RVA, found) +
                     seep_table_get(table, SYMBOL_OFFSET, found);
    symbol->kind = (enum seep_symbol_kind)seep_table_get(table, SYMBOL_KIND, found);
    symbol->file = NULL;
    symbol->line = 0;
    symbol->n_inlined = 0;
    i = last_at_most(table, LINE_START, 0, table->counts[N_LINES], rva);
    if (i != SEEP_TABLE_NONE) {
        symbol->file = file_name(table, seep_table_get(table, LINE_FILE, i));
        symbol->line = seep_table_get(table, LINE_NUMBER, i);
    }
    if (table->counts[N_INLINED])
        add_inlined(table, rva, symbol);
    return true;
}

bool seep_symbol_table_find(const struct seep_symbol_table *table, const char *name, uint32_t *rva)
{
    uint32_t hash = seep_table_hash(name, strlen(name));
    uint32_t n = table->counts[N_SYMBOLS], lowest = SEEP_TABLE_NONE;
    uint32_t i = last_at_most(table, FIND_HASH, 0, n, hash);
    for (; i < n && seep_table_get(table, FIND_HASH, i) == hash; i--) {
        uint32_t s = seep_table_get(table, FIND_SYMBOL, i);
        if (seep_table_get(table, SYMBOL_OFFSET, s) ||
            strcmp(table->names + seep_table_get(table, SYMBOL_NAME, s), name) != 0)
            continue;
        uint32_t at = seep_table_get(table, SYMBOL_RVA, s);
        if (translate(table, FROM_SOURCE_RVA, N_FROM_SOURCE, &at) && at < lowest)
            lowest = at;
    }
    if (lowest == SEEP_TABLE_NONE)
        return false;
    *rva = lowest;
    return true;
}

size_t seep_symbol_table_count(const struct seep_symbol_table *table)
{
    return table->counts[N_SYMBOLS];
}

void seep_symbol_table_free(struct seep_symbol_table *table)
{
    if (!table)
        return;
    seep_free(table->owned);
    seep_free(table);
}

bool seep_symbol_table_save(const struct seep_symbol_table *table, struct seep_buf *out)
{
    seep_buf_add(out, table->bytes.data, table->bytes.len);
    return !out->failed;
}

// Whether the numbers of an array, from `first` to `end`, rise; with `strictly`, none is there
// twice.
static bool rises(const struct seep_symbol_table *table, enum seep_table_array array,
                  uint32_t first, uint32_t end, bool strictly)
{
    for (uint32_t i = first; end - first > 1 && i < end - 1; i++) {
        uint32_t a = seep_table_get(table, array, i), b = seep_table_get(table, array, i + 1);
        if (a > b || (strictly && a == b))
            return false;
    }
    return true;
}

// Whether all numbers of an array are below `limit`, or SEEP_TABLE_NONE where that may be.
static bool below(const struct seep_symbol_table *table, enum seep_table_array array,
                  uint32_t limit, bool may_be_none)
{
    uint32_t n = table->counts[seep_table_count_of[array]];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t value = seep_table_get(table, array, i);
        if (value >= limit && !(may_be_none && value == SEEP_TABLE_NONE))
            return false;
    }
    return true;
}

static bool is_sound(const struct seep_symbol_table *table)
{
    const uint32_t *n = table->counts;
    if (n[N_DEPTHS] != SEEP_MAX_INLINED + 1 || seep_table_get(table, DEPTH_START, 0) != 0 ||
        seep_table_get(table, DEPTH_START, SEEP_MAX_INLINED) != n[N_INLINED] ||
        !rises(table, DEPTH_START, 0, n[N_DEPTHS], false))
        return false;
    for (uint32_t d = 0; d < SEEP_MAX_INLINED; d++) {
        if (!rises(table, INLINE_START, seep_table_get(table, DEPTH_START, d),
                   seep_table_get(table, DEPTH_START, d + 1), true))
            return false;
    }
    return rises(table, SEGMENT_START, 0, n[N_SEGMENTS], true) &&
           rises(table, LINE_START, 0, n[N_LINES], true) &&
           rises(table, FIND_HASH, 0, n[N_SYMBOLS], false) &&
           rises(table, TO_SOURCE_RVA, 0, n[N_TO_SOURCE], true) &&
           rises(table, FROM_SOURCE_RVA, 0, n[N_FROM_SOURCE], true) &&
           below(table, SEGMENT_SYMBOL, n[N_SYMBOLS], true) &&
           below(table, FIND_SYMBOL, n[N_SYMBOLS], false) &&
           below(table, SYMBOL_NAME, table->names_len, false) &&
           below(table, SYMBOL_KIND, SEEP_SYMBOL_PROCEDURE + 1, false) &&
           below(table, FILE_NAME, table->names_len, false) &&
           below(table, LINE_FILE, n[N_FILES], true) &&
           below(table, INLINE_NAME, table->names_len, false) &&
           below(table, INLINE_FILE, n[N_FILES], true);
}

struct seep_symbol_table *seep_table_view(struct seep_bytes bytes, bool check, struct seep_err *err)
{
    struct seep_symbol_table view = { .bytes = bytes };
    struct seep_cursor c = seep_cursor(bytes);
    seep_cursor_skip(&c, SEEP_TABLE_COUNTS);
    for (size_t i = 0; i < N_COUNTS; i++)
        view.counts[i] = seep_cursor_u32(&c);
    view.names_len = seep_cursor_u32(&c);
    for (size_t i = 0; i < N_ARRAYS; i++) {
        uint32_t count = view.counts[seep_table_count_of[i]];
        if (!seep_cursor_fits(&c, count, 4))
            c.failed = true;
        view.arrays[i] = bytes.data + c.pos;
        seep_cursor_skip(&c, (size_t)count * 4);
    }
    struct seep_bytes names = seep_cursor_take(&c, view.names_len);
    view.names = (const char *)names.data;
    if (c.failed || c.pos != bytes.len || !names.len || names.data[names.len - 1])
        goto broken;
    if (check && (seep_le64(bytes.data + 8) !=
                      seep_hash(bytes.data + SEEP_TABLE_HASHED, bytes.len - SEEP_TABLE_HASHED) ||
                  !is_sound(&view)))
        goto broken;
    struct seep_symbol_table *table = seep_alloc(1, sizeof *table);
    if (!table) {
        seep_fail_memory(err);
        return NULL;
    }
    *table = view;
    return table;
broken:
    seep_fail(err, c.pos, NULL, "the table of symbols is damaged");
    return NULL;
}

struct seep_symbol_table *seep_symbol_table_open(struct seep_bytes bytes, struct seep_err *err)
{
    if (!seep_bytes_match(bytes, 0, SEEP_TABLE_MAGIC, 8)) {
        seep_fail(err, 0, NULL, "no table of symbols of this version");
        return NULL;
    }
    return seep_table_view(bytes, true, err);
}
