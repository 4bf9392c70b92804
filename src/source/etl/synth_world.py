# SPDX-License-Identifier: MIT
"""What happens in a trace: processes, images, stacks, and events that allocate."""
import itertools
import struct

from synth_format import *  # noqa: F403 the envelope

COMMIT, RESERVE, DECOMMIT, RELEASE = 0x1000, 0x2000, 0x4000, 0x8000
NTOSKRNL = 0xfffff80312000000


class Image:
    def __init__(self, name, base, size=0x100000, folder="\\Windows\\System32\\"):
        self.name, self.base, self.size = name, base, size
        self.path = "\\Device\\HarddiskVolume3" + folder + name
        self.timestamp = 0x60000000 + sum(name.encode()) * 257
        self.pdb = name.rsplit(".", 1)[0] + ".pdb"
        self.guid, self.age = guid_of(name), 1

    def frame(self, offset):
        return self.base + offset


class World(Trace):
    """A trace told as events; each takes the time in ns, and returns what its stack must name.

    header: which of the record headers the kernel's events get; "classic" gives them a GUID.
    """

    def __init__(self, header="compact", **trace):
        super().__init__(**trace)
        self.header, self.keys = header, {}
        self.key_numbers = itertools.count(0xffffe00012340000 if self.is_64 else 0x82340000, 0x40)

    def pointer(self, *values):
        return struct.pack("<%d%s" % (len(values), "Q" if self.is_64 else "I"), *values)

    def event(self, t, hook, pid, tid, payload, version=2, cpu=None, header=None):
        cpu = tid // 4 % self.n_cpus if cpu is None else cpu
        header = header or self.header
        if header == "classic":
            group = 0x14 if hook == 0x030a else hook >> 8
            record = classic_record(guid(GROUP_GUIDS[group]), hook & 0xff, version, pid, tid,
                                    self.clock(t), payload, self.is_64)
        else:
            record = system_record(hook, version, pid, tid, self.clock(t), payload, self.is_64,
                                   header)
        self.record(cpu, t, record)
        return (t, pid, tid, cpu)

    # ---- processes, threads, images

    def process(self, t, hook, pid, image, parent=4, key=0, tid=8, exit_status=259, version=4,
                command="", session=1, flags=0):
        """hook: 0x0301 start, 0x0302 end, 0x0303 and 0x0304 rundown."""
        sid = bytes([1, 2, 0, 0, 0, 0, 0, 5]) + struct.pack("<II", 32, 544)
        out = self.pointer(key) + struct.pack("<IIIi", pid, parent, session, exit_status)
        out += self.pointer(0x1ad000) + (struct.pack("<I", flags) if version >= 4 else b"")
        out += self.pointer(0xffffc00001000000 if self.is_64 else 0x81000000, 0) + sid
        out += image.encode() + b"\0" + utf16(command or image)
        out += utf16("") + utf16("") if version >= 4 else b""
        return self.event(t, hook, parent if hook == 0x0301 else pid, tid, out, version)

    def thread(self, t, hook, pid, tid):
        return self.event(t, hook, pid, tid, struct.pack("<II", pid, tid) + self.pointer(*[0] * 6),
                          3)

    def image(self, t, hook, pid, image, tid=8):
        """hook: 0x030a load, 0x1402 unload, 0x1403 and 0x1404 rundown."""
        out = self.pointer(image.base, image.size)
        out += struct.pack("<IIII", pid, 0x1234, image.timestamp, 0) + self.pointer(image.base)
        out += bytes(16) + utf16(image.path)
        return self.event(t, hook, pid, tid, out, 3)

    def image_id(self, t, pid, image):
        """What merging adds: the file's build, and the identity of its PDB."""
        provider = guid(IMAGE_ID)
        out = self.pointer(image.base, image.size) + struct.pack("<II", pid, image.timestamp) + \
            utf16(image.name)
        self.record(0, t, classic_record(provider, 0, 2, 0, 0, self.clock(t), out, self.is_64))
        out = self.pointer(image.base) + struct.pack("<I", pid) + image.guid + \
            struct.pack("<I", image.age) + image.pdb.encode() + b"\0"
        self.record(0, t, classic_record(provider, 36, 2, 0, 0, self.clock(t), out, self.is_64))

    # ---- stacks: `event` is what an event returned

    def stack(self, event, addresses, later=1000):
        t, pid, tid, cpu = event
        out = struct.pack("<QII", self.clock(t), pid, tid) + self.pointer(*addresses)
        return self.event(t + later, 0x1820, pid, tid, out, cpu=cpu)

    def stack_by_key(self, event, addresses, kernel=False, later=1000):
        """Refers to a stack that is defined when its key is deleted, or at the end."""
        t, pid, tid, cpu = event
        name = (kernel, pid, tuple(addresses))
        if name not in self.keys:
            self.keys[name] = next(self.key_numbers)
        out = struct.pack("<QII", self.clock(t), pid, tid) + self.pointer(self.keys[name])
        return self.event(t + later, 0x1825 if kernel else 0x1826, pid, tid, out, cpu=cpu)

    def define_key(self, t, addresses, kernel=False, pid=0, rundown=False, reuse=False):
        """Deletes a key (or runs it down); `reuse` gives its number to the next stack."""
        number = self.keys.pop((kernel, pid, tuple(addresses)))
        out = self.pointer(number, *addresses)
        if reuse:
            self.key_numbers = itertools.chain([number], self.key_numbers)
        return self.event(t, 0x1824 if rundown else 0x1823, 0, 0, out)

    def define_keys(self, t):
        for kernel, pid, addresses in list(self.keys):
            self.define_key(t, addresses, kernel, pid, rundown=True)

    # ---- memory

    def virtual(self, t, hook, pid, tid, base, size, flags, version=2):
        """hook: 0x0262 allocates, 0x0263 frees."""
        return self.event(t, hook, pid, tid, self.pointer(base, size) +
                          struct.pack("<II", pid, flags), version)

    def virtual_rundown(self, t, pid, base, size, commit, end=False):
        return self.event(t, 0x0281 if end else 0x0280, 0, 0, self.pointer(base, size) +
                          struct.pack("<II", pid, COMMIT | RESERVE) + self.pointer(commit))

    def heap_create(self, t, pid, tid, heap, reserved=0x100000, committed=0x2000):
        return self.event(t, 0x1020, pid, tid, self.pointer(heap) + struct.pack("<I", 2) +
                          self.pointer(reserved, committed, 0), 3)

    def heap_alloc(self, t, pid, tid, heap, address, size):
        return self.event(t, 0x1021, pid, tid, self.pointer(heap, size, address) +
                          struct.pack("<I", 2))

    def heap_realloc(self, t, pid, tid, heap, old, new, old_size, size):
        return self.event(t, 0x1022, pid, tid, self.pointer(heap, new, old, size, old_size) +
                          struct.pack("<I", 2))

    def heap_free(self, t, pid, tid, heap, address):
        return self.event(t, 0x1024, pid, tid, self.pointer(heap, address) + struct.pack("<I", 2))

    def heap_destroy(self, t, pid, tid, heap):
        return self.event(t, 0x1023, pid, tid, self.pointer(heap))

    def pool(self, t, hook, pid, tid, tag, size, address, kind=0, session=None):
        """hook: 0x0e20 and 0x0e21 allocate, 0x0e22 and 0x0e23 free."""
        out = struct.pack("<I", kind) + tag.encode("latin-1") + self.pointer(size, address)
        return self.event(t, hook, pid, tid, out +
                          (b"" if session is None else struct.pack("<I", session)))

    # ---- objects

    def object_type(self, t, number, name, end=False):
        return self.event(t, 0x1125 if end else 0x1124, 0, 0, struct.pack("<HH", number, 0) +
                          utf16(name))

    def handle(self, t, hook, pid, tid, target, handle, kind, name=""):
        """hook: 0x1120 creates, 0x1121 closes."""
        return self.event(t, hook, pid, tid, self.pointer(target) +
                          struct.pack("<IH", handle, kind) + utf16(name))

    def handle_duplicate(self, t, pid, tid, target, source, handle, target_pid, kind):
        return self.event(t, 0x1122, pid, tid, self.pointer(target) +
                          struct.pack("<IIIH", source, handle, target_pid, kind), 3)

    def handle_rundown(self, t, pid, target, handle, kind, name="", end=False):
        return self.event(t, 0x1127 if end else 0x1126, 0, 0, self.pointer(target) +
                          struct.pack("<IIH", pid, handle, kind) + utf16(name))

    def object(self, t, hook, pid, tid, target, kind):
        """hook: 0x1130 creates, 0x1131 deletes."""
        return self.event(t, hook, pid, tid, self.pointer(target) + struct.pack("<H", kind))

    def reference(self, t, pid, tid, target, tag, count=1, give_back=False):
        return self.event(t, 0x1133 if give_back else 0x1132, pid, tid, self.pointer(target) +
                          tag.encode() + struct.pack("<I", count))
