"""The linear probe's classifier."""

import numpy as np
import pytest
import torch

from harness.engine.logreg import fit_probe
from harness.methods.linear_probe import ProbeClassifier


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_stay_finite_however_sure_the_probe_is(n_classes: int) -> None:
    """A class whose probability is zero in floating point has a low score, not an infinite one."""
    x, y = 100.0 * np.eye(n_classes), np.arange(n_classes)
    classifier = ProbeClassifier(fit_probe((x, y), (x, y), 100, 0), n_classes)
    scores = classifier.logits(torch.from_numpy(1000 * x))
    assert torch.isfinite(scores).all()
    assert scores.argmax(dim=1).tolist() == y.tolist()


@pytest.mark.parametrize("classes", [[0, 1], [1, 3], [0, 2, 3]])
def test_scores_order_classes_as_probabilities_do(classes: list[int]) -> None:
    """Two known classes or more; the others are never predicted."""
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((40, 3)), np.array(classes)[generator.integers(0, len(classes), 40)]
    classifier = ProbeClassifier(fit_probe((x, y), (x, y), 1000, 1), 4)
    scores = classifier.logits(torch.from_numpy(x)).numpy()
    probabilities = classifier.probe.classifier.predict_proba(x)
    np.testing.assert_allclose(
        scores[:, classes] - scores[:, classes[:1]], np.log(probabilities / probabilities[:, :1]), atol=1e-6
    )
    assert set(scores.argmax(axis=1)) <= set(classes)
