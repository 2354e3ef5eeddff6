r"""Tables as LaTeX for ``\usepackage{booktabs}``: letters made small, columns and rows split, until they fit.

Widths are those of Computer Modern in ``article``, whose text is 345 points wide: what fits there fits everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from harness.report.tables.table import DAGGER, Block, Note, Table, TableCell, TableRow

_SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after a line end a bare bracket would be a length
    "]": "{]}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "…": r"\ldots{}",
    "\u201c": "``",
    "\u201d": "''",
    "\u200b": "{}",
    DAGGER: r"$\dagger$",
} | {letter: f"\\{letter}" for letter in "&%$#_"}
_PLAIN = frozenset(map(chr, range(32, 127))) - set(_SIGNS)
# Accents that every font encoding has, by the name that Unicode gives to the mark.
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
_WHOLE = {"ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "œ": r"\oe{}", "Œ": r"\OE{}",
          "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}"}  # fmt: skip

_TEXT_WIDTH, _TEXT_HEIGHT = 345.0, 515.0  # points; the height has room for a caption's own space


@dataclass(frozen=True, slots=True)
class _Size:
    """A size of letters: its command, its share of ten points, the height of a line and a column's padding."""

    command: str
    share: float
    line: float
    padding: float


_SIZES = (
    _Size("", 1.0, 12.0, 6.0),
    _Size("small", 0.925, 11.0, 4.0),
    _Size("footnotesize", 0.85, 9.5, 3.0),
    _Size("scriptsize", 0.8, 8.0, 2.5),
)
_SPLIT = _SIZES[2]  # what is split is not made smaller than this
_MOST_LABEL = 0.4  # of the width of the text: a longer label is broken
_MOST_CELL, _SENTENCE = 150.0, 110.0  # points at ten: a wider cell is broken, into lines so wide


def to_latex(table: Table) -> str:
    r"""The table as one or more ``table`` environments, with the packages that they need in a comment.

    Letters become smaller until a row fits; what does not fit then is split by columns, with the labels in every
    part. A table that is higher than a page goes on in another environment.
    """
    label = max(_label_widths(table), default=0.0)
    widths = [_column_width(table, place) for place in range(len(table.columns))]
    size = next((size for size in _SIZES if _fits(label, widths, size)), _SPLIT)
    parts = _column_parts(label, widths, size)
    is_broken = label * size.share > _MOST_LABEL * _TEXT_WIDTH
    boxes = {
        place: size.share * _SENTENCE / _TEXT_WIDTH
        for place in range(len(table.columns))
        if any(_cell_points(row.cells[place]) > _MOST_CELL for block in table.blocks for row in block.rows)
    }
    pages = list(_pages(table, parts, size))
    lines = [r"% \usepackage{booktabs}"]
    for number, page in enumerate(pages):
        lines += _environment(table, page, size, boxes, is_broken=is_broken, number=number, n=len(pages))
    return "\n".join([*lines, ""])


def escape_latex(text: str) -> str:
    """``text`` as every LaTeX engine prints it, with quotes that open and close; other scripts by code point."""
    text = text.replace("--", "-\u200b-")  # two hyphens are not a dash
    text = re.sub(r'"([^"]*)"', "\u201c\\1\u201d", text).replace('"', "\u201d")
    return "".join(letter if letter in _PLAIN else _SIGNS.get(letter) or _other(letter) for letter in text)


def _other(letter: str) -> str:
    """A letter beyond ASCII."""
    if letter in _WHOLE:
        return _WHOLE[letter]
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in _ACCENTS:
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"U+{ord(letter):04X}"


# --- What fits ---------------------------------------------------------------------------------------------

_NARROW, _WIDE = frozenset("ijltfr.,:;!'()[]|/- –"), frozenset("mwMW")


def _points(text: str) -> float:
    """About how wide ``text`` is at ten points, in Computer Modern; rather too wide."""
    return sum(map(_letter_points, text))


def _letter_points(letter: str) -> float:
    if letter in _NARROW:
        return 3.4
    if not letter.isascii() and letter not in _SIGNS and _other(letter).startswith("U+"):
        return 6.4 * len(_other(letter))
    if letter in _WIDE or not letter.isalnum():
        return 8.6
    return 7.4 if letter.isupper() else 5.2


def _cell_points(cell: TableCell) -> float:
    marks = 3.6 * len(",".join(cell.marks))
    return _points(cell.text) * (1.16 if cell.bold else 1.0) + marks


def _label_widths(table: Table) -> Iterator[float]:
    yield _points(table.row_heading)
    yield from (_points(row.label) for block in table.blocks for row in block.rows)


def _column_width(table: Table, place: int) -> float:
    cells = (_cell_points(row.cells[place]) for block in table.blocks for row in block.rows)
    widths = (width if width <= _MOST_CELL else _SENTENCE for width in cells)
    return max(_points(table.columns[place]), *widths, 0.0)


def _fits(label: float, widths: Sequence[float], size: _Size) -> bool:
    first = min(size.share * label, _MOST_LABEL * _TEXT_WIDTH)
    return first + size.share * sum(widths) + 2 * size.padding * (len(widths) + 1) <= _TEXT_WIDTH


def _column_parts(label: float, widths: Sequence[float], size: _Size) -> list[range]:
    """Columns that stand beside each other: all, or as evenly as they fit."""
    for n in range(1, len(widths) + 1):
        each = -(-len(widths) // n)
        parts = [range(start, min(start + each, len(widths))) for start in range(0, len(widths), each)]
        if all(_fits(label, [widths[place] for place in part], size) for part in parts):
            return parts
    return [range(place, place + 1) for place in range(len(widths))]


@dataclass(frozen=True, slots=True)
class _Part:
    """Some columns of some blocks: one ``tabular``."""

    columns: range
    blocks: tuple[Block, ...]


def _pages(table: Table, parts: Sequence[range], size: _Size) -> Iterator[tuple[_Part, ...]]:
    """The parts of each environment: as many as a page has room for."""
    text = _text_lines(" ".join(table.caption), 4.9) * 12.0
    notes = 0.0 if _has_many_notes(table) else _notes_points(table)
    free = max(_TEXT_HEIGHT - text - notes, 20 * size.line)
    page: list[_Part] = []
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
            page.append(_Part(columns, tuple(kept)))
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
    label = 1 + int(_SPLIT.share * _points(row.label) / (_MOST_LABEL * _TEXT_WIDTH))
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


# --- Writing -----------------------------------------------------------------------------------------------


def _environment(
    table: Table,
    parts: Sequence[_Part],
    size: _Size,
    boxes: Mapping[int, float],
    *,
    is_broken: bool,
    number: int,
    n: int,
) -> Iterator[str]:
    """One ``table``: the caption at the first, a short one at those that go on, the notes under the last."""
    caption = " ".join(table.caption) if number == 0 else f"{table.title} (continued)."
    yield r"\begin{table}[t]"
    yield r"\centering"
    yield rf"\caption{{{escape_latex(caption)}}}"
    yield rf"\label{{tab:{_latex_label(table.stem)}{f'-{number + 1}' if number else ''}}}"
    if size.command:
        yield rf"\{size.command}"
    if size.padding != _SIZES[0].padding:
        yield rf"\setlength{{\tabcolsep}}{{{size.padding:g}pt}}"
    for place, part in enumerate(parts):
        if place:
            yield r"\par\medskip"
        yield from _tabular(table, part, boxes, is_broken=is_broken)
    notes = r" \\ ".join(map(_latex_note, table.notes)) if number == n - 1 else ""
    if notes and not _has_many_notes(table):
        yield rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize\raggedright {notes}}}"
    yield r"\end{table}"
    if notes and _has_many_notes(table):
        yield rf"{{\footnotesize\raggedright\noindent {notes}\par}}"


def _tabular(table: Table, part: _Part, boxes: Mapping[int, float], *, is_broken: bool) -> Iterator[str]:
    width = len(part.columns) + 1
    label = rf"p{{{_MOST_LABEL:g}\linewidth}}" if is_broken else "l"
    yield rf"\begin{{tabular}}{{{label}{''.join('l' if place in boxes else 'r' for place in part.columns)}}}"
    yield r"\toprule"
    if part.columns:
        yield rf"& \multicolumn{{{width - 1}}}{{c}}{{{escape_latex(table.columns_heading)}}} \\"
        yield rf"\cmidrule(l){{2-{width}}}"
    heads = [table.row_heading, *(table.columns[place] for place in part.columns)]
    yield " & ".join(map(escape_latex, heads)) + r" \\"
    for block in part.blocks:
        yield r"\midrule"
        if block.heading:
            yield rf"\multicolumn{{{width}}}{{l}}{{\emph{{{escape_latex(block.heading)}}}}} \\"
        yield from (_row(row, part.columns, boxes, is_broken=is_broken) for row in block.rows)
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _row(row: TableRow, columns: range, boxes: Mapping[int, float], *, is_broken: bool) -> str:
    label = (r"\raggedright " if is_broken else "") + escape_latex(row.label)
    return " & ".join([label, *(_latex_cell(row.cells[place], boxes.get(place)) for place in columns)]) + r" \\"


def _latex_label(stem: str) -> str:
    """A label that every engine takes: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")


def _latex_cell(cell: TableCell, box: float | None) -> str:
    """The cell; in a ``box``, a share of the line, what is too wide for one line."""
    text = escape_latex(cell.text)
    if box is not None and _cell_points(cell) > _MOST_CELL:
        text = rf"\parbox[t]{{{box:.3f}\linewidth}}{{\raggedright {text}\strut}}"
    marks = rf"\textsuperscript{{{','.join(map(escape_latex, cell.marks))}}}" if cell.marks else ""
    if cell.bold:
        return rf"\textbf{{{text}}}{marks}"
    return (rf"\underline{{{text}}}" if cell.underline else text) + marks


def _latex_note(note: Note) -> str:
    mark = rf"\textsuperscript{{{escape_latex(note.mark)}}}~" if note.mark else ""
    return mark + escape_latex(note.text)
