"""``harness compare``."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.matrix.cell import Cell
from harness.store.records import write_record

Harness = Callable[..., Any]
Make = Callable[..., Any]
OTHER = [
    {"name": "zero", "n_test": 2, "n_correct": 2, "n_predicted": 2},
    {"name": "one", "n_test": 2, "n_correct": 2, "n_predicted": 2},
]


@pytest.fixture
def folders(tmp_path: Path, cells: tuple[Cell, ...], make_record: Make) -> tuple[Path, Path]:
    """Two folders with the three cells of the matrix; in B one number is another and torch is newer."""
    was, now = tmp_path / "a", tmp_path / "b"
    for cell in cells:
        write_record(was, make_record(cell))
        fields = {"n_correct": 4, "per_class": OTHER} if cell.seed == 2 else {}
        write_record(now, make_record(cell, provenance={"packages": {"torch": "3"}}, **fields))
    return was, now


def test_changes_are_printed(harness: Harness, folders: tuple[Path, Path]) -> None:
    """Counts, the changed cell, and what the numbers were made from; differing is no failure."""
    answer = harness("compare", *folders)
    assert (answer.code, answer.err) == (0, "")
    assert "3 cells with a number in both: 2 the same, 1 changed" in answer.out
    (line,) = [line for line in answer.out.splitlines() if "seed=2" in line]
    assert line.split()[-4:] == ["3/4", "4/4", "+25.00", "*"]
    assert "package torch" in answer.out
    assert "No p where so few cells could not reach 0.05." in answer.out


def test_same_folder_has_no_changes(harness: Harness, folders: tuple[Path, Path]) -> None:
    """A folder is like itself, in three lines, and that is no change to fail on."""
    answer = harness("compare", folders[0], folders[0], "--fail-on-change")
    assert (answer.code, len(answer.out.splitlines())) == (0, 3)


@pytest.mark.parametrize(("options", "code"), [(["-k", "seed=1"], 0), (["-k", "seed=2"], 1), ([], 1)])
def test_changes_can_fail(harness: Harness, folders: tuple[Path, Path], options: list[str], code: int) -> None:
    """With --fail-on-change the exit code is 1 when a selected cell's number differs; newer packages are none."""
    assert harness("compare", *folders, "--fail-on-change", *options).code == code


def test_missing_cells_are_a_change(
    harness: Harness, folders: tuple[Path, Path], cells: tuple[Cell, ...], make_record: Make, tmp_path: Path
) -> None:
    """A cell that only one folder has is told, and fails when that is asked for."""
    write_record(tmp_path / "c", make_record(cells[0]))
    answer = harness("compare", folders[0], tmp_path / "c", "--fail-on-change")
    assert answer.code == 1
    assert "1 cells with a number in both: 1 the same, 0 changed; 2 only in A" in answer.out


def test_matrix_limits_the_cells(
    harness: Harness, folders: tuple[Path, Path], make_cell: Make, make_record: Make, matrix: Path
) -> None:
    """Cells of other matrices are left out when a matrix is named."""
    write_record(folders[0], make_record(make_cell(n_ctx=4)))
    assert "1 only in A" in harness("compare", *folders).out
    assert "only in A" not in harness("compare", *folders, "--matrix", matrix).out


def test_csv_and_json(harness: Harness, folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Every cell as a line of CSV; JSON has methods and provenance, too."""
    assert harness("compare", *folders, "--out", tmp_path / "c.csv").code == 0
    with (tmp_path / "c.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["kind"], row["difference"]) for row in rows if row["method"] == "coop"] == [
        ("1", "same", "0.0"),
        ("2", "changed", "25.0"),
    ]
    assert harness("compare", *folders, "--out", tmp_path / "c.json").code == 0
    content = json.loads((tmp_path / "c.json").read_text())
    assert [each["kind"] for each in content["cells"]] == ["same", "same", "changed"]
    assert content["made_from"] == [{"field": "package torch", "a": "2", "b": "3", "cells": 3}]
    assert {each["method"] for each in content["methods"]} == {"Zero-shot", "CoOp (unified)", "all"}


def test_bad_input_is_told_at_once(harness: Harness, tmp_path: Path, folders: tuple[Path, Path]) -> None:
    """Folders without records are named together; so is a file of a kind that cannot be written."""
    (tmp_path / "empty").mkdir()
    answer = harness("compare", tmp_path / "nowhere", tmp_path / "empty")
    assert answer.code == 2
    assert "RESULTS_A" in answer.err
    assert "is no folder" in answer.err
    assert "holds no records" in answer.err
    answer = harness("compare", *folders, "--out", tmp_path / "c.txt")
    assert (answer.code, "Let it end in .csv or .json." in answer.err) == (2, True)
    answer = harness("compare", *folders, "-k", "seed=9")
    assert (answer.code, "no cell has seed=9" in answer.err) == (2, True)
    answer = harness("compare", *folders, "--out", tmp_path / "a" / "records")
    assert answer.code == 2


def test_broken_records_are_left_out(harness: Harness, folders: tuple[Path, Path]) -> None:
    """A truncated record is named on stderr, and the rest is compared."""
    path = sorted((folders[1] / "records").glob("*.json"))[0]
    path.write_text("{")
    answer = harness("compare", *folders)
    assert answer.code == 0
    assert "it is left out" in answer.err
    assert "1 only in A" in answer.out
