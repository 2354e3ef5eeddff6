"""The search for C against the reference's linear-probe script."""

import json
from pathlib import Path

import numpy as np
import pytest

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
