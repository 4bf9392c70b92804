// SPDX-License-Identifier: MIT
// Stacks of a trace: halves as events give them, and at the end the frames of both as one.
#include "source/etl/etl.h"

#include "base/alloc.h"

#include <string.h>

// Frames of a half that are kept: Windows walks at most 192 (EtwpMaxStackFrames is not documented;
// no trace has shown more), so a longer one is not a stack.
enum { MAX_FRAMES = 1024 };

bool etl_is_kernel(uint64_t address, unsigned address_bytes)
{
    // Of a 32-bit system with /3GB the upper gigabyte is the kernel's; nobody traces leaks there
    // with user code above 2 GB.
    return address_bytes == 8 ? address >= UINT64_C(0xffff800000000000)
                              : address >= UINT64_C(0x80000000);
}

void etl_stacks_clear(struct etl_stacks *stacks)
{
    seep_arena_clear(&stacks->arena);
    seep_free(stacks->parts);
    seep_free(stacks->slots);
    seep_free(stacks->waiting);
    seep_free(stacks->pairs);
    seep_free(stacks->pair_slots);
    seep_intern_clear(&stacks->keys);
}

static uint64_t hash_part(const uint8_t *bytes, size_t len, uint32_t process)
{
    return seep_hash(bytes, len) ^ (uint64_t)process * 0x9E3779B97F4A7C15u;
}

static bool grow_part_slots(struct etl_stacks *stacks)
{
    size_t n_slots = stacks->n_slots ? stacks->n_slots * 2 : 4096;
    uint32_t *slots = seep_alloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < stacks->n_slots; i++) {
        if (!stacks->slots[i])
            continue;
        const struct etl_part *part = &stacks->parts[stacks->slots[i] - 1];
        size_t at = (size_t)hash_part(part->bytes, part->n_bytes, part->process) & (n_slots - 1);
        while (slots[at])
            at = (at + 1) & (n_slots - 1);
        slots[at] = stacks->slots[i];
    }
    seep_free(stacks->slots);
    stacks->slots = slots;
    stacks->n_slots = n_slots;
    return true;
}

static bool add_part(struct etl_stacks *stacks, const struct etl_part *part, uint32_t *id)
{
    if (stacks->n_parts >= UINT32_MAX - 1 || !seep_grow(&stacks->parts, &stacks->parts_capacity,
                                                        stacks->n_parts + 1, sizeof *stacks->parts))
        return false;
    stacks->parts[stacks->n_parts++] = *part;
    *id = (uint32_t)stacks->n_parts;
    return true;
}

static struct seep_bytes frames_of(const struct seep_kernel_stack *stack)
{
    return seep_bytes_part(stack->addresses, 0, (size_t)MAX_FRAMES * stack->address_bytes);
}

bool etl_part_of(struct etl *etl, const struct seep_kernel_stack *stack, uint32_t process,
                 uint64_t clock, uint32_t *id)
{
    struct etl_stacks *stacks = &etl->stacks;
    struct seep_bytes frames = frames_of(stack);
    *id = 0;
    if (!frames.len)
        return true;
    // At most half of the slots are taken; parts without bytes take none.
    if (stacks->n_parts * 2 >= stacks->n_slots && !grow_part_slots(stacks))
        return false;
    size_t mask = stacks->n_slots - 1;
    size_t at = (size_t)hash_part(frames.data, frames.len, process) & mask;
    for (; stacks->slots[at]; at = (at + 1) & mask) {
        const struct etl_part *there = &stacks->parts[stacks->slots[at] - 1];
        if (there->n_bytes == frames.len && there->process == process &&
            memcmp(there->bytes, frames.data, frames.len) == 0) {
            *id = stacks->slots[at];
            return true;
        }
    }
    const uint8_t *kept =
        (const uint8_t *)seep_arena_strndup(&stacks->arena, (const char *)frames.data, frames.len);
    struct etl_part part = { .bytes = kept,
                             .n_bytes = (uint32_t)frames.len,
                             .process = process,
                             .clock = clock,
                             .address_bytes = stack->address_bytes };
    if (!kept || !add_part(stacks, &part, id))
        return false;
    stacks->slots[at] = *id;
    return true;
}

bool etl_part_of_key(struct etl *etl, uint64_t key, uint32_t process, uint64_t clock, uint32_t *id)
{
    struct etl_stacks *stacks = &etl->stacks;
    uint32_t known = seep_intern(&stacks->keys, &key, sizeof key);
    if (!known ||
        !seep_grow(&stacks->waiting, &stacks->waiting_capacity, known, sizeof *stacks->waiting))
        return false;
    stacks->n_references++;
    if (known > stacks->n_waiting)
        stacks->waiting[stacks->n_waiting++] = 0;
    // New, or let go: a part that the next definition of the key fills.
    if (!stacks->waiting[known - 1]) {
        struct etl_part part = { .process = process, .clock = clock };
        if (!add_part(stacks, &part, &stacks->waiting[known - 1]))
            return false;
    }
    *id = stacks->waiting[known - 1];
    return true;
}

bool etl_define_key(struct etl *etl, const struct seep_kernel_stack *stack, bool deleted)
{
    struct etl_stacks *stacks = &etl->stacks;
    struct seep_bytes frames = frames_of(stack);
    uint32_t known = seep_intern_find(&stacks->keys, &stack->key, sizeof stack->key);
    uint32_t id = known ? stacks->waiting[known - 1] : 0;
    if (!id)
        return true; // nobody has asked for it
    struct etl_part *part = &stacks->parts[id - 1];
    if (!part->bytes && frames.len) {
        part->bytes = (const uint8_t *)seep_arena_strndup(&stacks->arena, (const char *)frames.data,
                                                          frames.len);
        if (!part->bytes)
            return false;
        part->n_bytes = (uint32_t)frames.len;
        part->address_bytes = stack->address_bytes;
    }
    // Once deleted the key may come again for another stack.
    if (deleted)
        stacks->waiting[known - 1] = 0;
    return true;
}

// ---- pairs of halves

static uint64_t hash_pair(uint32_t kernel, uint32_t user)
{
    uint64_t x = ((uint64_t)kernel << 32 | user) * 0x9E3779B97F4A7C15u;
    return x ^ x >> 29;
}

static bool grow_pair_slots(struct etl_stacks *stacks)
{
    size_t n_slots = stacks->n_pair_slots ? stacks->n_pair_slots * 2 : 4096;
    uint32_t *slots = seep_alloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < stacks->n_pairs; i++) {
        size_t at =
            (size_t)hash_pair(stacks->pairs[i].kernel, stacks->pairs[i].user) & (n_slots - 1);
        while (slots[at])
            at = (at + 1) & (n_slots - 1);
        slots[at] = (uint32_t)(i + 1);
    }
    seep_free(stacks->pair_slots);
    stacks->pair_slots = slots;
    stacks->n_pair_slots = n_slots;
    return true;
}

bool etl_pair_of(struct etl *etl, uint32_t kernel, uint32_t user, struct seep_stack_id *id)
{
    struct etl_stacks *stacks = &etl->stacks;
    id->v = 0;
    if (!kernel && !user)
        return true;
    if (stacks->n_pairs * 2 >= stacks->n_pair_slots && !grow_pair_slots(stacks))
        return false;
    size_t mask = stacks->n_pair_slots - 1, at = (size_t)hash_pair(kernel, user) & mask;
    for (; stacks->pair_slots[at]; at = (at + 1) & mask) {
        const struct etl_pair *there = &stacks->pairs[stacks->pair_slots[at] - 1];
        if (there->kernel == kernel && there->user == user) {
            id->v = stacks->pair_slots[at];
            return true;
        }
    }
    if (stacks->n_pairs >= UINT32_MAX - 1 || !seep_grow(&stacks->pairs, &stacks->pairs_capacity,
                                                        stacks->n_pairs + 1, sizeof *stacks->pairs))
        return false;
    stacks->pairs[stacks->n_pairs++] = (struct etl_pair){ .kernel = kernel, .user = user };
    id->v = stacks->pair_slots[at] = (uint32_t)stacks->n_pairs;
    return true;
}

// ---- resolving

// What stands for a frame in the fingerprint: the image's name and the offset, which are the same
// wherever the image was loaded; the address where no image is known.
static uint64_t mark_of(const struct etl_image *image, uint64_t address)
{
    if (!image)
        return address;
    const char *slash = strrchr(image->path, '\\');
    const char *name = slash ? slash + 1 : image->path;
    char lower[64];
    size_t n = 0;
    for (; name[n] && n < sizeof lower; n++)
        lower[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] - 'A' + 'a') : name[n];
    return seep_hash(lower, n) + (address - image->base);
}

// Adds the frames of a half, outermost first.
static bool resolve_part(struct etl *etl, uint32_t id, struct seep_stack_id *node,
                         uint64_t *fingerprint)
{
    if (!id)
        return true;
    const struct etl_part part = etl->stacks.parts[id - 1];
    if (!part.bytes) {
        etl->stacks.n_undefined++;
        return true;
    }
    for (size_t i = part.n_bytes / part.address_bytes; i-- > 0;) {
        const uint8_t *at = part.bytes + i * part.address_bytes;
        uint64_t address = part.address_bytes == 8 ? seep_le64(at) : seep_le32(at);
        uint32_t process = etl_is_kernel(address, part.address_bytes) ? 0 : part.process;
        const struct etl_image *image = etl_image_at(etl, process, address, part.clock);
        struct seep_frame frame = { .address = address, .module_base = image ? image->base : 0 };
        if (!seep_sink_stack(etl->sink, *node, &frame, node))
            return false;
        uint64_t mixed[2] = { *fingerprint, mark_of(image, address) };
        *fingerprint = seep_hash(mixed, sizeof mixed);
    }
    return true;
}

// Takes the frames of a pair from what the trace may have: one long half under many short ones
// would give a tree that is many times the trace.
static bool may_resolve(struct etl_stacks *stacks, const struct etl_pair *pair)
{
    const uint32_t ids[] = { pair->user, pair->kernel };
    uint64_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct etl_part *part = ids[i] ? &stacks->parts[ids[i] - 1] : NULL;
        n += part && part->bytes ? part->n_bytes / part->address_bytes : 0;
    }
    if (n > stacks->max_frames - stacks->n_frames) {
        stacks->n_cut++;
        return false;
    }
    stacks->n_frames += n;
    return true;
}

bool etl_resolve(struct etl *etl, struct seep_stack_id fed, struct seep_stack_id *id,
                 uint64_t *fingerprint)
{
    struct etl_pair *pair = &etl->stacks.pairs[fed.v - 1];
    if (!pair->resolved) {
        if (may_resolve(&etl->stacks, pair) &&
            (!resolve_part(etl, pair->user, &pair->id, &pair->fingerprint) ||
             !resolve_part(etl, pair->kernel, &pair->id, &pair->fingerprint)))
            return false;
        pair->resolved = true;
    }
    *id = pair->id;
    *fingerprint = pair->fingerprint;
    return true;
}
