"""Run records as values."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from harness.matrix.cell import Cell
from harness.store.record import SCHEMA_VERSION, RunRecord

MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]


def row(name: str, n_test: int, n_correct: int, n_predicted: int) -> dict[str, Any]:
    """The counts of one class."""
    return {"name": name, "n_test": n_test, "n_correct": n_correct, "n_predicted": n_predicted}


def test_record_holds_the_keys_that_readers_rely_on(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """The JSON of a record has every key that is promised."""
    flat = make_record(make_cell()).model_dump(mode="json")
    promised = {
        "schema_version", "cell_id", "cell", "status", "n_correct", "n_test", "per_class", "history", "timings",
        "provenance",
    }  # fmt: skip
    assert promised - set(flat) == set()
    assert set(flat["per_class"][0]) == {"name", "n_test", "n_correct", "n_predicted"}
    assert set(flat["history"][0]) == {"epoch", "lr", "loss", "train_accuracy"}
    assert flat["schema_version"] == SCHEMA_VERSION


def test_accuracy_is_a_fraction_of_integer_counts(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """Three of four is 0.75."""
    assert make_record(make_cell()).accuracy == 0.75


def test_macro_f1_of_a_worked_example(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """Classes count alike; one that is never predicted counts as zero, one without test images not at all.

    zero: 3 of 4, predicted 5 times: 2 * 3 / 9 = 2/3. one: 2 of 4, predicted 3 times: 4/7. two: never right, never
    predicted: 0. three: no test images.
    """
    counts = (row("zero", 4, 3, 5), row("one", 4, 2, 3), row("two", 2, 0, 0), row("three", 0, 0, 2))
    record = make_record(make_cell(), per_class=counts, n_correct=5, n_test=10)
    assert record.macro_f1 == pytest.approx((2 / 3 + 4 / 7 + 0) / 3, abs=1e-15)


def test_failed_record_has_no_accuracy(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """A failed cell has a reason and no numbers."""
    record = make_record(make_cell(), status="failed", provenance={})
    assert (record.accuracy, record.macro_f1, record.reason) == (None, None, "out of memory")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cell_id": "0" * 20}, "cell_id is not the digest of cell"),
        ({"n_correct": 4}, "per_class does not add up"),
        ({"n_test": 5}, "per_class does not add up"),
        ({"per_class": []}, "per_class does not add up"),
        ({"n_correct": 0, "n_test": 0, "per_class": []}, "per_class does not add up"),
        (
            {"per_class": [row("zero", 2, 3, 3), row("one", 2, 0, 1)]},
            "more right answers than images or predictions",
        ),
        (
            {"per_class": [row("zero", 2, 2, 1), row("one", 2, 1, 3)]},
            "more right answers than images or predictions",
        ),
        ({"per_class": [row("zero", 2, -1, 1)]}, "greater than or equal to 0"),
        ({"n_correct": None}, "needs n_correct, n_test and provenance"),
        ({"status": "failed", "reason": None}, "a failed record needs a reason"),
        ({"status": "failed", "reason": ""}, "a failed record needs a reason"),
        ({"status": "running"}, "Input should be 'done' or 'failed'"),
        ({"schema_version": 2}, "Input should be 1"),
        ({"surplus": 1}, "Extra inputs are not permitted"),
    ],
)
def test_record_that_contradicts_itself_is_refused(
    make_cell: MakeCell, make_record: MakeRecord, fields: dict[str, Any], message: str
) -> None:
    """Ids, counts, status and keys have to fit together."""
    with pytest.raises(ValidationError, match=message):
        make_record(make_cell(), **fields)


def test_done_record_needs_provenance(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """A number of unknown origin is no result."""
    content = make_record(make_cell()).model_dump() | {"provenance": None}
    with pytest.raises(ValidationError, match="needs n_correct, n_test and provenance"):
        RunRecord.model_validate(content)


def test_record_is_frozen(make_cell: MakeCell, make_record: MakeRecord) -> None:
    """Nobody changes a result in passing."""
    record = make_record(make_cell())
    with pytest.raises(ValidationError, match="frozen"):
        record.n_correct = 4  # type: ignore[misc]
