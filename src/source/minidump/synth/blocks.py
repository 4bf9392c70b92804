# SPDX-License-Identifier: MIT
"""Heap blocks as a test wants them: what each is, what it points to, and which are unreachable."""


class Block:
    """One allocation. `size` is what the program asked for."""

    def __init__(self, heap, address, size, kind=None):
        self.heap, self.address, self.size, self.kind = heap, address, size, kind
        self.busy = True
        self.points_to = []

    def fill(self, space, vtable=None):
        """Content that looks like no pointer, behind the pointer to the vtable if it has one."""
        text = b'seep%08x' % (self.size * 2654435761 % 2**32)
        body = (text * (self.size // len(text) + 1))[:self.size]
        # The letters of a text never make an address: their upper bytes are too high for x64 and
        # beyond user space on x86 because of the first bit.
        body = bytes(c | 0x80 for c in body[:0x400])  # a large block goes on with zeros
        space.write(self.address, body)
        if vtable is not None:
            space.put('P', self.address, vtable)


class Owner:
    """What a heap has in common with the other kind: its blocks."""

    def __init__(self, space, name):
        self.space, self.name = space, name
        self.blocks = []

    def alloc(self, size, kind=None):
        """A block of `size` bytes; `kind` is a C++ class with a vtable, or None."""
        address = self.place(size)
        block = Block(self, address, size, kind)
        self.blocks.append(block)
        block.fill(self.space, kind.vtable if kind else None)
        return block

    def free(self, block):
        block.busy = False
        self.release(block)


def point(source, offset, target, inside=0):
    """Stores a pointer to `target` (+ inside) at `source` + offset."""
    source.heap.space.put('P', source.address + offset, target.address + inside)
    source.points_to.append(target)


def reachable(roots):
    """The busy blocks that the roots lead to."""
    seen, todo = set(), [b for b in roots if b.busy]
    while todo:
        block = todo.pop()
        if block in seen:
            continue
        seen.add(block)
        todo += [b for b in block.points_to if b.busy]
    return seen


def group(blocks, key):
    """[(key, blocks, bytes)], the most bytes first."""
    sums = {}
    for block in blocks:
        n, size = sums.get(key(block), (0, 0))
        sums[key(block)] = (n + 1, size + block.size)
    return sorted(((k, n, size) for k, (n, size) in sums.items()),
                  key=lambda row: (-row[2], str(row[0])))
