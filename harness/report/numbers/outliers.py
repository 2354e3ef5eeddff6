"""Seeds that lie apart from the others of their point, which three runs alone can hardly show.

The spread of a point is held against what is usual for its data set: the median spread of the other points there,
or of those with as many shots, or the error of the test images, whichever is largest. A point is flagged when its
spread is larger than chance allows even if the usual spread were twice as large (chi-squared, one in a hundred).
Which seeds lie apart is then told by the widest gap: the side of fewer seeds, or the lower side where zero-shot
lies between the two.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.matrix.cell import Shots
from harness.report.numbers.entry import Entry
from harness.report.numbers.rows import ZERO_SHOT, Row, shots_order
from harness.report.stats.distributions import f_tail

_RARE = 0.01
_SAFETY = 2.0  # by how much the usual spread may be misjudged
_ALONE = 0.02  # the usual spread, a fraction, where a data set has no other point; the authors' own are below 0.01
_MANY = 1e6  # degrees of freedom of a spread that is taken as known


@dataclass(frozen=True, slots=True)
class Apart:
    """A point whose seeds disagree.

    Attributes:
        dataset: that is trained on.
        runs: seed and accuracy, by rising accuracy.
        apart: the seeds that lie apart.
        low: whether they lie below the others.
        sd: of all seeds.
        usual: the spread that is usual on the data set.
        below_zero_shot: whether the seeds that lie apart, and only they, lie below zero-shot.
    """

    dataset: str
    row: Row
    shots: Shots
    runs: tuple[tuple[int, float], ...]
    apart: tuple[int, ...]
    low: bool
    sd: float
    usual: float
    below_zero_shot: bool


def apart(rows: Mapping[Row, Sequence[Entry]]) -> list[Apart]:
    """The points whose seeds disagree, on own test images, in the order of rows, data sets and shots."""
    points = _points(rows)
    zero = _zero_shot(rows)
    spreads = {
        key: statistics.stdev(score for _, score, _ in runs) for key, runs in points.items() if len(runs) > 1
    }
    peers: dict[tuple[str, Shots | None], list[float]] = {}
    for (_, dataset, shots), sd in spreads.items():
        peers.setdefault((dataset, None), []).append(sd)
        peers.setdefault((dataset, shots), []).append(sd)
    for all_of_it in peers.values():
        all_of_it.sort()
    found = []
    for key, sd in spreads.items():
        row, dataset, shots = key
        runs = points[key]
        usual = max(_test_error(runs), _median_without(peers[dataset, None], sd))
        if len(peers[dataset, shots]) > 2:  # few shots spread more than many
            usual = max(usual, _median_without(peers[dataset, shots], sd))
        if sd <= _SAFETY * usual or f_tail((sd / (_SAFETY * usual)) ** 2, len(runs) - 1, _MANY) >= _RARE:
            continue
        ordered = sorted(((seed, score) for seed, score, _ in runs), key=lambda run: (run[1], run[0]))
        seeds, low, below = _side(ordered, zero.get(dataset))
        found.append(Apart(dataset, row, shots, tuple(ordered), seeds, low, sd, usual, below))
    datasets = list(dict.fromkeys(entry.cell.dataset for entries in rows.values() for entry in entries))
    counts, order = shots_order(each.shots for each in found), list(rows)
    return sorted(
        found,
        key=lambda each: (order.index(each.row), datasets.index(each.dataset), counts.index(each.shots)),
    )


def said(each: Apart) -> str:
    """Which seeds lie apart, and on which side."""
    names = f"seed{'s' if len(each.apart) > 1 else ''} {', '.join(map(str, each.apart))}"
    side = "low" if each.low else "high"
    return f"{names} {side}{', below zero-shot' if each.below_zero_shot else ''}"


def _points(rows: Mapping[Row, Sequence[Entry]]) -> dict[tuple[Row, str, Shots], list[tuple[int, float, int]]]:
    """Seed, accuracy and number of test images of every run that counts."""
    points: dict[tuple[Row, str, Shots], list[tuple[int, float, int]]] = {}
    for row, members in rows.items():
        for entry in members:
            cell = entry.cell
            if cell.evaluate_on is None and cell.seed is not None and entry.accuracy is not None and entry.record:
                run = (cell.seed, entry.accuracy, entry.record.n_test or 1)
                points.setdefault((row, cell.dataset, cell.shots), []).append(run)
    return points


def _zero_shot(rows: Mapping[Row, Sequence[Entry]]) -> dict[str, float]:
    """The first zero-shot accuracy on each data set's own test images."""
    found: dict[str, float] = {}
    for row, members in rows.items():
        for entry in members:
            if row.method == ZERO_SHOT and entry.cell.evaluate_on is None and entry.accuracy is not None:
                found.setdefault(entry.cell.dataset, entry.accuracy)
    return found


def _median_without(ordered: Sequence[float], one: float) -> float:
    """The median of sorted numbers without one of them."""
    place = bisect_left(ordered, one)
    left = len(ordered) - 1
    if left == 0:
        return _ALONE
    low, high = ((left - 1) // 2, left // 2)
    return (ordered[low + (low >= place)] + ordered[high + (high >= place)]) / 2


def _test_error(runs: Sequence[tuple[int, float, int]]) -> float:
    """The binomial sd of the middle run's accuracy."""
    share = statistics.median_low(score for _, score, _ in runs)
    return math.sqrt(share * (1 - share) / runs[0][2])


def _side(runs: Sequence[tuple[int, float]], zero_shot: float | None) -> tuple[tuple[int, ...], bool, bool]:
    """The seeds that lie apart, whether they lie low, and whether zero-shot lies between them and the others."""
    gaps = [after[1] - before[1] for before, after in pairwise(runs)]
    cut = gaps.index(max(gaps)) + 1
    low, high = runs[:cut], runs[cut:]
    between = zero_shot is not None and low[-1][1] < zero_shot <= high[0][1]
    is_low = between or len(low) <= len(high)
    side = low if is_low else high
    return tuple(sorted(seed for seed, _ in side)), is_low, between
