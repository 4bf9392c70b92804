# SPDX-License-Identifier: MIT
"""`seep map PID` of a program that says itself what of its address space is for what.

live_map.py --seep "EXE" --specimen "EXE" [--windows] [--no-map PID]
"""
import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile

FILE_BYTES = 5 * 65536 + 100
GROWS_BY = 5 << 20
failures = 0


def check(good, what):
    global failures
    print(("ok      " if good else "FAILED  ") + what)
    failures += not good


class Program:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.places = {}
        self.read_to("ready")
        self.pid = self.places["pid"][0]

    def read_to(self, end):
        for line in self.process.stdout:
            words = line.split()
            if words and len(words) == 3:
                self.places[words[0]] = (int(words[1], 0), int(words[2]))
            if words and words[0] == end:
                return
        sys.exit(f"the specimen ended before it said {end!r}")

    def grow(self):
        self.process.stdin.write("grow\n")
        self.process.stdin.flush()
        self.read_to("grown")

    def end(self):
        self.process.stdin.close()
        self.process.wait(30)


def run(seep, *arguments):
    done = subprocess.run([*seep, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=120)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


def document(seep, *arguments):
    status, out, err = run(seep, *arguments, "--json")
    check(status == 0 and not err, f"{' '.join(arguments)}: status {status} {err}")
    return json.loads(out)


def inside(d, address):
    """The region that holds an address."""
    for r in d["regions"]:
        base = int(r["base"], 16)
        if base <= address < base + r["size_bytes"]:
            return r
    return {}


def between(d, address, size):
    """(state, bytes) of the regions in a range."""
    sums = {}
    for r in d["regions"]:
        base = int(r["base"], 16)
        low, high = max(base, address), min(base + r["size_bytes"], address + size)
        if low < high:
            sums[r["state"]] = sums.get(r["state"], 0) + high - low
    return sums


def is_region(d, place, **wanted):
    r = inside(d, place[0])
    pages = (place[1] + 4095) // 4096 * 4096
    check(r.get("base") == hex(place[0]) and r["size_bytes"] == pages and
          all(r[k] == v for k, v in wanted.items()), f"{place} {wanted}: {r}")


def known(d, program, system):
    p = program.places
    process = d["process"]
    check(process["pid"] == program.pid and process["architecture"] == "x64" and
          process["wow64"] is False and process["image"].startswith("known_space") and
          process["start"] is not None, f"process {process}")
    check(d["sources"][0]["format"] == "live-" + system, d["sources"][0]["format"])
    is_region(d, p["committed"], state="Commit", type="Private", protect="ReadWrite",
              usage="<unknown>")
    check(between(d, *p["reserved"]) == {"Commit": p["committed"][1],
                                         "Reserve": p["reserved"][1] - p["committed"][1]},
          f"the reservation: {between(d, *p['reserved'])}")
    is_region(d, p["shared"], state="Commit", type="Mapped", protect="ReadWrite",
              usage="MappedFile")
    is_region(d, p["file"], state="Commit", type="Mapped", protect="ReadOnly", usage="MappedFile")
    r = inside(d, p["file"][0])
    check("mapped.bin" in (r["detail"] or ""), f"the name of the file: {r['detail']}")
    check(inside(d, p["heap"][0])["usage"] == "Heap64", "a block of the heap is in the heap")
    r = inside(d, p["image"][0])
    check(r["usage"] == r["type"] == "Image" and "known_space" in r["detail"] and
          r["protect"].startswith("Execute"), f"the program itself: {r}")
    r = inside(d, p["stack"][0])
    check(r["usage"] == "Stack64" and r["detail"].startswith("thread "), f"the thread's stack: {r}")
    usage = {u["usage"]: u["size_bytes"] for u in d["usage"]}
    state = {s["state"]: s["size_bytes"] for s in d["state"]}
    check(usage["Stack64"] >= (1 << 20) and usage["Free"] > 1 << 40, f"usage {usage}")
    check(sum(v or 0 for k, v in usage.items() if k != "Free") ==
          state["Commit"] + state["Reserve"], "usage and state have the same sum")


def itself(seep):
    """seep's own address space; the shell's PID becomes seep's."""
    done = subprocess.run(["sh", "-c", 'exec "$@" map $$ --json', "sh", *seep],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    d = json.loads(done.stdout)
    check(done.returncode == 0 and d["process"]["image"] == "seep", f"itself: {d['process']}")


def all_of_it(d, pid):
    """What is not free is what the kernel counts."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        size = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmSize:"))
    busy = sum(r["size_bytes"] for r in d["regions"] if r["state"] != "Free")
    check(busy == size, f"{busy} bytes mapped, VmSize is {size}")


def windows_only(d):
    usage = {u["usage"]: u for u in d["usage"]}
    check(usage["TEB64"]["regions"] > 0, f"TEBs: {usage.get('TEB64')}")
    modules = {os.path.basename(r["detail"].replace("\\", "/")).lower() for r in d["regions"]
               if r["usage"] == "Image" and r["detail"]}
    check({"ntdll.dll", "kernel32.dll"} <= modules, f"modules {sorted(modules)[:9]}")


def growth(seep, program):
    """Before and after: the reservation that grew, by how much."""
    before = document(seep, "map", str(program.pid), "--case", "before.seep")
    program.grow()
    d = document(seep, "map", "before.seep", str(program.pid))
    state = {s["state"]: s["delta"]["size_bytes"] for s in d["state"]}
    check(state["Commit"] >= GROWS_BY and state["Reserve"] <= -GROWS_BY, f"growth {state}")
    # The specimen's reservation grew at its end, and kept its size.
    grown = d["delta"]["reservations"][0]
    check(int(grown["allocation_base"], 16) == program.places["reserved"][0] and
          grown["delta_committed_bytes"] == GROWS_BY and grown["delta_size_bytes"] == 0,
          f"the reservation that grew: {grown}")
    split = d["split"]["committed_private_bytes"] - before["split"]["committed_private_bytes"]
    check(GROWS_BY <= split < GROWS_BY + (1 << 20), f"private memory grew by {split}")
    status, out, err = run(seep, "map", "before.seep", str(program.pid))
    check(status == 0 and "compared with known_space" in out, out + err)


def refusals(seep, program, unprivileged):
    status, out, err = run(seep, "map", "4000000000")
    check(status == 3 and not out and err.count("\n") == 1 and "no process" in err, err)
    for bad in ("12x", "-5", "99999999999999999999"):
        status, out, err = run(seep, "map", bad)
        check(status in (2, 3) and not out and err.count("\n") == 1, f"{bad}: {err}")
    # A file of that name wins.
    with open(str(program.pid), "wb") as file:
        file.write(b"no dump")
    status, out, err = run(seep, "map", str(program.pid))
    check(status == 3 and "not a format" in err, err)
    os.remove(str(program.pid))
    if unprivileged:
        status, out, err = run([*unprivileged, *seep], "map", "1")
        check(status == 3 and not out and "access denied" in err and err.count("\n") == 1, err)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seep", type=shlex.split, required=True)
    p.add_argument("--specimen", type=shlex.split, required=True)
    p.add_argument("--windows", action="store_true")
    a = p.parse_args()
    system = "windows" if a.windows else "linux"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("mapped.bin", "wb") as file:
            file.write(b"\1" * FILE_BYTES)
        program = Program([*a.specimen, "mapped.bin"])
        d = document(a.seep, "map", str(program.pid), "--regions")
        known(d, program, system)
        if a.windows:
            windows_only(d)
        else:
            all_of_it(d, program.pid)
            itself(a.seep)
        growth(a.seep, program)
        # As somebody else, who may not look: only root can try that.
        as_nobody = None
        if not a.windows and os.geteuid() == 0:
            os.chmod(folder, 0o755)
            as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        refusals(a.seep, program, as_nobody)
        program.end()
        if not a.windows:
            status, out, err = run(a.seep, "map", str(program.pid))
            check(status == 3 and not out and err.count("\n") == 1, f"after its end: {err}")
        os.chdir("/")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
