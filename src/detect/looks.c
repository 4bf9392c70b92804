// SPDX-License-Identifier: MIT
// What the looks at a machine's pool tags say together.
#include "detect/looks.h"

#include "detect/judge.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"

#include <math.h>
#include <string.h>

// A look with so many rows shows all tags there are (the smallest machine has hundreds), so that a
// tag missing from it had never been allocated.
enum { WHOLE = 100 };

// One tag in one pool of one session.
struct counter {
    struct seep_pool_tag first, last;
    double allocs, frees; // grown by; NaN = unknown
    double middle;        // blocks in use at the look in the middle
    double allocs_middle; // grown by until then
    size_t look;          // of `last`
    size_t tag;           // index into the looks' tags
};

struct reading {
    struct seep_looks *looks;
    struct seep_intern keys; // -> at[id - 1]
    struct counter *at;
    size_t capacity;
    bool whole;    // all looks but perhaps the last are
    size_t middle; // number of the look in the middle; 0 = there is none
};

static size_t length_of(const char *tag)
{
    size_t n = strlen(tag);
    while (n && tag[n - 1] == ' ')
        n--;
    return n;
}

const struct seep_tag_looks *seep_looks_find(const struct seep_looks *looks, const char *tag)
{
    uint32_t id = tag ? seep_intern_find(&looks->tags, tag, length_of(tag)) : 0;
    return id ? &looks->at[id - 1] : NULL;
}

void seep_looks_clear(struct seep_looks *looks)
{
    seep_intern_clear(&looks->tags);
    seep_free(looks->at);
    *looks = (struct seep_looks){ 0 };
}

static double number(uint64_t count)
{
    return count == SEEP_UNKNOWN_COUNT ? (double)NAN : (double)count;
}

static uint64_t grown(uint64_t before, uint64_t after, bool wraps)
{
    return seep_pool_count_growth(before, after, wraps);
}

// The counter of a row, a new one where there was none; NULL when memory is out.
static struct counter *counter_of(struct reading *r, const struct seep_pool_tag *t)
{
    const char *name = t->tag ? t->tag : "";
    struct seep_buf key = { 0 };
    seep_buf_add(&key, &t->session, sizeof t->session);
    seep_buf_addc(&key, t->paged ? 'p' : 'n');
    seep_buf_add(&key, name, length_of(name));
    uint32_t id = key.failed ? 0 : seep_intern(&r->keys, key.data, key.len);
    seep_buf_clear(&key);
    if (!id || !seep_grow(&r->at, &r->capacity, id, sizeof *r->at))
        return NULL;
    return &r->at[id - 1];
}

// The tag of a counter, as index + 1; 0 when memory is out.
static size_t tag_of(struct seep_looks *looks, const char *name)
{
    uint32_t id = seep_intern(&looks->tags, name ? name : "", name ? length_of(name) : 0);
    if (!id || !seep_grow(&looks->at, &looks->capacity, id, sizeof *looks->at))
        return 0;
    if (id > looks->n) {
        looks->at[id - 1] = (struct seep_tag_looks){ .tag = seep_intern_text(&looks->tags, id) };
        looks->n = id;
    }
    return id;
}

// Adds what happened from the last look to this one.
static void advance(struct counter *c, const struct seep_pool_tag *t)
{
    bool wraps = t->wraps && c->last.wraps;
    uint64_t frees = grown(c->last.frees, t->frees, wraps);
    uint64_t allocs = grown(c->last.allocs, t->allocs, wraps);
    uint64_t before = seep_pool_tag_diff(&c->last), after = seep_pool_tag_diff(t);
    double a = number(allocs), f = number(frees);
    // Of two counts that went round at different moments the blocks in use tell which did.
    if (wraps && before != SEEP_UNKNOWN_COUNT && after != SEEP_UNKNOWN_COUNT)
        a = f + (double)after - (double)before;
    if (a < 0) {
        f -= a;
        a = 0;
    }
    c->allocs += a;
    c->frees += f;
}

static bool add_row(struct reading *r, const struct seep_pool_tag *t, bool first)
{
    size_t known = r->keys.count;
    struct counter *c = counter_of(r, t);
    if (!c)
        return false;
    bool fresh = r->keys.count > known;
    if (fresh) {
        size_t tag = tag_of(r->looks, t->tag);
        if (!tag)
            return false;
        *c = (struct counter){ .first = *t, .middle = NAN, .tag = tag - 1 };
        if (!first && r->whole) { // it was not there before
            c->first.allocs = c->first.frees = c->first.bytes = 0;
            c->last = c->first;
            c->middle = 0;
            advance(c, t);
        }
    } else {
        advance(c, t);
    }
    c->last = *t;
    c->look = r->looks->n_looks;
    if (c->look <= r->middle) {
        c->middle = number(seep_pool_tag_diff(t));
        c->allocs_middle = c->allocs;
    }
    if (t->mapped_driver && *t->mapped_driver)
        r->looks->at[c->tag].mapped = t->mapped_driver;
    return true;
}

// Whether the machine was started anew before these rows were counted: most counts are smaller than
// they were. (That they went round is rare.)
static bool started_anew(const struct reading *r, const struct seep_dataset_pool_tag *rows,
                         size_t n)
{
    size_t smaller = 0, larger = 0;
    for (size_t i = 0; i < n; i++) {
        const struct seep_pool_tag *t = &rows[i].tag;
        char key[SEEP_TAG_TEXT + 8 + sizeof t->session];
        const char *name = t->tag ? t->tag : "";
        size_t len = length_of(name);
        if (len > SEEP_TAG_TEXT)
            continue;
        memcpy(key, &t->session, sizeof t->session);
        key[sizeof t->session] = t->paged ? 'p' : 'n';
        memcpy(key + sizeof t->session + 1, name, len);
        uint32_t id = seep_intern_find(&r->keys, key, sizeof t->session + 1 + len);
        if (!id || id > r->capacity || t->allocs == SEEP_UNKNOWN_COUNT ||
            r->at[id - 1].last.allocs == SEEP_UNKNOWN_COUNT)
            continue;
        smaller += t->allocs < r->at[id - 1].last.allocs;
        larger += t->allocs > r->at[id - 1].last.allocs;
    }
    return smaller > larger && smaller >= 2;
}

static bool add_look(struct reading *r, const struct seep_dataset_pool_tag *rows, size_t n)
{
    struct seep_looks *looks = r->looks;
    if (looks->n_looks && started_anew(r, rows, n)) {
        seep_intern_clear(&r->keys);
        seep_looks_clear(looks);
    }
    bool first = looks->n_looks == 0;
    if (first) {
        r->whole = true;
        looks->first_ns = rows[0].taken_ns;
        looks->first_source = rows[0].source;
    }
    looks->n_looks++;
    looks->last_ns = rows[0].taken_ns;
    if (looks->n_looks <= r->middle)
        looks->middle_ns = rows[0].taken_ns;
    looks->last_source = rows[0].source;
    for (size_t i = 0; i < n; i++) {
        if (!add_row(r, &rows[i].tag, first))
            return false;
    }
    r->whole = r->whole && n >= WHOLE;
    return true;
}

static void add_up(struct seep_tag_growth *g, const struct counter *c, bool gone, bool alone)
{
    const struct seep_pool_tag *last = &c->last;
    uint64_t blocks = seep_pool_tag_diff(last);
    double first = alone ? 0 : number(seep_pool_tag_diff(&c->first));
    double first_bytes = alone ? 0 : number(c->first.bytes);
    if (!g->known)
        *g = (struct seep_tag_growth){ .known = true };
    // Since the start more was allocated than freed, also where one count went round.
    double ever = number(last->frees) + number(blocks);
    g->allocs_ever += ever;
    g->frees_ever += number(last->frees) + (gone ? number(blocks) : 0);
    g->allocs += alone ? ever : c->allocs;
    g->frees += (alone ? number(last->frees) : c->frees) + (gone ? number(blocks) : 0);
    g->blocks_first += first;
    g->blocks_last += gone ? 0 : number(blocks);
    g->blocks_middle += gone ? 0 : c->middle;
    g->allocs_middle += c->allocs_middle;
    g->bytes_first += first_bytes;
    g->bytes_last += gone ? 0 : number(last->bytes);
}

static void sum(struct reading *r, struct seep_source_id source)
{
    struct seep_looks *looks = r->looks;
    for (size_t i = 0; i < r->keys.count; i++) {
        const struct counter *c = &r->at[i];
        struct seep_tag_looks *tag = &looks->at[c->tag];
        // A session that ended gave its pool back.
        bool gone = c->last.session != SEEP_NO_SESSION && c->look < looks->n_looks;
        add_up(&tag->in[c->last.paged], c, gone, looks->n_looks == 1);
        if (r->middle == 0 || r->middle >= looks->n_looks)
            tag->in[c->last.paged].blocks_middle = NAN;
        tag->source = source;
    }
    for (size_t i = 0; i < looks->n; i++) {
        for (int p = SEEP_NONPAGED; p <= SEEP_PAGED; p++) {
            const struct seep_tag_growth *g = &looks->at[i].in[p];
            if (!g->known || seep_unknown(g->bytes_last))
                continue;
            looks->pool_bytes[p] += g->bytes_last;
            looks->pool_grown[p] += fmax(g->bytes_last - g->bytes_first, 0);
        }
    }
}

static bool in_time(const struct seep_detect_options *o, int64_t t_ns)
{
    return !o || t_ns == SEEP_NO_TIME ||
           ((o->since_ns == SEEP_NO_TIME || t_ns >= o->since_ns) &&
            (o->until_ns == SEEP_NO_TIME || t_ns <= o->until_ns));
}

static size_t end_of_look(const struct seep_dataset *data, size_t i)
{
    const struct seep_dataset_pool_tag *rows = data->pool_tags;
    size_t end = i + 1;
    while (end < data->n_pool_tags && rows[end].look == rows[i].look &&
           rows[end].tag.machine.v == rows[i].tag.machine.v)
        end++;
    return end;
}

// Rows are in the order of machines.
static size_t first_of(const struct seep_dataset *data, struct seep_machine_id machine)
{
    size_t low = 0, high = data->n_pool_tags;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (data->pool_tags[middle].tag.machine.v < machine.v)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool seep_looks_read(const struct seep_dataset *data, struct seep_machine_id machine,
                     const struct seep_detect_options *options, struct seep_looks *looks)
{
    *looks = (struct seep_looks){ .first_ns = SEEP_NO_TIME,
                                  .middle_ns = SEEP_NO_TIME,
                                  .last_ns = SEEP_NO_TIME };
    struct reading r = { .looks = looks };
    const struct seep_dataset_pool_tag *rows = data->pool_tags;
    size_t first = first_of(data, machine), last = first, n = 0;
    bool ok = true;
    for (; last < data->n_pool_tags && rows[last].tag.machine.v == machine.v;
         last = end_of_look(data, last))
        n += in_time(options, rows[last].taken_ns);
    r.middle = n < 4 ? 0 : (n + 1) / 2;
    for (size_t i = first, end; ok && i < last; i = end) {
        end = end_of_look(data, i);
        if (in_time(options, rows[i].taken_ns))
            ok = add_look(&r, &rows[i], end - i);
    }
    if (ok)
        sum(&r, looks->last_source);
    seep_intern_clear(&r.keys);
    seep_free(r.at);
    return ok;
}

struct seep_tag_growth seep_tag_growth_of(const struct seep_tag_looks *tag)
{
    struct seep_tag_growth all = { 0 };
    for (int p = SEEP_NONPAGED; p <= SEEP_PAGED; p++) {
        const struct seep_tag_growth *g = &tag->in[p];
        if (!g->known)
            continue;
        all.known = true;
        all.allocs += g->allocs;
        all.frees += g->frees;
        all.allocs_ever += g->allocs_ever;
        all.frees_ever += g->frees_ever;
        all.blocks_first += g->blocks_first;
        all.blocks_last += g->blocks_last;
        all.blocks_middle += g->blocks_middle;
        all.allocs_middle += g->allocs_middle;
        all.bytes_first += g->bytes_first;
        all.bytes_last += g->bytes_last;
    }
    return all;
}

double seep_freed_share(const struct seep_tag_growth *growth)
{
    return growth->allocs > 0 ? growth->frees / growth->allocs : (double)NAN;
}

double seep_freed_ever(const struct seep_tag_growth *growth)
{
    return growth->allocs_ever > 0 ? growth->frees_ever / growth->allocs_ever : (double)NAN;
}

bool seep_tag_halves(const struct seep_looks *looks, const struct seep_tag_growth *g, double *use,
                     double *allocs)
{
    if (looks->first_ns == SEEP_NO_TIME || looks->middle_ns == SEEP_NO_TIME ||
        looks->middle_ns <= looks->first_ns || looks->last_ns <= looks->middle_ns)
        return false;
    double before = (double)(looks->middle_ns - looks->first_ns);
    double after = (double)(looks->last_ns - looks->middle_ns);
    *use = (g->blocks_middle + g->blocks_last) / (g->blocks_first + g->blocks_middle);
    *allocs = (g->allocs - g->allocs_middle) / after / (g->allocs_middle / before);
    return fabs(*use) < INFINITY && fabs(*allocs) < INFINITY;
}
