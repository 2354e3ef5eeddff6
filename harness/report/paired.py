"""Methods against each other, run by run: mean difference, interval, and a test that the runs can carry."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from harness.matrix.cell import Shots
from harness.report.captions import group_title
from harness.report.exact import signed
from harness.report.long import full
from harness.report.rows import Group, Row
from harness.report.runs import Runs
from harness.report.significance import (
    ALPHA,
    Interval,
    detectable,
    holm,
    needed_units,
    sign_flip_p,
    smallest_p,
    t_interval,
)
from harness.report.stats import Scores
from harness.report.table import Block, Note, Table, TableCell, TableRow

Unit = Literal["data set", "run"]
Pair = tuple[Row, Row]
TOGETHER = "All"
DIFFERENCE_HEADING = "Difference in percentage points [95 % interval]"
P_HEADING = "p, corrected"
DETECTABLE_HEADING = "Difference that would be found four times in five"

_MOST_ROWS = (
    12  # beyond that only pairs with a baseline are tested, so that the correction leaves something to find
)
_HEAD = ("backbone", "precision", "classes", "one", "other", "shots", "unit", "n", "n_lacking")
_TAIL = ("difference", "low", "high", "p", "p_corrected", "tests", "detectable", "same_images")


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one method lies above another, as fractions.

    Attributes:
        n: how many units it is over.
        n_lacking: data sets that one of the two has not whole, and that are left out.
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


def difference(one: Scores, other: Scores, unit: Unit) -> Difference | None:
    """``one`` minus ``other`` over the data sets where both have all runs; ``None`` where there is none.

    With data sets as units, each counts as one: what is said holds for data sets like these. With runs as units
    it holds for these data sets.
    """
    runs = one - other
    whole = np.logical_not(np.isnan(runs).any(axis=0))
    runs = runs[:, whole]
    n_lacking = int(len(whole) - whole.sum())
    if runs.shape[1] == 0:
        return None
    units = runs.mean(axis=0)[:, np.newaxis] if unit == "data set" else runs
    interval = t_interval(units)
    found = Difference(math.fsum(units.ravel().tolist()) / units.size, interval, units.size, n_lacking)
    if interval is None:
        return found
    error = math.sqrt(math.fsum(np.var(units, axis=0, ddof=1).tolist()) / len(units)) / units.shape[1]
    return replace(found, detectable=detectable(error, interval.df or 1.0), p=sign_flip_p(units.ravel().tolist()))


def choose_unit(n_pairs: int, n_datasets: int, n_runs: int) -> Unit:
    """Data sets, where their number allows a corrected p of 0.05, or else runs."""
    return "data set" if _can_tell(n_pairs, n_datasets) or n_runs <= n_datasets else "run"


def pairs_of(rows: Sequence[Row]) -> list[Pair]:
    """Later and earlier row of every pair; where rows are many, only pairs with the first row of a method."""
    pairs = [(late, early) for early, late in combinations(rows, 2)]
    if len(rows) <= _MOST_ROWS:
        return pairs
    methods = dict.fromkeys(row.method for row in rows)
    firsts = {next(row for row in rows if row.method == method) for method in methods}
    return [pair for pair in pairs if pair[1] in firsts]


def paired_table(
    matrix: str,
    group: Group,
    stem: str,
    labels: Mapping[Row, str],
    runs: Runs,
    drawn: Mapping[tuple[object, ...], str],
) -> Table | None:
    """Every pair of rows at every shot count and over all of them; ``None`` where there is nothing to compare.

    Args:
        matrix: its name.
        group: of the rows.
        stem: of the table's files.
        labels: of the rows, in order.
        runs: their accuracies.
        drawn: from row, data set, shots and seed to the digest of the training images.
    """
    there = {row for (row, _), scores in runs.scores.items() if not np.isnan(scores).all()}
    pairs = pairs_of([row for row in labels if row in there])
    unit = choose_unit(len(pairs), len(runs.places), len(runs.places) * max(1, len(runs.seeds)))
    columns: list[Shots | str] = [*runs.shots, *([TOGETHER] if len(runs.shots) > 1 else [])]
    found = {
        (pair, column): each
        for column in columns
        for pair in pairs
        if (each := _difference(runs, pair, column, unit)) is not None
    }
    if not any(each.interval for each in found.values()):
        return None
    columns = [column for column in columns if any((pair, column) in found for pair in pairs)]
    n_units = max(each.n for each in found.values())
    can_tell = _can_tell(len(pairs), n_units)
    found = _corrected(found, pairs, columns) if can_tell else _without_p(found)
    others = {pair for pair in pairs if not _same_images(pair, runs, drawn)}
    ns = {each.n for each in found.values()}
    printed = [pair for pair in pairs if any((pair, column) in found for column in columns)]
    names = {pair: f"{labels[pair[0]]} − {labels[pair[1]]}" for pair in printed}

    def block(heading: str, cell: Mapping[tuple[Pair, Shots | str], TableCell]) -> Block:
        rows = (
            TableRow(names[pair], tuple(cell.get((pair, column), TableCell()) for column in columns))
            for pair in printed
        )
        return Block(heading, tuple(rows))

    blocks = [block(DIFFERENCE_HEADING, {key: _difference_cell(each, len(ns) > 1) for key, each in found.items()})]
    if can_tell:
        blocks.append(block(P_HEADING, {key: _p_cell(each) for key, each in found.items()}))
    sizes = {
        key: TableCell(_points(each.detectable)) for key, each in found.items() if each.detectable is not None
    }
    blocks.append(block(DETECTABLE_HEADING, sizes))
    sentences = _caption(matrix, group, runs, unit, len(pairs), n_units, ns, can_tell=can_tell)
    notes = [Note("", f"{names[pair]}: not on the same training images.") for pair in printed if pair in others]
    long = (
        (*_HEAD, *_TAIL),
        *(
            _line(group, labels, pair, column, unit, len(pairs), each, pair not in others)
            for (pair, column), each in found.items()
        ),
    )
    return Table(
        stem, "Paired differences", tuple(sentences), tuple(map(str, columns)), tuple(blocks), tuple(notes), long,
        row_heading="Pair",
    )  # fmt: skip


def _difference(runs: Runs, pair: Pair, column: Shots | str, unit: Unit) -> Difference | None:
    """Of one pair at a shot count; over all of them, each run is first averaged over its shot counts."""
    shots = [count for count in runs.shots if column in (count, TOGETHER)]
    scores = [[runs.scores.get((row, count)) for count in shots] for row in pair]
    parts = [[each for each in found if each is not None] for found in scores]
    if any(len(found) < len(shots) for found in parts):
        return None
    one, other = (np.mean(found, axis=0) for found in parts)
    if set(pair) <= runs.unseeded:  # the one run of each was repeated for every seed
        one, other = one[:1], other[:1]
    return difference(one, other, unit)


def _corrected(
    found: Mapping[tuple[Pair, Shots | str], Difference], pairs: Sequence[Pair], columns: Sequence[Shots | str]
) -> dict[tuple[Pair, Shots | str], Difference]:
    """With p corrected for the pairs of a column."""
    corrected = dict(found)
    for column in columns:
        keys = [(pair, column) for pair in pairs if (pair, column) in found and found[pair, column].p is not None]
        for key, p in zip(keys, holm([found[key].p or 0.0 for key in keys]), strict=True):
            corrected[key] = replace(found[key], p_corrected=p)
    return corrected


def _without_p(found: Mapping[tuple[Pair, Shots | str], Difference]) -> dict[tuple[Pair, Shots | str], Difference]:
    return {key: replace(each, p=None) for key, each in found.items()}


def _can_tell(n_tests: int, n_units: int) -> bool:
    return n_units > 0 and n_tests * smallest_p(n_units) <= ALPHA


def _same_images(pair: Pair, runs: Runs, drawn: Mapping[tuple[object, ...], str]) -> bool:
    """Whether both rows learned from the same images wherever both say from which."""
    for dataset, _ in runs.places:
        for shots in runs.shots:
            for seed in runs.seeds:
                digests = {drawn.get((row, dataset, shots, seed)) for row in pair} - {None}
                if len(digests) > 1:
                    return False
    return True


def _caption(
    matrix: str, group: Group, runs: Runs, unit: Unit, n_pairs: int, n: int, ns: set[int], *, can_tell: bool
) -> Iterable[str]:
    size = f"n = {n}" if len(ns) == 1 else "n beside each difference"
    if unit == "data set":
        over = f"the data sets are the units ({size}), each with the mean over its seeds"
        holds = "what is said holds for data sets like these."
    else:
        over = f"the runs are the units ({size}): seeds, within each data set"
        holds = "what is said holds for these data sets."
    yield f"Differences between methods with the same seed on the same data set; {over}; {holds}"
    yield f"Matrix {matrix}; backbone {group_title(group)}."
    kind = "Student's t" if unit == "data set" or len(runs.places) == 1 else "t over seeds, stratified by data set"
    yield f"Intervals: {kind}."
    if can_tell:
        yield f"p: sign-flip test, two-sided{_sampling(n)}; corrected by Holm for the {n_pairs} pairs of a column."
    else:
        least = smallest_p(n)
        yield (
            f"No p is given: {n} unit{'s' if n != 1 else ''} cannot have a two-sided sign-flip p below "
            f"{least:.2g}, or {min(1.0, n_pairs * least):.2g} for {n_pairs} pair{'s' if n_pairs > 1 else ''}; "
            f"{needed_units(n_pairs)} could reach {ALPHA}."
        )
    yield "The last block: the true difference that a t test at 0.05 finds with probability 0.8 in so many units."


def _sampling(n: int) -> str:
    return ", exact" if smallest_p(n) == 2.0 ** (1 - n) else ", 19,999 sign patterns drawn"


def _difference_cell(each: Difference, says_n: bool) -> TableCell:
    text = signed(each.mean)
    if each.interval is not None:
        text += f" [{signed(each.interval.low)}, {signed(each.interval.high)}]"
    return TableCell(f"{text} (n={each.n})" if says_n else text)


def _p_cell(each: Difference) -> TableCell:
    if each.p_corrected is None:
        return TableCell()
    return TableCell(spelled_p(each.p_corrected), bold=each.p_corrected <= ALPHA)


def spelled_p(p: float) -> str:
    """Three decimals, never zero."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _points(fraction: float) -> str:
    return signed(fraction).lstrip("+")


def _line(
    group: Group,
    labels: Mapping[Row, str],
    pair: Pair,
    column: Shots | str,
    unit: Unit,
    n_pairs: int,
    each: Difference,
    same_images: bool,
) -> tuple[str, ...]:
    low, high = (each.interval.low, each.interval.high) if each.interval else (None, None)
    return (
        group.backbone,
        group.precision,
        group.classes,
        labels[pair[0]],
        labels[pair[1]],
        str(column),
        unit,
        str(each.n),
        str(each.n_lacking),
        full(each.mean),
        full(low),
        full(high),
        "" if each.p is None else f"{each.p:.6g}",
        "" if each.p_corrected is None else f"{each.p_corrected:.6g}",
        str(n_pairs),
        full(each.detectable),
        "yes" if same_images else "no",
    )
