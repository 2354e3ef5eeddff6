"""A table as a value: what it says, before anyone decides how it is written."""

from __future__ import annotations

from dataclasses import dataclass

DASH = "–"
DAGGER = "†"
ROW_HEADING = "Method"
COLUMNS_HEADING = "Shots per class"


@dataclass(frozen=True, slots=True)
class Value:
    """The number behind a cell's text, in percent or percentage points and in full precision.

    ``n`` runs of ``n_expected`` are in it; ``mean`` is ``None`` where it would hide a hole.
    """

    mean: float | None
    sd: float | None
    n: int
    n_expected: int


@dataclass(frozen=True, slots=True)
class TableCell:
    """The printed number of one point.

    Attributes:
        text: as it is printed.
        bold: whether it is the best of its contest.
        marks: of its footnotes.
        underline: whether it is the second of its contest.
        value: what is printed; ``None`` for words and where nothing was asked for.
    """

    text: str = DASH
    bold: bool = False
    marks: tuple[str, ...] = ()
    underline: bool = False
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class TableRow:
    """A label and one cell a column."""

    label: str
    cells: tuple[TableCell, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows under one heading; the accuracies themselves have none."""

    heading: str
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote and the mark that leads to it; no mark for a remark on the whole table."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """One printed table.

    Attributes:
        stem: file name without its ending.
        title: what the table is about, such as the name of the data set.
        caption: sentences; the first one says what the numbers are.
        columns: headings of the number columns: shots.
        blocks: accuracies, then gains; none where only the long form is printed.
        notes: footnotes in order of their marks.
        long: the same numbers in tidy long form, header first, in full precision.
        row_heading: over the labels.
        columns_heading: over the headings of the columns.
    """

    stem: str
    title: str
    caption: tuple[str, ...]
    columns: tuple[str, ...]
    blocks: tuple[Block, ...]
    notes: tuple[Note, ...]
    long: tuple[tuple[str, ...], ...]
    row_heading: str = ROW_HEADING
    columns_heading: str = COLUMNS_HEADING
