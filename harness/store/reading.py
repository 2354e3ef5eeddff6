"""A record read for its facts, without making values of its rows.

A record's file begins with the SHA-256 of all that follows. Where that is right the file is to the last byte what
``write_record`` wrote of a record that had been checked whole, so that it need not be checked again.
"""

from __future__ import annotations

import os
import time
from pathlib import PurePath
from typing import NamedTuple

from pydantic_core import from_json

from harness.files import digest_bytes, digest_text
from harness.store.facts import Facts, facts_of_head
from harness.store.record import SCHEMA_VERSION

_BEGIN, _BEHIND = '{\n "sha256": "', '",\n'
_DIGITS = 64
# Lines that no string can hold: rows begin with the first, the second begins the rest of them, nothing follows.
_ROWS, _EPOCHS = b'\n "per_class": ', b'\n "history": '
_A_CLASS = b'"n_predicted": '  # quotes inside of strings are written with a backslash
# A file that changed twice within a tick of its file system's clock can look the same both times. One that is
# older than this when it is read cannot: its next change will have another time.
_SETTLED_NS = 2_000_000_000


class Stamp(NamedTuple):
    """By what a file's content is known to be the same as before."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Reading(NamedTuple):
    """The facts of a file; ``stamp`` is ``None`` while it is too young for its stamp to tell."""

    facts: Facts
    stamp: Stamp | None


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of a file with this status."""
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def settled(before: Stamp | None, after: Stamp | None) -> Stamp | None:
    """The stamp of a file that was read between two looks at it; ``None`` where it does not tell the content."""
    if before is None or before != after:
        return None
    return before if max(before.mtime_ns, before.ctime_ns) < time.time_ns() - _SETTLED_NS else None


def sealed(text: str) -> str:
    """JSON of an object, over several lines, with the digest of all that stands behind it as its first value."""
    rest = text.removeprefix("{\n") + "\n"
    return f"{_BEGIN}{digest_text(rest)}{_BEHIND}{rest}"


def is_sealed(content: bytes) -> bool:
    """Whether a file begins with the digest of the rest of it."""
    start = len(_BEGIN) + _DIGITS
    if not content.startswith(_BEGIN.encode()) or content[start : start + len(_BEHIND)] != _BEHIND.encode():
        return False
    return content[len(_BEGIN) : start] == digest_bytes(content[start + len(_BEHIND) :]).encode()


def read_facts(path: str) -> Reading | None:
    """The facts of a file that is sealed and holds the record that its name says; ``None`` for any other."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - making a Path takes as long as opening the file
            before = stamp_of(os.fstat(file.fileno()))
            content = file.read()
            after = stamp_of(os.fstat(file.fileno()))
        facts = _facts(content) if is_sealed(content) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if facts is None or facts.cell_id != PurePath(path).stem:
        return None
    return Reading(facts, settled(before, after))


def _facts(content: bytes) -> Facts | None:
    """The facts in a sealed file; ``None`` where another version wrote it.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: likewise.
    """
    head, rows, behind = content.partition(_ROWS)
    flat = from_json(head.rstrip(b",") + b"}")
    if not rows or flat["schema_version"] != SCHEMA_VERSION:
        return None
    return facts_of_head(flat, behind.partition(_EPOCHS)[0].count(_A_CLASS))
