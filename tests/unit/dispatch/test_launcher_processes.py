"""What launchers promise whose workers serve: processes and logs. Lines of Python take the place of jobs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.waiting import until

from harness.dispatch import local, remote
from harness.dispatch import ray as ray_launcher
from harness.dispatch.devices import Device
from harness.dispatch.launcher import Handle, JobState, Launcher
from harness.dispatch.local import LocalLauncher
from harness.dispatch.ray import RayLauncher
from harness.matrix.launching import Launching

# Speaks as harness/worker/serve.py does, and does what the job file says.
WORKER = """
import json, os, queue, sys, threading, time
jobs = queue.SimpleQueue()
def read():
    for line in sys.stdin:
        jobs.put(line.strip())
    jobs.put(None)
    if busy:
        os._exit(143)
busy = False
threading.Thread(target=read, daemon=True).start()
while file := jobs.get():
    busy, status = True, 0
    log = os.open(os.path.join(os.path.dirname(file), "log.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    exec(open(file).read())
    busy = False
    os.write(1, json.dumps({"job": file, "status": status}).encode() + b"\\n")
"""
SLEEP = "open(file + '.pid', 'w').write(str(os.getpid())); time.sleep(60)"


@pytest.fixture(params=["local", "ray"])
def launcher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launcher]:
    """A launcher of two workers."""
    monkeypatch.setattr(remote, "_LOOK_S", 0.01)
    for module in (local, ray_launcher):
        monkeypatch.setattr(module, "serve_command", lambda: [sys.executable, "-S", "-E", "-c", WORKER])
    if request.param == "ray":
        request.getfixturevalue("fake_ray")
        launcher: Launcher = RayLauncher(Launching(kind="ray"))
    else:
        launcher = LocalLauncher([Device("cpu"), Device("cpu")])
    yield launcher
    launcher.close()


def ended(handle: Handle) -> JobState:
    """How a job ended, which it does soon."""
    until(lambda: handle.state().phase == "ended")
    return handle.state()


def process_of(folder: Path) -> Path:
    """The entry in /proc of the worker that sleeps on a job."""
    told = folder / "job.json.pid"
    until(lambda: told.is_file() and told.read_text())
    return Path("/proc") / told.read_text()


def is_gone(process: Path) -> bool:
    """Whether a process has ended, its entry perhaps still to be fetched."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.parametrize(
    ("code", "status"), [("", 0), ("status = 2", 2), ("os._exit(7)", 7), ("os.kill(os.getpid(), 9)", -9)]
)
def test_status_is_the_workers(launcher: Launcher, job: Callable[..., Path], code: str, status: int) -> None:
    """What a worker tells of its job counts, or how it died; the next job runs all the same."""
    (handle,) = launcher.submit([job("one", code)])
    assert ended(handle).status == status
    until(lambda: launcher.room == 2)
    (handle,) = launcher.submit([job("two")])
    assert ended(handle) == JobState("ended", 0)


def test_looking_never_waits(launcher: Launcher, job: Callable[..., Path]) -> None:
    """A look at a job that runs for long comes back at once."""
    (handle,) = launcher.submit([job("one", SLEEP)])
    process_of(handle.folder)
    start = time.monotonic()
    assert handle.state().phase == "running"
    assert time.monotonic() - start < 1.0


def test_log_holds_what_the_worker_prints(launcher: Launcher, job: Callable[..., Path]) -> None:
    """A job's log is in its folder, also when the worker dies in the middle."""
    (handle,) = launcher.submit([job("one", "os.write(2, b'here'); os.kill(os.getpid(), 9)")])
    ended(handle)
    assert (handle.folder / "log.txt").read_text() == "here"


def test_stopped_jobs_are_gone_and_the_others_are_not(launcher: Launcher, job: Callable[..., Path]) -> None:
    """After stop the processes of the stopped jobs have ended; other jobs do not notice."""
    one, two = launcher.submit([job("one", SLEEP), job("two", SLEEP)])
    processes = [process_of(handle.folder) for handle in (one, two)]
    launcher.stop([one])
    assert [is_gone(process) for process in processes] == [True, False]
    assert (one.state().phase, two.state().phase) == ("ended", "running")
    launcher.stop([one])
    launcher.stop([two])
    assert is_gone(processes[1])


def test_close_leaves_nothing(launcher: Launcher, job: Callable[..., Path]) -> None:
    """After close no worker is left, and a second close does nothing."""
    (handle,) = launcher.submit([job("one", SLEEP)])
    process = process_of(handle.folder)
    launcher.stop([handle])
    launcher.close()
    launcher.close()
    assert is_gone(process)
