"""The nearest words beside a record."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RecordError
from harness.store.record import RunRecord
from harness.store.records import write_record
from harness.store.words import Words, read_words, spelled_words, words_text

MakeCell = Callable[..., Any]
MakeRecord = Callable[..., RunRecord]
NEAREST = ((("to", 0.5), ("be", 0.75)), (("or", 0.25), ("not", 1.5)))


@pytest.fixture
def record(make_cell: MakeCell, make_record: MakeRecord) -> RunRecord:
    """The record of a context of two vectors."""
    return make_record(make_cell(), context={"file": "some.safetensors", "sha256": "0" * 64, "shape": [2, 8]})


def test_words_come_back(tmp_path: Path, record: RunRecord) -> None:
    """What was written beside a record is read again."""
    write_record(tmp_path, record, words=words_text((2,), NEAREST))
    assert read_words(tmp_path, record) == Words((2,), NEAREST)


def test_distances_are_rounded() -> None:
    """Six decimals of a distance are kept, so that a file does not depend on the last bits."""
    assert spelled_words((1,), [[("to", 1 / 3)]])["nearest"] == [[{"word": "to", "distance": 0.333333}]]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (None, "is missing"),
        ("", "is damaged"),
        ("[]", "is damaged"),
        ("{}", "is damaged: 'nearest'"),
        ("[" * 100_000, "is damaged"),
        (f'{{"shape": [2], "nearest": [[{{"word": "to", "distance": 1{"0" * 400}}}]]}}', "is damaged"),
        (json.dumps(spelled_words((2,), [])), "its shape is not 2"),
        (json.dumps(spelled_words((1,), NEAREST[:1])), "its shape is not 2"),
        (json.dumps(spelled_words((2,), [NEAREST[0], []])), "its shape is not 2"),
        ('{"shape": [2], "nearest": [[{"word": "to"}], []]}', "is damaged: 'distance'"),
        ('{"shape": [2], "nearest": [[{"word": "to", "distance": 1' + "0" * 400 + "}], []]}", "is damaged"),
    ],
)
def test_damaged_words_are_told(tmp_path: Path, record: RunRecord, words: str | None, what: str) -> None:
    """A file that is missing, damaged or of another context is named, with what makes it anew."""
    write_record(tmp_path, record, words=words)
    with pytest.raises(RecordError, match=what) as raised:
        read_words(tmp_path, record)
    assert "harness run" in str(raised.value)


def test_a_cell_without_a_context_has_no_words(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """Words beside the record of a cell that learned no context are none of its own."""
    record = make_record(make_cell())
    write_record(tmp_path, record, words=words_text((2,), NEAREST))
    with pytest.raises(RecordError, match="learned no context"):
        read_words(tmp_path, record)
