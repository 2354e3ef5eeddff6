"""Records as a pandas DataFrame, one row a cell."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from harness.files import canonical_json
from harness.matrix.cell import CELL_KEYS
from harness.store.record import RunRecord

RESULT_COLUMNS = ("cell_id", "status", "n_correct", "n_test", "accuracy", "macro_f1", "n_fewer_shots")


def to_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """One row a record, sorted by cell id: the cell's keys, then ``RESULT_COLUMNS``.

    ``recipe`` is its canonical JSON, so that it can be grouped by; accuracies are fractions. All columns are
    there also when there are no records.
    """
    rows = [_row(record) for record in sorted(records, key=lambda record: record.cell_id)]
    extras = sorted({key for row in rows for key in row} - {*CELL_KEYS, *RESULT_COLUMNS})
    return pd.DataFrame(rows, columns=[*CELL_KEYS, *extras, *RESULT_COLUMNS], dtype=object)


def _row(record: RunRecord) -> dict[str, object]:
    recipe = record.cell["recipe"]
    return {
        **record.cell,
        "recipe": None if recipe is None else canonical_json(recipe),
        "cell_id": record.cell_id,
        "status": record.status,
        "n_correct": record.n_correct,
        "n_test": record.n_test,
        "accuracy": record.accuracy,
        "macro_f1": record.macro_f1,
        "n_fewer_shots": len(record.fewer_shots),
    }
