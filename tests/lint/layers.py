# SPDX-License-Identifier: MIT
"""Checks that a layer of src/ includes only the layers below it, and Windows only where it may."""

import re
import sys

import tree

# layer -> the layers it may include besides itself. A new folder in src/ needs its line here.
LAYERS = {
    "base": "",
    "os": "base",
    "nt": "base",
    "model": "base",
    "symbols": "base os nt",
    "memory": "base nt",
    "heap": "base nt model symbols memory",
    "kernel": "base nt symbols memory",
    "drivers": "base os model symbols",
    "source": "base os nt model symbols memory heap kernel",
    "case": "base model",
    "detect": "base model",
    "report": "base model detect",
    "cli": "base os nt model symbols memory heap kernel drivers source case detect report",
}

WINDOWS_HEADERS = re.compile(
    r"(?:windows|windef|winbase|winternl|winnt|winuser|winsvc|winsock2?|ws2tcpip|psapi|tlhelp32"
    r"|dbghelp|evntrace|evntcons|tdh|pdh|winevt|ntsecapi|ntstatus|shellapi|winhttp|io)\.h",
    re.IGNORECASE,
)
MAY_INCLUDE_WINDOWS = re.compile(r"src/os/|src/source/live[^/]*/|agent/|tests/specimens/")
MAY_ASK_FOR_WINDOWS = re.compile(r"src/os/|agent/|tests/specimens/")

# (file, include or macro) -> why it may stand there all the same.
EXCEPTIONS = {
    ("src/source/seep/seep.c", "case/case.h"): "a case is a source too, and read by the case layer",
    ("src/cli/record.c", "source/live/live.h"): "the live source has no file to bid for",
    ("src/cli/input.c", "source/live/machine.h"): "this machine is no file, and no bid finds it",
    ("src/cli/input.c", "source/live/space.h"): "a process is no file, and no bid finds it",
    ("src/base/err.h", "__MINGW32__"): "names the compiler's dialect of printf formats, not the OS",
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]*)"|<([^>\n]*)>)', re.MULTILINE)
PLATFORM_MACRO = re.compile(
    r"^[ \t]*#[ \t]*(?:if|elif|ifdef|ifndef)\b[^\n]*"
    r"\b(_WIN32|_WIN64|WIN32|_MSC_VER|__MINGW32__|__MINGW64__|__linux__|__unix__)\b",
    re.MULTILINE,
)


def check(root):
    complaints = []
    for path in tree.files(root, (".c", ".h", ".c.in", ".h.in"), ("src", "agent", "fuzz", "bench",
                                                                 "tests")):
        code = tree.code_only(tree.text(root, path), keep_strings=True)
        for match in INCLUDE.finditer(code):
            quoted, angled = match.groups()
            where = f"{path}:{tree.line_of(code, match.start())}"
            if angled is not None:
                if WINDOWS_HEADERS.fullmatch(angled) and not MAY_INCLUDE_WINDOWS.match(path):
                    complaints.append(f"{where}: <{angled}> outside src/os, the live source, agent")
            elif path.startswith("src/"):
                complaints += [f"{where}: {c}" for c in judge(path, quoted)]
        if not MAY_ASK_FOR_WINDOWS.match(path):
            for match in PLATFORM_MACRO.finditer(code):
                if (path, match.group(1)) in EXCEPTIONS:
                    continue
                where = f"{path}:{tree.line_of(code, match.start())}"
                complaints.append(f"{where}: {match.group(1)} outside src/os: put it behind os.h")
    return complaints


def judge(path, included):
    """Complaints about a quoted include in a file of src/."""
    in_test = tree.is_test(path)
    if in_test and included == "testkit.h":
        return []
    if ".." in included.split("/") or "/" not in included:
        return [f'"{included}" is not written from src']
    if (path, included) in EXCEPTIONS:
        return []
    layer = path.split("/")[1]
    target = included.split("/")[0]
    if layer not in LAYERS:
        return [f"{layer} is no layer: give it a line in tests/lint/layers.py"]
    if target != layer and target not in LAYERS[layer].split() and not in_test:
        return [f'{layer} may not include "{included}"']
    # What belongs to one format stays in its folder: the folder can go, and with it the format.
    folder = included.split("/")[1:-1]
    if target == "source" and folder and not path.startswith(f"src/source/{folder[0]}/"):
        return [f'"{included}" belongs to another source']
    return []


PLANTED = [
    ({"src/source/seep/b.c": '#include "case/case.h"\n'}, r"source may not include"),
    ({"src/base/a.c": '#include "model/fact.h"\n'}, r"src/base/a\.c:1: base may not include"),
    ({"src/case/a.h": '/*\n*/\n  #  include "detect/x.h"\n'}, r"a\.h:3: case may not include"),
    ({"src/detect/a.c": '#include "case/case.h"\n'}, r"detect may not include"),
    ({"src/source/blg/a.c": '#include "source/csv/b.h"\n'}, r"belongs to another source"),
    ({"src/source/registry.c": '#include "source/csv/b.h"\n'}, r"belongs to another source"),
    ({"src/cli/a.c": '#include "source/csv/b.h"\n'}, r"belongs to another source"),
    ({"src/source/blg/test_a.c": '#include "source/csv/b.h"\n'}, r"belongs to another source"),
    ({"src/source/blg/a.c": '#include "testkit.h"\n'}, r"not written from src"),
    ({"src/base/a.c": '#include "../os/os.h"\n'}, r"not written from src"),
    ({"src/base/a.c": '#include "bytes.h"\n'}, r"not written from src"),
    ({"src/other/a.c": '#include "base/a.h"\n'}, r"other is no layer"),
    ({"src/nt/a.h": "#include <windows.h>\n"}, r"<windows\.h> outside"),
    ({"src/cli/a.c": "#include <Psapi.h>\n"}, r"<Psapi\.h> outside"),
    ({"tests/a.c": "#include <windows.h>\n"}, r"<windows\.h> outside"),
    ({"src/cli/a.c": "int a;\n#ifdef _WIN32\n#endif\n"}, r"a\.c:2: _WIN32 outside src/os"),
    ({"src/source/live/a.c": "#if defined(_WIN64)\n#endif\n"}, r"_WIN64 outside"),
    ({"fuzz/a.c": "#if !defined _MSC_VER\n#endif\n"}, r"_MSC_VER outside"),
]
CLEAN = {
    "src/source/seep/seep.c": '#include "case/case.h"\n',
    "src/base/a.c": '#include "base/a.h"\n#include <stdio.h>\n// #include "cli/b.h"\n',
    "src/os/os_win32.c": '#include <windows.h>\n#ifdef _WIN32\n#endif\n#include "base/a.h"\n',
    "src/source/live-windows/a.c": "#include <windows.h>\n",
    "src/source/blg/a.c": '#include "source/blg/b.h"\n#include "source/source.h"\n'
                          '#include "model/a.h"\n',
    "src/source/blg/test_a.c": '#include "testkit.h"\n#include "case/case.h"\n',
    "src/cli/a.c": '#include "source/source.h"\n/* #ifdef _WIN32 */ const char *s = "_WIN32";\n',
    "tests/specimens/a.c": "#ifdef _WIN32\n#include <windows.h>\n#endif\n",
    "agent/a.c": "#include <windows.h>\n",
}

if __name__ == "__main__":
    sys.exit(tree.main(check, PLANTED, CLEAN, __doc__))
