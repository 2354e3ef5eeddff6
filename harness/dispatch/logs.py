"""The last words of a job: its worker's, else those of the engine that was to start one."""

from __future__ import annotations

from pathlib import Path

from harness.plan.job import LOG_FILE

ENGINE_LOG = "engine.txt"  # in a job's folder: what the engine and its set-up said
_TAIL_BYTES = 64_000


def last_log(folder: Path) -> Path:
    """The log that says most: the worker's, if it said anything, else the engine's where there is one."""
    own, engine = folder / LOG_FILE, folder / ENGINE_LOG
    return own if _tail(own).strip() or not engine.exists() else engine


def log_tail(folder: Path, lines: int = 15) -> str:
    """The last lines of that log; empty where there is none."""
    return "\n".join(_tail(last_log(folder)).splitlines()[-lines:])


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - _TAIL_BYTES))
            return log.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
