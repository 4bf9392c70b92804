# SPDX-License-Identifier: MIT
"""Checks for functions that seep does not use, over-long files and lines, missing licence lines."""

import re
import sys

import tree

# name -> what to use. Everywhere, the tests included.
BANNED = {
    "sprintf": "snprintf or seep_buf",
    "vsprintf": "vsnprintf or seep_buf",
    "strcpy": "seep_buf, or memcpy with a length",
    "stpcpy": "seep_buf, or memcpy with a length",
    "strcat": "seep_buf",
    "strncat": "seep_buf",
    "strncpy": "memcpy with a length",
    "gets": "fgets",
    "atoi": "a parser that reports errors",
    "atol": "a parser that reports errors",
    "atoll": "a parser that reports errors",
    "atof": "a parser that reports errors",
    "strtok": "a cursor",
    "localtime": "UTC throughout",
    "gmtime": "gmtime_r, or base/time",
    "ctime": "base/time",
    "asctime": "base/time",
    "tmpnam": "mkstemp",
    "tempnam": "mkstemp",
    "mktemp": "mkstemp",
    "alloca": "seep_arena",
    "timespec_get": "seep_os_monotonic_ns: mingw-w64 has none",
    "setlocale": "bytes are UTF-8, numbers have a point",
}

# In src/ memory comes from src/base/alloc.c alone, where tests can make any allocation fail.
ALLOCATORS = ("malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup",
              "asprintf", "vasprintf", "aligned_alloc", "posix_memalign")
ALLOCATES = re.compile(r"src/base/alloc\.[ch]")

MAX_LINES = 800
MAX_COLUMNS = 100
SPDX = re.compile(r"(?:/\*|//) SPDX-License-Identifier: MIT(?: \*/)?$")

CALL = re.compile(r"(?<![\w.])(?<!->)(" + "|".join((*BANNED, *ALLOCATORS)) + r")[ \t\n]*\(")

# cmocka's functions format with Windows' own printf there.
SIZE_FORMAT = re.compile(r"\b(fail_msg|print_message|print_error)[ \t\n]*\([^;]*?"
                         r"%[-+ #0-9.*]*[zjt][diouxX]")


def check(root):
    complaints = []
    for path in tree.files(root, (".c", ".h", ".c.in", ".h.in", ".py", ".js", ".sh")):
        source = tree.text(root, path)
        lines = source.split("\n")
        if len(lines) - 1 > MAX_LINES:
            complaints.append(f"{path}: {len(lines) - 1} lines, more than {MAX_LINES}: split it")
        for number, line in enumerate(lines, 1):
            if len(line.expandtabs(8)) > MAX_COLUMNS:
                complaints.append(f"{path}:{number}: more than {MAX_COLUMNS} columns")
        if path.endswith((".c", ".h", ".c.in", ".h.in")):
            if not SPDX.match(lines[0]):
                complaints.append(f"{path}:1: the first line is not the SPDX licence line")
            complaints += calls(path, source)
    return complaints


def calls(path, source):
    code = tree.code_only(source)
    for match in CALL.finditer(code):
        name = match.group(1)
        where = f"{path}:{tree.line_of(code, match.start())}"
        if name in BANNED:
            yield f"{where}: {name}(): use {BANNED[name]}"
        elif (path.startswith("src/") and not ALLOCATES.fullmatch(path)
              and not tree.is_test(path)):
            yield f"{where}: {name}(): memory comes from base/alloc.h"
    for match in SIZE_FORMAT.finditer(source):
        where = f"{path}:{tree.line_of(source, match.start())}"
        yield f"{where}: {match.group(1)}(): no %z, %j, %t: cast to unsigned"


LICENCE = "/* SPDX-License-Identifier: MIT */\n"
PLANTED = [
    ({"src/a.c": LICENCE + "\nint f(char *s)\n{\n    return atoi(s);\n}\n"}, r"a\.c:5: atoi\(\)"),
    ({"tests/a.c": LICENCE + "void f(void) { sprintf\n(0, 0); }\n"}, r"sprintf\(\)"),
    ({"src/a.h": LICENCE + "#define F(a) strcpy(a, a)\n"}, r"strcpy\(\)"),
    ({"src/a.c": LICENCE + "/* a */ void *p = malloc(3);\n"}, r"a\.c:2: malloc\(\): memory"),
    ({"src/a.c": LICENCE + "void f(void *p) { if (p) free (p); }\n"}, r"free\(\): memory"),
    ({"src/a.c": LICENCE + "struct tm *t = gmtime(0);\n"}, r"gmtime\(\)"),
    ({"tests/a.c": LICENCE + "void f(void) { fail_msg(\"at\"\n\"%2zu\", n); }\n"},
     r"fail_msg\(\): no"),
    ({"src/a.c": "int a;\n"}, r"a\.c:1: the first line"),
    ({"src/a.h": LICENCE + "\n" * MAX_LINES}, r"801 lines"),
    ({"src/a.c": LICENCE + "// " + "x" * 98 + "\n"}, r"a\.c:2: more than 100"),
    ({"tests/a.py": "#" * 101 + "\n"}, r"a\.py:1: more than 100"),
]
CLEAN = {
    "src/a.c": LICENCE + "/* malloc(1), sprintf(2) */\n"
               "const char *s = \"free(p) // \\\" gets(a)\";\n"
               "void f(struct a *a) { a->free(a); my_free(a); a->b.malloc(1); gmtime_r(0, 0); }\n"
               "int snprintf_like(char *); char quote = '\"'; int freed(void);\n",
    "src/base/alloc.c": LICENCE + "void *a = malloc(1);\n",
    "tests/a.c": LICENCE + "void *a = malloc(1); // atoi(1)\n// " + "x" * 97 + "\n",
    "tests/b.c": LICENCE + "void f(void) { fail_msg(\"%u z\", n); printf(\"%zu\", n); }\n",
    "src/nt/test_a.c": LICENCE + "void *a = malloc(1);\n",
    "src/b.h": LICENCE + "\n" * (MAX_LINES - 1),
}

if __name__ == "__main__":
    sys.exit(tree.main(check, PLANTED, CLEAN, __doc__))
