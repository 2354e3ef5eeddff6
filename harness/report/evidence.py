"""What is said beside the numbers of one group: how sure they are, and which of them to look at twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.matrix.cell import Shots
from harness.report.entry import Entry
from harness.report.exact import percent
from harness.report.intervals import intervals_table
from harness.report.outliers import Apart, outliers_table, said
from harness.report.paired_table import paired_table
from harness.report.published.tables import against_tables
from harness.report.published.tally import Tally
from harness.report.results import Place, Results, other_seeds, with_remarks, with_sd_kind
from harness.report.rows import Group, Row
from harness.report.runs import runs_of
from harness.report.significance import IntervalKind
from harness.report.stats import SdKind
from harness.report.table import Note, Table

INTERVALS, PAIRED, APART = "intervals", "paired", "apart"
RowEntries = Mapping[Row, Sequence[Entry]]


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen of a report's statistics.

    Attributes:
        sd_kind: whose standard deviation is printed.
        interval: how the 95 % intervals are made.
        against: sets of published figures to compare with.
    """

    sd_kind: SdKind = "sample"
    interval: IntervalKind = "t"
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """The tables that stand beside the accuracies of a group.

    Attributes:
        evidence: methods against each other, and intervals.
        apart: seeds that lie apart from the others.
        against: published figures beside ours, a table a set.
        tallies: what those say, counted.
    """

    evidence: tuple[Table, ...] = ()
    apart: tuple[Table, ...] = ()
    against: tuple[Table, ...] = ()
    tallies: tuple[Tally, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """All of them in the order in which they are read."""
        return (*self.evidence, *self.apart, *self.against)

    def with_stems(self, take: Callable[[str], str]) -> Beside:
        """The same with file stems that ``take`` gives out."""

        def named(tables: Sequence[Table]) -> tuple[Table, ...]:
            return tuple(replace(one, stem=take(one.stem)) for one in tables)

        return Beside(named(self.evidence), named(self.apart), named(self.against), self.tallies)


def dressed(
    results: Results, rows: RowEntries, places: Sequence[Place], odd: Sequence[Apart], sd_kind: SdKind
) -> Results:
    """The results of a table with the chosen deviation, and with what is to be said of some of them."""
    return with_sd_kind(with_remarks(results, remarks(rows, places, odd)), sd_kind)


def beside(
    matrix: str,
    group: Group,
    prefix: str,
    labels: Mapping[Row, str],
    rows: RowEntries,
    odd: Sequence[Apart],
    results: Mapping[str, Results],
    choices: Choices,
) -> Beside:
    """What stands beside the numbers of a group.

    Args:
        matrix: its name.
        group: that the rows belong to.
        prefix: that file stems begin with.
        labels: of all rows, in order.
        rows: all entries.
        odd: the points whose seeds disagree.
        results: the numbers of the accuracy tables, by title.
        choices: made by the user.
    """
    own = own_entries(rows)
    places = list(dict.fromkeys(entry.cell.target() for members in own.values() for entry in members))
    runs = runs_of(own, places)
    found = (
        paired_table(matrix, group, prefix + PAIRED, labels, runs, _drawn(own)),
        intervals_table(matrix, group, prefix + INTERVALS, labels, runs, results, choices.interval),
    )
    notes = _odd_notes(labels, odd)
    evidence = (replace(table, notes=(*table.notes, *notes)) for table in found if table is not None)
    torn = outliers_table(matrix, group, prefix + APART, labels, odd)
    against, tallies = against_tables(matrix, group, prefix, rows, labels, choices.against, odd)
    return Beside(tuple(evidence), () if torn is None else (torn,), tuple(against), tallies)


def own_entries(rows: RowEntries) -> dict[Row, list[Entry]]:
    """The entries on the test images of what was trained on."""
    return {row: [entry for entry in members if entry.cell.evaluate_on is None] for row, members in rows.items()}


def _odd_notes(labels: Mapping[Row, str], odd: Sequence[Apart]) -> list[Note]:
    """What the tables of evidence include although it says little."""
    where: dict[str, list[str]] = {}
    for each in odd:
        point = f"{labels[each.row]}, {each.shots} shot{'' if each.shots == 1 else 's'}"
        where.setdefault(point, []).append(each.dataset)
    return [Note("", f"{point}: seeds lie apart on {', '.join(names)}.") for point, names in where.items()]


def remarks(rows: RowEntries, places: Sequence[Place], odd: Sequence[Apart]) -> dict[tuple[Row, Shots], str]:
    """What is to be said of points of a table: seeds that other rows do not have, and seeds that lie apart."""
    found = dict(other_seeds(rows, places))
    datasets = {dataset for dataset, _ in places}
    by_point: dict[tuple[Row, Shots], list[Apart]] = {}
    for each in odd:
        if each.dataset in datasets:
            by_point.setdefault((each.row, each.shots), []).append(each)
    for key, points in by_point.items():
        if len(places) > 1:
            text = f"seeds lie apart on {', '.join(each.dataset for each in points)}"
        else:
            scores = ", ".join(str(percent(score)) for _, score in sorted(points[0].runs))
            text = f"seeds lie apart: {scores} ({said(points[0])})"
        found[key] = "; ".join(filter(None, (found.get(key, ""), text)))
    return found


def _drawn(rows: RowEntries) -> dict[tuple[object, ...], str]:
    """From row, data set, shots and seed to the digest of the training images, where the record says it."""
    found: dict[tuple[object, ...], str] = {}
    for row, members in rows.items():
        for entry in members:
            made_from = None if entry.record is None or entry.hole else entry.record.provenance
            if made_from is not None and made_from.subset_digest is not None:
                found[row, entry.cell.dataset, entry.cell.shots, entry.cell.seed] = made_from.subset_digest
    return found
