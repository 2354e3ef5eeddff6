"""What runs inside a Slurm job; workers here are a few lines."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch import slurm_run
from harness.dispatch.slurm_run import WorkerRun
from harness.plan.job import STOPPED

LISTEN = """
import pathlib, signal, sys, time
def end(*_):
    print("saved", flush=True)
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
pathlib.Path({folder!r}, "ready").touch()
while True:
    time.sleep(0.01)
"""
DEAF = LISTEN.replace("signal.signal(signal.SIGTERM, end)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], WorkerRun]:
    """A run whose worker is some code."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(slurm_run, "goes_on", lambda _: False)

    def make(code: str, stop_s: float = 10.0) -> WorkerRun:
        command = [sys.executable, "-S", "-E", "-c", code.replace("{folder!r}", repr(str(tmp_path)))]
        monkeypatch.setattr(slurm_run, "worker_command", lambda folder, wait: [*command, str(folder), str(wait)])
        return WorkerRun(tmp_path, stop_s)

    return make


@pytest.fixture
def warned() -> Iterator[list[int]]:
    """The warnings that this process got."""
    found: list[int] = []
    before = signal.signal(signal.SIGUSR2, lambda number, _: found.append(number))
    yield found
    signal.signal(signal.SIGUSR2, before)


def test_worker_runs_to_its_end(
    work: Callable[..., WorkerRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets the job's folder, waits for others' cells, has the job's cores, and prints into the job's log."""
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    work("import os, sys; print(sys.argv[1:], os.environ['OMP_NUM_THREADS'])")()
    assert (tmp_path / "log.txt").read_text() == f"{[str(tmp_path), 'True']} 3\n"


@pytest.mark.parametrize(
    ("code", "status"), [("raise SystemExit(2)", 2), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_bad_end_is_slurms_exit_status(work: Callable[..., WorkerRun], code: str, status: int) -> None:
    """A worker that failed, or was killed, makes the job one that failed."""
    with pytest.raises(SystemExit) as caught:
        work(code)()
    assert caught.value.code == status


@pytest.mark.parametrize(("goes_on", "own_id"), [(True, "7"), (True, "7_3"), (False, "7")])
def test_worker_that_was_stopped_goes_on_later(
    work: Callable[..., WorkerRun], monkeypatch: pytest.MonkeyPatch, warned: list[int], goes_on: bool, own_id: str
) -> None:
    """Where Slurm lets the job go on its end would be its last; where it takes the job down there is no need."""
    if "_" in own_id:  # one job of an array has the array's number for its own
        monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "7")
        monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    monkeypatch.setattr(slurm_run, "goes_on", lambda job_id: goes_on and job_id == own_id)
    with pytest.raises(SystemExit) as caught:
        work(f"raise SystemExit({STOPPED})")()
    assert (caught.value.code, warned) == (STOPPED, [signal.SIGUSR2] if goes_on else [])


def in_the_middle(run: WorkerRun, tmp_path: Path, act: Callable[[], None]) -> int | str | None:
    """Act once the worker listens, in a signal's handler as Slurm would have it; the exit status of the run."""
    before = signal.signal(signal.SIGUSR1, lambda *_: act())

    def send() -> None:
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with pytest.raises(SystemExit) as caught:
            run()
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, before)
    return caught.value.code


def test_checkpoint_ends_the_worker_in_order(work: Callable[..., WorkerRun], tmp_path: Path) -> None:
    """The worker has saved and ended before the run is queued again, as it was at first."""
    run = work(LISTEN)
    kept: list[Any] = []

    def act() -> None:
        kept.append(run.checkpoint())
        kept.append((tmp_path / "log.txt").read_text())

    assert in_the_middle(run, tmp_path, act) == STOPPED
    again, log = kept
    assert log == "saved\n"
    assert isinstance(again.function, WorkerRun)
    assert (again.function.folder, again.function.stop_s) == (tmp_path, 10.0)
    pickle.dumps(again.function)


def test_deaf_worker_is_killed_in_time(work: Callable[..., WorkerRun], tmp_path: Path) -> None:
    """A worker that does not end leaves no orphan that would write beside the next attempt."""
    run = work(DEAF, stop_s=0.2)
    assert in_the_middle(run, tmp_path, run.checkpoint) == 137


def test_worker_does_not_hear_the_warning(work: Callable[..., WorkerRun], tmp_path: Path) -> None:
    """A signal to all processes of a step ends no worker that does not know it."""
    run = work(LISTEN)

    def act() -> None:
        assert run._process is not None
        os.kill(run._process.pid, signal.SIGUSR2)
        time.sleep(0.1)
        assert run._process.poll() is None
        run.checkpoint()

    assert in_the_middle(run, tmp_path, act) == STOPPED


def test_checkpoint_after_the_end_is_the_run_again(work: Callable[..., WorkerRun]) -> None:
    """A warning that comes when the worker has ended, or has not begun, needs nobody to be stopped."""
    run = work("")
    assert isinstance(run.checkpoint().function, WorkerRun)
    run()
    assert isinstance(run.checkpoint().function, WorkerRun)
