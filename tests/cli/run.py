#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs golden tests of the command line: run.py [--update] --seep "EXE" [--root TREE] TEST.t...

A test runs in a scratch folder of its own, without a terminal and colours. Its lines:

  # a comment
  @copy FROM TO          copies a file of the tree (paths below the tree's root)
  @data FROM TO          copies a real file; where there is none the test is skipped
  @made FROM TO          copies a file that the build made (below SEEP_BUILD_ROOT)
  @head N FILE           cuts a file to its first N bytes
  @flip OFFSET FILE      inverts a byte
  @text FILE TEXT        writes TEXT and a line end
  @sql FILE STATEMENT    changes a case
  @python SCRIPT ARGS... runs a script of the tree; what it prints must not matter, only its status
  $ seep ARGS...         runs seep; what follows is what it must say:
    TEXT                 a line of stdout (two blanks before it); ending in " (re)": a pattern
    ...                  any number of lines
  ! TEXT                 a line of stderr, in the same way
  ? N                    the exit status, if it is not 0
  @json PATH = VALUE     the document on stdout has this value (PATH like findings[0].subject.pid)
  @json PATH ~ REGEX     the value as text matches
  @schema NAME           the document is valid by docs/schema/NAME.schema.json
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile

SKIP = 77


class Failure(Exception):
    pass


class Skipped(Exception):
    pass


def line_matches(expected, line):
    if expected.endswith(" (re)"):
        return re.fullmatch(expected[:-5], line) is not None
    return expected == line


def lines_match(expected, lines):
    """Whether lines are as expected; `...` stands for any number of them."""
    reach = {0}  # how many of `lines` can have been used up
    for want in expected:
        if want == "...":
            reach = set(range(min(reach), len(lines) + 1)) if reach else set()
        else:
            reach = {n + 1 for n in reach if n < len(lines) and line_matches(want, lines[n])}
    return len(lines) in reach


def look_up(document, path):
    for name, index in re.findall(r"([^.\[\]]+)|\[(-?\d+)\]", path):
        document = document[name] if name else document[int(index)]
    return document


class Run:
    def __init__(self, options, test):
        self.options, self.test = options, test
        self.step = None  # [command, stdout, stderr, status, wanted stdout, wanted stderr, wanted]
        self.skipped = False

    def finish_step(self):
        if not self.step:
            return
        command, out, err, status, want_out, want_err, want_status = self.step
        self.step = None
        for name, want, got in (("stdout", want_out, out), ("stderr", want_err, err)):
            if want is not None and not lines_match(want, got):
                raise Failure(f"$ {command}\n{name} is\n" + "\n".join(f"  {x}" for x in got)
                              + "\nnot\n" + "\n".join(f"  {x}" for x in want))
        if status != want_status:
            raise Failure(f"$ {command}\nstatus is {status}, not {want_status}\n" + "\n".join(err))

    def command(self, text):
        words = shlex.split(text)
        if words[0] != "seep":
            raise Failure(f"only seep can be run: {text}")
        environment = {**os.environ, "LC_ALL": "C", "NO_COLOR": "1"}
        done = subprocess.run([*self.options.seep, *words[1:]], stdin=subprocess.DEVNULL,
                              timeout=120, capture_output=True, env=environment)
        self.document = done.stdout.decode("utf-8")
        err = done.stderr.decode("utf-8").splitlines()
        self.step = [text, self.document.splitlines(), err, done.returncode, None, [], 0]

    def directive(self, word, rest):
        if word == "copy":
            source, target = rest.split(" ", 1)
            shutil.copyfile(self.options.root / source, target)
        elif word == "data":
            source, target = rest.rsplit(" ", 1)
            root = pathlib.Path(os.environ.get("SEEP_TEST_DATA",
                                               self.options.root / "../shared/data"))
            if not (root / source).exists():
                raise Skipped(f"no {source} (set SEEP_TEST_DATA)")
            shutil.copyfile(root / source, target)
        elif word == "made":
            source, target = rest.split(" ", 1)
            shutil.copyfile(pathlib.Path(os.environ["SEEP_BUILD_ROOT"]) / source, target)
        elif word == "head":
            size, name = rest.split(" ", 1)
            os.truncate(name, int(size))
        elif word == "flip":
            offset, name = rest.split(" ", 1)
            with open(name, "r+b") as f:
                f.seek(int(offset))
                byte = f.read(1)
                f.seek(int(offset))
                f.write(bytes([byte[0] ^ 0xFF]))
        elif word == "text":
            name, text = (rest + " ").split(" ", 1)
            pathlib.Path(name).write_text(text.rstrip() + "\n" if text.strip() else "")
        elif word == "sql":
            name, statement = rest.split(" ", 1)
            db = sqlite3.connect(name)
            db.executescript(statement)
            db.close()
        elif word == "python":
            script, *words = shlex.split(rest)
            done = subprocess.run([sys.executable, "-B", self.options.root / script, *words],
                                  capture_output=True, text=True, timeout=120)
            if done.returncode:
                raise Failure(f"{rest}\n{done.stdout}{done.stderr}")
        elif word == "json":
            path, how, value = re.fullmatch(r"(\S+) ([=~]) (.*)", rest).groups()
            got = look_up(json.loads(self.document), path)
            good = got == json.loads(value) if how == "=" else re.search(value, json.dumps(got))
            if not good:
                raise Failure(f"{path} is {json.dumps(got)}, not {value}")
        elif word == "schema":
            pathlib.Path("document.json").write_text(self.document)
            checker = self.options.root / "tests/schema_check.py"
            schema = self.options.root / f"docs/schema/{rest}.schema.json"
            # jsonschema is Debian's, and another python3 may stand before Debian's in PATH.
            python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
            done = subprocess.run([python, checker, schema, "document.json"], capture_output=True,
                                  text=True)
            if done.returncode == SKIP:
                self.skipped = True
            elif done.returncode:
                raise Failure(f"not valid by {schema.name}:\n{done.stdout}{done.stderr}")
        else:
            raise Failure(f"unknown directive @{word}")

    def line(self, line):
        if line.startswith("$ "):
            self.finish_step()
            self.command(line[2:])
        elif line.startswith("@"):
            word, _, rest = line[1:].partition(" ")
            if word not in ("json", "schema"):
                self.finish_step()
            self.directive(word, rest)
        elif line.startswith("! "):
            self.step[5] = [*(self.step[5] or []), line[2:]]
        elif line.startswith("? "):
            self.step[6] = int(line[2:])
        elif line.startswith("  "):
            self.step[4] = [*(self.step[4] or []), line[2:]]
        elif line and not line.startswith("#"):
            raise Failure(f"unknown line: {line}")

    def run(self):
        for line in self.test.read_text(encoding="utf-8").splitlines():
            self.line(line)
        self.finish_step()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seep", required=True, type=shlex.split)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("tests", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    options.root = options.root.resolve()
    failed = skipped = 0
    home = os.getcwd()
    for test in (t.resolve() for t in options.tests):
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            try:
                Run(options, test).run()
                print(f"ok      {test.stem}")
            except Skipped as reason:
                skipped += 1
                print(f"skipped {test.stem}: {reason}")
            except Failure as failure:
                failed += 1
                print(f"FAILED  {test.stem}: {failure}")
            finally:
                os.chdir(home)
    return 1 if failed else SKIP if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
