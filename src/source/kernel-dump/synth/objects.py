# SPDX-License-Identifier: MIT
"""Processes alive and dead, threads, other objects, and handle tables of one to three levels."""

import struct

from paging import PAGE

# Indexes of object types; the first two entries of the kernel's table are not types.
TYPES = ['Type', 'Directory', 'SymbolicLink', 'Token', 'Job', 'Process', 'Thread', 'Event', 'File',
         'Key', 'Section', 'Mutant', 'Semaphore']


class Object:
    """An object: its header is at `header`, what it is at `body`."""

    def __init__(self, kind, header, body):
        self.kind, self.header, self.body = kind, header, body
        self.handles = 0   # to it, in all tables
        self.prepaid = 0   # references of those besides their own
        self.pointers = 0  # other references
        self.claimed_handles = 0  # handles that it counts, of tables that are not there


class Thread(Object):
    def __init__(self, header, body, process, tid):
        super().__init__('Thread', header, body)
        self.process, self.tid = process, tid


class Process(Object):
    def __init__(self, header, body, image, pid):
        super().__init__('Process', header, body)
        self.image, self.pid = image, pid
        self.parent, self.threads, self.table = 0, [], []
        self.created = self.exited = 0
        self.commit = self.private = 0
        self.listed = True
        self.driver_references = 0
        self.handle_table = 0
        self.directory = None
        self.lost_handles = 0
        self.gone = []   # handles whose entries are not in the dump
        self.pages = []  # of its handle table


class Handle:
    def __init__(self, target, access, prepaid):
        self.target, self.access, self.prepaid = target, access, prepaid
        self.value = 0


class Objects:
    """All objects of a machine."""

    def __init__(self, machine, cookie=0xA7, cid_prepaid=False):
        self.m, self.era, self.cid_prepaid = machine, machine.era, cid_prepaid
        self.cookie = cookie if self.era.encoded_type else 0
        self.processes, self.others = [], []
        self.next_tid = 0x204  # ids of processes are multiples of 8, but for System's 4
        # References that a new handle holds besides its own.
        self.prepaid = 0
        if self.era.counted:
            self.prepaid = (1 << (self.era.entry['RefCnt'][1] if self.m.wide else 5)) - 1
            self.prepaid = min(self.prepaid, 0x7FFF)
        self.tables = []  # addresses of the links of all handle tables

    # --- making -------------------------------------------------------------------------------

    def place(self, size, align=0x40, region='nonpaged'):
        """(header, body) of an object with a body of `size` bytes, a pool header before it."""
        before = self.era.offset('_OBJECT_HEADER', 'Body')
        body = self.m.alloc(region, 0, align)
        while body - before - 0x40 < self.m.next[region]:
            body += align
        self.m.next[region] = body + size
        return body - before, body

    def process(self, image, pid, parent=4, threads=1, **more):
        p = Process(*self.place(self.era.size('_EPROCESS')), image, pid)
        p.parent = parent
        for name, value in more.items():
            if not hasattr(p, name):
                raise ValueError(name)
            setattr(p, name, value)
        for _ in range(threads):
            self.thread(p)
        self.processes.append(p)
        return p

    def thread(self, process):
        t = Thread(*self.place(self.era.size('_ETHREAD')), process, self.next_tid)
        self.next_tid += 8
        process.threads.append(t)
        self.others.append(t)
        return t

    def other(self, kind):
        """An object of another type: a header and a few bytes."""
        o = Object(kind, *self.place(0x20, 0x10, 'nonpaged'))
        self.others.append(o)
        return o

    def open(self, holder, target, access=0x1FFFFF, used=0):
        """A handle of `holder` to an object; `used` of its prepaid references are gone."""
        prepaid = max(0, self.prepaid - used)
        h = Handle(target, access, prepaid)
        holder.table.append(h)
        target.handles += 1
        target.prepaid += prepaid
        return h

    # --- writing ------------------------------------------------------------------------------

    def header(self, o):
        t, m = self.era.types['_OBJECT_HEADER'], self.m
        index = TYPES.index(o.kind) + 2
        value = index ^ self.cookie ^ (o.header >> 8 & 0xFF if self.era.encoded_type else 0)
        m.ptr(o.header + t['PointerCount'], o.handles + o.prepaid + o.pointers)
        m.ptr(o.header + t['HandleCount'], o.handles + o.claimed_handles)
        m.u8(o.header + t['TypeIndex'], value)
        m.u8(o.header + t['InfoMask'], 0x88 if o.kind == 'Process' else 0x08)

    def entry(self, pointer, access, prepaid):
        """A handle table entry; `pointer` is what it points to."""
        if self.era.counted:
            if self.m.wide:
                at, bits = self.era.entry['ObjectPointerBits']
                low = 1 | prepaid << 1 | (pointer >> 4 & (1 << bits) - 1) << at
                return struct.pack('<QQ', low, access & 0x1FFFFFF)
            return struct.pack('<II', 1 | pointer & ~7, access & 0x1FFFFFF | prepaid << 27)
        if self.m.wide:
            return struct.pack('<QQ', pointer | 1, access)
        return struct.pack('<II', pointer | 1, access)

    def free_entry(self, following):
        if self.era.counted:
            return struct.pack('<QQ' if self.m.wide else '<II', 0, following)
        return struct.pack('<QQ' if self.m.wide else '<II', 0, following & 0xFFFFFFFF)

    def write_table(self, entries, levels=None, owner=None, pid=0, listed=True):
        """A handle table of `entries`: index -> bytes. Returns its address."""
        m, t = self.m, self.era.types['_HANDLE_TABLE']
        size = 16 if m.wide else 8
        per_page, per_middle = PAGE // size, PAGE // self.era.pointer
        n_low = max(entries, default=0) // per_page + 1
        if levels is None:
            levels = 0 if n_low == 1 else 1 if n_low <= per_middle else 2
        low = [m.alloc('tables', PAGE, PAGE) for _ in range(n_low)]
        if owner:
            owner.pages = low
        used_pages = {}
        for index, data in entries.items():
            used_pages.setdefault(index // per_page, {})[index % per_page] = data
        empty = None
        for page, at in enumerate(low):
            if page not in used_pages and empty is not None:
                m.space.map(at, empty)  # all the empty ones look alike
                continue
            out = bytearray()
            used = used_pages.get(page, {})
            for i in range(per_page):
                if i == 0:
                    out += struct.pack('<QQ' if m.wide else '<II', 0, 0xFFFFFFFE)
                elif i in used:
                    out += used[i]
                else:
                    out += self.free_entry(0)
            m.write(at, bytes(out))
            if page not in used_pages:
                empty = m.space.frames[at >> 12]
        code = low[0]
        if levels:
            middles = []
            for i in range(0, n_low, per_middle):
                at = m.alloc('tables', PAGE, PAGE)
                part = low[i:i + per_middle]
                m.ptr(at, *(part + [0] * (per_middle - len(part))))
                middles.append(at)
            code = middles[0] | 1
            if levels == 2:
                at = m.alloc('tables', PAGE, PAGE)
                m.ptr(at, *(middles + [0] * (per_middle - len(middles))))
                code = at | 2
        table = m.alloc('paged', t[''] + 0x10, 16)
        m.ptr(table + t['TableCode'], code)
        m.ptr(table + t['QuotaProcess'], owner.body if owner else 0)
        (m.u32 if self.era.counted else m.ptr)(table + t['UniqueProcessId'], pid)
        m.u32(table + t['HandleCount'], len(entries))
        m.u32(table + t['NextHandleNeedingPool'], n_low * per_page * 4)
        if listed:
            self.tables.append(table + t['HandleTableList'])
        else:
            here = table + t['HandleTableList']
            m.ptr(here, here, here)
        return table

    def write_handles(self, p):
        per_page = PAGE // (16 if self.m.wide else 8)
        entries, index = {}, 0
        for i, h in enumerate(p.table):
            index += 1 if i % 7 else 2  # a free one here and there
            if h.value:
                index = h.value // 4
            if index % per_page == 0:
                index += 1
            h.value = index * 4
            entries[index] = self.entry(h.target.header, h.access, h.prepaid)
        p.handle_table = self.write_table(entries, owner=p, pid=p.pid)

    def write_process(self, p):
        m, t = self.m, self.era.types['_EPROCESS']
        at = p.body
        m.u8(at + t['Type'], 3)
        m.ptr(at + t['DirectoryTableBase'], p.directory)
        m.ptr(at + t['UniqueProcessId'], p.pid)
        m.ptr(at + t['InheritedFromUniqueProcessId'], p.parent)
        m.u64(at + t['CreateTime'], p.created)
        m.u64(at + t['ExitTime'], p.exited)
        m.ptr(at + t['ObjectTable'], p.handle_table)
        m.write(at + t['ImageFileName'], p.image.encode()[:14].ljust(15, b'\0'))
        m.ptr(at + t['CommitCharge'], p.commit)
        if 'NumberOfPrivatePages' in t:
            m.ptr(at + t['NumberOfPrivatePages'], p.private)
        if 'CommitChargePeak' in t:
            m.ptr(at + t['CommitChargePeak'], p.commit + 100)
        alive = not p.exited
        m.u32(at + t['ActiveThreads'], len(p.threads) if alive else 0)
        m.u32(at + t['ExitStatus'], 0x103 if alive else 0)
        m.list_of(at + t['ThreadListHead'],
                  [x.body + self.era.offset('_ETHREAD', 'ThreadListEntry') for x in p.threads])
        if not p.listed:
            m.ptr(at + t['ActiveProcessLinks'], 0, 0)

    def write_thread(self, x):
        m, t, p = self.m, self.era.types['_ETHREAD'], x.process
        m.u8(x.body + t['Type'], 6)
        m.ptr(x.body + t['Process'], p.body)
        m.u64(x.body + t['CreateTime'], p.created + 1000)
        m.u64(x.body + t['ExitTime'], p.exited - 500 if p.exited else 0)
        m.ptr(x.body + t['Cid'], p.pid, x.tid)

    def finish(self):
        """Counts references, writes everything."""
        m = self.m
        # Dead ones have left their address spaces; what is left of them is a table's page.
        for p in self.processes:
            p.pointers += len(p.threads) + p.driver_references
            if not p.exited:
                p.pointers += 1
                if p.pid != 4:
                    self.write_handles(p)
        for p in self.processes:
            if p.pid == 4 and not p.exited:
                self.write_handles(p)
        for x in self.others:
            if isinstance(x, Thread) and not x.process.exited:
                x.pointers += 1
        cids = {}
        for i, p in enumerate(self.processes):
            # Entries of ids can hold references in advance, too.
            prepaid = self.prepaid - 2 if self.cid_prepaid and i % 3 == 1 else 0
            p.pointers += prepaid
            cids[p.pid // 4] = self.entry(p.body, 0, prepaid)
        for x in self.others:
            if isinstance(x, Thread):
                cids[x.tid // 4] = self.entry(x.body, 0, 0)
        m.ptr(m.symbol('PspCidTable'), self.write_table(cids, listed=False))
        m.list_of(m.symbol('HandleTableListHead'), self.tables)
        links = self.era.offset('_EPROCESS', 'ActiveProcessLinks')
        self.directories()
        for p in self.processes:
            self.write_process(p)
            self.header(p)
        m.list_of(m.symbol('PsActiveProcessHead'),
                  [p.body + links for p in self.processes if p.listed])
        for x in self.others:
            if isinstance(x, Thread):
                self.write_thread(x)
            self.header(x)
        if m.has('ObHeaderCookie'):
            m.u8(m.symbol('ObHeaderCookie'), self.cookie)
        if m.has('PsInitialSystemProcess'):
            m.ptr(m.symbol('PsInitialSystemProcess'), self.processes[0].body)
        self.write_types()

    def write_types(self):
        m, t = self.m, self.era.types['_OBJECT_TYPE']
        if not m.has('ObTypeIndexTable'):
            return
        at = m.symbol('ObTypeIndexTable')
        m.ptr(at, 0, 0xBAD0B0B0)
        for i, name in enumerate(TYPES):
            _, body = self.place(t[''])
            m.unicode_string(body + t['Name'], name)
            m.u8(body + t['Index'], i + 2)
            m.ptr(at + (i + 2) * self.era.pointer, body)
            for symbol, kind in (('PsProcessType', 'Process'), ('PsThreadType', 'Thread')):
                if name == kind and m.has(symbol):
                    m.ptr(m.symbol(symbol), body)

    def directories(self):
        """A root of page tables for each living process; System's is the kernel's own."""
        m = self.m
        for p in self.processes:
            if p.directory is None:
                if p.pid == 4:
                    p.directory = m.space.directory_table()
                else:
                    frame = m.physical.take()
                    p.directory = frame << 12 | m.space.root_offset

    def copy_roots(self):
        """The kernel's half for everybody; when nothing is mapped any more."""
        for p in self.processes:
            if p.pid != 4 and not p.exited and p.directory:
                self.m.space.share_kernel(p.directory >> 12)

    # --- truth --------------------------------------------------------------------------------

    def truth(self):
        holds = {}
        for p in self.processes:
            for h in (h for h in p.table if h not in p.gone):
                by_thread = isinstance(h.target, Thread)
                target = h.target.process if by_thread else h.target
                if not isinstance(target, Process) or not target.exited:
                    continue
                key = (id(target), p.pid, by_thread)
                row = holds.setdefault(key, {'pid': p.pid, 'image': p.image, 'handles': 0,
                                             'prepaid': 0, 'by_thread': by_thread,
                                             'first_handle': h.value, 'access': h.access})
                row['handles'] += 1
                row['prepaid'] += h.prepaid
        processes, zombies = [], []
        for p in self.processes:
            row = {'address': p.body, 'pid': p.pid, 'parent_pid': p.parent, 'image': p.image[:14],
                   'created': p.created, 'exited': p.exited, 'commit_pages': p.commit,
                   'directory_table': p.directory, 'handle_table': p.handle_table,
                   'handles': len(p.table) if not p.exited else None,
                   'handles_not_held': p.lost_handles,
                   'n_threads': len(p.threads), 'in_list': p.listed,
                   'n_pointers': p.handles + p.prepaid + p.pointers,
                   'n_handles': p.handles + p.claimed_handles}
            processes.append(row)
            if p.exited:
                mine = [h for key, h in holds.items() if key[0] == id(p)]
                zombies.append({
                    **{k: row[k] for k in ('address', 'pid', 'image', 'exited', 'commit_pages',
                                           'n_pointers', 'n_handles', 'in_list')},
                    'n_thread_handles': sum(t.handles for t in p.threads),
                    'n_thread_references': len(p.threads),
                    'n_found': sum(h['handles'] for h in mine),
                    'driver_references': p.driver_references, 'holders': mine})
        return processes, zombies
