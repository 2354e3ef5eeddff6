"""Job after job through a worker's stdin and stdout, in a process that has no torch to wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.serving import Serving
from support.waiting import until

# What __main__ does around serve, with a job that is a few lines.
CODE = """
import os, sys, time
from pathlib import Path
from harness.worker import serve as room
from harness.worker.stopping import StoppedError, Stopping
room._ALIVE_S = 0.01
stopping = Stopping(grace_s=0.5)
def do(path):
    print("working on", path.parent.name, flush=True)
    os.write(2, b"a library says so\\n")
    exec(path.read_text())
    return status
def note(what):
    Path(sys.argv[1], what).touch()
try:
    with stopping.listening(), stopping.last_words(lambda: note("last words")):
        sys.exit(room.serve(do, stopping))
except StoppedError:
    note("in order")
    sys.exit(143)
"""


class Worker:
    """A process that serves."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        with (tmp_path / "start.txt").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", CODE, str(tmp_path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._talk = Serving(self.process)
        self.answer, self.hang_up = self._talk.answer, self._talk.hang_up

    def send(self, name: str, code: str) -> Path:
        """Give it a job of some lines; its folder."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "job.json").write_text(code)
        self._talk.send(folder)
        return folder


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """A worker, which is gone behind the test."""
    found = Worker(tmp_path)
    yield found
    found.process.kill()
    found.process.wait()
    for pipe in (found.process.stdin, found.process.stdout):
        assert pipe is not None
        pipe.close()


def test_jobs_are_done_in_turn_with_a_log_each(worker: Worker) -> None:
    """It says that it is ready, then how each ended; a job's output, also of libraries, is in its log."""
    assert worker.answer("ready") == {"ready": worker.process.pid}
    for name, status in (("one", 0), ("two", 2), ("three", 0)):
        folder = worker.send(name, f"global status; status = {status}")
        assert worker.answer("job") == {"job": str(folder / "job.json"), "status": status}
        assert (folder / "log.txt").read_text() == f"working on {name}\na library says so\n"
    assert worker.hang_up() == 0
    assert (worker.folder / "start.txt").read_text() == ""


def test_one_that_has_answered_is_idle(worker: Worker) -> None:
    """Who hangs up as soon as the last answer is there ends no job, however long the worker takes to look up."""
    answer_and_sleep = """
global status, answer
status, answer = 0, room._Answers.__call__
room._Answers.__call__ = lambda *told, **said: (answer(*told, **said), "job" in said and time.sleep(0.3))
"""
    worker.send("last", answer_and_sleep)
    worker.answer("job")
    assert worker.hang_up() == 0


def test_it_gives_signs_of_life_while_it_works(worker: Worker) -> None:
    """Their numbers go up."""
    worker.send("long", "time.sleep(60)")
    numbers = [worker.answer("alive")["alive"] for _ in range(5)]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("status", [1, 3, 4])
def test_a_job_that_ends_badly_ends_its_worker(worker: Worker, status: int) -> None:
    """It may have left something behind; the answer comes first."""
    worker.send("bad", f"global status; status = {status}")
    assert worker.answer("job")["status"] == status
    assert worker.process.wait(30) == status


def test_a_busy_worker_ends_in_order_when_stdin_ends(worker: Worker) -> None:
    """Its command was killed: a job that waits, and one that never comes back to Python's eye, both end."""
    folder = worker.send("long", "time.sleep(60)")
    until((folder / "log.txt").exists)
    assert worker.hang_up() == 143
    assert (worker.folder / "in order").exists()


def test_a_job_that_does_not_end_is_ended_hard(worker: Worker) -> None:
    """What has to be left behind is left all the same."""
    code = "while True:\n    try: time.sleep(60)\n    except BaseException: pass"
    folder = worker.send("deaf", code)
    until((folder / "log.txt").exists)
    assert worker.hang_up() == 143
    assert not (worker.folder / "in order").exists()
    assert (worker.folder / "last words").exists()


def test_an_idle_worker_that_is_terminated_ends_in_order(worker: Worker) -> None:
    """Nothing waits for a job that never comes."""
    worker.answer("ready")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(30) == 143
    assert (worker.folder / "in order").exists()


def test_a_job_behind_a_closed_stdin_is_not_begun_in_vain(worker: Worker) -> None:
    """Jobs that were sent before their command died are not worked off for nobody."""
    first = worker.send("first", "time.sleep(60)")
    second = worker.send("second", "time.sleep(60)")
    until((first / "log.txt").exists)
    assert worker.hang_up() == 143
    assert not (second / "log.txt").exists()


def test_answers_that_nobody_reads_are_dropped(worker: Worker) -> None:
    """A closed pipe is no error of the job."""
    worker.answer("ready")
    assert worker.process.stdout is not None
    worker.process.stdout.close()
    worker.send("one", "global status; status = 0")
    until((worker.folder / "one" / "log.txt").exists)
    assert worker.hang_up() in (0, 143)
    assert (worker.folder / "start.txt").stat().st_size == 0


def test_a_stopped_worker_wakes_up_when_its_command_is_killed(tmp_path: Path) -> None:
    """A process that is stopped sees nothing end, and would stay for ever."""
    command = (
        "import subprocess, sys, time; pipe = subprocess.PIPE;"
        f"worker = subprocess.Popen([sys.executable, '-c', {CODE!r}, {str(tmp_path)!r}], stdin=pipe, stdout=pipe);"
        "worker.stdout.readline(); print(worker.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    os.kill(worker, signal.SIGSTOP)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not _runs(worker))


def _runs(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
