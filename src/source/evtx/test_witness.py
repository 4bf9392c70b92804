# SPDX-License-Identifier: MIT
"""Compares seep with evtxexport (libevtx), an independent reader, on the logs of the folders.

usage: test_witness.py SEEP FOLDER...

For each log that both read whole: the same number of records of every provider and
event id, and for each event that seep shows, every value of its data. Exits 77, "skipped", where
there is no evtxexport or no log.
"""

import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

NS = '{http://schemas.microsoft.com/win/2004/08/events/event}'
# What evtxexport 20181227 itself gets wrong: it drops the last record of a chunk that is filled to
# its last byte (many-chunks), and it prints negative integers and characters beyond U+FFFF wrongly
# (types).
NOT_A_WITNESS = {'many-chunks.evtx', 'types.evtx'}


def witness(path):
    """Counts by (provider, id), and the texts of the data of each event by its record's number;
    None where evtxexport gives up."""
    out = subprocess.run(['evtxexport', '-f', 'xml', str(path)], capture_output=True, timeout=300)
    text = out.stdout.decode('utf-8', 'replace')
    if out.returncode != 0 or 'Unable to' in out.stderr.decode('utf-8', 'replace'):
        return None
    counts, data = collections.Counter(), {}
    for xml in re.findall(r'<Event xmlns=.*?</Event>', text, re.DOTALL):
        try:
            event = ET.fromstring(xml)
        except ET.ParseError:
            return None
        system = event.find(NS + 'System')
        key = (system.find(NS + 'Provider').get('Name'), int(system.find(NS + 'EventID').text))
        counts[key] += 1
        values = [e.text or '' for part in event if part is not system
                  for e in part.iter() if len(e) == 0]
        data.setdefault(key, []).append(values)
    return counts, data


def leaves(value):
    if isinstance(value, dict):
        return [x for v in value.values() for x in leaves(v)]
    if isinstance(value, list):
        return [x for v in value for x in leaves(v)]
    return [value]


def same(mine, theirs):
    """One value as JSON has it and as evtxexport prints it."""
    if mine is None:
        return theirs in ('', '1601-01-01T00:00:00.000000000Z')
    if isinstance(mine, bool):
        return theirs == ('true' if mine else 'false')
    if isinstance(mine, (int, float)):
        try:
            return float(theirs) == float(mine)
        except ValueError:
            return False
    if mine.startswith('0x') and theirs.startswith('0x'):
        return int(mine, 16) == int(theirs, 16)
    # evtxexport leaves the line ends at the start and end of a value to the XML reader
    return mine.strip().replace('\r', '').lower() == theirs.strip().replace('\r', '').lower()


def match(mine, theirs):
    """Whether the values of an event are the same. Ours of one name stand together, theirs as they
    come, so the order is not compared."""
    left = list(theirs)
    for value in mine:
        at = next((i for i, x in enumerate(left) if same(value, x)), None)
        if at is None:
            return False
        del left[at]
    return not left


def compare(seep, path):
    """Complaints about one log; None where there is nothing to compare with."""
    theirs = witness(path)
    if theirs is None or path.name in NOT_A_WITNESS:
        return None
    counts, data = theirs
    run = subprocess.run([seep, 'facts', '--events', '--json', str(path)], capture_output=True,
                         timeout=300)
    if run.returncode != 0:
        return None  # a damaged log, of which the two read different parts
    mine = collections.Counter()
    for row in json.loads(run.stdout)['events']:
        mine[(row['provider'], row['id'])] += row['count']
    bad = [f'{k}: {mine[k]} records, evtxexport has {counts[k]}'
           for k in sorted(set(mine) | set(counts)) if mine[k] != counts[k]]
    run = subprocess.run([seep, 'facts', '--kind', 'event', '--json', str(path)],
                         capture_output=True, timeout=300)
    for line in run.stdout.splitlines():
        event = json.loads(line)
        key = (event['provider'], event['id'])
        values = leaves(event['fields'])
        if not any(match(values, t) for t in data.get(key, [])):
            bad.append(f'{key}: {values} is none of the events of evtxexport')
    return bad


def main(argv):
    logs = [p for folder in argv[2:] for p in sorted(pathlib.Path(folder).glob('*.evtx'))]
    if not logs or not shutil.which('evtxexport'):
        print('skipped: no evtxexport (libevtx-utils), or no log')
        return 77
    n_bad = n_compared = 0
    for path in logs:
        bad = compare(argv[1], path)
        if bad is None:
            print(f'{path.name}: not compared, damaged or beyond evtxexport')
            continue
        n_compared += 1
        for line in bad:
            print(f'{path.name}: {line}')
        n_bad += len(bad)
    print(f'{n_compared} logs compared, {n_bad} differences')
    return 1 if n_bad or not n_compared else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
