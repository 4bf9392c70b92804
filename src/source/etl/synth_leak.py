# SPDX-License-Identifier: MIT
"""A leak among caches, pools and churn, with its truth."""
import random

from synth_world import *  # noqa: F403 events

SERVER, WORKER = 4242, 5000
PAGE = 4096


class Allocator:
    """Addresses of one heap: a freed one is given again, as real heaps do."""

    def __init__(self, heap):
        self.heap, self.next, self.free = heap, heap + 0x1000, {}

    def take(self, size):
        size = (size + 15) & ~15
        pool = self.free.get(size)
        if pool:
            return pool.pop()
        at, self.next = self.next, self.next + size
        return at

    def give(self, address, size):
        self.free.setdefault((size + 15) & ~15, []).append(address)


class Scene:
    def __init__(self, seconds, seed=1, by_key=False, depth=16, **trace):
        self.world = World(**trace)
        self.random, self.end = random.Random(seed), seconds * NS
        self.plan, self.order, self.by_key, self.depth = [], 0, by_key, depth
        self.images = {}
        for i, name in enumerate(["ntdll.dll", "kernelbase.dll", "kernel32.dll", "ucrtbase.dll"]):
            self.images[name] = Image(name, 0x7ff800000000 + i * 0x400000, 0x300000)
        apps = "\\Program Files\\Server\\"
        self.images["server.exe"] = Image("server.exe", 0x7ff610000000, 0x200000, apps)
        self.images["session.dll"] = Image("session.dll", 0x7ff700000000, 0x80000, apps)
        self.images["worker.exe"] = Image("worker.exe", 0x7ff620000000, 0x100000, apps)
        self.kernel = Image("ntoskrnl.exe", NTOSKRNL, 0x1000000)

    def at(self, t, do, *args):
        self.plan.append((t, self.order, do, args))
        self.order += 1

    def frames(self, who, *inner):
        """Innermost first: the given (image, offset)s, then callers in `who` down to the start."""
        outer = [("kernel32.dll", 0x17034), ("ntdll.dll", 0x52651)]
        offset = 0x10000 + sum(o for _, o in inner) % 0x8000
        callers = [(who, offset + 0x111 * i)
                   for i in range(self.depth - len(inner) - len(outer))]
        return list(inner) + callers + outer

    def addresses(self, frames):
        return [self.images[name].frame(offset) for name, offset in frames]

    def stacked(self, event, frames):
        give = self.world.stack_by_key if self.by_key else self.world.stack
        give(event, self.addresses(frames), later=300)

    # ---- one event each

    def alloc(self, t, pid, heap, address, size, frames):
        self.stacked(self.world.heap_alloc(t, pid, pid + 4, heap, address, size), frames)

    def free(self, t, pid, heap, address):
        self.world.heap_free(t, pid, pid + 4, heap, address)

    def realloc(self, t, pid, heap, old, new, old_size, size, frames):
        self.stacked(self.world.heap_realloc(t, pid, pid + 4, heap, old, new, old_size, size),
                     frames)

    # ---- courses; each adds to the plan. What is freed is given again only after it was.

    def churn(self, pid, who, heap, per_second, site):
        allocator, t = Allocator(heap), 0
        frames = self.frames(who, ("ntdll.dll", 0x1e3b0), ("ucrtbase.dll", 0x1a2b0), (who, site))
        busy = []
        while True:
            t += int(self.random.expovariate(per_second) * NS) + 2000
            if t >= self.end:
                return
            while busy and busy[0][0] < t:
                allocator.give(*busy.pop(0)[1:])
            size = self.random.choice([24, 64, 256, 1000])
            address, until = allocator.take(size), t + self.random.randrange(NS) + 1000
            self.at(t, self.alloc, pid, heap, address, size, frames)
            if until < self.end:
                self.at(until, self.free, pid, heap, address)
            busy.append((until, address, size))
            busy.sort()

    def cache(self, pid, who, heap, entries, size, per_second, site):
        """Fills to so many entries, and from then on lets the oldest go for each new one."""
        allocator, t, held = Allocator(heap), 3 * NS, []
        frames = self.frames(who, ("ntdll.dll", 0x1e3b0), ("ucrtbase.dll", 0x1a2b0), (who, site))
        while t < self.end:
            if len(held) == entries:
                address = held.pop(0)
                self.at(t, self.free, pid, heap, address)
                allocator.give(address, size)
            address = allocator.take(size)
            held.append(address)
            self.at(t + 1000, self.alloc, pid, heap, address, size, frames)
            t += NS // per_second

    def pool(self, pid, who, heap, site):
        """An object pool that doubles four times in the first third and stays."""
        frames = self.frames(who, ("ntdll.dll", 0x1e3b0), (who, site), (who, site + 0x400))
        at = heap + 0x100000000
        for i in range(5):
            for k in range(4 << i):
                self.at(self.end * i // 15 + k * 5000 + NS, self.alloc, pid, heap,
                        at, 65536, frames)
                at += 65536

    def vector(self, pid, who, heap, site):
        """A buffer that grows by reallocation and is let go, again and again."""
        frames = self.frames(who, ("ntdll.dll", 0x1f000), ("ucrtbase.dll", 0x1a900), (who, site))
        t, low = 2 * NS, heap + 0x200000000
        while t + 20 * NS < self.end:
            size, address = 1024, low
            self.at(t, self.alloc, pid, heap, address, size, frames)
            for i in range(8):
                new = low + ((i + 1) % 2) * 0x1000000
                self.at(t + (i + 1) * NS, self.realloc, pid, heap, address, new, size, size * 2,
                        frames)
                size, address = size * 2, new
            self.at(t + 15 * NS, self.free, pid, heap, address)
            t += 17 * NS

    def leak(self, pid, who, heap, size, every_ns, site):
        """Of three allocated one is never freed; returns the truth."""
        frames = self.frames(who, ("ntdll.dll", 0x1e3b0), ("ucrtbase.dll", 0x1a2b0),
                             ("session.dll", site), (who, site + 0x500))
        t, at, n, total = 5 * NS, heap + 0x300000000, 0, 0
        while t < self.end:
            self.at(t, self.alloc, pid, heap, at, size, frames)
            if n % 3:
                self.at(t + NS // 10, self.free, pid, heap, at)
            else:
                total += size
            at += (size + 31) & ~15
            n += 1
            t += every_ns
        leaked = (n + 2) // 3
        return {"process": who, "pid": pid, "kind": "heap", "heap": "0x%x" % heap,
                "blame": "session.dll", "outstanding_count": leaked, "outstanding_bytes": total,
                "bytes_per_second": size * NS / every_ns / 3,
                "stack": ["%s+0x%x" % frame for frame in frames]}

    def sections(self, pid, who, site):
        """Address space that is reserved, committed piece by piece, and given back."""
        world = self.world
        frames = self.frames(who, ("ntdll.dll", 0x9d2f4), ("kernelbase.dll", 0x2a310), (who, site))

        def event(t, hook, base, size, flags):
            done = world.virtual(t, hook, pid, pid + 4, base, size, flags)
            world.stack(done, [NTOSKRNL + 0x6f0000, NTOSKRNL + 0x2d1b08], later=200)
            world.stack(done, self.addresses(frames), later=400)

        t, base = NS, 0x230000000000
        while t + 12 * NS < self.end:
            self.at(t, event, 0x0262, base, 64 * PAGE, RESERVE)
            for i in range(4):
                self.at(t + (i + 1) * NS, event, 0x0262, base + i * 16 * PAGE, 16 * PAGE, COMMIT)
            self.at(t + 6 * NS, event, 0x0263, base + 8 * PAGE, 16 * PAGE, DECOMMIT)
            self.at(t + 9 * NS, event, 0x0263, base, 64 * PAGE, RELEASE)
            base += 64 * PAGE
            t += 11 * NS

    def kernel_churn(self, pid):
        world = self.world
        t, i = 4 * NS, 0

        def pool(t, hook, address):
            done = world.pool(t, hook, pid, pid + 4, "Irp ", 512, address)
            if hook == 0x0e20:
                world.stack(done, [NTOSKRNL + 0x300100, NTOSKRNL + 0x2d1b08], later=200)

        def handle(t, hook, number):
            done = world.handle(t, hook, pid, pid + 4, 0xffffa00000001000 + number * 64, number, 16)
            if hook == 0x1120:
                world.stack(done, [NTOSKRNL + 0x640000, NTOSKRNL + 0x2d1b08], later=200)

        while t + 2 * NS < self.end:
            address = 0xffffa40000000000 + i % 7 * 512
            self.at(t, pool, 0x0e20, address)
            self.at(t + NS // 2, pool, 0x0e22, address)
            self.at(t + 1000, handle, 0x1120, 4 + i % 5 * 4)
            self.at(t + NS, handle, 0x1121, 4 + i % 5 * 4)
            t += 2 * NS
            i += 1

    # ---- all of it

    def preamble(self):
        w = self.world
        w.process(0, 0x0303, 4, "System", parent=0, key=0xffff800000000040)
        w.process(0, 0x0303, SERVER, "server.exe", key=0xffff800000001080,
                  command="\"C:\\Program Files\\Server\\server.exe\" -service")
        w.image(0, 0x1403, 0, self.kernel)
        w.image_id(0, 0, self.kernel)
        w.object_type(0, 16, "Event")
        users = [name for name in self.images if name != "worker.exe"]
        for name in users:
            w.image(0, 0x1403, SERVER, self.images[name])
            w.image_id(0, SERVER, self.images[name])
        w.process(1000, 0x0301, WORKER, "worker.exe", parent=SERVER, key=0xffff800000002080,
                  tid=SERVER + 4)
        for name in ["worker.exe", "ntdll.dll", "kernelbase.dll", "kernel32.dll", "ucrtbase.dll"]:
            w.image(2000, 0x030a, WORKER, self.images[name])
            w.image_id(2000, WORKER, self.images[name])

    def run(self):
        self.plan.sort(key=lambda row: row[:2])
        for t, _, do, args in self.plan:
            do(t, *args)
        self.world.define_keys(self.end)
        return self.world


def leak_scene(seconds=600, churn=20, size=512, every_ns=NS // 4, by_key=False, **trace):
    """The trace and its truth."""
    scene = Scene(seconds, by_key=by_key, **trace)
    scene.preamble()
    main, own, third = 0x1d0a2340000, 0x1d0a4000000, 0x2510000
    scene.churn(SERVER, "server.exe", main, churn, 0x4100)
    scene.churn(SERVER, "server.exe", own, churn / 2, 0x4900)
    scene.churn(WORKER, "worker.exe", third, churn / 2, 0x2100)
    scene.cache(SERVER, "server.exe", main + 0x400000000, int(seconds * 5 / 3), 4000, 5, 0x6200)
    scene.pool(SERVER, "server.exe", main, 0x7700)
    scene.vector(SERVER, "server.exe", own, 0x8100)
    scene.sections(SERVER, "server.exe", 0x9200)
    scene.kernel_churn(WORKER)
    truth = scene.leak(SERVER, "server.exe", main, size, every_ns, 0x3310)
    return scene.run().to_bytes(), truth
