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
        context = {"file": "some.safetensors", "sha256": "0" * 64, "shape": [2, 8]}
        write_record(tmp_path, make_record(cells[1], context=context), words=words)
        answer = harness("report", "--matrix", matrix, "--results", tmp_path)
        assert (answer.code, answer.err) == (0, "")
        return (tmp_path / "mine" / "report" / "index.md").read_text(encoding="utf-8")

    return report


def test_words_beside_a_record_are_reported(reported: Callable[[str | None], str]) -> None:
    """The nearest words of a context come from the file that lies beside its record."""
    page = reported(json.dumps(WORDS))
    assert "to (0.5000)" in page
    assert "be (0.2500)" in page


@pytest.mark.parametrize("words", [None, "{}"])
def test_words_that_cannot_be_read_are_told(reported: Callable[[str | None], str], words: str | None) -> None:
    """A missing or broken file is said to be missing; the rest of the report is there."""
    page = reported(words)
    assert "no words, since the files beside the records are missing" in page
    assert "### digits" in page


@pytest.fixture
def records(tmp_path: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any]) -> Path:
    """A folder with a record of every cell of the matrix."""
    for cell in cells:
        write_record(tmp_path, make_record(cell))
    return tmp_path


def test_nothing_to_compare_with_is_no_failure(harness: Harness, matrix: Path, records: Path) -> None:
    """Digits were never published: exit 0, and every row says so, in the terminal and in the files."""
    answer = harness("report", "--matrix", matrix, "--results", records, "--against", "coop_ijcv2022")
    assert (answer.code, answer.err) == (0, "")
    assert "mine against coop_ijcv2022: none of 2 numbers can be compared" in answer.out
    assert answer.out.count("not comparable: the set has nothing on digits") == 3
    written = (records / "mine" / "report" / "against-coop_ijcv2022.csv").read_text()
    assert written.count("not comparable,the set has nothing on digits") == 2


def test_several_sets(harness: Harness, matrix: Path, records: Path) -> None:
    """Sets can be named one by one, and all of them by one word."""
    options = ("--matrix", matrix, "--results", records)
    answer = harness("report", *options, "--against", "mlpt", "--against", "coop_ijcv2022")
    assert [line.partition(":")[0] for line in answer.out.splitlines() if "can be compared" in line] == [
        "mine against mlpt",
        "mine against coop_ijcv2022",
    ]
    everything = harness("report", *options, "--against", "all").out
    assert everything.count("can be compared") == 17
    assert "not comparable" not in everything  # a table and reasons a set would bury the rest


def test_choices_that_there_are_not(harness: Harness, matrix: Path, records: Path) -> None:
    """Unknown sets, deviations and intervals are told together, before anything is written."""
    answer = harness(
        "report", "--matrix", matrix, "--results", records, "--against", "coop_ijcv", "--sd", "std",
        "--interval", "ci95",
    )  # fmt: skip
    assert answer.code == 2
    faults = answer.err.splitlines()
    assert len(faults) == 3
    assert "Did you mean 'coop_ijcv2022'?" in faults[0]
    assert faults[1].endswith("Known: sample, population.")
    assert faults[2].endswith("Known: t, bootstrap.")
    assert not (records / "mine").exists()


def test_deviation_of_the_reference(harness: Harness, matrix: Path, records: Path) -> None:
    """The population's deviation can be had, and the page names it."""
    options = ("--matrix", matrix, "--results", records)
    assert harness("report", *options, "--sd", "population", "--interval", "bootstrap").code == 0
    page = (records / "mine" / "report" / "index.md").read_text(encoding="utf-8")
    assert "population standard deviation (n in place of n - 1)" in page
    assert "error bars one population standard deviation" in page
    assert "by a bootstrap" in page


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
        monkeypatch.setattr("harness.cli.state.entries.MOST_DETAILED", most)
        monkeypatch.setattr("harness.report.build.MOST_DETAILED", most)
        monkeypatch.setattr("harness.cli.state.entries._AT_ONCE", most - 1)
        assert (
            harness("report", "--matrix", matrix, "--results", tmp_path, "--out", tmp_path / str(most)).code == 0
        )
        pages.append({path.name: path.read_bytes() for path in (tmp_path / str(most)).iterdir()})
    whole, lean = pages
    assert "index.html" in whole
    assert "index.html" not in lean
    index = lean.pop("index.md")
    assert b"are made of 2 cells at most" in index
    assert b"at most" not in whole["index.md"]
    assert {name: whole[name] for name in lean} == lean
    assert {"digits.md", "digits.csv", "gains.png"} <= set(lean)
