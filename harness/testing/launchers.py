"""What every launcher owes, tried with workers that do what they are told and nothing else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.dispatch.devices import Device
from harness.dispatch.launcher import Handle, JobState, Launcher, Site
from harness.dispatch.table import LauncherRow, open_launcher
from harness.matrix.cell import Cell
from harness.matrix.launching import Launching
from harness.plan.job import Job, flat_cells, write_job
from harness.testing.check import Check, Owed, checks_of

_PATIENCE_S = 30.0
_LOOK_S = 0.01
_WORKER = """
import os, sys, time
end = os.path.join(sys.argv[1], "end")
while not os.path.exists(end):
    time.sleep(0.005)
sys.exit(int(open(end).read()))
"""


def told_worker(folder: Path) -> list[str]:
    """The command line of a worker that waits for ``end_worker``, and ends with the status that it gives."""
    return [sys.executable, "-S", "-E", "-c", _WORKER, str(folder)]


def end_worker(folder: Path, status: int) -> None:
    """Have the worker of a job end with this status."""
    (folder / "being written").write_text(str(status), encoding="utf-8")
    (folder / "being written").rename(folder / "end")


def _begins_at_once(_: Path) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Subject:
    """A launcher that has room for two jobs at a time, and nothing to do.

    Attributes:
        launcher: to be tried.
        end: has the worker of a job end with a status.
        has_begun: whether a job may be stopped already.
    """

    launcher: Launcher
    end: Callable[[Path, int], None] = end_worker
    has_begun: Callable[[Path], bool] = _begins_at_once

    def wait_for(self, folders: Sequence[Path]) -> None:
        """Return when these jobs may be stopped."""
        _wait(lambda: all(map(self.has_begun, folders)), "the jobs do not begin")


def write_jobs(folder: Path) -> list[Path]:
    """The folders of three jobs, below a folder."""
    cells = [Cell(dataset="digits", backbone="tiny", method="zero_shot", seed=seed) for seed in (1, 2, 3)]
    common: dict[str, Any] = {"kind": "run", "matrix": "m", "results": folder, "data": None, "device": "cpu"}
    return [write_job(Job(cells=flat_cells([cell]), **common), place) for place, cell in enumerate(cells, start=1)]


def ended(handle: Handle) -> JobState:
    """The state of a job that ends soon.

    Raises:
        AssertionError: it does not.
    """
    _wait(lambda: handle.state().phase == "ended", f"{handle.folder.name} does not end")
    return handle.state()


def _wait(is_so: Callable[[], bool], otherwise: str) -> None:
    last = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < last, f"{otherwise}, not within {_PATIENCE_S:g} s"
        time.sleep(_LOOK_S)


# --- what is owed ----------------------------------------------------------------------------------------------


def gives_a_handle_a_job_in_order(subject: Subject, folder: Path) -> None:
    """Handles know their folders, and their jobs have not ended."""
    folders = write_jobs(folder)[:2]
    handles = subject.launcher.submit(folders)
    assert [handle.folder for handle in handles] == folders, "there must be a handle a job, in order"
    states = [handle.state() for handle in handles]
    assert {state.phase for state in states} <= {"queued", "running"}, f"jobs that wait or run are {states}"
    assert {state.status for state in states} == {None}, f"jobs that have not ended have a status: {states}"
    subject.wait_for(folders)
    subject.launcher.stop(handles)


def tells_its_workers_status(subject: Subject, folder: Path) -> None:
    """The status is the worker's, and stays."""
    for job, status in zip(write_jobs(folder), (0, 2, 3), strict=True):
        (handle,) = subject.launcher.submit([job])
        subject.end(job, status)
        told = (ended(handle).status, handle.state().status)
        assert told == (status, status), f"a worker that ended with {status} is told to have ended with {told}"


def has_room_for_what_it_runs(subject: Subject, folder: Path) -> None:
    """Jobs that have not ended take room, those that have give it back."""
    folders, launcher = write_jobs(folder), subject.launcher
    assert launcher.workers >= 2, f"workers is {launcher.workers}"
    rooms = [launcher.room]
    handles = list(launcher.submit(folders[:2]))
    rooms.append(launcher.room)
    subject.end(folders[0], 0)
    ended(handles[0])
    rooms.append(launcher.room)
    handles += launcher.submit(folders[2:])
    rooms.append(launcher.room)
    subject.wait_for(folders)
    launcher.stop(handles)
    rooms.append(launcher.room)
    assert rooms == [2, 0, 1, 0, 2], (
        f"room must go 2, 0, 1, 0, 2 with two jobs, an end, another one and stop: {rooms}"
    )


def stops_those_jobs_and_no_others(subject: Subject, folder: Path) -> None:
    """Jobs that are stopped have ended when the call returns; the others go on to their own end."""
    folders = write_jobs(folder)
    first, second = subject.launcher.submit(folders[:2])
    subject.wait_for(folders[:2])
    subject.launcher.stop([first])
    state, other = first.state(), second.state()
    assert state.phase == "ended", "stop must return when the jobs have ended"
    assert state.status != 0, "a job that was stopped is told to be done"
    assert other.phase in ("queued", "running"), "a job that was not to be stopped has ended"
    subject.end(folders[1], 0)
    status = ended(second).status
    assert status == 0, f"the other job ended with {status}"


def takes_nothing_for_nothing(subject: Subject, _: Path) -> None:
    """To hand over and to stop no jobs does nothing."""
    assert list(subject.launcher.submit([])) == [], "no jobs have no handles"
    subject.launcher.stop([])
    assert subject.launcher.room == 2, f"room is {subject.launcher.room}"


LAUNCHER_CONTRACT: tuple[Owed[Subject], ...] = (
    gives_a_handle_a_job_in_order,
    tells_its_workers_status,
    has_room_for_what_it_runs,
    stops_those_jobs_and_no_others,
    takes_nothing_for_nothing,
)


def launcher_checks(name: str, row: LauncherRow, options: Mapping[str, Any]) -> tuple[Check, ...]:
    """A check for each thing that a launcher owes.

    Its workers are ``told_worker``, whose command line it finds in its ``Site``.

    Args:
        name: of the launcher.
        row: of the launcher.
        options: as a matrix would write them, with which it runs two jobs at a time.
    """
    return checks_of(name, LAUNCHER_CONTRACT, partial(_opened, row, Launching(kind=name, options=dict(options))))


@contextmanager
def _opened(row: LauncherRow, launching: Launching, folder: Path) -> Iterator[Subject]:
    site = Site((Device("cpu"),) * (2 if row.is_here else 1), folder / "m", told_worker)
    with closing(open_launcher(row, launching, site)) as launcher:
        yield Subject(launcher)
