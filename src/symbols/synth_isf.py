# SPDX-License-Identifier: MIT
"""Writes symbol tables of the ISF form (Volatility 3's documentation) for the tests."""

import json
import lzma

GUID = "5A1D0E2B4C3F4D5E8F90A1B2C3D4E5F6"


def base(name):
    return {"kind": "base", "name": name}


def struct(name):
    return {"kind": "struct", "name": name}


def pointer(to):
    return {"kind": "pointer", "subtype": to}


def array(count, of):
    return {"kind": "array", "count": count, "subtype": of}


def field(offset, kind, **more):
    return {"offset": offset, "type": kind, **more}


def bits(position, length, of):
    return {"kind": "bitfield", "bit_position": position, "bit_length": length, "type": of}


def table():
    """One member of each kind; the structures that members name come before and after them."""
    ulong = base("unsigned long")
    return {
        "user_types": {
            "_OUTER": {"kind": "struct", "size": 128, "fields": {
                "Number": field(0, ulong),
                "Inner": field(8, struct("_INNER")),
                "Link": field(24, pointer(struct("_OUTER"))),
                "Any": field(32, pointer({"kind": "base", "name": "void"})),
                "Names": field(40, array(4, array(2, base("wchar")))),
                "Parts": field(56, array(2, struct("_INNER"))),
                "Links": field(88, array(3, pointer(struct("_INNER")))),
                "Flags": field(112, bits(3, 5, ulong)),
                "Kind": field(116, {"kind": "enum", "name": "_KIND"}),
                "Call": field(120, pointer({"kind": "function"})),
                "\u00e4\"quoted\"": field(4, ulong),
            }},
            "_INNER": {"fields": {
                "Low": field(0, ulong),
                "unnamed": field(8, {"kind": "union", "name": "_EITHER"}, anonymous=True),
            }, "size": 16, "kind": "struct"},
            "_EITHER": {"kind": "union", "size": 8, "fields": {
                "AsNumber": field(0, base("unsigned long long")),
                "AsPointer": field(0, pointer(ulong))}},
        },
        "enums": {"_KIND": {"base": "int", "size": 4,
                            "constants": {"KindNone": 0, "KindLast": -1, "KindHigh": 2 ** 63 + 1}}},
        "base_types": {
            "pointer": {"size": 8, "signed": False, "kind": "int", "endian": "little"},
            "unsigned long": {"size": 4, "signed": False, "kind": "int", "endian": "little"},
            "unsigned long long": {"size": 8, "signed": False, "kind": "int", "endian": "little"},
            "wchar": {"size": 2, "signed": True, "kind": "int", "endian": "little"},
            "void": {"size": 0, "signed": False, "kind": "void", "endian": "little"},
        },
        "symbols": {
            "First": {"address": 4096},
            "Second": {"address": 4112, "type": struct("_OUTER")},
            "TooFar": {"address": 2 ** 32},
            "NoAddress": {"type": ulong},
        },
        "metadata": {"format": "6.2.0", "producer": {"name": "synth", "version": "1"},
                     "windows": {"pdb": {"GUID": GUID, "age": 3, "database": "synth.pdb",
                                         "machine_type": 34404}}},
    }


def files():
    """name -> bytes"""
    text = json.dumps(table(), indent=1).encode()
    return {
        "synth.json": text,
        f"synth-{GUID}-3.json.xz": lzma.compress(text, preset=6),
        "bomb.json.xz": lzma.compress(b" " * (64 << 20), preset=1),
        "two-streams.json.xz": lzma.compress(text[:1000]) + lzma.compress(text[1000:]),
    }
