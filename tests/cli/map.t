# The address space of a process: WinDbg's rows and columns, the same numbers in JSON.
@copy src/source/vmmap-csv/seeds/small.csv small.csv
@copy src/source/vmmap-csv/seeds/truncated.csv truncated.csv
@copy src/source/vmmap-csv/seeds/no-regions.csv no-regions.csv
@copy examples/srv01.csv srv01.csv
$ seep map small.csv
  app.exe (42), x86 under WoW64: 28 regions
  
  --- Usage Summary ---------------- RgnCount ----------- Total Size -------- %ofBusy %ofTotal
  ...
  Stack32                                  3            100000 (   1.000 MB)   45.15%    0.02%
  ...
  --- Type Summary (for busy) ------ RgnCount ----------- Total Size -------- %ofBusy %ofTotal
  ...
  --- State Summary ---------------- RgnCount ----------- Total Size -------- %ofBusy %ofTotal
  ...
  --- Protect Summary (for commit) - RgnCount ----------- Total Size -------- %ofBusy %ofTotal
  ...
  PAGE_READWRITE|PAGE_GUARD                2              4000 (  16.000 kB)    0.71%    0.00%
  ...
  --- Largest Region by Usage ----------- Base Address -------- Region Size ----------
  ...
  --- Committed and reserved
  ...
  Private bytes by the system's count       700 KB: .* (re)
  ...
$ seep map small.csv --json
@schema map
@json sources[0].format = "vmmap-csv"
@json process.image = "app.exe"
@json process.architecture = "x86"
@json process.wow64 = true
@json regions_total = 28
@json split.committed_private_bytes = 184320
@json counters.private_bytes = 716800
@json private_check.difference_bytes = 532480
$ seep map small.csv --json --regions --top 3
@schema map
@json regions[2].size_bytes ~ \d+
$ seep map small.csv --regions --top 2
  ...
  --- Regions ---------- Size ---------- Type    State   Protect                Usage
             1a0000             fd000 Private Reserve                        Stack32 [Thread ID: 34888]
            1001000             7f000 Image   Commit  ExecuteRead            Image [.text]
  the 2 largest; 19 more: --top 0 shows all
  ...
# What changed: against itself nothing, against a file with a missing row that row.
$ seep map small.csv small.csv --json
@schema map
@json delta.reservations = []
@json usage[0].delta.size_bytes = 0
@json delta.duration_s = null
$ seep map small.csv small.csv
  app.exe (42), x86 under WoW64: 28 regions
  compared with app.exe (42), x86 under WoW64: 28 regions
  ...
  nothing
  ...
# A case keeps the snapshot, and gives it back; reading it again does not change what is known.
$ seep map small.csv --case a.seep --json
@schema map
@json regions_total = 28
$ seep map a.seep --json
@json sources[0].format = "seep"
@json regions_total = 28
@json process.wow64 = true
$ seep map --case a.seep --json
@json split.committed_private_bytes = 184320
$ seep facts a.seep --kind region
  {"kind":"region","process":{"image":"app.exe","pid":42},"base":"0x0","size_bytes":1114112,.* (re)
  ...
# What is incomplete is said, and shown as far as it goes.
$ seep map truncated.csv --json
! seep: truncated.csv: types of memory whose rows do not add up to the summary: rows are missing or were changed: the rest was read; see the losses of this source
? 3
@schema map
@json sources[0].losses[0].what = "totals"
$ seep map no-regions.csv
! seep: no-regions.csv: the file ends before its list of regions (at 0x2f2): the rest was read; see the losses of this source
? 3
# Files about other things, and wrong usage.
$ seep map srv01.csv
! seep: srv01.csv: says nothing about the address space of a process: name a dump of a process, or a CSV file of VMMap
? 3
$ seep map small.csv --process 7
! seep: small.csv: holds nothing about process 7: leave --process out, or see `seep facts --kind process`
? 3
$ seep map
! seep: nothing to map: name a PID or a dump, or a case with --case
? 2
$ seep map a b c
! ...
? 2
$ seep map none.csv
! seep: none.csv: .* (re)
? 3
# One moment is no leak, and where the memory is is said.
$ seep analyze small.csv --json
@schema analyze
@json verdict = "unknown"
@json findings[0].class = "private-data"
@json findings[0].caveats[0] = "one moment cannot show growth"
$ seep analyze small.csv
  UNKNOWN  app.exe (42): 180 KB private, most of it allocations outside of heaps and stacks (96.0 KB); one moment cannot show growth
  ...
