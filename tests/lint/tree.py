# SPDX-License-Identifier: MIT
"""What the lint tests share: the files of the tree, C without its comments, and the self-test."""

import argparse
import os
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# As in .gitignore: what is built or fetched is not ours to judge.
_SKIPPED_AT_ROOT = re.compile(r"build(?!-aux$).*|\.cache|\.git")
_SKIPPED_ANYWHERE = {"__pycache__"}
_CASE_FILE = re.compile(r".*\.seep(-wal|-shm)?")


def files(root, suffixes=None, under=("",)):
    """Yields the paths of the tree's files, relative to `root` and sorted, with `/` between."""
    found = []
    for start in under:
        for folder, folders, names in os.walk(root / start):
            here = pathlib.Path(folder).relative_to(root)
            folders[:] = [f for f in folders if not _skipped(here / f)]
            for name in names:
                path = (here / name).as_posix()
                if _CASE_FILE.fullmatch(name) or path == ".git":
                    continue
                if suffixes is None or path.endswith(tuple(suffixes)):
                    found.append(path)
    return sorted(set(found))


def _skipped(folder):
    parts = folder.parts
    if parts[-1] in _SKIPPED_ANYWHERE:
        return True
    if len(parts) == 1:
        return _SKIPPED_AT_ROOT.fullmatch(parts[0]) is not None
    return parts[0] == "subprojects" and parts[1] != "packagefiles"


def is_test(path):
    """Whether a file of src/ is a test that lies beside what it tests."""
    return path.rsplit("/", 1)[-1].startswith("test_")


def text(root, path):
    return (root / path).read_text(encoding="utf-8", errors="replace")


_C_TOKEN = re.compile(
    r"""/\*.*?(?:\*/|\Z) | //(?:[^\\\n]|\\.)* | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'""",
    re.DOTALL | re.VERBOSE,
)


def code_only(source, keep_strings=False):
    """Blanks comments (and strings), with every line break kept, so that line numbers hold."""

    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token if keep_strings else token[0] + token[-1]
        return " " + "\n" * token.count("\n")

    return _C_TOKEN.sub(blank, source)


def line_of(source, offset):
    return source.count("\n", 0, offset) + 1


def main(check, planted, clean, doc):
    """Runs `check(root) -> list of complaints` over the tree, or with --self-test over small trees.

    planted: list of ({path: content}, regular expression that exactly one complaint must match);
    clean: {path: content} that must pass. Returns the exit status.
    """
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="the tree to look at")
    parser.add_argument("--self-test", action="store_true", help="prove that violations are found")
    options = parser.parse_args()
    if options.self_test:
        return self_test(check, planted, clean)
    complaints = check(options.root)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


def self_test(check, planted, clean):
    failures = 0
    for content, expected in planted:
        complaints = _check_small_tree(check, content)
        if len(complaints) != 1 or not re.search(expected, complaints[0]):
            print(f"planted {content!r}: expected one complaint like {expected!r}: {complaints}")
            failures += 1
    complaints = _check_small_tree(check, clean)
    if complaints:
        print(f"complaints about a clean tree: {complaints}")
        failures += 1
    print(f"{len(planted) + 1} small trees, {failures} judged wrongly")
    return 1 if failures else 0


def _check_small_tree(check, content):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, body in content.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(body, encoding="utf-8")
        return check(root)


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(2)
