"""What all trackers promise: one contract, held by each of them against its own reader."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from harness.errors import TrackingError
from harness.matrix.tracking import Tracking
from harness.tracking.table import open_tracker
from harness.tracking.tracker import Grid, MemoryTracker, NullTracker, Opening, TrackedMatrix, TrackedRun, Tracker

Shown = dict[str, tuple[int, dict[str, Any]]]  # from run id to the number of its points and its final numbers
KINDS = ("memory", "tensorboard", "wandb offline", "wandb online")

pytestmark = pytest.mark.filterwarnings("default")  # wandb's own warnings are not ours


@pytest.fixture
def run(tmp_path: Path) -> TrackedRun:
    """A trained cell with two epochs."""
    record = tmp_path / "record.json"
    record.write_text("{}")
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


@pytest.fixture
def matrix(tmp_path: Path) -> TrackedMatrix:
    """A matrix of three cells of which two ended."""
    Image.new("RGB", (8, 6)).save(tmp_path / "curves.png")
    return TrackedMatrix(
        id="matrix-smoke-0123456789ab",
        name="smoke",
        config={"datasets": ["digits"], "shots": [1, "all"]},
        progress=[{"hours": 0.0, "done": 1, "failed": 0}, {"hours": 0.5, "done": 1, "failed": 1}],
        summary={"cells": 3, "done": 1, "failed": 1, "pending": 1},
        tables={"digits": Grid(("label", "mean"), (("CoOp", 75.0), ("Zero-shot", None)))},
        figures={"curves": tmp_path / "curves.png"},
        digest="b" * 64,
    )


@pytest.fixture(params=KINDS)
def tracked(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Callable[[], Tracker], Callable[[], Shown]]:
    """A way to open each tracker anew, and a way to read what it shows by means that are not its own."""
    folder = tmp_path / "m"
    if request.param == "memory":
        memory = MemoryTracker()
        return lambda: memory, lambda: {
            **{key: (len(run.history), dict(run.summary)) for key, run in memory.shown.items()},
            **{key: (len(each.progress), dict(each.summary)) for key, each in memory.matrices.items()},
        }
    if request.param == "tensorboard":
        choice = Tracking(tracker="tensorboard")
        return lambda: open_tracker(choice, Opening(folder, 20.0, pytest.fail)), lambda: _events(
            folder / "tensorboard"
        )
    choice = Tracking(tracker="wandb")
    if request.param == "wandb online":
        server = request.getfixturevalue("online")
        return lambda: open_tracker(choice, Opening(folder, 20.0, pytest.fail)), lambda: {
            key: (len(run.history), run.summary) for (_, key), run in server.runs.items()
        }
    request.getfixturevalue("wandb_home")
    request.getfixturevalue("monkeypatch").setenv("WANDB_MODE", "offline")
    read = request.getfixturevalue("offline_runs")
    return lambda: open_tracker(choice, Opening(folder, 20.0, pytest.fail)), lambda: {
        key: (len(run["history"]), run["summary"]) for key, run in read(folder).items()
    }


def _events(folder: Path) -> Shown:
    """What TensorBoard's own reader finds, by run id."""
    found: Shown = {}
    for each in sorted(folder.iterdir()):
        events = EventAccumulator(str(each), size_guidance={"tensors": 0}).Reload()
        scalars = {tag: [point.value for point in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
        points = scalars.get("train/loss") or scalars.get("cells/done") or []
        summary = {tag.removeprefix("test/"): values[-1] for tag, values in scalars.items()}
        identifier = each.name if each.name.startswith("matrix-") else each.name.rpartition("-")[2]
        assert identifier not in found, "one run lies in two folders"
        found[identifier] = (len(points), summary)
    return found


def test_a_run_that_is_shown_again_is_the_same_run(
    tracked: tuple[Callable[[], Tracker], Callable[[], Shown]], run: TrackedRun
) -> None:
    """Whether by one tracker or by the next one: one run, no further points, and the newest numbers."""
    make, read = tracked
    for _ in range(2):
        tracker = make()
        tracker.mirror(run)
        tracker.mirror(run)
        assert tracker.holds(run.id)
        tracker.close()
    assert {key: n_points for key, (n_points, _) in read().items()} == {run.id: 2}
    tracker = make()
    tracker.mirror(dataclasses.replace(run, summary={**run.summary, "accuracy": 1.0}, digest="c" * 64))
    tracker.close()
    n_points, summary = read()[run.id]
    assert (n_points, summary["accuracy"], summary["n_test"]) == (2, 1.0, 4)


def test_a_cell_that_failed_and_is_done_later_is_one_run(
    tracked: tuple[Callable[[], Tracker], Callable[[], Shown]], run: TrackedRun
) -> None:
    """A failed run has no points; tried again, it is the same run with all of them."""
    make, read = tracked
    tracker = make()
    failed = dataclasses.replace(
        run, history=[], summary={"status": "failed", "reason": "out of memory"}, ok=False, digest="f" * 64
    )
    tracker.mirror(dataclasses.replace(failed, files={}))
    tracker.close()
    assert read()[run.id][0] == 0
    tracker = make()
    tracker.mirror(run)
    tracker.close()
    assert {key: n_points for key, (n_points, _) in read().items()} == {run.id: 2}


def test_a_matrix_is_one_run_that_grows(
    tracked: tuple[Callable[[], Tracker], Callable[[], Shown]], matrix: TrackedMatrix
) -> None:
    """Shown again it is the same run; a further cell is a further point."""
    make, read = tracked
    for _ in range(2):
        tracker = make()
        tracker.summarize(matrix)
        tracker.close()
    assert {key: n_points for key, (n_points, _) in read().items()} == {matrix.id: 2}
    tracker = make()
    more = [*matrix.progress, {"hours": 1.0, "done": 2, "failed": 1}]
    tracker.summarize(dataclasses.replace(matrix, progress=more, digest="d" * 64))
    tracker.close()
    assert {key: n_points for key, (n_points, _) in read().items()} == {matrix.id: 3}


def test_a_tracker_can_be_closed_twice(tracked: tuple[Callable[[], Tracker], Callable[[], Shown]]) -> None:
    """Closing is for whoever is last, and harms nobody."""
    tracker = tracked[0]()
    assert (tracker.destination != "", tracker.at_once >= 1) == (True, True)
    assert [tracker.close(), tracker.close()] == [None, None]


def test_no_tracking_is_the_null_tracker(tmp_path: Path, run: TrackedRun, matrix: TrackedMatrix) -> None:
    """``none`` mirrors nothing, lacks nothing, and writes nothing."""
    tracker = open_tracker(Tracking(), Opening(tmp_path / "m", 20.0, pytest.fail))
    assert isinstance(tracker, NullTracker)
    tracker.mirror(run)
    tracker.summarize(matrix)
    tracker.close()
    assert tracker.holds(run.id)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(("name", "extra"), [("wandb", "wandb"), ("tensorboard", "coop-harness[tensorboard]")])
def test_a_tracker_that_is_not_installed_says_how_to_get_it(
    name: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way to install it is part of the message."""
    monkeypatch.setitem(__import__("sys").modules, f"harness.tracking.{name}", None)
    with pytest.raises(TrackingError) as caught:
        open_tracker(Tracking(tracker=name), Opening(tmp_path, 20.0, pytest.fail))
    assert str(caught.value).endswith(f"`pip install '{extra}'` brings it.")


def test_tensorboard_shows_scalars_text_files_and_curves(
    tmp_path: Path, run: TrackedRun, matrix: TrackedMatrix
) -> None:
    """Loss by epoch, the config as text, the record beside the events, and the curves as an image."""
    tracker = open_tracker(Tracking(tracker="tensorboard"), Opening(tmp_path / "m", 20.0, pytest.fail))
    tracker.mirror(run)
    tracker.summarize(matrix)
    folder = tmp_path / "m" / "tensorboard" / f"digits-coop-unified-end-1-shot-seed-1-{run.id}"
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    assert [(point.step, point.value) for point in events.Scalars("train/loss")] == [(1, 2.25), (2, 1.25)]
    text = events.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert json.loads(text) == run.config
    assert (folder / "record.json").read_text() == "{}"
    events = EventAccumulator(str(tmp_path / "m" / "tensorboard" / matrix.id)).Reload()
    assert [(image.width, image.height) for image in events.Images("figures/curves")] == [(8, 6)]
