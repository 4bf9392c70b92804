# A case is made, added to, read back and merged; it is a source like any other.
@copy src/source/seep/seeds/small.seep small.seep
$ seep sources small.seep --json
@json chosen = "seep"
@schema sources
$ seep facts small.seep --json
@json sources[0].format = "seep"
@json counts.sample = 60
@json counts.process = 1
@schema facts
$ seep facts small.seep --kind process --json
  {"kind":"process",.*"pid":1948,.*"image":"app.exe".*} (re)
$ seep facts small.seep --kind event
  {"kind":"event",.*"provider":"srv","id":2019,.*"fields":{"Data":\["\\\\Device",null\],"X":{"Y":7,"Z":0.5},.*} (re)
$ seep analyze small.seep --case all.seep --json
? 1
@json machine.host = "SRV01"
@json observed.series = 3
@schema analyze
$ seep analyze --case all.seep --json
? 1
@json sources[0].path = "small.seep"
$ seep report all.seep --json
? 1
@json command = "report"
@schema analyze
$ seep report all.seep -o out.json
? 1
$ seep facts all.seep --json
@json counts.sample = 60
@json counts.event = 1
