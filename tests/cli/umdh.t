# UMDH: what seep makes of two logs is what `umdh OLD NEW` prints, number for number.
@copy src/source/umdh/seeds/log.txt a.txt
@copy src/source/umdh/seeds/second.txt b.txt
@copy src/source/umdh/seeds/third.txt c.txt
@copy src/source/umdh/seeds/compared.txt compared.txt
@copy src/source/umdh/seeds/compared-decimal.txt decimal.txt
@copy src/source/umdh/seeds/utf16le.txt wide.txt
@copy src/source/umdh/seeds/cut.txt cut.txt
@copy src/source/umdh/seeds/orphan.txt orphan.txt
$ seep stacks a.txt b.txt
  Total increase: +1.15 KB  +1174 bytes (6286 - 5112), +5 allocations (11 - 6), 3 sites changed
  +1174 bytes requested and +114 of the heap's overhead are +1288 bytes
  
  +1.17 KB  +1200 bytes (1456 - 256), +5 allocations (6 - 1)  app.exe (42) heap BackTrace7E5CE0 0x610000
        ntdll.dll+0x7dd4d
      > app.exe+0x3333
  
  +40 B  +40 bytes (596 - 556), +1 allocations (3 - 2)  app.exe (42) heap BackTrace1B10F4
        ntdll.dll+0x7dd4d
      > app.exe+0x1000
        helper.dll+0x10
  
  -66 B  -66 bytes (0 - 66), -1 allocations (0 - 1)  app.exe (42) heap BackTrace1B1148 0x3d0000
        ntdll.dll+0x7dd4d
      > app.exe+0x2222
        0x5000
$ seep stacks a.txt b.txt --json
@json mode = "diff"
@json sources[0].format = "umdh"
@json totals.delta_bytes = 1174
@json totals.delta_overhead_bytes = 114
@json sites_total = 3
@json sites[0].tag = "BackTrace7E5CE0"
@json sites[0].delta_bytes = 1200
@json sites[0].delta_count = 5
@json sites[0].before_bytes = 256
@json sites[0].outstanding_bytes = 1456
@json sites[0].outstanding_count = 6
@json sites[2].delta_bytes = -66
@json sites[2].delta_count = -1
# The comparison that the tool made says the same, in hexadecimal and with -d.
$ seep stacks compared.txt --json
@json mode = "diff"
@json totals.delta_bytes = 1174
@json totals.delta_overhead_bytes = null
@json sites[0].tag = "BackTrace7E5CE0"
@json sites[0].delta_bytes = 1200
@json sites[0].delta_count = 5
@json sites[0].stack[1].function = "Leak::grow"
@json sites[1].stack[1].line = 88
@json sites[2].delta_bytes = -66
$ seep stacks decimal.txt --json
@json totals.delta_bytes = 1174
@json sites[0].before_bytes = 256
@json sites[2].before_count = 1
# Three logs: a block that was freed, and one that has another size at the same place, are none.
$ seep stacks a.txt b.txt c.txt --json
@json mode = "survivors"
@json totals.survivor_count = 4
@json totals.survivor_bytes = 4790
@json totals.outstanding_count = 10
@json sites[0].tag = "BackTrace0"
@json sites[0].stack = []
@json sites[1].tag = "BackTrace1B10F4"
@json sites[1].survivor_count = 2
@json sites[1].survivor_bytes = 556
# As PowerShell redirects it; and what is incomplete is said.
$ seep facts wide.txt --json
@schema facts
@json counts.site = 4
@json counts.module = 3
$ seep stacks cut.txt --json
! seep: cut.txt: the file ends inside a log (at 0x4b5): the rest was read; see the losses of this source
? 3
@json totals.outstanding_count = 5
@json sources[0].losses[0].what = "truncated"
$ seep stacks orphan.txt --json
! seep: orphan.txt: lines that cannot be read were skipped (at 0x34a): the rest was read; see the losses of this source
? 3
@json totals.outstanding_count = 5
@text other.txt no log of anything
$ seep stacks other.txt --as umdh
! seep: other.txt: holds no line of a UMDH log or comparison.* (re)
? 3
# Several logs judge growth; three moments are too few to accuse anybody.
$ seep analyze a.txt b.txt c.txt --json
@schema analyze
@json machine.host = "SRV01"
@json observed.duration_s ~ ^1800
@json verdict = "unknown"
# The real logs: every row and both totals of the real comparison, 0xbb0f00 and 0x92580.
@data umdh/Debug-FirstDump.txt first.txt
@data umdh/Debug-SecondDump.txt second.txt
@data umdh/Debug-Result.txt result.txt
$ seep stacks first.txt second.txt
  Total increase: .* \+12259072 bytes \(14098645 - 1839573\), \+3246 allocations \(4856 - 1610\), 4 sites changed (re)
  +12259072 bytes requested and +599424 of the heap's overhead are +12858496 bytes
  
  .*\+7307640 bytes \(8281992 - 974352\), \+1590 allocations \(1802 - 212\)  BatteryMeter.exe \(6424\) heap BackTrace7E5CE0 0x610000 (re)
  ...
  .*\+4941720 bytes \(5600616 - 658896\), \+1590 allocations \(1802 - 212\)  BatteryMeter.exe \(6424\) heap BackTrace7E5C8C 0x610000 (re)
  ...
  .*\+5456 bytes \(6776 - 1320\), \+62 allocations \(77 - 15\)  BatteryMeter.exe \(6424\) heap BackTrace7E63FC 0x610000 (re)
  ...
  .*\+4256 bytes \(4256 - 0\), \+4 allocations \(4 - 0\)  BatteryMeter.exe \(6424\) heap BackTrace7EB63C 0x610000 (re)
  ...
$ seep stacks first.txt second.txt --json
@json totals.delta_bytes = 12259072
@json totals.delta_overhead_bytes = 599424
@json sites_total = 4
@json sites[0].delta_bytes = 7307640
@json sites[0].before_bytes = 974352
@json sites[0].outstanding_bytes = 8281992
@json sites[0].outstanding_count = 1802
@json sites[0].delta_count = 1590
@json sites[3].tag = "BackTrace7EB63C"
$ seep stacks result.txt --json
@json totals.delta_bytes = 12259072
@json sites_total = 4
@json sites[0].delta_bytes = 7307640
@json sites[0].stack[8].function = "CPUInformation::CPUInformation"
@json sites[0].stack[8].line = 12
@json sites[2].delta_count = 62
$ seep facts second.txt --json
@json counts.site = 705
@json counts.module = 28
@json sources[0].read_bytes = 411644
