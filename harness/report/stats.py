"""Statistics over arrays of accuracies, ``nan`` for a hole; nothing here knows of cells, files or axes.

``(runs, datasets)``: element ``i, j`` is the accuracy of seed ``i`` on data set ``j``, a fraction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean and sample standard deviation over the runs that are there, and how many should be.

    ``mean`` is ``None`` when it would be a mean over nothing, or over a hole that must not be skipped;
    ``sd`` is ``None`` below two runs.
    """

    mean: float | None
    sd: float | None
    n: int
    n_expected: int

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
    # fsum rounds once, so that the result does not depend on the order of seeds or data sets.
    mean = math.fsum(there) / n
    sd = math.sqrt(math.fsum((score - mean) ** 2 for score in there) / (n - 1)) if n > 1 else None
    return Summary(mean, sd, n, len(scores))


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
