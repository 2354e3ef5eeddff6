"""From results to a table: what is printed in a cell, what is bold, and what stands in a footnote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.matrix.cell import Shots
from harness.report.numbers.results import ByRow, Column, Results, baseline_row
from harness.report.numbers.rows import Group, Row, shots_order
from harness.report.printing.captions import caption, common_runs, group_title
from harness.report.printing.cells import Notes, accuracy_cell, gain_cell, has_gain, some
from harness.report.printing.contest import contest, marks_sentences, told_apart
from harness.report.printing.long import Point, long_form
from harness.report.tables.table import DAGGER, Block, Note, Table, TableCell, TableRow

GAIN_HEADING = "Gain over zero-shot (percentage points)"


@dataclass(frozen=True, slots=True)
class Subject:
    """What one table is about: its file stem, its title, and the words for it in caption and long form."""

    stem: str
    title: str
    what: str
    dataset: str
    is_average: bool = False


def table(matrix: str, group: Group, subject: Subject, labels: Mapping[Row, str], results: Results) -> Table:
    """The table of one data set, or of the average; ``labels`` holds all rows of the group in order."""
    there = {row for row, _ in results}
    rows = [row for row in labels if row in there]
    columns = shots_order(shots for _, shots in results)
    found = contest(columns, results)
    notes = Notes()
    common = common_runs(results.values())

    def accuracy(row: Row, shots: Shots) -> TableCell:
        point = (row, shots)
        return accuracy_cell(results.get(point), notes, rank=found.ranks.get(point), says_n=common is None)

    def gain(row: Row, shots: Shots) -> TableCell:
        return gain_cell(results.get((row, shots)), notes)

    blocks = [Block("", table_rows(rows, columns, labels, accuracy))]
    gaining = [row for row in rows if any(has_gain(results.get((row, shots))) for shots in columns)]
    if gaining:
        blocks.append(Block(GAIN_HEADING, table_rows(gaining, columns, labels, gain)))
    sentences = caption(matrix, group_title(group), subject.what, list(labels), results)
    points = (
        Point(subject.dataset, "", row, labels[row], shots, results[row, shots])
        for row in rows
        for shots in columns
        if (row, shots) in results
    )
    return Table(
        subject.stem,
        subject.title,
        (*sentences, *marks_sentences([found])),
        tuple(map(str, columns)),
        tuple(blocks),
        (
            *dagger_note(results, is_average=subject.is_average),
            *notes.made,
            *told_apart(found, results, labels),
            *gain_remark(rows, labels, results, bool(gaining)),
        ),
        long_form(group, labels, points),
    )


def table_rows(
    rows: Sequence[Row],
    columns: Sequence[Column],
    labels: Mapping[Row, str],
    cell: Callable[[Row, Column], TableCell],
) -> tuple[TableRow, ...]:
    """One printed row a row."""
    return tuple(TableRow(labels[row], tuple(cell(row, shots) for shots in columns)) for row in rows)


def dagger_note(results: Results, *, is_average: bool) -> list[Note]:
    """The one footnote on classes that hold fewer images than were asked for."""
    parts = []
    by_shots: dict[Shots, dict[str, None]] = {}
    for (_, shots), result in results.items():
        by_shots.setdefault(shots, {}).update(dict.fromkeys(result.fewer_shots))
    for column in shots_order(by_shots):
        names = by_shots[column]
        if names:
            listed = list(names) if is_average else sorted(names)
            parts.append(f"{column} shots: {some(listed)}")
    if not parts:
        return []
    who = "On these data sets, classes" if is_average else "Classes"
    return [
        Note(DAGGER, f"{who} with fewer training images than asked for were taken whole ({'; '.join(parts)}).")
    ]


def gain_remark(
    rows: Sequence[Row],
    labels: Mapping[Row, str],
    results: ByRow[Column],
    has_gains: bool,
) -> list[Note]:
    """Over which zero-shot row the gain is, or why there is none."""
    baseline = baseline_row(list(labels))
    if baseline is None or not any(row.method != baseline.method for row in rows):
        return []
    found = [result for (row, _), result in results.items() if row == baseline]
    if not any(result.accuracy.mean is not None for result in found):
        why = next((result.why for result in found), "run missing")
        return [Note("", f"No gain over zero-shot is given ({why}).")]
    if has_gains and sum(row.method == baseline.method for row in rows) > 1:
        return [Note("", f"The gain is over {labels[baseline]}.")]
    return []
