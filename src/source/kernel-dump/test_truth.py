# SPDX-License-Identifier: MIT
"""Compares what `seep facts` says of synthetic kernel dumps with what is true of them.

usage: test_truth.py SEEP FOLDER [--symbols PATH]

FOLDER has pairs NAME.dmp and NAME.json, as the synthesizer writes them, and symbols of kernels that
are not known in NAME.isf.json. Known ones are read without any; with PATH, with those in it, too.
"""

import datetime
import json
import os
import subprocess
import sys

PAGE = 4096


class Complaints:
    def __init__(self, name):
        self.name, self.n = name, 0

    def equal(self, what, found, wanted):
        if found == wanted:
            return
        if isinstance(found, list):
            found, wanted = ([x for x in found if x not in wanted],
                             [x for x in wanted if x not in found])
        self.n += 1
        if self.n <= 20:
            print(f"{self.name}: {what}: found {found!r}, true is {wanted!r}")


def facts(seep, path, kind, symbols):
    command = [seep, "facts", path, "--kind", kind] + (["--symbols", symbols] if symbols else [])
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command)}: exit {run.returncode}: {run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def time_text(filetime):
    """RFC 3339 with nine digits, as seep writes it; None for 0."""
    if not filetime:
        return None
    whole, rest = divmod(filetime, 10_000_000)
    moment = datetime.datetime(1601, 1, 1) + datetime.timedelta(seconds=whole)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{rest * 100:09}Z"


def short(image):
    """What fits into EPROCESS.ImageFileName with its end."""
    return image[:14]


def guid_digits(text):
    return text.replace("-", "").upper()


def check_machine(seep, path, truth, symbols, c):
    (machine,) = facts(seep, path, "machine", symbols)
    c.equal("processors", machine["n_processors"], truth["processors"])
    c.equal("boot", machine["boot"], time_text(truth["boot"]))
    c.equal("version", machine["os_version"].split(".")[:3], truth["version"].split(".")[:3])
    if truth["known_kernel"] and truth["version"].split(".")[3] not in "01":
        c.equal("version", machine["os_version"], truth["version"])


def check_modules(seep, path, truth, symbols, c):
    found = {int(m["base"], 0): m for m in facts(seep, path, "module", symbols)
             if not m["unloaded"]}
    c.equal("modules", len(found), len(truth["modules"]))
    for module in truth["modules"]:
        m = found.get(module["base"])
        if not m:
            c.equal(module["name"], None, "a module")
            continue
        c.equal(module["name"], (m["path"], m["size_bytes"]), (module["path"], module["size"]))
        # A triage dump holds no image's headers but the kernel's.
        if module.get("guid") and (truth["kind"] != "triage" or module["name"] == "ntoskrnl.exe"):
            pdb = m["pdb"] or {"guid": "", "age": None}
            c.equal(module["name"] + " pdb", (guid_digits(pdb["guid"]), pdb["age"]),
                    (module["guid"], module["age"]))


def key(row):
    return (row["tag"].rstrip(), row["pool"])


def check_pool(seep, path, truth, symbols, c):
    rows = facts(seep, path, "pool-tag", symbols)
    found = {key(row): row for row in rows if row["session"] is None}
    wanted = {key(row): row for row in truth["pool"]}
    # The compiled-in table does not know where the expansion is, and that is said.
    if symbols:
        c.equal("tags", sorted(found), sorted(wanted))
    else:
        c.equal("tags", sorted(set(found) - set(wanted)), [])
        c.equal("missing tags", len({tag for tag, _ in set(wanted) - set(found)}),
                len(truth["expanded_tags"]))
    for name in set(found) & set(wanted):
        for number in ("allocs", "frees", "bytes"):
            c.equal(f"{name} {number}", found[name][number], wanted[name][number])
    sessions = {key(row): row["allocs"] for row in rows if row["session"] is not None}
    if symbols:
        c.equal("tags of sessions", sessions,
                {key(row): row["allocs"] for row in truth["session_pool"]})


VM = {"physical": "physical_bytes", "available": "available_bytes",
      "resident_available": "resident_available_bytes", "committed": "committed_bytes",
      "commit_limit": "commit_limit_bytes", "shared": "shared_bytes",
      "commit_limit_maximum": "commit_limit_maximum_bytes", "commit_peak": "commit_peak_bytes",
      "process_private": "process_private_bytes", "paged_pool": "paged_pool_bytes",
      "nonpaged_pool": "nonpaged_pool_bytes"}
# Of these builds it is not known without symbols where they are.
NOT_OF_ALL = {"shared": (14393, 20348), "commit_peak": (14393, 18362, 20348),
              "commit_limit_maximum": (14393, 18362, 20348)}
POOLS = {"paged_pool", "nonpaged_pool"}


def check_vm(seep, path, truth, symbols, c):
    (vm,) = facts(seep, path, "vm", symbols)
    zombies = sum(z["commit_pages"] for z in truth["zombies"])
    c.equal("zombies' memory", vm["zombies_bytes"], zombies * PAGE)
    for name, member in VM.items():
        if name not in truth["vm"]:
            continue
        wanted = truth["vm"][name]
        if name in NOT_OF_ALL and not symbols and vm[member] is None:
            c.equal(name, truth["build"] in NOT_OF_ALL[name], True)
            continue
        if name == "process_private":
            wanted -= zombies  # these stand apart
        if name in POOLS:
            # The sum of tags stands for it; pages that the pool has in reserve are not in that.
            rows = truth["pool"] + (truth["session_pool"] if symbols else [])
            tagged = sum(row["bytes"] for row in rows if row["pool"] + "_pool" == name)
            if vm[member] != wanted * PAGE:
                c.equal(name, 0.85 * tagged <= (vm[member] or 0) <= tagged, True)
            continue
        c.equal(name, vm[member], wanted * PAGE)


def check_processes(seep, path, truth, symbols, c):
    found = {p["pid"]: p for p in facts(seep, path, "process", symbols)}
    c.equal("pids", sorted(found), sorted(p["pid"] for p in truth["processes"]))
    for process in truth["processes"]:
        p = found.get(process["pid"])
        if p:
            c.equal(f"process {process['pid']}",
                    (p["image"], p["parent_pid"] or 0, p["start"], p["end"]),
                    (short(process["image"]), process["parent_pid"], time_text(process["created"]),
                     time_text(process["exited"])))
    samples = facts(seep, path, "sample", symbols)
    values = {(s["subject"]["pid"], s["metric"]): s["value"] for s in samples
              if s["subject"]["kind"] == "process"}
    for process in truth["processes"]:
        if process["exited"]:
            continue
        pid = process["pid"]
        c.equal(f"private bytes of {pid}", values.get((pid, "private_bytes")),
                process["commit_pages"] * PAGE)
        if process.get("handles") is not None and not process.get("handles_not_held"):
            c.equal(f"handles of {pid}", values.get((pid, "handles")), process["handles"])


def check_zombies(seep, path, truth, symbols, c):
    found = {z["process"]["pid"]: z for z in facts(seep, path, "zombie", symbols)}
    c.equal("zombies", sorted(found), sorted(z["pid"] for z in truth["zombies"]))
    held = {}
    for handle in facts(seep, path, "handle", symbols):
        name = (handle["process"]["pid"], handle["target_pid"], handle["type"] == "Thread")
        held.setdefault(name, []).append(int(handle["value"], 0))
    wanted = {}
    for zombie in truth["zombies"]:
        z = found.get(zombie["pid"])
        if z and z["unexplained"] is None:
            # It cannot be told where not all handles to it were found.
            c.equal(f"zombie {zombie['pid']} handles", z["handles_found"] < z["handles"], True)
            z["unexplained"] = zombie["driver_references"]
        if z:
            c.equal(f"zombie {zombie['pid']}",
                    (z["handles_found"], z["pointers"], z["commit_bytes"], z["unexplained"]),
                    (zombie["n_found"], zombie["n_pointers"], zombie["commit_pages"] * PAGE,
                     zombie["driver_references"]))
        for holder in zombie["holders"]:
            wanted[(holder["pid"], zombie["pid"], holder["by_thread"])] = holder
    c.equal("holders", sorted(held), sorted(wanted))
    for name in set(held) & set(wanted):
        c.equal(f"handles {name}", (len(held[name]), held[name][0]),
                (wanted[name]["handles"], wanted[name]["first_handle"]))


def check_triage(seep, path, truth, symbols, c):
    (vm,) = facts(seep, path, "vm", symbols)
    wanted = dict(truth["memory_record"] or {})
    wanted.update(truth["vm"])
    names = {"nonpaged": "nonpaged_pool_bytes", "paged": "paged_pool_bytes",
             "peak_committed": "commit_peak_bytes", **VM}
    for name, pages in wanted.items():
        c.equal(name, vm[names[name]], pages * PAGE)
    for name in ("nonpaged_pool_bytes", "paged_pool_bytes", "commit_peak_bytes"):
        if not truth["memory_record"]:
            c.equal(name, vm[name], None)
    (process,) = facts(seep, path, "process", symbols)
    c.equal("process", (process["pid"], process["image"]),
            (truth["process"]["pid"], short(truth["process"]["image"])))


CHECKS = {"modules": check_modules, "pool": check_pool, "vm": check_vm,
          "processes": check_processes, "zombies": check_zombies}


def check(seep, path, truth, symbols):
    """The number of complaints about one dump."""
    c = Complaints(os.path.basename(path) + (" with symbols" if symbols else ""))
    check_machine(seep, path, truth, symbols, c)
    if truth["kind"] == "triage":
        check_modules(seep, path, truth, symbols, c)
        check_triage(seep, path, truth, symbols, c)
    else:
        for part, check_part in CHECKS.items():
            if truth.get(part):
                check_part(seep, path, truth, symbols, c)
    return c.n


def main(args):
    given = args[args.index("--symbols") + 1] if "--symbols" in args else None
    seep, folder = args[0], args[1]
    n_bad = n_runs = 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".dmp"):
            continue
        path = os.path.join(folder, name)
        with open(path[:-4] + ".json", encoding="utf-8") as file:
            truth = json.load(file)
        own = path[:-4] + ".isf.json"
        ways = [None] if truth["known_kernel"] else []
        ways += [own] if os.path.exists(own) else []
        ways += [given] if given and truth["version"] == "10.0.19041.804" else []
        for symbols in ways:
            n_bad += check(seep, path, truth, symbols)
            n_runs += 1
    print(f"{n_runs} runs, {n_bad} complaints")
    return 1 if n_bad or not n_runs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
