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


def test_stale_records_alone_are_reported(
    harness: Harness, matrix: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any], tmp_path: Path
) -> None:
    """Records of other weights count for nothing, and the report says so instead of that there are none."""
    record = make_record(cells[0])
    made_from = record.provenance.model_copy(update={"weights_digest": "f" * 64})
    write_record(tmp_path, record.model_copy(update={"provenance": made_from}))
    assert harness("report", "--matrix", matrix, "--results", tmp_path).code == 0
    assert "run stale" in (tmp_path / "mine" / "report" / "digits.md").read_text(encoding="utf-8")


def test_no_records_are_a_mistake(harness: Harness, matrix: Path, tmp_path: Path) -> None:
    """Without a record there is nothing to report, which is said with what to do."""
    answer = harness("report", "--matrix", matrix, "--results", tmp_path)
    assert answer.code == 2
    assert "harness run --matrix" in answer.err


def test_a_very_large_report_has_the_same_tables(
    harness: Harness,
    matrix: Path,
    cells: tuple[Cell, ...],
    make_record: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Above a number of cells classes and training are left out, which the index says, and nothing else."""
    for cell in cells:
        write_record(tmp_path, make_record(cell))
    pages = []
    for most in (3, 2):
        monkeypatch.setattr("harness.cli.report.MOST_DETAILED", most)
        monkeypatch.setattr("harness.report.build.MOST_DETAILED", most)
        monkeypatch.setattr("harness.cli.report._AT_ONCE", most - 1)
        assert (
            harness("report", "--matrix", matrix, "--results", tmp_path, "--out", tmp_path / str(most)).code == 0
        )
        pages.append({path.name: path.read_bytes() for path in (tmp_path / str(most)).iterdir()})
    whole, lean = pages
    index = lean.pop("index.md")
    assert b"are shown of 2 cells at most" in index
    assert b"at most" not in whole["index.md"]
    assert {name: whole[name] for name in lean} == lean
    assert {"digits.md", "digits.csv", "gains.png"} <= set(lean)
