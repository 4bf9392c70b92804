# Real files: what their own tools say of them is what seep says.
@data blg/Tx-BasicPerfCounters.blg tx.blg
$ seep facts tx.blg --kind sample --json
  ...
  {"kind":"sample",.*"counter":"\\\\Processor\(_Total\)\\\\% Processor Time",.*"value":9.378262382554\d*} (re)
  ...
  {"kind":"sample",.*"counter":"\\\\Processor\(_Total\)\\\\% Processor Time",.*"value":5.865413440457\d*} (re)
  ...
  {"kind":"sample",.*"counter":"\\\\Processor\(_Total\)\\\\% Processor Time",.*"value":8.204103036507\d*} (re)
  ...
  {"kind":"sample",.*"counter":"\\\\Processor\(_Total\)\\\\% Processor Time",.*"value":3.128380819509\d*} (re)
  ...
$ seep facts tx.blg --json
@json sources[0].format = "blg"
@json sources[0].losses = []
@schema facts
@data blg/PAL-SampleLog.blg pal.blg
$ seep facts pal.blg --kind process
  ...
  {"kind":"process",.*"pid":1948,.*"image":"explorer.exe".*} (re)
  ...
$ seep analyze pal.blg --json
@json machine.host = "ZACH-PC"
@json observed.duration_s ~ ^(599|600)
@schema analyze
@data evtx/application-radar-64.evtx radar.evtx
$ seep analyze radar.evtx --json
@schema analyze
@json verdict = "suspect"
@json findings[0].subject.name = "rust-analyzer.exe"
@json findings[0].evidence[0].offset ~ 0x
@json events[0].provider = "Windows Error Reporting"
# Logs without a leak: no finding, whatever other events have the number 2004 or 26.
@data evtx/System.evtx a.evtx
@data evtx/System-plaso.evtx b.evtx
@data evtx/System-dirty.evtx c.evtx
@data evtx/Application.evtx d.evtx
@data evtx/Microsoft-Windows-Resource-Exhaustion-Detector%4Operational.evtx e.evtx
@data evtx/Microsoft-Windows-Kernel-WHEA%4Operational.evtx f.evtx
$ seep analyze a.evtx b.evtx c.evtx d.evtx e.evtx f.evtx --json
@json findings = []
@json verdict = "unknown"
@schema analyze
$ seep facts a.evtx --events --json
@schema facts
@json counts.event ~ ^0|[1-9]
