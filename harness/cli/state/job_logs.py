"""What the workers of a matrix told and printed, found by their job folders and read from the end."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.plan.job import EVENTS_FILE, LOG_FILE
from harness.report.page.logs import JobLog, Jobs

_MOST_JOBS = 200  # the last ones; a page has no room for all that were ever printed
_TAIL_BYTES = 1_000_000  # of a log that are looked through for tracebacks
_TAIL_LINES = 60
_TAIL_LETTERS = 6000
_ALIVE_S = 600.0  # a worker that told nothing for so long is not taken for a running one

_CELL = re.compile(r'"cell": "([0-9a-f]+)"')
_EPOCH = re.compile(r'"epoch": (\d+), "epochs": (\d+)')
_SAY = re.compile(r'^\{"event": "say", "text": ("(?:[^"\\]|\\.)*")\}$')
_ENDED = ('"event": "done"', '"event": "failed"')
_TRACEBACK = "Traceback (most recent call last):"
# Colours of a terminal, and every other control character but tabulator and line end.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(slots=True)
class _Told:
    """What the events of one job say."""

    cells: set[str] = field(default_factory=set)
    epochs: dict[str, tuple[int, int]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


def read_jobs(results: Path, matrix: str, failed: Mapping[str, str], *, is_live: bool = False) -> Jobs:
    """The jobs that the cells of a matrix ran in; a folder that cannot be read is as if it were not there.

    ``failed`` is from the ids of failed cells to their reasons, whose tracebacks are looked for. Only where
    ``is_live`` are cells that have begun told, since that depends on the clock.
    """
    folders = sorted((results / matrix / "jobs").glob("*-run"))[-_MOST_JOBS:]
    last: dict[str, Path] = {}
    told: dict[Path, _Told] = {}
    running: dict[str, tuple[int, int]] = {}
    for folder in folders:
        told[folder] = _told(folder / EVENTS_FILE)
        for cell in told[folder].cells:
            last[cell] = folder
            running.pop(cell, None)
        if is_live and _is_alive(folder / EVENTS_FILE):
            running |= told[folder].epochs
    used = [folder for folder in folders if folder in last.values()]
    texts = {folder: _end(folder / LOG_FILE) for folder in used}
    traces = {cell: _trace(texts[last[cell]], reason) for cell, reason in failed.items() if cell in last}
    return Jobs(
        tuple(_log(folder, told[folder].said, texts[folder]) for folder in used),
        {cell: used.index(folder) for cell, folder in last.items()},
        {cell: trace for cell, trace in traces.items() if trace},
        running,
    )


def _told(path: Path) -> _Told:
    told = _Told()
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                _take(told, line.rstrip("\n"))
    except OSError:
        pass
    return told


def _take(told: _Told, line: str) -> None:
    """Take in one event, without parsing the thousands that only say how far a cell is."""
    cell = _CELL.search(line)
    if cell is None:
        said = _SAY.match(line)
        if said:
            with contextlib.suppress(ValueError):  # a line that is not whole yet
                told.said.append(str(json.loads(said[1])))
        return
    told.cells.add(cell[1])
    epoch = _EPOCH.search(line)
    if epoch:
        told.epochs[cell[1]] = int(epoch[1]), int(epoch[2])
    elif line.startswith(tuple("{" + ended for ended in _ENDED)):
        told.epochs.pop(cell[1], None)


def _is_alive(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _ALIVE_S
    except OSError:
        return False


def _end(path: Path) -> str:
    """The last part of a file as text that can be shown."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _log(folder: Path, said: Iterable[str], text: str) -> JobLog:
    lines = [*said, *text.splitlines()]
    tail = "\n".join(lines[-_TAIL_LINES:])
    return JobLog(folder.name, tail[-_TAIL_LETTERS:], len(lines) > _TAIL_LINES or len(tail) > _TAIL_LETTERS)


def _trace(text: str, reason: str) -> str:
    """The last traceback that ends in ``reason``; empty where there is none."""
    end = text.rfind(reason)
    start = text.rfind(_TRACEBACK, 0, end) if end >= 0 else -1
    found = text[start : end + len(reason)] if start >= 0 else ""
    return found if len(found) <= _TAIL_LETTERS else f"{found[:1000]}\n...\n{found[-_TAIL_LETTERS:]}"
