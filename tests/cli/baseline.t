# A start-up that slows down, on two machines; and the same one with a leak under it.
@copy src/source/seep/seeds/small.seep good.seep
@sql good.seep WITH RECURSIVE w(i,v) AS (SELECT 0,1e6 UNION ALL SELECT i+1,v+(61e6-v)/12 FROM w WHERE i<19) UPDATE chunk SET points=(SELECT json_group_object(i,CAST(v AS INTEGER)) FROM w) WHERE series_id=1
@sql good.seep WITH RECURSIVE w(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM w WHERE i<19) UPDATE chunk SET points=(SELECT json_group_object(i,5000000) FROM w) WHERE series_id>1
@sql good.seep UPDATE machine SET host='REFERENCE'; UPDATE process SET pid=5, image='APP.EXE'
@copy src/source/seep/seeds/small.seep new.seep
@sql new.seep WITH RECURSIVE w(i,v) AS (SELECT 0,2e6 UNION ALL SELECT i+1,v+(62e6-v)/12 FROM w WHERE i<19) UPDATE chunk SET points=(SELECT json_group_object(i,CAST(v AS INTEGER)) FROM w) WHERE series_id=1
@sql new.seep WITH RECURSIVE w(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM w WHERE i<19) UPDATE chunk SET points=(SELECT json_group_object(i,7000000) FROM w) WHERE series_id>1
@sql new.seep DELETE FROM event; DELETE FROM field
@copy src/source/seep/seeds/small.seep leak.seep
@sql leak.seep WITH RECURSIVE w(i,v) AS (SELECT 0,2e6 UNION ALL SELECT i+1,v+(62e6-v)/12 FROM w WHERE i<19) UPDATE chunk SET points=(SELECT json_group_object(i,CAST(v+i*3e5 AS INTEGER)) FROM w) WHERE series_id=1
@sql leak.seep WITH RECURSIVE w(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM w WHERE i<19) UPDATE chunk SET points=(SELECT json_group_object(i,7000000) FROM w) WHERE series_id>1
@sql leak.seep DELETE FROM event; DELETE FROM field
$ seep analyze new.seep --json
@schema analyze
@json verdict = "suspect"
@json findings[0].baseline = null
$ seep analyze new.seep --json --all --baseline good.seep
@schema analyze
@json verdict = "steady"
@json findings_expected = 1
@json baseline[0].path = "good.seep"
@json baseline[0].format = "seep"
@json findings[2].subject.name = "app.exe"
@json findings[2].baseline.aligned_by = "age"
@json findings[2].baseline.explained = 1
@json findings[2].baseline.leaks = false
@json findings[2].baseline.host = "REFERENCE"
@json findings[2].baseline.pid = 5
@json findings[2].evidence[0].text ~ private bytes: the baseline grew by .* at the same age, this grew by .*: as expected
$ seep analyze new.seep --baseline good.seep
  ...
  baseline  good.seep \(seep, .* (re)
  ...
            1 finding of growth that it shows, too: steady (--all)
# The report of a case takes one, too.
$ seep report new.seep --baseline good.seep --json
@json verdict = "steady"
# The leak alone is one more warm-up.
$ seep analyze leak.seep --json
@json verdict = "suspect"
$ seep analyze leak.seep --json --baseline good.seep
? 1
@schema analyze
@json verdict = "leaking"
@json findings[0].baseline.excess.unit = "bytes/s"
@json findings[0].baseline.excess.value ~ ^(49|50)[0-9][0-9]
@json findings[0].evidence ~ the difference grows by
# Several: what any of them shows is expected.
$ seep analyze leak.seep --baseline good.seep --baseline leak.seep --json
@json verdict = "steady"
@json baseline[1].path = "leak.seep"
# A baseline that leaks is said to, and explains nothing.
@copy examples/srv01.blg srv01.blg
@copy examples/srv01.csv srv01.csv
$ seep analyze srv01.blg --baseline srv01.blg --json
? 1
@schema analyze
@json findings[0].baseline.leaks = true
@json findings[0].caveats ~ the baseline leaks too: 60.0 MB/h there, 60.0 MB/h here
# Another format, without the process that leaks.
$ seep analyze srv01.blg --baseline srv01.csv --as blg
? 1
  LEAKING  LeakyService.exe .* (re)
  ...
  .*the baseline does not show it: nothing was compared.* (re)
  ...
# A baseline that cannot be read: one line, exit 3, and the verdict of the run alone.
@text junk.bin nothing that seep reads
$ seep analyze srv01.blg --baseline junk.bin --json
? 3
! seep: junk.bin: .* (re)
@schema analyze
@json verdict = "leaking"
@json baseline[0].path = "junk.bin"
@json baseline[0].format = null
@json baseline[0].losses[0].what = "unreadable"
@json findings[0].baseline = null
@json findings[0].caveats ~ the baseline holds no samples or could not be read
$ seep analyze new.seep --baseline missing.seep --baseline good.seep --json
? 3
! seep: missing.seep: .* (re)
@json verdict = "steady"
@json baseline[1].path = "good.seep"
$ seep analyze srv01.blg --baseline
? 2
! seep: .*--baseline wants FILE.* (re)
$ seep sources --baseline good.seep
? 2
! seep: .*no option --baseline.* (re)
# Of a recording it is read before it begins.
$ seep record -d 1h --baseline missing.seep
? 3
! seep: missing.seep: .* (re)
$ seep record -d 1h --baseline junk.bin
? 3
! seep: junk.bin: .* (re)
$ seep help record
  seep record: watch this machine live, then say what was seen
  ...
        --baseline FILE        compare with this known-good run; may be given several times
  ...
