"""Intervals and tests for a handful of runs; nothing here knows of cells, files or axes.

``(runs, datasets)`` is as in ``stats``: ``nan`` for a hole. What is tested are differences between two methods on
the same training images, so that a run of one is paired with a run of the other. Data sets are strata: a run
stands only for others on its own data set, and every data set counts the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.report.stats.distributions import t_quantile
from harness.report.stats.summary import Scores

IntervalKind = Literal["t", "bootstrap"]
INTERVAL_KINDS: tuple[IntervalKind, ...] = ("t", "bootstrap")
LEVEL = 0.95  # of every interval
ALPHA = 0.05  # of every test
POWER = 0.8  # with which a test is said to find a difference
NORMAL = 1.959963984540054  # two-sided 95 % quantile of the standard normal distribution
N_RESAMPLES = 10_000
N_FLIPS = 19_999
_MOST_EXACT = 16  # units whose 2 ** n sign patterns are all visited


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval of a mean, as fractions, and its degrees of freedom (``None`` for a bootstrap)."""

    low: float
    high: float
    df: float | None


def t_interval(scores: Scores) -> Interval | None:
    """The 95 % interval of the mean over data sets of the mean over runs, by Student's t.

    Args:
        scores: ``(runs, datasets)`` fractions, ``nan`` for a hole.

    Returns:
        For one data set Student's interval, for several with the variances added (``standard_error``); ``None``
        where a data set has fewer than two runs.
    """
    known = standard_error(scores)
    if known is None:
        return None
    error, df = known
    mean = math.fsum(float(np.nanmean(column)) for column in scores.T) / scores.shape[1]
    half = t_quantile(0.5 + LEVEL / 2, df) * error
    return Interval(mean - half, mean + half, df)


def standard_error(scores: Scores) -> tuple[float, float] | None:
    """The standard error of the mean over data sets of the mean over runs, and its degrees of freedom.

    The runs of a data set vary around its own mean, and those of different data sets independently, so that
    variances add; the degrees of freedom of the sum are Satterthwaite's (``added_variances``).

    Args:
        scores: ``(runs, datasets)`` fractions, ``nan`` for a hole.

    Returns:
        Both; ``None`` where a data set has fewer than two runs.
    """
    columns = [column[~np.isnan(column)] for column in scores.T]
    if not columns or any(len(column) < 2 for column in columns):
        return None
    parts = [(float(np.var(column, ddof=1)) / len(column), len(column) - 1) for column in columns]
    total, df = added_variances(parts)
    return math.sqrt(total) / len(columns), df


def added_variances(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The sum of variances and its degrees of freedom (Satterthwaite, Biometrics Bulletin, 1946).

    Args:
        parts: variances of means, each with its degrees of freedom.
    """
    total = math.fsum(part for part, _ in parts)
    squares = math.fsum(part**2 / df for part, df in parts)
    return total, total**2 / squares if squares > 0 else math.fsum(df for _, df in parts)


def bootstrap_interval(scores: Scores, seed: int) -> Interval | None:
    """The 95 % interval of the mean over data sets of the mean over runs, by a bootstrap (percentiles).

    Runs are resampled within each data set. Of n runs n - 1 are drawn with replacement (Rao and Wu, Journal of the
    American Statistical Association, 1988): n draws of so few would make the interval too narrow, for three runs
    by a factor of 0.8.

    Args:
        scores: ``(runs, datasets)`` fractions, ``nan`` for a hole.
        seed: of the ``N_RESAMPLES`` draws.

    Returns:
        The interval; ``None`` where a data set has fewer than two runs.
    """
    columns = [column[~np.isnan(column)] for column in scores.T]
    if not columns or any(len(column) < 2 for column in columns):
        return None
    generator = np.random.default_rng(seed)
    means = np.zeros(N_RESAMPLES)
    for column in columns:
        drawn = generator.integers(len(column), size=(N_RESAMPLES, len(column) - 1))
        means += column[drawn].mean(axis=1)
    low, high = np.quantile(means / len(columns), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), None)


def sign_flip_p(differences: Sequence[float]) -> float:
    """The two-sided p of the sign-flip test of a mean difference of zero.

    The test is Fisher's (The Design of Experiments, 1935). If neither method is better, a difference is as likely
    as its negative; p is the share of sign patterns whose sum is at least as far from zero. Every pattern is
    visited for up to 16 differences; beyond that 19,999 are drawn, the same in every run, and the pattern found
    counts as one more, so that p is never zero (Phipson and Smyth, 2010).
    """
    units = np.asarray(differences, dtype=np.float64)
    limit = abs(float(units.sum())) - 1e-12 * float(np.abs(units).sum())
    if len(units) <= _MOST_EXACT:
        sums = np.zeros(1)
        for unit in units:
            sums = np.concatenate([sums + unit, sums - unit])
        return float(np.mean(np.abs(sums) >= limit))
    # Not by `@`: for products as small as this a BLAS spends its time on waking threads.
    hits = int(np.count_nonzero(np.abs(np.einsum("fu,u->f", _patterns(len(units)), units)) >= limit))
    return (1 + hits) / (1 + N_FLIPS)


def smallest_p(n: int) -> float:
    """The smallest p that ``n`` differences can have in the sign-flip test: all of one sign."""
    return min(1.0, max(2.0 ** (1 - n), 1 / (1 + N_FLIPS) if n > _MOST_EXACT else 0.0))


def needed_units(n_tests: int) -> int:
    """How many differences it takes until the smallest p, corrected for ``n_tests``, is at most 0.05."""
    n = 1
    while n_tests * 2.0 ** (1 - n) > ALPHA:
        n += 1
    return n


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number (Holm, Scandinavian Journal of Statistics, 1979), in their order."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected, running = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = running
    return corrected


def detectable(standard_error: float, df: float) -> float:
    """The true difference that a two-sided t test at 0.05 finds with probability 0.8 (Bloom, 1995).

    Args:
        standard_error: of the mean difference, as ``standard_error`` gives it.
        df: its degrees of freedom.
    """
    return (t_quantile(1 - ALPHA / 2, df) + t_quantile(POWER, df)) * standard_error


@lru_cache(maxsize=8)
def _patterns(n: int) -> NDArray[np.float64]:
    """``(flips, n)`` signs, the same in every run."""
    signs = np.random.default_rng(n).integers(0, 2, size=(N_FLIPS, n)).astype(np.float64)
    signs *= 2
    signs -= 1
    return signs
