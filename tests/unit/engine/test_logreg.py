"""The linear probe's search, beyond the golden cases."""

import numpy as np
import pytest

from harness.engine import logreg
from harness.engine.logreg import Probe, fit_probe


def test_without_rounds_the_best_of_the_grid_is_kept() -> None:
    """Of equal validation accuracies the largest C of the grid wins."""
    x, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    probe = fit_probe((x, y), (x, y), max_iter=100, search_rounds=0)
    assert (probe.c, probe.val_accuracy, probe.converged, probe.classifier.C) == (1e6, 1.0, True, 1e6)


def test_a_fit_that_does_not_converge_says_so() -> None:
    """A probe that ran out of iterations is marked and raises no warning."""
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((60, 20)), generator.integers(0, 3, 60)
    assert not fit_probe((x, y), (x, y), max_iter=1, search_rounds=0).converged


def test_labels_need_not_be_without_gaps() -> None:
    """Classes that have no training image are simply not known to the probe."""
    x, y = np.array([[-1.0], [1.0]]), np.array([3, 7])
    assert fit_probe((x, y), (x, y), 100, 1).classifier.classes_.tolist() == [3, 7]


@pytest.mark.parametrize("best", [-4.7, -0.2, 2.7])
def test_search_finds_the_best_between_the_points_of_the_grid(
    monkeypatch: pytest.MonkeyPatch, best: float
) -> None:
    """Eight halvings of two decades lie within a fiftieth of a decade of an accuracy that has one peak."""

    def fit(train: object, val: object, c: float, max_iter: int) -> Probe:
        return Probe(None, c, -abs(np.log10(c) - best), True)

    monkeypatch.setattr(logreg, "_fit", fit)
    nothing = np.zeros((0, 1)), np.zeros(0)
    assert np.log10(fit_probe(nothing, nothing, 1, 8).c) == pytest.approx(best, abs=0.02)
    nearest = 2 * round(best / 2)
    first = nearest + (1 if best > nearest else -1)
    assert np.log10(fit_probe(nothing, nothing, 1, 1).c) == pytest.approx(first)


@pytest.mark.parametrize("rounds", [1, 3])
def test_rounds_narrow_the_interval(rounds: int) -> None:
    """With equal ends the smaller C is kept, a tenth of the grid's best."""
    x, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    assert fit_probe((x, y), (x, y), 100, rounds).c == pytest.approx(1e5)
