# SPDX-License-Identifier: MIT
"""Records programs that leak in one known way and holds the verdicts against specimens.def.

  judge.py --seep EXE --folder FOLDER [--runner WRAPPER] [--each | --one-of N] [--seconds S]

--each runs every specimen at once; --one-of N runs one that leaks 1 MB/s among N - 1 that do not.
Natively only the processes started here are recorded (others on the machine may really grow);
under Wine there are no others.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOLD = re.compile(r"^seep: LEAKING (.+?)(?:\.exe)? \(\d+\): .* after \d", re.MULTILINE)
ROW = re.compile(r"SPECIMEN\((\w+),\s*([\w-]+),\s*(\w+),\s*(\w+)\)")


def rows():
    return {m[1]: (m[2], m[3], m[4]) for m in ROW.finditer((HERE / "specimens.def").read_text())}


class Started:
    """Specimens that run until the end of the block."""

    def __init__(self, options, names):
        self.options, self.names, self.processes = options, names, []
        # Not this script's own: a child of a specimen that is ended under Wine while it starts
        # one never runs, and never ends, and whoever reads what it could write waits.
        self.said = tempfile.TemporaryFile("w+")

    def __enter__(self):
        ending = ".exe" if self.options.runner else ""
        for name in self.names:
            command = [*self.options.runner, os.path.join(self.options.folder, name + ending),
                       "--seconds", str(self.options.seconds + 60)]
            self.processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                                   stderr=self.said, stdin=subprocess.DEVNULL))
        for name, process in zip(self.names, self.processes):
            if process.stdout.readline().strip() != "ready":
                self.said.seek(0)
                sys.exit(f"{name} did not start: {self.said.read()}")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


def record(options, started):
    command = [*options.seep, "record", "-i", "1s", "-d", f"{options.seconds}s", "--json", "--all"]
    if not options.runner:
        command += ["--pid", ",".join(str(p.pid) for p in started.processes)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=options.seconds + 120)
    if done.returncode not in (0, 1):
        sys.exit(f"seep ended with {done.returncode}: {done.stderr}")
    document = json.loads(done.stdout)
    leaking = any(f["verdict"] == "leaking" for f in document["findings"])
    if done.returncode != int(leaking):
        sys.exit(f"status {done.returncode} with leaking={leaking}")
    return document["findings"], set(TOLD.findall(done.stderr))


def plain_name(finding):
    return re.sub(r"\.exe$", "", finding["subject"]["name"] or "")


def describe(finding):
    rate = finding["rate"] or {}
    return (f"{finding['verdict']} {finding['id']} {rate.get('value')} {rate.get('unit')}"
            f" q={finding['q']}")


def complaints_each(findings, told, table):
    """`told` are the names that were said to leak while it was recorded."""
    for name, (class_, metric, verdict) in table.items():
        if (name in told) != (verdict == "leaking"):
            yield f"{name}: while recording, an alarm was {'given' if name in told else 'missing'}"
        own = [f for f in findings if plain_name(f) == name]
        if verdict == "leaking":
            if not any(f["class"] == class_ and f["metric"] == metric and f["verdict"] == verdict
                       for f in own):
                yield f"{name}: no {class_} leak was found: {[describe(f) for f in own]}"
        else:
            yield from (f"{name} does not leak: {describe(f)}" for f in own
                        if f["verdict"] in ("leaking", "suspect"))
    for finding in findings:
        # The kernel's own memory for threads and zombies really grows, too.
        if (finding["verdict"] == "leaking" and finding["subject"]["kind"] == "process"
                and plain_name(finding) not in table):
            yield f"accused, but not one of ours: {describe(finding)}"


def complaints_one(findings, told, culprit_pids):
    if told != {"leak_private"}:
        yield f"while recording, alarms were about {sorted(told)}"
    leaking = [f for f in findings if f["verdict"] == "leaking"]
    named = [f for f in leaking if plain_name(f) == "leak_private"]
    if not named:
        yield "the leak was not named"
    for finding in leaking:
        if plain_name(finding) != "leak_private":
            yield f"accused without cause: {describe(finding)}"
    for finding in named:
        if culprit_pids and finding["subject"]["pid"] not in culprit_pids:
            yield f"the wrong process: {describe(finding)}"
        rate = finding["rate"]
        if finding["metric"] == "private_bytes" and not 0.7e6 < rate["value"] < 1.4e6:
            yield f"the rate is not 1 MB/s: {describe(finding)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seep", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--runner", default="", type=shlex.split)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--one-of", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=28)
    options = parser.parse_args()
    options.seep = [*options.runner, options.seep]
    table = rows()
    if options.each:
        names = list(table)
    else:
        quiet = [n for n, row in table.items() if row[2] == "steady"]
        names = ["leak_private", *(quiet[i % len(quiet)] for i in range(options.one_of - 1))]
    with Started(options, names) as started:
        findings, told = record(options, started)
        culprits = [] if options.runner else [started.processes[0].pid]
    complaints = list(complaints_each(findings, told, table) if options.each
                      else complaints_one(findings, told, culprits))
    print("\n".join(complaints) or f"{len(names)} programs were judged as they are")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
