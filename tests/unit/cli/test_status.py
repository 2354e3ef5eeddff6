"""``harness status``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix
from harness.store.manifest import write_manifest
from harness.store.records import write_record

Harness = Callable[..., Any]


def squeezed(text: str) -> list[str]:
    """The lines of a text, runs of spaces as one, empty lines left out."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_status_of_a_matrix_that_was_never_run(harness: Harness, matrix: Path) -> None:
    """All cells are pending, which is no failure."""
    answer = harness("status", "--matrix", matrix)
    assert (answer.code, squeezed(answer.out)) == (
        0,
        ["matrix cells done pending stale failed", "mine 3 0 3 0 0"],
    )


def test_failed_cells_are_named_and_exit_1(
    harness: Harness, matrix: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any], tmp_path: Path
) -> None:
    """A failed cell is said with id, name and reason."""
    write_record(tmp_path, make_record(cells[0]))
    write_record(tmp_path, make_record(cells[2], status="failed"))
    answer = harness("status", "--matrix", matrix, "--results", tmp_path)
    assert (answer.code, squeezed(answer.out)) == (
        1,
        [
            "matrix cells done pending stale failed",
            "mine 3 1 1 0 1",
            f"failed {cell_id(cells[2])} coop seed=2: out of memory",
        ],
    )


def test_status_without_matrix_shows_all_that_were_run(
    harness: Harness, cells: tuple[Cell, ...], make_record: Callable[..., Any], tmp_path: Path
) -> None:
    """Every matrix of a results folder is a line; a cell in two of them counts in both."""
    write_manifest(tmp_path, Matrix("two", cells[:2]))
    write_manifest(tmp_path, Matrix("three", cells))
    write_record(tmp_path, make_record(cells[0]))
    write_record(tmp_path, make_record(cells[1], provenance={"weights_digest": "0" * 64}))
    answer = harness("status", "--results", tmp_path)
    assert (answer.code, squeezed(answer.out)[1:]) == (0, ["three 3 1 2 1 0", "two 2 1 1 1 0"])


def test_status_of_a_folder_that_is_not_there_is_bad_input(harness: Harness, tmp_path: Path) -> None:
    """Where nothing was run the way to run something is said."""
    answer = harness("status", "--results", tmp_path / "none")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"error: {tmp_path / 'none'}: is no folder."
        " Run `harness run --matrix FILE` first, or name another with --results DIR.\n"
    )


def test_matrix_of_another_version_is_shown(
    harness: Harness, make_cell: Callable[..., Cell], tmp_path: Path
) -> None:
    """Names that this version does not know do not hide the others."""
    write_manifest(tmp_path, Matrix("old", (make_cell(dataset="gone", backbone="lost"),)))
    answer = harness("status", "--results", tmp_path)
    assert (answer.code, squeezed(answer.out)[1:]) == (0, ["old 1 0 1 0 0"])


def test_damaged_list_of_cells_is_bad_input(harness: Harness, tmp_path: Path) -> None:
    """A manifest that cannot be read is said without a traceback."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "cells.json").write_text(json.dumps({"schema_version": 9}))
    answer = harness("status", "--results", tmp_path)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert f"{tmp_path / 'm' / 'cells.json'}: is not a list of cells: schema version 9 is unknown." in answer.err
