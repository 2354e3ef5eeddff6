"""Jobs over the slots of a launcher."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.dispatch import watch
from harness.dispatch.ended import Ended
from harness.dispatch.launcher import JobState
from harness.dispatch.watch import run_jobs
from harness.plan.attempt import begin_attempt, end_attempt


class FakeHandle:
    """A worker that ends at its n-th look, and writes an event file as it goes."""

    def __init__(self, folder: Path, launcher: FakeLauncher) -> None:
        self.folder, self.launcher = folder, launcher
        self.pieces = list(launcher.pieces)
        self.stopped = False

    def state(self) -> JobState:
        """Write the next piece; the status once there is none."""
        if not self.pieces:
            self.launcher.busy.discard(self.folder)
            return JobState("ended", self.launcher.statuses.get(self.folder.name, 0))
        with (self.folder / "events.jsonl").open("a") as file:
            file.write(self.pieces.pop(0))
        return JobState("running")


class FakeLauncher:
    """Workers without processes."""

    def __init__(
        self, slots: int, pieces: tuple[str, ...] = (), statuses: dict[str, int | None] | None = None
    ) -> None:
        self.workers, self.pieces, self.statuses = slots, pieces, statuses or {}
        self.handles: list[FakeHandle] = []
        self.busy: set[Path] = set()
        self.most_busy = 0
        self.closed = False

    @property
    def room(self) -> int:
        """The workers without a job."""
        return self.workers - len(self.busy)

    def submit(self, folders: Sequence[Path]) -> list[FakeHandle]:
        """Take jobs, no more than there is room for."""
        assert len(folders) <= self.room
        self.busy |= set(folders)
        self.most_busy = max(self.most_busy, len(self.busy))
        new = [FakeHandle(folder, self) for folder in folders]
        self.handles += new
        return new

    def stop(self, handles: Sequence[FakeHandle]) -> None:
        """Remember them."""
        for handle in handles:
            handle.stopped = True

    def close(self) -> None:
        """Remember it."""
        self.closed = True


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_LONGEST_S", 0)
    monkeypatch.setattr(watch, "_EVENTS_S", 0)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Five job folders."""
    found = [tmp_path / f"job{number}" for number in range(5)]
    for folder in found:
        folder.mkdir()
    return found


@pytest.mark.parametrize("slots", [1, 2, 5, 9])
def test_all_jobs_run_over_the_slots(folders: list[Path], slots: int) -> None:
    """Every job runs once, in order, and all slots are used."""
    launcher = FakeLauncher(slots, pieces=('{"event": "a"}\n',))
    ended = run_jobs(folders, launcher, lambda _: None)
    assert [handle.folder for handle in launcher.handles] == folders
    assert sorted(ended, key=lambda job: job.folder) == [Ended(folder, 0) for folder in folders]
    assert launcher.most_busy == min(slots, 5)


def test_failed_worker_does_not_stop_the_others(folders: list[Path]) -> None:
    """A worker's status is reported, and the next job starts."""
    ended = run_jobs(folders, FakeLauncher(1, statuses={"job1": -9}), lambda _: None)
    assert [job.status for job in ended] == [0, -9, 0, 0, 0]


def test_nothing_to_run_returns_at_once() -> None:
    """No jobs, no ends."""
    assert run_jobs([], FakeLauncher(1), lambda _: None) == []


def test_events_are_passed_on_whole_and_once(folders: list[Path]) -> None:
    """A line that is written in pieces is one event, and the last one is not lost."""
    seen: list[dict[str, object]] = []
    launcher = FakeLauncher(1, pieces=('{"event": 1}\n{"event"', ": 2", "}\n", '{"event": "ä"}\n'))
    run_jobs(folders[:1], launcher, seen.append)
    assert seen == [{"event": 1}, {"event": 2}, {"event": "ä"}]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("x")])
def test_workers_are_ended_when_anything_is_raised(folders: list[Path], error: BaseException) -> None:
    """An interrupt, or a defect, leaves no worker behind."""

    def fail(_: object) -> None:
        raise error

    launcher = FakeLauncher(2, pieces=('{"event": 1}\n',))
    with pytest.raises(type(error)):
        run_jobs(folders, launcher, fail)
    assert [handle.stopped for handle in launcher.handles] == [True, True]


def test_torn_and_strange_events_are_passed_over(folders: list[Path]) -> None:
    """A worker that was killed in the middle of a line, or a line that is no event, stops nobody."""
    seen: list[dict[str, object]] = []
    launcher = FakeLauncher(1, pieces=('{"event": 1}\n{"ev\n', '[3]\n{"n": 1}\n{"event": 2}\n'))
    run_jobs(folders[:1], launcher, seen.append)
    assert seen == [{"event": 1}, {"event": 2}]


def test_a_status_that_no_engine_knows_is_the_workers_own(folders: list[Path]) -> None:
    """It leaves its status in the job's folder."""
    end_attempt(folders[0], begin_attempt(folders[0]), 3)
    assert run_jobs(folders[:1], FakeLauncher(1, statuses={"job0": None}), lambda _: None) == [
        Ended(folders[0], 3)
    ]


def test_log_tail_is_the_last_lines(tmp_path: Path) -> None:
    """The end of a log is shown, whatever bytes are in it."""
    (tmp_path / "log.txt").write_bytes(b"one\ntwo\n\xff three\n")
    assert Ended(tmp_path, 1).log_tail(2) == "two\n� three"


def test_missing_log_is_empty(tmp_path: Path) -> None:
    """A worker that never printed has no last lines."""
    assert Ended(tmp_path, 1).log_tail() == ""
