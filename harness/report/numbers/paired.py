"""Methods against each other, run by run: mean difference, interval, and a test that the runs can carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from harness.matrix.cell import Shots
from harness.report.numbers.rows import Row
from harness.report.numbers.runs import Asked, Runs
from harness.report.stats.significance import (
    ALPHA,
    Interval,
    detectable,
    holm,
    sign_flip_p,
    smallest_p,
    standard_error,
    t_interval,
)
from harness.report.stats.summary import Scores

Unit = Literal["data set", "run"]
Pair = tuple[Row, Row]
Column = Shots | Literal["All"]
TOGETHER: Literal["All"] = "All"

# With more rows only pairs with a baseline are tested, so that the correction leaves something to find.
_MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one method lies above another, as fractions.

    Attributes:
        n: how many units it is over.
        n_lacking: data sets where a run that both were asked for is missing, and that are left out.
        p: of the sign-flip test; ``None`` where no p of so few units could be small enough.
        p_corrected: for the number of pairs with one shot count.
        detectable: the true difference that a t test would find four times in five.
    """

    mean: float
    interval: Interval | None
    n: int
    n_lacking: int
    p: float | None = None
    p_corrected: float | None = None
    detectable: float | None = None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every pair of rows at every shot count.

    Attributes:
        unit: what is counted.
        tested: the pairs, later row first.
        columns: shot counts, and all of them together.
        found: the differences; a pair that shares no whole data set has none.
        can_tell: whether so many units could have a p of 0.05 after the correction.
    """

    unit: Unit
    tested: tuple[Pair, ...]
    columns: tuple[Column, ...]
    found: Mapping[tuple[Pair, Column], Difference]
    can_tell: bool


def pairs(rows: Sequence[Row], runs: Runs) -> Pairs:
    """The differences between ``rows``, corrected for the pairs of each shot count."""
    there = {row for (row, _), scores in runs.scores.items() if not np.isnan(scores).all()}
    tested = pairs_of([row for row in rows if row in there])
    unit = choose_unit(len(tested), len(runs.places), len(runs.places) * max(1, len(runs.seeds)))
    columns: list[Column] = [*runs.shots, *([TOGETHER] if len(runs.shots) > 1 else [])]
    found = {
        (pair, column): each
        for column in columns
        for pair in tested
        if (each := _difference(runs, pair, column, unit)) is not None
    }
    can_tell = _can_tell(len(tested), max((each.n for each in found.values()), default=0))
    kept = [column for column in columns if any((pair, column) in found for pair in tested)]
    for column in kept:
        keys = [(pair, column) for pair in tested if (pair, column) in found]
        ps = holm([found[key].p or 0.0 for key in keys if found[key].p is not None])
        corrected = iter(ps)
        for key in keys:
            each = found[key]
            p_corrected = None if each.p is None or not can_tell else next(corrected)
            found[key] = replace(each, p=each.p if can_tell else None, p_corrected=p_corrected)
    return Pairs(unit, tuple(tested), tuple(kept), found, can_tell)


def difference(one: Scores, other: Scores, unit: Unit, asked: Asked) -> Difference | None:
    """``one`` minus ``other`` over the data sets where all runs that both were asked for are there.

    With data sets as units, each counts as one: what is said holds for data sets like these. With runs as units
    it holds for these data sets. ``None`` where no data set is whole.
    """
    runs = np.where(asked, one - other, np.nan)
    wanted = asked.any(axis=0)
    whole = wanted & ~(asked & np.isnan(runs)).any(axis=0)
    runs = runs[:, whole]
    n_lacking = int(wanted.sum() - whole.sum())
    if runs.shape[1] == 0:
        return None
    means = np.nanmean(runs, axis=0)
    units = means[:, np.newaxis] if unit == "data set" else runs
    # Each data set counts the same, however many seeds it has.
    shares = units / np.count_nonzero(~np.isnan(units), axis=0)
    flipped = shares[~np.isnan(shares)].tolist()
    known = standard_error(units)
    found = Difference(float(means.mean()), t_interval(units), len(flipped), n_lacking)
    return found if known is None else replace(found, detectable=detectable(*known), p=sign_flip_p(flipped))


def choose_unit(n_pairs: int, n_datasets: int, n_runs: int) -> Unit:
    """Data sets, where their number allows a corrected p of 0.05, or else runs."""
    return "data set" if _can_tell(n_pairs, n_datasets) or n_runs <= n_datasets else "run"


def pairs_of(rows: Sequence[Row]) -> list[Pair]:
    """Later and earlier row of every pair; where rows are many, only pairs with the first row of a method."""
    every = [(late, early) for early, late in combinations(rows, 2)]
    if len(rows) <= _MOST_ROWS:
        return every
    methods = dict.fromkeys(row.method for row in rows)
    firsts = {next(row for row in rows if row.method == method) for method in methods}
    return [pair for pair in every if pair[1] in firsts]


def _difference(runs: Runs, pair: Pair, column: Column, unit: Unit) -> Difference | None:
    """Of one pair at a shot count; over all of them, each run is first averaged over its shot counts."""
    keys = [[(row, count) for count in runs.shots if column in (count, TOGETHER)] for row in pair]
    if any(key not in runs.scores for found in keys for key in found):
        return None
    one, other = (np.mean([runs.scores[key] for key in found], axis=0) for found in keys)
    asked = np.logical_and.reduce([runs.asked[key] for found in keys for key in found])
    if set(pair) <= runs.unseeded:  # the one run of each was repeated for every seed
        one, other, asked = one[:1], other[:1], asked[:1]
    return difference(one, other, unit, asked)


def _can_tell(n_tests: int, n_units: int) -> bool:
    return n_units > 0 and n_tests * smallest_p(n_units) <= ALPHA
