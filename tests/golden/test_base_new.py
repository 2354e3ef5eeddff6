"""The base and new halves of classes against the ones that the reference cuts."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.data.classes import cut, relabelled
from harness.data.few_shot import few_shot_subset
from harness.data.split import PARTS, Item, Split
from harness.matrix.cell import CLASSES

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE / "base_new.json").read_text(encoding="utf-8"))
CASES = {case["tag"]: case for case in GOLDEN["cases"]}
DRAWN = {case["subsample"]: case for case in GOLDEN["few_shot_then_subsample"]}


def test_golden_file_holds_all_cases() -> None:
    """Even and odd numbers of classes, one, two, gaps, another order, and a class that only val has."""
    assert set(CASES) >= {"even", "odd", "one", "two", "gaps", "unsorted", "val_has_extra_class"}
    assert set(DRAWN) == set(CLASSES)


def _cut(case: dict[str, Any], classes: str, part: str) -> list[list[Any]]:
    kept = relabelled((label for _, label, _ in case["input"]["train"]), classes)
    return [list(item) for item in cut((Item(*row) for row in case["input"][part]), kept)]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("classes", ["base", "new"])
@pytest.mark.parametrize("tag", CASES)
def test_halves_are_the_references(tag: str, classes: str, part: str) -> None:
    """Images, their order and their new labels are the reference's."""
    assert _cut(CASES[tag], classes, part) == CASES[tag][classes][part]


@pytest.mark.parametrize("tag", sorted(set(CASES) - {"val_has_extra_class"}))
def test_all_classes_are_left_as_they_are(tag: str) -> None:
    """``all`` changes nothing."""
    for part in PARTS:
        assert _cut(CASES[tag], "all", part) == CASES[tag]["input"][part]


@pytest.mark.parametrize("classes", CLASSES)
def test_the_draw_comes_before_the_cut(classes: str) -> None:
    """A half holds its part of the one few-shot draw, in its order."""
    case = DRAWN[classes]
    source = json.loads((HERE / "few_shot.json").read_text(encoding="utf-8"))["source"]
    split = Split(**{part: tuple(Item(*row) for row in rows) for part, rows in source.items()})
    subset = few_shot_subset(split, case["shots"], case["seed"])
    kept = relabelled(range(len(split.class_names)), classes)
    train = cut(subset.train_items(split), kept)
    assert [item.path for item in train] == case["train"]
    assert [item.label for item in train] == case["train_labels"]
    assert [item.path for item in cut(subset.val_items(split), kept)] == case["val"]
    assert [item.path for item in cut(split.test, kept)] == case["test"]
    assert [name for label, name in enumerate(split.class_names) if label in kept] == case["classnames"]
