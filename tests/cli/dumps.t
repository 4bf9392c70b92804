# Real dumps: their first lines, and that none of them is taken for damaged.
# The first line of a dump names what most of its memory is; what was read of it has words.
@data minidump/fizzbuzz_wow64.dmp a.dmp
$ seep analyze a.dmp
  UNKNOWN  fizzbuzz.exe (7836): 1.02 MB private, most of it heaps (980 KB); one moment cannot show growth
  ...
  read      a.dmp (minidump, 8.85 MB): 1 machine, 1 process, 1 sample, 15 modules,
            168 regions, 5 heaps, 95 groups of blocks
@data minidump/sigsegv.dmp b.dmp
$ seep analyze b.dmp
  UNKNOWN  sigsegv.exe (13052): the file does not list the memory of the process; how much it has, and of which kind, cannot be told
  ...
# Dumps that hold little are as their writers meant them.
@data minidump/cpp-crash-2.dmp c.dmp
@data minidump/tiny-exe.dmp d.dmp
@data minidump/electron.dmp e.dmp
@data minidump/null_read_av-x86.dmp f.dmp
$ seep map c.dmp --json
$ seep map d.dmp --json
$ seep map e.dmp --json
$ seep map f.dmp --json
$ seep heap c.dmp --json
$ seep heap d.dmp --json
$ seep heap e.dmp --json
$ seep heap f.dmp --json
$ seep analyze c.dmp d.dmp e.dmp f.dmp --json
$ seep facts c.dmp d.dmp e.dmp f.dmp --json
# Dumps of processes: where threads are, what cannot be known, what grew between two.
# A dump without a list of regions: what is held is cut where threads and heaps say.
@made dump-cases/wine.dmp wine.dmp
$ seep map wine.dmp --regions
  server.exe (4242), x64, 2025-11-11T08:20:04Z: 7 regions
  ...
  --- Regions ---------- Size ---------- Type    State   Protect                Usage
       1d5`00000000        0`00001000         Commit                         PEB64
       1d5`0004d000        0`00003000         Commit                         Stack64 [thread 4096]
       1d5`00050000        0`00002000         Commit                         TEB64 [thread 4096]
       1d5`00060000        0`00001000         Commit                         Heap64 [heap 0x1d500060000]
       1d5`00070000        0`00004000         Commit                         Other [process parameters]
      7ff6`a0000000        0`00007000 Image   Commit                         Image [C:\srv\server.exe]
      7ffb`40000000        0`00004000 Image   Commit                         Image [C:\Windows\System32\ntdll.dll]
  
  unknown: type: the file does not tell private from mapped regions
  unknown: state: the file does not tell what is committed and what only reserved
  unknown: Free: the file does not list what is free
  wine.dmp: note: the dump has no list of regions: .* (re)
# Two dumps: what grew comes first.
@made dump-cases/early.dmp early.dmp
@made dump-cases/grown.dmp grown.dmp
$ seep heap early.dmp grown.dmp
  server.exe (4242): its heaps grew by 352 KB, +5000 blocks in 10 min; most of it later::Session::`vftable' (+352 KB, +5000 blocks)
  
  What changed, by type:
        bytes      blocks        now
      +352 KB       +5000       5000  later::Session::`vftable'
  
  What changed, by size:
        bytes      blocks        now
      +352 KB       +5000       5050  of 72 bytes
  ...
  Now:
  server.exe \(4242\): 5110 blocks in use, .* (re)
  ...
$ seep heap early.dmp grown.dmp --json
@schema heap
@json delta.duration_s = 600
@json delta.blocks = 5000
@json delta.bytes = 360000
@json delta.types[0].name = "later::Session::`vftable'"
@json delta.types[0].delta_blocks = 5000
@json delta.sizes[0].size_bytes = 72
@json delta.sizes[0].old_blocks = 50
@json delta.sizes[0].blocks = 5050
@json delta.unreachable.bytes = 360000
@json delta.unreachable.sites[0].type = "later::Session::`vftable'"
$ seep heap early.dmp early.dmp --json
@schema heap
@json delta.blocks = 0
@json delta.types = []
@json delta.sizes = []
$ seep heap grown.dmp early.dmp
  server.exe (4242): its heaps did not grow: -352 KB, -5000 blocks, although the first is 10 min later
  ...
$ seep analyze early.dmp grown.dmp --json
@schema analyze
@json findings[0].class = "heap"
@json findings[0].evidence[2].text = "blocks of heaps in use: +5000, +391 KB"
@json findings[0].next = ["seep heap early.dmp grown.dmp", "seep map early.dmp grown.dmp"]
# Which blocks have nothing at all that points to them goes into the case, and out of it.
$ seep facts grown.dmp --kind blocks
  ...
  {"kind":"blocks",.*"by":"unreachable",.*"size_bytes":264,"type":"net::Buffer::`vftable'",.*"blocks":40,"bytes":10560,"heads":0,.* (re)
  ...
  {"kind":"blocks",.*"by":"unreachable",.*"size_bytes":72,"type":"Session::`vftable'",.*"blocks":40,"bytes":2880,"heads":40,.* (re)
  ...
$ seep analyze grown.dmp --case b.seep
  ...
$ seep facts b.seep --kind blocks
  ...
  {"kind":"blocks",.*"by":"unreachable",.*"size_bytes":72,"type":"Session::`vftable'",.*"heads":40,.* (re)
  ...
# What there is, without a walk through the heaps.
$ seep facts grown.dmp --json
@schema facts
@json counts.heap = 1
@json counts.blocks = null
# Damaged parts that nothing else would miss.
@made dump-seeds/bad-info-entry.dmp info.dmp
$ seep map info.dmp --json
! seep: info.dmp: the stream ThreadInfoList has a header that makes no sense \(at 0x[0-9a-f]+\): .* (re)
? 3
@made dump-seeds/bad-names-many.dmp names.dmp
$ seep map names.dmp --json
! seep: names.dmp: the stream ThreadNames has 1 of the 4294967295 entries that it speaks of \(at .* (re)
? 3
@made dump-seeds/bad-name-rva.dmp rva.dmp
$ seep map rva.dmp --json
! seep: rva.dmp: 1 name lies outside of the file: .* (re)
? 3
@made dump-seeds/bad-thread-context.dmp context.dmp
$ seep map context.dmp --json
! seep: context.dmp: the registers of 1 thread lie outside of the file: .* (re)
? 3
@json threads[0].instruction = null
@made dump-seeds/bad-module-cv-rva.dmp codeview.dmp
$ seep map codeview.dmp --json
! seep: codeview.dmp: the CodeView records of 1 module lie outside of the file: .* (re)
? 3
@made dump-seeds/bad-vm-revision.dmp vm.dmp
$ seep map vm.dmp --json
! seep: vm.dmp: the stream ProcessVmCounters is of revision 99, which seep does not know \(at .* (re)
? 3
@schema map
@json private_check = null
# The crash of a program whose PDB the tests' synthesizer wrote: main at 0x1010, Foo::f at 0x1100.
@made dump-cases/crashed.dmp crashed.dmp
@made symbols-cases/pdb/whole.pdb server.pdb
$ seep map crashed.dmp --symbols .
  server.exe (4242), x64, 2025-11-11T08:20:04Z: 37 regions
  ...
  --- Threads --- Instruction ---- Function
        4096     7ff6`a0001104 server.exe!Foo::f+0x4 [c:\src\foo.h:21] (main) exception 0xc0000005
        4100     7ff6`a0001018 server.exe!main+0x8 [c:\src\main.cpp:11] (worker)
$ seep map crashed.dmp --symbols . --json
@schema map
@json threads[0].id = 4096
@json threads[0].name = "main"
@json threads[0].exception = "0xc0000005"
@json threads[0].instruction.address = "0x7ff6a0001104"
@json threads[0].instruction.module = "server.exe"
@json threads[0].instruction.function = "Foo::f"
@json threads[0].instruction.offset = 4
@json threads[0].instruction.file = "c:\\src\\foo.h"
@json threads[0].instruction.line = 21
@json threads[1].exception = null
@json threads[1].instruction.function = "main"
@json threads[1].instruction.line = 11
# Without symbols being asked for: the place in the module, and no name is invented.
$ seep map crashed.dmp --json
@schema map
@json threads[0].instruction.function = null
@json threads[0].instruction.offset = 4356
@json threads[0].instruction.line = null
# A case does not keep them.
$ seep map crashed.dmp --case a.seep --json
@schema map
@json threads = null
# A PDB of another build is not used, and is named.
@made symbols-cases/pdb/in-order.pdb server.pdb
@flip 1548 server.pdb
$ seep map crashed.dmp --symbols . --json
! seep: there are no symbols for server.pdb \(13121110-1514-1716-1819-1A1B1C1D1E1F, age 1\): .*server.pdb is of another build \(131211EF-.*, age 1\) (re)
@schema map
@json threads[0].instruction.module = "server.exe"
@json threads[0].instruction.function = null
# A real crash with its PDB, and with that of another program.
@data minidump/cpp-crash-2.dmp real.dmp
@data pdb/cpp-crash-2-CppConsoleApplication.pdb CppConsoleApplication.pdb
$ seep map real.dmp --symbols .
  CppConsoleApplication.exe .* (re)
  ...
       21084     7ff6`11e56df8 CppConsoleApplication.exe!std::vector<.*>::operator\[\]\+0x88 \[.*\\include\\vector:1940\] exception 0x80000003 (re)
       12536     7ffc`af3a5744 ntdll.dll+0x165744
  ...
$ seep map real.dmp --symbols . --json
@schema map
@json threads[0].id = 21084
@json threads[0].instruction.function ~ std::vector<std::shared_ptr<Item>
@json threads[0].instruction.line = 1940
@data pdb/test-columns.pdb CppConsoleApplication.pdb
$ seep map real.dmp --symbols . --json
! seep: there are no symbols for CppConsoleApplication.pdb \(4F1CBD0C-787F-4165-837B-0D3AB7EFEA3A, age 2\): .*CppConsoleApplication.pdb is of another build \(21AC7081-.*, age 1\) (re)
@json threads[0].instruction.function = null
# 22,014 regions, 676 handles, 47 threads.
@data minidump/electron.dmp electron.dmp
$ seep map electron.dmp --json
@schema map
@json regions_total = 22014
@json threads[46].id ~ \d+
@json split.reserved_bytes = 3711078211584
# A WoW64 thread is where its 32-bit code is.
@data minidump/fizzbuzz_wow64.dmp wow.dmp
$ seep map wow.dmp --json
@schema map
@json threads[0].instruction.address = "0x77ce01fd"
@json threads[0].instruction.module = "ntdll.dll"
