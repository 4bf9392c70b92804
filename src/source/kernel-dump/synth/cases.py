# SPDX-License-Identifier: MIT
"""The worlds by name: parameters, and the kind of dump each is written as."""

import isf
import stores
import triage
from worlds import World

SMALL = 6 << 20
# Parameters of the world; `kind`, `held`, `signature`, `recorded` and `with_pdb`
# are the dump's; `isf` writes the kernel's
# symbols beside it. 'leak' is the one for benchmarks.
CASES = {
    'x64-bitmap': {'kind': 'bitmap', 'size': SMALL},
    'x64-fdmp': {'kind': 'bitmap', 'size': SMALL, 'signature': b'FDMP', 'seed': 2,
                 'held': b'\x00' * 5 + b'\x81', 'large_kernel': True},
    'x64-full': {'kind': 'full', 'size': 4 << 20, 'processors': 1, 'seed': 3},
    'x64-live': {'kind': 'live', 'size': SMALL, 'seed': 4, 'kdbg': 'encoded', 'isf': True,
                 'expansion': 3, 'sessions': True},
    'x64-kernel': {'kind': 'kernel', 'size': SMALL, 'seed': 5, 'processors': 4, 'holes': (2,)},
    'x64-kernel-user': {'kind': 'kernel-user', 'size': SMALL, 'seed': 6, 'table_twice': False},
    'x64-complete': {'kind': 'complete', 'size': 4 << 20, 'seed': 7, 'held': b'\xFF'},
    'x64-la57': {'kind': 'bitmap', 'size': SMALL, 'paging': 'x64-la57', 'seed': 8},
    'x64-kdbg-absent': {'kind': 'bitmap', 'size': SMALL, 'kdbg': 'absent', 'seed': 9},
    'x64-paged-out': {'kind': 'bitmap', 'size': SMALL, 'seed': 10, 'paged_out': True,
                      'monitor_handles': 230},
    'x64-three-levels': {'kind': 'bitmap', 'size': SMALL, 'seed': 11, 'far_handles': 3,
                         'handles': 600},
    'x64-7601': {'kind': 'bitmap', 'era': '7601', 'size': SMALL, 'seed': 12},
    'x64-7601-summary': {'kind': 'kernel-old', 'era': '7601', 'size': SMALL, 'seed': 30},
    'x86-summary': {'kind': 'kernel-old', 'era': 'x86-7601', 'size': SMALL, 'seed': 31,
                    'isf': True},
    'x64-9600': {'kind': 'bitmap', 'era': '9600', 'size': SMALL, 'seed': 13},
    'x64-14393': {'kind': 'bitmap', 'era': '14393', 'size': SMALL, 'seed': 14},
    'x64-17763': {'kind': 'kernel', 'era': '17763', 'size': SMALL, 'seed': 15},
    'x64-18362': {'kind': 'bitmap', 'era': '18362', 'size': SMALL, 'seed': 16},
    'x64-20348': {'kind': 'kernel', 'era': '20348', 'size': SMALL, 'seed': 17},
    'x64-unknown': {'kind': 'kernel', 'era': 'unknown', 'size': SMALL, 'seed': 18, 'isf': True,
                    'expansion': 2, 'sessions': True},
    'x64-la57-unknown': {'kind': 'bitmap', 'era': 'unknown57', 'size': SMALL, 'seed': 27,
                         'paging': 'x64-la57', 'isf': True},
    'x64-ids': {'kind': 'kernel', 'size': SMALL, 'seed': 28, 'cid_prepaid': True},
    'x64-swizzled': {'kind': 'kernel', 'size': SMALL, 'seed': 29, 'invalid_mask': 1 << 45,
                     'isf': True},
    'triage': {'kind': 'triage', 'size': SMALL, 'seed': 23, 'recorded': True},
    'triage-bare': {'kind': 'triage', 'size': SMALL, 'seed': 24, 'with_pdb': False},
    'triage-unknown': {'kind': 'triage', 'era': 'unknown', 'size': SMALL, 'seed': 25, 'isf': True},
    'triage-unknown-bare': {'kind': 'triage', 'era': 'unknown', 'size': SMALL, 'seed': 27,
                            'with_pdb': False, 'isf': True},
    'triage-arm64': {'kind': 'triage', 'era': 'arm64', 'size': SMALL, 'seed': 26,
                     'recorded': True, 'isf': True},
    'arm64': {'kind': 'bitmap', 'era': 'arm64', 'size': SMALL, 'seed': 19, 'isf': True},
    'x86-pae': {'kind': 'full', 'era': 'x86-7601', 'size': 4 << 20, 'seed': 20, 'isf': True},
    'x86': {'kind': 'full', 'era': 'x86-7601', 'size': 4 << 20, 'paging': 'x86', 'seed': 21,
            'isf': True},
    'x86-19041': {'kind': 'bitmap', 'era': 'x86-19041', 'size': SMALL, 'seed': 22, 'isf': True,
                  'large_kernel': True},
}
# Not written by --all.
LARGE = {
    'leak': {'kind': 'bitmap', 'size': 8 << 30, 'processes': 120, 'zombies': 5000,
             'driver_zombies': 300, 'thread_zombies': 40, 'handles': 60_000, 'tags': 1200,
             'table_entries': 0x1001, 'processors': 8, 'leaked': 3_000_000,
             'large_kernel': True, 'big_handles': 140_000, 'both_zombies': 0, 'pid_step': 16,
             'commit_high': 9000},
}


def write(name, path, kind=None, changed=None):
    """Writes a dump; returns what is true of it, and its kernel's symbols or None."""
    parameters = {**{**CASES, **LARGE}[name], **(changed or {})}
    kind = kind or parameters['kind']
    parameters.pop('kind')
    held = parameters.pop('held', b'')
    signature = parameters.pop('signature', b'SDMP')
    symbols = parameters.pop('isf', False)
    recorded, with_pdb = parameters.pop('recorded', False), parameters.pop('with_pdb', True)
    if parameters['size'] >= 1 << 30 and not held:
        held = b'\xFF' * 61 + b'\x0F\x00\x00'  # nearly all of memory is in use
    world = World(**parameters)
    if parameters['size'] < 1 << 30:
        world.m.physical.trim()
    store = stores.Store(world.m, kind, held, signature)
    store.world, store.recorded, store.with_pdb = world, recorded, with_pdb
    with open(path, 'wb') as f:
        (triage.write_triage if kind == 'triage' else stores.WRITERS[kind])(store, f)
    truth = world.truth(store.header, store.n_held)
    if kind == 'triage':
        truth = triage.truth(store, truth)
    return truth, isf.document(world.era) if symbols else None
