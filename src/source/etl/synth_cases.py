# SPDX-License-Identifier: MIT
"""One small trace for each thing that a test looks at."""
from synth_world import *  # noqa: F403 events

APP, TOOL = 1000, 2000
MS = 1_000_000
SMALL = {"buffer_size": 2048}


class Case(World):
    """Two processes with their images, on a 64-bit or a 32-bit system."""

    def __init__(self, images=True, **trace):
        super().__init__(**{**SMALL, **trace})
        low = not self.is_64
        self.ntdll = Image("ntdll.dll", 0x77000000 if low else 0x7ffb10000000)
        self.app = Image("app.exe", 0x400000 if low else 0x7ff610000000, folder="\\App\\")
        self.plugin = Image("plugin.dll", 0x10000000, 0x20000, "\\App\\")
        self.nt = Image("ntoskrnl.exe", 0x82000000 if low else NTOSKRNL, 0x800000)
        self.top = 0x80000000 if low else 0xffff800000000000
        if images:
            self.process(0, 0x0303, 4, "System", parent=0, key=self.top + 0x40)
            self.process(0, 0x0303, APP, "app.exe", key=self.top + 0x1000)
            self.process(0, 0x0303, TOOL, "tool.exe", key=self.top + 0x2000)
            self.image(0, 0x1403, 0, self.nt)
            for image in self.ntdll, self.app, self.plugin:
                self.image(0, 0x1403, APP, image)
            self.image(0, 0x1403, TOOL, self.ntdll)

    def user(self, *offsets):
        """A stack of the application: the first offset in ntdll, the rest in app.exe."""
        return [self.ntdll.frame(offsets[0])] + [self.app.frame(o) for o in offsets[1:]]

    def kernel(self, *offsets):
        return [self.nt.frame(o) for o in offsets]


def story(by_key=False, **trace):
    """Some of everything: what every kind of envelope must give alike."""
    c = Case(**trace)
    give = c.stack_by_key if by_key else c.stack
    heap = 0x150000
    for i in range(20):
        t = (1 + i) * 10 * MS
        done = c.heap_alloc(t, APP, APP + 4, heap, 0x200000 + 64 * i, 50)
        give(done, c.user(0x100, 0x200 + i % 2, 0x300))
        if i % 4 == 3:
            c.heap_free(t + MS, APP, APP + 4, heap, 0x200000 + 64 * i)
        done = c.virtual(t + 2 * MS, 0x0262, APP, APP + 8, 0x5000000 + i * 0x10000, 0x10000,
                         RESERVE | COMMIT)
        give(done, c.kernel(0x111, 0x222), **({"kernel": True} if by_key else {}))
        give(done, c.user(0x400, 0x500), later=3000)
        if i % 5 == 4:
            c.virtual(t + 3 * MS, 0x0263, APP, APP + 8, 0x5000000 + i * 0x10000, 0x10000, RELEASE)
        c.pool(t + 4 * MS, 0x0e20, 4, 12, "Leak", 128, c.top + 0x500000 + 128 * i)
    c.define_keys(300 * MS)
    return c


def keys():
    """A number that is given to another stack, one that two processes share, one never defined."""
    c = Case()
    first, second, heap = c.user(0x10, 0x20), c.user(0x30, 0x40), 0x150000
    for round_ in range(2):
        for stack, address in (first, 0x1000), (second, 0x2000):
            t = (1 + round_ * 4 + address // 0x1000) * MS
            done = c.heap_alloc(t, APP, APP + 4, heap, address + round_ * 0x100, 10)
            c.stack_by_key(done, stack)
            c.define_key(t + MS // 2, stack, pid=APP, reuse=True)
    shared, number = [c.ntdll.frame(0x55)], 0xffffe00077770000
    for pid in APP, TOOL:
        done = c.heap_alloc(20 * MS + pid, pid, pid + 4, heap, 0x3000, 20)
        c.keys[(False, pid, tuple(shared))] = number
        c.stack_by_key(done, shared)
    c.define_key(21 * MS, shared, pid=APP, rundown=True)
    done = c.heap_alloc(22 * MS, APP, APP + 4, heap, 0x4000, 30)
    c.stack_by_key(done, [1, 2, 3])
    return c


def key_churn(n=40000):
    """Keys that are deleted and defined anew for the same few stacks."""
    c = Case(buffer_size=65536)
    for i in range(n):
        stack, t = c.user(0x10, 0x20 + i % 5), (i + 1) * MS // 10
        done = c.heap_alloc(t, APP, APP + 4, 0x150000, 0x10000 + i % 100 * 16, 16)
        c.stack_by_key(done, stack, later=100)
        c.define_key(t + 1000, stack, pid=APP, reuse=i % 3 == 0)
        if i % 7 == 0:
            done = c.virtual(t + 2000, 0x0262, APP, APP + 4, 0x5000000 + i % 64 * 4096, 4096,
                             COMMIT)
            c.stack_by_key(done, stack, later=100)
            c.define_key(t + 3000, stack, pid=APP)
            done = c.virtual(t + 4000, 0x0263, APP, APP + 4, 0x5000000 + (i + 32) % 64 * 4096, 4096,
                             DECOMMIT)
            c.stack_by_key(done, stack, later=100)
            c.define_key(t + 5000, stack, pid=APP)
    return c


def virtual():
    c = Case()
    page, base = 4096, 0x20000000
    c.virtual_rundown(0, APP, 0x10000000 - 16 * page, 16 * page, 4 * page)

    def act(t, hook, at, n, flags, *stack):
        done = c.virtual(t * MS, hook, TOOL if t == 9 else APP, APP + 4, base + at * page, n * page,
                         flags)
        c.stack(done, c.user(*stack))

    act(1, 0x0262, 0, 64, RESERVE, 0x1, 0x1)            # counts nothing
    act(2, 0x0262, 0, 16, COMMIT, 0x1, 0x2)
    act(3, 0x0262, 8, 16, COMMIT, 0x1, 0x3)             # half is committed already
    act(4, 0x0263, 4, 8, DECOMMIT, 0x2, 0x4)            # of the first
    act(5, 0x0263, 40, 4, DECOMMIT, 0x2, 0x5)           # nothing is there
    act(6, 0x0262, 100, 8, RESERVE | COMMIT, 0x1, 0x6)
    act(7, 0x0263, 100, 8, RELEASE, 0x2, 0x7)
    act(8, 0x0263, -1, 1, RELEASE, 0x2, 0x7)            # from before the trace
    act(9, 0x0262, 0, 4, COMMIT, 0x1, 0x8)              # the same pages of another process
    return c


def heaps():
    c = Case()
    one, two = 0x150000, 0x160000

    def alloc(t, pid, heap, address, size, *stack):
        c.stack(c.heap_alloc(t * MS, pid, pid + 4, heap, address, size), c.user(*stack))

    alloc(1, APP, one, 0x1000, 100, 1, 1)
    alloc(2, APP, two, 0x1000, 200, 1, 2)          # the same address in another heap
    alloc(3, TOOL, one, 0x1000, 300, 1)            # and in another process
    alloc(4, APP, one, 0x1000, 400, 1, 3)          # freed unseen, and given again
    c.stack(c.heap_realloc(5 * MS, APP, APP + 4, two, 0x1000, 0x2000, 200, 250), c.user(1, 4))
    c.stack(c.heap_realloc(6 * MS, APP, APP + 4, two, 0x2000, 0, 250, 9999), c.user(1, 4))  # fails
    c.heap_free(7 * MS, APP, APP + 4, one, 0x7777)  # from before the trace
    alloc(8, TOOL, two, 0x10, 50, 2)
    c.heap_destroy(9 * MS, TOOL, TOOL + 4, two)
    alloc(10, TOOL, two + 8, 0x10, 60, 3)
    c.heap_create(11 * MS, TOOL, TOOL + 4, two + 8)  # its destruction was not seen
    alloc(12, TOOL, two + 8, 0x20, 70, 3)
    alloc(13, APP, one, 0, 5000, 1, 5)              # fails
    return c


def pools():
    c = Case()

    def pool(t, hook, tag, size, address, kind=0, session=None, header=None):
        c.header, before = header or c.header, c.header
        done = c.pool(t * MS, hook, 4, 12, tag, size, c.top + address, kind, session)
        c.header = before
        c.stack(done, c.kernel(0x10, 0x20))

    pool(1, 0x0e20, "Leak", 100, 0x1000)
    pool(2, 0x0e20, "Leak", 200, 0x2000)
    pool(3, 0x0e22, "Leak", 200, 0x2000)
    pool(4, 0x0e20, "Page", 300, 0x3000, kind=1)
    pool(5, 0x0e21, "Sess", 400, 0x4000, kind=33, session=1)
    pool(6, 0x0e23, "Sess", 400, 0x4000, kind=33, session=1)
    pool(7, 0x0e20, "Pro\xf4", 500, 0x5000)                   # protected: the top bit is set
    pool(8, 0x0e20, "Info", 600, 0x6000, header="perfinfo")  # its header names no thread
    pool(9, 0x0e22, "Gone", 0, 0x9000)                        # from before the trace
    return c


def handles():
    c = Case()
    event, key = 16, 17
    c.object_type(0, event, "Event")
    c.handle_rundown(0, APP, c.top + 0x70, 0x10, event, "\\Base\\Old")

    def create(t, pid, handle, kind, target=0x100, *stack):
        done = c.handle(t * MS, 0x1120, pid, pid + 4, c.top + target, handle, kind)
        c.stack(done, c.user(*stack or (1, 1)))

    create(1, APP, 0x20, event)
    create(2, APP, 0x24, event)
    c.handle(3 * MS, 0x1121, APP, APP + 4, c.top + 0x100, 0x24, event)
    create(4, APP, 0x28, key, 0x200, 1, 2)
    done = c.handle_duplicate(5 * MS, APP, APP + 4, c.top + 0x100, 0x20, 0x44, TOOL, event)
    c.stack(done, c.user(1, 3))
    c.handle(6 * MS, 0x1121, TOOL, TOOL + 4, c.top + 0x900, 0x99, event)  # from before the trace
    create(7, APP, 0x80000400, event, 0x300, 1, 4)  # the kernel's: System's
    create(8, TOOL, 0x50, event, 0x400, 5)
    c.process(9 * MS, 0x0302, TOOL, "tool.exe", key=c.top + 0x2000)
    c.handle(9 * MS + 1000, 0x1121, TOOL, TOOL + 4, c.top + 0x400, 0x50, event)  # by the system
    c.object_type(10 * MS, key, "Key", end=True)
    return c


def references():
    c = Case()
    app, tool = c.top + 0x1000, c.top + 0x2000

    def refer(t, target, tag, count, back=False, *stack):
        done = c.reference(t * MS, APP, APP + 4, target, tag, count, back)
        c.stack(done, c.kernel(*stack or (0x10,)))

    refer(1, tool, "Dflt", 2, False, 0x10)
    refer(2, tool, "Dflt", 1, True, 0x20)      # by another caller: the tag counts
    refer(3, tool, "DrvA", 3, False, 0x30)
    refer(4, app, "DrvA", 5, False, 0x30)      # of a process that lives
    refer(5, tool, "DrvB", 1, True, 0x40)      # taken before the trace
    c.process(6 * MS, 0x0302, TOOL, "tool.exe", key=tool)
    refer(7, c.top + 0x9000, "File", 7, False, 0x50)
    c.object(8 * MS, 0x1131, 4, 8, c.top + 0x9000, 5)
    refer(9, c.top + 0x9000, "File", 1, False, 0x60)  # another object at its address
    refer(10, c.top + 0xa000, "File", 4, False, 0x70)
    c.object(11 * MS, 0x1131, 4, 8, c.top + 0xa000, 5)
    return c


def pids():
    c = Case()
    heap = 0x150000
    c.virtual(1 * MS, 0x0262, 3000, APP + 4, 0x10000, 4096, COMMIT)  # before its start is told
    c.process(2 * MS, 0x0301, 3000, "first.exe", parent=APP, key=c.top + 0x3000)
    c.heap_alloc(3 * MS, 3000, 3004, heap, 0x1000, 10)
    c.process(4 * MS, 0x0302, 3000, "first.exe", parent=APP, key=c.top + 0x3000)
    c.virtual(4 * MS + 1000, 0x0263, 3000, 3004, 0x10000, 4096, RELEASE)  # by the system
    c.virtual(5 * MS, 0x0262, 3000, APP + 4, 0x20000, 8192, COMMIT)  # of the next life
    c.process(6 * MS, 0x0301, 3000, "second.exe", parent=APP, key=c.top + 0x3000)
    c.heap_alloc(7 * MS, 3000, 3004, heap, 0x1000, 20)
    c.reference(7 * MS + 1, APP, APP + 4, c.top + 0x3000, "Dflt", 1)
    c.heap_alloc(8 * MS, 4000, 4004, heap, 0x1000, 30)               # known from the end only
    c.process(9 * MS, 0x0304, 4000, "late.exe", parent=APP, key=c.top + 0x4000)
    c.heap_alloc(10 * MS, 5000, 5004, heap, 0x1000, 40)              # never told
    return c


def images():
    """One place, two images one after the other; and one image that comes and goes."""
    c = Case()
    heap, other = 0x150000, Image("other.dll", c.plugin.base, 0x20000, "\\App\\")
    again = Image("again.dll", 0x20000000, 0x10000, "\\App\\")

    def alloc(t, address, image):
        done = c.heap_alloc(t * MS, APP, APP + 4, heap, address, 10)
        c.stack(done, [image.frame(0x123), c.app.frame(0x1)])

    alloc(1, 0x1000, c.plugin)
    c.image(2 * MS, 0x1402, APP, c.plugin)
    c.image(3 * MS, 0x030a, APP, other)
    alloc(4, 0x2000, other)
    for i in range(3):
        c.image((5 + 3 * i) * MS, 0x030a, APP, again)
        alloc(6 + 3 * i, 0x3000 + i, again)
        c.image((7 + 3 * i) * MS, 0x1402, APP, again)
    c.image_id(20 * MS, APP, other)
    return c


def wow64():
    """A 32-bit process of a 64-bit system: three halves, each told apart."""
    c = Case()
    wow = Image("wow64.dll", 0x7ffb20000000)
    c.image(0, 0x1403, APP, wow)
    done = c.virtual(MS, 0x0262, APP, APP + 4, 0x5000000, 4096, COMMIT)
    c.stack(done, c.kernel(0x1, 0x2), later=100)
    c.stack(done, [wow.frame(0x10), wow.frame(0x20)], later=200)
    c.stack(done, [c.plugin.frame(0x30), c.plugin.frame(0x40)], later=300)
    return c


def late():
    """A user half that comes when thousands of other events have; one that comes never."""
    c = Case(buffer_size=65536)
    done = c.heap_alloc(MS, APP, APP + 4, 0x150000, 0x1000, 10)
    c.heap_alloc(MS, APP, APP + 8, 0x150000, 0x2000, 20)
    for i in range(3000):
        c.heap_alloc(2 * MS + i * 1000, TOOL, APP + 4, 0x160000, 0x1000 + i * 16, 1)
    c.stack(done, c.user(1, 2), later=10 * MS)
    return c


def short():
    """Events that are shorter than their kind, among good ones."""
    c = Case()
    c.heap_alloc(MS, APP, APP + 4, 0x150000, 0x1000, 10)
    for i, hook in enumerate([0x0262, 0x0301, 0x030a, 0x0e20, 0x1021, 0x1120, 0x1124, 0x1131,
                              0x1132, 0x1820, 0x1825]):
        c.event(2 * MS + i, hook, APP, APP + 4, b"\1")
    c.heap_alloc(3 * MS, APP, APP + 4, 0x150000, 0x2000, 10)
    return c


def providers():
    """Events of other providers, classic and by manifest."""
    c = Case()
    provider = guid("22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716")
    for i in range(5):
        t = (i + 1) * MS
        c.record(0, t, manifest_record(provider, 300 + i % 2, 1, APP, 8, c.clock(t), b"x" * i))
        c.record(0, t, classic_record(provider, 7, 3, APP, 8, c.clock(t), b""))
    return c


def lossy():
    c = story(events_lost=7, buffers_lost=2)
    return c


CASES = {
    "story": story,
    "system-headers": lambda: story(header="system"),
    "classic-headers": lambda: story(header="classic"),
    "relogged": lambda: story(header_is_64=False),
    "system-time": lambda: story(clock=SYSTEM_TIME),
    "cycles": lambda: story(clock=CYCLES),
    "odd-frequency": lambda: story(frequency=3_579_545 * 1000),
    "compressed": lambda: story(compressed=True),
    "compressed-keys": lambda: story(compressed=True, by_key=True),
    "story-keys": lambda: story(by_key=True),
    "circular": lambda: story(order="circular"),
    "merged": lambda: story(order="merged"),
    "wide-cpu": lambda: story(wide_cpu=True),
    "one-cpu": lambda: story(n_cpus=1),
    "not-closed": lambda: story(closed=False),
    "story-32": lambda: story(is_64=False),
    "keys": keys, "key-churn": key_churn, "virtual": virtual, "heaps": heaps, "pools": pools,
    "handles": handles, "references": references, "pids": pids, "images": images, "wow64": wow64,
    "late": late, "short": short, "providers": providers, "lossy": lossy,
}


def seeds():
    """Small files that say much, for the fuzzer."""
    out = {name: CASES[name]() for name in
           ("keys", "virtual", "heaps", "handles", "references", "images", "short", "providers")}
    data = {name: case.to_bytes() for name, case in out.items()}
    data["packed"] = story(compressed=True, by_key=True).to_bytes()
    data["x86"] = story(is_64=False, header="classic").to_bytes()[:9000]
    data["cut"] = data["heaps"][:len(data["heaps"]) - 777]
    data["flipped"] = bytes(b ^ (0x41 if i % 211 == 210 else 0) for i, b in enumerate(data["keys"]))
    data["circular"] = story(order="circular").to_bytes()[:12000]
    data["empty"] = Case(images=False).to_bytes()
    return data
