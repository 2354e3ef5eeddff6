"""How the tries at a job ended, as a file in its folder: for engines that know no exit statuses."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from harness.files import parsed_json, write_text

STATUS_FILE = "status.json"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a job.

    Attributes:
        number: from 1.
        process: the number of its process on its machine.
        status: the worker's exit status (plan/job.py); ``None`` while it runs, and for ever where it was killed.
    """

    number: int
    process: int
    status: int | None = None


def begin_attempt(folder: Path) -> Attempt:
    """The next try at the job; the status of the one before is gone."""
    before = read_attempt(folder)
    attempt = Attempt(1 if before is None else before.number + 1, os.getpid())
    _write(folder, attempt)
    return attempt


def end_attempt(folder: Path, attempt: Attempt, status: int) -> None:
    """Leave the status of a try, unless a later one has begun: the first may be the orphan of a lost machine."""
    now = read_attempt(folder)
    if now is None or (now.number, now.process) == (attempt.number, attempt.process):
        _write(folder, Attempt(attempt.number, attempt.process, status))


def read_attempt(folder: Path) -> Attempt | None:
    """The latest try at the job; ``None`` where none has begun."""
    try:
        content = parsed_json((folder / STATUS_FILE).read_text(encoding="utf-8"))
        status = content["status"]
        return Attempt(int(content["attempt"]), int(content["process"]), None if status is None else int(status))
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _write(folder: Path, attempt: Attempt) -> None:
    content = {"attempt": attempt.number, "process": attempt.process, "status": attempt.status}
    try:
        write_text(folder / STATUS_FILE, json.dumps(content) + "\n", durable=False)
    except OSError:
        return  # a full disk is told by the exit status
