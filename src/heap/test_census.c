// SPDX-License-Identifier: MIT
// Tests of the census: the index against a search by hand, what is reachable, of which class.
#include "heap/census.h"
#include "heap/index.h"
#include "heap/test_build.h"

#include <inttypes.h>
#include <string.h>

enum { N_BLOCKS = 5000 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// Runs in any order, blocks of all sizes, gaps: each address near a block is found as by hand.
static void the_index_finds_what_a_search_by_hand_finds(void **state)
{
    static struct {
        uint64_t address, size;
    } blocks[N_BLOCKS];
    uint64_t random = 88172645463325252u, at = 0, dropped;
    struct seep_index index = { 0 };
    (void)state;
    for (int i = 0; i < N_BLOCKS; i++) {
        uint64_t r = next_random(&random);
        if (i % 500 == 0) { // the next run, before or behind the others
            seep_index_break(&index);
            at = UINT64_C(0x7f0000000000) + (uint64_t)((i / 500) * 7 % 10) * 0x10000000;
        }
        at += 8 + (r >> 8) % (i % 7 ? 64 : 100000) / 8 * 8;
        blocks[i].address = at;
        blocks[i].size = i % 11 ? r % 400 : (i % 2 ? 0 : 70000);
        assert_true(seep_index_add(&index, at, blocks[i].size, (uint32_t)(i % 3)));
        at += blocks[i].size;
    }
    assert_true(seep_index_finish(&index, &dropped));
    assert_int_equal(dropped, 0);
    for (int i = 0; i < N_BLOCKS; i++) {
        uint64_t size = blocks[i].size ? blocks[i].size : 1;
        const uint64_t probes[] = { 0, size / 2, size - 1 };
        for (int p = 0; p < 3; p++) {
            assert_int_equal(seep_index_find(&index, blocks[i].address + probes[p], false), i);
            assert_int_equal(seep_index_find(&index, blocks[i].address + probes[p], true),
                             probes[p] ? SEEP_INDEX_NONE : (uint32_t)i);
        }
        assert_int_equal(seep_index_size(&index.blocks[i]), blocks[i].size);
        assert_int_equal(seep_index_heap(&index.blocks[i]), i % 3);
        bool follows = i + 1 < N_BLOCKS && blocks[i + 1].address == blocks[i].address + size;
        if (!follows)
            assert_int_equal(seep_index_find(&index, blocks[i].address + size, false),
                             SEEP_INDEX_NONE);
    }
    assert_int_equal(seep_index_find(&index, 0, false), SEEP_INDEX_NONE);
    assert_int_equal(seep_index_find(&index, UINT64_MAX, false), SEEP_INDEX_NONE);
    // 16 bytes a block and one for the table, beside what growing leaves over
    assert_true(index.n_table * 4 < 2 * N_BLOCKS);
    seep_index_clear(&index);
}

static void runs_that_overlap_are_dropped(void **state)
{
    struct seep_index index = { 0 };
    uint64_t dropped;
    (void)state;
    assert_true(seep_index_add(&index, 0x1000, 0x100, 0));
    assert_true(seep_index_add(&index, 0x2000, 0x100, 0));
    assert_true(seep_index_add(&index, 0x1080, 0x10, 1)); // goes back: a run of its own
    assert_true(seep_index_add(&index, UINT64_MAX - 4, 100, 1));
    assert_true(seep_index_finish(&index, &dropped));
    assert_int_equal(dropped, 2);
    assert_int_equal(seep_index_find(&index, 0x1080, false), 0);
    seep_index_clear(&index);
}

static void an_index_of_nothing_finds_nothing(void **state)
{
    struct seep_index index = { 0 };
    uint64_t dropped;
    (void)state;
    assert_true(seep_index_finish(&index, &dropped));
    assert_int_equal(seep_index_find(&index, 0x1000, false), SEEP_INDEX_NONE);
    seep_index_clear(&index);
}

// --- a process

enum {
    HEAP = 0x10000000,
    DATA = 0x20000000,  // a module's writable data: the roots
    IMAGE = 0x30000000, // where vtables are
    UNITS = 10,
    N = 24,
};

struct told {
    char text[8192];
    size_t len;
};

static bool on_heap(void *ctx, const struct seep_heap *heap)
{
    struct told *t = ctx;
    t->len +=
        (size_t)snprintf(t->text + t->len, sizeof t->text - t->len,
                         "heap 0x%" PRIx64 " %" PRIu64 "\n", heap->address, heap->busy_blocks);
    return true;
}

static bool on_blocks(void *ctx, const struct seep_blocks *b)
{
    struct told *t = ctx;
    t->len += (size_t)snprintf(
        t->text + t->len, sizeof t->text - t->len,
        "%s size=%" PRIu64 " blocks=%" PRIu64 " bytes=%" PRIu64 " heads=%" PRIu64 " %s %s %s\n",
        seep_blocks_by_name(b->by), b->size_bytes, b->blocks, b->bytes, b->heads,
        b->type ? b->type : "-", b->stack ? b->stack : "-", b->content ? b->content : "-");
    return true;
}

static bool on_loss(void *ctx, const char *what, uint64_t address, const char *text)
{
    struct told *t = ctx;
    (void)address;
    t->len +=
        (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, "loss %s %s\n", what, text);
    return true;
}

struct process {
    struct kit_memory m;
    unsigned bits;
    uint64_t at[N]; // the data of each block
    struct seep_heap_process heap;
    struct seep_census_heap heaps[2];
    struct seep_census_root roots[1];
    struct seep_census_image images[1];
    struct seep_census census;
    struct told told;
    struct seep_census_totals totals;
};

// N blocks of the same size that hold nothing, and a root that points to none of them.
static void start(struct process *p, unsigned bits)
{
    struct build_entry entries[N];
    memset(p, 0, sizeof *p);
    kit_memory_init(&p->m, bits / 8);
    p->bits = bits;
    for (int i = 0; i < N; i++)
        entries[i] = (struct build_entry){ UNITS, BUILD_BUSY, (uint8_t)(bits == 64 ? 16 : 8) };
    build_nt_heap(&p->m, bits, HEAP, entries, N, p->at);
    for (int i = 0; i < N; i++)
        p->at[i] += build_granule(bits);
    (void)kit_memory_add(&p->m, DATA, 4096);
    (void)kit_memory_add(&p->m, IMAGE, 0x4000);
    p->heap = (struct seep_heap_process){ .memory = &p->m.memory, .bits = bits, .build = 19045 };
    p->heaps[0] = (struct seep_census_heap){ HEAP, &p->heap };
    p->roots[0] = (struct seep_census_root){ DATA, 4096, (uint8_t)(bits / 8) };
    p->images[0] = (struct seep_census_image){ IMAGE, 0x4000 };
    p->census = (struct seep_census){ .memory = &p->m.memory,
                                      .heaps = p->heaps,
                                      .n_heaps = 1,
                                      .roots = p->roots,
                                      .n_roots = 1,
                                      .images = p->images,
                                      .n_images = 1 };
}

static void point(struct process *p, uint64_t from, uint64_t to)
{
    kit_put(&p->m, from, p->bits / 8, to);
}

static void take(struct process *p)
{
    struct seep_census_visitor visitor = { on_heap, on_blocks, on_loss, &p->told };
    struct seep_err err = { 0 };
    p->told.len = 0;
    p->told.text[0] = '\0';
    assert_true(seep_heap_census(&p->census, &visitor, &p->totals, &err));
}

static void expect(const struct process *p, const char *line)
{
    if (!strstr(p->told.text, line))
        fail_msg("no \"%s\" in:\n%s", line, p->told.text);
}

static void chains_cycles_and_their_heads(void **state)
{
    (void)state;
    for (unsigned bits = 32; bits <= 64; bits += 32) {
        struct process p;
        uint64_t word = bits / 8;
        start(&p, bits);
        // reached: 0 from data, 1 and 2 by 0, 3 from a register
        point(&p, DATA + 16, p.at[0]);
        point(&p, p.at[0] + word, p.at[1]);
        point(&p, p.at[1] + 2 * word, p.at[2]);
        uint64_t registers[] = { 1, p.at[3], 0 };
        p.census.registers = registers;
        p.census.n_registers = 3;
        // lost: a ring of 4, 5, 6; 7 that holds 8; 9 that points to itself and to what is reached
        point(&p, p.at[4], p.at[5]);
        point(&p, p.at[5], p.at[6]);
        point(&p, p.at[6], p.at[4]);
        point(&p, p.at[7], p.at[8]);
        point(&p, p.at[9], p.at[9]);
        point(&p, p.at[9] + word, p.at[0]);
        take(&p);
        assert_true(p.totals.marked);
        assert_int_equal(p.totals.blocks, N);
        assert_int_equal(p.totals.unreachable_blocks, N - 4);
        // without head: the ring and 8
        assert_int_equal(p.totals.head_blocks, N - 4 - 4);
        expect(&p, bits == 64 ? "unreachable size=144 blocks=20 bytes=2880 heads=16 -"
                              : "unreachable size=72 blocks=20 bytes=1440 heads=16 -");
        kit_memory_clear(&p.m);
    }
}

static void pointers_into_the_middle_count_unless_exact(void **state)
{
    struct process p;
    (void)state;
    start(&p, 64);
    point(&p, DATA, p.at[0] + 8);
    point(&p, DATA + 8, p.at[1] + 143);
    point(&p, DATA + 16, p.at[2] + 144); // behind it
    point(&p, DATA + 24, p.at[3]);
    take(&p);
    assert_int_equal(p.totals.unreachable_blocks, N - 3);
    p.census.exact = true;
    take(&p);
    assert_int_equal(p.totals.unreachable_blocks, N - 1);
    kit_memory_clear(&p.m);
}

// A root that covers a heap does not hold it together: free and internal memory point to blocks.
static void what_belongs_to_a_heap_is_no_root(void **state)
{
    struct process p;
    (void)state;
    start(&p, 64);
    point(&p, HEAP + 0x600, p.at[0]); // in the heap's header
    p.roots[0] = (struct seep_census_root){ HEAP - 0x10000, DATA + 4096 - HEAP + 0x10000, 8 };
    point(&p, DATA + 4088, p.at[1]);
    take(&p);
    assert_int_equal(p.totals.unreachable_blocks, N - 1);
    expect(&p, "loss heap-roots-partial ");
    kit_memory_clear(&p.m);
}

// A dump that leaves a heap out is as its writer meant it; a heap that is no heap is not.
static void a_heap_that_is_not_held_is_missing_not_wrong(void **state)
{
    struct process p;
    (void)state;
    start(&p, 64);
    p.heaps[1] = (struct seep_census_heap){ UINT64_C(0x60000000), &p.heap };
    p.census.n_heaps = 2;
    take(&p);
    expect(&p, "loss heap-memory-missing ");
    assert_null(strstr(p.told.text, "loss heap "));
    expect(&p, "size size=144 blocks=24 bytes=3456");
    p.heaps[1].address = IMAGE;
    take(&p);
    expect(&p, "loss heap there is no heap at 0x30000000");
    assert_null(strstr(p.told.text, "heap-memory-missing"));
    kit_memory_clear(&p.m);
}

static void without_roots_nothing_is_called_unreachable(void **state)
{
    struct process p;
    (void)state;
    start(&p, 64);
    p.roots[0].address = 0x50000000; // not in the dump
    take(&p);
    assert_false(p.totals.marked);
    expect(&p, "loss heap-roots ");
    p.census.n_roots = 0; // the caller knows
    take(&p);
    assert_false(p.totals.marked);
    assert_null(strstr(p.told.text, "loss"));
    assert_null(strstr(p.told.text, "unreachable size"));
    expect(&p, "size size=144 blocks=24 bytes=3456");
    kit_memory_clear(&p.m);
}

// Microsoft's type information of a class, for a vtable at IMAGE + at + pointer.
static uint64_t microsoft_class(struct process *p, uint64_t at, const char *name)
{
    uint64_t place = IMAGE + at, word = p->bits / 8, locator = place + 0x40, type = place + 0x80;
    kit_put(&p->m, place, (unsigned)word, locator);
    kit_put(&p->m, locator, 4, p->bits == 64);
    kit_put(&p->m, locator + 12, 4, p->bits == 64 ? type - IMAGE : type);
    if (p->bits == 64)
        kit_put(&p->m, locator + 20, 4, locator - IMAGE);
    memcpy(kit_memory_at(&p->m, type + 2 * word), name, strlen(name) + 1);
    return place + word;
}

static uint64_t itanium_class(struct process *p, uint64_t at, const char *name)
{
    uint64_t place = IMAGE + at, word = p->bits / 8;
    kit_put(&p->m, place + word, (unsigned)word, place + 0x40);
    kit_put(&p->m, place + 0x40 + word, (unsigned)word, place + 0x80);
    memcpy(kit_memory_at(&p->m, place + 0x80), name, strlen(name) + 1);
    return place + 2 * word;
}

static bool a_symbol(void *ctx, uint64_t address, const char **name, uint64_t *offset)
{
    (void)ctx;
    if (address < IMAGE + 0x3000)
        return false;
    *name = address < IMAGE + 0x3100   ? "??_7Listener@@6B@"
            : address < IMAGE + 0x3200 ? "_ZTVN3net6SocketE"
                                       : "g_table";
    *offset = address & 0xff;
    return true;
}

static void classes_by_symbol_and_by_type_information(void **state)
{
    (void)state;
    for (unsigned bits = 32; bits <= 64; bits += 32) {
        struct process p;
        start(&p, bits);
        p.census.symbol = a_symbol;
        uint64_t buffer = microsoft_class(&p, 0x1000, ".?AVBuffer@net@@");
        uint64_t node = itanium_class(&p, 0x2000, "N3app4NodeE");
        point(&p, p.at[0], buffer);
        point(&p, p.at[1], buffer);
        point(&p, p.at[2], node);
        point(&p, p.at[3], IMAGE + 0x3000);
        point(&p, p.at[4], IMAGE + 0x3100 + 2 * bits / 8);
        point(&p, p.at[5], IMAGE + 0x3200); // a symbol, but of no vtable
        point(&p, p.at[6], IMAGE + 0x3100); // a vtable, but not its first function
        point(&p, p.at[7], IMAGE + 0x500);
        point(&p, p.at[8], 0x55555555);
        take(&p);
        expect(&p, "type size=0 blocks=2 ");
        expect(&p, "net::Buffer::`vftable'");
        expect(&p, "app::Node::`vftable'");
        expect(&p, "Listener::`vftable'");
        expect(&p, "net::Socket::`vftable'");
        size_t types = 0;
        for (const char *t = p.told.text; (t = strstr(t, "\ntype ")) != NULL; t++)
            types++;
        assert_int_equal(types, 4);
        kit_memory_clear(&p.m);
    }
}

// Type information that leads out of the image, to itself, to no text.
static void type_information_that_is_none(void **state)
{
    struct process p;
    (void)state;
    start(&p, 64);
    uint64_t a = microsoft_class(&p, 0x1000, ".?AVBuffer@net@@");
    for (uint64_t at = IMAGE + 0x1000; at < IMAGE + 0x10a0; at++) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            uint8_t *byte = kit_memory_at(&p.m, at);
            *byte ^= (uint8_t)(1u << bit);
            point(&p, p.at[0], a);
            take(&p);
            *byte ^= (uint8_t)(1u << bit);
        }
    }
    memset(kit_memory_at(&p.m, IMAGE + 0x1000), 'A', 0x3000); // a name without end
    point(&p, p.at[0], IMAGE + 0x1008);
    take(&p);
    assert_null(strstr(p.told.text, "\ntype "));
    kit_memory_clear(&p.m);
}

static void peek_shows_text_only_when_asked(void **state)
{
    struct process p;
    (void)state;
    start(&p, 64);
    memcpy(kit_memory_at(&p.m, p.at[0]), "password=hunter2", 17);
    for (int i = 1; i < N; i++)
        point(&p, DATA + (uint64_t)i * 8, p.at[i]);
    take(&p);
    assert_null(strstr(p.told.text, "password"));
    p.census.peek = true;
    take(&p);
    expect(&p, "unreachable size=144 blocks=1 bytes=144 heads=1 - - \"password=hunter2\"");
    kit_memory_clear(&p.m);
}

static void both_bitnesses_in_one_census(void **state)
{
    struct process p;
    struct build_entry entry = { 10, BUILD_BUSY, 8 };
    uint64_t at;
    (void)state;
    start(&p, 64);
    build_nt_heap(&p.m, 32, 0x40000000, &entry, 1, &at);
    struct seep_heap_process other = { .memory = &p.m.memory, .bits = 32, .build = 19045 };
    p.heaps[1] = (struct seep_census_heap){ 0x40000000, &other };
    p.census.n_heaps = 2;
    // a 64-bit block is held by a 32-bit word of a 32-bit block, which a 32-bit root holds
    p.roots[0].pointer_bytes = 4;
    kit_put(&p.m, DATA + 4, 4, at + 8);
    kit_put(&p.m, at + 8 + 4, 4, p.at[5]);
    take(&p);
    assert_int_equal(p.totals.blocks, N + 1);
    assert_int_equal(p.totals.unreachable_blocks, N - 1);
    kit_memory_clear(&p.m);
}

static void stacks_by_heap(void **state)
{
    struct process p;
    (void)state;
    start(&p, 64);
    kit_put(&p.m, HEAP + 0x90, 4, 1); // Interceptor
    for (int i = 0; i < 3; i++) {
        uint64_t entry = p.at[i] - 16;
        kit_put(&p.m, entry + 16, 8, IMAGE + 0x800);
        kit_put(&p.m, entry + 40 + 4, 2, 0x30);
        kit_put(&p.m, entry + 40 + 7, 1, 5);
    }
    kit_put(&p.m, IMAGE + 0x800 + 0x0c, 2, 2);
    kit_put(&p.m, IMAGE + 0x810, 8, 0x1111);
    kit_put(&p.m, IMAGE + 0x818, 8, 0x2222);
    take(&p);
    expect(&p, "stack size=0 blocks=3 bytes=336 heads=0 - 0x1111;0x2222");
    kit_memory_clear(&p.m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_finds_what_a_search_by_hand_finds),
        cmocka_unit_test(runs_that_overlap_are_dropped),
        cmocka_unit_test(an_index_of_nothing_finds_nothing),
        cmocka_unit_test(chains_cycles_and_their_heads),
        cmocka_unit_test(pointers_into_the_middle_count_unless_exact),
        cmocka_unit_test(what_belongs_to_a_heap_is_no_root),
        cmocka_unit_test(a_heap_that_is_not_held_is_missing_not_wrong),
        cmocka_unit_test(without_roots_nothing_is_called_unreachable),
        cmocka_unit_test(classes_by_symbol_and_by_type_information),
        cmocka_unit_test(type_information_that_is_none),
        cmocka_unit_test(peek_shows_text_only_when_asked),
        cmocka_unit_test(both_bitnesses_in_one_census),
        cmocka_unit_test(stacks_by_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
