#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Validates documents of seep against a published JSON Schema.

    schema_check.py [--ndjson] [--refuses] SCHEMA FILE...           files; "-" is standard input
    schema_check.py [--ndjson] [--refuses] SCHEMA --run PROG ARG... what a program prints

Exit: 0 all valid (with --refuses: none is), 1 otherwise, 2 wrong usage, 77 (skip) without the
Python module jsonschema.
Stricter than a parser has to be: exactly one document, strict UTF-8, no key twice, no NaN.
"""
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

try:
    import jsonschema
except ImportError:
    SYSTEM = "/usr/bin/python3"
    if os.path.exists(SYSTEM) and os.environ.get("SEEP_SCHEMA_PYTHON") != SYSTEM:
        os.environ["SEEP_SCHEMA_PYTHON"] = SYSTEM
        os.execv(SYSTEM, [SYSTEM, *sys.argv])
    print("skipped: no Python module jsonschema (Debian: python3-jsonschema)")
    sys.exit(77)

warnings.simplefilter("ignore", DeprecationWarning)  # RefResolver, from jsonschema 4.18 on


def no_key_twice(pairs):
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError(f"a key stands twice in an object: {[key for key, _ in pairs]!r:.300}")
    return names


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def parse(text):
    return json.loads(text, object_pairs_hook=no_key_twice, parse_constant=no_constant)


def validator_of(path):
    folder = path.resolve().parent
    store = {}
    for file in folder.glob("*.schema.json"):
        store[(folder / file.name).as_uri()] = json.loads(file.read_text(encoding="utf-8"))
    base = path.resolve().as_uri()
    schema = store[base]
    kind = jsonschema.validators.validator_for(schema)
    for each in store.values():
        kind.check_schema(each)
    return kind(schema, resolver=jsonschema.RefResolver(base, schema, store=store))


def problems(validator, data, ndjson):
    """Yields what is wrong with the bytes of a document, one line each."""
    try:
        text = data.decode("utf-8")
        if not text.endswith("\n"):
            raise ValueError("no document" if not text else "the last line has no end")
        documents = text.split("\n")[:-1] if ndjson else [text]
        for number, one in enumerate(documents, 1):
            place = f"line {number}: " if ndjson else ""
            for error in validator.iter_errors(parse(one)):
                where = "/".join(str(part) for part in error.absolute_path)
                yield f"{place}/{where}: {error.message[:300]}"
    except ValueError as error:
        yield str(error)


def inputs(arguments):
    """Yields (name, bytes) of every document that the arguments name."""
    if arguments[0] == "--run":
        # Exit 1 and 3 are answers of seep as well.
        run = subprocess.run(arguments[1:], stdout=subprocess.PIPE, check=False)
        if run.returncode not in (0, 1, 3):
            sys.exit(f"{arguments[1]} ended with {run.returncode}")
        yield " ".join(arguments[1:]), run.stdout
        return
    for name in arguments:
        yield name, sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def main(arguments):
    options = set()
    while arguments and arguments[0] in ("--ndjson", "--refuses"):
        options.add(arguments.pop(0))
    if len(arguments) < 2 or arguments[1:] == ["--run"]:
        print(__doc__, file=sys.stderr)
        return 2
    validator = validator_of(Path(arguments[0]))
    surprises = 0
    for name, data in inputs(arguments[1:]):
        found = list(problems(validator, data, "--ndjson" in options))
        for problem in found[:20]:
            print(f"{name}: {problem}")
        surprises += bool(found) != ("--refuses" in options)
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
