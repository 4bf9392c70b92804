# Pool by tag: from logs of PoolMon, one look and two, from a case, with who is behind a tag.
@python tests/cli/looks.py snapshot 0.txt 0
@python tests/cli/looks.py snapshot 24.txt 24
$ seep pool 0.txt
  UNKNOWN  largest: nt, tag MmSt, paged pool: 234 MB in 60000 blocks
  
  a machine without a name, 2026-03-01T12:00:00Z: 1 look: what grows is shown by two
  
  Tag  Pool          Allocs       Frees        Diff          Bytes PerAlloc Driver           Description
  MmSt Paged          90000       30000       60000      245760000     4096 nt               .* (re)
  Leak Nonpaged        1000           0        1000        4096000     4096 notmyfault.sys
  ...
  SUM  Nonpaged        6735        4140        2595        4262720          32 tags, 4.07 MB
  SUM  Paged          97000       36000       61000      247260000          2 tags, 236 MB
  14 more tags: --top 0 shows all
  
  0.txt: note: .* (re)
$ seep pool 0.txt --json
@schema pool
@json tags_total = 34
@json tags[33].tag ~ T000
@json tags[1].driver = "notmyfault.sys"
@json tags[1].drivers[0].how = "log"
@json tags[1].frees = 0
@json tags[1].delta = null
@json compared = null
@json verdict = "unknown"
@json totals.paged.bytes = 247260000
# The order, the pool, the tag, the number of rows.
$ seep pool 0.txt --sort allocs --top 2 --json
@schema pool
@json tags[1].tag = "Toke"
@json tags_total = 34
$ seep pool 0.txt --sort tag --pool nonpaged --json
@json tags[0].tag = "Evnt"
@json tags[31].tag = "T029"
$ seep pool 0.txt --tag T00? --sort diff --json
@json tags_total = 10
@json tags[0].tag = "T009"
$ seep pool 0.txt --sort per-alloc --pool paged --json
@json tags[0].per_alloc = 4096
$ seep pool 0.txt --tag none
  UNKNOWN  no tag is as asked for
  ...
# Two looks: what grew, and how fast.
$ seep pool 0.txt 24.txt --sort delta --top 2 --json
@schema pool
@json tags[0].tag = "Leak"
@json tags[0].delta = 1966080000
@json tags[0].allocs_since = 480000
@json tags[0].bytes_per_s ~ ^22755\.55
@json tags[1].tag = "Evnt"
@json compared.taken = "2026-03-01T12:00:00.000000000Z"
@json compared.duration_s = 86400
@json totals.nonpaged.delta = 2027520000
@json verdict = "suspect"
@json tags[0].verdict = "suspect"
@json tags[0].finding ~ Leak
@json tags[1].follows = "Leak"
@json clusters[0].source = "Leak"
@json clusters[0].members = ["Leak", "Evnt"]
@json clusters[0].ratio = [1, 1]
$ seep pool 0.txt 24.txt --top 1
  SUSPECT  notmyfault.sys, tag Leak, nonpaged pool: 1.83 GB in 481000 blocks, none was ever freed, .*78 MB/h (re)
  ...
  Leak Nonpaged      481000           0      481000     1970176000     4096    \+1966080000     \+78 MB/h .* (re)
  ...
  33 more tags: --top 0 shows all
  
  SUSPECT  driver notmyfault.sys, tag Leak: nonpaged pool .* (re)
  ...
# A case keeps the looks; what is read once more changes nothing.
$ seep pool 0.txt --case a.seep --json
@schema pool
$ seep pool 24.txt 24.txt --case a.seep --json
@schema pool
@json looks = 2
@json tags[0].delta = 1966080000
$ seep pool --case a.seep --json
@json sources[0].path = "0.txt"
@json tags[0].tag = "Leak"
# Who is behind a tag: what the user says goes before what the log says.
@text localtag.txt Leak - mine.sys - Leaks on purpose
$ seep pool 0.txt --tag Leak --json
@schema pool
@json tags[0].driver = "mine.sys"
@json tags[0].description = "Leaks on purpose"
@json tags[0].drivers[0].how = "pooltag"
@json tags[0].drivers[-1].name = "notmyfault.sys"
@text other.txt Leak - other.sys - Somebody else's
$ seep pool 0.txt --tag Leak --pooltag other.txt --json
@json tags[0].driver = "other.sys"
$ seep pool 0.txt --pooltag nothere.txt
! seep: nothere.txt: cannot be opened .* (re)
? 3
$ seep pool 0.txt --drivers nothere
! seep: nothere: no such folder of drivers: check the name
? 3
# A trace of pool events beside the counts: the call stacks behind a tag.
@made etl-cases/pools.etl pools.etl
# Two looks a day apart are two looks, however often a trace of a second looked beside them.
$ seep analyze 0.txt 24.txt pools.etl --json
@json verdict = "suspect"
@json findings[0].class = "driver"
@json findings[0].subject.tag = "Leak"
@json findings[0].evidence ~ most of what a trace saw of tag Leak comes from ntoskrnl.exe
$ seep pool 0.txt pools.etl --tag Leak --json
@schema pool
@json tags[0].allocs = 1000
@json tags[0].sites[0].outstanding_bytes = 100
@json tags[0].sites[0].function = "ntoskrnl.exe+0x10"
@json tags[0].sites[0].stack = ["ntoskrnl.exe+0x10", "ntoskrnl.exe+0x20"]
$ seep pool 0.txt pools.etl --tag Leak
  ...
  Leak Nonpaged        1000           0        1000        4096000     4096 mine.sys         Leaks on purpose
         100 B in 1 block from ntoskrnl.exe+0x10 < ntoskrnl.exe+0x20
  SUM  .* (re)
  ...
$ seep pool pools.etl --json
@schema pool
@json counted = "trace"
@json tags_total = 4
@json tags[0].tag = "Info"
$ seep pool 0.txt --case b.seep --json
$ seep pool pools.etl --case b.seep --tag Leak --json
@json tags[0].allocs = 1000
@json tags[0].sites[0].outstanding_count = 1
# Bad input: one line.
@text empty.txt
@text notes.txt nothing that anybody reads
@copy src/source/vmmap-csv/seeds/small.csv small.csv
$ seep pool empty.txt
! seep: empty.txt: the file is empty: .* (re)
? 3
$ seep pool notes.txt --json
! seep: notes.txt: not a format that seep reads: .* (re)
? 3
@schema pool
@json tags = []
$ seep pool small.csv
! seep: small.csv: says nothing about pool tags: name a kernel dump, a log of PoolMon or a recording of seep
? 3
$ seep pool 0.txt nothere.txt --top 1
! seep: nothere.txt: cannot be opened .* (re)
? 3
  UNKNOWN  largest: .* (re)
  ...
$ seep pool --sort size 0.txt
! seep: 'size' is no value for --sort: bytes diff allocs frees per-alloc tag delta
? 2
$ seep pool --pool big 0.txt
! seep: 'big' is no value for --pool: paged nonpaged
? 2
$ seep pool --pids 0.txt
! seep: there is no option --pids here.* (re)
? 2
