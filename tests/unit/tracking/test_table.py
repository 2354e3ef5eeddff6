"""Trackers of plug-ins beside the harness's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import PluginError, TrackingError
from harness.matrix.tracking import Tracking, read_tracking
from harness.matrix.yaml_file import read_yaml
from harness.plugins.plugin import Plugin
from harness.plugins.reading import file_plugin
from harness.tracking.table import open_tracker, trackers_with
from harness.tracking.tracker import Opening

_TEXT = """
from pydantic import BaseModel
from harness.tracking.table import TrackerRow

class Options(BaseModel):
    file: str
    gap: int = 3

class Mine:
    def __init__(self, options, opening):
        self.options, self.opening = options, opening

TRACKERS = {"mine": ROW}
"""


def _plugin(folder: Path, row: str = "TrackerRow(':Mine', Options)") -> Plugin:
    path = folder / "mine.py"
    path.write_text(_TEXT.replace("ROW", row))
    return file_plugin(path)


def _read(folder: Path, text: str) -> tuple[Tracking, list[str]]:
    """What a matrix says of the plug-in's tracker, and its faults."""
    path = folder / "m.yaml"
    path.write_text(text)
    names = {name: row.entry for name, row in trackers_with([_plugin(folder)]).items()}
    _, choice, faults = read_tracking(read_yaml(path), names)
    return choice, [str(fault).removeprefix(f"{path}:") for fault in faults]


def test_options_are_checked_and_handed_on(tmp_path: Path) -> None:
    """As the model has them, with what the tracker is opened with."""
    choice, faults = _read(tmp_path, "tracking: {mine: {file: a}}\n")
    assert (choice, faults) == (Tracking(tracker="mine", options={"file": "a"}), [])
    assert Tracking.model_validate_json(choice.model_dump_json()) == choice
    opening = Opening(tmp_path, 1.0, pytest.fail)
    tracker = open_tracker(choice, opening, trackers_with([_plugin(tmp_path)]))
    assert (tracker.options.gap, tracker.opening) == (3, opening)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("tracking: mine\n", "1: tracking.file: is missing."),
        ("tracking: {mine: {file: a, gap: x}}\n", "1: tracking.mine.gap: input should be a valid integer, unable "
                                                  "to parse string as an integer, not 'x'."),
        ("tracking: mien\n", "1: tracking: unknown tracker 'mien'. Did you mean 'mine'? "
                             "Known: none, wandb, tensorboard, mine."),
    ],
)  # fmt: skip
def test_options_that_it_does_not_take_are_told(tmp_path: Path, text: str, fault: str) -> None:
    """With their line, like those of the harness's own trackers."""
    assert _read(tmp_path, text) == (Tracking(), [fault])


def test_a_tracker_whose_plugin_is_gone_is_told(tmp_path: Path) -> None:
    """What is known is said; nothing breaks."""
    with pytest.raises(TrackingError, match=r"mine: is a tracker whose plug-in is not here\. Known: none, wandb"):
        open_tracker(Tracking(tracker="mine"), Opening(tmp_path, 1.0, pytest.fail))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("TrackerRow('Mine')", "its target must be `:NAME`, `.FILE:NAME` or `MODULE:NAME`, not 'Mine'."),
        ("TrackerRow(':Mine', 3)", "its options must be a pydantic model, not 3."),
        ("'Mine'", "must be a TrackerRow, not 'Mine'."),
    ],
)
def test_a_row_that_cannot_be_used_is_told(tmp_path: Path, row: str, fault: str) -> None:
    """With the plug-in, the table and the name."""
    with pytest.raises(PluginError) as caught:
        trackers_with([_plugin(tmp_path, row)])
    assert str(caught.value) == f"mine.py: TRACKERS['mine']: {fault}"
