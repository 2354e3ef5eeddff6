"""What all trackers promise: one contract, held by each of them against its own reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from harness.errors import TrackingError
from harness.matrix.tracking import Tracking
from harness.testing.check import Owed
from harness.testing.trackers import TRACKER_CONTRACT, Shown, Subject, sample_matrix, sample_run
from harness.tracking.table import open_tracker
from harness.tracking.tracker import MemoryTracker, NullTracker, Opening, TrackedMatrix, TrackedRun

KINDS = ("memory", "tensorboard", "wandb offline", "wandb online")

pytestmark = pytest.mark.filterwarnings("default")  # wandb's own warnings are not ours


@pytest.fixture
def run(tmp_path: Path) -> TrackedRun:
    """A trained cell with two epochs."""
    return sample_run(tmp_path)


@pytest.fixture
def matrix(tmp_path: Path) -> TrackedMatrix:
    """A matrix of three cells of which two ended."""
    return sample_matrix(tmp_path)


@pytest.fixture(params=KINDS)
def tracked(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    """A way to open each tracker anew, and a way to read what it shows by means that are not its own."""
    folder = tmp_path / "m"
    if request.param == "memory":
        memory = MemoryTracker()
        return Subject(lambda: memory, lambda: _kept(memory))
    opening = Opening(folder, 20.0, pytest.fail)
    if request.param == "tensorboard":
        choice = Tracking(tracker="tensorboard")
        return Subject(lambda: open_tracker(choice, opening), lambda: _events(folder / "tensorboard"))
    choice = Tracking(tracker="wandb")
    if request.param == "wandb online":
        server = request.getfixturevalue("online")
        return Subject(
            lambda: open_tracker(choice, opening),
            lambda: {key: (len(run.history), run.summary) for (_, key), run in server.runs.items()},
        )
    request.getfixturevalue("wandb_home")
    request.getfixturevalue("monkeypatch").setenv("WANDB_MODE", "offline")
    read = request.getfixturevalue("offline_runs")
    return Subject(
        lambda: open_tracker(choice, opening),
        lambda: {key: (len(run["history"]), run["summary"]) for key, run in read(folder).items()},
    )


def _kept(memory: MemoryTracker) -> Shown:
    """What a tracker in memory was shown, by run id."""
    return {
        **{key: (len(run.history), dict(run.summary)) for key, run in memory.shown.items()},
        **{key: (len(each.progress), dict(each.summary)) for key, each in memory.matrices.items()},
    }


def _events(folder: Path) -> Shown:
    """What TensorBoard's own reader finds, by run id."""
    found = {}
    for each in sorted(folder.iterdir()):
        events = EventAccumulator(str(each), size_guidance={"tensors": 0}).Reload()
        scalars = {tag: [point.value for point in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
        points = scalars.get("train/loss") or scalars.get("cells/done") or []
        summary = {tag.removeprefix("test/"): values[-1] for tag, values in scalars.items()}
        identifier = each.name if each.name.startswith("matrix-") else each.name.rpartition("-")[2]
        assert identifier not in found, "one run lies in two folders"
        found[identifier] = (len(points), summary)
    return found


@pytest.mark.parametrize("owed", TRACKER_CONTRACT, ids=lambda owed: owed.__name__)
def test_a_tracker_keeps_its_contract(tracked: Subject, owed: Owed[Subject], tmp_path: Path) -> None:
    """The same that authors of plug-ins are given to run."""
    owed(tracked, tmp_path)


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


def test_tensorboard_clears_away_what_a_killed_process_left(tmp_path: Path, matrix: TrackedMatrix) -> None:
    """The run of a matrix is shown anew while cells are trained, and the showing before may have been ended."""
    folder = tmp_path / "m" / "tensorboard"
    (folder / f".{matrix.id}.120000000000.part").mkdir(parents=True)
    (folder / ".another.120000000000.part").mkdir()
    tracker = open_tracker(Tracking(tracker="tensorboard"), Opening(tmp_path / "m", 20.0, pytest.fail))
    tracker.summarize(matrix)
    assert {path.name for path in folder.iterdir()} == {matrix.id, ".another.120000000000.part"}
