"""Workers as processes of this machine; most of them are a few lines that speak as harness.worker does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.waiting import until

from harness.dispatch import local
from harness.dispatch.devices import Device
from harness.dispatch.launcher import JobState, worker_command
from harness.dispatch.local import LocalHandle, LocalLauncher

CPU = Device("cpu")
TALK = """
import json, os, sys, time
def answer(**said):
    print(json.dumps(said), flush=True)
answer(ready=os.getpid())
"""
SERVE = """
for line in sys.stdin:
    do(line.strip())
    answer(job=line.strip(), status=status)
    if status:
        sys.exit(status)
"""
Launch = Callable[..., LocalLauncher]


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """Launchers whose workers run some code for every job."""
    launchers: list[LocalLauncher] = []

    def make(do: str, *slots: Device, head: str = TALK, serve: str = SERVE) -> LocalLauncher:
        body = "\n".join(f"    {line}" for line in do.splitlines())
        code = f"{head}\nstatus = 0\ndef do(job):\n    global status\n{body}\n{serve}"
        monkeypatch.setattr(local, "serve_command", lambda: [sys.executable, "-S", "-E", "-c", code])
        launchers.append(LocalLauncher(slots or (CPU,)))
        return launchers[-1]

    yield make
    for launcher in launchers:
        launcher.close()


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Three job folders."""
    found = [tmp_path / f"job{number}" for number in range(3)]
    for folder in found:
        folder.mkdir()
    return found


def ended(handle: LocalHandle) -> JobState:
    """The state of a job that ends soon."""
    for _ in range(3000):
        state = handle.state()
        if state.phase == "ended":
            return state
        time.sleep(0.005)
    raise TimeoutError


def is_gone(process: int) -> bool:
    """Whether no process has the number, or a zombie."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return True


def test_a_job_is_a_module_and_a_file(tmp_path: Path) -> None:
    """Nothing but a file name crosses to a worker."""
    job = str(tmp_path / "job.json")
    assert worker_command(tmp_path) == [sys.executable, "-P", "-m", "harness.worker", job]
    assert worker_command(tmp_path, wait=True) == [sys.executable, "-P", "-m", "harness.worker", job, "--wait"]


def test_every_device_is_a_slot() -> None:
    """There are as many slots as devices."""
    launcher = LocalLauncher([Device("cuda", "0"), Device("cuda", "1")])
    assert (launcher.workers, launcher.room) == (2, 2)


@pytest.mark.parametrize(
    ("device", "seen"),
    [(Device("cpu"), "None"), (Device("cuda", "GPU-7", threads=3), "GPU-7")],
)
def test_worker_sees_its_device_alone(
    launch: Launch, folders: list[Path], monkeypatch: pytest.MonkeyPatch, device: Device, seen: str
) -> None:
    """A worker has its slot's GPU and share of the cores, threads that sleep, and a session of its own."""
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    names = ("CUDA_VISIBLE_DEVICES", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")
    do = f"print(*map(os.environ.get, {names}), os.getsid(0) == os.getpid(), file=open(job + '.said', 'w'))"
    (handle,) = launch(do, device).submit(folders[:1])
    assert ended(handle) == JobState("ended", 0)
    assert (folders[0] / "job.json.said").read_text() == f"{seen} passive {device.threads or 8} True\n"


def test_a_worker_takes_job_after_job(launch: Launch, folders: list[Path]) -> None:
    """It is one process, which is gone when the launcher is closed."""
    launcher = launch("pass")
    processes = set()
    for folder in folders:
        (handle,) = launcher.submit([folder])
        assert ended(handle).status == 0
        assert launcher.room == 1
        processes.add(handle.process)
    launcher.close()
    (process,) = processes
    assert is_gone(process)


def test_slots_work_side_by_side(launch: Launch, folders: list[Path]) -> None:
    """No more jobs are taken than there are slots, and each slot has a process."""
    launcher = launch("time.sleep(60)", CPU, CPU)
    handles = launcher.submit(folders)
    assert (len(handles), launcher.room) == (2, 0)
    assert len({handle.process for handle in handles}) == 2
    launcher.stop(handles)


def test_a_worker_that_dies_is_replaced(launch: Launch, folders: list[Path]) -> None:
    """The signal is told, what it said is in the job's log, and the next job has a process of its own."""
    launcher = launch("if job.count('job0'): print('lost', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)")
    (first,) = launcher.submit(folders[:1])
    assert ended(first) == JobState("ended", -9)
    assert (folders[0] / "log.txt").read_text() == "lost\n"
    (second,) = launcher.submit(folders[1:2])
    assert ended(second).status == 0
    assert second.process != first.process


def test_a_worker_that_cannot_start_ends_its_job(launch: Launch, folders: list[Path]) -> None:
    """What it said stands in the log of the job that it was started for."""
    launcher = launch("pass", head="import sys; sys.exit('no torch here')", serve="")
    (handle,) = launcher.submit(folders[:1])
    assert ended(handle) == JobState("ended", 1)
    assert "no torch here" in (folders[0] / "log.txt").read_text()
    assert launcher.room == 1


def test_a_job_that_ends_badly_takes_its_worker_along(launch: Launch, folders: list[Path]) -> None:
    """Its slot is free once the process, and the memory of its device, is gone."""
    launcher = launch("status = 3", serve=SERVE.replace("sys.exit", "time.sleep(0.2); sys.exit"))
    (first,) = launcher.submit(folders[:1])
    assert ended(first) == JobState("ended", 3)
    assert launcher.room == 0
    until(lambda: launcher.room == 1)
    assert is_gone(first.process)


def test_a_stopped_job_is_gone(launch: Launch, folders: list[Path]) -> None:
    """A worker that is told to end has ended when the call returns, and so have its children."""
    do = """
import subprocess
child = subprocess.Popen(["sleep", "60"])
print(child.pid, file=open(job + ".child", "w"), flush=True)
time.sleep(60)
"""
    launcher = launch(do.strip())
    (handle,) = launcher.submit(folders[:1])
    said = folders[0] / "job.json.child"
    until(lambda: said.exists() and said.read_text())
    assert handle.state() == JobState("running")
    launcher.stop([handle])
    assert handle.state() == JobState("ended", -15)
    until(lambda: is_gone(int(said.read_text())))


def test_a_deaf_worker_is_killed(launch: Launch, folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not listen is killed after a while."""
    monkeypatch.setattr(local, "_STOP_S", 0.05)
    do = "import signal; signal.signal(15, signal.SIG_IGN); open(job + '.deaf', 'w'); time.sleep(60)"
    launcher = launch(do)
    (handle,) = launcher.submit(folders[:1])
    until((folders[0] / "job.json.deaf").exists)
    launcher.stop([handle])
    assert handle.state() == JobState("ended", -9)


def test_a_stuck_worker_is_killed(launch: Launch, folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """One that gives no sign of life, since it is stopped, ends its job with the reason."""
    monkeypatch.setattr(local, "_SILENT_S", 0.1)
    launcher = launch("time.sleep(60)")
    (handle,) = launcher.submit(folders[:1])
    until(lambda: (handle.state(), handle._worker._patience_s < 1)[1])
    os.kill(handle.process, signal.SIGSTOP)
    state = ended(handle)
    assert state.status == -9
    assert state.why.startswith("it gave no sign of life for ")
    assert is_gone(handle.process)
    assert launcher.room == 1


def test_signs_of_life_keep_a_worker(launch: Launch, folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A job may take as long as it likes, also when nobody has looked for long."""
    monkeypatch.setattr(local, "_SILENT_S", 1.5)
    launcher = launch("for _ in range(12): time.sleep(0.2); answer(alive=1)")
    (handle,) = launcher.submit(folders[:1])
    time.sleep(1.8)
    assert ended(handle) == JobState("ended", 0)


def test_workers_end_with_the_command(tmp_path: Path, folders: list[Path]) -> None:
    """When the launcher's process is killed, an idle worker and a busy one see their stdin end."""
    code = f"""
import sys, time
from pathlib import Path
from harness.dispatch import local
from harness.dispatch.devices import Device
local.serve_command = lambda: [sys.executable, "-S", "-E", "-c", "import sys; sys.stdin.read()"]
launcher = local.LocalLauncher([Device("cpu")])
(handle,) = launcher.submit([Path({str(folders[0])!r})])
print(handle.process, flush=True)
time.sleep(60)
"""
    command = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert command.stdout is not None
    worker = int(command.stdout.readline())
    command.kill()
    command.wait()
    command.stdout.close()
    until(lambda: is_gone(worker))
