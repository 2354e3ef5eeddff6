"""Tables for the terminal, as rich draws them."""

from __future__ import annotations

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from harness.report.report import Report
from harness.report.tables.table import Block, Table, TableCell

_MOST_LABEL = 26  # letters of a label that is not broken, however narrow the terminal


def summary(report: Report) -> list[RichTable]:
    """Rich tables of every block; the averages of a group last, nearest to the prompt.

    Nearest words, intervals and paired differences are left to the files.
    """
    found = []
    for group in report.groups:
        average, rest = (group.tables[:1], group.tables[1:]) if len(group.tables) > 1 else ((), group.tables)
        # Of several sets only those that a number could be compared with.
        told = group.beside.against if len(group.beside.against) == 1 else group.beside.met
        for one in (*rest, *group.elsewhere, *group.beside.apart, *told, *average):
            is_accuracy = one not in group.beside.tables
            for block in one.blocks:
                what = block.heading or ("Accuracy in percent" if is_accuracy else "")
                title = f"{': '.join(filter(None, (what, one.title)))}, {group.title}"
                # Footnotes stand once, under the last block that they belong to.
                found.append(_rich(one, block, title, has_notes=block is one.blocks[-1]))
    return found


def _rich(table: Table, block: Block, title: str, *, has_notes: bool) -> RichTable:
    notes = "\n".join(f"{f'[{note.mark}] ' if note.mark else ''}{note.text}" for note in table.notes)
    rich = RichTable(
        title=Text(title),
        caption=Text(notes) if notes and has_notes else None,
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        caption_justify="left",
        title_justify="left",
    )
    longest = max((len(row.label) for row in block.rows), default=0)
    rich.add_column(
        table.columns_heading.removesuffix(" per class"), no_wrap=longest <= _MOST_LABEL, overflow="fold"
    )
    for column in table.columns:
        # The name of a data set may be broken behind an underscore: a terminal is narrow.
        rich.add_column(Text(column.replace("_", "_\n")), justify="right", overflow="fold")
    for row in block.rows:
        rich.add_row(Text(row.label), *map(_cell, row.cells))
    return rich


def _cell(cell: TableCell) -> Text:
    """The text with one place to break in front of the sd."""
    text = Text(
        cell.text.replace(" ± ", " ±"), style="bold" if cell.bold else "underline" if cell.underline else ""
    )
    return text.append(f" [{','.join(cell.marks)}]", style="dim") if cell.marks else text
