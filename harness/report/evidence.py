"""What is said beside the numbers of one group: how sure they are, and which of them to look at twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.matrix.cell import Shots
from harness.report.entry import Entry
from harness.report.exact import percent
from harness.report.intervals import intervals_table
from harness.report.outliers import Apart, outliers_table, said
from harness.report.paired_table import paired_table
from harness.report.results import Place, Results, other_seeds
from harness.report.rows import Group, Row
from harness.report.runs import runs_of
from harness.report.significance import IntervalKind
from harness.report.table import Note, Table

INTERVALS, PAIRED, APART = "intervals", "paired", "apart"
RowEntries = Mapping[Row, Sequence[Entry]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the tables of evidence are made from.

    Attributes:
        matrix: its name.
        group: that the rows belong to.
        labels: of all rows, in order.
        own: the entries on own test images.
        places: the data sets and classes of those.
        odd: the points whose seeds disagree.
        results: the numbers of the accuracy tables, by title.
    """

    matrix: str
    group: Group
    labels: Mapping[Row, str]
    own: RowEntries
    places: Sequence[Place]
    odd: Sequence[Apart]
    results: Mapping[str, Results]


def evidence_tables(evidence: Evidence, prefix: str, interval: IntervalKind) -> Iterator[Table]:
    """Paired differences and intervals; only those that have something to say."""
    runs = runs_of(evidence.own, evidence.places)
    matrix, group, labels = evidence.matrix, evidence.group, evidence.labels
    tables = (
        paired_table(matrix, group, prefix + PAIRED, labels, runs, _drawn(evidence.own)),
        intervals_table(matrix, group, prefix + INTERVALS, labels, runs, evidence.results, interval),
    )
    notes = _odd_notes(evidence)
    return (replace(table, notes=(*table.notes, *notes)) for table in tables if table is not None)


def _odd_notes(evidence: Evidence) -> list[Note]:
    """What the tables of evidence include although it says little."""
    where: dict[str, list[str]] = {}
    for each in evidence.odd:
        point = f"{evidence.labels[each.row]}, {each.shots} shot{'' if each.shots == 1 else 's'}"
        where.setdefault(point, []).append(each.dataset)
    return [Note("", f"{point}: seeds lie apart on {', '.join(names)}.") for point, names in where.items()]


def apart_tables(evidence: Evidence, prefix: str) -> Iterator[Table]:
    """The seeds that lie apart, where there are any."""
    table = outliers_table(evidence.matrix, evidence.group, prefix + APART, evidence.labels, evidence.odd)
    return iter(() if table is None else (table,))


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
