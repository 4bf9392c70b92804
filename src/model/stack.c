// SPDX-License-Identifier: MIT
// The tree of stacks: interned nodes.
#include "model/stack.h"

#include "base/alloc.h"
#include "base/intern.h"

#include <string.h>

static uint64_t node_hash(struct seep_stack_id parent, const struct seep_frame *frame)
{
    uint64_t mixed = frame->address ^ (uint64_t)parent.v * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 32) * 0x94D049BB133111EBu;
    if (frame->text)
        mixed ^= seep_hash(frame->text, strlen(frame->text));
    return mixed ^ mixed >> 31;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same(const struct seep_stack_node *node, struct seep_stack_id parent,
                 const struct seep_frame *frame)
{
    return node->parent.v == parent.v && node->frame.address == frame->address &&
           node->frame.module_base == frame->module_base &&
           same_text(node->frame.text, frame->text);
}

// Doubles the slots and puts every node in again.
static bool rehash(struct seep_stacks *stacks)
{
    size_t n_slots = stacks->n_slots ? stacks->n_slots * 2 : 1024;
    uint32_t *slots = seep_alloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < stacks->count; i++) {
        const struct seep_stack_node *node = &stacks->nodes[i];
        size_t slot = (size_t)node_hash(node->parent, &node->frame) & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = (uint32_t)(i + 1);
    }
    seep_free(stacks->slots);
    stacks->slots = slots;
    stacks->n_slots = n_slots;
    return true;
}

struct seep_stack_id seep_stacks_add(struct seep_stacks *stacks, struct seep_stack_id parent,
                                     const struct seep_frame *frame)
{
    const struct seep_stack_id none = { 0 };
    if (parent.v > stacks->count || stacks->count >= UINT32_MAX - 1)
        return none;
    if (stacks->count * 2 >= stacks->n_slots && !rehash(stacks))
        return none;
    size_t slot = (size_t)node_hash(parent, frame) & (stacks->n_slots - 1);
    for (; stacks->slots[slot]; slot = (slot + 1) & (stacks->n_slots - 1)) {
        if (same(&stacks->nodes[stacks->slots[slot] - 1], parent, frame))
            return (struct seep_stack_id){ stacks->slots[slot] };
    }
    struct seep_stack_node node = { .parent = parent, .frame = *frame };
    const struct seep_stack_node *above = seep_stacks_node(stacks, parent);
    node.depth = above ? above->depth + 1 : 1;
    if (frame->text) {
        node.frame.text = seep_arena_strndup(&stacks->arena, frame->text, strlen(frame->text));
        if (!node.frame.text)
            return none;
    }
    if (!seep_grow(&stacks->nodes, &stacks->capacity, stacks->count + 1, sizeof *stacks->nodes))
        return none;
    stacks->nodes[stacks->count++] = node;
    stacks->slots[slot] = (uint32_t)stacks->count;
    return (struct seep_stack_id){ (uint32_t)stacks->count };
}

const struct seep_stack_node *seep_stacks_node(const struct seep_stacks *stacks,
                                               struct seep_stack_id id)
{
    return id.v && id.v <= stacks->count ? &stacks->nodes[id.v - 1] : NULL;
}

void seep_stacks_clear(struct seep_stacks *stacks)
{
    seep_arena_clear(&stacks->arena);
    seep_free(stacks->nodes);
    seep_free(stacks->slots);
    *stacks = (struct seep_stacks){ 0 };
}
