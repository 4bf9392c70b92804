# Wrong usage is one line on stderr and status 2; help is on stdout.
$ seep
! ...
? 2
$ seep nonsense
! seep: there is no command 'nonsense': seep --help lists the commands
? 2
$ seep analyze
! seep: nothing to analyze: name at least one FILE, or a case with --case
? 2
$ seep analyze --jsno x
! seep: there is no option --jsno here: did you mean --json?
? 2
$ seep analyze --top
! seep: --top wants N: show the first N of each list (text: 20; 0 = all)
? 2
$ seep analyze --top=-1 x
! seep: '-1' is no value for --top: show the first N of each list (text: 20; 0 = all)
? 2
$ seep analyze --as word x
! seep: 'word' is no value for --as: blg pdh-csv pdh-tsv .*seep.* (re)
? 2
$ seep analyze --symbols foo*bar x
! seep: the symbol path has an element without sense: 'foo*bar': give folders, srv*STORE*URL, cache*STORE, parted by ';'
? 2
$ seep analyze --symbols '' x
! seep: '' is no value for --symbols: find symbols along PATH (as _NT_SYMBOL_PATH: folders, srv*STORE*URL; may be given several times)
? 2
$ seep record -i 0 -d 1s
! seep: '0' is no value for --interval: time between samples: 500ms, 10s, 1m (default 10s)
? 2
$ seep facts --kind nothing x
! seep: 'nothing' is no value for --kind: machine process sample module stack site region pool-tag handle heap blocks vm zombie event loss
? 2
$ seep report
! seep: usage: seep report CASE; more: seep report --help
? 2
$ seep analyze --since yesterday x
! seep: 'yesterday' is no value for --since: judge only what came at TIME or later (UTC, 2026-03-01T12:00:00)
? 2
$ seep --version
  seep \d+\.\d+\.\d+ (re)
# Every command is in the overview.
$ seep --help
  ...
    seep analyze FILE... .* (re)
  ...
    seep report CASE .* (re)
  ...
    seep record .* (re)
  ...
  look: .* (re)
  ...
    seep map .* (re)
  ...
    seep stacks .* (re)
  ...
    seep heap .* (re)
  ...
    seep facts .* (re)
  ...
    seep sources .* (re)
  ...
$ seep analyze --help
  seep analyze: is there a leak: any mix of artifacts -> findings
  ...
  Examples:
  ...
$ seep help record
  seep record: watch this machine live, then say what was seen
  ...
$ seep --generate man
  .TH SEEP 1 .* (re)
  ...
$ seep --generate elisp
! seep: nothing can be made for 'elisp': man bash zsh fish
? 2
$ seep analyze x.blg --since 2026-03-02 --until 2026-03-01
! seep: --since is later than --until: give the earlier time to --since
? 2
