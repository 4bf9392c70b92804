# Which call stacks hold what. The traces are made by the synthesizer, which says what was planted.
@python src/source/etl/synth.py --leak heap.etl --seconds 600
@python src/source/etl/synth.py --leak later.etl --seconds 900
@python src/source/etl/synth.py --case merged merged.etl
@python src/source/etl/synth.py --case lossy lossy.etl
@python src/source/etl/synth.py --case handles handles.etl
@python src/source/etl/synth.py --case references references.etl
@python src/source/etl/synth.py --case virtual virtual.etl
# The leak is the first line, here and in the judgement.
$ seep stacks heap.etl --blame --top 1
  LEAKING  session.dll\+0x3310 in server.exe \(4242\) heap 0x1d0a2340000: \+2\.3 MB/h (re)
  Outstanding: .* sites; .* made, .* freed (re)
  ...
? 1
$ seep analyze heap.etl
  LEAKING  session.dll\+0x3310 in server.exe \(4242\): outstanding bytes \+2\.3 MB/h since .* (re)
           class     heap; .* (re)
  ...
           next      seep stacks heap.etl --blame
  ...
? 1
$ seep analyze heap.etl --json
? 1
@schema analyze
@json findings[0].subject.kind = "site"
@json findings[0].subject.name = "session.dll+0x3310"
@json findings[0].subject.process = "server.exe"
@json findings[0].id ~ ^"heap/server.exe:4242/heap [0-9a-f]{16}"$
$ seep stacks heap.etl --json --blame --kind heap --process server
? 1
@schema stacks
@json mode = "outstanding"
@json verdict = "leaking"
@json sites[2].outstanding_count = 794
@json sites[2].outstanding_bytes = 406528
@json sites[2].growth.verdict = "leaking"
@json sites[2].growth.rate.unit = "bytes/s"
@json sites[2].delta_bytes = null
@json sites[2].blamed = 0
@json sites[2].stack[0].module = "session.dll"
@json sites[2].stack[0].offset = 13072
@json sites[2].stack[0].function = null
@json sites[0].process.pid = 4242
# Without --blame the stack is whole, and says where it would begin.
$ seep stacks heap.etl --json --kind heap --process 4242
? 1
@schema stacks
@json sites[2].blamed = 2
@json sites[2].stack[0].module = "ntdll.dll"
$ seep stacks heap.etl --by count --top 1 --kind heap
? 1
  ...
  3.81 MB in 1000 allocations (2985 made, 1985 freed)  server.exe (4242) heap 0x1d4a2340000  steady
  ...
$ seep stacks heap.etl --tree callers --blame --json
? 1
@schema stacks
@json tree.direction = "callers"
@json tree.nodes[0].name = "server.exe (4242)"
@json tree.nodes[1].name = "server.exe+0x7700"
@json tree.nodes[1].parent = 0
$ seep stacks heap.etl --tree callees
? 1
  ...
         bytes      count  callees
       12.0 MB       1930  server.exe (4242)
       12.0 MB       1930    ntdll.dll+0x52651
  ...
# Two files: what grew.
$ seep stacks heap.etl later.etl --json --blame --process server.exe --kind heap
? 1
@schema stacks
@json mode = "diff"
@json totals.delta_bytes = 2205936
@json sites[1].delta_bytes = 203776
@json sites[1].delta_count = 398
@json sites[1].before_bytes = 406528
$ seep stacks heap.etl heap.etl
  ...
  Total increase: 0 B  \+0 bytes .*, 0 sites changed (re)
  ...
# Three: what is there in each.
$ seep stacks later.etl heap.etl later.etl --json --kind heap
? 1
@schema stacks
@json mode = "survivors"
@json sites[2].survivor_count = 794
@json sites[2].survivor_bytes = 406528
# What gave memory back, and what was allocated before.
$ seep stacks virtual.etl --json
@schema stacks
@json frees[0].kind = "virtual"
$ seep stacks references.etl --json
@schema stacks
@json sites[0].tag = "DrvA"
@json sites[0].dead_count = 3
$ seep stacks handles.etl --kind handle --json
@schema stacks
@json totals.unmatched_frees = 1
# The same numbers in every format.
$ seep stacks merged.etl -o merged.json
$ seep stacks merged.etl -o merged.pb.gz
$ seep stacks merged.etl -o merged.speedscope.json
$ seep stacks merged.etl -o merged.folded
@python tests/stacks_check.py pprof merged.pb.gz merged.json
@python tests/stacks_check.py speedscope merged.speedscope.json merged.json
@python tests/stacks_check.py folded merged.folded merged.json
$ seep stacks heap.etl later.etl --blame --format json -o diff.json
? 1
$ seep stacks heap.etl later.etl --blame --format pprof -o diff.gz
? 1
$ seep stacks heap.etl later.etl --blame --format speedscope -o diff.ss
? 1
@python tests/stacks_check.py pprof diff.gz diff.json
@python tests/stacks_check.py speedscope diff.ss diff.json
# Names: of PDBs that match by GUID and age, and of no others. A return address behind the end of a
# function is in it; what a PDB calls operator new passes on.
@python tests/stacks_pdb.py session.dll session.pdb Session::open=0x3200:0x110:88
@python tests/stacks_pdb.py server.exe server.pdb "operator new=0x7600:0x200:7" Cache::fill=0x7a00:0x100:41
@python tests/stacks_pdb.py --wrong worker.exe worker.pdb Wrong::name=0x2000:0x200:1
$ seep stacks heap.etl --blame --top 1 --kind heap
? 1
  LEAKING  session.dll!Session::open in server.exe \(4242\) heap 0x1d0a2340000: \+2\.3 MB/h (re)
  ...
      > server.exe!Cache::fill+0x100 [c:\src\app.cpp @ 41]
        server.exe+0x155b0
  ...
$ seep stacks heap.etl --blame --process worker --json
! seep: there are no symbols for worker.pdb \(.*\): ..worker.pdb is of another build \(.*\) (re)
@schema stacks
@json sites[0].stack[0].function = null
@json sites[0].stack[0].offset = 8448
$ seep analyze heap.etl
? 1
  LEAKING  session.dll!Session::open in server.exe \(4242\): outstanding bytes .* (re)
  ...
$ seep stacks heap.etl --kind heap -o named.json
! seep: there are no symbols for worker.pdb \(.*\): ..worker.pdb is of another build \(.*\) (re)
? 1
$ seep stacks heap.etl --kind heap -o named.pb.gz
! seep: there are no symbols for worker.pdb \(.*\): ..worker.pdb is of another build \(.*\) (re)
? 1
$ seep stacks heap.etl --kind heap -o named.speedscope.json
! seep: there are no symbols for worker.pdb \(.*\): ..worker.pdb is of another build \(.*\) (re)
? 1
@python tests/stacks_check.py pprof named.pb.gz named.json E630D3FF282D029CC1BD3C4616E92FF21
@python tests/stacks_check.py speedscope named.speedscope.json named.json
# Lost events: a leak is only suspected.
$ seep stacks lossy.etl
  SUSPECT  app.exe\+0x500 in app.exe \(1000\) virtual: .* (re)
  ...
! seep: lossy.etl: events that the session lost: 7: the rest was read; see the losses of this source
? 3
# A process without heap events, and one that is not there.
$ seep stacks virtual.etl --process app.exe --kind heap
  no heap events for this process (app.exe): was the registry value set and the process restarted?
  record it so: wpr -heaptracingconfig app.exe enable; restart it; wpr -start Heap; wpr -stop heap.etl
  Outstanding: 0 B in 0 allocations of 0 sites
$ seep stacks heap.etl --process nosuch.exe
  no process 'nosuch.exe' is in the file
  ...
! seep: heap.etl: holds nothing about process 'nosuch.exe': see `seep facts --kind process`
? 3
# A case keeps sites and stacks, also when it is copied into another one.
$ seep analyze heap.etl --case one.seep
? 1
  LEAKING  session.dll!Session::open in server.exe \(4242\): outstanding bytes .* (re)
  ...
$ seep analyze one.seep --case two.seep
? 1
  LEAKING  session.dll!Session::open in server.exe \(4242\): outstanding bytes .* (re)
  ...
$ seep stacks two.seep --kind heap --process server --json --blame
? 1
@json sites[2].outstanding_bytes = 406528
@json sites[2].stack[0].module = "session.dll"
@json sites[2].growth.verdict = "leaking"
# One pool tag.
@made etl-cases/pools.etl pools.etl
$ seep stacks pools.etl --kind pool --tag L?ak --json
@schema stacks
@json sites[0].tag = "Leak"
@json totals.outstanding_bytes = 100
@json totals.unmatched_frees = 0
$ seep stacks pools.etl --kind pool --json
@json totals.outstanding_bytes = 1500
$ seep stacks pools.etl --tag none --json
@json sites = []
# Facts.
$ seep facts heap.etl --json
@json counts.site ~ ^\d+$
$ seep facts references.etl --kind site
  {"kind":"site","process":null,"site_kind":"reference",.* (re)
  ...
# Bad input: one line, and no numbers that could be taken for the answer.
@text empty.etl
$ seep stacks empty.etl
! seep: empty.etl: the file is empty: record it again, or leave it out
? 3
@head 5000 merged.etl
$ seep stacks merged.etl --json
@schema stacks
! seep: merged.etl: .* (re)
? 3
$ seep stacks heap.etl missing.etl
! seep: missing.etl: .* (re)
? 3
$ seep stacks heap.etl --by size
! seep: .*'size' is no value for --by.* (re)
? 2
$ seep stacks
! .* (re)
? 2
