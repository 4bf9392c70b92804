// SPDX-License-Identifier: MIT
// Stacks as one tree of callers or callees, and as lines for flame graphs.
#include "report/stacks.h"

#include "base/alloc.h"
#include "report/plain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct growing {
    struct seep_stacks_tree_node *at;
    size_t n, capacity;
    struct seep_intern keys;  // (parent, name) -> node
    struct seep_intern names; // of frames
};

// The child of `parent` (index + 1) with a name, new or old; its index + 1, 0 = memory is out.
static uint32_t child_of(struct growing *g, uint32_t parent, const char *name, size_t len,
                         const struct seep_stacks_tree_node *node)
{
    uint32_t key[3] = { parent, seep_intern(&g->names, name, len), node->process };
    uint32_t id = key[1] ? seep_intern(&g->keys, key, sizeof key) : 0;
    if (!id || id <= g->n)
        return id;
    if (!seep_grow(&g->at, &g->capacity, g->n + 1, sizeof *g->at))
        return 0;
    g->at[g->n] = *node;
    g->at[g->n].parent = parent;
    g->at[g->n].depth = parent ? g->at[parent - 1].depth + 1 : 0;
    g->n++;
    return id;
}

static bool add_row(struct seep_stacks_doc *doc, struct growing *g,
                    const struct seep_stacks_row *row, const struct seep_stacks_path *path,
                    bool callers)
{
    struct seep_buf name = { 0 };
    int64_t bytes = seep_stacks_bytes(doc, row), count = seep_stacks_count(doc, row);
    struct seep_stacks_tree_node node = { .frame = UINT32_MAX, .process = row->process };
    seep_stacks_process_name(doc, row->process, &name);
    uint32_t at = child_of(g, 0, name.data, name.len, &node);
    for (size_t i = 0; at && i <= path->n; i++) {
        g->at[at - 1].bytes += bytes;
        g->at[at - 1].count += count;
        if (i == path->n)
            break;
        node.frame = path->at[callers ? i : path->n - 1 - i];
        seep_buf_reset(&name);
        seep_stacks_full_name(&doc->frames[node.frame], &name);
        at = child_of(g, at, seep_buf_text(&name), name.len, &node);
    }
    bool ok = at && !name.failed;
    seep_buf_clear(&name);
    return ok;
}

struct sibling {
    uint32_t parent, index;
    int64_t weight;
};

// Siblings stand together, the lightest first: they are taken from the end.
static int by_parent(const void *left, const void *right)
{
    const struct sibling *a = left, *b = right;
    if (a->parent != b->parent)
        return a->parent < b->parent ? -1 : 1;
    if (a->weight != b->weight)
        return a->weight < b->weight ? -1 : 1;
    return (a->index < b->index) - (a->index > b->index);
}

// Puts the nodes so that each is followed by what is below it.
static bool order(const struct seep_stacks_doc *doc, struct growing *g,
                  struct seep_stacks_tree *tree)
{
    struct sibling *all = seep_alloc(g->n + 1, sizeof *all);
    size_t *first = seep_alloc(g->n + 2, sizeof *first);
    uint32_t *stack = seep_alloc(g->n + 1, sizeof *stack);
    uint32_t *place = seep_alloc(g->n + 1, sizeof *place); // by old index + 1: new index + 1
    struct seep_stacks_tree_node *out = seep_alloc(g->n + 1, sizeof *out);
    bool ok = all && first && stack && place && out;
    size_t n_stack = 0, n = 0;
    for (size_t i = 0; ok && i < g->n; i++)
        all[i] = (struct sibling){ g->at[i].parent, (uint32_t)i,
                                   doc->options.by_count ? g->at[i].count : g->at[i].bytes };
    if (ok && g->n)
        qsort(all, g->n, sizeof *all, by_parent);
    for (size_t i = 0, parent = 0; ok && parent <= g->n; parent++) {
        first[parent] = i;
        while (i < g->n && all[i].parent == parent)
            i++;
        first[parent + 1] = i;
    }
    for (size_t i = 0; ok && i < first[1]; i++)
        stack[n_stack++] = all[i].index;
    while (ok && n_stack) {
        uint32_t index = stack[--n_stack];
        out[n] = g->at[index];
        out[n].parent = out[n].parent ? place[out[n].parent] : 0;
        place[index + 1 <= g->n ? index + 1 : 0] = (uint32_t)++n;
        for (size_t i = first[index + 1]; i < first[index + 2]; i++)
            stack[n_stack++] = all[i].index;
    }
    seep_free(all);
    seep_free(first);
    seep_free(stack);
    seep_free(place);
    if (!ok)
        seep_free(out);
    else
        *tree = (struct seep_stacks_tree){ out, n };
    return ok;
}

bool seep_stacks_tree(struct seep_stacks_doc *doc, bool callers, struct seep_stacks_tree *tree)
{
    struct growing g = { 0 };
    struct seep_stacks_path path = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && i < doc->n_rows; i++)
        ok = seep_stacks_path(doc, &doc->rows[i], &path) &&
             add_row(doc, &g, &doc->rows[i], &path, callers);
    ok = ok && order(doc, &g, tree);
    seep_stacks_path_clear(&path);
    seep_intern_clear(&g.keys);
    seep_intern_clear(&g.names);
    seep_free(g.at);
    return ok;
}

void seep_stacks_tree_clear(struct seep_stacks_tree *tree)
{
    seep_free(tree->at);
    *tree = (struct seep_stacks_tree){ .n = 0 };
}

// A name in a line of folded stacks: ';' parts frames, the line ends with a number.
static void add_folded(struct seep_buf *line, const char *name)
{
    size_t from = line->len;
    seep_plain_add(line, name, 0);
    for (size_t i = from; !line->failed && i < line->len; i++) {
        if (line->data[i] == ';')
            line->data[i] = ':';
    }
}

// A line "process;outermost;...;innermost NUMBER" a row that holds more than nothing: the form that
// flame graph programs read. What shrank in a difference is left out.
bool seep_stacks_folded(struct seep_stacks_doc *doc, FILE *out)
{
    struct seep_stacks_path path = { 0 };
    struct seep_buf line = { 0 }, name = { 0 };
    size_t n = doc->options.top && doc->options.top < doc->n_rows ? doc->options.top : doc->n_rows;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const struct seep_stacks_row *row = &doc->rows[i];
        int64_t weight =
            doc->options.by_count ? seep_stacks_count(doc, row) : seep_stacks_bytes(doc, row);
        if (weight <= 0)
            continue;
        ok = seep_stacks_path(doc, row, &path);
        seep_buf_reset(&line);
        seep_buf_reset(&name);
        seep_stacks_process_name(doc, row->process, &name);
        add_folded(&line, seep_buf_text(&name));
        for (size_t k = ok ? path.n : 0; k-- > 0;) {
            seep_buf_reset(&name);
            seep_stacks_full_name(&doc->frames[path.at[k]], &name);
            seep_buf_addc(&line, ';');
            add_folded(&line, seep_buf_text(&name));
        }
        seep_buf_addf(&line, " %" PRId64 "\n", weight);
        ok = ok && !line.failed && !name.failed && fwrite(line.data, 1, line.len, out) == line.len;
    }
    seep_stacks_path_clear(&path);
    seep_buf_clear(&line);
    seep_buf_clear(&name);
    return ok && fflush(out) == 0;
}
