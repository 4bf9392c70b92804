// SPDX-License-Identifier: MIT
// The blocks of a triage dump: freed with the memory that they are.
#ifndef SEEP_MEMORY_KERNEL_TRIAGE_H
#define SEEP_MEMORY_KERNEL_TRIAGE_H

struct seep_physical_blocks;

void seep_triage_blocks_free(struct seep_physical_blocks *blocks);

#endif
