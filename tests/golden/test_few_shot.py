"""The few-shot draw against the images that the reference chooses."""

import json
from pathlib import Path

import pytest

from harness.data.few_shot import few_shot_subset
from harness.data.split import Item, Split

GOLDEN = json.loads((Path(__file__).parent / "few_shot.json").read_text(encoding="utf-8"))
CASES = {f"{case['shots']}-shot-seed-{case['seed']}": case for case in GOLDEN["cases"]}


@pytest.fixture(scope="module")
def split() -> Split:
    """The split that the reference was given; it has a class of three training images."""
    return Split(**{part: tuple(Item(*row) for row in rows) for part, rows in GOLDEN["source"].items()})


def test_golden_file_holds_all_cases() -> None:
    """Five shot counts with three seeds each were recorded."""
    assert {(case["shots"], case["seed"]) for case in GOLDEN["cases"]} == {
        (shots, seed) for shots in (1, 2, 4, 8, 16) for seed in (1, 2, 3)
    }


@pytest.mark.parametrize("name", CASES)
def test_draw_is_the_references(split: Split, name: str) -> None:
    """Training and validation images are the reference's, in its order."""
    case = CASES[name]
    subset = few_shot_subset(split, case["shots"], case["seed"])
    assert [item.path for item in subset.train_items(split)] == case["train"]
    assert [item.path for item in subset.val_items(split)] == case["val"]


@pytest.mark.parametrize(
    ("shots", "fewer"),
    [
        (1, ()),
        (2, ()),
        (4, ("american_bulldog",)),
        (8, ("american_bulldog", "boxer")),
        (16, ("abyssinian", "american_bulldog", "boxer", "sphynx")),
    ],
)
def test_small_classes_are_named(split: Split, shots: int, fewer: tuple[str, ...]) -> None:
    """A class with fewer images than shots is taken whole, as in the golden draws, and named."""
    assert few_shot_subset(split, shots, 1).fewer_shots == fewer
