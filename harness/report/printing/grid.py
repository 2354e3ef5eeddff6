"""Tables with a column a data set, a backbone or a target: rows that are compared stand in one block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.report.numbers.results import Result
from harness.report.numbers.rows import Row
from harness.report.printing.captions import common_runs
from harness.report.printing.cells import MEANS, Notes, Style, accuracy_cell, some
from harness.report.printing.contest import contest, marks_sentences, told_apart
from harness.report.tables.table import DAGGER, Block, Note, TableRow


@dataclass(frozen=True, slots=True)
class Line:
    """One printed row: its label here, and its results by column; a column that it does not have is a dash."""

    label: str
    row: Row
    results: Mapping[str, Result]


@dataclass(frozen=True, slots=True)
class Contestants:
    """The lines of one block, which are compared with each other."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """What a table needs of its blocks: them as printed, footnotes, and what the marks mean."""

    blocks: tuple[Block, ...]
    notes: tuple[Note, ...]
    sentences: tuple[str, ...]


def grid(columns: Sequence[str], contestants: Sequence[Contestants], style: Style) -> Grid:
    """The blocks of a table, each with its own contest in every column."""
    notes = Notes()
    results = [result for block in contestants for line in block.lines for result in line.results.values()]
    says_n = style is not MEANS and common_runs(results) is None
    blocks, apart, contests = [], [], []
    for block in contestants:
        points = {(line.row, column): result for line in block.lines for column, result in line.results.items()}
        found = contest(columns, points)
        contests.append(found)
        cells = [
            tuple(
                accuracy_cell(
                    line.results.get(column),
                    notes,
                    rank=found.ranks.get((line.row, column)),
                    says_n=says_n,
                    style=style,
                )
                for column in columns
            )
            for line in block.lines
        ]
        labels = {line.row: line.label for line in block.lines}
        rows = tuple(TableRow(line.label, each) for line, each in zip(block.lines, cells, strict=True))
        blocks.append(Block(block.heading, rows))
        apart += told_apart(found, points, labels, style)
    made = (*_taken_whole(results), *notes.made, *apart)
    return Grid(tuple(blocks), made, marks_sentences(contests))


def _taken_whole(results: Iterable[Result]) -> list[Note]:
    """The one footnote on classes, or data sets of an average, that hold fewer images than were asked for."""
    names = list(dict.fromkeys(name for result in results for name in result.fewer_shots))
    if not names:
        return []
    return [
        Note(DAGGER, f"With classes that hold fewer training images than asked for, taken whole ({some(names)}).")
    ]
