"""Runs that are killed, interrupted and run beside each other: nothing is lost, repeated or left behind.

``-m chaos`` (``nox -s chaos``) plays many rounds with random moments; one round of everything is in the default
suite.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cli import main

MATRIX = """
name: small
backbones: tiny
datasets: digits
shots: [1, 2]
seeds: [1, 2]
recipe: {epochs: 6}
methods: [zero_shot, linear_probe, {method: coop, context: [unified, class_specific], n_ctx: 4}]
"""
N_CELLS = 13
_PATIENCE_S = 240.0


class Command:
    """``harness run`` as a process, and the workers that it starts."""

    def __init__(self, matrix: Path, results: Path, *options: str, **environment: str) -> None:
        """Start it; what it says goes to a file."""
        arguments = ["-m", "harness", "run", "--matrix", str(matrix), "--results", str(results), "--device", "cpu"]
        self._said = results.parent / f"said-{time.monotonic_ns()}.txt"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, *arguments, *options],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**os.environ, "HARNESS_STATE_S": "0.5", **environment},
                start_new_session=True,
            )
        self.seen: set[int] = set()

    def workers(self) -> list[int]:
        """The process numbers of the workers that run now."""
        found = [number for number, parent in _processes() if parent == self.process.pid]
        self.seen.update(found)
        return found

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(_PATIENCE_S)

    def kill(self) -> None:
        """End it without a warning, its workers not."""
        self.workers()
        self.process.kill()
        self.process.wait()

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self._said.read_text(errors="replace")


def _processes() -> Iterator[tuple[int, int]]:
    """Number and parent of every process that is no zombie."""
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                fields = Path(entry.path, "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                yield int(entry.name), int(fields[1])


def _wait_for(happens: Callable[[], object], what: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not happens():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


def _records(results: Path) -> dict[str, bytes]:
    """The record files, as they are now."""
    folder = results / "records"
    paths = [path for path in folder.glob("[!.]*.json") if not path.name.endswith(".words.json")]
    return {path.name: path.read_bytes() for path in paths}


def _wait_for_records(results: Path, number: int, *commands: Command) -> None:
    def happens() -> bool:
        for command in commands:
            command.workers()
        return len(_records(results)) >= number or all(command.process.poll() is not None for command in commands)

    _wait_for(happens, f"{number} records")


def _assert_all_gone(*commands: Command) -> None:
    """No worker outlives its command for long."""
    started = set().union(*(command.seen for command in commands))
    _wait_for(lambda: not started & {number for number, _ in _processes()}, "the end of all workers")


def _assert_once(results: Path) -> None:
    """No cell was recorded twice, and no claim is left."""
    done: Counter[str] = Counter()
    for path in (results / "small" / "jobs").glob("*/events.jsonl"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            done[event.get("cell", "")] += event["event"] == "done"
    assert max(done.values()) == 1
    assert sum(done.values()) <= N_CELLS
    assert list((results / "claims" / "cells").iterdir()) == []
    assert list((results / "claims" / "owners").iterdir()) == []


def _report(matrix: Path, results: Path, out: Path) -> dict[str, bytes]:
    assert main(["report", "--matrix", str(matrix), "--results", str(results), "--out", str(out)]) == 0
    # The page also tells how long every cell took, and when.
    return {path.name: path.read_bytes() for path in sorted(out.iterdir()) if path.name != "index.html"}


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small matrix."""
    path = tmp_path_factory.mktemp("matrix") / "matrix.yaml"
    path.write_text(MATRIX)
    return path


@pytest.fixture(scope="module")
def undisturbed(
    matrix: Path, tmp_path_factory: pytest.TempPathFactory, in_this_process: pytest.MonkeyPatch
) -> dict[str, bytes]:
    """The report of a run that nothing happened to."""
    results = tmp_path_factory.mktemp("undisturbed")
    assert main(["run", "--matrix", str(matrix), "--results", str(results), "--device", "cpu"]) == 0
    return _report(matrix, results, results / "out")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder."""
    return tmp_path / "results"


@pytest.mark.slow
def test_two_runs_of_which_one_is_killed(matrix: Path, results: Path, undisturbed: dict[str, bytes]) -> None:
    """On one folder, a worker and then a whole command are killed; the other one finishes, each cell once."""
    first = Command(matrix, results, "--workers", "1")
    second = Command(matrix, results, "--workers", "1")
    _wait_for_records(results, 3, first, second)
    before = _records(results)
    workers = first.workers()
    if workers:
        os.kill(workers[0], signal.SIGKILL)
    _wait_for_records(results, 6, first, second)
    first.kill()
    assert second.wait() == 0, second.said
    _assert_all_gone(first, second)
    after = _records(results)
    assert len(after) == N_CELLS
    assert {name: after[name] for name in before} == before
    _assert_once(results)
    assert _report(matrix, results, results / "out") == undisturbed


def _torment(pick: random.Random, commands: list[Command]) -> str:
    """Do something to one of the commands or to a worker; what it was."""
    command = pick.choice(commands)
    workers = command.workers()
    what = pick.choice(["worker", "worker", "command", "both", "interrupt", "interrupt twice", "terminate"])
    if what in ("worker", "both") and workers:
        os.kill(pick.choice(workers), signal.SIGKILL)
    if what in ("command", "both"):
        command.kill()
    if what.startswith("interrupt") and command.process.poll() is None:
        command.process.send_signal(signal.SIGINT)
    if what == "interrupt twice" and command.process.poll() is None:
        time.sleep(pick.uniform(0.01, 0.5))
        command.process.send_signal(signal.SIGINT)
    if what == "terminate" and command.process.poll() is None:
        command.process.terminate()
    return what


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(int(os.environ.get("HARNESS_CHAOS_ROUNDS") or 20)))
def test_chaos(matrix: Path, results: Path, undisturbed: dict[str, bytes], seed: int) -> None:
    """Whatever is killed, interrupted or terminated at whatever moments, the last run finishes what is left."""
    pick = random.Random(seed)
    commands: list[Command] = []
    story = []
    for _ in range(pick.randint(1, 4)):
        new = [Command(matrix, results, "--workers", str(pick.randint(1, 2))) for _ in range(pick.randint(1, 2))]
        commands += new
        for _ in range(pick.randint(1, 3)):
            if pick.random() < 0.7:
                _wait_for_records(results, len(_records(results)) + pick.randint(1, 3), *new)
            time.sleep(pick.uniform(0, 1.5))
            story.append(_torment(pick, new))
        for command in new:
            if command.process.poll() is None and pick.random() < 0.5:
                command.kill()
                story.append("kill")
        before = _records(results)
    for command in commands:
        command.wait()
        assert "Traceback" not in command.said, (story, command.said)
    last = Command(matrix, results, "--workers", "2")
    assert last.wait() == 0, (story, last.said)
    _assert_all_gone(*commands, last)
    after = _records(results)
    assert len(after) == N_CELLS, story
    assert {name: after[name] for name in before} == before, story
    _assert_once(results)
    assert _report(matrix, results, results / "out") == undisturbed, story
