# SPDX-License-Identifier: MIT
"""The worlds by name: parameters, and the kind of dump each is written as."""

import stores
from worlds import World

# Parameters of the world; `kind` and `held` are the dump's. 'leak' is the one for benchmarks.
CASES = {
    'x64-bitmap': {'kind': 'bitmap', 'size': 8 << 20},
    'x64-full': {'kind': 'full', 'size': 4 << 20, 'processors': 1},
    'leak': {'kind': 'bitmap', 'size': 32 << 20, 'processes': 40, 'zombies': 200,
             'driver_zombies': 30, 'thread_zombies': 20, 'handles': 3000, 'tags': 400,
             'table_entries': 0x401, 'processors': 4},
}


def write(name, path, kind=None, changed=None):
    """Writes a dump; returns what is true of it."""
    parameters = {**CASES[name], **(changed or {})}
    kind = kind or parameters['kind']
    parameters.pop('kind')
    held = parameters.pop('held', b'')
    signature = parameters.pop('signature', b'SDMP')
    if parameters['size'] >= 1 << 30 and not held:
        held = b'\xFF' * 61 + b'\x0F\x00\x00'  # nearly all of memory is in use
    world = World(**parameters)
    if parameters['size'] < 1 << 30:
        world.m.physical.trim()
    store = stores.Store(world.m, kind, held, signature)
    with open(path, 'wb') as f:
        stores.WRITERS[kind](store, f)
    return world.truth(store.header, store.n_held)
