"""A survey of records: of each only its facts, and of many what was read before is remembered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.store.reading import Reading, Stamp, read_facts, settled, stamp_of
from harness.store.records import Scan, read_records, record_names, record_path, records_folder
from harness.store.scan_index import read_index, write_index

_INDEXED = 500  # records that are read in less time than an index is worth


def survey_records(results: Path, identifiers: Iterable[str] | None = None) -> Scan:
    """What ``read_records`` finds, but of each record only its facts: much less time and memory for many records.

    A record whose digest is right is taken for what was written, any other is read and checked whole. Of more than
    a few records that is remembered (``scan_index``), so that only what is new or changed is read again.
    """
    names = list(dict.fromkeys(record_names(results) if identifiers is None else identifiers))
    folder = records_folder(results)
    known = read_index(folder, names) if len(names) >= _INDEXED else {}
    valid, unread = _still_valid(folder, names, known)
    scan = Scan()
    fresh = {name: read_facts(f"{folder}/{name}.json") or _read_whole(scan, results, name) for name in unread}
    found = valid | {name: reading for name, reading in fresh.items() if reading is not None}
    if len(fresh) >= _INDEXED:
        write_index(folder, known | found)
    scan.facts.update((name, found[name].facts) for name in names if name in found)
    return scan


def _read_whole(scan: Scan, results: Path, name: str) -> Reading | None:
    """The facts of a record that is not sealed; of one that is not whole ``scan`` gets the reason."""
    path = record_path(results, name)
    before = _stamp(path)
    one = read_records(results, [name])
    scan.other_schemas.update(one.other_schemas)
    scan.broken.update(one.broken)
    return Reading(one.facts[name], settled(before, _stamp(path))) if name in one.facts else None


def _stamp(path: Path) -> Stamp | None:
    try:
        return stamp_of(path.stat())
    except OSError:
        return None


def _still_valid(
    folder: Path, names: Sequence[str], known: dict[str, Reading]
) -> tuple[dict[str, Reading], list[str]]:
    """What is known of files that are as they were, and the names of the other files that are there."""
    valid: dict[str, Reading] = {}
    unread: list[str] = []
    for name in names:
        try:
            status = os.stat(f"{folder}/{name}.json")  # noqa: PTH116 - 100,000 Paths take a second
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                unread.append(name)
            continue
        if name in known and known[name].stamp == stamp_of(status):
            valid[name] = known[name]
        else:
            unread.append(name)
    return valid, unread
