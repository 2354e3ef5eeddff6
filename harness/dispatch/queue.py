"""A queue of jobs over the slots of a launcher."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.dispatch.launcher import Handle, Launcher
from harness.plan.job import EVENTS_FILE, LOG_FILE

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that ended: its folder, and the worker's exit status."""

    folder: Path
    status: int

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that the worker printed."""
        try:
            text = (self.folder / LOG_FILE).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


def run_jobs(
    folders: Sequence[Path], launcher: Launcher, on_event: Callable[[dict[str, Any]], None]
) -> list[Ended]:
    """All jobs, in order, as slots become free; how each ended.

    ``on_event`` is told what workers tell. When anything is raised, an interrupt included, all workers are
    ended first.
    """
    waiting = list(folders)
    running: dict[int, tuple[Path, Handle, _Events]] = {}
    ended: list[Ended] = []
    try:
        while waiting or running:
            for slot in range(launcher.slots):
                if slot not in running and waiting:
                    folder = waiting.pop(0)
                    running[slot] = (folder, launcher.submit(folder, slot), _Events(folder / EVENTS_FILE))
            for slot, (folder, handle, events) in list(running.items()):
                status = handle.poll()
                for event in events.read():
                    on_event(event)
                if status is not None:
                    ended.append(Ended(folder, status))
                    del running[slot]
            time.sleep(_POLL_S)
    finally:
        for _, handle, _ in running.values():
            handle.stop()
    return ended


class _Events:
    """The lines that a worker adds to its event file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> list[dict[str, Any]]:
        """The events since the last reading; a line that is not whole yet waits for the next one."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                content = file.read()
        except FileNotFoundError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]
