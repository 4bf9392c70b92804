// SPDX-License-Identifier: MIT
// The fact *stack*: call stacks as one tree, because most of them share most of their outer frames.
//
// A node is a frame and the node of its caller; the outermost frame has parent 0. A stack is named
// by its innermost node. Equal paths are one node, so equal stacks have equal ids.
#ifndef SEEP_MODEL_STACK_H
#define SEEP_MODEL_STACK_H

#include "base/arena.h"
#include "model/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One frame. It is known by its address, or, where a log was symbolized by its writer, by a text
// alone ("BatteryMeter!CBatteryMeterDlg::OnTimer+0x2F"), then `address` is 0.
struct seep_frame {
    uint64_t address;     // return address; 0 = only `text` is known
    uint64_t module_base; // of the module that held it at that moment; 0 = unknown
    const char *text;     // as the log gives it; NULL = none
};

struct seep_stack_node {
    struct seep_stack_id parent;
    uint32_t depth; // frames from the outermost on, this one included
    struct seep_frame frame;
};

// A zeroed struct is an empty tree. Memory is O(distinct nodes).
struct seep_stacks {
    struct seep_arena arena;
    struct seep_stack_node *nodes; // nodes[id - 1]
    size_t count, capacity;
    uint32_t *slots; // open addressing over (parent, address, text)
    size_t n_slots;  // a power of two
};

// The node of `frame` under `parent`, new or old; its text is copied. 0 only when memory is out.
struct seep_stack_id seep_stacks_add(struct seep_stacks *stacks, struct seep_stack_id parent,
                                     const struct seep_frame *frame);

// NULL for 0 and for ids never handed out.
const struct seep_stack_node *seep_stacks_node(const struct seep_stacks *stacks,
                                               struct seep_stack_id id);

void seep_stacks_clear(struct seep_stacks *stacks);

#endif
