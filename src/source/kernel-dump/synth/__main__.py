# SPDX-License-Identifier: MIT
"""Writes kernel dumps of known content, for tests.

synth --list                                    the worlds' names
synth WORLD [--kind KIND] [--size 8G] [--set NAME=VALUE ...] -o OUT.dmp
                                                one dump; what is true of it in OUT.json, the
                                                symbols of an unknown kernel in OUT.isf.json
synth --all FOLDER [--stamp FILE]               all of them, each of its own kind
synth --seeds FOLDER [--stamp FILE]             small ones, good and broken, for the fuzz corpus
KIND is full, bitmap, live, kernel, kernel-user, complete, kernel-old or triage.
"""

import json
import os
import sys

sys.dont_write_bytecode = True

import cases  # noqa: E402


def size_of(text):
    unit = {'K': 10, 'M': 20, 'G': 30}.get(text[-1].upper())
    return int(text[:-1]) << unit if unit else int(text, 0)


def value_of(text):
    try:
        return int(text, 0)
    except ValueError:
        return {'true': True, 'false': False, 'none': None}.get(text, text)


def write(name, path, kind=None, **parameters):
    truth, symbols = cases.write(name, path, kind, parameters)
    stem = os.path.splitext(path)[0]
    for end, document in (('.json', truth), ('.isf.json', symbols)):
        if document is not None:
            with open(stem + end, 'w', encoding='utf-8') as f:
                json.dump(document, f, indent=1)
                f.write('\n')


def main(args):
    if args == ['--list']:
        print('\n'.join(sorted({**cases.CASES, **cases.LARGE})))
        return 0
    if args[:1] == ['--all'] and len(args) in (2, 4):
        os.makedirs(args[1], exist_ok=True)
        for name in sorted(cases.CASES):
            write(name, os.path.join(args[1], name + '.dmp'))
        if args[2:3] == ['--stamp']:
            open(args[3], 'w').close()
        return 0
    if args[:1] == ['--seeds'] and len(args) in (2, 4):
        import hostile
        hostile.write_all(args[1])
        if args[2:3] == ['--stamp']:
            open(args[3], 'w').close()
        return 0
    if args and args[0] in {**cases.CASES, **cases.LARGE}:
        name, out, kind, parameters = args[0], None, None, {}
        rest = iter(args[1:])
        for word in rest:
            value = next(rest, None)
            if value is None:
                break
            if word == '-o':
                out = value
            elif word == '--kind':
                kind = value
            elif word == '--size':
                parameters['size'] = size_of(value)
            elif word == '--set' and '=' in value:
                key, _, text = value.partition('=')
                parameters[key] = value_of(text)
            else:
                break
        else:
            if out:
                write(name, out, kind, **parameters)
                return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
