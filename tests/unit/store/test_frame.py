"""Records as a table."""

from collections.abc import Callable

from harness.matrix.cell import CELL_KEYS, Cell
from harness.store.frame import RESULT_COLUMNS, to_frame
from harness.store.record import RunRecord

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
    """A failed cell is a row without accuracy, never one with zero."""
    found = to_frame([make_record(make_cell(), status="failed")]).iloc[0]
    assert (found["status"], found["accuracy"], found["n_correct"]) == ("failed", None, None)


def test_plugin_axes_are_columns(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """A further key of some cell is a column of its own."""
    frame = to_frame([make_record(make_cell(depth=3)), make_record(make_cell())])
    assert list(frame.columns) == [*CELL_KEYS, "depth", *RESULT_COLUMNS]
    assert set(frame["depth"].dropna()) == {3}
