"""What a launcher is: a place where workers run, on jobs that lie in folders.

What crosses is a job's folder and a command line. How a job stands is known from its engine; how its cells stand,
only from the records.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from harness.dispatch.devices import Device
from harness.plan.job import JOB_FILE

Phase = Literal["queued", "running", "ended"]

# What an engine's users do to its jobs, as ``JobState.why``: that is no fault of the job.
PREEMPTED, CANCELLED = "preempted", "cancelled"

# -P: what lies in the current folder, a user's `random.py` perhaps, is not imported in the place of a library's.
_WORKER = (sys.executable, "-P", "-m", "harness.worker")

USUAL_WORKERS = 16  # jobs that a cluster is thought to run at a time where nobody says


@dataclass(frozen=True, slots=True)
class JobState:
    """How a job stands.

    Attributes:
        phase: whether it waits for its place, runs, or has ended.
        status: the worker's exit status once it has ended, negative for a signal; ``None`` where nobody knows it.
        why: what the engine says of it, such as ``preempted`` of a job that is queued again; empty mostly.
    """

    phase: Phase
    status: int | None = None
    why: str = ""


class Handle(Protocol):
    """A job that was handed over."""

    @property
    def folder(self) -> Path:
        """The job's folder."""
        ...

    def state(self) -> JobState:
        """How it stands now; never waits long."""
        ...


class Launcher(Protocol):
    """Takes jobs and runs a worker on each."""

    @property
    def workers(self) -> int:
        """How many jobs run at a time when all goes well: groups of cells are cut to keep so many busy."""
        ...

    @property
    def room(self) -> int:
        """How many further jobs it takes now."""
        ...

    def submit(self, folders: Sequence[Path]) -> Sequence[Handle]:
        """Hand over jobs, at most ``room``; a handle each, in order.

        Raises:
            RunError: the engine refuses them.
        """
        ...

    def stop(self, handles: Sequence[Handle]) -> None:
        """End these jobs: ask their workers, wait a little, then make them; all are gone when it returns."""
        ...

    def close(self) -> None:
        """Let go of workers that wait for further jobs, and of the engine where it was started for this run."""
        ...


def worker_command(folder: Path, wait: bool = False) -> list[str]:
    """The command line of a worker that does one job.

    With ``wait`` it waits for cells that other workers hold: where nobody else comes back to them.
    """
    return [*_WORKER, str(folder / JOB_FILE), *(["--wait"] if wait else [])]


@dataclass(frozen=True, slots=True)
class Site:
    """What a launcher is made for.

    Attributes:
        devices: of workers: on this machine one for each that runs at a time, else what a job is to be lent.
        folder: of the matrix, below the results; a launcher's own files go into a folder of its name there.
        command: from a job's folder to the command line of a worker that does the job.
    """

    devices: tuple[Device, ...]
    folder: Path
    command: Callable[[Path], list[str]] = worker_command


def serve_command() -> list[str]:
    """The command line of a worker that takes job after job (worker/serve.py)."""
    return [*_WORKER, "--serve"]
