r"""Tables as LaTeX for ``\usepackage{booktabs}``: letters made small, columns and rows split, until they fit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.report.tables.latex_fit import MOST_LABEL, Layout, Part, is_sentence, layout
from harness.report.tables.latex_letters import escape_latex
from harness.report.tables.table import Note, Table, TableCell, TableRow

_USUAL_PADDING = 6.0  # points on each side of a column: LaTeX's own


def to_latex(table: Table) -> str:
    r"""The table as one or more ``table`` environments, with the packages that they need in a comment.

    Letters become smaller until a row fits; what does not fit then is split by columns, with the labels in every
    part. A table that is higher than a page goes on in another environment.
    """
    laid = layout(table)
    lines = [r"% \usepackage{booktabs}"]
    for number in range(len(laid.pages)):
        lines += _environment(table, laid, number)
    return "\n".join([*lines, ""])


def _environment(table: Table, laid: Layout, number: int) -> Iterator[str]:
    """One ``table``: the caption at the first, a short one at those that go on, the notes under the last."""
    size, is_last = laid.size, number == len(laid.pages) - 1
    caption = " ".join(table.caption) if number == 0 else f"{table.title} (continued)."
    yield r"\begin{table}[t]"
    yield r"\centering"
    yield rf"\caption{{{escape_latex(caption)}}}"
    yield rf"\label{{tab:{_latex_label(table.stem)}{f'-{number + 1}' if number else ''}}}"
    if size.command:
        yield rf"\{size.command}"
    if size.padding != _USUAL_PADDING:
        yield rf"\setlength{{\tabcolsep}}{{{size.padding:g}pt}}"
    for place, part in enumerate(laid.pages[number]):
        if place:
            yield r"\par\medskip"
        yield from _tabular(table, part, laid)
    notes = r" \\ ".join(map(_latex_note, table.notes)) if is_last else ""
    if notes and not laid.notes_stand_apart:
        yield rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize\raggedright {notes}}}"
    yield r"\end{table}"
    if notes and laid.notes_stand_apart:
        yield rf"{{\footnotesize\raggedright\noindent {notes}\par}}"


def _tabular(table: Table, part: Part, laid: Layout) -> Iterator[str]:
    width = len(part.columns) + 1
    label = rf"p{{{MOST_LABEL:g}\linewidth}}" if laid.is_broken else "l"
    yield rf"\begin{{tabular}}{{{label}{''.join('l' if place in laid.boxes else 'r' for place in part.columns)}}}"
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
        yield from (_row(row, part.columns, laid) for row in block.rows)
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _row(row: TableRow, columns: range, laid: Layout) -> str:
    label = (r"\raggedright " if laid.is_broken else "") + escape_latex(row.label)
    cells = (_latex_cell(row.cells[place], laid.boxes.get(place)) for place in columns)
    return " & ".join([label, *cells]) + r" \\"


def _latex_label(stem: str) -> str:
    """A label that every engine takes: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")


def _latex_cell(cell: TableCell, box: float | None) -> str:
    """The cell; in a ``box``, a share of the line, what is too wide for one line."""
    text = escape_latex(cell.text)
    if box is not None and is_sentence(cell):
        text = rf"\parbox[t]{{{box:.3f}\linewidth}}{{\raggedright {text}\strut}}"
    marks = rf"\textsuperscript{{{','.join(map(escape_latex, cell.marks))}}}" if cell.marks else ""
    if cell.bold:
        return rf"\textbf{{{text}}}{marks}"
    return (rf"\underline{{{text}}}" if cell.underline else text) + marks


def _latex_note(note: Note) -> str:
    mark = rf"\textsuperscript{{{escape_latex(note.mark)}}}~" if note.mark else ""
    return mark + escape_latex(note.text)
