"""Workers as processes of this machine."""

import sys
import time
from pathlib import Path

import pytest

from harness.dispatch import local
from harness.dispatch.devices import Device
from harness.dispatch.launcher import JobState, worker_command
from harness.dispatch.local import LocalHandle, LocalLauncher

SAY = """
import os
print(os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ["OMP_WAIT_POLICY"], os.getsid(0) == os.getpid())
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""


def use(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Make workers run ``code`` in place of the real worker."""
    monkeypatch.setattr(local, "worker_command", lambda folder: [sys.executable, "-S", "-E", "-c", code])


def wait(handle: LocalHandle) -> int:
    """The status of a worker that ends soon."""
    for _ in range(3000):
        status = handle.state().status
        if status is not None:
            return status
        time.sleep(0.01)
    raise TimeoutError


def test_command_is_a_module_and_a_job_file(tmp_path: Path) -> None:
    """Nothing but a file name crosses to a worker."""
    assert worker_command(tmp_path) == [sys.executable, "-m", "harness.worker", str(tmp_path / "job.json")]


def test_every_device_is_a_slot() -> None:
    """There are as many slots as devices."""
    launcher = LocalLauncher([Device("cuda", "0"), Device("cuda", "1")])
    assert (launcher.workers, launcher.room) == (2, 2)


@pytest.mark.parametrize(("device", "seen"), [(Device("cpu"), "None"), (Device("cuda", "GPU-7"), "GPU-7")])
def test_worker_sees_its_device_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: Device, seen: str
) -> None:
    """A worker has its slot's GPU, threads that sleep while they wait, a session of its own, and a log."""
    use(monkeypatch, SAY)
    (handle,) = LocalLauncher([device]).submit([tmp_path])
    assert wait(handle) == 0
    assert (tmp_path / "log.txt").read_text() == f"{seen} passive True\n"


def test_status_and_errors_of_a_worker_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status is the worker's, and what it says on stderr is in the log."""
    use(monkeypatch, "import sys; print('lost', file=sys.stderr); sys.exit(3)")
    (handle,) = LocalLauncher([Device("cpu")]).submit([tmp_path])
    assert wait(handle) == 3
    assert (tmp_path / "log.txt").read_text() == "lost\n"


def test_stopped_worker_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is told to end has ended when the call returns."""
    use(monkeypatch, "import time; time.sleep(60)")
    launcher = LocalLauncher([Device("cpu")])
    (handle,) = launcher.submit([tmp_path])
    assert handle.state() == JobState("running")
    assert launcher.room == 0
    launcher.stop([handle])
    assert handle.state() == JobState("ended", -15)


def test_deaf_worker_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not listen is killed after a while."""
    monkeypatch.setattr(local, "_STOP_S", 0.05)
    use(monkeypatch, DEAF)
    launcher = LocalLauncher([Device("cpu")])
    (handle,) = launcher.submit([tmp_path])
    for _ in range(3000):
        if (tmp_path / "log.txt").read_text():
            break
        time.sleep(0.01)
    launcher.stop([handle])
    assert handle.state() == JobState("ended", -9)
