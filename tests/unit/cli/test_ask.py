"""Asking a worker."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.cli.jobs import ask
from harness.dispatch.devices import Device
from harness.dispatch.launcher import JobState
from harness.errors import HarnessError, RunError
from harness.plan.job import FAULTS_FILE, LOG_FILE, Job


class Fake:
    """A launcher whose worker leaves a file and ends with a status."""

    workers = room = 1

    def __init__(self, status: int, name: str, content: str) -> None:
        self._left = status, name, content

    def submit(self, folders: Sequence[Path]) -> list[Any]:
        """Leave the file."""
        status, name, content = self._left
        for folder in folders:
            (folder / name).write_text(content)
        state = JobState("ended", status)
        return [type("Handle", (), {"folder": folder, "state": lambda _: state})() for folder in folders]

    def stop(self, handles: Sequence[Any]) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Ask a worker that does so."""

    def do(*left: Any) -> Path:
        monkeypatch.setattr(ask, "LocalLauncher", lambda _: Fake(*left))
        job = Job(kind="check", matrix="m", cells=(), results=tmp_path, data=None, device="cpu")
        return ask.ask_worker(job, [Device("cpu")])

    return do


def test_a_worker_that_finds_nothing_wrong_leaves_its_folder(asked: Callable[..., Path]) -> None:
    """What it wrote lies there."""
    assert (asked(0, FAULTS_FILE, "[]") / "job.json").is_file()


def test_faults_of_a_worker_are_raised_together(asked: Callable[..., Path]) -> None:
    """All of them, as it wrote them."""
    with pytest.raises(HarnessError) as caught:
        asked(
            0, FAULTS_FILE, '[{"where": "a", "what": "b.", "mend": "c"}, {"where": "", "what": "d.", "mend": ""}]'
        )
    assert [str(fault) for fault in caught.value.faults] == ["a: b. c", "d."]


def test_a_worker_that_breaks_down_shows_its_log(asked: Callable[..., Path]) -> None:
    """Status and the last lines."""
    with pytest.raises(
        RunError, match=r"the check job ended with status -11; the end of .*log\.txt:\nout of luck"
    ):
        asked(-11, LOG_FILE, "out of luck\n")
