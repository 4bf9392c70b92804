// SPDX-License-Identifier: MIT
// What an object's header says (_OBJECT_HEADER of the public symbols).
#include "kernel/process.h"

enum { BODY_64 = 0x30, BODY_32 = 0x18 };

// _OBJECT_HEADER ends with the first 8 bytes of the body; whether a layout counts them or not, it
// is told by the alignment of what comes before.
static uint32_t body_offset(const struct seep_kernel *kernel)
{
    uint32_t size = kernel->layout.object_header.size;
    bool wide = seep_kernel_pointer_bytes(kernel) == 8;
    if (size == SEEP_KERNEL_NO_OFFSET || size < 8 || size > 256)
        return wide ? BODY_64 : BODY_32;
    if (wide)
        return size % 16 == 8 ? size - 8 : size;
    return size % 16 == 0 ? size - 8 : size;
}

uint64_t seep_kernel_header_of(const struct seep_kernel *kernel, uint64_t body)
{
    uint32_t offset = body_offset(kernel);
    return body > offset ? body - offset : 0;
}

uint64_t seep_kernel_body_of(const struct seep_kernel *kernel, uint64_t header)
{
    uint32_t offset = body_offset(kernel);
    return header && offset <= UINT64_MAX - header ? header + offset : 0;
}

// A count that is kept signed; UINT64_MAX where it is not held or negative.
static uint64_t count_of(const struct seep_kernel *kernel, uint64_t header, uint32_t offset)
{
    unsigned bytes = seep_kernel_pointer_bytes(kernel);
    uint64_t value;
    if (!seep_kernel_member(kernel, header, offset, bytes, &value))
        return UINT64_MAX;
    return value >> (bytes * 8 - 1) ? UINT64_MAX : value;
}

bool seep_kernel_read_object(const struct seep_kernel *kernel, uint64_t header,
                             struct seep_kernel_object *object)
{
    const struct seep_kernel_layout *l = &kernel->layout;
    uint64_t type, cookie = 0, body = seep_kernel_body_of(kernel, header);
    if (!body || !seep_kernel_member(kernel, header, l->object_header.type_index, 1, &type))
        return false;
    bool decoded = true;
    if (l->type_index_encoded) {
        decoded = seep_kernel_member(kernel, kernel->symbols.object_header_cookie, 0, 1, &cookie);
        type ^= cookie ^ (header >> 8 & 0xff);
    }
    *object = (struct seep_kernel_object){
        .body = body,
        .type_index = decoded ? (uint8_t)type : 0,
        .n_pointers = count_of(kernel, header, l->object_header.pointer_count),
        .n_handles = count_of(kernel, header, l->object_header.handle_count),
    };
    return true;
}
