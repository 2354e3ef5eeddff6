"""Metrics of a classifier from the logits of its test images; pure functions of numpy arrays.

``logits`` are (images, classes), each row up to a constant of its own; ``labels`` are (images,). All sums are
float64, and everything that is a share is a fraction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.store.logits import KeptLogits

N_BINS = 15  # of ECE; Guo et al., ICML 2017, table 1


@dataclass(frozen=True, slots=True)
class Counts:
    """For every class: its test images, those predicted rightly, and all images predicted as this class."""

    n_test: np.ndarray
    n_correct: np.ndarray
    n_predicted: np.ndarray


@dataclass(frozen=True, slots=True)
class Metrics:
    """All metrics of one cell, and the counts that the first three follow from."""

    accuracy: float
    macro_f1: float
    mean_class_accuracy: float
    nll: float
    ece: float
    counts: Counts


def metrics(kept: KeptLogits) -> Metrics:
    """All metrics of the logits that were kept of a cell."""
    logits, labels = kept.shifted, kept.labels.astype(np.int64)
    counts = class_counts(logits, labels)
    log_normaliser = log_sum_exp(logits)
    return Metrics(
        accuracy=accuracy(counts),
        macro_f1=macro_f1(counts),
        mean_class_accuracy=mean_class_accuracy(counts),
        nll=_nll(logits, labels, log_normaliser),
        ece=_ece(logits, labels, log_normaliser, N_BINS),
        counts=counts,
    )


def class_counts(logits: np.ndarray, labels: np.ndarray) -> Counts:
    """The counts of every class; the largest logit is the prediction, ties go to the lower label."""
    predicted = logits.argmax(axis=1)

    def count(of: np.ndarray) -> np.ndarray:
        return np.bincount(of, minlength=logits.shape[1])

    return Counts(count(labels), count(labels[predicted == labels]), count(predicted))


def accuracy(counts: Counts) -> float:
    """Right answers over test images."""
    return int(counts.n_correct.sum()) / int(counts.n_test.sum())


def class_accuracies(counts: Counts) -> np.ndarray:
    """Right answers over test images of each class, its recall; NaN for a class without test images."""
    with np.errstate(invalid="ignore"):
        return np.asarray(counts.n_correct / counts.n_test)


def mean_class_accuracy(counts: Counts) -> float:
    """Mean accuracy of the classes with test images, also called balanced accuracy."""
    return float(np.nanmean(class_accuracies(counts)))


def macro_f1(counts: Counts) -> float:
    """Mean over the classes with test images of F1, ``2 n_correct / (n_test + n_predicted)``.

    Classes that are only predicted do not enter: scikit-learn's ``f1_score(average="macro")`` over the labels that
    occur, as in CoOp's evaluator (Dassl).
    """
    there = counts.n_test > 0
    doubled, total = 2 * counts.n_correct[there], counts.n_test[there] + counts.n_predicted[there]
    return float(np.mean(doubled / total))


def nll(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood in nats, or cross-entropy: of ``log(sum_c exp(z_c)) - z_label`` over images."""
    return _nll(logits, labels, log_sum_exp(logits))


def ece(logits: np.ndarray, labels: np.ndarray, n_bins: int = N_BINS) -> float:
    """Expected calibration error (Guo et al., On Calibration of Modern Neural Networks, ICML 2017, eq. 3).

    Images are sorted into ``n_bins`` bins of equal width by their largest softmax probability, bin m holding
    ``((m - 1) / n_bins, m / n_bins]``; the result is the mean over images of ``|accuracy - confidence|`` of their
    bin, confidence being the mean of those probabilities.
    """
    return _ece(logits, labels, log_sum_exp(logits), n_bins)


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """``log(sum_c exp(z_c))`` of every row in float64, (images,)."""
    wide = logits.astype(np.float64)
    largest = wide.max(axis=1, keepdims=True)
    wide -= largest
    np.exp(wide, out=wide)
    return np.asarray(np.log(wide.sum(axis=1)) + largest[:, 0])


def _nll(logits: np.ndarray, labels: np.ndarray, log_normaliser: np.ndarray) -> float:
    own = np.take_along_axis(logits, labels[:, None], axis=1)[:, 0].astype(np.float64)
    return float(np.mean(log_normaliser - own))


def _ece(logits: np.ndarray, labels: np.ndarray, log_normaliser: np.ndarray, n_bins: int) -> float:
    confidence = np.exp(logits.max(axis=1).astype(np.float64) - log_normaliser)
    right = logits.argmax(axis=1) == labels
    bins = confidence_bins(confidence, n_bins)
    gaps = np.bincount(bins, weights=right - confidence, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(labels))


def confidence_bins(confidence: np.ndarray, n_bins: int = N_BINS) -> np.ndarray:
    """The bin of every probability, from 0; an upper edge belongs to its bin."""
    bins: np.ndarray = np.ceil(confidence * n_bins).astype(np.int64) - 1
    return bins.clip(0, n_bins - 1)
