"""Statistics over arrays of accuracies, ``nan`` for a hole; nothing here knows of cells, files or axes.

``(runs, datasets)``: element ``i, j`` is the accuracy of seed ``i`` on data set ``j``, a fraction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
SdKind = Literal["sample", "population"]
SD_KINDS: tuple[SdKind, ...] = ("sample", "population")


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean and sample standard deviation over the runs that are there, and how many should be.

    ``mean`` is ``None`` when it would be a mean over nothing, or over a hole that must not be skipped;
    ``sd`` is ``None`` below two runs. ``exact`` is the mean as counted, where it was counted, for printing.
    ``sd_kind`` says whose sd it is: ``sample`` divides by n - 1, ``population`` by n.
    """

    mean: float | None
    sd: float | None
    n: int
    n_expected: int
    exact: Fraction | None = None
    sd_kind: SdKind = "sample"

    @property
    def whole(self) -> bool:
        """Whether every run that was asked for is in the mean."""
        return self.mean is not None and self.n == self.n_expected


def summarise(scores: Scores) -> Summary:
    """Mean and sd (``ddof=1``) of ``(runs,)`` over the runs without a hole."""
    there = scores[~np.isnan(scores)].tolist()
    n = len(there)
    if n == 0:
        return Summary(None, None, 0, len(scores))
    return Summary(*mean_and_sd(there), n, len(scores))


def mean_and_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean of at least one number, and the sample sd (over n - 1), ``None`` of a single one."""
    # fsum rounds once, so that the result does not depend on the order of seeds or data sets.
    n = len(values)
    mean = math.fsum(values) / n
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1)) if n > 1 else None


def with_sd(summary: Summary, kind: SdKind) -> Summary:
    """The summary with its sd over n - 1 or, as the reference's ``parse_test_res.py`` prints it, over n."""
    if summary.sd is None or kind == summary.sd_kind:
        return replace(summary, sd_kind=kind)
    factor = math.sqrt((summary.n - 1) / summary.n)
    return replace(summary, sd=summary.sd * factor if kind == "population" else summary.sd / factor, sd_kind=kind)


def average_over_datasets(scores: Scores) -> Summary:
    """Mean over data sets for each seed, then mean and sd over seeds; no mean when anything is missing.

    The sd is that of the average between runs, not of the accuracies between data sets. ``n`` counts the
    seeds that are complete on all data sets.
    """
    whole_runs = scores[~np.isnan(scores).any(axis=1)]
    if len(whole_runs) < len(scores) or scores.size == 0:
        return Summary(None, None, len(whole_runs), len(scores))
    return summarise(np.array([math.fsum(run) / len(run) for run in scores.tolist()]))


def whole_datasets(scores: Scores) -> NDArray[np.bool_]:
    """For each data set of ``(runs, datasets)``, whether all of its runs are there."""
    return np.logical_not(np.isnan(scores).any(axis=0))


def gain_over(scores: Scores, baseline: Scores) -> Scores:
    """``(runs, datasets)`` minus ``(datasets,)``; a hole in the baseline is a hole in every run."""
    difference: Scores = scores - baseline[np.newaxis, :]
    return difference


def difference(mean: Summary, baseline: Summary) -> Summary:
    """One mean minus another, without an sd; no mean where either is missing."""
    found = None if mean.mean is None or baseline.mean is None else mean.mean - baseline.mean
    return Summary(found, None, mean.n, mean.n_expected)


def harmonic_mean(one: Scores, other: Scores) -> Scores:
    """``2ab / (a + b)`` of two arrays of one shape; 0 where both are 0, a hole where either is one.

    Of base and new classes it is the H of Xian et al. (CVPR 2017), which CoCoOp (CVPR 2022) reports.
    """
    total = one + other
    mean: Scores = np.divide(2 * one * other, total, out=np.zeros_like(total), where=total != 0)
    return mean


def harmonic_of_means(one: Scores, other: Scores) -> Summary:
    """The harmonic mean of the means of two ``(runs, datasets)``, both over the same runs; it has no sd.

    Of one data set over the runs that both have; of several there is none when anything is missing.
    """
    is_whole = np.logical_not(np.isnan(one + other).any(axis=1))
    n, n_expected = int(is_whole.sum()), len(one)
    if n == 0 or (one.shape[1] > 1 and n < n_expected):
        return Summary(None, None, n, n_expected)
    means = [np.array(math.fsum(part[is_whole].ravel().tolist()) / part[is_whole].size) for part in (one, other)]
    return Summary(float(harmonic_mean(*means)), None, n, n_expected)
