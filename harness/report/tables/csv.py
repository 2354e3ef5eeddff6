"""Tables as CSV: every number in long form, or as it is printed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from harness.report.tables.table import DASH, Table, TableCell


def to_csv(table: Table) -> str:
    """The numbers in tidy long form, one line for each row and shot count; accuracies in percent."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(table.long)
    return file.getvalue()


def to_wide_csv(table: Table) -> str:
    """The numbers as they are printed, a line a row, in full precision: under each column mean, sd and n.

    A table of words has its words.
    """
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(_wide_lines(table))
    return file.getvalue()


def _wide_lines(table: Table) -> Iterator[tuple[str, ...]]:
    are_numbers = any(cell.value for block in table.blocks for row in block.rows for cell in row.cells)
    parts = ("", " sd", " n") if are_numbers else ("",)
    yield ("block", table.row_heading.lower(), *(f"{column}{part}" for column in table.columns for part in parts))
    for block in table.blocks:
        for row in block.rows:
            cells = (word for cell in row.cells for word in (_wide(cell) if are_numbers else (_word(cell),)))
            yield (block.heading, row.label, *cells)


def _wide(cell: TableCell) -> tuple[str, str, str]:
    value = cell.value
    if value is None:
        return (_word(cell), "", "")
    mean, sd = ("" if number is None else repr(round(number, 6) + 0.0) for number in (value.mean, value.sd))
    return (mean, sd, str(value.n))


def _word(cell: TableCell) -> str:
    return "" if cell.text == DASH else cell.text
