"""Records as a pandas DataFrame, one row a cell: the door for notebooks and for analyses of one's own.

Example:
    Mean accuracy over seeds, on the own test images::

        from harness.store.frame import read_frame

        frame = read_frame("results")
        own = frame[frame["evaluate_on"].isna()]
        own.groupby(["dataset", "method", "context", "shots"], dropna=False)["accuracy"].mean()

The report does not go this way, since its means are ratios of whole numbers (``report.numbers.counted``).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from harness.errors import Fault, RecordError
from harness.files import canonical_json
from harness.matrix.cell import CELL_KEYS
from harness.store.record import RunRecord
from harness.store.records import read_records, records_folder

RESULT_COLUMNS = (
    "cell_id", "status", "reason", "n_correct", "n_test", "accuracy", "macro_f1", "n_fewer_shots", "trained_by",
    "created_at",
)  # fmt: skip
# Nullable whole numbers: a seed, or a count, that is not there does not turn the others into floats.
_TYPES = {
    "seed": "Int64", "n_ctx": "Int64", "n_correct": "Int64", "n_test": "Int64", "n_fewer_shots": "Int64",
    "accuracy": "float64", "macro_f1": "float64",
}  # fmt: skip


def read_frame(results: Path | str) -> pd.DataFrame:
    """One row a record in a results folder, as ``to_frame`` makes them; failed cells are rows without numbers.

    Cells that were never run have no record and no row: ``harness plan`` and ``harness report`` know which those
    are, and which records are stale.

    Args:
        results: the folder that ``harness run`` wrote into (``--results``).

    Raises:
        RecordError: the folder holds no records, or some of its files are not whole records of this version; names
            all of them.
    """
    folder = Path(results)
    scan = read_records(folder)
    mend = "`harness status` tells what is there; `harness run` sets it aside and makes it again."
    faults = [Fault(str(path), f"{reason}.", mend) for path, reason in scan.broken.items()]
    faults += [
        Fault(f"record {name}", f"has schema version {version!r}, which this version does not read.", mend)
        for name, version in scan.other_schemas.items()
    ]
    if not faults and not scan.records:
        faults.append(Fault(str(records_folder(folder)), "holds no records.", "Name the folder of `harness run`."))
    if faults:
        raise RecordError(faults)
    return to_frame(scan.records.values())


def to_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """One row a record, sorted by cell id: the cell's keys, a plug-in's axes, then ``RESULT_COLUMNS``.

    Accuracies are fractions. ``shots`` holds whole numbers and ``all``, ``views`` whole numbers and ``live``;
    ``recipe`` is its canonical JSON, so that it can be grouped by. An axis that a method does not read is missing
    (``None``, ``NA`` or ``NaN``), as are the numbers of a failed cell. Without records all columns are there.
    """
    rows = [_row(record) for record in sorted(records, key=lambda record: record.cell_id)]
    extras = sorted({key for row in rows for key in row} - {*CELL_KEYS, *RESULT_COLUMNS})
    frame = pd.DataFrame(rows, columns=[*CELL_KEYS, *extras, *RESULT_COLUMNS], dtype=object)
    return frame.astype(_TYPES)


def _row(record: RunRecord) -> dict[str, object]:
    recipe = record.cell["recipe"]
    return {
        **record.cell,
        "recipe": None if recipe is None else canonical_json(recipe),
        "cell_id": record.cell_id,
        "status": record.status,
        "reason": record.reason,
        "n_correct": record.n_correct,
        "n_test": record.n_test,
        "accuracy": record.accuracy,
        "macro_f1": record.macro_f1,
        "n_fewer_shots": len(record.fewer_shots),
        "trained_by": record.trained_by,
        "created_at": record.created_at,
    }
