"""From the entries of a row to its numbers: one result for each point of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from harness.matrix.cell import Shots
from harness.report.numbers.counted import counted_harmonic, counted_mean, exactly, minus
from harness.report.numbers.entry import GAPS, HALVES, Entry, Place
from harness.report.numbers.rows import ZERO_SHOT, Row, RowEntries, shots_order
from harness.report.stats.summary import (
    Scores,
    SdKind,
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

Results = dict[tuple[Row, Shots], "Result"]
Column = TypeVar("Column", bound=Hashable)  # what tells the columns of a table apart: shots, or a heading
Key = TypeVar("Key", bound=Hashable)
ByRow = Mapping[tuple[Row, Column], "Result"]


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
        seeds: of the runs that are asked for.
        remark: what else a reader has to know, such as other seeds than those of the other rows.
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
    seeds: tuple[int | None, ...] = ()
    remark: str = ""


def baseline_row(rows: Sequence[Row]) -> Row | None:
    """The row that gains are taken over: the first zero-shot one."""
    return next((row for row in rows if row.method == ZERO_SHOT), None)


def place_results(rows: RowEntries, places: Sequence[Place]) -> Results:
    """The results on one place, each over the seeds that are there; on several, averaged over all of them.

    An average has no mean where any seed of any place is missing.
    """
    points = _points(rows, places)
    baseline = _baseline(rows, places)
    zero = counted_mean(_baseline_entries(rows), places)
    results = {}
    for (row, shots), entries in points.items():
        scores = run_scores(entries, places)
        exact = counted_mean(entries, places)
        gain = None
        if row.method != ZERO_SHOT and baseline is not None:
            gain = minus(place_summary(gain_over(scores, baseline)), exact, zero)
        results[row, shots] = _result(entries, places, scores, exactly(place_summary(scores), exact), gain)
    return results


def harmonic_results(rows: RowEntries, datasets: Sequence[str], *, of_means: bool) -> Results:
    """The harmonic means of base and new accuracy, where both are asked for.

    ``of_means`` takes it of the two means over seeds and data sets; otherwise every seed of every data set has
    its own, and those are averaged.
    """
    base, new = ([(dataset, half) for dataset in datasets] for half in HALVES)
    zeros = _baseline(rows, base), _baseline(rows, new)
    exact_zero = counted_harmonic(_baseline_entries(rows), datasets, of_means=of_means)
    results = {}
    for (row, shots), entries in _points(rows, [*base, *new]).items():
        if {entry.cell.target()[1] for entry in entries} != set(HALVES):
            continue
        halves = run_scores(entries, base), run_scores(entries, new)
        harmonic = harmonic_mean(*halves)
        exact = counted_harmonic(entries, datasets, of_means=of_means)
        accuracy = exactly(harmonic_of_means(*halves) if of_means else place_summary(harmonic), exact)
        gain = None
        if row.method != ZERO_SHOT and zeros[0] is not None and zeros[1] is not None:
            if of_means:
                zero = harmonic_of_means(zeros[0][np.newaxis, :], zeros[1][np.newaxis, :])
                gain = difference(accuracy, zero)
            else:
                gain = place_summary(gain_over(harmonic, harmonic_mean(zeros[0], zeros[1])))
            gain = minus(gain, exact, exact_zero)
        result = _result(entries, base, harmonic, accuracy, gain)
        results[row, shots] = replace(result, n_test=())  # the halves have their own images
    return results


def with_sd_kind(results: Mapping[Key, Result], kind: SdKind) -> dict[Key, Result]:
    """The results with every sd of that kind."""
    return {
        key: replace(
            result,
            accuracy=with_sd(result.accuracy, kind),
            gain=None if result.gain is None else with_sd(result.gain, kind),
        )
        for key, result in results.items()
    }


def with_remarks(results: Results, remarks: Mapping[tuple[Row, Shots], str]) -> Results:
    """The results with what else is to be said of some of them; nothing of those without a number."""
    return {
        key: replace(result, remark=remarks[key])
        if key in remarks and result.accuracy.mean is not None
        else result
        for key, result in results.items()
    }


def other_seeds(results: Results) -> dict[tuple[Row, Shots], str]:
    """The points whose seeds are not those of most rows at that shot count, and which seeds theirs are."""
    seeds: dict[Shots, dict[Row, tuple[int | None, ...]]] = {}
    for (row, shots), result in results.items():
        if result.seeded:
            seeds.setdefault(shots, {})[row] = result.seeds
    remarks = {}
    for shots, by_row in seeds.items():
        counts = Counter(by_row.values())
        usual = max(counts, key=lambda found: (counts[found], -list(counts).index(found)))
        for row, found in by_row.items():
            if found != usual:
                remarks[row, shots] = f"over {_names(found)}, other rows over {_names(usual)}"
    return remarks


def _names(seeds: Sequence[int | None]) -> str:
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"


def _baseline_entries(rows: RowEntries) -> Sequence[Entry]:
    """The entries of the row that gains are taken over."""
    row = baseline_row(list(rows))
    return () if row is None else rows[row]


def place_summary(scores: Scores) -> Summary:
    """Of one place over the runs that are there, of several over all places."""
    return summarise(scores[:, 0]) if scores.shape[1] == 1 else average_over_datasets(scores)


def _points(rows: RowEntries, places: Sequence[Place]) -> dict[tuple[Row, Shots], list[Entry]]:
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


def _seed_order(seed: int | None) -> tuple[bool, int]:
    return (seed is not None, seed or 0)


def run_scores(
    entries: Sequence[Entry],
    places: Sequence[Place],
    value: Callable[[Entry], float | None] = lambda entry: entry.accuracy,
) -> Scores:
    """``(runs, places)`` accuracies, or other values; a seed that one place does not have is a hole there."""
    rows = {seed: number for number, seed in enumerate(_seeds(entries))}
    columns = {place: number for number, place in enumerate(places)}
    scores = np.full((len(rows), len(columns)), np.nan)
    for entry in entries:
        column = columns.get(entry.cell.target())
        number = None if column is None else value(entry)
        if column is not None and number is not None:
            scores[rows[entry.cell.seed], column] = number
    return scores


def _seeds(entries: Sequence[Entry]) -> list[int | None]:
    return sorted({entry.cell.seed for entry in entries}, key=_seed_order)


def _baseline(rows: RowEntries, places: Sequence[Place]) -> Scores | None:
    """``(places,)`` zero-shot accuracies, ``nan`` for a hole; ``None`` without a zero-shot row."""
    row = baseline_row(list(rows))
    if row is None:
        return None
    inside = [entry for entry in rows[row] if entry.cell.target() in places]
    return run_scores(inside, places)[0] if inside else None


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
