"""``harness run`` as a process, with workers that write records without computing anything."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.backbone.spec import backbone_spec
from harness.backbone.weights import weights_digest
from harness.store.records import read_records

# A worker that speaks as harness.worker does; what it does with a cell is a line of the test's.
WORKER = """
import contextlib, json, os, queue, signal, sys, threading, time
from pathlib import Path
from harness.data.catalog import DATASETS
from harness.matrix.identity import cell_id
from harness.plan.attempt import begin_attempt, end_attempt
from harness.plan.job import read_job
from harness.store.claims import Claimant
from harness.store.record import RunRecord
from harness.store.records import read_records, write_record
FACTS, DO = json.loads(sys.argv[1]), sys.argv[2]
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
def answer(**said):
    print(json.dumps(said), flush=True)
jobs, is_busy = queue.SimpleQueue(), threading.Event()
def read():
    for line in sys.stdin:
        jobs.put(line)
    jobs.put("")
    if is_busy.is_set():
        os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=read, daemon=True).start()
answer(ready=os.getpid())
while line := jobs.get():
    is_busy.set()
    path, status = Path(line.strip()), 0
    os.dup2(os.open(path.parent / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    job, attempt = read_job(path), begin_attempt(path.parent)
    if job.kind == "check":
        time.sleep(float(os.environ.get("CHECK_S", "0")))
        (path.parent / "faults.json").write_text("[]")
    events = (path.parent / "events.jsonl").open("a")
    claims = Claimant(job.results)
    with contextlib.closing(claims):
        for number, cell in enumerate(job.cell_values() if job.kind == "run" else ()):
            identifier = cell_id(cell)
            if claims.claim(identifier) is not None:
                print(json.dumps({"event": "held", "cell": identifier, "by": "somebody"}), file=events, flush=True)
                continue
            there = read_records(job.results, [identifier]).records.get(identifier)
            if there is not None and there.status == "done":  # by another, since the job was written
                claims.release(identifier)
                print(json.dumps({"event": "recorded", "cell": identifier}), file=events, flush=True)
                continue
            exec(DO)
            if status:
                break
            record = RunRecord(
                cell_id=identifier, cell=cell.to_dict(), status="done", n_correct=1, n_test=2,
                per_class=[{"name": "a", "n_test": 2, "n_correct": 1, "n_predicted": 2}],
                provenance=FACTS | {"split_digest": DATASETS[cell.dataset].split_digest}, created_at="now",
            )
            write_record(job.results, record)
            claims.release(identifier)
            said = {"event": "done", "cell": identifier, "accuracy": 0.5, "seconds": 0.0}
            print(json.dumps(said), file=events, flush=True)
    end_attempt(path.parent, attempt, status)
    is_busy.clear()
    answer(job=line.strip(), status=status)
    if status:
        sys.exit(status)
"""
MATRIX = """
name: mine
backbones: tiny
datasets: digits
shots: 1
seeds: [1, 2, 3]
methods: [{method: coop, context: [unified, class_specific]}]
"""
N_CELLS = 6


class Command:
    """The command, whose workers do something with every cell."""

    def __init__(self, folder: Path, do: str, *options: str) -> None:
        provenance = {
            "harness_version": "0", "git_commit": None, "git_dirty": None, "packages": {}, "python": "3",
            "platform": "x", "device": "cpu", "precision": "fp32", "subset_digest": None, "images_digest": None,
            "weights_digest": weights_digest(backbone_spec("tiny")), "seeds": {},
        }  # fmt: skip
        worker = [sys.executable, "-c", WORKER, json.dumps(provenance), do]
        arguments = ["run", "-m", str(folder / "m.yaml"), "--results", str(folder / "results"), "--device", "cpu"]
        code = (
            "import sys; from harness.dispatch import dispatch, local, ray; from harness.cli import main;"
            f"local.serve_command = ray.serve_command = lambda: {worker!r}; dispatch._HELD_S = 0.1;"
            f"sys.exit(main({[*arguments, *options]!r}))"
        )
        self.results, self._said = folder / "results", folder / f"said-{time.monotonic_ns()}.txt"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )

    def wait(self) -> int:
        """Its exit code."""
        return self.process.wait(60)

    @property
    def said(self) -> str:
        """What it has said."""
        return self._said.read_text()

    @property
    def n_done(self) -> int:
        """The records that are there."""
        return len(read_records(self.results).records)

    def workers(self) -> list[int]:
        """The process numbers of its workers, of whatever launcher, which say it in the folders of their jobs."""
        found = self.results.glob("mine/jobs/*/status.json")
        return list(dict.fromkeys(json.loads(path.read_text())["process"] for path in found))

    def started(self) -> list[int]:
        """The process numbers of all that it has started itself, such as Ray's."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(number) for number in found]


Run = Callable[..., Command]
# The launchers whose workers are there when a signal comes; one worker, or two.
ONE = [
    pytest.param(("--workers", "1"), id="local"),
    pytest.param(("--launcher", "ray", "--max-concurrent", "1"), id="ray", marks=pytest.mark.ray),
]
TWO = [
    pytest.param(("--workers", "2"), id="local"),
    pytest.param(("--launcher", "ray", "--max-concurrent", "2"), id="ray", marks=pytest.mark.ray),
]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A starter of commands, which are gone behind the test."""
    (tmp_path / "m.yaml").write_text(MATRIX)
    started: list[Command] = []

    def start(do: str = "", *options: str) -> Command:
        started.append(Command(tmp_path, do, *options))
        return started[-1]

    yield start
    for command in started:
        command.process.kill()
        command.process.wait()


def _wait_for(happens: Callable[[], object]) -> None:
    for _ in range(6000):
        if happens():
            return
        time.sleep(0.005)
    raise TimeoutError


def _are_gone(processes: list[int]) -> None:
    """All have ended; Ray's take a moment to."""
    _wait_for(lambda: not any(map(_is_alive, processes)))


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _leaves_nothing(command: Command) -> None:
    assert list((command.results / "claims" / "cells").iterdir()) == []
    assert list((command.results / "claims" / "owners").iterdir()) == []


@pytest.mark.parametrize("place", ONE)
def test_a_first_interrupt_lets_running_jobs_finish(run: Run, tmp_path: Path, place: tuple[str, ...]) -> None:
    """It says so, begins no other, and ends with 130; the next run does the rest."""
    a_job_more = "include: {dataset: digits_noisy, method: zero_shot}\n"
    (tmp_path / "m.yaml").write_text(MATRIX + a_job_more)
    command = run(f"while number and not Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.01)", *place)
    _wait_for(lambda: command.n_done >= 1)
    processes = command.workers() + command.started()
    command.process.send_signal(signal.SIGINT)
    _wait_for(lambda: "running jobs finish, no others begin; Ctrl-C again stops now" in command.said)
    (tmp_path / "go").touch()
    assert command.wait() == 130
    assert f"mine: {N_CELLS} done, 0 failed, 1 unfinished" in command.said
    _are_gone(processes)
    _leaves_nothing(command)
    again = run()
    assert again.wait() == 0
    assert "mine: 1 done, 0 failed, 0 unfinished" in again.said


@pytest.mark.parametrize("place", TWO)
@pytest.mark.parametrize(("signals", "code"), [([signal.SIGINT, signal.SIGINT], 130), ([signal.SIGTERM], 143)])
def test_a_stop_ends_workers_in_order(
    run: Run, signals: list[signal.Signals], code: int, place: tuple[str, ...]
) -> None:
    """At once, what is unfinished is left to the next run, and no claim stays."""
    command = run("if number == 1: time.sleep(60)", *place)
    _wait_for(lambda: command.n_done == 2)  # so that each of two workers sleeps
    processes = command.workers() + command.started()
    for kind in signals:
        command.process.send_signal(kind)
        time.sleep(0.3)
    assert command.wait() == code
    assert "interrupted; what was finished is kept, and the next run goes on from there" in command.said
    assert "failed" not in command.said.replace("0 failed", "")
    _are_gone(processes)
    _leaves_nothing(command)
    again = run()
    assert again.wait() == 0
    assert again.n_done == N_CELLS


@pytest.mark.parametrize("place", ONE)
@pytest.mark.parametrize(
    ("kind", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_before_the_first_job_ends_the_check(
    run: Run, monkeypatch: pytest.MonkeyPatch, place: tuple[str, ...], kind: signal.Signals, code: int, word: str
) -> None:
    """The worker that looks at the cells is ended with its command, which says so in one line."""
    monkeypatch.setenv("CHECK_S", "60")
    command = run("", *place)
    _wait_for(command.workers)
    processes = command.workers() + command.started()
    command.process.send_signal(kind)
    assert command.wait() == code
    assert command.said.splitlines()[1:] == [
        f"error: {word}; what was finished is kept, and the next run goes on from there"
    ]
    _are_gone(processes)


@pytest.mark.ray
@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("after_s", [0.0, 1.0, 2.0])
def test_a_signal_while_a_cluster_starts_ends_it(
    run: Run, kind: signal.Signals, code: int, after_s: float
) -> None:
    """Ray's own handlers do not get in the way, and none of its processes stays."""
    command = run("", "--launcher", "ray")
    _wait_for(command.started)
    time.sleep(after_s)
    processes = command.started()
    command.process.send_signal(kind)
    assert command.wait() == code
    _are_gone(processes)


def test_a_poisonous_cell_fails_and_the_others_are_done(run: Run) -> None:
    """Exit 1, the reason and the end of the log; the reason stays in the record."""
    poison = "if (cell.seed, cell.context) == (2, 'unified'): os.write(2, b'oh no'); os.kill(os.getpid(), 11)"
    command = run(poison)
    assert command.wait() == 1
    assert f"mine: {N_CELLS - 1} done, 1 failed, 0 unfinished" in command.said
    assert "a worker was killed by SIGSEGV; " in command.said
    assert "oh no" in command.said
    (failed,) = (record for record in read_records(command.results).records.values() if record.status == "failed")
    assert failed.reason == "the worker was killed by SIGSEGV, 3 tries"
    assert failed.details == {"log_tail": ["oh no"]}
    _leaves_nothing(command)
    again = run("")
    assert again.wait() == 1
    assert "nothing to do, 5 of 6 cells are done" in again.said
    last = run("", "--retry-failed")
    assert (last.wait(), last.n_done) == (0, N_CELLS)
    assert all(record.status == "done" for record in read_records(command.results).records.values())


def test_a_killed_command_is_gone_on_with(run: Run) -> None:
    """Its worker ends with it; of two further runs at once each does a part, and no cell is done twice."""
    first = run("time.sleep(0.3)")
    _wait_for(lambda: first.n_done >= 2)
    first.process.kill()
    first.process.wait()
    both = run("time.sleep(0.1)"), run("time.sleep(0.1)")
    assert [command.wait() for command in both] == [0, 0]
    assert first.n_done == N_CELLS
    done = [
        event["cell"]
        for path in (first.results / "mine" / "jobs").glob("*/events.jsonl")
        for event in map(json.loads, path.read_text().splitlines())
        if event["event"] == "done"
    ]
    assert len(done) == len(set(done))
    _leaves_nothing(both[0])


def test_what_would_break_every_job_ends_the_run(run: Run) -> None:
    """One error with the end of a log, in place of a failed cell a job; no cell has failed."""
    command = run("status = 1; os.write(2, b'ImportError: libcuda.so.1')")
    assert command.wait() == 1
    assert f"mine: 0 done, 0 failed, {N_CELLS} unfinished" in command.said
    assert "error: 3 jobs ended alike before any cell was done: the worker broke down: ImportError" in command.said
    assert command.n_done == 0
