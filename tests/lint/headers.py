# SPDX-License-Identifier: MIT
"""Compiles each header of src/ alone, and twice in one file: it must need nothing before it and
guard itself.

usage: headers.py [--root DIR] [--self-test] COMPILER [ARGUMENT...]
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

import tree

FLAGS = ["-std=c17", "-fsyntax-only", "-x", "c", "-Wall", "-Wextra", "-Wstrict-prototypes",
         "-Werror", "-D_GNU_SOURCE"]
WINDOWS_ONLY = re.compile(r"#\s*include\s*<(?:windows|winternl)\.h>", re.IGNORECASE)


def check(root, compiler):
    on_windows = targets_windows(compiler)
    headers = [h for h in tree.files(root, (".h",), ("src",)) if not tree.is_test(h)]
    headers = [h for h in headers if on_windows or not WINDOWS_ONLY.search(tree.text(root, h))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        answers = pool.map(lambda header: compile_alone(root, header, compiler), headers)
    return [answer for answer in answers if answer], len(headers)


def targets_windows(compiler):
    result = subprocess.run([*compiler, "-dM", "-E", "-x", "c", "-"], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, check=True)
    return "#define _WIN32 " in result.stdout


def compile_alone(root, header, compiler):
    line = f'#include "{header.removeprefix("src/")}"\n'
    # A translation unit has to declare something.
    source = line + line + "extern int seep_header_test;\n"
    result = subprocess.run([*compiler, *FLAGS, "-I", str(root / "src"), "-"], input=source,
                            capture_output=True, text=True)
    return f"{header}:\n{result.stderr}" if result.returncode else None


PLANTED = [
    ({"src/base/a.h": "size_t a_length(void);\n"}, r"base/a\.h:\n"),
    ({"src/a.h": "struct a {\n    int b;\n};\n"}, r"redefinition"),
    ({"src/a.h": "#pragma once\nvoid f();\n"}, r"strict-prototypes"),
]
CLEAN = {
    "src/base/a.h": "#pragma once\n#include <stddef.h>\nsize_t a_length(void);\n",
    "src/b.h": '#ifndef B\n#define B\n#include "base/a.h"\nstruct b {\n    int c;\n};\n#endif\n',
}


def main(arguments):
    root = tree.ROOT
    self_test = False
    while arguments and arguments[0].startswith("--"):
        option = arguments.pop(0)
        if option == "--root" and arguments:
            root = pathlib.Path(arguments.pop(0))
        elif option == "--self-test":
            self_test = True
        else:
            tree.fail(__doc__)
    if not arguments:
        tree.fail(__doc__)
    if self_test:
        return tree.self_test(lambda small: check(small, arguments)[0], PLANTED, CLEAN)
    complaints, count = check(root, arguments)
    for complaint in complaints:
        print(complaint)
    print(f"{count} headers compiled alone, {len(complaints)} failed")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
