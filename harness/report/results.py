"""From the entries of a row to its numbers: one result for each point of a table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

import numpy as np

from harness.matrix.cell import Shots
from harness.report.entry import GAPS, Entry
from harness.report.rows import ZERO_SHOT, Row, shots_order
from harness.report.stats import (
    Scores,
    Summary,
    average_over_datasets,
    difference,
    gain_over,
    harmonic_mean,
    harmonic_of_means,
    summarise,
    whole_datasets,
)

Results = dict[tuple[Row, Shots], "Result"]
Column = TypeVar("Column", bound=Hashable)  # what tells the columns of a table apart: shots, or a heading
ByRow = Mapping[tuple[Row, Column], "Result"]
Place = tuple[str, str]  # Cell.target: data set and classes whose test images are evaluated on
HALVES = ("base", "new")


@dataclass(frozen=True, slots=True)
class Result:
    """What a table knows of one row at one shot count; accuracies are fractions.

    Attributes:
        accuracy: over the seeds.
        gain: the same over zero-shot; ``None`` when there is nothing to compare with.
        seeded: whether the method draws anything; if not there is one run.
        counts: how much is there when something but not all is, such as ``2 of 3``.
        why: what is missing, such as ``seed 3 failed``.
        fewer_shots: classes that were taken whole; data sets with such a class in an average.
        templates: the templates used, sorted.
        n_test: the numbers of test images, sorted; one value unless records disagree.
        listed: data sets whose training images came from a list, not from a draw.
        exact: the mean as a ratio of whole numbers, from the counts; ``None`` where there is no mean.
        seeds: of the runs that are asked for.
    """

    accuracy: Summary
    gain: Summary | None
    seeded: bool
    counts: str
    why: str
    fewer_shots: tuple[str, ...]
    templates: tuple[str, ...]
    n_test: tuple[int, ...]
    listed: tuple[str, ...]
    exact: Fraction | None = None
    seeds: tuple[int | None, ...] = ()


def baseline_row(rows: Sequence[Row]) -> Row | None:
    """The row that gains are taken over: the first zero-shot one."""
    return next((row for row in rows if row.method == ZERO_SHOT), None)


def place_results(rows: Mapping[Row, Sequence[Entry]], places: Sequence[Place]) -> Results:
    """The results on one place, each over the seeds that are there; on several, averaged over all of them.

    An average has no mean where any seed of any place is missing.
    """
    points = _points(rows, places)
    baseline = _baseline(rows, places)
    results = {}
    for (row, shots), entries in points.items():
        scores = _scores(entries, places)
        gain = None
        if row.method != ZERO_SHOT and baseline is not None:
            gain = _summary(gain_over(scores, baseline))
        result = _result(entries, places, scores, _summary(scores), gain)
        results[row, shots] = replace(result, exact=_exact_mean(entries, result.accuracy))
    return results


def harmonic_results(rows: Mapping[Row, Sequence[Entry]], datasets: Sequence[str], *, of_means: bool) -> Results:
    """The harmonic means of base and new accuracy, where both are asked for.

    ``of_means`` takes it of the two means over seeds and data sets; otherwise every seed of every data set has
    its own, and those are averaged.
    """
    base, new = ([(dataset, half) for dataset in datasets] for half in HALVES)
    zeros = _baseline(rows, base), _baseline(rows, new)
    results = {}
    for (row, shots), entries in _points(rows, [*base, *new]).items():
        if {entry.cell.target()[1] for entry in entries} != set(HALVES):
            continue
        halves = _scores(entries, base), _scores(entries, new)
        harmonic = harmonic_mean(*halves)
        accuracy = harmonic_of_means(*halves) if of_means else _summary(harmonic)
        gain = None
        if row.method != ZERO_SHOT and zeros[0] is not None and zeros[1] is not None:
            if of_means:
                zero = harmonic_of_means(zeros[0][np.newaxis, :], zeros[1][np.newaxis, :])
                gain = difference(accuracy, zero)
            else:
                gain = _summary(gain_over(harmonic, harmonic_mean(zeros[0], zeros[1])))
        result = _result(entries, base, harmonic, accuracy, gain)
        exact = None if accuracy.mean is None else _exact_harmonic(entries, of_means=of_means)
        results[row, shots] = replace(result, exact=exact, n_test=())  # the halves have their own images
    return results


def _summary(scores: Scores) -> Summary:
    """Of one place over the runs that are there, of several over all places."""
    return summarise(scores[:, 0]) if scores.shape[1] == 1 else average_over_datasets(scores)


def _points(rows: Mapping[Row, Sequence[Entry]], places: Sequence[Place]) -> dict[tuple[Row, Shots], list[Entry]]:
    """The entries of each row and shot count, by rising shots and seed."""
    wanted = set(places)
    points: dict[tuple[Row, Shots], list[Entry]] = {}
    for row, members in rows.items():
        inside = [entry for entry in members if entry.cell.target() in wanted]
        by_shots: dict[Shots, list[Entry]] = {}
        for entry in inside:
            by_shots.setdefault(entry.cell.shots, []).append(entry)
        for shots in shots_order(by_shots):
            points[row, shots] = sorted(by_shots[shots], key=lambda entry: _seed_order(entry.cell.seed))
    return points


def _exact_mean(entries: Sequence[Entry], accuracy: Summary) -> Fraction | None:
    """The mean of ``accuracy`` as a ratio; in an average every seed has every place, so that none weighs more."""
    if accuracy.mean is None:
        return None
    right: dict[int, int] = {}
    shares = [share for entry in entries if (share := _counts(entry)) is not None]
    for n_correct, n_test in shares:
        right[n_test] = right.get(n_test, 0) + n_correct
    return sum((Fraction(count, n_test) for n_test, count in right.items()), Fraction()) / len(shares)


def _exact_harmonic(entries: Sequence[Entry], *, of_means: bool) -> Fraction:
    """The harmonic mean over the seeds and data sets that have both halves, of which there is one at least."""
    halves: dict[tuple[str, int | None], dict[str, Fraction]] = {}
    for entry in entries:
        if (share := _counts(entry)) is not None:
            dataset, half = entry.cell.target()
            halves.setdefault((dataset, entry.cell.seed), {})[half] = Fraction(*share)
    pairs = [(found[HALVES[0]], found[HALVES[1]]) for found in halves.values() if len(found) == len(HALVES)]
    if of_means:
        pairs = [(sum((base for base, _ in pairs), Fraction()), sum((new for _, new in pairs), Fraction()))]
        return _harmonic(*pairs[0]) / sum(len(found) == len(HALVES) for found in halves.values())
    return sum((_harmonic(*pair) for pair in pairs), Fraction()) / len(pairs)


def _harmonic(one: Fraction, other: Fraction) -> Fraction:
    return 2 * one * other / (one + other) if one + other else Fraction()


def _counts(entry: Entry) -> tuple[int, int] | None:
    """Right answers and test images; ``None`` where there is a gap."""
    record = entry.record
    if entry.hole or record is None or record.n_correct is None or not record.n_test:
        return None
    return record.n_correct, record.n_test


def _seed_order(seed: int | None) -> tuple[bool, int]:
    return (seed is not None, seed or 0)


def _scores(entries: Sequence[Entry], places: Sequence[Place]) -> Scores:
    """``(runs, places)`` accuracies; a seed that one place does not have is a hole there."""
    rows = {seed: number for number, seed in enumerate(_seeds(entries))}
    columns = {place: number for number, place in enumerate(places)}
    scores = np.full((len(rows), len(columns)), np.nan)
    for entry in entries:
        column = columns.get(entry.cell.target())
        if column is not None and entry.accuracy is not None:
            scores[rows[entry.cell.seed], column] = entry.accuracy
    return scores


def _seeds(entries: Sequence[Entry]) -> list[int | None]:
    return sorted({entry.cell.seed for entry in entries}, key=_seed_order)


def _baseline(rows: Mapping[Row, Sequence[Entry]], places: Sequence[Place]) -> Scores | None:
    """``(places,)`` zero-shot accuracies, ``nan`` for a hole; ``None`` without a zero-shot row."""
    row = baseline_row(list(rows))
    if row is None:
        return None
    inside = [entry for entry in rows[row] if entry.cell.target() in places]
    return _scores(inside, places)[0] if inside else None


def _result(
    entries: Sequence[Entry], places: Sequence[Place], scores: Scores, accuracy: Summary, gain: Summary | None
) -> Result:
    """One result with what is missing from it: seeds of a single place, places of an average."""
    if len(places) == 1:
        counts = f"{accuracy.n} of {accuracy.n_expected}" if 0 < accuracy.n < accuracy.n_expected else ""
        why, n_test = _gaps(entries), _n_test(entries)
        fewer = sorted({name for entry in entries for name in _fewer_shots(entry)})
    else:
        whole = whole_datasets(scores)
        lacking = [dataset for (dataset, _), is_whole in zip(places, whole, strict=True) if not is_whole]
        counts = f"{len(places) - len(lacking)} of {len(places)} data sets" if lacking else ""
        why, n_test = f"incomplete: {', '.join(lacking)}" if lacking else "", ()
        shortened = {entry.cell.target()[0] for entry in entries if _fewer_shots(entry)}
        fewer = [dataset for dataset, _ in places if dataset in shortened]
    return Result(
        accuracy,
        gain,
        _is_seeded(entries),
        counts,
        why,
        tuple(fewer),
        _templates(entries),
        n_test,
        _listed(entries),
        seeds=tuple(_seeds(entries)),
    )


def _fewer_shots(entry: Entry) -> tuple[str, ...]:
    """Classes that were taken whole by a run that counts."""
    return entry.record.fewer_shots if entry.record is not None and not entry.hole else ()


def _listed(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Data sets that a run that counts learned from by a list, sorted."""
    made_from = (
        (entry.cell.dataset, entry.record.provenance) for entry in entries if entry.record and not entry.hole
    )
    return tuple(sorted({name for name, made in made_from if made is not None and made.list_digest is not None}))


def _is_seeded(entries: Sequence[Entry]) -> bool:
    return any(entry.cell.seed is not None for entry in entries)


def _gaps(entries: Sequence[Entry]) -> str:
    """What is missing and why, such as ``seeds 1, 2 missing; seed 3 failed``."""
    parts = []
    for gap in GAPS:
        seeds = list(dict.fromkeys(entry.cell.seed for entry in entries if entry.hole == gap))
        numbers = [str(seed) for seed in seeds if seed is not None]
        if seeds:
            who = f"seed{'s' if len(numbers) > 1 else ''} {', '.join(numbers)} " if numbers else "run "
            parts.append(f"{who}{gap}")
    return "; ".join(parts)


def _templates(entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(sorted({entry.cell.template for entry in entries if entry.cell.template is not None}))


def _n_test(entries: Sequence[Entry]) -> tuple[int, ...]:
    counts = {entry.record.n_test for entry in entries if entry.record and not entry.hole}
    return tuple(sorted(count for count in counts if count is not None))
