# SPDX-License-Identifier: MIT
"""Machines with something going on in them, and what is true of them."""

import random

from eras import ERAS
from machine import FILETIME_DAY, Machine
from objects import Objects
from pool import Tag, Trackers

GB_PAGES = (1 << 30) // 4096
DRIVERS = ['hal.dll', 'ntfs.sys', 'tcpip.sys', 'leakdrv.sys', 'fltmgr.sys', 'wcifs.sys']
TAGS = ['Proc', 'Thre', 'File', 'Ntfx', 'FMfn', 'MmSt', 'Irp ', 'EtwB', 'TcpE', 'Vad ', 'CM25',
        'Toke', 'Even', 'Sect', 'ObNm', 'IoNm', 'NtfC', 'Mdl ', 'KDNF', 'LSwi', 'AlIn', 'NDpb',
        'PcFD', 'SeTd', 'Usqu', 'Gla1', 'DxgK', 'Wmii', 'ViMm', 'FSfm']
NAMES = ['svchost.exe', 'RuntimeBroker.exe', 'explorer.exe', 'sihost.exe', 'dwm.exe',
         'WmiPrvSE.exe', 'spoolsv.exe', 'lsass.exe', 'conhost.exe', 'SearchIndexer.exe']


class World:
    """Parameters are plain numbers; the same ones give the same world."""

    def __init__(self, era='19041', size=16 << 20, seed=1, paging=None, processors=2,
                 processes=8, zombies=5, driver_zombies=3, thread_zombies=2, unlisted_zombies=1,
                 handles=60, tags=24, leaking='Lk42', leaked=250_000, table_entries=0x81,
                 expansion=0, sessions=False, big_handles=0, far_handles=0,
                 monitor_handles=0, kdbg='clear', large_kernel=False, invalid_mask=0,
                 table_twice=True, holes=(), paged_out=False, cookie=0xA7, counters=None, drivers=6,
                 compact=False, cid_prepaid=False, both_zombies=1,
                 pid_step=8, commit_high=60_000):
        self.random = random.Random(seed)
        self.era = ERAS[era]
        self.m = Machine(self.era, size, paging, large_kernel, invalid_mask, processors, kdbg,
                         compact)
        self.objects = Objects(self.m, cookie, cid_prepaid)
        self.trackers = Trackers(self.m, table_entries, expansion, table_twice, holes)
        self.notes, self.leaking = {}, leaking
        self.pid_step, self.commit_high = pid_step, commit_high
        for name in DRIVERS[:drivers]:
            self.m.driver(name, 0x10000 * (2 if compact else self.random.randint(2, 60)))
        self.make_tags(tags, leaking, leaked, sessions)
        self.make_processes(processes, zombies, driver_zombies, thread_zombies, unlisted_zombies,
                            handles, big_handles, far_handles, monitor_handles, both_zombies)
        self.m.module_list()
        self.trackers.write()
        self.objects.finish()
        self.make_vm(counters or {})
        if invalid_mask:
            self.m.u64(self.m.symbol('MiState') + self.era.offset('_MI_SYSTEM_INFORMATION',
                                                                  'InvalidPteMask'), invalid_mask)
        self.kdbg_address = self.m.write_kdbg()
        self.page_states(paged_out)
        self.objects.copy_roots()
        if compact:
            # Nobody looks through the page tables of the others.
            self.m.physical.absent.update(p.directory >> 12 for p in self.alive)

    # --- pool ---------------------------------------------------------------------------------

    def make_tags(self, n, leaking, leaked, sessions):
        r, tags = self.random, self.trackers.tags
        names = list(TAGS)
        while len(names) < n:
            names.append(''.join(r.choice('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgh0123456789')
                                 for _ in range(4)))
        for i, name in enumerate(dict.fromkeys(names[:n])):
            rows = []
            for pool in range(2):
                if (i + pool) % 3 == 0:
                    rows.append((0, 0, 0))
                    continue
                outstanding = r.randint(1, 5000)
                churn = r.randint(0, 3_000_000)
                size = r.choice((32, 64, 96, 160, 272, 512, 1040, 4096))
                rows.append((outstanding + churn, churn, outstanding * size))
            tags.append(Tag(name.rstrip(), *rows, protected=name in ('Proc', 'Toke', 'Even')))
        if leaking:
            tags.insert(0, Tag(leaking, (leaked, 12, (leaked - 12) * 544)))
        if self.trackers.count_bytes == 4:
            # More allocations than 32 bits can count.
            tags.insert(0, Tag('Wrap', (0, 0, 0), (2**32 + 70_000, 2**32 - 5_000, 75_000 * 48)))
        if sessions:
            self.trackers.session_tags = [Tag('Gdi ', paged=(5000, 1000, 4000 * 128)),
                                          Tag('Usqm', paged=(900, 100, 800 * 96))]

    # --- processes ----------------------------------------------------------------------------

    def make_processes(self, n, zombies, driver_zombies, thread_zombies, unlisted, handles, big,
                       far, monitors, both):
        o, r, m = self.objects, self.random, self.m
        start = m.boot + 10_000_000

        def moment():
            return start + r.randint(0, 18 * FILETIME_DAY)

        total = n + zombies + driver_zombies + thread_zombies + unlisted + both + 8
        pids = iter(range(0x60, 0x60 + self.pid_step * total, self.pid_step))
        o.next_tid = 0x64
        system = o.process('System', 4, 0, threads=2, created=m.boot, commit=50, private=40)
        smss = o.process('smss.exe', next(pids), created=start, commit=260, private=250)
        services = o.process('services.exe', next(pids), smss.pid, created=start + 5,
                             commit=1200, private=1100)
        service = o.process('BackupAgent.exe', next(pids), services.pid, created=start + 99,
                            commit=9000, private=8800)
        monitor = o.process('MonitorSvc.exe', next(pids), services.pid, created=start + 120,
                            commit=3000, private=2900)
        alive = [smss, services, service, monitor]
        for i in range(max(0, n - 5)):
            alive.append(o.process(NAMES[i % len(NAMES)], next(pids), services.pid,
                                   created=moment(), private=400,
                                   commit=r.randint(500, self.commit_high)))
        shared = [o.other(kind) for kind in ('File', 'Event', 'Key', 'Section', 'Mutant')]
        for x in shared:
            x.pointers = 1
        for p in alive[:1] + [x for x in alive if x is not smss]:
            o.open(services, p, 0x1478, r.randint(0, 20))
        for i in range(handles):
            o.open(r.choice(alive), r.choice(shared), 0x120089, r.randint(0, 30))
        for i in range(4):
            o.open(system, shared[i], 0x1F0003)

        def dead(image, threads=0, **more):
            created = moment()
            p = o.process(image, next(pids), services.pid, threads, created=created,
                          exited=created + r.randint(1, 300) * 10_000_000,
                          commit=r.choice((0, 0, 2, 5)), **more)
            return p

        for i in range(monitors):
            o.open(monitor, shared[i % len(shared)], 0x120089)
        for i in range(zombies):
            p = dead('cmd.exe' if i % 3 else 'git.exe')
            o.open(service, p, 0x1FFFFF if i % 2 else 0x1000, r.choice((0, 0, 0, 3)))
            if i % 4 == 3:  # two holders
                o.open(monitor, p, 0x400, 1)
        for i in range(thread_zombies):
            p = dead('worker.exe', threads=1)
            o.open(monitor, p.threads[0], 0x1FFFFF)
            if i % 2:
                o.open(monitor, p, 0x1000)
        for i in range(driver_zombies):
            dead('scan.exe', driver_references=1 + i % 2)
        for i in range(both):
            o.open(service, dead('both.exe', driver_references=7 + i), 0x1000)
        for i in range(unlisted):
            # Not in the list of processes any more, so that only a handle leads to it.
            p = dead('hidden.exe', listed=False)
            o.open(monitor, p, 0x1000)
        for i in range(big):
            o.open(service, shared[i % len(shared)], 0x120089)
        for i in range(far):
            # Beyond what two levels hold; the pages between are empty.
            per = 4096 // (16 if m.wide else 8) * (4096 // self.era.pointer)
            o.open(service, shared[i % len(shared)], 0x120089).value = (per + 5 + i) * 4
        self.alive, self.service, self.monitor, self.system = alive, service, monitor, system

    # --- memory -------------------------------------------------------------------------------

    def make_vm(self, counters):
        """Numbers of a machine of 8 GB (or as large as it is), in pages."""
        m = self.m
        frames = m.physical.n_frames()
        physical = max(frames, 8 * GB_PAGES - 0x41D9) if frames < GB_PAGES else frames
        pools = {'nonpaged': 0, 'paged': 0}
        for tag in self.trackers.tags:
            pools['nonpaged'] += tag.nonpaged[2]
            pools['paged'] += tag.paged[2]
        commit = {
            'process_private': sum(p.commit for p in self.objects.processes),
            'nonpaged_pool': (pools['nonpaged'] + 4095) // 4096 + 900,
            'paged_pool': (pools['paged'] + 4095) // 4096 + 700,
            'drivers': sum(x['size'] for x in m.modules) // 4096,
            'shared': 41_217,
        }
        rest = 23_456
        committed = sum(commit.values()) + rest
        self.vm = {
            'physical': physical, 'available': physical * 5 // 8 + 77,
            'resident_available': physical * 3 // 4 + 11,
            'committed': committed,
            'commit_limit': max(physical + 2 * GB_PAGES, committed + committed // 4),
            'commit_limit_maximum': physical + 3 * physical, 'commit_peak': None,
            'unattributed': rest, **commit, **counters,
        }
        self.vm['commit_peak'] = counters.get('commit_peak', self.vm['committed'] + 4_321)
        vm = self.vm
        if self.era.has_partition:
            t, p = self.era.types['_MI_PARTITION'], m.symbol('MiSystemPartition')
            v, at = self.era.types['_MI_VISIBLE_PARTITION'], p + t['Vp']
            for member, value in (('LowestPhysicalPage', 1),
                                  ('HighestPhysicalPage', physical + 0x41D8),
                                  ('NumberOfPhysicalPages', vm['physical']),
                                  ('AvailablePages', vm['available']),
                                  ('ResidentAvailablePages', vm['resident_available']),
                                  ('TotalCommittedPages', vm['committed']),
                                  ('TotalCommitLimit', vm['commit_limit']),
                                  ('SharedCommit', vm['shared'])):
                if member in v:
                    m.ptr(at + v[member], value)
            for member, value in (('PeakCommitment', vm['commit_peak']),
                                  ('TotalCommitLimitMaximum', vm['commit_limit_maximum'])):
                if member in t:
                    m.ptr(p + t[member], value)
        for name, key in (('MmTotalCommittedPages', 'committed'),
                          ('MmTotalCommitLimit', 'commit_limit'),
                          ('MmPeakCommitment', 'commit_peak'),
                          ('MmTotalCommitLimitMaximum', 'commit_limit_maximum'),
                          ('MmAvailablePages', 'available'),
                          ('MmResidentAvailablePages', 'resident_available'),
                          ('MmNumberOfPhysicalPages', 'physical'),
                          ('MmSharedCommit', 'shared'), ('MmDriverCommit', 'drivers'),
                          ('MmPagedPoolCommit', 'paged_pool'),
                          ('MmAllocatedNonPagedPool', 'nonpaged_pool')):
            if m.has(name):
                m.ptr(m.symbol(name), vm[key])
        if m.has('MmProcessCommit'):
            # What page tables and the like of processes cost, not what they have committed.
            m.ptr(m.symbol('MmProcessCommit'), 1_234)
        if m.has('MiState'):
            t = self.era.types['_MI_SYSTEM_INFORMATION']
            m.ptr(m.symbol('MiState') + t['AllocatedNonPagedPool'], vm['nonpaged_pool'])
            m.ptr(m.symbol('MiState') + t['AllocatedPagedPool'], vm['paged_pool'])

    # --- entries that are not plainly valid -----------------------------------------------------

    def page_states(self, paged_out):
        """Some pages of the kernel are in transition, or behind prototype entries; with
        `paged_out`, some that hold handles are in a page file."""
        m, states = self.m, self.notes.setdefault('page_states', {})
        space = m.space
        start = m.start
        paged = [p for p in sorted(space.frames)
                 if start['paged'] >> 12 <= p <= m.next['paged'] >> 12]
        hows = ['transition']
        if m.paging != 'x86':
            hows += ['prototype', 'prototype in transition']
        for page, how in zip(paged, hows):
            if how == 'transition':
                space.make_transition(page << 12)
            else:
                space.make_prototype(page << 12, m.alloc('prototype', 8, 8),
                                     'valid' if how == 'prototype' else 'transition')
            states[how] = states.get(how, 0) + 1
        # Handle tables, too, are paged pool.
        tables = [p for p in sorted(space.frames)
                  if start['tables'] >> 12 <= p <= m.next['tables'] >> 12]
        for page in tables[::3]:
            space.make_transition(page << 12)
            states['transition'] += 1
        if paged_out:
            self.page_out_handles(states)

    def page_out_handles(self, states):
        """The second page of the handles of MonitorSvc.exe goes to a page file."""
        m, p = self.m, self.monitor
        per_page = 4096 // (16 if m.wide else 8)
        table = p.pages[1]
        m.space.make_paged_out(table)
        lost = [h for h in p.table if h.value // 4 // per_page == 1]
        p.lost_handles = len(lost)
        p.gone = lost
        states['paged out'] = 1

    # --- truth --------------------------------------------------------------------------------

    def truth(self, header, n_held):
        era, m = self.era, self.m
        processes, zombies = self.objects.truth()
        return {
            'leaking': self.leaking, 'service': self.service.image[:14],
            'kind': header.kind, 'arch': era.arch, 'paging': m.paging, 'version': era.version,
            'build': era.build, 'known_kernel': era.known, 'pdb': era.pdb, 'guid': era.guid,
            'age': era.age, 'kernel_base': m.base, 'kernel_size': era.size_of_image,
            'directory_table': m.space.directory_table(), 'processors': m.processors,
            'kdbg': m.kdbg, 'kdbg_address': self.kdbg_address, 'time': m.time, 'boot': m.boot,
            'invalid_pte_mask': m.space.invalid_mask, 'runs': m.physical.runs, 'pages_held': n_held,
            'symbols': {name: m.base + rva for name, rva in sorted(era.rva.items())},
            'modules': m.modules,
            'pool': self.trackers.truth(self.trackers.tags),
            # Of those, the ones that only the expansion of the table has.
            'expanded_tags': [t.text for t in self.trackers.expanded()],
            'session_pool': self.trackers.truth(self.trackers.session_tags),
            # Members of `vm` that nothing but symbols leads to.
            'vm_by_symbols': [] if era.build == 19041 or not era.has_partition else
                             ['shared', 'commit_peak', 'commit_limit_maximum'],
            # Whether every handle of every table is in the dump: else nobody can say what no
            # handle explains.
            'handles_complete': not any(p.gone for p in self.objects.processes),
            'vm': self.vm, 'processes': processes, 'zombies': zombies, **self.notes,
        }
