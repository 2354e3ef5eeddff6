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
    """A job that ended: its folder, and the worker's exit status, ``None`` where nobody knows it."""

    folder: Path
    status: int | None

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
    """All jobs, in order, as the launcher has room; how each ended.

    ``on_event`` is told what workers tell. When anything is raised, an interrupt included, all workers are
    ended first.
    """
    waiting = list(folders)
    running: list[tuple[Handle, _Events]] = []
    ended: list[Ended] = []
    try:
        while waiting or running:
            now, waiting = waiting[: launcher.room], waiting[launcher.room :]
            running += [(handle, _Events(handle.folder / EVENTS_FILE)) for handle in launcher.submit(now)]
            for handle, events in tuple(running):
                state = handle.state()
                for event in events.read():
                    on_event(event)
                if state.phase == "ended":
                    ended.append(Ended(handle.folder, state.status))
                    running.remove((handle, events))
            time.sleep(_POLL_S)
    finally:
        launcher.stop([handle for handle, _ in running])
        launcher.close()
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
