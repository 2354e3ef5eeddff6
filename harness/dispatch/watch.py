"""Jobs that were handed to a launcher, watched until they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.dispatch.ended import Ended
from harness.dispatch.launcher import Handle, JobState, Launcher
from harness.files import parsed_json
from harness.plan.attempt import read_attempt
from harness.plan.job import EVENTS_FILE

Event = dict[str, Any]
_EVENTS_S = 0.2  # between two looks at the events of a job that runs
_SHORTEST_S, _LONGEST_S = 0.001, 0.1  # between two looks at all jobs


class Watch:
    """The running jobs of a launcher."""

    def __init__(self, launcher: Launcher, on_event: Callable[[Path, Event], None]) -> None:
        """``on_event`` is told what workers tell, with the folder of the job."""
        self._launcher = launcher
        self._on_event = on_event
        self._running: list[tuple[Handle, _Events]] = []
        self._states: dict[Path, JobState] = {}
        self._pause_s = _SHORTEST_S

    @property
    def n_running(self) -> int:
        """How many jobs have not ended."""
        return len(self._running)

    def submit(self, folders: Sequence[Path]) -> None:
        """Hand over jobs.

        Raises:
            RunError: the engine refuses them.
        """
        if folders:
            handles = self._launcher.submit(folders)
            self._running += [(handle, _Events(handle.folder / EVENTS_FILE)) for handle in handles]
            self._pause_s = _SHORTEST_S

    def look(self) -> list[Ended]:
        """The jobs that have ended since the last look; events are passed on, the last ones before that."""
        ended: list[Ended] = []
        for handle, events in tuple(self._running):
            state = self._states[handle.folder] = handle.state()
            is_over = state.phase == "ended"
            for event in () if state.phase == "queued" else events.read(at_once=is_over):
                self._on_event(handle.folder, event)
            if state.phase == "ended":
                status = state.status
                if status is None:
                    attempt = read_attempt(handle.folder)
                    status = None if attempt is None else attempt.status
                ended.append(Ended(handle.folder, status, state.why))
                self._running.remove((handle, events))
                del self._states[handle.folder]
        return ended

    @property
    def told(self) -> str:
        """How many jobs run and wait, and why; empty while none has to wait."""
        queued = [state for state in self._states.values() if state.phase == "queued"]
        if not queued:
            return ""
        why = ", ".join(dict.fromkeys(state.why for state in queued if state.why))
        return f"{len(self._states) - len(queued)} jobs run, {len(queued)} wait{f' ({why})' if why else ''}"

    def recall(self) -> None:
        """End the jobs that have not begun, or wait to go on; by a look of now, since one may just have begun."""
        queued = [handle for handle, _ in self._running if handle.state().phase == "queued"]
        if queued:
            self._launcher.stop(queued)

    def pause(self) -> None:
        """Wait a little: short when jobs end quickly, longer the longer nothing happens."""
        time.sleep(self._pause_s)
        self._pause_s = min(_LONGEST_S, self._pause_s * 1.5)

    def stop(self) -> None:
        """End all jobs that run."""
        if self._running:
            self._launcher.stop([handle for handle, _ in self._running])
            self.look()


def run_jobs(folders: Sequence[Path], launcher: Launcher, on_event: Callable[[Event], None]) -> list[Ended]:
    """All jobs, in order, as the launcher has room; how each ended.

    ``on_event`` is told what workers tell. When anything is raised, an interrupt included, all jobs are ended
    first. The launcher may be used again.
    """
    waiting = list(folders)
    ended: list[Ended] = []
    watch = Watch(launcher, lambda _, event: on_event(event))
    try:
        while waiting or watch.n_running:
            room = launcher.room
            now, waiting = waiting[:room], waiting[room:]
            watch.submit(now)
            ended += watch.look()
            if watch.n_running:
                watch.pause()
    finally:
        watch.stop()
    return ended


class _Events:
    """The lines that a worker adds to its event file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._next_s = 0.0

    def read(self, at_once: bool) -> list[Event]:
        """The events since the last reading; a line that is not whole yet waits for the next one.

        A reading that was just done is not done again, unless ``at_once``. A line that a worker was killed in
        the middle of is passed over.
        """
        now = time.monotonic()
        if now < self._next_s and not at_once:
            return []
        self._next_s = now + _EVENTS_S
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                content = file.read()
        except OSError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [event for line in whole.splitlines() if (event := _event(line)) is not None]


def _event(line: bytes) -> Event | None:
    try:
        event = parsed_json(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
