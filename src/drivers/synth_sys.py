# SPDX-License-Identifier: MIT
"""Writes drivers of known content, for the tests of the scanner: synth_sys.py FOLDER [STAMP].

It shares nothing with the reader. Code is written as bytes, each form of call once, for x64, x86
and ARM64; what a file says about its maker and signer is written too.
"""

import pathlib
import struct
import sys

BASE = {"x64": 0x140000000, "x86": 0x10000, "arm64": 0x140000000}
MACHINE = {"x64": 0x8664, "x86": 0x14C, "arm64": 0xAA64}
TEXT, RDATA, DATA, RSRC = 0x1000, 0x3000, 0x5000, 0x6000


def u16(*values):
    return struct.pack("<%dH" % len(values), *values)


def u32(*values):
    return struct.pack("<%dI" % len(values), *(v & 0xFFFFFFFF for v in values))


def u64(*values):
    return struct.pack("<%dQ" % len(values), *values)


class Section:
    """Bytes at an address, with places that are filled in once they are known."""

    def __init__(self, rva):
        self.rva, self.data, self.labels = rva, bytearray(), {}

    def here(self):
        return self.rva + len(self.data)

    def align(self, n):
        self.data += bytes(-len(self.data) % n)

    def label(self, name):
        self.labels[name] = self.here()
        return self.here()

    def put(self, data):
        at = self.here()
        self.data += data
        return at


class Driver:
    def __init__(self, machine, imports=(), delayed=()):
        self.machine, self.wide = machine, machine != "x86"
        self.base = BASE[machine]
        self.text, self.rdata, self.data = Section(TEXT), Section(RDATA), Section(DATA)
        self.directories = [(0, 0)] * 16
        self.slots, self.functions = {}, []
        self.company = self.signer = None
        self.version = (1, 2, 3, 4)
        if imports:
            self.add_imports(imports)
        if delayed:
            self.add_delayed(delayed)

    def pointer(self, value):
        return u64(value) if self.wide else u32(value)

    def add_names(self, names):
        places = []
        for name in names:
            places.append(self.rdata.put(u16(0) + name.encode() + b"\0"))
            self.rdata.align(2)
        self.rdata.align(8)
        by_number = 1 << (63 if self.wide else 31) | 7  # one import by number among them
        table = self.rdata.here()
        entries = [by_number] + places + [0]
        self.rdata.put(b"".join(self.pointer(e) for e in entries))
        slots = self.rdata.here()
        self.rdata.put(b"".join(self.pointer(e) for e in entries))
        size = len(self.pointer(0))
        for i, name in enumerate(names):
            self.slots[name] = slots + (i + 1) * size
        return table, slots

    def add_imports(self, names):
        library = self.rdata.put(b"ntoskrnl.exe\0")
        table, slots = self.add_names(names)
        at = self.rdata.put(u32(table, 0, 0, library, slots) + bytes(20))
        self.directories[1] = (at, 40)

    def add_delayed(self, names):
        library = self.rdata.put(b"late.sys\0")
        table, slots = self.add_names(names)
        at = self.rdata.put(u32(1, library, 0, slots, table, 0, 0, 0) + bytes(32))
        self.directories[13] = (at, 64)

    # x64 and x86
    def begin(self):
        """A function: on x64 with an entry for unwinding."""
        self.text.data += b"\xCC" * (-len(self.text.data) % 16)
        self.start = self.text.here()
        return self.start

    def end(self, code=b"\xC3"):
        self.text.put(code)
        self.functions.append((self.start, self.text.here()))

    def code(self, data):
        self.text.put(data)

    def relative(self, opcode, target):
        """An instruction whose last four bytes say how far `target` is."""
        self.text.put(opcode + u32(target - (self.text.here() + len(opcode) + 4)))

    def absolute(self, opcode, target):
        self.text.put(opcode + u32(self.base + target))

    def slot(self, opcode, name):
        (self.relative if self.machine == "x64" else self.absolute)(opcode, self.slots[name])

    # ARM64
    def adrp(self, reg, target):
        pages = (target >> 12) - (self.text.here() >> 12)
        self.text.put(u32(0x90000000 | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5 | reg))

    def load_slot(self, reg, name, at_reg=None):
        at = self.slots[name]
        base = reg if at_reg is None else at_reg
        self.adrp(base, at)
        self.text.put(u32(0xF9400000 | (at & 0xFFF) >> 3 << 10 | base << 5 | reg))

    def mov32(self, reg, value):
        self.text.put(u32(0x52800000 | (value & 0xFFFF) << 5 | reg,
                          0x72A00000 | (value >> 16) << 5 | reg))

    def branch(self, opcode, target):
        self.text.put(u32(opcode | ((target - self.text.here()) >> 2 & 0x3FFFFFF)))

    def unwinding(self):
        if not self.functions or self.machine == "x86":
            return
        self.rdata.align(4)
        if self.machine == "x64":
            info = self.rdata.put(bytes([1, 0, 0, 0]))
            rows = b"".join(u32(a, b, info) for a, b in self.functions)
        else:  # packed: the flag 1 and the length
            rows = b"".join(u32(a, 1 | (b - a) >> 2 << 2) for a, b in self.functions)
        self.directories[3] = (self.rdata.put(rows), len(rows))

    def file(self):
        self.unwinding()
        sections = [(b".text", self.text, 0x60000020), (b".rdata", self.rdata, 0x40000040),
                    (b".data", self.data, 0xC0000040)]
        if self.company is not None:
            resources = Section(RSRC)
            resources.put(version_resource(RSRC, self.version, self.company))
            self.directories[2] = (RSRC, len(resources.data))
            sections.append((b".rsrc", resources, 0x40000040))
        head = 0x400
        at, raw, table = head, b"", b""
        for name, section, flags in sections:
            data = bytes(section.data) + bytes(-len(section.data) % 0x200)
            table += name.ljust(8, b"\0") + u32(len(section.data), section.rva, len(data), at)
            table += bytes(12) + u32(flags)
            raw += data
            at += len(data)
        certificates = b""
        if self.signer is not None:
            der = signed_data(self.signer)
            certificates = u32(8 + len(der)) + u16(0x200, 2) + der
            certificates += bytes(-len(certificates) % 8)
            self.directories[4] = (at, len(certificates))
        optional = u16(0x20B if self.wide else 0x10B) + bytes(22)
        optional += u64(self.base) if self.wide else u32(0, self.base)
        optional += bytes(56 - len(optional)) + u32(0x8000, head, 0x12345)
        optional = optional.ljust(108 if self.wide else 92, b"\0") + u32(16)
        optional += b"".join(u32(*d) for d in self.directories)
        coff = b"PE\0\0" + u16(MACHINE[self.machine], len(sections))
        coff += u32(0x5F5E1000, 0, 0) + u16(len(optional), 0x22)
        start = b"MZ" + bytes(58) + u32(0x40) + coff + optional + table
        return start.ljust(head, b"\0") + raw + certificates


def text16(text):
    return text.encode("utf-16-le") + b"\0\0"


def block(key, value, is_text, children=b""):
    body = bytearray(u16(0, len(value) // 2 if is_text else len(value), int(is_text)) + text16(key))
    body += bytes(-len(body) % 4) + value
    if children:
        body += bytes(-len(body) % 4) + children
    body[:2] = u16(len(body))
    return bytes(body) + bytes(-len(body) % 4)


def version_resource(rva, numbers, company):
    fixed = u32(0xFEEF04BD, 0x10000, numbers[0] << 16 | numbers[1], numbers[2] << 16 | numbers[3])
    fixed = fixed.ljust(52, b"\0")
    strings = block("FileDescription", text16("A driver"), True)
    strings += block("CompanyName", text16(company), True)
    table = block("040904b0", b"", True, strings)
    info = block("VS_VERSION_INFO", fixed, False,
                 block("VarFileInfo", b"", True, block("Translation", u16(0x409, 1200), False)) +
                 block("StringFileInfo", b"", True, table))

    def directory(entry_id, to):
        return bytes(12) + u16(0, 1) + u32(entry_id, to)

    tree = directory(16, 0x80000018) + directory(1, 0x80000030) + directory(1033, 0x48)
    return tree + u32(rva + 0x58, len(info), 0, 0) + info


def der(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    return bytes([tag, 0x82]) + struct.pack(">H", len(body)) + body


def name(common, organization="Org"):
    def part(oid, text, tag=0x0C):
        data = text.encode("utf-16-be") if tag == 0x1E else text.encode()
        return der(0x31, der(0x30, der(6, bytes([0x55, 4, oid])), der(tag, data)))

    rows = part(10, organization)
    if common:
        rows += part(3, common, 0x1E if common.startswith("Wide") else 0x0C)
    return der(0x30, rows)


def certificate(issuer, serial, subject):
    algorithm = der(0x30, der(6, b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B"), der(5))
    times = der(0x30, der(0x17, b"200101000000Z"), der(0x17, b"300101000000Z"))
    key = der(0x30, algorithm, der(3, b"\0" + bytes(16)))
    version = der(0xA0, der(2, b"\2"))
    body = der(0x30, version, der(2, serial), algorithm, issuer, times, subject, key)
    return der(0x30, body, algorithm, der(3, b"\0" + bytes(16)))


def signed_data(common):
    """PKCS #7 with two certificates: the authority's comes first, the signer's second."""
    authority = name("An Authority")
    mine = certificate(authority, b"\x12\x34", name(common))
    theirs = certificate(authority, b"\1", authority)
    algorithm = der(0x30, der(6, b"\x60\x86\x48\x01\x65\x03\x04\x02\x01"))
    info = der(0x30, der(2, b"\1"), der(0x30, authority, der(2, b"\x12\x34")), algorithm,
               algorithm, der(4, bytes(16)))
    data = der(0x30, der(2, b"\1"), der(0x31, algorithm),
               der(0x30, der(6, b"\x2B\x06\x01\x04\x01\x82\x37\x02\x01\x04")),
               der(0xA0, theirs, mine), der(0x31, info))
    return der(0x30, der(6, b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02"), der(0xA0, data))


def tag(text):
    return struct.unpack("<I", text.encode().ljust(4, b" "))[0]


def x64():
    """Every way of passing a tag on x64 (see test_scan.c for what is found)."""
    d = Driver("x64", ["ExAllocatePoolWithTag", "ExAllocatePool2", "ExFreePoolWithTag",
                       "ExInitializeLookasideListEx", "FltRegisterFilter",
                       "StorPortExtendedFunction", "WdfVersionBind", "ExAllocatePool"],
               ["NdisAllocateMemoryWithTag"])
    r8 = b"\x41\xB8"
    # A stub, as an incremental linker makes it.
    stub = d.begin()
    d.slot(b"\xFF\x25", "ExAllocatePoolWithTag")
    # What the guard and a retpoline call: they jump to what rax or r10 say.
    dispatch = d.begin()
    d.code(b"\xFF\xE0")
    # A function of the driver's own that hands its second argument on, behind a branch.
    wrapper = d.begin()
    d.code(b"\x48\x83\xEC\x28" b"\x85\xC9" b"\x75\x07" b"\x33\xC0" b"\x48\x83\xC4\x28" b"\xC3")
    d.code(b"\x44\x8B\xC2" b"\x8B\xD1" b"\x33\xC9")
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    d.end(b"\x48\x83\xC4\x28\xC3")
    # One that hands its third on to that one, by a jump.
    outer = d.begin()
    d.code(b"\x41\x8B\xD0")
    d.relative(b"\xE9", wrapper)
    d.end(b"")
    d.begin()
    d.code(b"\x48\x83\xEC\x58")
    d.code(r8 + u32(tag("Call")) + b"\xBA\x10\0\0\0" b"\x33\xC9")
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    d.code(r8 + u32(tag("Rex1")))
    d.slot(b"\x48\xFF\x15", "ExAllocatePool2")  # as drivers have it since Windows 10 1809
    d.code(b"\x0F\x1F\x44\0\0")
    d.code(r8 + u32(tag("Stub")))
    d.relative(b"\xE8", stub)
    d.slot(b"\x48\x8B\x05", "ExAllocatePoolWithTag")
    d.code(r8 + u32(tag("Rax1")))
    d.relative(b"\xE8", dispatch)
    d.slot(b"\x4C\x8B\x15", "ExAllocatePoolWithTag")
    d.code(r8 + u32(tag("R101")))
    d.relative(b"\xE8", dispatch)
    d.slot(b"\x48\x8B\x1D", "ExAllocatePoolWithTag")
    d.code(r8 + u32(tag("Reg1")) + b"\xFF\xD3")  # call rbx
    d.code(b"\xBE" + u32(tag("Kept")))  # mov esi; a call in between; mov r8d, esi
    d.slot(b"\xFF\x15", "ExFreePoolWithTag")
    d.code(b"\x44\x8B\xC6")
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    d.code(b"\xBA" + u32(tag("Free")))
    d.slot(b"\xFF\x15", "ExFreePoolWithTag")
    d.code(b"\xC7\x44\x24\x30" + u32(tag("Stck")))
    d.slot(b"\xFF\x15", "ExInitializeLookasideListEx")
    d.code(r8 + u32(tag("Late")))
    d.slot(b"\xFF\x15", "NdisAllocateMemoryWithTag")
    d.slot(b"\xFF\x15", "ExAllocatePool")
    d.code(b"\xBA" + u32(tag("Wrap")))
    d.relative(b"\xE8", wrapper)
    d.code(r8 + u32(tag("Outr")))
    d.relative(b"\xE8", outer)
    d.code(r8 + u32(tag("Prot") | 0x80000000))
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    d.code(b"\x41\xB8abc\0")  # of three characters
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    d.code(b"\x33\xC9" b"\x41\xB9" + u32(tag("Stor")))
    d.slot(b"\xFF\x15", "StorPortExtendedFunction")
    d.code(b"\xB9\5\0\0\0" b"\x41\xB9" + u32(tag("NotS")))  # another of its functions
    d.slot(b"\xFF\x15", "StorPortExtendedFunction")
    # A variable and a table.
    d.data.put(u32(0, 0) + b"Vari" + u32(1))
    d.relative(b"\x44\x8B\x05", DATA + 8)
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    table = d.rdata.put(b"Tb_1Tb_2Tb_3" + u32(0))
    d.relative(b"\x48\x8D\x05", table)
    d.code(b"\x44\x8B\x04\x88")  # mov r8d, [rax+rcx*4]
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    # Put together when it runs: mov r8d, [rcx]; xor r8d, imm. Not found as what it is.
    d.code(b"\x44\x8B\x01" b"\x41\x81\xF0" + u32(tag("Xor1")))
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    # Folded: mov r8d, a; add r8d, b.
    d.code(r8 + u32(tag("Fold") - 5) + b"\x41\x83\xC0\5")
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    # A constant that goes nowhere, and one that is no tag.
    d.code(b"\xC7\x44\x24\x20" + u32(tag("Loos")) + b"\xC7\x44\x24\x20GenuC")
    d.text.data.pop()
    # The framework: WdfMemoryCreate, then a function of another number.
    functions = DATA + 0x40
    for index, text in ((192, "WdfM"), (191, "NoWd")):
        d.relative(b"\x48\x8B\x05", functions)
        d.code(b"\x48\x8B\x80" + u32(index * 8))
        d.code(b"\x41\xB9" + u32(tag(text)))
        d.relative(b"\xE8", dispatch)
    # Contexts of a file system filter.
    contexts = d.rdata.put(b"")
    for kind, text in ((1, "CtxA"), (8, "CtxB")):
        d.rdata.align(8)
        at = d.rdata.put(u16(kind, 0, 0, 0) + u64(0, 64) + text.encode() + bytes(28))
        contexts = contexts if kind == 8 else at
    d.rdata.put(u16(0xFFFF, 0, 0, 0) + bytes(48))
    registration = d.rdata.put(u16(0x70, 0x203) + u32(0) + u64(d.base + contexts) + bytes(64))
    d.relative(b"\x48\x8D\x15", registration)
    d.slot(b"\xFF\x15", "FltRegisterFilter")
    d.end(b"\x48\x83\xC4\x58\xC3")
    # Data: alone and aligned; in a text; not aligned; a common word.
    d.rdata.align(4)
    d.rdata.put(u32(3) + b"Dat1" + u32(0) + b"Longer text" + b"\0" + b"\1Unal\2\3\4" + u32(0))
    d.rdata.put(b"NULL" + u32(0))
    library = d.rdata.put(text16("KmdfLibrary"))
    d.data.data = d.data.data.ljust(0x48, b"\0")
    d.data.put(u32(0x30, 0) + u64(d.base + library) + u32(1, 15, 0, 400))
    d.data.put(u64(d.base + functions, 0))
    d.company, d.signer = "Example GmbH \u00e4\u00f6", "Example Signing"
    return d.file()


def x86():
    d = Driver("x86", ["ExAllocatePoolWithTag", "ExAllocatePool2", "ExFreePoolWithTag"])
    wrapper = d.begin()
    d.code(b"\x8B\xFF\x55\x8B\xEC" b"\xFF\x75\x0C" b"\xFF\x75\x08" b"\x6A\0")
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    d.end(b"\x5D\xC2\x08\0")
    stub = d.begin()
    d.slot(b"\xFF\x25", "ExAllocatePoolWithTag")
    d.begin()
    d.code(b"\x55\x8B\xEC")
    d.code(b"\x68" + u32(tag("Push")) + b"\x6A\x10\x6A\0")
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    d.code(b"\x68" + u32(tag("Stub")) + b"\x6A\x10\x6A\0")
    d.relative(b"\xE8", stub)
    d.code(b"\xBB" + u32(tag("Regi")) + b"\x53\x6A\x10\x6A\0")
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    d.code(b"\x68" + u32(tag("Two2")) + b"\x6A\x10\x6A\0\x6A\x40")  # flags take eight bytes
    d.slot(b"\xFF\x15", "ExAllocatePool2")
    d.data.put(b"Vari" + u32(1))
    d.absolute(b"\xFF\x35", DATA)
    d.code(b"\x6A\x10\x6A\0")
    d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
    d.code(b"\x68" + u32(tag("Wrap")) + b"\x6A\x10")
    d.relative(b"\xE8", wrapper)
    d.code(b"\x68" + u32(tag("Free")) + b"\x50")
    d.slot(b"\xFF\x15", "ExFreePoolWithTag")
    d.end(b"\x5D\xC3")
    d.signer = "Wide Name"
    return d.file()


def arm64():
    d = Driver("arm64", ["ExAllocatePoolWithTag", "ExAllocatePool2", "ExFreePoolWithTag"])
    blr8, ret = u32(0xD63F0100), u32(0xD65F03C0)
    wrapper = d.begin()
    d.code(u32(0x2A0103E2))  # mov w2, w1
    d.load_slot(8, "ExAllocatePoolWithTag")
    d.end(u32(0xD61F0100))  # br x8
    stub = d.begin()
    d.load_slot(16, "ExAllocatePoolWithTag")
    d.code(u32(0xD61F0200))
    d.begin()
    d.mov32(2, tag("Pair"))
    d.load_slot(8, "ExAllocatePoolWithTag")
    d.code(blr8)
    d.mov32(2, tag("Stub"))
    d.branch(0x94000000, stub)
    d.code(u32(0x18000000 | 4 << 5 | 2))  # ldr w2, what lies four instructions ahead
    d.load_slot(8, "ExAllocatePool2")
    d.code(u32(0x14000002))  # over it
    d.code(b"Litl")
    d.code(blr8)
    d.data.put(u32(7) + b"Vari")
    d.adrp(9, DATA)
    d.code(u32(0xB9400000 | 1 << 10 | 9 << 5 | 2))  # ldr w2, [x9, 4]
    d.load_slot(8, "ExAllocatePoolWithTag")
    d.code(blr8)
    d.mov32(1, tag("Wrap"))
    d.branch(0x94000000, wrapper)
    d.mov32(19, tag("Kept"))
    d.mov32(1, tag("Free"))
    d.load_slot(8, "ExFreePoolWithTag")
    d.code(blr8 + u32(0x2A1303E2))  # mov w2, w19
    d.load_slot(15, "ExAllocatePoolWithTag", 8)
    d.code(blr8)  # through the guard: x15 says what
    d.end(ret)
    return d.file()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for stem, make in (("forms64", x64), ("forms86", x86), ("formsarm", arm64)):
        (folder / (stem + ".sys")).write_bytes(make())
    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).write_text("")


if __name__ == "__main__":
    main()
