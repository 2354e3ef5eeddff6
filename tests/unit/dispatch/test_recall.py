"""What a dispatch does with jobs that wait at their engine, and with those that its users took away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch import watch as watch_module
from harness.dispatch.dispatch import Ground, Outcome, dispatch
from harness.dispatch.launcher import CANCELLED, PREEMPTED, JobState
from harness.dispatch.orders import Orders
from harness.dispatch.piece import Piece
from harness.matrix.cell import Cell

QUEUED, RUNNING, DONE = JobState("queued", why="Priority"), JobState("running"), JobState("ended", 0)
LOST = JobState("ended", 143, PREEMPTED)


class Handle:
    """A job that stands as a script says: a state a look, the last one for ever."""

    def __init__(self, folder: Path, states: Sequence[JobState]) -> None:
        self.folder, self.states = folder, list(states)

    def state(self) -> JobState:
        """The next state."""
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


class Engine:
    """Takes all jobs at once, and has each stand as the next script says."""

    workers = room = 9

    def __init__(self, tmp_path: Path, scripts: Sequence[Sequence[JobState]]) -> None:
        self.tmp_path, self.scripts = tmp_path, list(scripts)
        self.handles: list[Handle] = []
        self.stopped: list[Handle] = []

    def submit(self, folders: Sequence[Path]) -> list[Handle]:
        """A handle each."""
        new = [Handle(folder, self.scripts.pop(0)) for folder in folders]
        self.handles += new
        return new

    def stop(self, handles: Sequence[Handle]) -> None:
        """They are cancelled."""
        for handle in handles:
            self.stopped.append(handle)
            handle.states = [JobState("ended", 143, CANCELLED)]

    def close(self) -> None:
        """Nothing is held."""

    def write(self, cells: Sequence[Cell]) -> Path:
        """A job's folder."""
        folder = self.tmp_path / f"job{len(self.handles)}-{cells[0].seed}"
        folder.mkdir()
        return folder


class Later(Orders):
    """A first interrupt that comes when jobs have been looked at a few times."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        super().__init__()

    @property
    def finish(self) -> bool:
        """Whether it has come."""
        self.looks -= 1
        return self.looks < 0

    @finish.setter
    def finish(self, value: bool) -> None:
        """Orders begin with none."""


@pytest.fixture
def run(
    tmp_path: Path, make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Engine, list[str], Outcome]]:
    """A dispatch of so many jobs over scripts of states; the engine, what was said, and the outcome."""
    monkeypatch.setattr(watch_module, "_SHORTEST_S", 0.0)

    def run(
        n_jobs: int, *scripts: Sequence[JobState], orders: Orders | None = None
    ) -> tuple[Engine, list[str], Outcome]:
        engine = Engine(tmp_path, scripts)
        ground = Ground(engine.write, lambda _: [], lambda _: None, lambda *_: None)
        pieces = [Piece((make_cell(seed=number),)) for number in range(n_jobs)]
        told: list[Any] = []
        outcome = dispatch(pieces, ground, engine, told.append, orders or Orders())
        return engine, [event["text"] for event in told if event["event"] == "say"], outcome

    return run


def test_places_are_told_while_jobs_wait(run: Callable[..., Any]) -> None:
    """It is said how many jobs run and wait, and why."""
    _, said, _ = run(2, [QUEUED, QUEUED, DONE], [RUNNING, RUNNING, DONE])
    assert said == ["1 jobs run, 1 wait (Priority)"]


def test_nothing_is_told_where_no_job_waits(run: Callable[..., Any]) -> None:
    """Where all jobs run at once there is nothing to say."""
    _, said, _ = run(2, [RUNNING, DONE], [RUNNING, DONE])
    assert said == []


def test_first_interrupt_takes_back_what_waits(run: Callable[..., Any]) -> None:
    """Queued jobs are cancelled, also one that is preempted afterwards; running ones finish."""
    preempted = JobState("queued", why=PREEMPTED)
    running = [RUNNING] * 20
    engine, _, outcome = run(3, [QUEUED], [*running, DONE], [*running, preempted], orders=Later(3))
    first, second, third = engine.handles
    assert engine.stopped == [first, third]
    assert second.states == [DONE]
    assert [(ended.folder, ended.why) for ended in outcome.broken] == [
        (first.folder, CANCELLED),
        (third.folder, CANCELLED),
    ]


def test_cancelled_job_is_not_tried_again(run: Callable[..., Any]) -> None:
    """Somebody cancelled it on purpose."""
    engine, said, outcome = run(1, [RUNNING, JobState("ended", 143, CANCELLED)])
    assert (len(engine.handles), said, len(outcome.broken)) == (1, [], 1)


def test_preempted_job_is_handed_over_again_as_it_is(run: Callable[..., Any]) -> None:
    """Where an engine does not queue a preempted job again the dispatch does, and counts no try."""
    engine, _, outcome = run(1, *[[RUNNING, LOST]] * 6, [DONE])
    assert (len(engine.handles), len(outcome.broken), outcome.fault) == (7, 6, None)
