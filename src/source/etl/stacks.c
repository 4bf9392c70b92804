// SPDX-License-Identifier: MIT
// Stacks of a trace: halves as events give them, and at the end the frames of both as one.
#include "source/etl/etl.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <inttypes.h>
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
    seep_free(stacks->heads);
    seep_free(stacks->uses);
    seep_free(stacks->pairs);
    seep_free(stacks->pair_slots);
    seep_intern_clear(&stacks->keys);
    seep_intern_clear(&stacks->users);
}

// ---- parts

// What lies before the frames of a part, so that one look tells whose they are.
struct part_head {
    uint32_t n_bytes, process, epoch, unused;
};

static uint64_t turn(uint64_t x)
{
    return x << 31 | x >> 33;
}

// Four lanes, so that the processor need not wait for one product after another: a stack is hashed
// for every event.
static uint32_t hash_part(struct seep_bytes frames, const struct part_head *head)
{
    const uint64_t k = 0x9E3779B97F4A7C15u;
    uint64_t a = head->process, b = head->epoch, c = frames.len, d = k;
    const uint8_t *p = frames.data;
    size_t n = frames.len;
    for (; n >= 32; p += 32, n -= 32) {
        a = turn((a ^ seep_le64(p)) * k);
        b = turn((b ^ seep_le64(p + 8)) * k);
        c = turn((c ^ seep_le64(p + 16)) * k);
        d = turn((d ^ seep_le64(p + 24)) * k);
    }
    for (; n >= 4; p += 4, n -= 4)
        a = turn((a ^ seep_le32(p)) * k);
    uint64_t x = (a ^ turn(b)) * k + (c ^ turn(d)) * (k + 2);
    x = (x ^ x >> 32) * 0xBF58476D1CE4E5B9u;
    return (uint32_t)(x >> 32);
}

static bool grow_part_slots(struct etl_stacks *stacks)
{
    size_t n_slots = stacks->n_slots ? stacks->n_slots * 2 : 4096, mask = n_slots - 1;
    struct etl_part_slot *slots = seep_alloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < stacks->n_slots; i++) {
        if (!stacks->slots[i].bytes)
            continue;
        size_t at = stacks->slots[i].hash & mask;
        while (slots[at].bytes)
            at = (at + 1) & mask;
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

// The slot of frames, with an id where they are known. A new one has its bytes, and the caller
// gives it an id. NULL when memory is out.
static struct etl_part_slot *slot_of(struct etl_stacks *stacks, struct seep_bytes frames,
                                     uint32_t process, uint32_t epoch)
{
    struct part_head head = { (uint32_t)frames.len, process, epoch, 0 };
    if (stacks->n_taken * 2 >= stacks->n_slots && !grow_part_slots(stacks))
        return NULL;
    uint32_t hash = hash_part(frames, &head);
    size_t mask = stacks->n_slots - 1, at = hash & mask;
    for (; stacks->slots[at].bytes; at = (at + 1) & mask) {
        const struct etl_part_slot *there = &stacks->slots[at];
        if (there->hash == hash && memcmp(there->bytes - sizeof head, &head, sizeof head) == 0 &&
            memcmp(there->bytes, frames.data, frames.len) == 0)
            return &stacks->slots[at];
    }
    uint8_t *kept = seep_arena_alloc(&stacks->arena, 1, sizeof head + frames.len);
    if (!kept)
        return NULL;
    memcpy(kept, &head, sizeof head);
    memcpy(kept + sizeof head, frames.data, frames.len);
    stacks->n_taken++;
    stacks->slots[at] = (struct etl_part_slot){ .bytes = kept + sizeof head, .hash = hash };
    return &stacks->slots[at];
}

bool etl_part_of(struct etl *etl, const struct seep_kernel_stack *stack, uint32_t process,
                 uint64_t clock, uint32_t *id)
{
    struct etl_stacks *stacks = &etl->stacks;
    struct seep_bytes frames = frames_of(stack);
    uint32_t epoch = etl->processes.at[process].epoch;
    *id = 0;
    if (!frames.len)
        return true;
    struct etl_part_slot *slot = slot_of(stacks, frames, process, epoch);
    if (!slot)
        return false;
    if (!slot->id) {
        struct etl_part part = { .bytes = slot->bytes,
                                 .n_bytes = (uint32_t)frames.len,
                                 .process = process,
                                 .epoch = epoch,
                                 .clock = clock,
                                 .address_bytes = stack->address_bytes };
        if (!add_part(stacks, &part, &slot->id))
            return false;
    }
    *id = slot->id;
    return true;
}

// ---- keys

bool etl_part_of_key(struct etl *etl, uint64_t key, uint32_t process, uint64_t clock, uint32_t *id)
{
    struct etl_stacks *stacks = &etl->stacks;
    uint64_t user[2] = { key, process };
    uint32_t use = seep_intern(&stacks->users, user, sizeof user);
    if (!use || !seep_grow(&stacks->uses, &stacks->uses_capacity, use, sizeof *stacks->uses))
        return false;
    if (use > stacks->n_uses)
        stacks->uses[stacks->n_uses++] = (struct etl_use){ 0 };
    struct etl_use *mine = &stacks->uses[use - 1];
    // New, or let go: a part that the next definition of the key fills.
    if (!mine->part) {
        struct etl_part part = { .process = process,
                                 .epoch = etl->processes.at[process].epoch,
                                 .clock = clock };
        uint32_t known = seep_intern(&stacks->keys, &key, sizeof key);
        if (!known ||
            !seep_grow(&stacks->heads, &stacks->heads_capacity, known, sizeof *stacks->heads) ||
            !add_part(stacks, &part, &mine->part))
            return false;
        if (known > stacks->n_heads)
            stacks->heads[stacks->n_heads++] = 0;
        mine->next = stacks->heads[known - 1];
        stacks->heads[known - 1] = use;
    }
    *id = mine->part;
    return true;
}

static bool define_part(struct etl_stacks *stacks, uint32_t id, struct seep_bytes frames,
                        uint8_t address_bytes)
{
    struct etl_part *part = &stacks->parts[id - 1];
    if (part->bytes || !frames.len)
        return true;
    struct etl_part_slot *slot = slot_of(stacks, frames, part->process, part->epoch);
    if (!slot)
        return false;
    part->bytes = slot->bytes;
    part->n_bytes = (uint32_t)frames.len;
    part->address_bytes = address_bytes;
    if (!slot->id) {
        slot->id = id;
    } else {
        part->same_as = slot->id;
        stacks->n_same++;
    }
    return true;
}

bool etl_define_key(struct etl *etl, const struct seep_kernel_stack *stack, bool deleted)
{
    struct etl_stacks *stacks = &etl->stacks;
    uint32_t known = seep_intern_find(&stacks->keys, &stack->key, sizeof stack->key);
    for (uint32_t at = known ? stacks->heads[known - 1] : 0; at;) {
        struct etl_use *use = &stacks->uses[at - 1];
        if (!define_part(stacks, use->part, frames_of(stack), stack->address_bytes))
            return false;
        at = use->next;
        // Once deleted the key may come again for another stack.
        if (deleted)
            *use = (struct etl_use){ 0 };
    }
    if (known && deleted)
        stacks->heads[known - 1] = 0;
    return true;
}

// ---- whole stacks

static uint64_t hash_pair(const struct etl_pair *pair)
{
    uint64_t x = ((uint64_t)pair->kernel << 32 | pair->user) * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 29 ^ pair->more) * 0xBF58476D1CE4E5B9u;
    return x ^ x >> 32;
}

static bool grow_pair_slots(struct etl_stacks *stacks)
{
    size_t n_slots = stacks->n_pair_slots ? stacks->n_pair_slots * 2 : 4096, mask = n_slots - 1;
    uint32_t *slots = seep_alloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < stacks->n_pairs; i++) {
        size_t at = (size_t)hash_pair(&stacks->pairs[i]) & mask;
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = (uint32_t)(i + 1);
    }
    seep_free(stacks->pair_slots);
    stacks->pair_slots = slots;
    stacks->n_pair_slots = n_slots;
    return true;
}

static bool intern_pair(struct etl_stacks *stacks, const struct etl_pair *pair, uint32_t *id)
{
    if (stacks->n_pairs * 2 >= stacks->n_pair_slots && !grow_pair_slots(stacks))
        return false;
    size_t mask = stacks->n_pair_slots - 1, at = (size_t)hash_pair(pair) & mask;
    for (; stacks->pair_slots[at]; at = (at + 1) & mask) {
        const struct etl_pair *there = &stacks->pairs[stacks->pair_slots[at] - 1];
        if (there->kernel == pair->kernel && there->user == pair->user &&
            there->more == pair->more) {
            *id = stacks->pair_slots[at];
            return true;
        }
    }
    if (stacks->n_pairs >= UINT32_MAX - 1 || !seep_grow(&stacks->pairs, &stacks->pairs_capacity,
                                                        stacks->n_pairs + 1, sizeof *stacks->pairs))
        return false;
    stacks->pairs[stacks->n_pairs++] = *pair;
    *id = stacks->pair_slots[at] = (uint32_t)stacks->n_pairs;
    return true;
}

// The part that stands for another, or itself.
static uint32_t itself(const struct etl_stacks *stacks, uint32_t id)
{
    return id && stacks->parts[id - 1].same_as ? stacks->parts[id - 1].same_as : id;
}

bool etl_pair_of(struct etl *etl, const struct etl_op *op, uint32_t *id)
{
    struct etl_stacks *stacks = &etl->stacks;
    *id = 0;
    if (!op->kernel && !op->user && !op->more)
        return true;
    struct etl_pair pair = { .kernel = itself(stacks, op->kernel),
                             .user = itself(stacks, op->user),
                             .more = itself(stacks, op->more) };
    if (pair.kernel || pair.more)
        return intern_pair(stacks, &pair, id);
    uint32_t *alone = &stacks->parts[pair.user - 1].alone;
    if (!*alone && !intern_pair(stacks, &pair, alone))
        return false;
    *id = *alone;
    return true;
}

// ---- compaction

// Numbers the parts that stand for themselves anew: map[id - 1] is the new id of each part, for one
// that stands for another that of the other.
static void renumber_parts(struct etl_stacks *stacks, uint32_t *map)
{
    uint32_t n = 0;
    for (size_t i = 0; i < stacks->n_parts; i++) {
        if (!stacks->parts[i].same_as)
            map[i] = ++n;
    }
    for (size_t i = 0; i < stacks->n_parts; i++) {
        if (stacks->parts[i].same_as)
            map[i] = map[stacks->parts[i].same_as - 1];
    }
    for (size_t i = 0; i < stacks->n_parts; i++) {
        if (stacks->parts[i].same_as)
            continue;
        stacks->parts[i].alone = 0;
        stacks->parts[map[i] - 1] = stacks->parts[i];
    }
    stacks->n_parts = n;
    stacks->n_same = 0;
    for (size_t i = 0; i < stacks->n_slots; i++) {
        if (stacks->slots[i].bytes)
            stacks->slots[i].id = map[stacks->slots[i].id - 1];
    }
    for (size_t i = 0; i < stacks->n_uses; i++) {
        if (stacks->uses[i].part)
            stacks->uses[i].part = map[stacks->uses[i].part - 1];
    }
}

static void renumber(uint32_t *id, const uint32_t *map)
{
    if (*id)
        *id = map[*id - 1];
}

// The same of pairs, many of which may have become one.
static bool renumber_pairs(struct etl_stacks *stacks, const uint32_t *part_map, uint32_t *map)
{
    size_t n = stacks->n_pairs;
    memset(stacks->pair_slots, 0, stacks->n_pair_slots * sizeof *stacks->pair_slots);
    stacks->n_pairs = 0;
    for (size_t i = 0; i < n; i++) {
        struct etl_pair pair = stacks->pairs[i];
        renumber(&pair.kernel, part_map);
        renumber(&pair.user, part_map);
        renumber(&pair.more, part_map);
        if (!intern_pair(stacks, &pair, &map[i]))
            return false;
    }
    return true;
}

bool etl_stacks_compact(struct etl *etl)
{
    enum { FEW = 1 << 14 };
    struct etl_stacks *stacks = &etl->stacks;
    struct etl_queue *queue = &etl->queue;
    if (stacks->n_same < FEW || stacks->n_same < stacks->n_parts / 2)
        return true;
    uint32_t *parts = seep_alloc(stacks->n_parts, sizeof *parts);
    uint32_t *pairs = seep_alloc(stacks->n_pairs, sizeof *pairs);
    bool ok = parts && pairs && etl_pairer_drain(&etl->pairer);
    if (ok) {
        size_t n_pairs = stacks->n_pairs;
        renumber_parts(stacks, parts);
        for (uint64_t i = queue->tail; i <= queue->head; i++) {
            struct etl_op *op = &queue->ring[i % ETL_QUEUE];
            renumber(&op->kernel, parts);
            renumber(&op->user, parts);
            renumber(&op->more, parts);
        }
        ok = renumber_pairs(stacks, parts, pairs) &&
             seep_pairing_renumber(etl->pairer.pairing, pairs, n_pairs);
    }
    seep_free(parts);
    seep_free(pairs);
    return ok;
}

// ---- resolving

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '\\');
    return slash ? slash + 1 : path;
}

// What stands for a frame in the fingerprint: the image's name and the offset, which are the same
// wherever the image was loaded; the address where no image is known.
static uint64_t mark_of(const struct etl_image *image, uint64_t address)
{
    if (!image)
        return address;
    const char *name = file_name(image->path);
    char lower[64];
    size_t n = 0;
    for (; name[n] && n < sizeof lower; n++)
        lower[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] - 'A' + 'a') : name[n];
    return seep_hash(lower, n) + (address - image->base);
}

// Adds the frames of a half, outermost first. Modules are looked up in the process of the site, so
// there are frames that are told by their text, so that nobody looks them up in the wrong one:
// those of another process (who duplicates a handle, or makes one for the kernel), and those in an
// image that was there before another came to its place, of which only the last is told.
static bool resolve_part(struct etl *etl, uint32_t id, uint32_t of, struct etl_resolved *to)
{
    if (!id)
        return true;
    const struct etl_part part = etl->stacks.parts[id - 1];
    struct seep_buf text = { 0 };
    bool ok = true;
    if (!part.bytes) {
        etl->stacks.n_undefined++;
        return true;
    }
    for (size_t i = part.n_bytes / part.address_bytes; ok && i-- > 0;) {
        const uint8_t *at = part.bytes + i * part.address_bytes;
        uint64_t address = part.address_bytes == 8 ? seep_le64(at) : seep_le32(at);
        uint32_t process = etl_is_kernel(address, part.address_bytes) ? 0 : part.process;
        const struct etl_image *image = etl_image_at(etl, process, address, part.clock);
        struct seep_frame frame = { .address = address, .module_base = image ? image->base : 0 };
        uint64_t mixed[2] = { to->fingerprint, mark_of(image, address) };
        to->fingerprint = seep_hash(mixed, sizeof mixed);
        if (image && (image->superseded || (process && process != of))) {
            seep_buf_clear(&text);
            seep_buf_addf(&text, "%s+0x%" PRIx64, file_name(image->path), address - image->base);
            frame = (struct seep_frame){ .text = seep_buf_text(&text) };
        }
        ok = seep_sink_stack(etl->sink, to->id, &frame, &to->id);
    }
    seep_buf_clear(&text);
    return ok;
}

static bool is_of(const struct etl_stacks *stacks, uint32_t part, uint32_t process)
{
    return !part || stacks->parts[part - 1].process == process;
}

// Takes the frames of a pair from what the trace may have: one long half under many short ones
// would give a tree that is many times the trace.
static bool may_resolve(struct etl_stacks *stacks, const struct etl_pair *pair)
{
    const uint32_t ids[] = { pair->more, pair->user, pair->kernel };
    uint64_t n = 0;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
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

bool etl_resolve(struct etl *etl, uint32_t of, struct seep_stack_id fed, struct seep_stack_id *id,
                 uint64_t *fingerprint)
{
    struct etl_pair *pair = &etl->stacks.pairs[fed.v - 1];
    bool own = is_of(&etl->stacks, pair->user, of) && is_of(&etl->stacks, pair->more, of);
    struct etl_resolved *to = &pair->resolved[own ? 0 : 1];
    if (!to->done) {
        if (may_resolve(&etl->stacks, pair) &&
            (!resolve_part(etl, pair->more, of, to) || !resolve_part(etl, pair->user, of, to) ||
             !resolve_part(etl, pair->kernel, of, to)))
            return false;
        to->done = true;
    }
    *id = to->id;
    *fingerprint = to->fingerprint;
    return true;
}
