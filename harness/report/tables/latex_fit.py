"""What of a table fits on a page: the size of its letters, and which columns and rows stand together.

Widths are those of Computer Modern in ``article``, whose text is 345 points wide: what fits there fits everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from harness.report.tables.latex_letters import points_of
from harness.report.tables.table import Block, Table, TableCell, TableRow

_TEXT_WIDTH, _TEXT_HEIGHT = 345.0, 515.0  # points; the height has room for a caption's own space


@dataclass(frozen=True, slots=True)
class Size:
    """A size of letters: its command, its share of ten points, the height of a line and a column's padding."""

    command: str
    share: float
    line: float
    padding: float


_SIZES = (
    Size("", 1.0, 12.0, 6.0),
    Size("small", 0.925, 11.0, 4.0),
    Size("footnotesize", 0.85, 9.5, 3.0),
    Size("scriptsize", 0.8, 8.0, 2.5),
)
_SPLIT = _SIZES[2]  # what is split is not made smaller than this
MOST_LABEL = 0.4  # of the width of the text: a longer label is broken
_MOST_CELL, _SENTENCE = 150.0, 110.0  # points at ten: a wider cell is broken, into lines so wide


@dataclass(frozen=True, slots=True)
class Part:
    """Some columns of some blocks: one ``tabular``."""

    columns: range
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is laid out.

    Attributes:
        size: of the letters.
        is_broken: whether labels may be broken into lines, since they are too long.
        boxes: from the place of a column with sentences to the width of a line, a share of the text's.
        pages: the parts of each environment.
        notes_stand_apart: whether the notes are so many that they stand behind the table, where a page may break
            them.
    """

    size: Size
    is_broken: bool
    boxes: Mapping[int, float]
    pages: tuple[tuple[Part, ...], ...]
    notes_stand_apart: bool


def layout(table: Table) -> Layout:
    """Letters as large as let a row fit; else columns are split, and by pages rows are."""
    label = max(_label_widths(table), default=0.0)
    widths = [_column_width(table, place) for place in range(len(table.columns))]
    size = next((size for size in _SIZES if _fits(label, widths, size)), _SPLIT)
    boxes = {
        place: size.share * _SENTENCE / _TEXT_WIDTH
        for place in range(len(table.columns))
        if any(is_sentence(row.cells[place]) for block in table.blocks for row in block.rows)
    }
    return Layout(
        size,
        label * size.share > MOST_LABEL * _TEXT_WIDTH,
        boxes,
        tuple(_pages(table, _column_parts(label, widths, size), size)),
        _has_many_notes(table),
    )


def is_sentence(cell: TableCell) -> bool:
    """Whether a cell is too wide for one line."""
    return _cell_points(cell) > _MOST_CELL


def _cell_points(cell: TableCell) -> float:
    marks = 3.6 * len(",".join(cell.marks))
    return points_of(cell.text) * (1.16 if cell.bold else 1.0) + marks


def _label_widths(table: Table) -> Iterator[float]:
    yield points_of(table.row_heading)
    yield from (points_of(row.label) for block in table.blocks for row in block.rows)


def _column_width(table: Table, place: int) -> float:
    cells = (_cell_points(row.cells[place]) for block in table.blocks for row in block.rows)
    widths = (width if width <= _MOST_CELL else _SENTENCE for width in cells)
    return max(points_of(table.columns[place]), *widths, 0.0)


def _fits(label: float, widths: Sequence[float], size: Size) -> bool:
    first = min(size.share * label, MOST_LABEL * _TEXT_WIDTH)
    return first + size.share * sum(widths) + 2 * size.padding * (len(widths) + 1) <= _TEXT_WIDTH


def _column_parts(label: float, widths: Sequence[float], size: Size) -> list[range]:
    """Columns that stand beside each other: all, or as evenly as they fit."""
    for n in range(1, len(widths) + 1):
        each = -(-len(widths) // n)
        parts = [range(start, min(start + each, len(widths))) for start in range(0, len(widths), each)]
        if all(_fits(label, [widths[place] for place in part], size) for part in parts):
            return parts
    return [range(place, place + 1) for place in range(len(widths))]


def _pages(table: Table, parts: Sequence[range], size: Size) -> Iterator[tuple[Part, ...]]:
    """The parts of each environment: as many as a page has room for."""
    text = _text_lines(" ".join(table.caption), 4.9) * 12.0
    notes = 0.0 if _has_many_notes(table) else _notes_points(table)
    free = max(_TEXT_HEIGHT - text - notes, 20 * size.line)
    page: list[Part] = []
    left = free
    for columns in parts:
        blocks = list(table.blocks)
        while blocks:
            kept, blocks = _split(blocks, int((left - 5 * size.line) / size.line))
            if not kept and page:
                yield tuple(page)
                page, left = [], free
                continue
            if not kept:  # not even one row has room beside this caption
                kept, blocks = _split(blocks, 20)
            page.append(Part(columns, tuple(kept)))
            left -= size.line * (5 + sum(_height(block) for block in kept))
    yield tuple(page)


def _notes_points(table: Table) -> float:
    return sum(_text_lines(note.text, 4.2) for note in table.notes) * 9.5


def _has_many_notes(table: Table) -> bool:
    """Whether notes need a page of their own: they then stand behind the table, where a page may break them."""
    return _notes_points(table) > _TEXT_HEIGHT / 2


def _text_lines(text: str, letter: float) -> int:
    return 1 + int(len(text) * letter / _TEXT_WIDTH)


def _height(block: Block) -> float:
    # A rule takes most of a line.
    return sum(map(_row_lines, block.rows)) + (1.0 if block.heading else 0.0) + 0.7


def _row_lines(row: TableRow) -> int:
    """The lines of a row, which its label or its longest sentence needs."""
    widths = [width for cell in row.cells if (width := _cell_points(cell)) > _MOST_CELL]
    label = 1 + int(_SPLIT.share * points_of(row.label) / (MOST_LABEL * _TEXT_WIDTH))
    return max(label, 1 + int(1.1 * max(widths) / _SENTENCE) if widths else 1)


def _split(blocks: Sequence[Block], room: int) -> tuple[list[Block], list[Block]]:
    """The blocks for ``room`` lines, and the rest; a block is cut only where it is higher than that alone."""
    kept: list[Block] = []
    used = 0.0
    for place, block in enumerate(blocks):
        if used + _height(block) <= room:
            kept.append(block)
            used += _height(block)
            continue
        if not kept and room > 4:
            heights = accumulate(map(_row_lines, block.rows))
            some = max(1, sum(height <= room - 3 for height in heights))
            rest = replace(block, rows=block.rows[some:])
            return [replace(block, rows=block.rows[:some])], [rest, *blocks[place + 1 :]]
        return kept, list(blocks[place:])
    return kept, []
