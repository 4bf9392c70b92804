# SPDX-License-Identifier: MIT
"""Checks that the published schema holds the contract: each contracted key of a full document may
neither be dropped nor change its type.

    contract_test.py REPORT_SAMPLES SEEP DUMP

The keys stand here a second time on purpose: a schema that forgets one must not pass.
"""
import copy
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
import schema_check  # noqa: E402  (restarts under the system's Python, or skips)

HEAD = """
schema_version tool tool/name tool/version command sources sources/0/path sources/0/format
sources/0/size_bytes sources/0/read_bytes sources/0/facts sources/0/losses sources/0/losses/0/what
sources/0/losses/0/count sources/0/losses/0/bytes sources/0/losses/0/offset
sources/0/losses/0/text"""
SUBJECT = "kind name pid start tag driver"
FINDING = """
id class verdict subject metric rate rate/value rate/low rate/high rate/unit since first last
exhaustion exhaustion/limit exhaustion/limit_value exhaustion/at exhaustion/low exhaustion/high
share q evidence evidence/0/text evidence/0/source evidence/0/offset evidence/0/time caveats next"""
ANALYZE = HEAD + """
machine machine/host machine/os machine/os_version machine/ram_bytes machine/commit_limit_bytes
machine/boot observed observed/start observed/end observed/duration_s observed/series verdict
findings events events/0/time events/0/provider events/0/id events/0/fields """ + " ".join(
    "findings/0/" + key for key in FINDING.split()) + " " + " ".join(
    "findings/0/subject/" + key for key in SUBJECT.split())
SAMPLE = "kind subject metric counter time value " + " ".join(
    "subject/" + key for key in SUBJECT.split() + ["host"])
PROCESS = "kind pid parent_pid start end image host"
EVENT = "kind time provider id version channel record_id fields"
LOSS = "kind what count bytes offset text"

MAP = HEAD + """
process process/image process/pid process/architecture process/wow64 usage usage/0/usage
usage/0/regions usage/0/size_bytes usage/0/largest_bytes usage/0/percent_of_busy
usage/0/percent_of_total type type/0/type type/0/regions type/0/size_bytes state state/0/state
state/0/regions state/0/size_bytes protect protect/0/protect protect/0/regions
protect/0/size_bytes split split/committed_private_bytes split/committed_mapped_bytes
split/committed_image_bytes split/reserved_bytes heaps heaps/0/address heaps/0/kind heaps/0/bits
heaps/0/busy_blocks heaps/0/busy_bytes heaps/0/free_blocks heaps/0/free_bytes
heaps/0/committed_bytes heaps/0/reserved_bytes regions_total"""
# Only where they are asked for: the document is valid without them, but not with half of one.
REGION = " ".join("regions/0/" + key for key in
                  "base size_bytes state type protect usage detail".split())

OF_MACHINE = HEAD + " machine machine/host machine/os machine/os_version taken "
POOL = OF_MACHINE + """
verdict tags tags/0/tag tags/0/pool tags/0/allocs tags/0/frees tags/0/diff tags/0/bytes
tags/0/per_alloc tags/0/delta tags/0/driver tags/0/drivers tags/0/drivers/0/name
tags/0/drivers/0/how tags/0/drivers/0/confidence tags/0/drivers/0/version
tags/0/drivers/0/company tags/0/description tags/0/verdict tags/0/sites clusters
clusters/0/source clusters/0/members clusters/0/ratio"""
VM = OF_MACHINE + "vm vm/flags ledger ledger/0/item ledger/0/bytes " + " ".join(
    f"vm/{key}_bytes" for key in "physical available committed commit_limit commit_peak paged_pool "
    "paged_pool_limit nonpaged_pool nonpaged_pool_limit".split())
ZOMBIES = OF_MACHINE + """
zombies commit_estimate_bytes pid_high holders holders/0/pid holders/0/image holders/0/handles
holders/0/zombies holders/0/images holders/0/pids unheld suspect"""

DOCUMENTS = [
    ("analyze.schema.json", ["analyze", "full"], ANALYZE),
    ("pool.schema.json", ["pool", "full"], POOL),
    ("vm.schema.json", ["vm", "full"], VM),
    ("zombies.schema.json", ["zombies", "full"], ZOMBIES),
    ("facts.schema.json", ["facts"],
     HEAD + " counts events/0/provider events/0/name events/0/id events/0/version events/0/count"),
    ("fact.schema.json", ["lines", "sample"], SAMPLE),
    ("fact.schema.json", ["lines", "process"], PROCESS),
    ("fact.schema.json", ["lines", "event"], EVENT),
    ("fact.schema.json", ["lines", "loss"], LOSS),
]


def holder(document, parts):
    for part in parts:
        document = document[int(part) if part.isdigit() else part]
    return document


def complaints(validator, document, paths):
    for path in paths:
        *parts, key = path.split("/")
        if key not in holder(document, parts):
            yield f"{path} is not in the document"
            continue
        without = copy.deepcopy(document)
        del holder(without, parts)[key]
        if validator.is_valid(without):
            yield f"{path} can be dropped"
        for wrong in (True, [[]], {"": [[]]}):
            other = copy.deepcopy(document)
            holder(other, parts)[key] = wrong
            if type(wrong) is not type(holder(document, parts)[key]) and validator.is_valid(other):
                yield f"{path} can be {wrong!r}"


def main(samples, seep, dump):
    bad = 0
    of_seep = [("map.schema.json", ["map", dump, "--json"], MAP),
               ("map.schema.json", ["map", dump, "--json", "--regions"], REGION)]
    for schema, arguments, paths in DOCUMENTS + of_seep:
        program = samples if (schema, arguments, paths) in DOCUMENTS else seep
        run = subprocess.run([program, *arguments], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=False)
        # 3: the dump of this test is one of which not everything can be read.
        if run.returncode not in ((0,) if program == samples else (0, 3)):
            sys.exit(f"{' '.join(arguments)}: status {run.returncode}")
        text = run.stdout.decode("utf-8")
        document = schema_check.parse(text.splitlines()[0] if "lines" in arguments else text)
        validator = schema_check.validator_of(TESTS.parent / "docs" / "schema" / schema)
        for error in validator.iter_errors(document):
            sys.exit(f"{schema}: the document itself is refused: {error.message}")
        for complaint in complaints(validator, document, paths.split()):
            print(f"{schema}, {' '.join(arguments)}: {complaint}")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
