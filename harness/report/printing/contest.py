"""Which numbers of a column are bold and underlined, and what tells apart those that are printed alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic

from harness.report.numbers.results import ByRow, Column, Result
from harness.report.numbers.rows import Row
from harness.report.printing.cells import BEST, SECOND, SPREAD, Style
from harness.report.stats.exact import percent
from harness.report.tables.table import Note

_CONTEST = "among cells with nothing missing, on the same seeds and test images; compared by exact counts"
BOLD_SENTENCE = f"Bold: highest mean of a column {_CONTEST}."
MARKS_SENTENCE = f"Bold: highest mean of a column, underlined: the second, {_CONTEST}."
_LEAST_FOR_SECOND = 3  # of two, the second is the last


@dataclass(frozen=True, slots=True)
class Contest(Generic[Column]):
    """Who is best: from points to ``BEST`` or ``SECOND``, and the points of each column that were compared."""

    ranks: Mapping[tuple[Row, Column], int]
    rivals: Mapping[Column, Sequence[tuple[Row, Column]]]


def marks_sentences(contests: Iterable[Contest[Column]]) -> tuple[str, ...]:
    """What bold and underlined mean, where either is there."""
    ranks = {rank for one in contests for rank in one.ranks.values()}
    if SECOND in ranks:
        return (MARKS_SENTENCE,)
    return (BOLD_SENTENCE,) if ranks else ()


def contest(columns: Iterable[Column], results: ByRow[Column]) -> Contest[Column]:
    """The points that are ``BEST`` or ``SECOND`` of their column, all that tie included, if there is a contest.

    Points compete where nothing is missing and all is alike: the number of test images, and the seeds, of which
    those that most points have count; what draws nothing competes with every seed. Means are compared as ratios of
    whole numbers. The second is named where three or more compete.
    """
    by_column: dict[Column, list[tuple[Row, Column]]] = {column: [] for column in columns}
    for point, result in results.items():
        if point[1] in by_column and result.accuracy.whole and result.accuracy.exact is not None:
            by_column[point[1]].append(point)
    ranks: dict[tuple[Row, Column], int] = {}
    rivals = {column: _alike(points, results) for column, points in by_column.items()}
    for points in rivals.values():
        if len(points) == 1:
            continue
        exact = {point: _exact(results[point]) for point in points}
        best = max(exact.values(), default=None)
        second = max((mean for mean in exact.values() if mean != best), default=None)
        for point, mean in exact.items():
            if mean == best:
                ranks[point] = BEST
            elif mean == second and len(points) >= _LEAST_FOR_SECOND:
                ranks[point] = SECOND
    return Contest(ranks, rivals)


def told_apart(
    found: Contest[Column], results: ByRow[Column], labels: Mapping[Row, str], style: Style = SPREAD
) -> list[Note]:
    """Why numbers that are printed alike are not marked alike, with as many decimals as tell them apart."""
    parts = []
    for column, points in found.rivals.items():
        alike: dict[str, list[tuple[Row, Column]]] = {}
        for point in points:
            alike.setdefault(percent(_exact(results[point]), style.decimals), []).append(point)
        for same in alike.values():
            if len({found.ranks.get(point) for point in same}) > 1:
                exact = sorted(same, key=lambda point: _exact(results[point]), reverse=True)
                words = (f"{labels[point[0]]} {_telling(results[point], exact, results)}" for point in exact)
                parts.append(f"{column}: {', '.join(words)}")
    return [Note("", f"Printed alike, told apart by exact counts: {'; '.join(parts)}.")] if parts else []


def _telling(result: Result, among: Sequence[tuple[Row, Column]], results: ByRow[Column]) -> str:
    """The mean of ``result`` with as many decimals, nine at most, as tell apart the means of all points."""
    means = {_exact(results[point]) for point in among}
    for decimals in range(2, 9):
        if len({percent(mean, decimals) for mean in means}) == len(means):
            return percent(_exact(result), decimals)
    return percent(_exact(result), 9)


def _exact(result: Result) -> Fraction:
    return result.accuracy.exact if result.accuracy.exact is not None else Fraction(-1)


def _alike(points: Sequence[tuple[Row, Column]], results: ByRow[Column]) -> list[tuple[Row, Column]]:
    """The largest set of points that may be compared; of equally large ones that with more seeds, or images."""
    kinds: dict[tuple[int, ...], dict[tuple[int | None, ...], list[tuple[Row, Column]]]] = {}
    for point in points:
        result = results[point]
        kinds.setdefault(result.n_test, {}).setdefault(result.seeds if result.seeded else (), []).append(point)
    best: list[tuple[Row, Column]] = []
    for n_test in sorted(kinds, reverse=True):
        by_seeds = kinds[n_test]
        unseeded = by_seeds.pop((), [])
        seeded = max(
            by_seeds.items(), key=lambda kind: (len(kind[1]), len(kind[0]), repr(kind[0])), default=((), [])
        )
        rivals = [*unseeded, *seeded[1]]
        if len(rivals) > len(best):
            best = rivals
    return best
