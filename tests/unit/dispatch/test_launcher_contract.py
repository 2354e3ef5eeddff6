"""What every launcher keeps, whatever its engine; a place makes one with two slots, and ends its jobs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch import local, remote, slurm_handle, slurm_queue
from harness.dispatch import ray as ray_module
from harness.dispatch.devices import Device
from harness.dispatch.local import LocalLauncher
from harness.dispatch.ray import RayLauncher
from harness.dispatch.slurm import SlurmLauncher
from harness.matrix.launching import Launching
from harness.plan.attempt import begin_attempt, end_attempt
from harness.testing.check import Owed
from harness.testing.launchers import LAUNCHER_CONTRACT, Subject, end_worker

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


def local_place(monkeypatch: pytest.MonkeyPatch) -> Subject:
    """Workers of this machine that wait for a file."""
    monkeypatch.setattr(local, "serve_command", lambda: [sys.executable, "-S", "-E", "-c", _WORKER])
    return Subject(LocalLauncher([Device("cpu"), Device("cpu")]), end_worker)


def ray_place(monkeypatch: pytest.MonkeyPatch) -> Subject:
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
    return Subject(RayLauncher(Launching(kind="ray")), end_worker, begun.__contains__)


def slurm_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, slurm: Any) -> Subject:
    """Jobs of a made-up Slurm, all of which begin at once."""
    monkeypatch.setattr(slurm_queue, "_FIRST_S", 0.0)
    monkeypatch.setattr(slurm_queue, "_BUSY_S", 0.0)
    monkeypatch.setattr(slurm_handle, "_LOOK_S", 0.0)
    monkeypatch.setattr(slurm_handle, "_LOOK_AT_QUEUED_S", 0.0)

    def end(folder: Path, status: int) -> None:
        end_attempt(folder, begin_attempt(folder), status)

    return Subject(SlurmLauncher(Launching(kind="slurm", max_submitted=2), tmp_path / "m" / "slurm"), end)


@pytest.fixture(params=["local", "slurm", "ray"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Subject]:
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


@pytest.mark.parametrize("owed", LAUNCHER_CONTRACT, ids=lambda owed: owed.__name__)
def test_a_launcher_keeps_its_contract(place: Subject, owed: Owed[Subject], tmp_path: Path) -> None:
    """The same that authors of plug-ins are given to run."""
    owed(place, tmp_path)
