"""What every table and figure of one group starts from: its rows, their labels and looks, and their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.report.figures.look import Look
from harness.report.numbers.entry import Entry
from harness.report.numbers.outliers import Apart, apart
from harness.report.numbers.remarks import dressed
from harness.report.numbers.results import Results, place_results
from harness.report.numbers.rows import ZERO_SHOT, Group, Row, RowEntries, row_entries
from harness.report.printing.labels import labels
from harness.report.sections.looks import row_looks
from harness.report.stats.summary import SdKind

AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class Measured:
    """The results of one data set, or of the average over all, on its own test images.

    Attributes:
        name: of the data set; ``average``.
        title: the same as it is printed over a column or a chart.
        results: of every row and shot count.
        is_average: whether it is over all data sets.
    """

    name: str
    title: str
    results: Results
    is_average: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """One group with everything that is counted of it.

    Attributes:
        matrix: its name.
        group: what its cells share.
        entries: all of the group, in the order of the matrix.
        rows: the entries of every row, in the order in which rows are printed.
        own: of them those that are evaluated on the test images of the classes that they learned.
        own_on: the same by data set, rows without an entry there left out.
        learned_on: all rows by the data set that they learned from, likewise.
        labels: of the rows, in that order.
        looks: of the rows.
        datasets: those with cells that are evaluated on their own test images, in order of first appearance.
        measured: the average, where there are two data sets at least, then the data sets.
        odd: the points on own test images whose seeds disagree.
        sd_kind: whose standard deviation is shown.
    """

    matrix: str
    group: Group
    entries: Sequence[Entry]
    rows: RowEntries
    own: RowEntries
    own_on: Mapping[str, RowEntries]
    learned_on: Mapping[str, RowEntries]
    labels: Mapping[Row, str]
    looks: Mapping[Row, Look]
    datasets: tuple[str, ...]
    measured: tuple[Measured, ...]
    odd: tuple[Apart, ...]
    sd_kind: SdKind


def scope_of(matrix: str, group: Group, entries: Sequence[Entry], sd_kind: SdKind) -> Scope:
    """The scope of one group's entries, with that standard deviation."""
    rows = row_entries(entries)
    datasets = tuple(dict.fromkeys(entry.cell.dataset for entry in entries if entry.cell.evaluate_on is None))
    own = {row: [entry for entry in members if entry.cell.evaluate_on is None] for row, members in rows.items()}
    odd = tuple(apart(own))
    measured = measure(own, datasets, group.classes, odd, sd_kind)
    words, looks = labels(list(rows)), row_looks(rows)
    return Scope(
        matrix, group, entries, rows, own, _by_dataset(own), _by_dataset(rows), words, looks, datasets, measured,
        odd, sd_kind,
    )  # fmt: skip


def measure(
    own: RowEntries, datasets: Sequence[str], classes: str, odd: Sequence[Apart], sd_kind: SdKind
) -> tuple[Measured, ...]:
    """The average over ``datasets``, where there are two at least, and each of them."""
    places = [(dataset, classes) for dataset in datasets]
    # Zero-shot rows are in all of them: the first one is what gains are over, also where it has no cell.
    zeros = [row for row in own if row.method == ZERO_SHOT]
    by_place: dict[str, dict[Row, list[Entry]]] = {dataset: {row: [] for row in zeros} for dataset in datasets}
    for row, members in own.items():
        for entry in members:
            if entry.cell.dataset in by_place:
                by_place[entry.cell.dataset].setdefault(row, []).append(entry)
    odd_at: dict[str, list[Apart]] = {}
    for each in odd:
        odd_at.setdefault(each.dataset, []).append(each)
    found = []
    for dataset, place in zip(datasets, places, strict=True):
        results = place_results(by_place[dataset], [place])
        found.append(Measured(dataset, dataset, dressed(results, [place], odd_at.get(dataset, ()), sd_kind)))
    if len(datasets) > 1:
        results = dressed(place_results(own, places), places, odd, sd_kind)
        found.insert(0, Measured(AVERAGE, AVERAGE.capitalize(), results, is_average=True))
    return tuple(found)


def _by_dataset(rows: RowEntries) -> dict[str, dict[Row, list[Entry]]]:
    """The entries by the data set that they learned from, rows in their order."""
    found: dict[str, dict[Row, list[Entry]]] = {}
    for row, members in rows.items():
        for entry in members:
            found.setdefault(entry.cell.dataset, {}).setdefault(row, []).append(entry)
    return found
