"""Tables written down: Markdown, CSV and LaTeX, each a string that depends on the table alone."""

from __future__ import annotations

import csv
import io
import re

from harness.report.table import DAGGER, Block, Note, Table, TableCell

# --- Markdown ----------------------------------------------------------------------------------------------


def to_markdown(table: Table, level: int = 1) -> str:
    """The table as GitHub Markdown: heading, caption, one pipe table a block, footnotes."""
    parts = [f"{'#' * level} {escape_markdown(table.title)}", escape_markdown(" ".join(table.caption))]
    for block in table.blocks:
        if block.heading:
            parts.append(f"**{escape_markdown(block.heading)}**")
        parts.append(_pipe_table(table, block))
    # Two spaces at the end of a line break it: footnotes stand under each other.
    notes = "  \n".join(_markdown_note(note) for note in table.notes)
    return "\n\n".join([*parts, notes] if notes else parts) + "\n"


def escape_markdown(text: str) -> str:
    """``text`` as Markdown prints it: nothing in it is taken for markup."""
    text = re.sub(r"[\\`*|<>\[\]~]", lambda match: f"\\{match[0]}", text)
    # Inside a word an underscore is only an underscore.
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def _pipe_table(table: Table, block: Block) -> str:
    heads = [f"{table.row_heading} / {table.columns_heading.lower()}", *table.columns]
    rows = [[escape_markdown(row.label), *map(_markdown_cell, row.cells)] for row in block.rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (max(width, 2) - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| " + " | ".join(word.ljust(width) if i == 0 else word.rjust(width) for i, (word, width) in pairs) + " |"
        for pairs in (list(enumerate(zip(line, widths, strict=True))) for line in (heads, rule, *rows))
    )


def _markdown_cell(cell: TableCell) -> str:
    text = escape_markdown(cell.text)
    marks = f"<sup>{','.join(cell.marks)}</sup>" if cell.marks else ""
    return (f"**{text}**" if cell.bold else text) + marks


def _markdown_note(note: Note) -> str:
    return (f"<sup>{note.mark}</sup> " if note.mark else "") + escape_markdown(note.text)


# --- CSV ---------------------------------------------------------------------------------------------------


def to_csv(table: Table) -> str:
    """The numbers in tidy long form, one line for each row and shot count; accuracies in percent."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(table.long)
    return file.getvalue()


# --- LaTeX -------------------------------------------------------------------------------------------------

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after a line end a bare bracket would be a length
    "]": "{]}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    DAGGER: r"$\dagger$",
} | {letter: f"\\{letter}" for letter in "&%$#_"}


def to_latex(table: Table) -> str:
    r"""The table as a ``table`` environment for ``\usepackage{booktabs}``; blocks one under the other."""
    width = len(table.columns) + 1
    lines = [
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{escape_latex(' '.join(table.caption))}}}",
        rf"\label{{tab:{_latex_label(table.stem)}}}",
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
        rf"& \multicolumn{{{width - 1}}}{{c}}{{{table.columns_heading}}} \\",
        rf"\cmidrule(l){{2-{width}}}",
        " & ".join([table.row_heading, *map(escape_latex, table.columns)]) + r" \\",
    ]
    for block in table.blocks:
        lines.append(r"\midrule")
        if block.heading:
            lines.append(rf"\multicolumn{{{width}}}{{l}}{{\emph{{{escape_latex(block.heading)}}}}} \\")
        lines += [
            " & ".join([escape_latex(row.label), *map(_latex_cell, row.cells)]) + r" \\" for row in block.rows
        ]
    lines += [r"\bottomrule", r"\end{tabular}"]
    if table.notes:
        notes = r" \\ ".join(map(_latex_note, table.notes))
        lines.append(rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {notes}}}")
    return "\n".join([*lines, r"\end{table}", ""])


def escape_latex(text: str) -> str:
    """``text`` as LaTeX prints it, with quotes that open and close."""
    escaped = "".join(_LATEX.get(letter, letter) for letter in text)
    return re.sub(r'"([^"]*)"', r"``\1''", escaped).replace('"', "''")


def _latex_label(stem: str) -> str:
    """A label that every engine takes: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")


def _latex_cell(cell: TableCell) -> str:
    text = escape_latex(cell.text)
    marks = rf"\textsuperscript{{{','.join(map(escape_latex, cell.marks))}}}" if cell.marks else ""
    return (rf"\textbf{{{text}}}" if cell.bold else text) + marks


def _latex_note(note: Note) -> str:
    mark = rf"\textsuperscript{{{escape_latex(note.mark)}}}~" if note.mark else ""
    return mark + escape_latex(note.text)
