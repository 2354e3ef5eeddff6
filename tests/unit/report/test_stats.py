import math
from dataclasses import replace

import numpy as np
import pytest

from harness.report.stats.summary import (
    Summary,
    average_over_datasets,
    difference,
    gain_over,
    harmonic_mean,
    harmonic_of_means,
    summarise,
    whole_datasets,
    with_sd,
)

NAN = math.nan


def test_summary_of_whole_runs() -> None:
    """Mean and sample sd of 1, 2, 3 are 2 and 1."""
    assert summarise(np.array([1.0, 2.0, 3.0])) == Summary(2.0, 1.0, 3, 3)


def test_summary_says_what_is_missing() -> None:
    """A hole is left out of the mean and counted."""
    summary = summarise(np.array([1.0, NAN, 3.0]))
    assert summary == Summary(2.0, math.sqrt(2), 2, 3)
    assert not summary.whole


def test_one_run_has_no_sd() -> None:
    """The sample sd of one run does not exist and is not zero."""
    assert summarise(np.array([0.5])) == Summary(0.5, None, 1, 1)


def test_summary_of_nothing() -> None:
    """No run gives no mean, and a single hole neither, without a warning."""
    assert summarise(np.array([])) == Summary(None, None, 0, 0)
    assert summarise(np.array([NAN])) == Summary(None, None, 0, 1)


def test_sd_over_n_and_over_one_less() -> None:
    """Each is made of the other, and asking for what it is changes nothing; no sd stays none."""
    sample = summarise(np.array([1.0, 2.0, 3.0]))
    population = with_sd(sample, "population")
    assert population == replace(sample, sd=pytest.approx(math.sqrt(2 / 3)), sd_kind="population")
    assert with_sd(population, "population") == population
    assert with_sd(population, "sample") == replace(sample, sd=pytest.approx(1.0))
    assert with_sd(sample, "sample") == sample
    assert with_sd(summarise(np.array([0.5])), "population").sd is None


def test_difference_of_means_has_no_sd() -> None:
    """It is of the runs of the first, and missing where either is."""
    one, other, none = Summary(0.75, 0.1, 3, 4), Summary(0.5, 0.2, 1, 1), Summary(None, None, 0, 2)
    assert difference(one, other) == Summary(0.25, None, 3, 4)
    assert difference(one, none) == Summary(None, None, 3, 4)
    assert difference(none, one) == Summary(None, None, 0, 2)


def test_average_takes_data_sets_first() -> None:
    """The sd is over the per-seed averages: here they are equal although no data set's accuracies are."""
    scores = np.array([[0.2, 0.8], [0.8, 0.2]])
    assert average_over_datasets(scores) == Summary(0.5, 0.0, 2, 2)


def test_average_refuses_a_hole() -> None:
    """One missing seed of one data set leaves no average, and the count of whole seeds."""
    scores = np.array([[0.2, 0.8], [0.8, NAN]])
    assert average_over_datasets(scores) == Summary(None, None, 1, 2)
    assert whole_datasets(scores).tolist() == [True, False]


def test_gain_is_taken_per_run_and_data_set() -> None:
    """Each data set has its own baseline; a hole in the baseline is a hole in all runs."""
    gain = gain_over(np.array([[0.5, 0.9], [0.7, 0.8]]), np.array([0.4, NAN]))
    assert gain[:, 0] == pytest.approx([0.1, 0.3])
    assert np.isnan(gain[:, 1]).all()


def test_harmonic_mean_of_zeros_and_holes() -> None:
    """Two zeros have the harmonic mean zero, and a hole stays one."""
    mean = harmonic_mean(np.array([[0.5, 0.0, NAN]]), np.array([[0.25, 0.0, 0.5]]))
    assert mean[0, :2] == pytest.approx([1 / 3, 0.0])
    assert np.isnan(mean[0, 2])


def test_harmonic_mean_of_means() -> None:
    """The means are over the same runs: over those of one data set that both halves have, over all of several."""
    base, new = np.array([[0.9], [0.8]]), np.array([[0.3], [NAN]])
    assert harmonic_of_means(base, new) == Summary(pytest.approx(0.45), None, 1, 2)
    assert harmonic_of_means(np.hstack([base, base]), np.hstack([new, base])) == Summary(None, None, 1, 2)
