# SPDX-License-Identifier: MIT
"""Writes user minidumps of known content, for tests.

synth --list                       the cases' names
synth --case NAME OUT.dmp          one case; what is true of it in OUT.json
synth --all FOLDER [--stamp FILE]  all of them
synth --seeds FOLDER [--stamp F]   small ones, good and broken, for the fuzz corpus
synth --big-regions N OUT.dmp      a sparse dump with N private allocations of 1 MB
synth --big-heap SEGMENTS OUT.dmp  a dump of one heap with so many segments of 16 MB
                                   (both print the truth)
"""

import json
import os
import sys

sys.dont_write_bytecode = True

import cases  # noqa: E402
from process import write_truth  # noqa: E402


def write_case(name, path):
    dump, truth = cases.CASES[name]()
    with open(path, 'wb') as f:
        dump.write(f)
    if truth is not None:
        write_truth(os.path.splitext(path)[0] + '.json', truth)


def stamp(args):
    if args[2:3] == ['--stamp']:
        open(args[3], 'w').close()


def main(args):
    if args == ['--list']:
        print('\n'.join(sorted(cases.CASES)))
    elif len(args) == 3 and args[0] == '--case' and args[1] in cases.CASES:
        write_case(args[1], args[2])
    elif len(args) in (2, 4) and args[0] == '--all':
        os.makedirs(args[1], exist_ok=True)
        for name in sorted(cases.CASES):
            write_case(name, os.path.join(args[1], name + '.dmp'))
        stamp(args)
    elif len(args) in (2, 4) and args[0] == '--seeds':
        import seeds
        seeds.write_all(args[1])
        stamp(args)
    elif len(args) == 3 and args[0] in ('--big-regions', '--big-heap') and args[1].isdecimal():
        import big
        dump, truth = (big.regions if args[0] == '--big-regions' else big.heap)(int(args[1]))
        with open(args[2], 'wb') as f:
            dump.write(f)
        print(json.dumps({**truth, 'memory_at': dump.base_rva.get()}))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
