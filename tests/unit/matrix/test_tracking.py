"""What ``tracking:`` may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.matrix.tracking import Tracking, read_tracking
from harness.matrix.yaml_file import read_yaml


def _read(tmp_path: Path, text: str) -> tuple[Tracking, list[str]]:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    file, choice, faults = read_tracking(read_yaml(path))
    assert file.content.get("tracking", "none") == choice.tracker
    return choice, [str(fault).removeprefix(f"{path}:") for fault in faults]


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("shots: 1\n", Tracking()),
        ("tracking: none\n", Tracking()),
        ("tracking: wandb\n", Tracking(tracker="wandb")),
        ("tracking: tensorboard\n", Tracking(tracker="tensorboard")),
        ("tracking: {wandb: }\n", Tracking(tracker="wandb")),
        ("tracking: {wandb: {project: p 1}}\n", Tracking(tracker="wandb", project="p 1")),
        (
            "tracking:\n  wandb:\n    project: p\n    entity: e\n",
            Tracking(tracker="wandb", project="p", entity="e"),
        ),
    ],
)
def test_a_tracker_and_its_options(tmp_path: Path, text: str, choice: Tracking) -> None:
    """A name, or a mapping of the name to project and entity."""
    assert _read(tmp_path, text) == (choice, [])


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("tracking: wandbb\n", ["1: tracking: unknown tracker 'wandbb'. Did you mean 'wandb'? "
                                "Known: none, wandb, tensorboard."]),
        ("tracking: {wand: {}}\n", ["1: tracking.wand: unknown tracker 'wand'. Did you mean 'wandb'? "
                                    "Known: none, wandb, tensorboard."]),
        ("tracking: [wandb]\n", ["1: tracking: unknown tracker ['wandb']. Did you mean 'wandb'? "
                                 "Known: none, wandb, tensorboard."]),
        ("tracking: {wandb: {}, tensorboard: {}}\n",
         ["1: tracking: must name one tracker, such as `wandb` or `{wandb: {project: P}}`, "
          "not {'wandb': {}, 'tensorboard': {}}."]),
        ("tracking: {wandb: p}\n", ["1: tracking.wandb: must be a mapping of project and entity, not 'p'."]),
        ("tracking:\n  wandb:\n    project: a/b\n    entitty: e\n    entity: 3\n",
         ["3: tracking.wandb.project: must be a name of up to 128 characters without any of / \\ # ? % :, "
          "not 'a/b'.",
          "4: tracking.wandb.entitty: unknown key. Did you mean 'entity'? Known: project, entity.",
          "5: tracking.wandb.entity: must be a name of up to 128 characters without any of / \\ # ? % :, not 3."]),
        ("tracking: {tensorboard: {project: p}}\n",
         ["1: tracking.tensorboard.project: tensorboard takes no options."]),
    ],
)  # fmt: skip
def test_faults_are_told_all_at_once(tmp_path: Path, text: str, faults: list[str]) -> None:
    """Each with its line, what is allowed and the nearest known word; nothing is tracked then."""
    assert _read(tmp_path, text) == (Tracking(), faults)


def test_the_command_line_goes_before_the_matrix() -> None:
    """Another tracker is taken without the options of the first; none named keeps the matrix's."""
    mine = Tracking(tracker="wandb", project="p")
    assert (mine.by(None), mine.by("wandb")) == (mine, mine)
    assert mine.by("tensorboard") == Tracking(tracker="tensorboard")
    assert mine.by("none") == Tracking()
