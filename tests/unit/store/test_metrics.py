"""Metrics from logits, against numbers that were reckoned by hand and against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss

from harness.store.logits import KeptLogits, shifted
from harness.store.metrics import (
    accuracy,
    class_accuracies,
    class_counts,
    confidence_bins,
    ece,
    log_sum_exp,
    macro_f1,
    mean_class_accuracy,
    metrics,
    nll,
)

LOG = math.log


def _two_classes(*confidences: float) -> np.ndarray:
    """Logits of images that are given to class 0 with these probabilities."""
    return np.array([[LOG(each), LOG(1 - each)] for each in confidences])


def _drawn(n_images: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits like CLIP's, and labels that they lean to."""
    generator = np.random.default_rng(5)
    labels = generator.integers(0, n_classes, n_images)
    logits = generator.normal(20, 3, (n_images, n_classes))
    logits[np.arange(n_images), labels] += 4
    return logits.astype(np.float32), labels


def test_nll_by_hand() -> None:
    """The mean of minus the logarithm of the true class's probability."""
    logits = _two_classes(0.8, 0.6)
    assert nll(logits, np.array([0, 1])) == pytest.approx(-(LOG(0.8) + LOG(0.4)) / 2)


def test_nll_does_not_see_a_constant() -> None:
    """A constant added to an image's logits changes no probability."""
    logits = _two_classes(0.8, 0.6)
    moved = logits + np.array([[7.0], [-30_000.0]])
    assert nll(moved, np.array([0, 1])) == pytest.approx(nll(logits, np.array([0, 1])))


def test_ece_by_hand() -> None:
    """Two bins: three images at about 0.9 of which two are right, and one at 0.6 that is wrong."""
    logits = _two_classes(0.9, 0.91, 0.92, 0.6)
    first, second = abs(2 - (0.9 + 0.91 + 0.92)), 0.6
    assert ece(logits, np.array([0, 0, 1, 1])) == pytest.approx((first + second) / 4)


def test_a_bin_holds_its_upper_edge() -> None:
    """The bins are (0, 1/15], ..., (14/15, 1], and a probability of zero falls into the first."""
    assert confidence_bins(np.array([0.0, 0.05, 0.5, 1.0]), 4).tolist() == [0, 0, 1, 3]
    assert confidence_bins(np.array([0.25, 0.250001, 0.75]), 4).tolist() == [0, 1, 2]


def test_number_of_bins_is_a_choice() -> None:
    """In one bin the error is the difference of the means; what rounding lifts above 1 is in the last bin."""
    logits, labels = np.log([[0.75, 0.25], [0.6, 0.4]]), np.array([0, 1])
    assert ece(logits, labels, n_bins=1) == pytest.approx(abs(0.5 - (0.75 + 0.6) / 2))
    assert ece(logits, labels, n_bins=2) == ece(logits, labels, n_bins=1)
    assert confidence_bins(np.array([0.0, 1.0, 1.0 + 1e-12]), 4).tolist() == [0, 3, 3]


def test_a_perfect_classifier_is_calibrated() -> None:
    """Sure and right everywhere: no error of any kind."""
    kept = KeptLogits(shifted(np.eye(4) * 1e4), np.arange(4, dtype=np.uint8))
    found = metrics(kept)
    assert (found.accuracy, found.macro_f1, found.mean_class_accuracy) == (1, 1, 1)
    assert (found.nll, found.ece) == (0, 0)


def test_counts_and_what_follows_from_them() -> None:
    """Class 2 has no test images: it is left out of means, and what is taken for it counts as wrong."""
    logits = np.array([[2.0, 1, 0], [0, 3, 1], [1, 1, 0], [0, 0, 5]])
    counts = class_counts(logits, np.array([0, 1, 1, 1]))
    assert [each.tolist() for each in (counts.n_test, counts.n_correct, counts.n_predicted)] == [
        [1, 3, 0],
        [1, 1, 0],
        [2, 1, 1],
    ]
    assert accuracy(counts) == 0.5
    np.testing.assert_array_equal(class_accuracies(counts), [1, 1 / 3, np.nan])
    assert mean_class_accuracy(counts) == pytest.approx(2 / 3)
    assert macro_f1(counts) == pytest.approx((2 / 3 + 2 / 4) / 2)


def test_metrics_are_those_of_scikit_learn() -> None:
    """Accuracy, macro-F1, balanced accuracy and log loss, over drawn logits and all classes."""
    logits, labels = _drawn(400, 7)
    wide = logits.astype(np.float64)
    predicted, counts = wide.argmax(axis=1), class_counts(wide, labels)
    assert accuracy(counts) == pytest.approx(accuracy_score(labels, predicted))
    assert macro_f1(counts) == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert mean_class_accuracy(counts) == pytest.approx(balanced_accuracy_score(labels, predicted))
    probabilities = np.exp(wide - log_sum_exp(wide)[:, None])
    assert nll(wide, labels) == pytest.approx(log_loss(labels, probabilities))


@pytest.mark.parametrize("n_classes", [10, 100])
def test_half_precision_costs_little(n_classes: int) -> None:
    """Over 2,000 images NLL is off by less than 1e-4 and ECE by less than 1e-3."""
    logits, labels = _drawn(2000, n_classes)
    kept, wide = metrics(KeptLogits(shifted(logits), labels)), logits.astype(np.float64)
    assert kept.nll == pytest.approx(nll(wide, labels), abs=1e-4)
    assert kept.ece == pytest.approx(ece(wide, labels), abs=1e-3)
