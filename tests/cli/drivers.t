# Series of snapshots, two, and one: the driver behind a leak stands in the first line.
@python tests/cli/looks.py snapshot 00.txt 0
@python tests/cli/looks.py snapshot 02.txt 2
@python tests/cli/looks.py snapshot 04.txt 4
@python tests/cli/looks.py snapshot 06.txt 6
@python tests/cli/looks.py snapshot 08.txt 8
@python tests/cli/looks.py snapshot 10.txt 10
@python tests/cli/looks.py snapshot 12.txt 12
@python tests/cli/looks.py snapshot 14.txt 14
@python tests/cli/looks.py snapshot 16.txt 16
@python tests/cli/looks.py snapshot 18.txt 18
@python tests/cli/looks.py snapshot 20.txt 20
@python tests/cli/looks.py snapshot 22.txt 22
@python tests/cli/looks.py snapshot 24.txt 24
$ seep analyze 00.txt 02.txt 04.txt 06.txt 08.txt 10.txt 12.txt 14.txt 16.txt 18.txt 20.txt 22.txt 24.txt
? 1
  LEAKING  driver notmyfault.sys (tag Leak): nonpaged pool +78 MB/h since 2026-03-01 12:00, never freed
           class     driver; 100 % of the machine's growth of this kind
  ...
                     480,000 blocks were allocated in 24 h (13 looks) and none
                     freed; 481,000 are in use .* (re)
                     the tag is one of notmyfault.sys: the log itself says so
                     pool tag Evnt grows in lockstep with it: 480,000 blocks more,
  ...
           next      seep pool 24.txt --drivers C:\Windows\System32\drivers
  ...
$ seep analyze 00.txt 02.txt 04.txt 06.txt 08.txt 10.txt 12.txt 14.txt 16.txt 18.txt 20.txt 22.txt 24.txt --json
? 1
@schema analyze
@json findings[0].id = "driver/Leak"
@json findings[0].class = "driver"
@json findings[0].subject.kind = "driver"
@json findings[0].subject.driver = "notmyfault.sys"
@json findings[0].subject.tag = "Leak"
@json findings[0].verdict = "leaking"
@json findings ~ ^(?!.*Evnt")
$ seep analyze 00.txt 24.txt --json
@schema analyze
@json verdict = "suspect"
@json findings[0].id = "driver/Leak"
@json findings[0].rate = null
@json findings[0].first = 4096000
@json findings[0].last = 1970176000
@json findings[0].caveats ~ two looks show growth, not its course
$ seep analyze 24.txt
  SUSPECT  driver notmyfault.sys \(tag Leak\): nonpaged pool 1.83 GB, .* of the pool, never freed (re)
  ...
$ seep analyze 00.txt --json
@json verdict = "unknown"
