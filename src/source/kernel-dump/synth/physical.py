# SPDX-License-Identifier: MIT
"""Physical memory: runs of page frames, of which only those that hold something take memory."""

PAGE = 0x1000


class Physical:
    """Frames of `size` bytes of RAM, laid out as a PC does it: a first run below 640 KB, a second
    from 1 MB; where there is more than 3 GB, the rest lies from 4 GB on."""

    def __init__(self, size):
        frames = size // PAGE
        if frames < 0x140:
            raise ValueError('too little physical memory')
        self.runs = [(1, 0x9E)]
        below = min(frames, 0xC0000) - 0x100
        self.runs.append((0x100, below))
        if frames > 0xC0000:
            self.runs.append((0x100000, frames - 0xC0000))
        self.pages = {}     # frame -> bytearray
        self.zero = set()   # frames in use of which nothing but zeros was written
        self.absent = set()  # in use, but never written to a dump
        self.chunks = [(base + i) for base, n in self.runs for i in range(0, n - 15, 16)]
        # Large pages come from the end of the last run.
        self.large_end = self.large_floor = sum(self.runs[-1])
        # Spread over memory as on a machine that has been up for a while.
        self.step = 0x9E3779B1 % len(self.chunks) | 1
        while len(self.chunks) % self.step == 0 and self.step > 1:
            self.step -= 2
        self.next_chunk = 0
        self.chunk, self.left = 0, 0

    def take(self):
        """A free frame."""
        while not self.left:
            if self.next_chunk == len(self.chunks):
                raise ValueError('no free frames: more physical memory is needed')
            at = self.chunks[self.next_chunk * self.step % len(self.chunks)]
            self.next_chunk += 1
            if at + 16 <= self.large_floor or at >= self.large_end:
                self.chunk, self.left = at, 16
        self.left -= 1
        self.chunk += 1
        return self.chunk - 1

    def take_large(self, n, align):
        """The first of n free frames that follow each other. To be called before frames are
        spread."""
        if n == 0:
            return 0
        if self.next_chunk:
            raise ValueError('large pages first')
        base, count = self.runs[-1]
        self.large_end = (base + count) // align * align
        self.large_floor = self.large_end - n
        if self.large_floor < base:
            raise ValueError('no room for large pages: more physical memory is needed')
        return self.large_floor

    def page(self, frame):
        """The bytes of a frame, to be written to."""
        data = self.pages.get(frame)
        if data is None:
            data = self.pages[frame] = bytearray(PAGE)
            self.zero.discard(frame)
        return data

    def use(self, frame):
        """Marks a frame as in use though nothing is written to it."""
        if frame not in self.pages:
            self.zero.add(frame)

    def used(self):
        """Frames in use that a dump may hold, in order."""
        return sorted((set(self.pages) | self.zero) - self.absent)

    def n_frames(self):
        return sum(n for _, n in self.runs)

    def trim(self):
        """Ends the last run behind the last frame in use."""
        last = max(max(self.pages), max(self.zero, default=0))
        runs = []
        for base, n in self.runs:
            if base <= last:
                runs.append((base, min(n, last + 1 - base)))
        self.runs = runs
