"""``harness metrics``."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.cli.output import console
from harness.cli.state.situation import look, look_at_cells, what_was_run
from harness.data.dataset import data_root
from harness.errors import Fault, HarnessError, RecordError
from harness.files import canonical_json, write_text
from harness.matrix.cell import CELL_KEYS
from harness.matrix.identity import cell_id, display_names
from harness.matrix.select import select
from harness.plan.pending import Standing
from harness.store.logits import read_logits
from harness.store.metrics import Counts, accuracy, macro_f1, mean_class_accuracy, metrics
from harness.store.record import RunRecord

_NUMBERS = ("accuracy", "macro_f1", "mean_class_accuracy", "nll", "ece", "n_test")
_HEADS = ("accuracy", "macro-F1", "class mean", "NLL", "ECE", "test images")
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One cell, its numbers, the reason why some are not there, and what is wrong on disk."""

    standing: Standing
    numbers: dict[str, float]
    why: str = ""
    finding: str = ""


def metrics_command(matrix: Path | None, expression: str | None, results: Path, out: Path | None) -> int:
    """Print one line a cell, and write it to ``out``; 1 when kept logits and a record do not go together.

    Raises:
        HarnessError: the matrix or the selection cannot be used, nothing was run, or ``out`` cannot be written.
    """
    standings = _standings(matrix, expression, results)
    names = display_names([standing.cell for standing in standings])
    rows = [_row(results, standing) for standing in standings]
    if out is not None:
        _write(out, rows)
    lines = [
        (names[row.standing.id], *(_spelled(row.numbers.get(key)) for key in _NUMBERS), row.why) for row in rows
    ]
    console.table("", ("cell", *_HEADS, ""), lines, numbers=_HEADS)
    found = [row for row in rows if row.finding]
    for row in found:
        console.say(f"finding {row.standing.id} {names[row.standing.id]}: {row.finding}", style="red")
    if out is not None:
        console.say(f"{len(rows)} cells in {out}")
    return 1 if found else 0


def _standings(matrix: Path | None, expression: str | None, results: Path) -> list[Standing]:
    """The (selected) cells of one matrix, or of all that were run, each once."""
    if matrix is not None:
        return list(look(matrix, expression, results, None).cells)
    manifests = what_was_run(results)
    wanted = dict.fromkeys(select([cell for each in manifests for cell in each.cells], expression))
    found: dict[str, Standing] = {}
    for each in manifests:
        cells = tuple(cell for cell in each.cells if cell in wanted and cell_id(cell) not in found)
        _, _, standings = look_at_cells(cells, each, results, data_root(None, None))
        found |= {standing.id: standing for standing in standings}
    return list(found.values())


def _row(results: Path, standing: Standing) -> Row:
    record = standing.record
    if standing.state != "done" or record is None:
        what = f"failed: {standing.why}" if standing.state == "failed" else standing.why or "not run"
        return Row(standing, {}, what)
    counts = _counts(record)
    known = {
        "accuracy": accuracy(counts),
        "macro_f1": macro_f1(counts),
        "mean_class_accuracy": mean_class_accuracy(counts),
        "n_test": int(counts.n_test.sum()),
    }
    try:
        kept = read_logits(results, record)
    except HarnessError as error:
        return Row(standing, known, "its logits cannot be used", str(error))
    if kept is None:
        gone = "were not kept" if record.logits is None else "were taken away"
        return Row(standing, known, f"its {record.n_test:,} x {len(record.per_class):,} logits {gone}")
    found = metrics(kept)
    if differing := _differing(record, counts, found.counts):
        return Row(standing, {}, "its logits and its record differ", differing)
    return Row(standing, known | {"nll": found.nll, "ece": found.ece})


def _counts(record: RunRecord) -> Counts:
    rows = [(row.n_test, row.n_correct, row.n_predicted) for row in record.per_class]
    return Counts(*np.array(rows, dtype=np.int64).T)


def _differing(record: RunRecord, recorded: Counts, computed: Counts) -> str:
    """In which classes the counts of the logits are not the record's; empty where they are the same everywhere."""
    pairs = ("n_test", "n_correct", "n_predicted")
    other = np.logical_or.reduce([getattr(recorded, key) != getattr(computed, key) for key in pairs])
    if not other.any():
        return ""
    names = [row.name for row, differs in zip(record.per_class, other, strict=True) if differs]
    return (
        f"the logits give {computed.n_correct.sum()} of {computed.n_test.sum()} right, the record "
        f"{record.n_correct} of {record.n_test}; counts differ in {len(names)} classes: {', '.join(names[:5])}."
    )


def _spelled(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:,}" if isinstance(number, int) else f"{number:.{_DIGITS}f}"


def _write(out: Path, rows: Sequence[Row]) -> None:
    """Write every cell with all of its axes, its numbers unrounded."""
    flats = [row.standing.cell.to_dict() for row in rows]
    extras = sorted({key for flat in flats for key in flat} - set(CELL_KEYS))
    text = io.StringIO()
    writer = csv.DictWriter(text, ("cell_id", *CELL_KEYS, *extras, *_NUMBERS, "note"), lineterminator="\n")
    writer.writeheader()
    for row, flat in zip(rows, flats, strict=True):
        recipe = None if flat["recipe"] is None else canonical_json(flat["recipe"])
        note = " ".join(filter(None, (row.why, row.finding)))
        writer.writerow({**flat, "recipe": recipe, "cell_id": row.standing.id, **row.numbers, "note": note})
    try:
        write_text(out, text.getvalue())
    except OSError as error:
        what = f"cannot be written: {error.strerror}."
        raise RecordError(Fault(f"--out {out}", what, "Name another file.")) from None
