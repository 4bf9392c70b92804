# SPDX-License-Identifier: MIT
"""Compiles tags.c as drivers: build.py FOLDER STAMP.

For x64, x86 and ARM64 with clang and LLVM's linker, for x64 with mingw-w64 too, each at three
levels of optimization. What has no compiler here is left out, and said.
"""

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
# name of the routine -> bytes of its arguments on x86, where they are a part of the symbol's name
IMPORTS = {"ExAllocatePoolWithTag": 12, "ExAllocatePool2": 16, "ExFreePoolWithTag": 8,
           "ExInitializeNPagedLookasideList": 28}
MACHINES = {"x64": ("x86_64", "i386:x86-64"), "x86": ("i686", "i386"),
            "arm64": ("aarch64", "arm64")}


def find(*names):
    return next((path for path in map(shutil.which, names) if path), None)


def library(dlltool, folder, machine):
    """The import library of the kernel."""
    on_x86 = machine == "x86"
    names = [n + ("@%d" % size if on_x86 else "") for n, size in IMPORTS.items()]
    definition = folder / (machine + ".def")
    definition.write_text("LIBRARY ntoskrnl.exe\nEXPORTS\n" + "\n".join(names) + "\n")
    out = folder / (machine + ".lib")
    subprocess.run([dlltool, *(["-k"] if on_x86 else []), "-m", MACHINES[machine][1],
                    "-d", definition, "-l", out], check=True)
    return out


def by_clang(folder):
    clang = find("clang", "clang-14")
    linker = find("lld-link", "lld-link-14")
    dlltool = find("llvm-dlltool", "llvm-dlltool-14")
    if not (clang and linker and dlltool):
        print("no clang, lld-link or llvm-dlltool: no drivers by them")
        return
    for machine, (target, _) in MACHINES.items():
        kernel = library(dlltool, folder, machine)
        for level in range(3):
            stem = folder / ("tags-%s-O%d" % (machine, level))
            code = stem.with_suffix(".obj")
            subprocess.run([clang, "--target=%s-windows-msvc" % target, "-O%d" % level, "-c",
                            "-ffreestanding", "-Wno-multichar", "-DDRIVER_IMPORT", HERE / "tags.c",
                            "-o", code], check=True)
            subprocess.run([linker, "/driver", "/subsystem:native", "/entry:DriverEntry",
                            "/nodefaultlib", "/out:%s.sys" % stem, code, kernel], check=True)


def by_mingw(folder):
    gcc, dlltool = find("x86_64-w64-mingw32-gcc"), find("x86_64-w64-mingw32-dlltool")
    if not (gcc and dlltool):
        print("no mingw-w64: no drivers by it")
        return
    # Its own ntoskrnl.lib is older than ExAllocatePool2.
    definition, kernel = folder / "mingw.def", folder / "mingw.a"
    definition.write_text("LIBRARY ntoskrnl.exe\nEXPORTS\n" + "\n".join(IMPORTS) + "\n")
    subprocess.run([dlltool, "-d", definition, "-l", kernel], check=True)
    for level in range(3):
        subprocess.run([gcc, "-O%d" % level, "-shared", "-nostdlib", "-Wno-multichar",
                        "-Wl,--subsystem,native", "-Wl,--entry,DriverEntry", HERE / "tags.c",
                        kernel, "-o", folder / ("tags-mingw-O%d.sys" % level)], check=True)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    by_clang(folder)
    by_mingw(folder)
    pathlib.Path(sys.argv[2]).write_text("")


if __name__ == "__main__":
    main()
