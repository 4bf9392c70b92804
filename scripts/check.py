# SPDX-License-Identifier: MIT
"""Runs the stages of scripts/check and adds up their tests.

Prints a line for each stage, the end of the log of what failed, and last `N passed, N failed,
N skipped`: the tests of all Meson test runs (a build's tests count once for each build), and one
failure more for each stage that failed without a failed test, such as a build that broke.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
WORK = ROOT / "build-check"
JOBS = os.cpu_count() or 1
FUZZ_SECONDS = int(os.environ.get("SEEP_FUZZ_SECONDS", "4"))

# Every Windows takes these from System32 alone, and they start without a desktop heap. Any other
# import would be a second file to ship, or one that is looked for in the program's own folder.
SYSTEM_DLLS = {"kernel32", "msvcrt", "ntdll"}


class StageFailed(Exception):
    """What is wrong, in a line or more."""


class Log:
    """Runs the commands of one stage, their output going to one file."""

    def __init__(self, name):
        WORK.mkdir(exist_ok=True)
        self.path = WORK / f"{name}.log"
        self.path.write_bytes(b"")

    def run(self, command, check=True, **environment):
        env = {k: v for k, v in os.environ.items() if k not in ("CC", "CFLAGS", "LDFLAGS")}
        env.update(environment)
        with self.path.open("ab") as output:
            output.write(f"$ {shlex.join(map(str, command))}\n".encode())
            output.flush()
            status = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=subprocess.STDOUT).returncode
        if check and status:
            raise StageFailed(f"{command[0]} failed; the end of {self.path.relative_to(ROOT)}:\n"
                              + tail(self.path.read_text(errors="replace"), 30))
        return status


def tail(text, n_lines):
    return "\n".join(line[:400] for line in text.rstrip().split("\n")[-n_lines:])


def telling(output):
    """The part of a failed test's output to show: a sanitizer's first words, or the end."""
    match = re.search(r"^.*(?:ERROR: \w+Sanitizer|runtime error:)", output, re.MULTILINE)
    if not match:
        return tail(output, 40)
    return "\n".join(line[:400] for line in output[match.start():].split("\n")[:30])


class Counts:
    """Passed, failed and skipped tests."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def build(log, name, options, **environment):
    """Brings build-check/NAME up to date, anew when its options are not what they were."""
    folder = WORK / name
    stamp = folder / "options.txt"
    # Meson takes what a cross file says about options only when a build folder is new.
    machine = [path.read_text() for path in sorted((ROOT / "cross").iterdir())]
    wanted = json.dumps([options, environment, machine])
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        log.run(["meson", "setup", folder, *options], **environment)
        stamp.write_text(wanted)
    log.run(["ninja", "-C", folder, f"-j{JOBS}"])
    return folder


def meson_test(log, counts, folder, arguments, **environment):
    """Runs tests, adds to `counts`, and raises StageFailed with the output of those that failed."""
    results = folder / "meson-logs" / "testlog.json"
    results.unlink(missing_ok=True)
    # One more than there are processors: those that record mostly wait.
    status = log.run(["meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs",
                      f"--num-processes={JOBS + 1}", *arguments], check=False, **environment)
    here = Counts()
    complaints = []
    lines = results.read_text(errors="replace").splitlines() if results.is_file() else []
    for line in lines:
        test = json.loads(line)
        if test["result"] in ("OK", "EXPECTEDFAIL"):
            here.passed += 1
        elif test["result"] == "SKIP":
            here.skipped += 1
        else:
            here.failed += 1
            output = (test.get("stdout") or "") + (test.get("stderr") or "")
            complaints.append(f"--- {test['name']}: {test['result']}\n{telling(output)}")
    counts.add(here)
    if complaints:
        raise StageFailed("\n".join(complaints))
    if status:
        raise StageFailed(f"meson test failed; the end of {log.path.relative_to(ROOT)}:\n"
                          + tail(log.path.read_text(errors="replace"), 40))
    if here.passed == 0:
        raise StageFailed("no test ran")


def stage_format(log, _counts):
    files = [str(path.relative_to(ROOT)) for folder in ("src", "agent", "fuzz", "bench", "tests")
             for path in sorted((ROOT / folder).rglob("*.[ch]"))]
    tool = shutil.which("clang-format-14") or "clang-format"
    if files:
        log.run([tool, "--dry-run", "-Werror", *files])


def stage_gcc(log, counts):
    meson_test(log, counts, build(log, "gcc", [], CC="gcc"), [])


SANITIZERS = {
    # addr2line comes with the compiler; llvm-symbolizer would be one more package.
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:"
                    "allow_addr2line=1:abort_on_error=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


def build_sanitized(log):
    return build(log, "sanitize", ["-Db_sanitize=address,undefined", "-Db_lundef=false"],
                 CC="clang")


def stage_sanitize(log, counts):
    # Recordings of a minute mostly wait, and show no more errors than the short ones of `unit`.
    meson_test(log, counts, build_sanitized(log),
               ["--no-suite", "lint", "--no-suite", "live", "-t", "4"], **SANITIZERS)


def stage_fuzz(log, _counts):
    """A short run of each fuzz target, with a fixed seed: that they build, start and find nothing
    near. Inputs found on the way, and what crashed, stay in build-check/corpus."""
    folder = build(log, "fuzz", ["-Dfuzzers=true", "-Db_sanitize=address,undefined",
                                 "-Db_lundef=false", "-Dc_args=-fsanitize=fuzzer-no-link"],
                   CC="clang")
    targets = sorted(p for p in folder.glob("fuzz/fuzz_*") if os.access(p, os.X_OK) and p.is_file())
    if not targets:
        raise StageFailed("no fuzz target was built")
    seeds_of = fuzz_seeds(folder)
    complaints = []
    for target in targets:
        found = WORK / "corpus" / target.name
        found.mkdir(parents=True, exist_ok=True)
        seeds = WORK / "corpus" / f"{target.name}.seeds"
        seeds.write_text(",".join(seeds_of.get(target.name, [])))
        if not seeds.stat().st_size:
            complaints.append(f"--- {target.name}: it has no seeds")
        start = log.path.stat().st_size
        if log.run([target, f"-max_total_time={FUZZ_SECONDS}", "-seed=1", "-timeout=10",
                    "-rss_limit_mb=2048", "-verbosity=0", f"-artifact_prefix={found}/",
                    f"-seed_inputs=@{seeds}", found], check=False, **SANITIZERS):
            said = log.path.read_bytes()[start:].decode(errors="replace")
            complaints.append(f"--- {target.name}, input kept in {found.relative_to(ROOT)}\n"
                              + telling(said))
    if complaints:
        raise StageFailed("\n".join(complaints))


def fuzz_seeds(folder):
    """The files that each fuzz target starts from."""
    seeds_of = {}
    for line in (folder / "fuzz/seeds.txt").read_text().splitlines():
        name, _, path = line.partition(" ")
        path = pathlib.Path(path)
        files = sorted(path.iterdir()) if path.is_dir() else [path] * path.is_file()
        seeds_of.setdefault(name, []).extend(map(str, files))
    return seeds_of


def stage_alloc(log, counts):
    folder = build(log, "alloc", ["-Dalloc_failure=true", "-Db_sanitize=address,undefined"],
                   CC="gcc")
    meson_test(log, counts, folder, ["--suite", "alloc", "-t", "4"], **SANITIZERS)


def stage_tidy(log, _counts):
    commands = json.loads((build_sanitized(log) / "compile_commands.json").read_text())
    ours = re.compile(r"(.*/)?(src|agent)/(.*/)?(?!test_)[^/]*\.c")
    units = [c for c in commands if ours.fullmatch(c["file"])]
    unique = {os.path.realpath(os.path.join(c["directory"], c["file"])): c for c in units}
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        answers = list(pool.map(lambda item: tidy(*item), sorted(unique.items())))
    complaints = [answer for answer in answers if answer]
    log.path.write_text("\n".join(complaints) or f"{len(answers)} files\n")
    if complaints:
        raise StageFailed(tail("\n".join(complaints), 80))


def tidy(path, command):
    """The complaints about one file, "" for none. What passed is remembered by its contents."""
    directory = command["directory"]
    preprocess = []
    arguments = iter(shlex.split(command["command"]))
    for argument in arguments:
        if argument in ("-o", "-MQ", "-MF"):
            next(arguments)
        elif argument not in ("-c", "-MD"):
            preprocess.append(argument)
    expanded = subprocess.run([*preprocess, "-E", "-o", "-"], cwd=directory,
                              stdin=subprocess.DEVNULL, capture_output=True)
    if expanded.returncode:
        return f"{os.path.relpath(path, ROOT)}:\n{expanded.stderr.decode(errors='replace')}"
    rules = (ROOT / ".clang-tidy").read_bytes()
    seen = WORK / "tidy" / hashlib.sha256(rules + b"\0" + expanded.stdout).hexdigest()
    if seen.is_file():
        return ""
    tool = shutil.which("clang-tidy-14") or "clang-tidy"
    result = subprocess.run([tool, "--quiet", "-p", directory, path], cwd=directory, text=True,
                            stdin=subprocess.DEVNULL, capture_output=True)
    if result.returncode or "warning:" in result.stdout:
        return f"{os.path.relpath(path, ROOT)}:\n{result.stdout}{tail(result.stderr, 10)}"
    seen.parent.mkdir(exist_ok=True)
    seen.touch()
    return ""


def stage_windows(log, counts):
    folder = build(log, "windows", ["--cross-file", "cross/x86_64-w64-mingw32.ini"])
    for file in (folder / "seep.exe", *sorted(folder.glob("agent/*.dll"))):
        check_imports(log, file)
    # A prefix of its own: whoever uses Wine besides may end its server at any moment.
    os.environ["SEEP_WINEPREFIX"] = str(WORK / "wine")
    runner = ROOT / "scripts/wine-run"
    subprocess.run([runner, "--prepare"], check=True, stdout=subprocess.DEVNULL)
    try:
        meson_test(log, counts, folder, ["-t", "4"])
    finally:
        subprocess.run([runner, "--stop"], check=False)


def check_imports(log, file):
    dump = subprocess.run(["x86_64-w64-mingw32-objdump", "-p", file], capture_output=True,
                          text=True)
    names = re.findall(r"DLL Name: (\S+)", dump.stdout)
    if dump.returncode or not names:
        raise StageFailed(f"{file.name}: no import table: {dump.stderr.strip()}")
    foreign = [n for n in names if n.lower().removesuffix(".dll") not in SYSTEM_DLLS]
    if foreign:
        raise StageFailed(f"{file.name} imports {', '.join(foreign)}")
    with log.path.open("a") as output:
        print(f"{file.name} imports {' '.join(names)}", file=output)


STAGES = {
    "format": (stage_format, "clang-format would change nothing"),
    "gcc": (stage_gcc, "native build with gcc: all tests, lint included"),
    "sanitize": (stage_sanitize, "clang with ASan and UBSan: all tests, the fuzz corpora replayed"),
    "fuzz": (stage_fuzz, "each fuzz target for SEEP_FUZZ_SECONDS (4)"),
    "alloc": (stage_alloc, "every allocation fails once"),
    "tidy": (stage_tidy, "clang-tidy"),
    "windows": (stage_windows, "mingw-w64: imports three DLLs alone, all tests under Wine"),
}


def main():
    stages = "\n".join(f"  {name:9} {what}" for name, (_, what) in STAGES.items())
    parser = argparse.ArgumentParser(
        prog="scripts/check", description=__doc__, epilog=f"stages, in their order:\n{stages}",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="only these (default: all)")
    chosen = parser.parse_args().stages or list(STAGES)
    for name in chosen:
        if name not in STAGES:
            parser.error(f"no stage {name!r}")
    total = Counts()
    failed = False
    for name in chosen:
        counts = Counts()
        started = time.monotonic()
        problem = None
        try:
            STAGES[name][0](Log(name), counts)
        except StageFailed as reason:
            problem = str(reason)
            if counts.failed == 0:
                counts.failed = 1
        failed = failed or problem is not None
        took = time.monotonic() - started
        detail = f"  {counts}" if counts.passed or counts.failed else ""
        print(f"{name:8} {took:6.0f} s  {'FAILED' if problem else 'ok'}{detail}", flush=True)
        if problem:
            print(problem, flush=True)
        total.add(counts)
    print(total)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
