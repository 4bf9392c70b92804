# SPDX-License-Identifier: MIT
"""Where the fields of Windows' own structures lie: a table of facts.

`win10`: from the public types of ntdll.dll of Windows 10 x64 (ntdll.pdb,
CCC0E36120F424BE044DE630C3BD80C4, age 3) and of its WoW64 twin (wntdll.pdb,
1C96EAD80971326D3967ED72C983E164, age 3), as `llvm-pdbutil dump -types` shows them.
`win7`: as Windows 7 SP1's published types have them, checked against the heaps of a real full dump
of a WoW64 process (heap header, encoding, entries, user blocks, subsegments).

A line is: field, offset on x64, offset on x86, format (struct's letters, P = pointer).
"""

WIN10 = {
    '_HEAP': (0x2C0, 0x258, '''
        SegmentSignature 0x10 0x8 I
        SegmentFlags 0x14 0xc I
        SegmentListEntry 0x18 0x10 L
        Heap 0x28 0x18 P
        BaseAddress 0x30 0x1c P
        NumberOfPages 0x38 0x20 I
        FirstEntry 0x40 0x24 P
        LastValidEntry 0x48 0x28 P
        NumberOfUnCommittedPages 0x50 0x2c I
        NumberOfUnCommittedRanges 0x54 0x30 I
        UCRSegmentList 0x60 0x38 L
        Flags 0x70 0x40 I
        ForceFlags 0x74 0x44 I
        CompatibilityFlags 0x78 0x48 I
        EncodeFlagMask 0x7c 0x4c I
        Encoding 0x80 0x50 E
        VirtualMemoryThreshold 0x94 0x5c I
        Signature 0x98 0x60 I
        SegmentReserve 0xa0 0x64 P
        SegmentCommit 0xa8 0x68 P
        DeCommitFreeBlockThreshold 0xb0 0x6c P
        DeCommitTotalFreeThreshold 0xb8 0x70 P
        TotalFreeSize 0xc0 0x74 P
        MaximumAllocationSize 0xc8 0x78 P
        ProcessHeapsListIndex 0xd0 0x7c H
        UCRList 0xf0 0x8c L
        AlignRound 0x100 0x94 P
        AlignMask 0x108 0x98 P
        VirtualAllocdBlocks 0x110 0x9c L
        SegmentList 0x120 0xa4 L
        FreeLists 0x150 0xc0 L
        FrontEndHeap 0x198 0xe4 P
        FrontHeapLockCount 0x1a0 0xe8 H
        FrontEndHeapType 0x1a2 0xea B
        FrontEndHeapMaximumIndex 0x1b0 0xf0 H
        Counters 0x238 0x1f4 -
        FirstBlock 0x740 0x4a8 -
    '''),
    '_HEAP_SEGMENT': (0x70, 0x40, ''),
    '_HEAP_COUNTERS': (0x78, 0x5C, '''
        TotalMemoryReserved 0x0 0x0 P
        TotalMemoryCommitted 0x8 0x4 P
        TotalSizeInVirtualBlocks 0x18 0xc P
        TotalSegments 0x20 0x10 I
        TotalUCRs 0x24 0x14 I
    '''),
    '_HEAP_UCR_DESCRIPTOR': (0x30, 0x18, '''
        ListEntry 0x0 0x0 L
        SegmentEntry 0x10 0x8 L
        Address 0x20 0x10 P
        Size 0x28 0x14 P
    '''),
    '_HEAP_VIRTUAL_ALLOC_ENTRY': (0x40, 0x20, '''
        Entry 0x0 0x0 L
        CommitSize 0x20 0x10 P
        ReserveSize 0x28 0x14 P
        BusyBlock 0x30 0x18 -
    '''),
    '_LFH_HEAP': (0xCF0, 0x7E8, '''
        SubSegmentZones 0x8 0x4 L
        Heap 0x18 0xc P
        NextSegmentInfoArrayAddress 0x20 0x10 P
        FirstUncommittedAddress 0x28 0x14 P
        ReservedAddressLimit 0x30 0x18 P
        Buckets 0x2a4 0x1bc -
        SegmentInfoArrays 0x4a8 0x3c0 -
        LocalData 0xcc0 0x7d0 -
    '''),
    '_HEAP_LOCAL_DATA': (0x30, 0x18, '''
        CrtZone 0x10 0x8 P
        LowFragHeap 0x18 0xc P
    '''),
    '_HEAP_LOCAL_SEGMENT_INFO': (0xC0, 0x68, '''
        LocalData 0x0 0x0 P
        ActiveSubsegment 0x8 0x4 P
        BucketIndex 0xac 0x5c H
    '''),
    '_LFH_BLOCK_ZONE': (0x18, 0xC, '''
        ListEntry 0x0 0x0 L
        NextIndex 0x10 0x8 I
        FirstSubSegment 0x20 0x10 -
    '''),
    '_HEAP_SUBSEGMENT': (0x40, 0x28, '''
        LocalInfo 0x0 0x0 P
        UserBlocks 0x8 0x4 P
        AggregateExchg 0x20 0x10 I
        BlockSize 0x24 0x14 H
        Flags 0x26 0x16 H
        BlockCount 0x28 0x18 H
        SizeIndex 0x2a 0x1a B
        AffinityIndex 0x2b 0x1b B
    '''),
    '_HEAP_USERDATA_HEADER': (0x38, 0x20, '''
        SubSegment 0x0 0x0 P
        Reserved 0x8 0x4 P
        SizeIndex 0x10 0x8 B
        Signature 0x14 0xc I
        EncodedOffsets 0x18 0x10 I
        SizeOfBitMap 0x20 0x14 P
        BitmapBuffer 0x28 0x18 P
        BitmapData 0x30 0x1c -
    '''),
    '_PEB': (0x7C8, 0x480, '''
        ImageBaseAddress 0x10 0x8 P
        Ldr 0x18 0xc P
        ProcessParameters 0x20 0x10 P
        ProcessHeap 0x30 0x18 P
        NumberOfProcessors 0xb8 0x64 I
        NtGlobalFlag 0xbc 0x68 I
        NumberOfHeaps 0xe8 0x88 I
        MaximumNumberOfHeaps 0xec 0x8c I
        ProcessHeaps 0xf0 0x90 P
        OSMajorVersion 0x118 0xa4 I
        OSMinorVersion 0x11c 0xa8 I
        OSBuildNumber 0x120 0xac H
        OSPlatformId 0x124 0xb0 I
    '''),
    '_TEB': (0x1838, 0x1000, '''
        StackBase 0x8 0x4 P
        StackLimit 0x10 0x8 P
        Self 0x30 0x18 P
        ProcessId 0x40 0x20 P
        ThreadId 0x48 0x24 P
        ThreadLocalStoragePointer 0x58 0x2c P
        ProcessEnvironmentBlock 0x60 0x30 P
        DeallocationStack 0x1478 0xe0c P
        TlsSlots 0x1480 0xe10 -
        GdiBatchCount 0x1740 0xf70 I
        WowTebOffset 0x180c 0xfdc i
    '''),
    '_PEB_LDR_DATA': (0x58, 0x30, '''
        Length 0x0 0x0 I
        Initialized 0x4 0x4 B
        InLoadOrderModuleList 0x10 0xc L
        InMemoryOrderModuleList 0x20 0x14 L
        InInitializationOrderModuleList 0x30 0x1c L
    '''),
    '_LDR_DATA_TABLE_ENTRY': (0x120, 0xA8, '''
        InLoadOrderLinks 0x0 0x0 L
        InMemoryOrderLinks 0x10 0x8 L
        InInitializationOrderLinks 0x20 0x10 L
        DllBase 0x30 0x18 P
        EntryPoint 0x38 0x1c P
        SizeOfImage 0x40 0x20 I
        FullDllName 0x48 0x24 U
        BaseDllName 0x58 0x2c U
        TimeDateStamp 0x80 0x44 I
    '''),
    '_RTL_USER_PROCESS_PARAMETERS': (0x440, 0x2C0, '''
        ImagePathName 0x60 0x38 U
        CommandLine 0x70 0x40 U
    '''),
}

# What differs in Windows 7.
WIN7 = dict(WIN10)
WIN7.update({
    '_HEAP': (0x208, 0x138, '''
        SegmentSignature 0x10 0x8 I
        SegmentFlags 0x14 0xc I
        SegmentListEntry 0x18 0x10 L
        Heap 0x28 0x18 P
        BaseAddress 0x30 0x1c P
        NumberOfPages 0x38 0x20 I
        FirstEntry 0x40 0x24 P
        LastValidEntry 0x48 0x28 P
        NumberOfUnCommittedPages 0x50 0x2c I
        NumberOfUnCommittedRanges 0x54 0x30 I
        UCRSegmentList 0x60 0x38 L
        Flags 0x70 0x40 I
        ForceFlags 0x74 0x44 I
        CompatibilityFlags 0x78 0x48 I
        EncodeFlagMask 0x7c 0x4c I
        Encoding 0x80 0x50 E
        PointerKey 0x90 0x58 P
        VirtualMemoryThreshold 0x9c 0x60 I
        Signature 0xa0 0x64 I
        SegmentReserve 0xa8 0x68 P
        SegmentCommit 0xb0 0x6c P
        DeCommitFreeBlockThreshold 0xb8 0x70 P
        DeCommitTotalFreeThreshold 0xc0 0x74 P
        TotalFreeSize 0xc8 0x78 P
        MaximumAllocationSize 0xd0 0x7c P
        ProcessHeapsListIndex 0xd8 0x80 H
        UCRList 0xf8 0x90 L
        AlignRound 0x108 0x98 P
        AlignMask 0x110 0x9c P
        VirtualAllocdBlocks 0x118 0xa0 L
        SegmentList 0x128 0xa8 L
        FreeLists 0x158 0xc4 L
        FrontEndHeap 0x178 0xd4 P
        FrontHeapLockCount 0x180 0xd8 H
        FrontEndHeapType 0x182 0xda B
        Counters 0x188 0xdc -
        FirstBlock 0xa80 0x588 -
    '''),
    '_LFH_BLOCK_ZONE': (0x20, 0x10, '''
        ListEntry 0x0 0x0 L
        FreePointer 0x10 0x8 P
        Limit 0x18 0xc P
        FirstSubSegment 0x20 0x10 -
    '''),
    '_HEAP_SUBSEGMENT': (0x30, 0x20, '''
        LocalInfo 0x0 0x0 P
        UserBlocks 0x8 0x4 P
        AggregateExchg 0x10 0x8 Q
        BlockSize 0x18 0x10 H
        Flags 0x1a 0x12 H
        BlockCount 0x1c 0x14 H
        SizeIndex 0x1e 0x16 B
        AffinityIndex 0x1f 0x17 B
    '''),
    '_HEAP_USERDATA_HEADER': (0x20, 0x10, '''
        SubSegment 0x0 0x0 P
        Reserved 0x8 0x4 P
        SizeIndex 0x10 0x8 I
        Signature 0x18 0xc I
    '''),
    '_LFH_HEAP': (0x7E0, 0x3E0, '''
        SubSegmentZones 0x28 0x18 L
        ZoneBlockSize 0x38 0x20 P
        Heap 0x40 0x24 P
    '''),
    '_PEB': (0x380, 0x248, WIN10['_PEB'][2]),
})

# The segment heap, x64 only (win10's ntdll.pdb).
SEGMENT_HEAP = {
    '_SEGMENT_HEAP': (0x800, 0, '''
        Signature 0x10 0 I
        GlobalFlags 0x14 0 I
        ProcessHeapListIndex 0x1c 0 H
        LargeAllocMetadata 0x48 0 Q
        LargeReservedPages 0x58 0 Q
        LargeCommittedPages 0x60 0 Q
        TotalReservedPages 0x80 0 Q
        TotalCommittedPages 0x88 0 Q
        FreeCommittedPages 0x90 0 Q
        LfhFreeCommittedPages 0x98 0 Q
        AllocatedBase 0xe8 0 Q
        UncommittedBase 0xf0 0 Q
        ReservedLimit 0xf8 0 Q
        SegContexts 0x100 0 -
        VsContext 0x280 0 -
        LfhContext 0x340 0 -
    '''),
    '_HEAP_SEG_CONTEXT': (0xC0, 0, '''
        SegmentMask 0x0 0 Q
        UnitShift 0x8 0 B
        PagesPerUnitShift 0x9 0 B
        FirstDescriptorIndex 0xa 0 B
        MaxAllocationSize 0x10 0 I
        LfhContext 0x18 0 Q
        VsContext 0x20 0 Q
        Heap 0x38 0 Q
        SegmentListHead 0x48 0 L
        SegmentCount 0x58 0 Q
        FreePageRanges 0x60 0 Q
    '''),
    '_HEAP_PAGE_SEGMENT': (0x2000, 0, '''
        ListEntry 0x0 0 L
        Signature 0x10 0 Q
    '''),
    '_HEAP_PAGE_RANGE_DESCRIPTOR': (0x20, 0, '''
        TreeSignature 0x0 0 I
        UnusedBytes 0x4 0 I
        RangeFlags 0x18 0 B
        CommittedPageCount 0x19 0 B
        Key 0x1c 0 I
        UnitSize 0x1f 0 B
    '''),
    '_HEAP_VS_CONTEXT': (0xC0, 0, '''
        FreeChunkTree 0x10 0 Q
        SubsegmentList 0x20 0 L
        TotalCommittedUnits 0x30 0 Q
        FreeCommittedUnits 0x38 0 Q
        BackendCtx 0x80 0 Q
    '''),
    '_HEAP_VS_SUBSEGMENT': (0x28, 0, '''
        ListEntry 0x0 0 L
        CommitBitmap 0x10 0 Q
        Size 0x20 0 H
        Signature 0x22 0 H
        FirstChunk 0x30 0 -
    '''),
    '_HEAP_LFH_CONTEXT': (0x4C0, 0, '''
        BackendCtx 0x0 0 Q
        Buckets 0x80 0 -
    '''),
    '_HEAP_LFH_BUCKET': (0x68, 0, '''
        TotalBlockCount 0x38 0 Q
        TotalSubsegmentCount 0x40 0 Q
        AffinitySlots 0x60 0 Q
    '''),
    '_HEAP_LFH_SUBSEGMENT_OWNER': (0x38, 0, '''
        IsBucket 0x0 0 B
        BucketIndex 0x1 0 B
        SlotCount 0x2 0 B
        AvailableSubsegmentCount 0x8 0 Q
        AvailableSubsegmentList 0x18 0 L
        FullSubsegmentList 0x28 0 L
    '''),
    '_HEAP_LFH_AFFINITY_SLOT': (0x40, 0, '''
        ActiveSubsegment 0x38 0 Q
    '''),
    '_HEAP_LFH_SUBSEGMENT': (0x38, 0, '''
        ListEntry 0x0 0 L
        Owner 0x10 0 Q
        FreeCount 0x20 0 H
        BlockCount 0x22 0 H
        FreeHint 0x24 0 H
        Location 0x26 0 B
        BlockOffsets 0x28 0 I
        CommitUnitShift 0x2c 0 B
        CommitUnitCount 0x2d 0 B
        CommitStateOffset 0x2e 0 H
        BlockBitmap 0x30 0 -
    '''),
    '_HEAP_LARGE_ALLOC_DATA': (0x28, 0, '''
        Left 0x0 0 Q
        Right 0x8 0 Q
        ParentValue 0x10 0 Q
        VirtualAddress 0x18 0 Q
        AllocatedPages 0x20 0 Q
    '''),
}


class Layout:
    """The structures of one Windows in one pointer size."""

    def __init__(self, windows, bits):
        self.windows, self.bits = windows, bits
        table = {**{'win10': WIN10, 'win7': WIN7}[windows], **SEGMENT_HEAP}
        column = 1 if bits == 64 else 2
        self.sizes = {name: t[0 if bits == 64 else 1] for name, t in table.items()}
        self.fields = {}
        for name, t in table.items():
            for line in t[2].strip().splitlines():
                words = line.split()
                self.fields[name, words[0]] = (int(words[column], 16), words[3])

    def offset(self, name, field):
        return self.fields[name, field][0]


class Record:
    """One structure in a space: `record.set(Field=value, ...)`, `record.at('Field')`."""

    def __init__(self, space, layout, name, address):
        self.space, self.layout, self.name, self.address = space, layout, name, address

    def at(self, field):
        return self.address + self.layout.offset(self.name, field)

    def set(self, **fields):
        for field, value in fields.items():
            offset, fmt = self.layout.fields[self.name, field]
            self.space.put(fmt, self.address + offset, value)
        return self
