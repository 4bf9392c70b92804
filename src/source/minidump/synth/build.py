# SPDX-License-Identifier: MIT
"""Bytes with labels: numbers that are not known yet are patched when they are.

    b = Bytes()
    rva = Label()
    b.u32(rva)          # filled in later
    b.here(rva)         # ... with this offset
    b.bytes()
"""

import struct


class Label:
    """A number that becomes known later; `label + 4` and `label - other` are labels too."""

    def __init__(self, value=None):
        self.value = value

    def get(self):
        if self.value is None:
            raise ValueError('a label was used but never set')
        return self.value

    def __add__(self, other):
        return Sum(self, other, 1)

    def __sub__(self, other):
        return Sum(self, other, -1)


class Sum(Label):
    def __init__(self, left, right, sign):
        super().__init__()
        self.left, self.right, self.sign = left, right, sign

    def get(self):
        right = self.right.get() if isinstance(self.right, Label) else self.right
        return self.left.get() + self.sign * right


class Bytes:
    """Little-endian bytes that grow at their end."""

    def __init__(self):
        self.data = bytearray()
        self.patches = []  # (offset, format, label)

    def __len__(self):
        return len(self.data)

    def raw(self, data):
        self.data += data
        return self

    def zeros(self, n):
        return self.raw(bytes(n))

    def align(self, n, fill=b'\0'):
        while len(self.data) % n:
            self.data += fill
        return self

    def number(self, fmt, value):
        if isinstance(value, Label):
            self.patches.append((len(self.data), fmt, value))
            value = 0
        return self.raw(struct.pack('<' + fmt, value))

    def u8(self, *values):
        return self.all('B', values)

    def u16(self, *values):
        return self.all('H', values)

    def u32(self, *values):
        return self.all('I', values)

    def u64(self, *values):
        return self.all('Q', values)

    def all(self, fmt, values):
        for value in values:
            self.number(fmt, value)
        return self

    def here(self, label):
        label.value = len(self.data)
        return self

    def bytes(self):
        out = bytearray(self.data)
        for offset, fmt, label in self.patches:
            struct.pack_into('<' + fmt, out, offset, label.get())
        return bytes(out)
