# SPDX-License-Identifier: MIT
"""DUMP_HEADER64 and DUMP_HEADER32. What the writer does not set holds the text PAGE."""

import struct

from machine import MACHINES

KINDS = {'full': 1, 'kernel-old': 2, 'triage': 4, 'bitmap': 5, 'live': 6, 'kernel': 8,
         'kernel-user': 9, 'complete': 10}
UNSET64 = 0x4547415045474150


def runs_bytes(runs, word):
    n = sum(count for _, count in runs)
    if word == 8:
        out = struct.pack('<I4sQ', len(runs), b'PAGE', n)
        return out + b''.join(struct.pack('<QQ', *run) for run in runs)
    out = struct.pack('<II', len(runs), n)
    return out + b''.join(struct.pack('<II', *run) for run in runs)


class Header:
    """What a dump's header says, and where: {field: (offset, format)}."""

    FIELDS64 = {'major': (0x8, 'I'), 'build': (0xC, 'I'), 'directory_table': (0x10, 'Q'),
                'pfn_database': (0x18, 'Q'), 'loaded_modules': (0x20, 'Q'),
                'active_processes': (0x28, 'Q'), 'machine': (0x30, 'I'),
                'n_processors': (0x34, 'I'), 'bugcheck': (0x38, 'I'),
                'debugger_data': (0x80, 'Q'), 'kind': (0xF98, 'I'),
                'required_size': (0xFA0, 'Q'), 'time': (0xFA8, 'Q'), 'up_time': (0x1030, 'Q'),
                'minidump_fields': (0x1038, 'I'), 'product_type': (0x1040, 'I'),
                'suite_mask': (0x1044, 'I')}
    FIELDS32 = {'major': (0x8, 'I'), 'build': (0xC, 'I'), 'directory_table': (0x10, 'I'),
                'pfn_database': (0x14, 'I'), 'loaded_modules': (0x18, 'I'),
                'active_processes': (0x1C, 'I'), 'machine': (0x20, 'I'),
                'n_processors': (0x24, 'I'), 'bugcheck': (0x28, 'I'), 'pae': (0x5C, 'B'),
                'debugger_data': (0x60, 'I'), 'kind': (0xF88, 'I'), 'suite_mask': (0xF90, 'I'),
                'required_size': (0xFA0, 'Q'), 'up_time': (0xFB8, 'Q'), 'time': (0xFC0, 'Q')}

    def __init__(self, machine, kind, with_runs=True):
        self.m, self.kind = machine, kind
        self.wide = machine.wide
        self.with_runs = with_runs
        self.size = 0x2000 if self.wide else 0x1000
        era = machine.era
        self.values = {
            'major': 15, 'build': era.build, 'directory_table': machine.space.directory_table(),
            'loaded_modules': machine.symbol('PsLoadedModuleList'),
            'active_processes': machine.symbol('PsActiveProcessHead'),
            'machine': MACHINES[era.arch], 'n_processors': machine.processors, 'bugcheck': 0xE2,
            'debugger_data': machine.symbol('KdDebuggerDataBlock'), 'kind': KINDS[kind],
            'time': machine.time, 'up_time': machine.time - machine.boot, 'product_type': 1,
            'suite_mask': 0x110,
        }
        if not self.wide:
            self.values['pae'] = 1 if machine.paging == 'x86-pae' else 0
        self.parameters = (0x123, 0, 0, 0)

    def bytes(self, required_size):
        fields = self.FIELDS64 if self.wide else self.FIELDS32
        out = bytearray(b'PAGE' * (self.size // 4))
        out[4:8] = b'DU64' if self.wide else b'DUMP'
        for name, value in {**self.values, 'required_size': required_size}.items():
            if name in fields and value is not None:
                at, fmt = fields[name]
                mask = {'B': 0xFF, 'I': 0xFFFFFFFF, 'Q': 2**64 - 1}[fmt]
                struct.pack_into('<' + fmt, out, at, value & mask)
        if self.wide:
            struct.pack_into('<4Q', out, 0x40, *self.parameters)
            out[0x60] = 0
            room = 0x348 - 0x88
        else:
            struct.pack_into('<4I', out, 0x2C, *self.parameters)
            room = 0x320 - 0x64
        if self.with_runs:
            runs = runs_bytes(self.m.physical.runs, 8 if self.wide else 4)
            if len(runs) > room:
                raise ValueError('too many runs for a header')
            at = 0x88 if self.wide else 0x64
            out[at:at + len(runs)] = runs
        if self.wide:
            # A context and an exception record, all zero but what readers look at.
            out[0x348:0x348 + 0x4D0] = bytes(0x4D0)
            struct.pack_into('<I', out, 0x348 + 0x30, 0x10005F)
            struct.pack_into('<II', out, 0x348 + 0x34, 0x1F80, 0x10)
            struct.pack_into('<I', out, 0x348 + 0x118, 0x1F80)
            out[0xF00:0xF98] = bytes(0x98)
            struct.pack_into('<I', out, 0xF00, 0x80000003)
            out[0xFB0:0x1030] = bytes(0x80)
        return bytes(out)
