"""What all trackers promise, and what each does by itself."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.tracking.open import QuietTracker, open_tracker
from harness.tracking.tracker import MemoryTracker, NullTracker, TrackedRun, Tracker

RUN = TrackedRun(
    id="3bbe29a460af457ee0b1",
    name="coop 1-shot seed=1",
    group="smoke",
    job_type="train",
    tags=("digits", "coop", "tiny"),
    config={"shots": 1, "recipe": {"lr": 0.002}, "ctx_init": None, "provenance": {"device": "cpu"}},
    history=({"epoch": 1, "lr": 1e-5, "loss": 2.25, "train_accuracy": 0.5},),
    summary={"accuracy": 0.75, "n_correct": 3, "n_test": 4},
    ok=True,
)


def _wandb(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Tracker:
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(folder / name.lower()))
    from harness.tracking.wandb import WandbTracker

    return WandbTracker(folder)


MAKERS: dict[str, Callable[[Path, pytest.MonkeyPatch], Tracker]] = {
    "null": lambda *_: NullTracker(),
    "memory": lambda *_: MemoryTracker(),
    "wandb offline": _wandb,
}


@pytest.mark.filterwarnings("default")  # wandb's own warnings are not ours
@pytest.mark.parametrize("kind", MAKERS)
def test_tracker_mirrors_done_and_failed_runs_again_and_again(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tracker takes a done run, the same run once more, a failed one, and two closings."""
    tracker = MAKERS[kind](tmp_path, monkeypatch)
    failed = dataclasses.replace(RUN, id="b72f61c21d0d2faecab0", history=(), summary={}, ok=False)
    assert [tracker.mirror(run) for run in (RUN, RUN, failed)] == [None] * 3
    assert [tracker.close(), tracker.close()] == [None, None]


@pytest.mark.filterwarnings("default")
def test_wandb_writes_into_its_folder_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline a cell is a run folder that carries the cell's id, below the folder that was given."""
    tracker = _wandb(tmp_path / "mirror", monkeypatch)
    tracker.mirror(RUN)
    tracker.close()
    folders = [path for path in (tmp_path / "mirror" / "wandb").iterdir() if path.name.startswith("offline-run-")]
    assert [path.name.rpartition("-")[2] for path in folders if not path.is_symlink()] == [RUN.id]
    assert list(folders[0].glob("*.wandb"))


def test_memory_keeps_the_last_of_each_run() -> None:
    """The same cell is the same run, however often it is shown."""
    tracker = MemoryTracker()
    again = dataclasses.replace(RUN, summary={"accuracy": 1.0})
    for run in (RUN, again):
        tracker.mirror(run)
    assert tracker.shown == {RUN.id: again}


class Failing:
    """A tracker that fails at everything."""

    def __init__(self) -> None:
        self.n_calls = 0

    def mirror(self, run: TrackedRun) -> None:
        """Fail."""
        self.n_calls += 1
        raise ConnectionError("no network")

    def close(self) -> None:
        """Fail."""
        self.n_calls += 1
        raise OSError("still none")


def test_failing_tracker_is_said_once_and_left_alone() -> None:
    """Training goes on, the first failure is said, and nothing is tried again."""
    said: list[str] = []
    failing = Failing()
    tracker = QuietTracker(failing, said.append)
    tracker.mirror(RUN)
    tracker.mirror(RUN)
    tracker.close()
    assert said == ["tracking stops, the records are complete: ConnectionError: no network"]
    assert failing.n_calls == 1


def test_failure_at_the_end_is_said_too() -> None:
    """A tracker that fails only when it is closed does not fail the run."""
    said: list[str] = []
    QuietTracker(Failing(), said.append).close()
    assert said == ["tracking stops, the records are complete: OSError: still none"]


def test_quiet_tracker_passes_runs_on() -> None:
    """A tracker that works is not in the way."""
    said: list[str] = []
    inner = MemoryTracker()
    QuietTracker(inner, said.append).mirror(RUN)
    assert (inner.shown, said) == ({RUN.id: RUN}, [])


def test_interrupt_is_not_swallowed() -> None:
    """Only failures are kept away; the user's interrupt ends the run."""

    class Interrupted(NullTracker):
        def mirror(self, run: TrackedRun) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        QuietTracker(Interrupted(), lambda _: None).mirror(RUN)


def test_no_tracking_is_the_null_tracker(tmp_path: Path) -> None:
    """``none`` mirrors nothing and writes nothing."""
    assert isinstance(open_tracker("none", tmp_path, lambda _: None), NullTracker)
    assert list(tmp_path.iterdir()) == []


def test_tracker_that_cannot_be_imported_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without wandb the run goes on, and that is said."""
    said: list[str] = []
    monkeypatch.setitem(sys.modules, "harness.tracking.wandb", None)
    assert isinstance(open_tracker("wandb", tmp_path, said.append), NullTracker)
    assert [text.partition(":")[0] for text in said] == ["tracking is off"]
