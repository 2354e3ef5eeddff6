"""``harness report``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.matrix.cell import Cell
from harness.store.records import write_record

Harness = Callable[..., Any]
WORDS = {"shape": [2], "nearest": [[{"word": "to", "distance": 0.5}], [{"word": "be", "distance": 0.25}]]}


@pytest.fixture
def reported(
    harness: Harness, matrix: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any], tmp_path: Path
) -> Callable[[str | None], str]:
    """From the file of words beside a context's record to the page of the report."""

    def report(words: str | None) -> str:
        write_record(tmp_path, make_record(cells[1]), words=words)
        answer = harness("report", "--matrix", matrix, "--results", tmp_path)
        assert (answer.code, answer.err) == (0, "")
        return (tmp_path / "mine" / "report" / "index.md").read_text(encoding="utf-8")

    return report


def test_words_beside_a_record_are_reported(reported: Callable[[str | None], str]) -> None:
    """The nearest words of a context come from the file that lies beside its record."""
    page = reported(json.dumps(WORDS))
    assert "to (0.5000)" in page
    assert "be (0.2500)" in page


@pytest.mark.parametrize(
    "words",
    [None, "", "[]", "{}", '{"shape": [2], "nearest": []}', '{"shape": [1], "nearest": [[]]}',
     '{"shape": [1], "nearest": [[{"word": "to"}]]}'],
)  # fmt: skip
def test_words_that_cannot_be_read_are_told(reported: Callable[[str | None], str], words: str | None) -> None:
    """A missing or broken file is said to be missing; the rest of the report is there."""
    page = reported(words)
    assert "no words, since the files beside the records are missing" in page
    assert "### digits" in page
