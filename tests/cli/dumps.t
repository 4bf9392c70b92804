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
