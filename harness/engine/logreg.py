"""Logistic regression on features, its regularisation chosen on validation images."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

# CLIP's linear probe (Radford et al., ICML 2021, appendix A.3) as CoOp's script runs it: lpclip/linear_probe.py of
# github.com/KaiyangZhou/CoOp at ff61507.
_GRID = (1e6, 1e4, 1e2, 1.0, 1e-2, 1e-4, 1e-6)


@dataclass(frozen=True, slots=True)
class Probe:
    """A fitted classifier, the C that was chosen, its validation accuracy, and whether L-BFGS converged."""

    classifier: Any
    c: float
    val_accuracy: float
    converged: bool


def fit_probe(
    train: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray],
    max_iter: int,
    search_rounds: int,
) -> Probe:
    """The probe with the best C: a grid over 1e-6 .. 1e6, then the interval around the best is halved.

    Of equal validation accuracies the grid keeps the largest C and a round the smaller one. The result is the
    end that the last round kept.

    Args:
        train: features (images, dim), not normalised, and labels.
        val: likewise, of the validation images.
        max_iter: of L-BFGS.
        search_rounds: how often the interval is halved.
    """

    def fit(c: float) -> Probe:
        return _fit(train, val, c, max_iter)

    best = max((fit(c) for c in _GRID), key=lambda probe: probe.val_accuracy)  # max keeps the first of equals
    left, right = np.log10(best.c) - 1, np.log10(best.c) + 1
    for _ in range(search_rounds):
        low, high = fit(10**left), fit(10**right)
        middle = 0.5 * (left + right)
        if low.val_accuracy < high.val_accuracy:
            best, left = high, middle
        else:
            best, right = low, middle
    return best


def _fit(
    train: tuple[np.ndarray, np.ndarray], val: tuple[np.ndarray, np.ndarray], c: float, max_iter: int
) -> Probe:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    classifier = LogisticRegression(C=c, max_iter=max_iter, solver="lbfgs")
    # One thread, as everywhere on the CPU: sums in one order, and no waiting where cores are busy with other runs.
    with warnings.catch_warnings(record=True) as said, threadpool_limits(limits=1):
        warnings.simplefilter("always", ConvergenceWarning)
        classifier.fit(*train)
    converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in said)
    accuracy = float(np.mean(classifier.predict(val[0]) == val[1]))
    return Probe(classifier, float(c), accuracy, converged)
