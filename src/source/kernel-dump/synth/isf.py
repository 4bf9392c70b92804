# SPDX-License-Identifier: MIT
"""The symbols and types of a kernel as an ISF document (Volatility's intermediate symbol format),
with no more of them than a reader of its dumps needs."""

LIST = {'kind': 'struct', 'name': '_LIST_ENTRY'}
UNICODE = {'kind': 'struct', 'name': '_UNICODE_STRING'}
VOID = {'kind': 'pointer', 'subtype': {'kind': 'base', 'name': 'void'}}
U1, U4, U8 = ({'kind': 'base', 'name': name} for name in (
    'unsigned char', 'unsigned long', 'unsigned long long'))

KINDS = {'ActiveProcessLinks': LIST, 'ThreadListHead': LIST, 'ThreadListEntry': LIST,
         'HandleTableList': LIST, 'FullDllName': UNICODE, 'BaseDllName': UNICODE, 'Name': UNICODE,
         'TypeIndex': U1, 'InfoMask': U1, 'Index': U1, 'ActiveThreads': U4, 'ExitStatus': U4,
         'SizeOfImage': U4, 'CheckSum': U4, 'TimeDateStamp': U4, 'Key': U4,
         'NextHandleNeedingPool': U4, 'CreateTime': U8, 'ExitTime': U8, 'Process': VOID,
         'ObjectTable': VOID, 'DllBase': VOID, 'EntryPoint': VOID, 'QuotaProcess': VOID,
         'Peb': VOID, 'InheritedFromUniqueProcessId': VOID,
         'ImageFileName': {'kind': 'array', 'count': 15, 'subtype': U1}}


def struct(size, fields):
    return {'kind': 'struct', 'size': size,
            'fields': {name: {'offset': at, 'type': kind} for name, (at, kind) in fields.items()}}


def inside(name):
    return {'kind': 'struct', 'name': name}


def document(era):
    word = U8 if era.pointer == 8 else U4
    counts = U4 if era.build < 16299 else U8
    types = {
        '_LIST_ENTRY': struct(2 * era.pointer, {'Flink': (0, VOID), 'Blink': (era.pointer, VOID)}),
        '_UNICODE_STRING': struct(2 * era.pointer, {
            'Length': (0, {'kind': 'base', 'name': 'unsigned short'}),
            'MaximumLength': (2, {'kind': 'base', 'name': 'unsigned short'}),
            'Buffer': (era.pointer, VOID)}),
        '_CLIENT_ID': struct(2 * era.pointer, {'UniqueProcess': (0, VOID),
                                               'UniqueThread': (era.pointer, VOID)}),
        '_HANDLE_TABLE_FREE_LIST': struct(8 * era.pointer, {
            'HandleCount': (3 * era.pointer, U4)}),
    }
    for name, members in era.types.items():
        fields = {}
        for member, at in members.items():
            if not member:
                continue
            kind = KINDS.get(member, word)
            if name == '_POOL_TRACKER_TABLE' and member.endswith(('Allocs', 'Frees')):
                kind = counts
            if member == 'UniqueProcessId':
                kind = VOID if name == '_EPROCESS' or not era.counted else U4
            fields[member] = (at, kind)
        types[name] = (members[''], fields)
    nest(era, types, word)
    if era.counted:
        types['_HANDLE_TABLE_ENTRY'] = entry_of(era, word)
    types = {name: struct(*t) if isinstance(t, tuple) else t for name, t in types.items()}
    base = {'void': (0, 'void', False), 'unsigned char': (1, 'char', False),
            'unsigned short': (2, 'int', False), 'unsigned long': (4, 'int', False),
            'unsigned long long': (8, 'int', False), 'pointer': (era.pointer, 'int', False)}
    return {
        'metadata': {'format': '6.1.0', 'producer': {'name': 'synth', 'version': '1',
                                                     'datetime': '2026-01-01T00:00:00'},
                     'windows': {'pdb': {'GUID': era.guid, 'age': era.age, 'database': era.pdb,
                                         'machine_type': {'x64': 34404, 'x86': 332,
                                                          'arm64': 43620}[era.arch]}}},
        'base_types': {name: {'size': size, 'kind': kind, 'signed': signed, 'endian': 'little'}
                       for name, (size, kind, signed) in base.items()},
        'enums': {}, 'user_types': types,
        'symbols': {name: {'address': rva} for name, rva in sorted(era.rva.items())},
    }


def entry_of(era, word):
    """A handle table entry, of bit fields."""
    def bits(at, first, n):
        return at, {'kind': 'bitfield', 'bit_position': first, 'bit_length': n, 'type': word}

    fields = {'Unlocked': bits(0, 0, 1), 'GrantedAccessBits': bits(era.pointer, 0, 25)}
    if era.entry:
        fields.update({name: bits(0, *where) for name, where in era.entry.items()})
    else:
        fields.update({'Attributes': bits(0, 1, 2), 'ObjectPointerBits': bits(0, 3, 29),
                       'RefCnt': bits(4, 27, 5)})
    return 2 * era.pointer, fields


def nest(era, types, word):
    """Members of _KPROCESS, _KTHREAD and the parts of a partition where their structures are."""
    size, process = types['_EPROCESS']
    process.pop('Type')
    directory, _ = process.pop('DirectoryTableBase')
    threads, _ = process.pop('ThreadListHeadK')
    kernel_size = min(at for at, _ in process.values()) & ~7
    types['_KPROCESS'] = (kernel_size, {'DirectoryTableBase': (directory, word),
                                        'ThreadListHead': (threads, LIST)})
    process['Pcb'] = (0, inside('_KPROCESS'))
    size, thread = types['_ETHREAD']
    thread.pop('Type')
    owner, _ = thread.pop('Process')
    types['_KTHREAD'] = (min(at for at, _ in thread.values()) & ~7, {'Process': (owner, VOID)})
    thread['Tcb'] = (0, inside('_KTHREAD'))
    thread['Cid'] = (thread['Cid'][0], inside('_CLIENT_ID'))
    if era.counted:
        _, table = types['_HANDLE_TABLE']
        at, _ = table.pop('HandleCount')
        table['FreeLists'] = (at - 3 * era.pointer, {
            'kind': 'array', 'count': 1, 'subtype': inside('_HANDLE_TABLE_FREE_LIST')})
    if 'MiState' in era.rva:
        _, state = types['_MI_SYSTEM_INFORMATION']
        at = {name: place for name, (place, _) in state.items()}
        state.clear()
        for member, name in (('Pools', '_MI_POOL_STATE'), ('Hardware', '_MI_HARDWARE_STATE'),
                             ('Vs', '_MI_VISIBLE_STATE')):
            state[member] = (at.get(member, 0), inside(name))
        types['_MI_POOL_STATE'] = (168, {
            'AllocatedNonPagedPool': (at['AllocatedNonPagedPool'], word)})
        types['_MI_HARDWARE_STATE'] = (448, {
            'InvalidPteMask': (at['InvalidPteMask'] - at['Hardware'], word)})
        types['_MI_VISIBLE_STATE'] = (3264, {'PagedPoolInfo': (24, inside('_MM_PAGED_POOL_INFO'))})
        types['_MM_PAGED_POOL_INFO'] = (24, {
            'AllocatedPagedPool': (at['AllocatedPagedPool'] - at['Vs'] - 24, word)})
    else:
        types.pop('_MI_SYSTEM_INFORMATION', None)
    if '_MI_PARTITION' in types and era.has_partition:
        _, partition = types['_MI_PARTITION']
        peak, limit = partition.pop('PeakCommitment')[0], partition.pop(
            'TotalCommitLimitMaximum')[0]
        partition['Commit'] = (peak, inside('_MI_PARTITION_COMMIT'))
        partition['Vp'] = (partition['Vp'][0], inside('_MI_VISIBLE_PARTITION'))
        types['_MI_PARTITION_COMMIT'] = (0x40, {'PeakCommitment': (0, word),
                                                'TotalCommitLimitMaximum': (limit - peak, word)})
    else:
        types.pop('_MI_PARTITION', None)
        types.pop('_MI_VISIBLE_PARTITION', None)
