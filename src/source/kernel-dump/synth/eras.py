# SPDX-License-Identifier: MIT
"""Kernels by era: which file they are, where their variables lie, and how their structures look.

GUIDs, addresses and offsets are facts of Microsoft's public symbol files, as the Windows-Symbol-
Tables of JPCERTCC (BSD-3) give them; what those do not say of a kernel (the addresses of variables
that only symbols name) is chosen freely, at places that nothing else uses.
"""


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

ERAS = {
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
