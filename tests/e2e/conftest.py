"""Workers that are calls, for tests of what is done and not of how processes do it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.dispatch.launcher import Handle, JobState
from harness.plan.job import JOB_FILE
from harness.worker.__main__ import main as work


@dataclass(frozen=True)
class Done:
    """A job that was done where it was sent from."""

    folder: Path
    status: int

    def state(self) -> JobState:
        """It has ended."""
        return JobState("ended", self.status)


class InThisProcess:
    """A launcher of one worker, who has always ended when anybody looks."""

    workers = room = 1

    def __init__(self, *_: object) -> None:
        """The devices are the CPU."""

    def submit(self, folders: Sequence[Path]) -> list[Handle]:
        """Do the jobs."""
        return [Done(folder, work([str(folder / JOB_FILE)])) for folder in folders]

    def stop(self, handles: Sequence[Handle]) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture(scope="module")
def in_this_process() -> Iterator[pytest.MonkeyPatch]:
    """Workers of a module are calls: starting a process takes longer than much that is done in one."""
    with pytest.MonkeyPatch.context() as patch:
        _work_here(patch)
        yield patch


@pytest.fixture
def without_processes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function after which the workers of a test are calls."""
    return lambda: _work_here(monkeypatch)


def _work_here(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("harness.cli.jobs.ask.LocalLauncher", InThisProcess)
    patch.setattr("harness.dispatch.local.LocalLauncher", InThisProcess)
