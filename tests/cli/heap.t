# The heaps of a real dump with full memory, Windows 7 with a 32-bit program; the numbers of a debugger.
@data minidump/fizzbuzz_wow64.dmp real.dmp
$ seep heap real.dmp
  fizzbuzz.exe \(7836\): 334 blocks in use, .*; nothing points to \d+ of them, \d+ B .* (re)
  
  Nothing points to, by type and size:
  ...
  In use, by type:
  ...
        32 B          1  std::locale::_Locimp::`vftable'
  ...
  In use, by size:
  ...
  heap               kind    bits     blocks      bytes       busy       free  committed   reserved
  ...
  0x500000           nt        64         23    17.4 KB    20.0 KB    9.42 KB    32.0 KB     512 KB
  0x700000           nt        32        304    52.2 KB    75.3 KB    3.30 KB     928 KB    1.83 MB
$ seep heap real.dmp --json
@schema heap
@json process.image = "fizzbuzz.exe"
@json process.wow64 = true
@json heaps[2].address = "0x460000"
@json heaps[2].busy_blocks = 9
@json heaps[2].busy_bytes = 10944
@json heaps[3].address = "0x500000"
@json heaps[3].busy_blocks = 25
@json heaps[3].busy_bytes = 20432
@json heaps[3].free_blocks = 3
@json heaps[3].free_bytes = 9648
@json heaps[3].user_blocks = 23
@json heaps[4].address = "0x700000"
@json heaps[4].busy_blocks = 161
@json heaps[4].busy_bytes = 77120
@json heaps[4].free_blocks = 4
@json heaps[4].user_blocks = 304
@json sizes[0].heap = "0x700000"
@json types[0].name ~ std::.*`vftable'
@json unreachable.sites[0].heads ~ \d+
$ seep heap real.dmp --json --peek --top 1
@schema heap
@json sizes[0].size_bytes = 15144
@json unreachable.sites[0].content ~ .+
# A dump that is cut off in its memory: what is there is counted, the rest is said.
@head 9000000 real.dmp
$ seep heap real.dmp --json
! seep: real.dmp: .* (re)
? 3
@schema heap
# Without the memory of heaps there is nothing to count, and nothing is called 0.
@data minidump/electron.dmp thin.dmp
$ seep heap thin.dmp --json
@schema heap
@json sizes = []
@json unreachable.blocks = null
@json unreachable.bytes = null
# Not a dump of a process; no file; wrong usage.
@data pdb/test-columns.pdb symbols.pdb
$ seep heap symbols.pdb
! seep: symbols.pdb: not a format that seep reads: .* (re)
? 3
$ seep heap missing.dmp
! seep: missing.dmp: cannot be opened .* (re)
? 3
@data minidump/mac.dmp mac.dmp
$ seep heap mac.dmp
! seep: mac.dmp: .* (re)
? 3
$ seep heap
! seep: .* (re)
? 2
$ seep heap a.dmp b.dmp c.dmp
! seep: .* (re)
? 2
