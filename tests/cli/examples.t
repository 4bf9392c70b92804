# The first line is the answer, on the logs that come with the tree.
@copy examples/srv01.blg srv01.blg
@copy examples/srv01.csv srv01.csv
@copy examples/System.evtx System.evtx
$ seep analyze srv01.blg
? 1
  LEAKING  LeakyService.exe \(344\): private bytes \+60 MB/h since .*, out of commit in .* (re)
  ...
$ seep analyze srv01.blg --json
? 1
@schema analyze
@json verdict = "leaking"
@json findings[0].class = "private-data"
@json findings[0].subject.pid = 344
@json findings[0].subject.kind = "process"
@json findings[0].metric = "private_bytes"
@json findings[0].rate.unit = "bytes/s"
@json findings[0].rate.value ~ ^17[45]
@json findings[0].exhaustion.limit = "commit"
@json findings[0].next[0] = "seep record --pid 344 -i 10s -d 1h"
@json sources[0].format = "blg"
@json sources[0].losses = []
$ seep analyze srv01.csv --json
? 1
@schema analyze
@json findings[0].class = "handles"
@json findings[0].subject.name = "ReportAgent.exe"
@json findings[0].since ~ 2026-03-01T23:
@json findings[1].subject.name = "OrderService.exe"
$ seep analyze srv01.csv --json --top 1 --since 2026-03-02T12:00:00
? 1
@json observed.start ~ 2026-03-02T12:0
$ seep analyze System.evtx --json
? 1
@schema analyze
@json findings[0].subject.name = "ReportService.exe"
@json findings[0].verdict = "leaking"
@json findings[0].rate.value ~ ^2[5-9]
@json findings[1].verdict = "suspect"
@json events[0].id = 2004
@json events[0].fields.MemoryExhaustionInfo.SystemInfo.Processes ~ ^[0-9]+$
# All of them are one machine, and one case.
$ seep analyze srv01.blg srv01.csv System.evtx --case all.seep --json
? 1
@json machine.host = "SRV01"
@json sources[2].format = "evtx"
@schema analyze
$ seep report all.seep
? 1
  LEAKING  .* (re)
  ...
$ seep facts srv01.csv --kind sample
  {"kind":"sample","subject":{"kind":"machine",.*"metric":"commit_bytes","counter":"\\\\Memory\\\\Committed Bytes","time":"2026-03-01T23:00:00.125000000Z","value":[0-9]+} (re)
  ...
$ seep facts System.evtx --events
         242  Service Control Manager 7036
  ...
           3  Microsoft-Windows-Resource-Exhaustion-Detector 2004
  ...
$ seep facts System.evtx --events --json
@schema facts
@json events[0].count ~ ^[0-9]+$
