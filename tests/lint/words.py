# SPDX-License-Identifier: MIT
"""Checks that the tree speaks of seep alone: no path of a machine it was written on, no words about
how it was written, no tickets that a reader cannot see."""

import codecs
import re
import sys

import tree

# In rot13, so that this file passes its own check: (what, expression).
_REFUSED = [
    ("n cngu bs bar znpuvar", r"(?<![\j.])/jbex/(?:jg|znva|funerq)?|/gzc/jg\o|/ebbg/"),
    ("n jbeq nobhg gbbyf", r"\o(?:pynhqr|naguebcvp|bcranv|pungtcg|tcg-\q|pbcvybg|pbqrk|trzvav|yyzf?"
                           r"|ynathntr zbqry|nv[- ](?:trarengrq|nffvfgnag|gbbyf?)|nf na nv"
                           r"|fhontragf?|cebzcg ratvarrevat)\o"),
    ("n jbeq nobhg jevgvat vg", r"\opb-nhguberq-ol\o|\ojbexgerr\o"
                                r"|\ozl frffvba\o"),
    ("n gvpxrg", r"\o(?:vffhr|gvpxrg|ceboyrz|zvyrfgbar) ?#\q+"
                 r"|\o(?:svkrf|pybfrf|erfbyirf) #\q+|\otu-\q+\o"),
]
REFUSED = [(codecs.decode(what, "rot13"),
            re.compile(codecs.decode(expression, "rot13").encode(), re.IGNORECASE))
           for what, expression in _REFUSED]


def check(root):
    complaints = []
    for path in tree.files(root):
        content = (root / path).read_bytes()
        for what, expression in REFUSED:
            match = expression.search(path.encode())
            if match:
                complaints.append(f"{path}: {what} in the file's name: {match.group(0).decode()}")
            for match in expression.finditer(content):
                number = content.count(b"\n", 0, match.start()) + 1
                found = match.group(0).decode(errors="replace")
                complaints.append(f"{path}:{number}: {what}: {found}")
    return complaints


def _plain(text):
    return codecs.decode(text, "rot13")


PLANTED = [
    ({"docs/a.md": "one\n" + _plain("frr /jbex/funerq/qrfvta.zq\n")}, r"a\.md:2: a path"),
    ({"a.sh": _plain("pq /gzc/jg && yf\n")}, r"a path"),
    ({"a.c": _plain("// /ebbg/.onfuep\n")}, r"a path"),
    ({"src/a.c": _plain("// jevggra ol PUNGTCG\n")}, r"a word about tools"),
    ({_plain("qbpf/pynhqr.zq"): "x\n"}, r"in the file's name"),
    ({"a.md": _plain("Pb-Nhguberq-Ol: fbzrobql\n")}, r"a word about writing it"),
    ({"a.md": _plain("frr vffhr #12\n")}, r"a ticket"),
    ({"a.bin": _plain("\0\1 fhontrag \0")}, r"a word about tools"),
]
CLEAN = {
    "a.md": "llvm-symbolizer, an ETW session, a workload; framework/parts; #1 of 3; MALLOC\n",
    "b.md": "the home/work/life balance, an issue with a mailing list, /proc/self/maps\n",
}

if __name__ == "__main__":
    sys.exit(tree.main(check, PLANTED, CLEAN, __doc__))
