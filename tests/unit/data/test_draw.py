"""What a cell learns from."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from harness.data.catalog import DATASETS, DatasetRow
from harness.data.draw import draw_subset, kept_classes, list_digest, list_file
from harness.data.few_shot import few_shot_subset
from harness.data.layout import SplitFile
from harness.data.split import Item, Split
from harness.errors import DataError

MINE = DatasetRow("mine", SplitFile("mine", "s.json"), "a {}.")


@pytest.fixture
def listed(tmp_path: Path) -> DatasetRow:
    """A data set with lists by shots and seed, of which one is there."""
    (tmp_path / "1-7.txt").write_text("train/large_3\ntrain/small_0\n")
    return replace(MINE, subset_file=str(tmp_path / "{shots}-{seed}.txt"))


def test_images_are_drawn_where_there_is_no_list(split: Split) -> None:
    """The few-shot draw of the same shots and seed."""
    assert draw_subset(split, MINE, 2, 5) == few_shot_subset(split, 2, 5)
    assert (list_file(MINE, 2, 5), list_digest(MINE, 2, 5)) == (None, None)


def test_list_is_taken_in_place_of_a_draw(split: Split, listed: DatasetRow) -> None:
    """The one of these shots and this seed."""
    subset = draw_subset(split, listed, 1, 7)
    assert [item.path for item in subset.train_items(split)] == ["train/large_3", "train/small_0"]


@pytest.mark.parametrize(
    ("pattern", "shots", "seed", "name"),
    [
        ("{shots}-{seed}.txt", 16, 1, "16-1.txt"),
        ("{shots}/{shots}.txt", "all", 3, "all/all.txt"),
        ("one.txt", 1, 1, "one.txt"),
        ("{seed}{shots}", 1, 23, "231"),
    ],
)
def test_name_of_a_list(pattern: str, shots: int, seed: int, name: str) -> None:
    """Placeholders are filled in; a name without any stands for every draw."""
    assert list_file(replace(MINE, subset_file=f"/l/{pattern}"), shots, seed) == Path("/l") / name


def test_digest_is_the_files(listed: DatasetRow, tmp_path: Path) -> None:
    """SHA-256 of the bytes: anybody can compare a list."""
    digest = hashlib.sha256((tmp_path / "1-7.txt").read_bytes()).hexdigest()
    assert list_digest(listed, 1, 7) == digest


def test_list_that_is_not_there_is_said(split: Split, listed: DatasetRow, tmp_path: Path) -> None:
    """By both readers in the same words."""
    said = f"{tmp_path / '2-7.txt'}: the list of training images cannot be read: No such file or directory."
    with pytest.raises(DataError) as caught:
        list_digest(listed, 2, 7)
    assert str(caught.value) == said
    with pytest.raises(DataError) as caught:
        draw_subset(split, listed, 2, 7)
    assert str(caught.value) == said


def test_target_has_nothing_to_draw() -> None:
    """A shifted ImageNet is said to be one, instead of a thousand classes without images."""
    split = Split((), (), (Item("a.jpg", 0, "a"),))
    with pytest.raises(DataError) as caught:
        draw_subset(split, DATASETS["imagenet_a"], 1, 1)
    assert str(caught.value) == "imagenet_a: has no training images; it is a target to evaluate on."


def test_kept_classes_of_both_halves(split: Split) -> None:
    """From old labels to new ones."""
    assert [kept_classes(split, half, "mine") for half in ("all", "base", "new")] == [{0: 0, 1: 1}, {0: 0}, {1: 0}]


def test_one_class_has_no_new_half() -> None:
    """The larger half of one class is that class."""
    split = Split((Item("a", 0, "a"),), (), (Item("b", 0, "a"),))
    assert kept_classes(split, "base", "mine") == {0: 0}
    with pytest.raises(DataError) as caught:
        kept_classes(split, "new", "mine")
    assert str(caught.value) == "mine: has no new classes: it has 1 in all."
