# SPDX-License-Identifier: MIT
"""An encoder of LZX as cabinets use it, for tests: every kind of block, repeated distances, long
matches, translated CALL targets. Written after [MS-PATCH] 2; shares nothing with the decoder."""

import heapq

FRAME = 32768
SLOTS = {15: 30, 16: 32, 17: 34, 18: 36, 19: 38, 20: 42, 21: 50}
VERBATIM, ALIGNED, UNCOMPRESSED = 1, 2, 3


class Bits:
    """Bits into 16-bit little-endian words, the highest first."""

    def __init__(self):
        self.out = bytearray()
        self.value = self.count = 0

    def put(self, value, count):
        assert 0 <= value < 1 << count
        self.value = self.value << count | value
        self.count += count
        while self.count >= 16:
            self.count -= 16
            self.out += (self.value >> self.count & 0xffff).to_bytes(2, "little")
        self.value &= (1 << self.count) - 1

    def align(self):
        if self.count:
            self.put(0, 16 - self.count)

    def pad(self):
        """The padding before an uncompressed block: 1 to 16 bits."""
        self.put(0, 16 - self.count)

    def raw(self, data):
        assert self.count == 0
        self.out += data


def code_lengths(counts, limit):
    """Lengths of a Huffman code, none over `limit`: rare symbols are counted more until it fits."""
    used = [s for s, n in enumerate(counts) if n]
    lengths = [0] * len(counts)
    if len(used) == 1:
        used.append((used[0] + 1) % len(counts))  # a code of one symbol would not be complete
        counts = list(counts)
        counts[used[1]] = 1
    floor = 1
    while used:
        heap = [(max(counts[s], floor), s, (s,)) for s in used]
        heapq.heapify(heap)
        lengths = [0] * len(counts)
        while len(heap) > 1:
            a, i, left = heapq.heappop(heap)
            b, _, right = heapq.heappop(heap)
            for s in left + right:
                lengths[s] += 1
            heapq.heappush(heap, (a + b, i, left + right))
        if max(lengths) <= limit:
            break
        floor *= 2
    return lengths


def codes(lengths):
    """The canonical codes: symbol -> (code, length)."""
    table, code = {}, 0
    for length in range(1, 17):
        code <<= 1
        for symbol, n in enumerate(lengths):
            if n == length:
                table[symbol] = (code, length)
                code += 1
    return table


def slot_ranges(n):
    base, ranges = 0, []
    for slot in range(n):
        extra = 0 if slot < 4 else min(slot // 2 - 1, 17)
        ranges.append((base, extra))
        base += 1 << extra
    return ranges


def translate(data, size):
    """Makes the targets of x86 CALLs absolute, frame by frame."""
    data = bytearray(data)
    for start in range(0, len(data), FRAME):
        end = min(start + FRAME, len(data))
        i = start
        while end - start > 10 and i < end - 10:
            if data[i] != 0xe8:
                i += 1
                continue
            relative = int.from_bytes(data[i + 1:i + 5], "little", signed=True)
            target = None
            if -i <= relative < size - i:
                target = relative + i
            elif size - i <= relative < size:
                target = relative - size
            if target is not None:
                data[i + 1:i + 5] = target.to_bytes(4, "little", signed=True)
            i += 5
    return bytes(data)


class Encoder:
    """Makes the frames of one folder. `blocks`: kinds of block, taken in turn, and their sizes."""

    def __init__(self, data, window_bits, blocks, translation_size=0):
        self.data = translate(data, translation_size) if translation_size else data
        self.window = 1 << window_bits
        self.ranges = slot_ranges(SLOTS[window_bits])
        self.blocks = blocks
        self.size = translation_size
        self.recent = [1, 1, 1]
        self.main = [0] * (256 + 8 * SLOTS[window_bits])
        self.length = [0] * 249
        self.bits = None
        self.frames = []
        self.position = 0

    def encode(self):
        self.begin_frame()
        if self.size:
            self.bits.put(1, 1)
            self.bits.put(self.size >> 16, 16)
            self.bits.put(self.size & 0xffff, 16)
        else:
            self.bits.put(0, 1)
        at = turn = 0
        while at < len(self.data):
            kind, size = self.blocks[turn % len(self.blocks)]
            size = min(size, len(self.data) - at)
            self.block(kind, at, at + size)
            at += size
            turn += 1
        if self.position % FRAME:
            self.end_frame()
        return self.frames

    def begin_frame(self):
        self.bits = Bits()

    def end_frame(self):
        self.bits.align()
        self.frames.append(bytes(self.bits.out))
        self.begin_frame()

    def advance(self, count):
        self.position += count
        if self.position % FRAME == 0:
            self.end_frame()

    def block(self, kind, start, end):
        if kind == UNCOMPRESSED:
            size = end - start
            self.header(kind, size)
            self.bits.pad()
            for distance in self.recent:
                self.bits.raw(distance.to_bytes(4, "little"))
            while start < end:
                stop = min(end, (start // FRAME + 1) * FRAME)
                self.bits.raw(self.data[start:stop])
                if stop == end and size & 1:
                    self.bits.raw(b"\0")
                self.advance(stop - start)
                start = stop
            return
        tokens = self.tokens(start, end)
        self.header(kind, end - start)
        main, length, aligned = [0] * len(self.main), [0] * 249, [0] * 8
        for token in tokens:
            main[token[0]] += 1
            if token[1] is not None:
                length[token[1]] += 1
            if kind == ALIGNED and token[3] >= 3:
                aligned[token[2] & 7] += 1
        main, length = code_lengths(main, 16), code_lengths(length, 16)
        aligned = code_lengths(aligned, 7)
        if kind == ALIGNED:
            for n in aligned:
                self.bits.put(n, 3)
        self.lengths(self.main[:256], main[:256])
        self.lengths(self.main[256:], main[256:])
        self.lengths(self.length, length)
        self.main, self.length = main, length
        main, length, aligned = codes(main), codes(length), codes(aligned)
        for symbol, more, extra, n_extra, count in tokens:
            self.bits.put(*main[symbol])
            if more is not None:
                self.bits.put(*length[more])
            if kind == ALIGNED and n_extra >= 3:
                self.bits.put(extra >> 3, n_extra - 3)
                self.bits.put(*aligned[extra & 7])
            elif n_extra:
                self.bits.put(extra, n_extra)
            self.advance(count)

    def header(self, kind, size):
        self.bits.put(kind, 3)
        self.bits.put(size, 24)

    def tokens(self, start, end):
        """(main symbol, length symbol or None, extra bits, how many, bytes) of each step."""
        data, seen, tokens, at = self.data, {}, [], start
        for i in range(max(0, start - self.window + 3), max(start - 2, 0)):
            seen[data[i:i + 3]] = i
        while at < end:
            limit = min(end, (at // FRAME + 1) * FRAME, at + 257)
            count, distance = self.longest(at, limit, seen)
            if count < 2:
                tokens.append((data[at], None, 0, 0, 1))
                count = 1
            else:
                tokens.append(self.match(count, distance))
            for i in range(at, at + count):
                if i + 3 <= len(data):
                    seen[data[i:i + 3]] = i
            at += count
        return tokens

    def longest(self, at, limit, seen):
        best, best_distance = 0, 0
        candidates = list(self.recent)
        if (before := seen.get(self.data[at:at + 3])) is not None:
            candidates.append(at - before)
        for distance in candidates:
            if not 0 < distance <= min(at, self.window - 3):
                continue
            count = 0
            while at + count < limit and self.data[at + count] == self.data[at + count - distance]:
                count += 1
            # A distance of its own costs too much for two bytes.
            if count > best and (count > 2 or distance in self.recent):
                best, best_distance = count, distance
        return best, best_distance

    def match(self, count, distance):
        extra = n_extra = 0
        if distance in self.recent:
            slot = self.recent.index(distance)
            self.recent[slot], self.recent[0] = self.recent[0], distance
        else:
            formatted = distance + 2
            slot = max(s for s, (base, _) in enumerate(self.ranges) if base <= formatted)
            base, n_extra = self.ranges[slot]
            extra = formatted - base
            self.recent = [distance, *self.recent[:2]]
        header = min(count - 2, 7)
        more = count - 9 if header == 7 else None
        return 256 + slot * 8 + header, more, extra, n_extra, count

    def lengths(self, before, now):
        """A run of code lengths, as differences, with runs of zeros and of equal lengths."""
        symbols, i = [], 0
        while i < len(now):
            run = 1
            while i + run < len(now) and now[i + run] == now[i]:
                run += 1
            if now[i] == 0 and run >= 20:
                run = min(run, 51)
                symbols.append((18, run - 20, 5, None))
            elif now[i] == 0 and run >= 4:
                run = min(run, 19)
                symbols.append((17, run - 4, 4, None))
            elif run >= 4:
                run = min(run, 5)
                symbols.append((19, run - 4, 1, (before[i] - now[i]) % 17))
            else:
                run = 1
                symbols.append(((before[i] - now[i]) % 17, 0, 0, None))
            i += run
        counts = [0] * 20
        for symbol, _, _, then in symbols:
            counts[symbol] += 1
            if then is not None:
                counts[then] += 1
        pre = code_lengths(counts, 15)
        for n in pre:
            self.bits.put(n, 4)
        table = codes(pre)
        for symbol, extra, n_extra, then in symbols:
            self.bits.put(*table[symbol])
            if n_extra:
                self.bits.put(extra, n_extra)
            if then is not None:
                self.bits.put(*table[then])
