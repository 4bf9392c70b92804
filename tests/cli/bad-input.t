# Bad input: one line on stderr, status 3, and what could be read is still reported.
$ seep facts missing.csv
! seep: missing.csv: cannot be opened (.*): check the name and your permissions (re)
? 3
@text empty.csv
@head 0 empty.csv
$ seep facts empty.csv
! seep: empty.csv: the file is empty: record it again, or leave it out
? 3
$ seep facts .
! seep: .: .*name.* (re)
? 3
@text prose.txt It was a dark and stormy night; the rain fell in torrents.
$ seep facts prose.txt
! seep: prose.txt: not a format that seep reads: see `seep sources` for what seep reads, or name it with --as
? 3
$ seep analyze prose.txt --as seep
! seep: prose.txt: .* (re)
? 3
$ seep sources prose.txt
  prose.txt: no source reads it
  ...
! seep: prose.txt: not a format that seep reads: see `seep sources` for what seep reads, or name it with --as
? 3
@copy src/source/seep/seeds/small.seep good.seep
$ seep facts prose.txt good.seep --json
! seep: prose.txt: not a format .* (re)
? 3
@json sources[0].path = "good.seep"
@json sources[0].facts.sample = 60
@json counts.event = 1
@schema facts
@copy src/source/seep/seeds/small.seep cut.seep
@head 3000 cut.seep
$ seep facts cut.seep
! seep: cut.seep: .* (re)
? 3
@copy src/source/seep/seeds/trigger.seep trigger.seep
$ seep report trigger.seep
! seep: trigger.seep: is a case whose 't' was changed: ask for the case as seep wrote it
? 3
@copy src/source/seep/seeds/bad-points.seep bad.seep
$ seep facts bad.seep --kind sample
  ...
! seep: bad.seep: rows of points that are damaged: the rest was read; see the losses of this source
? 3
