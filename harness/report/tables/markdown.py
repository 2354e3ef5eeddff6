"""Tables as GitHub Markdown."""

from __future__ import annotations

import re

from harness.report.tables.table import Block, Note, Table, TableCell


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
    return (f"**{text}**" if cell.bold else f"<ins>{text}</ins>" if cell.underline else text) + marks


def _markdown_note(note: Note) -> str:
    return (f"<sup>{note.mark}</sup> " if note.mark else "") + escape_markdown(note.text)
