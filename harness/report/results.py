"""From the entries of a row to its numbers: one result for each point of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.matrix.cell import Shots
from harness.report.entry import GAPS, Entry
from harness.report.rows import ZERO_SHOT, Row, shots_order
from harness.report.stats import Scores, Summary, average_over_datasets, gain_over, summarise, whole_datasets

Results = dict[tuple[Row, Shots], "Result"]


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


def baseline_row(rows: Sequence[Row]) -> Row | None:
    """The row that gains are taken over: the first zero-shot one."""
    return next((row for row in rows if row.method == ZERO_SHOT), None)


def dataset_results(rows: Mapping[Row, Sequence[Entry]], dataset: str) -> Results:
    """The results on one data set, each over the seeds that are there."""
    points = _points(rows, [dataset])
    baseline = _baseline(rows, [dataset])
    return {key: _dataset_result(key[0], entries, baseline) for key, entries in points.items()}


def average_results(rows: Mapping[Row, Sequence[Entry]], datasets: Sequence[str]) -> Results:
    """The results averaged over ``datasets``; without a mean where any seed of any of them is missing."""
    points = _points(rows, datasets)
    baseline = _baseline(rows, datasets)
    return {key: _average_result(key[0], entries, datasets, baseline) for key, entries in points.items()}


def _points(rows: Mapping[Row, Sequence[Entry]], datasets: Sequence[str]) -> dict[tuple[Row, Shots], list[Entry]]:
    """The entries of each row and shot count, by rising shots and seed."""
    wanted = set(datasets)
    points: dict[tuple[Row, Shots], list[Entry]] = {}
    for row, members in rows.items():
        inside = [entry for entry in members if entry.cell.dataset in wanted]
        by_shots: dict[Shots, list[Entry]] = {}
        for entry in inside:
            by_shots.setdefault(entry.cell.shots, []).append(entry)
        for shots in shots_order(by_shots):
            points[row, shots] = sorted(by_shots[shots], key=lambda entry: _seed_order(entry.cell.seed))
    return points


def _seed_order(seed: int | None) -> tuple[bool, int]:
    return (seed is not None, seed or 0)


def _scores(entries: Sequence[Entry], datasets: Sequence[str]) -> Scores:
    """``(runs, datasets)`` accuracies; a seed that one data set does not have is a hole there."""
    seeds = sorted({entry.cell.seed for entry in entries}, key=_seed_order)
    scores = np.full((len(seeds), len(datasets)), np.nan)
    for entry in entries:
        if entry.accuracy is not None:
            scores[seeds.index(entry.cell.seed), datasets.index(entry.cell.dataset)] = entry.accuracy
    return scores


def _baseline(rows: Mapping[Row, Sequence[Entry]], datasets: Sequence[str]) -> Scores | None:
    """``(datasets,)`` zero-shot accuracies, ``nan`` for a hole; ``None`` without a zero-shot row."""
    row = baseline_row(list(rows))
    if row is None:
        return None
    inside = [entry for entry in rows[row] if entry.cell.dataset in datasets]
    return _scores(inside, datasets)[0] if inside else None


def _dataset_result(row: Row, entries: Sequence[Entry], baseline: Scores | None) -> Result:
    dataset = entries[0].cell.dataset
    scores = _scores(entries, [dataset])
    accuracy = summarise(scores[:, 0])
    gain = None
    if row.method != ZERO_SHOT and baseline is not None:
        gain = summarise(gain_over(scores, baseline)[:, 0])
    classes = {name for entry in entries for name in _fewer_shots(entry)}
    return Result(
        accuracy,
        gain,
        _is_seeded(entries),
        f"{accuracy.n} of {accuracy.n_expected}" if 0 < accuracy.n < accuracy.n_expected else "",
        _gaps(entries),
        tuple(sorted(classes)),
        _templates(entries),
        _n_test(entries),
        _listed(entries),
    )


def _average_result(
    row: Row, entries: Sequence[Entry], datasets: Sequence[str], baseline: Scores | None
) -> Result:
    scores = _scores(entries, datasets)
    accuracy = average_over_datasets(scores)
    gain = None
    if row.method != ZERO_SHOT and baseline is not None:
        gain = average_over_datasets(gain_over(scores, baseline))
    whole = whole_datasets(scores)
    lacking = [dataset for dataset, is_whole in zip(datasets, whole, strict=True) if not is_whole]
    fewer = {entry.cell.dataset for entry in entries if _fewer_shots(entry)}
    return Result(
        accuracy,
        gain,
        _is_seeded(entries),
        f"{len(datasets) - len(lacking)} of {len(datasets)} data sets" if lacking else "",
        f"incomplete: {', '.join(lacking)}" if lacking else "",
        tuple(dataset for dataset in datasets if dataset in fewer),
        _templates(entries),
        (),
        _listed(entries),
    )


def _fewer_shots(entry: Entry) -> tuple[str, ...]:
    """Classes that were taken whole by a run that counts."""
    return entry.record.fewer_shots if entry.record is not None and not entry.hole else ()


def _listed(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Data sets that a run that counts learned from by a list, in the order of the entries."""
    made_from = (
        (entry.cell.dataset, entry.record.provenance) for entry in entries if entry.record and not entry.hole
    )
    return tuple(
        dict.fromkeys(name for name, made in made_from if made is not None and made.list_digest is not None)
    )


def _is_seeded(entries: Sequence[Entry]) -> bool:
    return any(entry.cell.seed is not None for entry in entries)


def _gaps(entries: Sequence[Entry]) -> str:
    """What is missing and why, such as ``seeds 1, 2 missing; seed 3 failed``."""
    parts = []
    for gap in GAPS:
        seeds = [entry.cell.seed for entry in entries if entry.hole == gap]
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
