"""Our numbers as published figures are spoken of: one value for a method, a place and a shot count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.matrix.cell import Shots
from harness.report.numbers.entry import HALVES, Entry, Place
from harness.report.numbers.results import Results, harmonic_results, place_results, run_scores
from harness.report.numbers.rows import ZERO_SHOT, Group, Row, RowEntries
from harness.report.published.read import ACCURACY, AVERAGE, HARMONIC
from harness.report.stats.summary import Scores, Summary, harmonic_mean


@dataclass(frozen=True, slots=True)
class Ours:
    """One number of a report.

    Attributes:
        group: backbone, precision and the classes that are trained on.
        label: of the row.
        dataset: what was trained on; ``average`` where it is a mean over several.
        evaluate_on: another data set, ``new``, or ``average``; empty for the own test images.
        places: data sets and classes whose test images it is over.
        metric: ``accuracy`` or ``harmonic_mean``.
        accuracy: over the seeds.
        scores: ``(runs, places)``; of a harmonic mean ``(runs, data sets)``.
        why: what is missing.
        entries: what it was made from.
    """

    group: Group
    row: Row
    label: str
    dataset: str
    evaluate_on: str
    places: tuple[Place, ...]
    shots: Shots
    metric: str
    accuracy: Summary
    scores: Scores
    why: str
    entries: tuple[Entry, ...]

    @property
    def where(self) -> str:
        """The place in words, over the rows that belong to it."""
        of = self.dataset.capitalize() if self.dataset == AVERAGE else self.dataset
        if self.metric == HARMONIC:
            return f"{of}, harmonic mean of base and new classes"
        if self.evaluate_on == "new":
            return f"{of}, new classes"
        if self.evaluate_on:
            on = "the average of other data sets" if self.evaluate_on == AVERAGE else self.evaluate_on
            return f"{self.dataset}, evaluated on {on}"
        return of if self.group.classes == "all" else f"{of}, {self.group.classes} classes"


def our_numbers(group: Group, rows: RowEntries, labels: Mapping[Row, str]) -> Iterator[Ours]:
    """Every number of a group that figures may have been published for, in the order of the report's tables."""
    own = _of(rows, lambda entry: entry.cell.evaluate_on is None)
    datasets = _datasets(own)
    if len(datasets) > 1:
        yield from _numbers(group, own, labels, AVERAGE, "", [(name, group.classes) for name in datasets])
    for name in datasets:
        yield from _numbers(group, own, labels, name, "", [(name, group.classes)])
    transfers = _of(rows, lambda entry: entry.cell.evaluate_on not in (None, "all", *HALVES))
    for source in _datasets(transfers):
        inside = _of(transfers, lambda entry, source=source: entry.cell.dataset == source)  # type: ignore[misc]
        targets = list(dict.fromkeys(entry.cell.target() for found in inside.values() for entry in found))
        for target in targets:
            yield from _numbers(group, inside, labels, source, target[0], [target])
        if len(targets) > 1:
            yield from _numbers(group, inside, labels, source, AVERAGE, targets)
    if group.classes == "base":
        yield from _halves(group, rows, labels)


def _halves(group: Group, rows: RowEntries, labels: Mapping[Row, str]) -> Iterator[Ours]:
    new = _of(rows, lambda entry: entry.cell.evaluate_on == "new")
    both = _of(rows, lambda entry: entry.cell.evaluate_on in (None, "new"))
    datasets = _datasets(new)
    averages = [(AVERAGE, datasets)] if len(datasets) > 1 else []
    for name, over in (*averages, *((each, [each]) for each in datasets)):
        yield from _numbers(group, new, labels, name, "new", [(each, "new") for each in over])
        results = harmonic_results(both, over, of_means=True)
        for (row, shots), result in results.items():
            entries = tuple(each for each in both[row] if each.cell.dataset in over and each.cell.shots == shots)
            halves = [run_scores(entries, [(each, half) for each in over]) for half in HALVES]
            places = tuple((each, half) for each in over for half in HALVES)
            yield Ours(
                group, row, labels[row], name, "", places, shots, HARMONIC, result.accuracy,
                harmonic_mean(*halves), result.why, entries,
            )  # fmt: skip


def _numbers(
    group: Group,
    rows: RowEntries,
    labels: Mapping[Row, str],
    dataset: str,
    evaluate_on: str,
    places: Sequence[Place],
) -> Iterator[Ours]:
    results: Results = place_results(rows, places)
    wanted = set(places)
    inside: dict[tuple[Row, Shots], list[Entry]] = {}
    for row, members in rows.items():
        for entry in members:
            if entry.cell.target() in wanted:
                inside.setdefault((row, entry.cell.shots), []).append(entry)
    for (row, shots), result in results.items():
        entries = tuple(inside[row, shots])
        yield Ours(
            group, row, labels[row], dataset, evaluate_on, tuple(places), shots, ACCURACY, result.accuracy,
            run_scores(entries, places), result.why, entries,
        )  # fmt: skip


def _of(rows: RowEntries, wanted: Callable[[Entry], bool]) -> dict[Row, list[Entry]]:
    """The rows with the entries that are wanted, without those that have none."""
    kept = {row: [entry for entry in members if wanted(entry)] for row, members in rows.items()}
    return {row: members for row, members in kept.items() if members}


def _datasets(rows: RowEntries) -> list[str]:
    """The data sets that are trained on, in the order of the entries of the first row that has them."""
    return list(dict.fromkeys(entry.cell.dataset for members in rows.values() for entry in members))


def learns(ours: Ours) -> bool:
    """Whether the method is trained at all."""
    return ours.row.method != ZERO_SHOT
