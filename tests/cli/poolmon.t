# poolmon: what seep takes from screens and snapshots; the documented leak, and a machine without.
@copy src/source/poolmon/seeds/modern.log pool-20260301-1200.log
@copy src/source/poolmon/seeds/utf16le.log wide.log
@copy src/source/poolmon/seeds/iso-zone.log three.log
@copy src/source/poolmon/seeds/cut.log cut.log
@copy src/source/poolmon/seeds/bad-row.log bad.log
@python tests/synth/pool_series.py wcifs .
$ seep facts pool-20260301-1200.log --kind pool-tag
  {"kind":"pool-tag","host":null,"time":"2026-03-01T12:00:00.000000000Z","tag":"Thre","pool":"nonpaged","allocs":180351,"frees":176602,"diff":3749,"bytes":13179648,"session":null,"mapped_driver":null}
  ...
$ seep facts three.log wide.log --json
@schema facts
@json sources[0].format = "poolmon"
@json sources[0].facts.pool-tag = 18
@json sources[0].facts.vm = 3
@json sources[0].losses = []
@json sources[1].facts.pool-tag = 12
@json sources[1].losses[0].what = "time-from-file"
@json sources[1].losses[0].harmless = true
# What is incomplete is said, and what was read stays.
$ seep facts cut.log --json
! seep: cut.log: the file ends inside a row (at 0x157): the rest was read; see the losses of this source
? 3
@json counts.pool-tag = 1
$ seep facts bad.log --json
! seep: bad.log: rows that cannot be read were skipped (at 0xf2): the rest was read; see the losses of this source
? 3
@json counts.pool-tag = 5
@text other.txt no snapshot of anything
$ seep facts other.txt --as poolmon
! seep: other.txt: holds no row of poolmon.* (re)
? 3
# The documented case: the tag that is never freed is the source, the larger ones are its members.
$ seep analyze wcifs.log --json
? 1
@schema analyze
@json verdict = "leaking"
@json findings[0].class = "driver"
@json findings[0].subject.tag = "WCsc"
