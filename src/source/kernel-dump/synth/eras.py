# SPDX-License-Identifier: MIT
"""Kernels by era: which file they are, where their variables lie, and how their structures look.

GUIDs, addresses and offsets are facts of Microsoft's public symbol files, as the Windows-Symbol-
Tables of JPCERTCC (BSD-3) give them; what those do not say of a kernel (the addresses of variables
that only symbols name) is chosen freely, at places that nothing else uses.
"""


# _HANDLE_TABLE_ENTRY since 8.1: (first bit of RefCnt, its bits), that of the attributes, and of the
# object's header, whose low four bits are left out. Kernels for five levels have wider pointers.
ENTRY_64 = {'RefCnt': (1, 16), 'Attributes': (17, 3), 'ObjectPointerBits': (20, 44)}
ENTRY_57 = {'RefCnt': (1, 7), 'Attributes': (8, 3), 'ObjectPointerBits': (11, 53)}


class Era:
    def __init__(self, version, arch, guid, rva, types, **more):
        self.version, self.arch, self.guid, self.rva, self.types = version, arch, guid, rva, types
        self.build = int(version.split('.')[2])
        self.pointer = 4 if arch == 'x86' else 8
        self.age = more.pop('age', 1)
        self.pdb = more.pop('pdb', 'ntkrnlmp.pdb')
        self.timestamp = more.pop('timestamp', 0xA593C5E0)
        self.size_of_image = more.pop('size_of_image', 0x1046000)
        self.checksum = 0xA5938C
        # How handle table entries and object headers look: 'plain' (to Windows 8), 'counted' (8.1:
        # prepaid references), and whether the type index is encoded (Windows 10).
        self.counted = more.pop('counted', self.build >= 9600)
        self.encoded_type = more.pop('encoded_type', self.build >= 10240)
        # Where handle table entries have what: (references, attributes, pointer) start at bits.
        self.entry = more.pop('entry', ENTRY_64 if self.pointer == 8 else None)
        self.kdbg_rvas = more.pop('kdbg_rvas', {})
        self.has_partition = 'MiSystemPartition' in rva
        self.known = more.pop('known', True)  # one of the 213 kernels
        if more:
            raise ValueError(more)

    def offset(self, structure, member):
        return self.types[structure][member]

    def size(self, structure):
        return self.types[structure]['']


# Sizes stand under ''. x64, build 19041.
TYPES_19041 = {
    '_POOL_TRACKER_TABLE': {'': 0x38, 'Key': 0, 'NonPagedBytes': 8, 'NonPagedAllocs': 0x10,
                            'NonPagedFrees': 0x18, 'PagedBytes': 0x20, 'PagedAllocs': 0x28,
                            'PagedFrees': 0x30},
    '_HANDLE_TABLE': {'': 0x80, 'NextHandleNeedingPool': 0, 'TableCode': 8, 'QuotaProcess': 0x10,
                      'HandleTableList': 0x18, 'UniqueProcessId': 0x28, 'HandleCount': 0x58},
    '_OBJECT_HEADER': {'': 0x38, 'PointerCount': 0, 'HandleCount': 8, 'TypeIndex': 0x18,
                       'InfoMask': 0x1A, 'Body': 0x30},
    '_OBJECT_TYPE': {'': 0xD8, 'Name': 0x10, 'Index': 0x28},
    '_EPROCESS': {'': 0xA40, 'Type': 0, 'DirectoryTableBase': 0x28, 'ThreadListHeadK': 0x30,
                  'UniqueProcessId': 1088, 'ActiveProcessLinks': 1096, 'CreateTime': 1128,
                  'NumberOfPrivatePages': 1272, 'InheritedFromUniqueProcessId': 1344,
                  'Peb': 1360, 'ObjectTable': 1392, 'ImageFileName': 1448, 'ThreadListHead': 1504,
                  'ActiveThreads': 1520, 'CommitCharge': 1608, 'CommitChargePeak': 1616,
                  'ExitStatus': 2004, 'VadRoot': 2008, 'ExitTime': 2112},
    '_ETHREAD': {'': 0x898, 'Type': 0, 'Process': 544, 'CreateTime': 1072, 'ExitTime': 1080,
                 'Cid': 1144, 'ThreadListEntry': 1256, 'ExitStatus': 1352},
    '_KLDR_DATA_TABLE_ENTRY': {'': 0xA0, 'DllBase': 0x30, 'EntryPoint': 0x38,
                               'SizeOfImage': 0x40, 'FullDllName': 0x48, 'BaseDllName': 0x58,
                               'CheckSum': 0x78, 'TimeDateStamp': 0x9C},
    '_MI_PARTITION': {'': 0x2D00, 'Vp': 6912, 'PeakCommitment': 6208,
                      'TotalCommitLimitMaximum': 6216},
    '_MI_SYSTEM_INFORMATION': {'': 12992, 'AllocatedNonPagedPool': 8, 'Hardware': 5568,
                               'InvalidPteMask': 5568 + 192, 'Vs': 9728,
                               'AllocatedPagedPool': 9728 + 24 + 16},
    '_MI_VISIBLE_PARTITION': {'': 0x1200, 'LowestPhysicalPage': 0, 'HighestPhysicalPage': 8,
                              'NumberOfPhysicalPages': 16, 'NumberOfPagingFiles': 24,
                              'AvailablePages': 192, 'ResidentAvailablePages': 256,
                              'TotalCommittedPages': 552, 'TotalCommitLimit': 680,
                              'SharedCommit': 712},
}

# Members of the debugger's block that Windows 10 fills, by offset.
KDBG_19041 = {
    0x20: 0x3FD920, 0x38: 0x3F9070, 0x48: 0xC2A390, 0x50: 0xC1E200, 0x58: 0xCFC5C8, 0x60: 0xC16890,
    0x78: 0xCFC468, 0x80: 0xC32050, 0x88: 0xC31480, 0x90: 0xC45C30, 0x98: 0xC251F0, 0xA0: 0xC251E8,
    0xC0: 0xCFC500, 0x140: 0xCFC7E8, 0x170: 0xC4EDA8, 0x1B8: 0xC168A8, 0x1C8: 0x21440,
    0x1D0: 0x21448, 0x1D8: 0x21438, 0x1E0: 0xC32100, 0x1E8: 0xC33100, 0x1F0: 0xC04E68,
    0x1F8: 0xC320F8, 0x208: 0xC4C0A0, 0x218: 0xCFDC80, 0x220: 0xC2A308, 0x228: 0xC2A310,
    0x230: 0xC1CA90, 0x238: 0xCFC558, 0x240: 0xC1CA94, 0x248: 0xC2A7A0, 0x268: 0xC4C078,
    0x270: 0xCFC4A8, 0x2C8: 0xC04E60, 0x2D0: 0xC11F8C, 0x2D8: 0xC40798, 0x308: 0xC45FA8,
    0x310: 0xC45FC0, 0x330: 0xC10D58, 0x368: 0xE01A70,
}


def based_on(types, **changes):
    """Types with members of some structures changed: structure=dict."""
    out = {name: dict(members) for name, members in types.items()}
    for name, members in changes.items():
        out['_' + name] = {**out.get('_' + name, {}), **members}
    return out


TRACKER_28 = {'': 0x28, 'Key': 0, 'NonPagedAllocs': 4, 'NonPagedFrees': 8, 'NonPagedBytes': 0x10,
              'PagedAllocs': 0x18, 'PagedFrees': 0x1C, 'PagedBytes': 0x20}
TRACKER_50 = {**TYPES_19041['_POOL_TRACKER_TABLE'], '': 0x50}
TRACKER_1C = {'': 0x1C, 'Key': 0, 'NonPagedAllocs': 4, 'NonPagedFrees': 8, 'NonPagedBytes': 0xC,
              'PagedAllocs': 0x10, 'PagedFrees': 0x14, 'PagedBytes': 0x18}
TRACKER_30 = {'': 0x30, 'Key': 0, 'NonPagedBytes': 4, 'NonPagedAllocs': 8, 'NonPagedFrees': 0x10,
              'PagedBytes': 0x18, 'PagedAllocs': 0x20, 'PagedFrees': 0x28}

TYPES_18362 = based_on(
    TYPES_19041,
    EPROCESS={'': 0x880, 'UniqueProcessId': 744, 'ActiveProcessLinks': 752, 'CreateTime': 0x310,
              'NumberOfPrivatePages': 0x3A0, 'InheritedFromUniqueProcessId': 0x3E8, 'Peb': 0x3F8,
              'ObjectTable': 1048, 'ImageFileName': 1104, 'ThreadListHead': 0x488,
              'ActiveThreads': 0x498, 'CommitCharge': 1264, 'CommitChargePeak': 0x4F8,
              'ExitStatus': 0x654, 'VadRoot': 1624, 'ExitTime': 1728},
    ETHREAD={'': 0x820, 'CreateTime': 0x600, 'ExitTime': 0x608, 'Cid': 0x648,
             'ThreadListEntry': 0x6B8, 'ExitStatus': 0x710},
    MI_PARTITION={'Vp': 7872, '': 0x30C0, 'PeakCommitment': 0x1E00,
                  'TotalCommitLimitMaximum': 0x1E08})
TYPES_17763 = based_on(
    TYPES_18362,
    EPROCESS={'': 0x850, 'UniqueProcessId': 736, 'ActiveProcessLinks': 744, 'CreateTime': 0x308,
              'NumberOfPrivatePages': 0x398, 'InheritedFromUniqueProcessId': 0x3E0,
              'ExitStatus': 0x624, 'VadRoot': 1576, 'ExitTime': 1680},
    ETHREAD={'': 0x810, 'CreateTime': 0x5F0, 'ExitTime': 0x5F8, 'Cid': 0x638,
             'ThreadListEntry': 0x6A8, 'ExitStatus': 0x700},
    MI_PARTITION={'Vp': 7104, '': 0x2DC0, 'PeakCommitment': 0x1900,
                  'TotalCommitLimitMaximum': 0x1908})
TYPES_14393 = based_on(
    TYPES_17763, POOL_TRACKER_TABLE={},
    EPROCESS={'': 0x7B0, 'UniqueProcessId': 744, 'ActiveProcessLinks': 752, 'ExitStatus': 0x61C,
              'VadRoot': 1568},
    ETHREAD={'': 0x7D0, 'CreateTime': 0x5D8, 'ExitTime': 0x5E0, 'Cid': 0x628,
             'ThreadListEntry': 0x690, 'ExitStatus': 0x6E8},
    MI_PARTITION={'Vp': 6272, '': 0x2A80, 'PeakCommitment': 0x1800,
                  'TotalCommitLimitMaximum': 0x1808},
    MI_VISIBLE_PARTITION={'TotalCommittedPages': 936, 'TotalCommitLimit': 1064,
                          'SharedCommit': 1096})
TYPES_14393['_POOL_TRACKER_TABLE'] = TRACKER_28
TYPES_9600 = based_on(
    TYPES_14393,
    EPROCESS={'': 0x708, 'UniqueProcessId': 736, 'ActiveProcessLinks': 744, 'CreateTime': 0x2D0,
              'NumberOfPrivatePages': 0x388, 'InheritedFromUniqueProcessId': 0x3D0, 'Peb': 0x3E8,
              'ObjectTable': 1032, 'ImageFileName': 1080, 'ThreadListHead': 0x470,
              'ActiveThreads': 0x480, 'CommitCharge': 1232, 'CommitChargePeak': 0x4D8,
              'ExitStatus': 0x5D4, 'VadRoot': 1496, 'ExitTime': 1600},
    ETHREAD={'': 0x778, 'CreateTime': 0x5D0, 'ExitTime': 0x5D8, 'Cid': 0x620,
             'ThreadListEntry': 0x680, 'ExitStatus': 0x6C8})
TYPES_7601 = based_on(
    TYPES_9600,
    EPROCESS={'': 0x4D0, 'UniqueProcessId': 384, 'ActiveProcessLinks': 392, 'CreateTime': 0x168,
              'InheritedFromUniqueProcessId': 0x290, 'Peb': 0x338, 'ObjectTable': 512,
              'ImageFileName': 736, 'ThreadListHead': 0x308, 'ActiveThreads': 0x328,
              'CommitCharge': 440, 'ExitStatus': 0x444, 'VadRoot': 1096, 'ExitTime': 368},
    ETHREAD={'': 0x498, 'Process': 0x210, 'CreateTime': 0x360, 'ExitTime': 0x368, 'Cid': 0x3B0,
             'ThreadListEntry': 0x420, 'ExitStatus': 0x380},
    HANDLE_TABLE={'': 0x68, 'TableCode': 0, 'QuotaProcess': 8, 'UniqueProcessId': 0x10,
                  'HandleTableList': 0x20, 'HandleCount': 0x58, 'NextHandleNeedingPool': 0x5C})
for gone in ('NumberOfPrivatePages', 'CommitChargePeak'):
    del TYPES_7601['_EPROCESS'][gone]
TYPES_20348 = based_on(
    TYPES_19041, MI_PARTITION={'Vp': 16704, '': 0x5300, 'PeakCommitment': 0x4000,
                               'TotalCommitLimitMaximum': 0x4008},
    MI_VISIBLE_PARTITION={'TotalCommitLimit': 792, 'SharedCommit': 824})
TYPES_20348['_POOL_TRACKER_TABLE'] = TRACKER_50
# A kernel that is in no table: everything lies elsewhere.
TYPES_UNKNOWN = based_on(
    TYPES_20348,
    EPROCESS={'': 0x840, 'UniqueProcessId': 0x1D0, 'ActiveProcessLinks': 0x1D8,
              'CreateTime': 0x200, 'NumberOfPrivatePages': 0x288,
              'InheritedFromUniqueProcessId': 0x2D0, 'Peb': 0x2E0, 'ObjectTable': 0x300,
              'ImageFileName': 0x338, 'ThreadListHead': 0x370, 'ActiveThreads': 0x380,
              'CommitCharge': 0x3D8, 'CommitChargePeak': 0x3E0, 'ExitStatus': 0x550,
              'VadRoot': 0x558, 'ExitTime': 0x5C0},
    ETHREAD={'': 0x900, 'Process': 0x228, 'CreateTime': 0x4C0, 'ExitTime': 0x4C8, 'Cid': 0x508,
             'ThreadListEntry': 0x578, 'ExitStatus': 0x5D0},
    MI_PARTITION={'Vp': 0x4300, '': 0x5600, 'PeakCommitment': 0x4100,
                  'TotalCommitLimitMaximum': 0x4108},
    MI_VISIBLE_PARTITION={'TotalCommittedPages': 0x230, 'TotalCommitLimit': 0x320,
                          'SharedCommit': 0x340},
    POOL_TRACKER_TABLE={'': 0x58, 'NonPagedBytes': 0x10, 'NonPagedAllocs': 0x18,
                        'NonPagedFrees': 0x20, 'PagedBytes': 0x28, 'PagedAllocs': 0x30,
                        'PagedFrees': 0x38})
TYPES_X86_7601 = {
    '_POOL_TRACKER_TABLE': TRACKER_1C,
    '_HANDLE_TABLE': {'': 0x3C, 'TableCode': 0, 'QuotaProcess': 4, 'UniqueProcessId': 8,
                      'HandleTableList': 0x10, 'HandleCount': 0x30, 'NextHandleNeedingPool': 0x34},
    '_OBJECT_HEADER': {'': 0x20, 'PointerCount': 0, 'HandleCount': 4, 'TypeIndex': 0xC,
                       'InfoMask': 0xE, 'Body': 0x18},
    '_OBJECT_TYPE': {'': 0x88, 'Name': 8, 'Index': 0x14},
    '_EPROCESS': {'': 0x2C0, 'Type': 0, 'DirectoryTableBase': 0x18, 'ThreadListHeadK': 0x2C,
                  'UniqueProcessId': 0xB4, 'ActiveProcessLinks': 0xB8, 'CreateTime': 0xA0,
                  'ExitTime': 0xA8, 'CommitCharge': 0xD0, 'ObjectTable': 0xF4,
                  'InheritedFromUniqueProcessId': 0x140, 'ImageFileName': 0x16C,
                  'ThreadListHead': 0x188, 'ActiveThreads': 0x198, 'Peb': 0x1A8,
                  'ExitStatus': 0x274, 'VadRoot': 0x278},
    '_ETHREAD': {'': 0x2B8, 'Type': 0, 'Process': 0x150, 'CreateTime': 0x200, 'ExitTime': 0x208,
                 'Cid': 0x22C, 'ThreadListEntry': 0x268, 'ExitStatus': 0x210},
    '_KLDR_DATA_TABLE_ENTRY': {'': 0x50, 'DllBase': 0x18, 'EntryPoint': 0x1C, 'SizeOfImage': 0x20,
                               'FullDllName': 0x24, 'BaseDllName': 0x2C, 'CheckSum': 0x40},
}
TYPES_X86_19041 = based_on(
    TYPES_X86_7601,
    HANDLE_TABLE={'': 0x40, 'NextHandleNeedingPool': 0, 'TableCode': 8, 'QuotaProcess': 0xC,
                  'HandleTableList': 0x10, 'UniqueProcessId': 0x18, 'HandleCount': 0x34},
    EPROCESS={'': 0x4C0, 'UniqueProcessId': 0xE8, 'ActiveProcessLinks': 0xEC, 'CreateTime': 0x100,
              'NumberOfPrivatePages': 0x150, 'InheritedFromUniqueProcessId': 0x170, 'Peb': 0x17C,
              'ObjectTable': 0x18C, 'ImageFileName': 0x1AC, 'ThreadListHead': 0x1D0,
              'ActiveThreads': 0x1DC, 'CommitCharge': 0x230, 'CommitChargePeak': 0x234,
              'ExitStatus': 0x338, 'VadRoot': 0x33C, 'ExitTime': 0x398},
    MI_PARTITION={'': 0x2000, 'Vp': 0xF40, 'PeakCommitment': 0xE00,
                  'TotalCommitLimitMaximum': 0xE04},
    MI_VISIBLE_PARTITION={'': 0x900, 'LowestPhysicalPage': 0, 'HighestPhysicalPage': 4,
                          'NumberOfPhysicalPages': 8, 'NumberOfPagingFiles': 0xC,
                          'AvailablePages': 0xC0, 'ResidentAvailablePages': 0x100,
                          'TotalCommittedPages': 0x1D4, 'TotalCommitLimit': 0x228,
                          'SharedCommit': 0x234})
TYPES_X86_19041['_POOL_TRACKER_TABLE'] = TRACKER_30

# Variables that only symbols name get the page behind all others.
ELSEWHERE = ('HandleTableListHead', 'PsLoadedModuleList', 'ObTypeIndexTable', 'PoolTrackTableMask',
             'PoolTrackTableExpansion', 'PoolTrackTableExpansionSize', 'KdVersionBlock',
             'PsInitialSystemProcess', 'PsProcessType', 'PsThreadType', 'NtBuildNumber',
             'NtBuildLab', 'KeNumberProcessors', 'KdpDataBlockEncoded', 'KiWaitNever',
             'KiWaitAlways', 'ExpSessionPoolTrackTable', 'ExpSessionPoolTrackTableSize')
GLOBALS = {'MmNumberOfPhysicalPages': 0xF8, 'MmMaximumNonPagedPoolInBytes': 0x100,
           'MmSizeOfPagedPoolInBytes': 0x140, 'MmTotalCommitLimit': 0x148,
           'MmTotalCommittedPages': 0x150, 'MmSharedCommit': 0x158, 'MmDriverCommit': 0x160,
           'MmProcessCommit': 0x168, 'MmPagedPoolCommit': 0x170, 'MmAvailablePages': 0x1A8,
           'MmResidentAvailablePages': 0x1B0, 'MmAllocatedNonPagedPool': 0x250,
           'MmPeakCommitment': 0x258, 'MmTotalCommitLimitMaximum': 0x260}


def era(version, guid, types, variables, arch='x64', with_globals=False, **more):
    """`variables` are those that the table of known kernels has, in its order."""
    names = ('PoolTrackTable', 'PoolTrackTableSize', 'ExPoolTagTables', 'MiSystemPartition',
             'PsActiveProcessHead', 'PspCidTable', 'ObHeaderCookie', 'KdDebuggerDataBlock')
    rva = {name: value for name, value in zip(names, variables) if value is not None}
    at = (max(rva.values()) + 0x8FFF) & ~0xFFF
    kdbg = {}
    for i, name in enumerate(ELSEWHERE + tuple(GLOBALS if with_globals else ())):
        rva[name] = at + 0x40 * i
    rva['NtBuildLab'] = at + 0xE00
    rva['ObTypeIndexTable'] = at + 0xA00
    if with_globals:
        kdbg = {offset: rva[name] for name, offset in GLOBALS.items()}
    return Era(version, arch, guid, rva, types, kdbg_rvas=kdbg,
               size_of_image=(at + 0x5000 + 0xFFFF) & ~0xFFFF, **more)


ERAS = {
    '7601': era('6.1.7601.24540', '339E74133576439CBCDF7E0229DA3773', TYPES_7601,
                (0x210F88, 0x210F80, 0x210FA0, None, 0x21B940, 0x21B988, None, 0x1E2130),
                with_globals=True, age=2),
    '9600': era('6.3.9600.19962', '06A508F37B81478E855A3542E272C084', TYPES_9600,
                (0x2A4688, 0x2A5B80, 0x2A46C0, None, 0x2AB320, 0x34F1E8, None, 0x292530),
                with_globals=True),
    '14393': era('10.0.14393.4770', '03A098BC85D047028437D88E4C8BBC6B', TYPES_14393,
                 (0x2F89F0, 0x2F7578, 0x2F75C0, 0x31F380, 0x2FD410, 0x3A63A0, 0x3A64BC,
                  0x2EE900)),
    '17763': era('10.0.17763.4644', '00F31FD82648C8ED1A4426DFFC56A424', TYPES_17763,
                 (0x408858, 0x405FE0, 0x406000, 0x43B800, 0x40D380, 0x540460, 0x5405D8,
                  0x3FDA80)),
    '18362': era('10.0.18362.295', '11BC9A513F1140CA359ECDF50F0122C1', TYPES_18362,
                 (0x431E80, 0x431E78, 0x42F620, 0x468340, 0x436B40, 0x572528, 0x572698,
                  0x4245E0)),
    '20348': era('10.0.20348.1516', '0B0A89438BE7729EB33FD00A7D6FA816', TYPES_20348,
                 (0xC116C8, 0xC116D0, 0xC11720, 0xC54F40, 0xC1BF40, 0xD06A58, 0xD06C08,
                  0xC02190)),
    'unknown': era('10.0.22621.1', 'C0FFEE0012344E59A1B2C3D4E5F60718', TYPES_UNKNOWN,
                   (0xC1A2F0, 0xC1A2F8, 0xC1A340, 0xC60000, 0xC3C000, 0xD1F0A8, 0xD1F2AC,
                    0xC03000), known=False),
    'unknown57': era('10.0.26100.1', 'C0FFEE0057344E59A1B2C3D4E5F60718', TYPES_UNKNOWN,
                     (0xC1A2F0, 0xC1A2F8, 0xC1A340, 0xC60000, 0xC3C000, 0xD1F0A8, 0xD1F2AC,
                      0xC03000), known=False, pdb='ntkrla57.pdb', entry=ENTRY_57),
    'arm64': era('10.0.22000.1', 'A64A64A64A644A64A64A64A64A64A642', TYPES_20348,
                 (0xC169F8, 0xC16A00, 0xC16A40, 0xC57000, 0xC1D1C0, 0xD19A10, 0xD19B20,
                  0xC04014 & ~7), arch='arm64', known=False),
    'x86-7601': era('6.1.7601.1', '86868601760176018686860176017601', TYPES_X86_7601,
                    (0x13A270, 0x13A274, 0x13A280, None, 0x14BF50, 0x14BF8C, None, 0x12BC28),
                    arch='x86', with_globals=True, known=False, pdb='ntkrpamp.pdb'),
    'x86-19041': era('10.0.19041.1', '86868619041190418686861904119041', TYPES_X86_19041,
                     (0x2A1270, 0x2A1274, 0x2A1280, 0x2C0000, 0x2AB0C0, 0x2D8A24, 0x2D8A30,
                      0x29A000), arch='x86', known=False, pdb='ntkrpamp.pdb'),
    '19041': Era('10.0.19041.804', 'x64', '5278AFF86C341677D7D7835C85B7B844', {
        'PoolTrackTable': 0xC168A8, 'PoolTrackTableSize': 0xC19128, 'ExPoolTagTables': 0xC168C0,
        'PoolTrackTableMask': 0xC190C0, 'PoolTrackTableExpansion': 0xC19110,
        'PoolTrackTableExpansionSize': 0xC19118, 'ExpSessionPoolTrackTable': 0xC190D0,
        'ExpSessionPoolTrackTableSize': 0xC190E8, 'MiSystemPartition': 0xC50BC0,
        'PsActiveProcessHead': 0xC1E200, 'PspCidTable': 0xCFC5C8,
        'HandleTableListHead': 0xD2DB78, 'PsLoadedModuleList': 0xC2A390,
        'ObHeaderCookie': 0xCFC71C, 'ObTypeIndexTable': 0xCFCE10, 'KdDebuggerDataBlock': 0xC00B20,
        'KdpDataBlockEncoded': 0xC50BA0, 'KiWaitNever': 0xCFC7F8, 'KiWaitAlways': 0xCFC9F8,
        'MiState': 0xC4C740, 'PsInitialSystemProcess': 0xCFC420, 'MmPfnDatabase': 0xCFC500,
        'NtBuildLab': 0xC4C1A0, 'KdVersionBlock': 0xC0F330, 'NtBuildNumber': 0xC11EE0,
        'KeNumberProcessors': 0xCFC404, 'PsProcessType': 0xCFC410, 'PsThreadType': 0xCFC440,
    }, TYPES_19041, kdbg_rvas=KDBG_19041),
}
