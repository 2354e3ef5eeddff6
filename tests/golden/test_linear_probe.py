"""The search for C against the reference's linear-probe script."""

import json
from pathlib import Path

import numpy as np
import pytest

from harness.data.few_shot import few_shot_subset
from harness.data.split import Item, Split
from harness.engine.logreg import fit_probe

GOLDEN = json.loads((Path(__file__).parent / "linear_probe.json").read_text())


@pytest.fixture(scope="module")
def features() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Five classes of Gaussian features by the golden data recipe."""
    generator = np.random.default_rng(2024)
    centers = 0.7 * generator.standard_normal((5, 16))
    parts = {}
    for split, n in (("train", 30), ("val", 8), ("test", 40)):
        labels = generator.permutation(np.repeat(np.arange(5), n))
        noisy = (centers[labels] + generator.standard_normal((len(labels), 16))).astype(np.float32)
        parts[split] = (noisy.astype(np.float64), labels)
    return parts


@pytest.fixture(scope="module")
def split() -> Split:
    """A split with the labels that the reference was given, in its order, which is not that of the labels."""
    parts = {
        part: tuple(Item(f"{part}/{index}", label, f"class {label}") for index, label in enumerate(labels))
        for part, labels in ((part, GOLDEN[f"{part}_labels"]) for part in ("train", "val", "test"))
    }
    return Split(**parts)


def test_golden_file_holds_all_cases(split: Split) -> None:
    """Five shot counts with three seeds each, of labels whose first appearances are not sorted."""
    cases = {(case["shots"], case["seed"]) for case in GOLDEN["cases"]}
    assert cases == {(shots, seed) for shots in (1, 2, 4, 8, 16) for seed in (1, 2, 3)}
    first = list(dict.fromkeys(item.label for item in split.train))
    assert first != sorted(first)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['shots']}-shot-seed{case['seed']}")
def test_draw_is_the_references(case: dict, split: Split) -> None:
    """By the rule lpclip the same images are drawn in the same order, to train and to validate."""
    subset = few_shot_subset(split, case["shots"], case["seed"], "lpclip")
    assert (list(subset.train), list(subset.val)) == (case["train_idx"], case["val_idx"])
    assert (subset.fewer_shots, subset.val_from_train) == ((), False)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['shots']}-shot-seed{case['seed']}")
def test_probe_is_the_references(case: dict, features: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """The C that is kept, and the test accuracy with it, are those of the last round."""
    train, val = (
        (features[part][0][case[f"{part}_idx"]], features[part][1][case[f"{part}_idx"]])
        for part in ("train", "val")
    )
    probe = fit_probe(train, val, max_iter=1000, search_rounds=8)
    images, labels = features["test"]
    last = case["rounds"][-1]
    assert probe.c == pytest.approx(last["c_chosen"], rel=1e-9)
    assert 100 * np.mean(probe.classifier.predict(images) == labels) == pytest.approx(last["test_acc"])
