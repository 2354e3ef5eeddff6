"""Records as a table."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import RecordError
from harness.matrix.cell import CELL_KEYS, Cell
from harness.store.frame import RESULT_COLUMNS, read_frame, to_frame
from harness.store.record import RunRecord
from harness.store.records import record_path, write_record

MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]


def test_frame_of_nothing_has_all_columns() -> None:
    """Without records the columns are there and the rows are not."""
    frame = to_frame([])
    assert (list(frame.columns), len(frame)) == ([*CELL_KEYS, *RESULT_COLUMNS], 0)


def test_frame_has_a_row_a_record_whatever_their_order(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """Rows are sorted by cell id, so that the order of files does not matter."""
    records = [make_record(make_cell(seed=seed)) for seed in (1, 2, 3)]
    frame = to_frame(records)
    assert list(frame["cell_id"]) == sorted(record.cell_id for record in records)
    assert frame.equals(to_frame(reversed(records)))


def test_frame_holds_cell_and_result(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """A row has the cell's keys, the counts and the fractions; the recipe is text that can be grouped by."""
    record = make_record(make_cell(recipe={"lr": 0.1, "epochs": 2}), fewer_shots=["one"])
    found = to_frame([record]).iloc[0].to_dict()
    assert found["recipe"] == '{"epochs":2,"lr":0.1}'
    assert {key: found[key] for key in ("dataset", "shots", "seed", "status", "n_correct", "n_test")} == {
        "dataset": "digits", "shots": 1, "seed": 1, "status": "done", "n_correct": 3, "n_test": 4,
    }  # fmt: skip
    assert (found["accuracy"], found["macro_f1"], found["n_fewer_shots"]) == (0.75, record.macro_f1, 1)


def test_failed_record_has_no_numbers(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """A failed cell is a row without accuracy, never one with zero, and with its reason."""
    found = to_frame([make_record(make_cell(), status="failed")]).iloc[0]
    assert (found["status"], bool(found["reason"])) == ("failed", True)
    assert pd.isna(found["accuracy"])
    assert pd.isna(found["n_correct"])


def test_plugin_axes_are_columns(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """A further key of some cell is a column of its own."""
    frame = to_frame([make_record(make_cell(depth=3)), make_record(make_cell())])
    assert list(frame.columns) == [*CELL_KEYS, "depth", *RESULT_COLUMNS]
    assert set(frame["depth"].dropna()) == {3}


def test_numbers_can_be_computed_with(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """Means by seed and counts are numbers, also where another row has none."""
    cells = [make_cell(seed=1), make_cell(seed=2), make_cell(method="zero_shot", seed=None, shots=0)]
    frame = to_frame([make_record(cells[0]), make_record(cells[1], status="failed"), make_record(cells[2])])
    assert (str(frame["seed"].dtype), str(frame["n_test"].dtype)) == ("Int64", "Int64")
    assert frame[frame["method"] == "zero_shot"]["recipe"].isna().all()
    assert frame.groupby("method")["accuracy"].mean().to_dict() == {"coop": 0.75, "zero_shot": 0.75}


def test_a_folder_is_read(tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord) -> None:
    """The frame of a results folder, named by a path or by a word, is that of its records."""
    record = make_record(make_cell())
    write_record(tmp_path, record)
    assert read_frame(str(tmp_path)).equals(to_frame([record]))


def test_a_folder_that_cannot_be_read_whole_is_refused(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """No row is left out in silence: every file that is no record is named, and so is a folder without any."""
    with pytest.raises(RecordError) as raised:
        read_frame(tmp_path)
    (fault,) = raised.value.faults
    assert (fault.where, fault.what, bool(fault.mend)) == (f"{tmp_path}/records", "holds no records.", True)
    write_record(tmp_path, make_record(make_cell()))
    record_path(tmp_path, "cut").write_text("{", encoding="utf-8")
    record_path(tmp_path, "new").write_text('{"schema_version": 7}', encoding="utf-8")
    with pytest.raises(RecordError) as raised:
        read_frame(tmp_path)
    cut, new = raised.value.faults
    assert (cut.where, cut.what.startswith("is not a whole record: ")) == (str(record_path(tmp_path, "cut")), True)
    assert (new.where, "schema version 7" in new.what) == ("record new", True)
    assert cut.mend == new.mend != ""
