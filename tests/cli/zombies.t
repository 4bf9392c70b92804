# Dead processes that are still held, and by whom.
@copy examples/srv01.csv srv01.csv
$ seep zombies srv01.csv --case a.seep --json
! seep: srv01.csv: says nothing about dead processes: .* (re)
? 3
@schema zombies
@json zombies = null
@json holders = []
@python tests/cli/looks.py zombies a.seep
$ seep zombies --case a.seep
  .*990 of 1300 dead processes are held by svc.exe \(1234\); 300 by no handle: a driver (re)
  
  SRV01, 2026-03-01T12:01:00Z
  they hold about 100 MB of commit, by 79 KB for each, 12 KB of it pool, as measured in public
  
       PID Holder                     Handles   Zombies  Images that are held
      1234 svc.exe                        990       990  cl.exe 495, link.exe 495
       888 a\x1Bb.exe                      10        10  cl.exe 5, link.exe 5
         - no handle: a driver              0       300  cl.exe 150, link.exe 150
  
  hint: PIDs go up to 55196; above 50000 so many are, or were, in use
  ...
$ seep zombies --case a.seep --json
@schema zombies
@json zombies = 1300
@json unheld = 300
@json suspect = "process"
@json pid_high = 55196
@json commit_estimate_bytes = 105164800
@json commit_estimate_from = "number"
@json holders[0].pid = 1234
@json holders[0].handles = 990
@json holders[0].images = {"cl.exe": 495, "link.exe": 495}
@json holders[0].pids[989] = 53956
@json holders[1].image = "a\u001bb.exe"
@json unheld_processes.pids[299] = 55196
@json hints[0].hint = "high-pid"
$ seep zombies --case a.seep --top 1 --pids
  ...
         PIDs 50000 50004 .* (re)
  ...
  1 more holders: --top 0 shows all
         - no handle: a driver              0       300  cl.exe 150, link.exe 150
         PIDs 54000 .* (re)
  ...
# Bad input: one line.
@text empty.txt
$ seep zombies empty.txt
! seep: empty.txt: the file is empty: .* (re)
? 3
$ seep zombies --pids=1 a
! seep: --pids takes no value
? 2
