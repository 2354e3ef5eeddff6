"""``harness metrics``."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix
from harness.store.logits import KeptLogits, logits_file, packed, shifted
from harness.store.manifest import write_manifest
from harness.store.record import RunRecord
from harness.store.records import write_record

Harness = Callable[..., Any]
Put = Callable[..., RunRecord]

LOGITS = np.array([[2.0, 1], [5, 4], [0, 1], [3, 1]])
LABELS = np.array([0, 0, 1, 1])
# Softmax of a difference of one, and of two, by hand: the right ones are 0.7311 sure, the wrong one 0.8808.
NLL, ECE = "0.7667", "0.4219"


def lines(text: str) -> list[str]:
    """The lines of a text, runs of spaces as one, empty lines left out."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


@pytest.fixture
def put(tmp_path: Path, make_record: Callable[..., RunRecord]) -> Put:
    """A writer of records (3 of 4 right) with these logits; without any, none are kept."""

    def write(cell: Cell, logits: np.ndarray | None = None) -> RunRecord:
        record = make_record(cell)
        content = None
        if logits is not None:
            kept = KeptLogits(shifted(logits), LABELS)
            content = packed(kept)
            record = record.model_copy(update={"logits": logits_file(record.cell_id, kept, content)})
        write_record(tmp_path, record, logits=content)
        return record

    return write


@pytest.fixture
def ask(harness: Harness, matrix: Path, tmp_path: Path) -> Harness:
    """``harness metrics`` of the small matrix."""
    return lambda *arguments: harness("metrics", "--matrix", matrix, "--results", tmp_path, *arguments)


def test_one_line_a_cell_with_numbers_or_the_reason(ask: Harness, cells: tuple[Cell, ...], put: Put) -> None:
    """With logits there are all numbers, without them those of the record, and none where nothing was run."""
    put(cells[0], LOGITS)
    put(cells[1])
    answer = ask()
    assert (answer.code, answer.err) == (0, "")
    assert lines(answer.out) == [
        "cell accuracy macro-F1 class mean NLL ECE test images",
        f"zero_shot 0.7500 0.7333 0.7500 {NLL} {ECE} 4",
        "coop seed=1 0.7500 0.7333 0.7500 4 its 4 x 2 logits were not kept",
        "coop seed=2 not run",
    ]


def test_failed_and_stale_cells_say_so(
    ask: Harness, cells: tuple[Cell, ...], make_record: Callable[..., RunRecord], tmp_path: Path
) -> None:
    """Their numbers are not shown, and that is not this command's finding."""
    write_record(tmp_path, make_record(cells[0], status="failed"))
    write_record(tmp_path, make_record(cells[1], provenance={"split_digest": "0" * 64}))
    answer = ask()
    assert answer.code == 0
    assert lines(answer.out)[1:3] == [
        "zero_shot failed: out of memory",
        "coop seed=1 stale: other split (00000000, today 2ec5fa99)",
    ]


def test_counts_that_differ_from_the_record_are_a_finding(ask: Harness, cells: tuple[Cell, ...], put: Put) -> None:
    """Logits of another run, which say other things than the record, are said by class and not shown; exit 1."""
    put(cells[0], LOGITS[::-1])
    answer = ask("-k", "method=zero_shot")
    assert answer.code == 1
    assert lines(answer.out)[1:] == [
        "zero_shot its logits and its record differ",
        f"finding {cell_id(cells[0])} zero_shot: the logits give 1 of 4 right, the record 3 of 4; "
        "counts differ in 2 classes: zero, one.",
    ]


def test_equal_accuracy_of_other_classes_is_a_finding(ask: Harness, cells: tuple[Cell, ...], put: Put) -> None:
    """Three of four are right here, too, but other ones."""
    put(cells[0], np.array([[2.0, 1], [1, 2], [0, 1], [0, 1]]))
    answer = ask("-k", "method=zero_shot")
    assert (answer.code, "give 3 of 4 right, the record 3 of 4; counts differ in 2 classes" in answer.out) == (
        1,
        True,
    )


def test_a_damaged_file_is_a_finding(ask: Harness, cells: tuple[Cell, ...], put: Put, tmp_path: Path) -> None:
    """What follows from the record alone is still shown; the file is named; exit 1."""
    record = put(cells[0], LOGITS)
    path = tmp_path / "records" / f"{record.cell_id}.logits.npz"
    path.write_bytes(path.read_bytes()[:-9])
    answer = ask("-k", "method=zero_shot")
    assert answer.code == 1
    assert lines(answer.out)[1:] == [
        "zero_shot 0.7500 0.7333 0.7500 4 its logits cannot be used",
        f"finding {record.cell_id} zero_shot: {path}: is damaged, or of another run: its digest is not the "
        "record's. Delete the record and run its cell again.",
    ]


def test_a_file_that_was_taken_away_is_no_finding(
    ask: Harness, cells: tuple[Cell, ...], put: Put, tmp_path: Path
) -> None:
    """Files of logits may be deleted to have room; the line says so."""
    record = put(cells[0], LOGITS)
    (tmp_path / "records" / f"{record.cell_id}.logits.npz").unlink()
    answer = ask("-k", "method=zero_shot")
    assert (answer.code, "its 4 x 2 logits were taken away" in answer.out) == (0, True)


def test_the_csv_has_all_axes_and_unrounded_numbers(
    ask: Harness, cells: tuple[Cell, ...], put: Put, tmp_path: Path
) -> None:
    """One row a cell, empty where there is nothing to say."""
    put(cells[0], LOGITS)
    put(cells[1], LOGITS[::-1])
    out = tmp_path / "new" / "metrics.csv"
    assert ask("--out", out).code == 1
    first, second, third = csv.DictReader(io.StringIO(out.read_text()))
    assert (first["cell_id"], first["method"], first["seed"], first["note"]) == (
        cell_id(cells[0]),
        "zero_shot",
        "",
        "",
    )
    assert (first["accuracy"], first["n_test"]) == ("0.75", "4")
    assert float(first["nll"]) == pytest.approx((3 * np.log1p(np.exp(-1)) + np.log1p(np.exp(2))) / 4)
    assert (second["accuracy"], second["note"].split(";")[0]) == (
        "",
        "its logits and its record differ the logits give 1 of 4 right, the record 3 of 4",
    )
    assert (third["seed"], third["n_ctx"], third["note"]) == ("2", "16", "not run")


def test_a_csv_that_cannot_be_written_is_bad_input(ask: Harness, tmp_path: Path) -> None:
    """A folder in its place is said without a traceback."""
    answer = ask("--out", tmp_path)
    assert (answer.code, answer.err) == (
        2,
        f"error: --out {tmp_path}: cannot be written: Is a directory. Name another file.\n",
    )


def test_without_a_matrix_all_that_were_run_are_shown(
    harness: Harness, cells: tuple[Cell, ...], put: Put, tmp_path: Path
) -> None:
    """A cell that stands in two matrices is one line, and a selection picks from all of them."""
    write_manifest(tmp_path, Matrix("one", cells[:2]))
    write_manifest(tmp_path, Matrix("two", cells[1:]))
    put(cells[1], LOGITS)
    answer = harness("metrics", "--results", tmp_path)
    assert (answer.code, [line.split(" 0.")[0] for line in lines(answer.out)[1:]]) == (
        0,
        ["zero_shot not run", "coop seed=1", "coop seed=2 not run"],
    )
    assert len(lines(harness("metrics", "--results", tmp_path, "-k", "seed=1").out)) == 2


def test_metrics_of_an_empty_folder_are_bad_input(harness: Harness, tmp_path: Path) -> None:
    """Where nothing was run the way to run something is said."""
    answer = harness("metrics", "--results", tmp_path / "none")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith("Run `harness run --matrix FILE` first, or name another with --results DIR.\n")
