"""What ``--out`` names: a file with every cell, beside what is printed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import Fault, RecordError
from harness.files import canonical_json, write_text
from harness.matrix.cell import CELL_KEYS, Cell
from harness.matrix.identity import cell_id


def cells_csv(columns: Sequence[str], rows: Sequence[tuple[Cell, Mapping[str, object]]]) -> str:
    """A line a cell: its id, all of its axes, and its values in ``columns``, which are unrounded or empty."""
    flats = [cell.to_dict() for cell, _ in rows]
    extras = sorted({key for flat in flats for key in flat} - set(CELL_KEYS))
    text = io.StringIO()
    writer = csv.DictWriter(text, ("cell_id", *CELL_KEYS, *extras, *columns), lineterminator="\n")
    writer.writeheader()
    for (cell, values), flat in zip(rows, flats, strict=True):
        recipe = None if flat["recipe"] is None else canonical_json(flat["recipe"])
        writer.writerow({"cell_id": cell_id(cell), **flat, "recipe": recipe, **values})
    return text.getvalue()


def write_out(out: Path, text: str) -> None:
    """Write the file.

    Raises:
        RecordError: it cannot be written.
    """
    try:
        write_text(out, text)
    except (FileExistsError, NotADirectoryError):  # what should be a folder above it is a file
        raise RecordError(Fault(f"--out {out}", "does not lie in a folder.", "Name another file.")) from None
    except OSError as error:
        what = f"cannot be written: {error.strerror}."
        raise RecordError(Fault(f"--out {out}", what, "Name another file.")) from None
