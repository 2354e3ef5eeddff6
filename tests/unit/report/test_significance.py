"""Intervals and tests for a handful of runs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from harness.report.stats.significance import (
    bootstrap_interval,
    detectable,
    holm,
    needed_units,
    sign_flip_p,
    smallest_p,
    t_interval,
)

NAN = math.nan


def test_interval_of_one_data_set_is_students() -> None:
    """For one data set it is the interval of any textbook."""
    runs = [0.61, 0.62, 0.66]
    interval = t_interval(np.array(runs)[:, np.newaxis])
    expected = stats.t.interval(0.95, 2, loc=np.mean(runs), scale=stats.sem(runs))
    assert interval is not None
    assert (interval.low, interval.high, interval.df) == pytest.approx((*expected, 2))


def test_interval_of_an_average_is_satterthwaites() -> None:
    """For two data sets it is Welch's, halved: a mean of two is half of their sum."""
    one, other = [0.61, 0.62, 0.66], [0.30, 0.39, 0.36]
    interval = t_interval(np.array([one, other]).T)
    welch = stats.ttest_ind(one, [-score for score in other], equal_var=False).confidence_interval(0.95)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((welch.low / 2, welch.high / 2))


def test_interval_covers_as_often_as_it_says() -> None:
    """Of averages over 4 data sets of 3 runs with unlike spreads, 95 % lie in their interval, or a little more."""
    generator = np.random.default_rng(1)
    spreads = np.array([0.002, 0.01, 0.03, 0.01])
    hits = 0
    for _ in range(2000):
        interval = t_interval(generator.normal(0, spreads, size=(3, 4)))
        assert interval is not None
        hits += interval.low <= 0 <= interval.high
    assert 0.94 <= hits / 2000 <= 0.985


@pytest.mark.parametrize("scores", [[[0.5]], [[0.5, 0.4], [0.6, NAN]], np.empty((0, 0))])
def test_single_runs_have_no_interval(scores: object) -> None:
    """A data set with one run says nothing about its spread, and nor does an average over it."""
    assert t_interval(np.array(scores, dtype=float)) is None
    assert bootstrap_interval(np.array(scores, dtype=float), 1) is None


def test_runs_that_agree_have_an_interval_of_no_width() -> None:
    """Three equal runs give their own value."""
    interval = t_interval(np.full((3, 2), 0.7))
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((0.7, 0.7))


def test_bootstrap_has_the_spread_of_the_mean() -> None:
    """Its width is that of a normal interval with the unbiased standard error; a seed fixes it."""
    scores = np.random.default_rng(2).normal(0.5, 0.02, size=(5, 11))
    interval, again = bootstrap_interval(scores, 3), bootstrap_interval(scores, 3)
    error = math.sqrt(scores.var(axis=0, ddof=1).sum() / 5) / 11
    assert interval is not None
    assert interval == again
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_sign_flips_are_those_of_all_patterns() -> None:
    """P is the share of all sign patterns that are at least as far out, and scipy's permutation test agrees."""
    differences = [0.02, -0.01, 0.04, 0.03, 0.005]
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=5)
    ]
    expected = sum(each >= abs(sum(differences)) - 1e-12 for each in sums) / 32
    theirs = stats.permutation_test(
        (np.array(differences),), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(differences) == pytest.approx(expected) == pytest.approx(theirs.pvalue)


def test_three_runs_cannot_reach_significance() -> None:
    """However large the difference, three pairs have a p of a quarter; six are the first that can reach 0.05."""
    assert sign_flip_p([0.5, 0.4, 0.6]) == smallest_p(3) == 0.25
    assert smallest_p(6) < 0.05 < smallest_p(5)
    assert needed_units(1) == 6
    assert needed_units(15) == 10


def test_many_units_are_sampled_the_same_way_every_time() -> None:
    """More than 16 differences are tested by drawn patterns, whose p is never zero and close to the exact one."""
    differences = [0.01 * (place % 5 - 1.6) for place in range(17)]
    first = sign_flip_p(differences)
    exact = stats.permutation_test(
        (np.array(differences),), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert first == sign_flip_p(differences) == pytest.approx(exact, abs=0.01)
    assert sign_flip_p([1.0] * 40) == pytest.approx(1 / 20_000) == smallest_p(40)


def test_false_alarms_are_as_rare_as_they_should_be() -> None:
    """Where two methods are alike, p is at most 0.05 in no more than 5 % of cases, with unlike spreads, too."""
    generator = np.random.default_rng(3)
    draws = generator.normal(0, [0.001, 0.002, 0.01, 0.01, 0.02, 0.05, 0.1], size=(2000, 7))
    share = np.mean([sign_flip_p(draw) <= 0.05 for draw in draws.tolist()])
    assert 0.03 <= share <= 0.06


def test_no_differences_are_no_evidence() -> None:
    """Nothing, and differences of zero, have a p of one."""
    assert sign_flip_p([]) == sign_flip_p([0.0, 0.0, 0.0]) == 1.0


def test_holm_corrects_the_smallest_most() -> None:
    """Four tests: times 4, 3, 2 and 1, never falling, never above one."""
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_detectable_difference_is_found_four_times_in_five() -> None:
    """A true difference of that size is found with a power of about 0.8."""
    n, sd = 11, 0.02
    effect = detectable(sd / math.sqrt(n), n - 1)
    draws = np.random.default_rng(4).normal(effect, sd, size=(4000, n))
    assert np.mean(stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.03)
