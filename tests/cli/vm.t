# A machine's memory against its limits, and the ledger of commit.
@copy examples/srv01.csv srv01.csv
@copy src/source/vmmap-csv/seeds/small.csv small.csv
$ seep vm srv01.csv
  committed 2.08 GB of 12.0 GB (17 %); nothing that is known is near a limit
  
  SRV01, 2026-03-02T22:55:00Z
  
  *** Virtual Memory Usage ***
             Physical Memory:     not recorded
             Available Pages:     1631488 (     6525952 Kb)   6.22 GB
  ...
             Committed pages:      546343 (     2185375 Kb)   2.08 GB 17 %
                Commit limit:     3145728 (    12582912 Kb)   12.0 GB
  ...
  --- Where the commit went ---
             process-private         1634574336   1.52 GB  73.0 %
  ...
                unattributed          325058560    310 MB  14.5 %
                   committed         2237824906
  ...
  --- Processes by private bytes ---
           828383232    790 MB CacheNode.exe (7216)
  ...
  unknown: physical, .* (re)
$ seep vm srv01.csv --json
@schema vm
@json vm.committed_bytes = 2237824906
@json vm.physical_bytes = null
@json ledger[0].item = "process-private"
@json ledger[8].bytes = 325058560
@json ledger_balances = true
@json processes[0].pid = 7216
@json processes_total = 14
@json unknown[0] = "physical"
$ seep vm srv01.csv --json --top 3
@json processes[-1].image = "OrderService.exe"
@json processes_total = 14
# What is near a limit is said first; a fact about memory goes before the samples.
$ seep vm srv01.csv --case a.seep --json
@schema vm
@python tests/cli/looks.py vm a.seep
$ seep vm --case a.seep --top 1
  NEAR A LIMIT  nonpaged pool near limit, available low; committed 20.0 GB of 24.0 GB (83 %)
  ...
          NonPagedPool Usage:     2883584 (    11534336 Kb)   11.0 GB 92 %
            NonPagedPool Max:     3145728 (    12582912 Kb)   12.0 GB
  ...
                     zombies             102400    100 KB   0.0 %.* (re)
                unattributed         1073639424   1.00 GB   5.0 %
                   committed        21474836480
  ...
  13 more processes: --top 0 shows all
  ...
$ seep vm --case a.seep --json
@schema vm
@json vm.flags = ["nonpaged-pool-near-limit", "available-low"]
@json vm.nonpaged_pool_limit_bytes = 12884901888
# Bad input: one line.
@text notes.txt nothing that anybody reads
$ seep vm small.csv
! seep: small.csv: says nothing about the memory of a machine: name a kernel dump, a Perfmon log or a recording of seep
? 3
$ seep vm notes.txt --json
! seep: notes.txt: not a format that seep reads: .* (re)
? 3
@schema vm
@json vm.committed_bytes = null
