"""What every launcher keeps, whatever its engine; a place makes one with two slots, and ends its jobs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch import local, remote, slurm_queue
from harness.dispatch import ray as ray_module
from harness.dispatch import slurm as slurm_module
from harness.dispatch.devices import Device
from harness.dispatch.launcher import Handle, JobState, Launcher
from harness.dispatch.local import LocalLauncher
from harness.dispatch.ray import RayLauncher
from harness.dispatch.slurm import SlurmLauncher
from harness.matrix.cell import Cell
from harness.matrix.launching import Launching
from harness.plan.attempt import begin_attempt, end_attempt
from harness.plan.job import Job, flat_cells, write_job

_WORKER = """
import json, os, sys, time
print(json.dumps({"ready": os.getpid()}), flush=True)
for line in sys.stdin:
    end = os.path.join(os.path.dirname(line.strip()), "end")
    while not os.path.exists(end):
        time.sleep(0.005)
    status = int(open(end).read())
    print(json.dumps({"job": line.strip(), "status": status}), flush=True)
    if status:
        sys.exit(status)
"""


class Place:
    """A launcher with two slots, and the way in which a worker of it ends with a status."""

    def __init__(
        self, launcher: Launcher, end: Callable[[Path, int], None], begun: Callable[[Path], bool] = lambda _: True
    ) -> None:
        self.launcher, self.end, self._begun = launcher, end, begun

    def wait_for(self, folders: list[Path]) -> None:
        """Return when these jobs may be stopped: a thread in the place of Ray's process must not lose a worker."""
        for _ in range(3000):
            if all(map(self._begun, folders)):
                return
            time.sleep(0.01)
        raise TimeoutError


@pytest.fixture
def folders(tmp_path: Path, make_cell: Callable[..., Cell]) -> list[Path]:
    """Three jobs."""
    common: dict[str, Any] = {"kind": "run", "matrix": "m", "results": tmp_path, "data": None, "device": "cpu"}
    jobs = [Job(cells=flat_cells([make_cell(seed=seed)]), **common) for seed in (1, 2, 3)]
    return [write_job(job, number) for number, job in enumerate(jobs, start=1)]


def local_place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Workers of this machine that wait for a file."""
    monkeypatch.setattr(local, "serve_command", lambda: [sys.executable, "-S", "-E", "-c", _WORKER])
    return Place(LocalLauncher([Device("cpu"), Device("cpu")]), write_end)


def ray_place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Tasks of a made-up Ray with two cores, each with such a worker."""
    monkeypatch.setattr(ray_module, "serve_command", lambda: [sys.executable, "-S", "-E", "-c", _WORKER])
    monkeypatch.setattr(remote, "_LOOK_S", 0.01)
    monkeypatch.setattr(remote, "STOP_S", 0.2)
    begun: list[Path] = []
    look_after = remote._status

    def note(worker: Any, job: str) -> tuple[int, str]:
        begun.append(Path(job).parent)
        return look_after(worker, job)

    monkeypatch.setattr(remote, "_status", note)
    return Place(RayLauncher(Launching(kind="ray")), write_end, begun.__contains__)


def write_end(folder: Path, status: int) -> None:
    """Write the file that a worker waits for."""
    (folder / "being written").write_text(str(status))
    (folder / "being written").rename(folder / "end")


def slurm_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, slurm: Any) -> Place:
    """Jobs of a made-up Slurm, all of which begin at once."""
    monkeypatch.setattr(slurm_queue, "_FIRST_S", 0.0)
    monkeypatch.setattr(slurm_queue, "_BUSY_S", 0.0)
    monkeypatch.setattr(slurm_module, "_LOOK_S", 0.0)
    monkeypatch.setattr(slurm_module, "_LOOK_AT_QUEUED_S", 0.0)

    def end(folder: Path, status: int) -> None:
        end_attempt(folder, begin_attempt(folder), status)

    return Place(SlurmLauncher(Launching(kind="slurm", max_submitted=2), tmp_path / "m" / "slurm"), end)


@pytest.fixture(params=["local", "slurm", "ray"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    """One place of every kind."""
    if request.param == "local":
        own = local_place(monkeypatch)
    elif request.param == "slurm":
        own = slurm_place(monkeypatch, tmp_path, request.getfixturevalue("slurm"))
    else:
        request.getfixturevalue("fake_ray")
        own = ray_place(monkeypatch)
    yield own
    own.launcher.close()


def ended(handle: Handle) -> JobState:
    """The state of a job that ends soon."""
    for _ in range(1000):
        state = handle.state()
        if state.phase == "ended":
            return state
        time.sleep(0.01)
    raise TimeoutError


def test_every_job_has_a_handle_in_order(place: Place, folders: list[Path]) -> None:
    """Handles know their folders, and their jobs have not ended."""
    handles = place.launcher.submit(folders[:2])
    assert [handle.folder for handle in handles] == folders[:2]
    assert {handle.state().phase for handle in handles} <= {"queued", "running"}
    assert {handle.state().status for handle in handles} == {None}
    place.wait_for(folders[:2])
    place.launcher.stop(handles)


@pytest.mark.parametrize("status", [0, 2, 3])
def test_job_ends_with_its_workers_status(place: Place, folders: list[Path], status: int) -> None:
    """The status is the worker's, and stays."""
    (handle,) = place.launcher.submit(folders[:1])
    place.end(folders[0], status)
    assert (ended(handle).status, handle.state().status) == (status, status)


def test_room_is_what_is_left(place: Place, folders: list[Path]) -> None:
    """Jobs that have not ended take room, those that have give it back."""
    assert (place.launcher.room, place.launcher.workers >= 2) == (2, True)
    handles = list(place.launcher.submit(folders[:2]))
    assert place.launcher.room == 0
    place.end(folders[0], 0)
    ended(handles[0])
    assert place.launcher.room == 1
    handles += place.launcher.submit(folders[2:])
    assert place.launcher.room == 0
    place.wait_for(folders)
    place.launcher.stop(handles)
    assert place.launcher.room == 2


def test_stopped_jobs_are_gone_and_no_others(place: Place, folders: list[Path]) -> None:
    """Jobs that are stopped have ended when the call returns; the others go on to their own end."""
    first, second = place.launcher.submit(folders[:2])
    place.wait_for(folders[:2])
    place.launcher.stop([first])
    assert first.state().phase == "ended"
    assert first.state().status != 0
    assert second.state().phase in ("queued", "running")
    place.end(folders[1], 0)
    assert ended(second).status == 0


def test_nothing_is_nothing(place: Place) -> None:
    """To hand over and to stop no jobs does nothing."""
    assert list(place.launcher.submit([])) == []
    place.launcher.stop([])
    assert place.launcher.room == 2
