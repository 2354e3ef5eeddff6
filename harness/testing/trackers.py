"""What every tracker owes, held against a reader that is not its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from harness.matrix.tracking import Tracking
from harness.testing.check import Check, Owed, checks_of
from harness.tracking.table import TrackerRow, open_tracker
from harness.tracking.tracker import Grid, Opening, TrackedMatrix, TrackedRun, Tracker

Shown = Mapping[
    str, tuple[int, Mapping[str, Any]]
]  # from run id to the number of its points and its final numbers
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A tracker.

    Attributes:
        open: opens it anew, at the same place.
        read: what is shown there, by means that are not the tracker's own.
    """

    open: Callable[[], Tracker]
    read: Callable[[], Shown]

    def points(self) -> dict[str, int]:
        """The number of points of every run that is shown."""
        return {identifier: n_points for identifier, (n_points, _) in self.read().items()}


def sample_run(folder: Path) -> TrackedRun:
    """A trained cell with two epochs, whose record lies in a folder."""
    record = folder / "record.json"
    record.write_text("{}", encoding="utf-8")
    return TrackedRun(
        id="3bbe29a460af457ee0b1",
        name="digits coop unified end 1-shot seed 1",
        group="smoke",
        job_type="train",
        tags=("digits", "coop", "tiny"),
        config={"shots": 1, "recipe": {"lr": 0.002}, "ctx_init": None, "provenance": {"device": "cpu"}},
        history=[
            {"epoch": 1, "lr": 1e-5, "loss": 2.25, "train_accuracy": 0.5},
            {"epoch": 2, "lr": 2e-3, "loss": 1.25, "train_accuracy": 0.75},
        ],
        summary={"status": "done", "accuracy": 0.75, "n_correct": 3, "n_test": 4},
        ok=True,
        digest="a" * 64,
        files={"record": record},
    )


def sample_matrix(folder: Path) -> TrackedMatrix:
    """A matrix of three cells of which two ended, whose figure lies in a folder."""
    Image.new("RGB", (8, 6)).save(folder / "curves.png")
    return TrackedMatrix(
        id="matrix-smoke-0123456789ab",
        name="smoke",
        config={"datasets": ["digits"], "shots": [1, "all"]},
        progress=[{"hours": 0.0, "done": 1, "failed": 0}, {"hours": 0.5, "done": 1, "failed": 1}],
        summary={"cells": 3, "done": 1, "failed": 1, "pending": 1},
        tables={"digits": Grid(("label", "mean"), (("CoOp", 75.0), ("Zero-shot", None)))},
        figures={"curves": folder / "curves.png"},
        digest="b" * 64,
    )


# --- what is owed ----------------------------------------------------------------------------------------------


def shows_a_run_once(subject: Subject, folder: Path) -> None:
    """Whether by one tracker or by the next one: one run, no further points, and the newest numbers."""
    run = sample_run(folder)
    for _ in range(2):
        tracker = subject.open()
        tracker.mirror(run)
        tracker.mirror(run)
        assert tracker.holds(run.id), "a run that was shown must be held"
        tracker.close()
    assert subject.points() == {run.id: 2}, f"one run of two epochs is shown as {subject.points()}"
    tracker = subject.open()
    tracker.mirror(dataclasses.replace(run, summary={**run.summary, "accuracy": 1.0}, digest="c" * 64))
    tracker.close()
    n_points, summary = subject.read()[run.id]
    told = (n_points, summary["accuracy"], summary["n_test"])
    assert told == (2, 1.0, 4), f"points, accuracy and test images must be 2, 1.0 and 4, not {told}"


def shows_a_failed_run_that_is_done_later(subject: Subject, folder: Path) -> None:
    """A failed run has no points; tried again, it is the same run with all of them."""
    run = sample_run(folder)
    summary = {"status": "failed", "reason": "out of memory"}
    failed = dataclasses.replace(run, history=[], summary=summary, ok=False, digest="f" * 64, files={})
    for shown, n_points in ((failed, 0), (run, 2)):
        tracker = subject.open()
        tracker.mirror(shown)
        tracker.close()
        points = subject.points()
        assert points == {run.id: n_points}, f"must be one run of {n_points} points: {points}"


def shows_a_matrix_that_grows(subject: Subject, folder: Path) -> None:
    """Shown again it is the same run; a further cell is a further point."""
    matrix = sample_matrix(folder)
    more = [*matrix.progress, {"hours": 1.0, "done": 2, "failed": 1}]
    later = dataclasses.replace(matrix, progress=more, digest="d" * 64)
    for shown, n_points in ((matrix, 2), (matrix, 2), (later, 3)):
        tracker = subject.open()
        tracker.summarize(shown)
        tracker.close()
        assert subject.points() == {matrix.id: n_points}, (
            f"must be one run of {n_points} points: {subject.points()}"
        )


def can_be_closed_twice(subject: Subject, _: Path) -> None:
    """Closing is for whoever is last, and harms nobody; it says where it shows, and how many at once."""
    tracker = subject.open()
    assert tracker.destination, "destination must not be empty, which stands for a tracker that shows nothing"
    assert tracker.at_once >= 1, f"at_once is {tracker.at_once}"
    tracker.close()
    tracker.close()


TRACKER_CONTRACT: tuple[Owed[Subject], ...] = (
    shows_a_run_once,
    shows_a_failed_run_that_is_done_later,
    shows_a_matrix_that_grows,
    can_be_closed_twice,
)


def tracker_checks(
    name: str, row: TrackerRow, options: Mapping[str, Any], read: Callable[[Path], Shown]
) -> tuple[Check, ...]:
    """A check for each thing that a tracker owes.

    Args:
        name: of the tracker.
        row: of the tracker.
        options: as a matrix would write them.
        read: from the folder that it was opened with to what it shows, by means that are not its own.
    """
    choice = Tracking(tracker=name, options=dict(options))

    def subject(folder: Path) -> Subject:
        opening = Opening(folder / "m", _PATIENCE_S, lambda _: None)
        return Subject(lambda: open_tracker(choice, opening, {name: row}), lambda: read(folder / "m"))

    return checks_of(name, TRACKER_CONTRACT, lambda folder: nullcontext(subject(folder)))
