"""What runs on a node: a worker, and an eye on it."""

from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.waiting import until

from harness.dispatch import remote
from harness.dispatch.remote import Errand, keep_worker, look_around, read_attempts
from harness.plan.job import LOG_FILE

# Speaks as harness/worker/serve.py does; the job file says what else it does.
WORKER = """
import json, os, sys, threading, time
say = lambda **answer: os.write(1, json.dumps(answer).encode() + b"\\n")
say(ready=os.getpid())
say(alive=0)
file = sys.stdin.readline().strip()
job = json.load(open(file))
os.write(2, b"at it\\n")
open(os.path.join(os.path.dirname(file), "process"), "w").write(str(os.getpid()))
def end():
    sys.stdin.read()
    if not job.get("deaf"):
        os.write(2, b"ended in order\\n")
        os._exit(143)
threading.Thread(target=end, daemon=True).start()
exec(job.get("code", ""))
time.sleep(job.get("work_s", 0))
say(job=file, status=job.get("status", 0))
threading.Event().wait(60)
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_LOOK_S", 0.01)


@pytest.fixture
def errand(tmp_path: Path) -> Callable[..., Errand]:
    """A maker of errands; what the worker does is said by name."""

    def make(
        *, program: str = WORKER, most: int = 4, environment: dict[str, str] | None = None, **job: Any
    ) -> Errand:
        (tmp_path / "job.json").write_text(json.dumps(job))
        return Errand(
            folder=str(tmp_path),
            job=str(tmp_path / "job.json"),
            command=(sys.executable, "-S", "-E", "-c", program),
            working_folder=str(tmp_path.parent),
            environment=environment or {},
            submission="one",
            most_attempts=most,
        )

    return make


def is_alive(process: int) -> bool:
    """Whether a process runs; one that nobody has asked about since it ended does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_file_needs_nothing_but_the_standard_library() -> None:
    """It crosses to Pythons that know nothing of the harness."""
    imported = set()
    for node in ast.walk(ast.parse(Path(remote.__file__).read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).split(".")[0])
    assert imported <= sys.stdlib_module_names


def test_log_file_is_the_one_that_everybody_reads() -> None:
    """The name stands here a second time because nothing can be imported."""
    assert remote.LOG_FILE == LOG_FILE


@pytest.mark.parametrize("status", [0, 2])
def test_status_is_what_the_worker_says_of_its_job(
    errand: Callable[..., Errand], tmp_path: Path, status: int
) -> None:
    """A worker that is done with its job is sent home, and what it printed is in the log."""
    assert keep_worker(errand(status=status)) == (status, "")
    assert (tmp_path / LOG_FILE).read_text() == "at it\nended in order\n"
    assert not is_alive(int((tmp_path / "process").read_text()))


@pytest.mark.parametrize(("code", "status"), [("os._exit(7)", 7), ("os.kill(os.getpid(), 9)", -9)])
@pytest.mark.parametrize("is_early", [True, False])
def test_status_of_a_worker_that_says_nothing_is_its_exit_status(
    errand: Callable[..., Errand], code: str, status: int, is_early: bool
) -> None:
    """A worker that breaks down, before its job or in it, is told by how it ended."""
    broken = errand(program=f"import os; {code}") if is_early else errand(code=code)
    assert keep_worker(broken) == (status, "")


def test_answers_in_pieces_and_other_lines_do_not_confuse(errand: Callable[..., Errand]) -> None:
    """What is no answer is passed over, and an answer may come in two pieces."""
    code = """
import os, sys, time
file = sys.stdin.readline().strip()
os.write(1, b'not JSON\\n{"job": ')
time.sleep(0.1)
os.write(1, b'"x", "status": 5}\\n')
"""
    assert keep_worker(errand(program=code)) == (5, "")


def test_worker_has_the_variables_and_the_folder_of_the_command(
    errand: Callable[..., Errand], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command's variables go before the node's, and what the node adds, its GPU above all, is there."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.setenv("HARNESS_CACHE", "of the node")
    code = f"""
import json, os, signal, sys
facts = dict(os.environ), os.getcwd(), os.getsid(0) == os.getpid(), signal.SIGINT in signal.pthread_sigmask(0, [])
json.dump(facts, open({str(tmp_path / "facts")!r}, "w"))
"""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        assert keep_worker(errand(program=code, environment={"HARNESS_CACHE": "mine"})) == (0, "")
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    environment, folder, leads_a_session, is_deaf_to_interrupts = json.loads((tmp_path / "facts").read_text())
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["HARNESS_CACHE"]) == ("3", "mine")
    assert (folder, leads_a_session, is_deaf_to_interrupts) == (str(tmp_path.parent), True, False)


@pytest.mark.parametrize(("deaf", "last_line"), [(False, "ended in order"), (True, "at it")])
def test_interrupt_ends_the_worker_and_what_it_started(
    errand: Callable[..., Errand],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    start_task: Callable[..., Any],
    deaf: bool,
    last_line: str,
) -> None:
    """A cancelled job leaves no process: the worker is asked, then killed, and its children with it."""
    monkeypatch.setattr(remote, "STOP_S", 0.3 if deaf else 10.0)
    code = "import subprocess; open(file + '.child', 'w').write(str(subprocess.Popen(['sleep', '60']).pid))"
    started = tmp_path / "job.json.child"
    task = start_task(keep_worker, errand(code=code, work_s=60, deaf=deaf))
    until(lambda: started.is_file() and started.read_text())
    task.cancel()
    task.join(20)
    assert type(task.error).__name__ == "TaskCancelledError"
    assert (tmp_path / LOG_FILE).read_text().splitlines()[-1] == last_line
    assert not is_alive(int((tmp_path / "process").read_text()))
    until(lambda: not is_alive(int(started.read_text())))


def test_second_interrupt_ends_the_worker_at_once(
    errand: Callable[..., Errand], tmp_path: Path, start_task: Callable[..., Any]
) -> None:
    """Who asks twice does not wait for a worker that does not listen."""
    task = start_task(keep_worker, errand(work_s=60, deaf=True))
    until((tmp_path / "process").is_file)
    for _ in range(2):
        task.cancel()
        time.sleep(0.1)
    task.join(5)  # less than STOP_S
    assert task.is_ready
    assert not is_alive(int((tmp_path / "process").read_text()))


def test_worker_without_a_sign_of_life_is_killed(
    errand: Callable[..., Errand], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is stuck does not keep its device for ever."""
    monkeypatch.setattr(remote, "SILENT_S", 0.2)
    monkeypatch.setattr(remote, "STOP_S", 0.1)
    status, why = keep_worker(errand(work_s=60, deaf=True))
    assert (status, why) == (-9, "it gave no sign of life for 0 s and was killed")
    assert not is_alive(int((tmp_path / "process").read_text()))


def test_signs_of_life_keep_a_worker_at_work(
    errand: Callable[..., Errand], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long job goes on as long as its worker says that it lives."""
    monkeypatch.setattr(remote, "SILENT_S", 0.3)
    assert keep_worker(errand(code="[(say(alive=n), time.sleep(0.1)) for n in range(6)]")) == (0, "")


def test_worker_ends_when_its_keeper_is_killed(errand: Callable[..., Errand], tmp_path: Path) -> None:
    """Whatever ends the keeper, the worker learns of it and is gone soon."""
    one = errand(work_s=60)
    keep = f"from harness.dispatch.remote import *; keep_worker(Errand(**{vars(one)!r}))"
    keeper = subprocess.Popen([sys.executable, "-c", keep])
    until((tmp_path / "process").is_file)
    until(lambda: (tmp_path / "process").read_text())
    keeper.kill()
    keeper.wait()
    until(lambda: not is_alive(int((tmp_path / "process").read_text())))
    assert (tmp_path / LOG_FILE).read_text().splitlines()[-1] == "ended in order"


def test_attempts_are_told_and_bounded(errand: Callable[..., Errand], tmp_path: Path) -> None:
    """Every attempt leaves a line; one more than there may be does not start a worker."""
    one = errand(most=2)
    assert [keep_worker(one) for _ in range(2)] == [(0, ""), (0, "")]
    assert keep_worker(one) == (None, "given up: each of 2 attempts was ended from outside")
    assert [told["attempt"] for told in read_attempts(tmp_path, "one")] == [1, 2, 3]
    assert keep_worker(replace(one, submission="two")) == (0, "")
    assert [told["attempt"] for told in read_attempts(tmp_path, "two")] == [1]


def test_attempts_are_read_past_a_line_that_was_cut_off(tmp_path: Path) -> None:
    """A crash in the middle of a line hides no other line."""
    (tmp_path / "attempts.jsonl").write_text('{"submission": "one", "attempt": 1}\n{"submis')
    assert [told["attempt"] for told in read_attempts(tmp_path, "one")] == [1]
    assert read_attempts(tmp_path / "absent", "one") == []


def test_node_that_does_not_see_the_folder_says_so(
    errand: Callable[..., Errand], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A results folder that is not on a shared file system is an answer, not a wait."""
    monkeypatch.setattr(remote, "SIGHT_S", 0.05)
    folder = tmp_path / "elsewhere"
    status, why = keep_worker(replace(errand(), folder=str(folder)))
    assert status is None
    assert f"does not see {folder}" in why


def test_folder_that_is_seen_late_is_waited_for(errand: Callable[..., Errand], tmp_path: Path) -> None:
    """Network file systems show a new folder after a while."""
    late = tmp_path / "late"
    timer = threading.Timer(0.2, late.mkdir)
    timer.start()
    assert keep_worker(replace(errand(), folder=str(late))) == (0, "")


def test_missing_python_is_named(errand: Callable[..., Errand]) -> None:
    """A node without the command's Python says which one it lacks."""
    status, why = keep_worker(replace(errand(), command=("/nowhere/python", "-c", "")))
    assert status is None
    assert why.endswith("cannot start /nowhere/python: No such file or directory")


def test_look_around_names_all_that_is_lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folder and Python are both looked for."""
    monkeypatch.setattr(remote, "SIGHT_S", 0.05)
    assert look_around(str(tmp_path), sys.executable) == []
    folder, program = look_around(str(tmp_path / "absent"), "/nowhere/python")
    assert folder.endswith(f"does not see {tmp_path / 'absent'}")
    assert program.endswith("has no /nowhere/python")
