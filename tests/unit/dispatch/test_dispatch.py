"""What is done when workers die, hold cells, or all fail alike; workers here are lines of a script."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch import dispatch as room
from harness.dispatch import watch
from harness.dispatch.dispatch import Ground, Outcome, dispatch
from harness.dispatch.launcher import JobState
from harness.dispatch.orders import Orders
from harness.dispatch.piece import Piece, smaller_pieces
from harness.errors import RunError
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.plan.attempt import begin_attempt
from harness.plan.job import BROKE, DONE, NOT_BEGUN, NOT_WRITTEN, OUT_OF_MEMORY, STOPPED
from harness.store.owner import Owner

OTHER = Owner("elsewhere", "", 7, 0, 120.0)
Work = Callable[["World", Path, list[Cell]], int | None]


class Handle:
    """A job that has ended when somebody looks, or runs until it is stopped."""

    def __init__(self, folder: Path, status: int | None, runs_on: bool) -> None:
        self.folder, self.status, self.runs_on = folder, status, runs_on

    def state(self) -> JobState:
        """How it stands."""
        return JobState("running") if self.runs_on else JobState("ended", self.status)


class World:
    """Records, claims and workers that are values."""

    workers = 2

    def __init__(self, tmp_path: Path, work: Work) -> None:
        self.tmp_path, self.work = tmp_path, work
        self.recorded: set[Cell] = set()
        self.failed: dict[Cell, tuple[str, list[str]]] = {}
        self.held: dict[Cell, Owner] = {}
        self.looks, self.changes = 0, dict[int, list[Callable[[], object]]]()
        self.jobs: list[tuple[Cell, ...]] = []
        self.events: list[dict[str, Any]] = []
        self.running: list[Handle] = []
        self.runs_on = False
        self.orders = Orders()

    @property
    def room(self) -> int:
        """There are two workers."""
        return self.workers - sum(handle.runs_on for handle in self.running)

    def submit(self, folders: Sequence[Path]) -> list[Handle]:
        """Do what the script says."""
        new = []
        for folder in folders:
            cells = list(self.jobs[int(folder.name)])
            new.append(Handle(folder, self.work(self, folder, cells), self.runs_on))
        self.running += new
        return new

    def stop(self, handles: Sequence[Handle]) -> None:
        """End them."""
        for handle in handles:
            handle.runs_on, handle.status = False, STOPPED

    def close(self) -> None:
        """Nothing is held."""

    def write(self, cells: Sequence[Cell]) -> Path:
        """A job's folder."""
        folder = self.tmp_path / str(len(self.jobs))
        folder.mkdir()
        self.jobs.append(tuple(cells))
        return folder

    def fail(self, cell: Cell, reason: str, log_tail: list[str]) -> None:
        """Remember a failure."""
        self.failed[cell] = reason, log_tail
        self.recorded.add(cell)

    def holder(self, cell: Cell) -> Owner | None:
        """Who holds a cell; the holders change as time goes by."""
        self.looks += 1
        for change in self.changes.pop(self.looks, []):
            change()
        return self.held.get(cell)

    def do(self, *pieces: Sequence[Cell]) -> Outcome:
        """Dispatch pieces."""
        ground = Ground(
            write=self.write,
            unfinished=lambda cells: [cell for cell in cells if cell not in self.recorded],
            holder=self.holder,
            fail=self.fail,
        )
        return dispatch((Piece(tuple(piece)) for piece in pieces), ground, self, self.events.append, self.orders)

    @property
    def said(self) -> list[str]:
        """What is told to the user."""
        return [event["text"] for event in self.events if event["event"] == "say"]


def tell(folder: Path, **event: Any) -> None:
    """Tell an event as a worker does."""
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")


def log(folder: Path, text: str) -> None:
    """Print what a worker prints."""
    (folder / "log.txt").write_text(text)


def record(world: World, folder: Path, cells: Sequence[Cell]) -> int:
    """Do all cells."""
    begin_attempt(folder)
    for cell in cells:
        world.recorded.add(cell)
        tell(folder, event="done", cell=cell_id(cell))
    return DONE


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_LONGEST_S", 0)
    monkeypatch.setattr(room, "_HELD_S", 0)


@pytest.fixture
def cells(make_cell: Callable[..., Cell]) -> list[Cell]:
    """Three draws of two cells."""
    pair = [make_cell(), make_cell(context="class_specific")]
    return [replace(cell, seed=seed) for seed in (1, 2, 3) for cell in pair]


def test_pieces_are_cut_by_draw_and_then_by_cell(cells: list[Cell]) -> None:
    """Only what is unfinished is tried again, and not a fourth time."""
    piece = Piece(tuple(cells))
    by_draw = smaller_pieces(piece, cells[1:])
    assert by_draw == [Piece(tuple(cells[1:2]), 1), Piece(tuple(cells[2:4]), 1), Piece(tuple(cells[4:]), 1)]
    assert smaller_pieces(by_draw[1], cells[2:4]) == [Piece((cells[2],), 2), Piece((cells[3],), 2)]
    assert smaller_pieces(Piece((cells[2],), 2), cells[2:3]) == []


def test_all_goes_well(cells: list[Cell], tmp_path: Path) -> None:
    """Jobs are begun in order, and nothing is said."""
    world = World(tmp_path, record)
    outcome = world.do(cells[:2], cells[2:])
    assert world.jobs == [tuple(cells[:2]), tuple(cells[2:])]
    assert (outcome, world.said) == (Outcome(), [])
    assert [event["cell"] for event in world.events] == [cell_id(cell) for cell in cells]


def test_a_cell_that_fails_by_itself_is_not_tried_again(cells: list[Cell], tmp_path: Path) -> None:
    """Its job is named, since its log tells more."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        record(world, folder, sent[1:])
        world.recorded.add(sent[0])
        tell(folder, event="failed", cell=cell_id(sent[0]), reason="the loss is nan")
        return DONE

    world = World(tmp_path, work)
    outcome = world.do(cells)
    assert len(world.jobs) == 1
    assert [ended.status for ended in outcome.failing] == [DONE]
    assert outcome.broken == []


@pytest.mark.parametrize("status", [-signal.SIGKILL, -signal.SIGSEGV, BROKE, OUT_OF_MEMORY, None, STOPPED])
def test_a_poisonous_cell_takes_only_itself_down(cells: list[Cell], tmp_path: Path, status: int | None) -> None:
    """Its companions are done, and it fails after three tries with the reason and the end of its worker's log."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int | None:
        if cells[2] not in sent:
            return record(world, folder, sent)
        record(world, folder, sent[: sent.index(cells[2])])
        log(folder, "some\nlast words\n")
        return status

    world = World(tmp_path, work)
    outcome = world.do(cells)
    assert world.recorded == set(cells)
    assert len(outcome.broken) == 3
    assert outcome.fault is None
    ((cell, (reason, log_tail)),) = world.failed.items()
    assert cell == cells[2]
    assert reason.endswith(", 3 tries")
    assert log_tail == ["some", "last words"]
    assert world.jobs[0] == tuple(cells)
    assert {len(job) for job in world.jobs[1:]} == {1, 2}
    assert len(world.jobs) == 1 + 2 + 2
    assert world.said[0].endswith("4 cells are tried again in 2 smaller jobs")
    assert [event["cell"] for event in world.events if event["event"] == "failed"] == [cell_id(cells[2])]


def test_a_worker_that_died_once_costs_nothing(cells: list[Cell], tmp_path: Path) -> None:
    """What it had recorded is not sent again."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        if folder.name == "0":
            record(world, folder, sent[:3])
            return -signal.SIGTERM
        return record(world, folder, sent)

    world = World(tmp_path, work)
    outcome = world.do(cells)
    assert (world.recorded, world.failed) == (set(cells), {})
    assert world.jobs[1:] == [(cells[3],), (cells[4], cells[5])]
    assert [ended.status for ended in outcome.broken] == [-signal.SIGTERM]
    assert world.said == ["a worker was killed by SIGTERM; 3 cells are tried again in 2 smaller jobs"]


def test_a_worker_that_died_behind_its_last_record_is_no_loss(cells: list[Cell], tmp_path: Path) -> None:
    """All cells have their record, so nothing is tried again."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        record(world, folder, sent)
        return -signal.SIGKILL

    world = World(tmp_path, work)
    world.do(cells)
    assert (len(world.jobs), world.said) == (1, [])


@pytest.mark.parametrize("begins", [True, False])
def test_what_fails_all_alike_ends_the_run(cells: list[Cell], tmp_path: Path, begins: bool) -> None:
    """Three jobs that end alike before any cell was done are one error with the end of the log."""

    def work(_: World, folder: Path, sent: list[Cell]) -> int:
        if begins:
            begin_attempt(folder)
        log(folder, "ImportError: libcuda.so.1\n")
        return BROKE

    world = World(tmp_path, work)
    outcome = world.do(*([cell] for cell in cells))
    assert outcome.fault is not None
    assert "3 jobs ended alike before any cell was done" in outcome.fault.what
    assert outcome.fault.what.endswith("log.txt:\nImportError: libcuda.so.1")
    assert len(world.jobs) <= 4
    assert not world.failed


def test_the_pieces_of_one_job_tell_as_much(cells: list[Cell], tmp_path: Path) -> None:
    """Where there is one job, its three draws are what ends alike; the job that they come from is none of them."""

    def work(_: World, folder: Path, sent: list[Cell]) -> int:
        begin_attempt(folder)
        log(folder, "ImportError: libcuda.so.1\n")
        return BROKE

    world = World(tmp_path, work)
    outcome = world.do(cells)
    assert outcome.fault is not None
    assert len(world.jobs) <= 5
    assert not world.failed


def test_one_draw_that_breaks_workers_does_not_end_the_run(cells: list[Cell], tmp_path: Path) -> None:
    """However often it does: its jobs are of the same cells."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        if cells[0] not in sent:
            return record(world, folder, sent)
        begin_attempt(folder)
        return BROKE

    world = World(tmp_path, work)
    outcome = world.do(cells[:1])
    assert outcome.fault is None
    assert set(world.failed) == {cells[0]}


def test_what_a_job_lacks_is_not_tried_again(cells: list[Cell], tmp_path: Path) -> None:
    """A job that could not begin would not begin in pieces either; others go on."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        begin_attempt(folder)
        return NOT_BEGUN if cells[0] in sent else record(world, folder, sent)

    world = World(tmp_path, work)
    outcome = world.do(*([cell] for cell in cells))
    assert world.recorded == set(cells[1:])
    assert len(world.jobs) == len(cells)
    assert [ended.status for ended in outcome.broken] == [NOT_BEGUN]


def test_jobs_that_all_lack_the_same_end_the_run(cells: list[Cell], tmp_path: Path) -> None:
    """Three are enough to know."""

    def work(_: World, folder: Path, sent: list[Cell]) -> int:
        begin_attempt(folder)
        log(folder, "--device: torch sees no GPU here.\n")
        return NOT_BEGUN

    world = World(tmp_path, work)
    outcome = world.do(*([cell] for cell in cells))
    assert outcome.fault is not None
    assert len(world.jobs) <= 4


def test_one_worker_that_does_not_start_is_no_try_of_its_cells(cells: list[Cell], tmp_path: Path) -> None:
    """Another one gets the job as it is."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        return BROKE if folder.name == "0" else record(world, folder, sent)

    world = World(tmp_path, work)
    world.do(cells)
    assert world.jobs == [tuple(cells), tuple(cells)]
    assert world.recorded == set(cells)


def test_a_full_disk_stops_further_jobs(cells: list[Cell], tmp_path: Path) -> None:
    """One error, in the worker's words, and no cell fails of it."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        begin_attempt(folder)
        log(folder, "results/records: nothing can be written here any more: No space left on device.\n")
        return NOT_WRITTEN

    world = World(tmp_path, work)
    outcome = world.do(*([cell] for cell in cells))
    assert str(outcome.fault).startswith("results/records: nothing can be written here any more")
    assert len(world.jobs) == 2
    assert not world.failed


def test_a_full_disk_may_have_no_room_for_the_log(cells: list[Cell], tmp_path: Path) -> None:
    """The error says what is wrong all the same."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        begin_attempt(folder)
        log(folder, "something else\n")
        return NOT_WRITTEN

    outcome = World(tmp_path, work).do(cells)
    assert "the disk is full, or read-only" in str(outcome.fault)


def test_what_a_worker_did_not_tell_is_looked_up(cells: list[Cell], tmp_path: Path) -> None:
    """Events may come late on a network: a record counts without, and a cell that has none is sent again."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        begin_attempt(folder)
        world.recorded.update(sent if len(world.jobs) > 1 else sent[:4])
        return DONE

    world = World(tmp_path, work)
    world.do(cells)
    assert world.jobs == [tuple(cells), tuple(cells[4:])]


def test_held_cells_are_waited_for(cells: list[Cell], tmp_path: Path) -> None:
    """One gets its record from its holder, the other's holder goes; only that one is sent again."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        if folder.name != "0":
            return record(world, folder, sent)
        record(world, folder, sent[2:])
        for cell in sent[:2]:
            world.held[cell] = OTHER
            tell(folder, event="held", cell=cell_id(cell), by=str(OTHER))
        return DONE

    world = World(tmp_path, work)
    world.changes = {6: [lambda: world.recorded.add(cells[0])], 12: [lambda: world.held.pop(cells[1])]}
    world.do(cells)
    assert world.jobs == [tuple(cells), (cells[1],)]
    assert world.said == ["some cells are held by process 7 on elsewhere; they are waited for"]
    assert {event["cell"] for event in world.events if event["event"] == "recorded"} == {cell_id(cells[0])}


def test_the_first_interrupt_lets_jobs_finish(cells: list[Cell], tmp_path: Path) -> None:
    """Those that run do, and no others begin."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        world.orders.finish = True
        return record(world, folder, sent)

    world = World(tmp_path, work)
    world.do(*([cell] for cell in cells))
    assert world.recorded == set(cells[:2])


def test_an_order_to_stop_ends_running_jobs(cells: list[Cell], tmp_path: Path) -> None:
    """They are ended, and what is unfinished is neither sent again nor failed."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        world.runs_on = world.orders.stop = True
        begin_attempt(folder)
        return STOPPED

    world = World(tmp_path, work)
    world.do(*([cell] for cell in cells))
    assert [handle.runs_on for handle in world.running] == [False, False]
    assert (len(world.jobs), world.failed) == (2, {})


def test_whatever_is_raised_jobs_are_ended_first(cells: list[Cell], tmp_path: Path) -> None:
    """An engine that refuses a job leaves none behind that it took before."""

    def work(world: World, folder: Path, sent: list[Cell]) -> int:
        if folder.name == "2":
            raise RunError("the engine is gone.")
        world.runs_on = folder.name == "0"
        return record(world, folder, sent)

    world = World(tmp_path, work)
    with pytest.raises(RunError):
        world.do(*([cell] for cell in cells))
    assert [handle.status for handle in world.running] == [STOPPED, DONE]
