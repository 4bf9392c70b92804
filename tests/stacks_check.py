#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads what `seep stacks` exports and compares it with its JSON document.

    stacks_check.py pprof FILE.pb.gz DOCUMENT.json [BUILD_ID...]   a profile.proto, decoded here
    stacks_check.py speedscope FILE DOCUMENT.json        against what the published schema demands
    stacks_check.py folded FILE DOCUMENT.json            lines of frames and a number

Field numbers are those of https://github.com/google/pprof/blob/main/proto/profile.proto, the rules
of speedscope those of https://www.speedscope.app/file-format-schema.json.
"""
import gzip
import json
import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        assert shift < 70, "a varint without an end"


def fields(data):
    """(number, value) of each field; bytes for those with a length."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            size, at = varint(data, at)
            assert size <= len(data) - at, "a field that is longer than its message"
            value, at = data[at:at + size], at + size
        else:
            raise AssertionError(f"wire type {key & 7}")
        yield key >> 3, value


def message(data):
    out = {}
    for number, value in fields(data):
        out.setdefault(number, []).append(value)
    return out


def packed(values):
    out = []
    for value in values:
        if isinstance(value, int):
            out.append(value)
            continue
        at = 0
        while at < len(value):
            one, at = varint(value, at)
            out.append(one)
    return [v - (1 << 64) if v >= 1 << 63 else v for v in out]


def one(m, number, default=0):
    return m.get(number, [default])[-1]


def check_pprof(path, document):
    with gzip.open(path) as f:
        profile = message(f.read())
    strings = [s.decode("utf-8") for s in profile[6]]
    assert strings[0] == "", "the first string must be empty"
    types = [(strings[one(m, 1)], strings[one(m, 2)]) for m in map(message, profile[1])]
    assert types == [("inuse_objects", "count"), ("inuse_space", "bytes"),
                     ("alloc_objects", "count"), ("alloc_space", "bytes")], types
    assert strings[one(profile, 14)] == "inuse_space"
    mappings, functions, locations = {}, {}, {}
    for m in map(message, profile.get(3, [])):
        assert one(m, 1) and one(m, 1) not in mappings
        assert one(m, 2) < one(m, 3)
        mappings[one(m, 1)] = (strings[one(m, 5)], strings[one(m, 6)])
    for m in map(message, profile.get(5, [])):
        assert one(m, 1) and one(m, 1) not in functions and one(m, 2) < len(strings)
        functions[one(m, 1)] = strings[one(m, 2)]
    for m in map(message, profile.get(4, [])):
        assert one(m, 1) and one(m, 1) not in locations
        assert one(m, 2) == 0 or one(m, 2) in mappings
        names = [functions[one(message(line), 1)] for line in m[4]]
        locations[one(m, 1)] = names
    got = []
    for m in map(message, profile.get(2, [])):
        values = packed(m[2])
        assert len(values) == len(types)
        labels = {strings[one(x, 1)]: strings[one(x, 2)] if 2 in x else one(x, 3)
                  for x in map(message, m.get(3, []))}
        frames = [name for location in packed(m[1]) for name in locations[location]]
        got.append((labels["kind"], labels.get("pid"), frames, *values))
    diff = document["mode"] == "diff"
    want = []
    for site in document["sites"]:
        bytes_, count = weights(document, site)
        allocs = None if diff else site["allocs"]
        want.append((site["kind"], site["process"]["pid"], [name_of(f) for f in site["stack"]],
                     count, bytes_, allocs))
    assert [g[:5] for g in got] == [w[:5] for w in want], (got, want)
    if not diff:
        assert [g[5] for g in got] == [w[5] for w in want]
    for guid in sys.argv[4:]:
        assert any(build == guid for _, build in mappings.values()), mappings


def weights(document, site):
    if document["mode"] == "diff":
        return site["delta_bytes"], site["delta_count"]
    kind = "survivor" if document["mode"] == "survivors" else "outstanding"
    return site[kind + "_bytes"], site[kind + "_count"]


def name_of(frame):
    if frame["function"]:
        return (frame["module"] + "!" if frame["module"] else "") + frame["function"]
    if frame["module"]:
        return frame["module"] + (f"+{frame['offset']:#x}" if frame["offset"] is not None else "")
    return frame["address"]


def check_speedscope(path, document):
    with open(path, encoding="utf-8") as f:
        file = json.load(f)
    assert file["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert isinstance(file["name"], str) and isinstance(file["exporter"], str)
    frames = file["shared"]["frames"]
    for frame in frames:
        assert set(frame) <= {"name", "file", "line", "col"} and isinstance(frame["name"], str)
        assert isinstance(frame.get("line", 1), int)
    assert 0 <= file["activeProfileIndex"] < len(file["profiles"])
    sums = []
    for profile in file["profiles"]:
        assert profile["type"] == "sampled" and isinstance(profile["name"], str)
        assert profile["unit"] in ("none", "nanoseconds", "microseconds", "milliseconds", "seconds",
                                   "bytes")
        assert len(profile["samples"]) == len(profile["weights"])
        assert all(isinstance(w, int) and w >= 0 for w in profile["weights"])
        assert profile["endValue"] - profile["startValue"] == sum(profile["weights"])
        for sample in profile["samples"]:
            assert all(0 <= index < len(frames) for index in sample)
        sums.append(sum(profile["weights"]))
    want = [weights(document, site) for site in document["sites"]]
    assert sums == [sum(max(w[i], 0) for w in want) for i in (0, 1)], (sums, want)
    stacks = {tuple(frames[i]["name"] for i in s[1:]) for s in file["profiles"][0]["samples"]}
    for site, (bytes_, count) in zip(document["sites"], want):
        names = tuple(name_of(f) for f in reversed(site["stack"]))
        assert names in stacks or (bytes_ <= 0 and count <= 0), names


def check_folded(path, document):
    with open(path, encoding="utf-8") as f:
        lines = [line.rstrip("\n").rpartition(" ") for line in f]
    got = [(names.split(";")[1:], int(number)) for names, _, number in lines]
    want = [([name_of(f) for f in reversed(site["stack"])], weights(document, site)[0])
            for site in document["sites"]]
    assert got == [w for w in want if w[1] > 0], (got, want)


def main():
    with open(sys.argv[3], encoding="utf-8") as f:
        document = json.load(f)
    {"pprof": check_pprof, "speedscope": check_speedscope,
     "folded": check_folded}[sys.argv[1]](sys.argv[2], document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
