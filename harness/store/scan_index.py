"""What was read of records before, so that a large folder is not read again whole.

It lies in the cache folder and is only ever a cache. An entry counts while its file has the same size, times and
inode. Without it, or with one that is damaged or of another version, everything is read, with the same outcome.
Processes that write it at the same time lose each other's entries and nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from pydantic_core import from_json

import harness
from harness.files import cache_folder, digest_bytes, digest_text, write_bytes
from harness.store.facts import packed, unpacked
from harness.store.reading import Reading, Stamp

_FOLDER = "records"
_CODE = ("record.py", "facts.py", "reading.py", "scan_index.py")  # what a reading depends on, besides the file


def read_index(folder: Path, identifiers: Iterable[str]) -> dict[str, Reading]:
    """What was read before of the records in ``folder``, those of the named cells and of others."""
    place = _place(folder)
    found: dict[str, Reading] = {}
    for part in sorted({identifier[:1] for identifier in identifiers}):
        found |= _read_part(place / f"{part}.json")
    return found


def write_index(folder: Path, readings: Mapping[str, Reading]) -> None:
    """Keep readings, those without a stamp left out; where nothing can be written nothing is kept."""
    parts: dict[str, list[object]] = {}
    for identifier, (facts, stamp) in readings.items():
        if stamp is not None:
            parts.setdefault(identifier[:1], []).append([packed(facts), stamp])
    place = _place(folder)
    for part, rows in parts.items():
        body = json.dumps(rows, separators=(",", ":")).encode()
        try:
            write_bytes(place / f"{part}.json", _head(body) + b"\n" + body)
        except OSError:
            return


def clear_index() -> None:
    """Forget what was read of all folders."""
    shutil.rmtree(cache_folder() / _FOLDER, ignore_errors=True)


def _read_part(path: Path) -> dict[str, Reading]:
    """The entries of one file; none where it is not what ``write_index`` wrote."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        if head != _head(body):
            return {}
        rows = [(unpacked(row), Stamp(*stamp)) for row, stamp in from_json(body, cache_strings="all")]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
    return {facts.cell_id: Reading(facts, stamp) for facts, stamp in rows}


def _head(body: bytes) -> bytes:
    """The first line: which code read the records, and the digest of what follows."""
    return f"{_code_digest()} {digest_bytes(body)}".encode()


@cache
def _code_digest() -> str:
    """Another version may judge records otherwise, so that its index does not count."""
    sources = [(Path(__file__).parent / name).read_bytes() for name in _CODE]
    return digest_bytes(b"\0".join((harness.__version__.encode(), *sources)))


def _place(folder: Path) -> Path:
    """The index of a folder of records, by the name that all processes of a machine know it by."""
    return cache_folder() / _FOLDER / digest_text(os.path.realpath(folder))[:20]
