"""The forecast in words, and in the time that is left."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.output.progress import Progress
from harness.cli.state.outlook import spell_bytes, spell_s
from harness.data.dataset import Size
from harness.host import cpu_threads
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.store.provenance import processor_name
from harness.store.records import write_record

Harness = Callable[..., Any]


def _spent(job: str, **changes: Any) -> dict[str, Any]:
    return {
        "job": job, "processor": processor_name(), "threads": cpu_threads(), "elapsed_s": 600.0, "start_s": 4.0,
        "load_s": 2.0, "peak_host_bytes": 1_200_000_000, "image_bytes": 192,
    } | changes  # fmt: skip


@pytest.fixture
def run_one(cells: tuple[Cell, ...], make_record: Callable[..., Any], tmp_path: Path) -> Callable[..., None]:
    """Writes the record of the matrix's first CoOp cell as this machine would have left it."""

    def write(**spent: Any) -> None:
        timings = {"fit_s": 500.0, "test_features_s": 10.0, "evaluate_s": 1.0}
        device = {"device": "cpu (x86_64, 2 threads)"}
        record = make_record(cells[1], timings=timings, spent=_spent("a", **spent), provenance=device)
        write_record(tmp_path, record)

    return write


def test_plan_tells_time_and_memory_from_records(
    harness: Harness, matrix: Path, run_one: Callable[..., None], tmp_path: Path
) -> None:
    """One of two trainings is done, so that the other's minutes are told, and how far to trust them."""
    run_one()
    said = harness("plan", "--matrix", matrix, "--results", tmp_path, "--select", "method=coop").out
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert "backbone dataset cells time memory" in lines
    assert "tiny digits 1 10 min 1.2 GB" in lines
    assert any(line.startswith("time: about 10 min with one worker, ") for line in lines)
    assert any(line.startswith("give or take ") and "from 1 records of this processor" in line for line in lines)
    assert "memory: up to 1.2 GB a worker" in lines


def test_plan_says_that_records_of_another_processor_do_not_count(
    harness: Harness, matrix: Path, run_one: Callable[..., None], tmp_path: Path
) -> None:
    """No seconds are made up from another machine's."""
    run_one(processor="another")
    said = harness("plan", "--matrix", matrix, "--results", tmp_path).out
    assert (
        "time: not known, since no record on this processor tells how long tiny takes"
        " (1 of other devices or versions do not count); after some cells it is" in said
    )


def test_what_records_cannot_tell_is_named(
    harness: Harness, matrix: Path, run_one: Callable[..., None], tmp_path: Path
) -> None:
    """Training a second backbone is not foretold by the first; the part that is told is said to be a part."""
    run_one()
    matrix.write_text(
        "backbones: [tiny, 'RN50:openai']\ndatasets: digits\nshots: 1\nseeds: [1, 2]\nmethods: coop\n"
    )
    said = harness("plan", "--matrix", matrix, "--results", tmp_path).out
    assert "time for 1 of 3 cells: about 10 min" in said
    assert (
        "time of the rest: not known, since no record on this processor tells how long RN50:openai takes" in said
    )


def test_records_of_other_matrices_are_asked(
    harness: Harness, matrix: Path, run_one: Callable[..., None], tmp_path: Path
) -> None:
    """A new matrix of the same backbone learns from what another left in the results folder."""
    run_one()
    matrix.write_text("backbones: tiny\ndatasets: digits\nshots: 1\nseeds: [7]\nmethods: coop\n")
    assert "time: about 10 min with one worker" in harness("plan", "--matrix", matrix, "--results", tmp_path).out


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h")]
)
def test_seconds_in_words(seconds: float, words: str) -> None:
    """Small times in seconds, long ones in hours."""
    assert spell_s(seconds) == words


@pytest.mark.parametrize(
    ("n_bytes", "words"),
    [(0, "0.0 kB"), (1234, "1.2 kB"), (56_000_000, "56 MB"), (1.25e9, "1.2 GB"), (3e13, "30 TB")],
)
def test_bytes_in_words(n_bytes: float, words: str) -> None:
    """Two digits are enough."""
    assert spell_bytes(n_bytes) == words


def _left(cells: tuple[Cell, ...], capsys: pytest.CaptureFixture[str], seconds: dict[Cell, float | None]) -> str:
    """What is said to be left after the first of three cells, which took ten seconds by the clock."""
    names = {cell_id(cell): str(number) for number, cell in enumerate(cells)}
    with Progress("mine", cells, names, {"digits": Size(10, 898, 540)}, seconds) as progress:
        progress._start -= 10.0
        progress.on_event({"event": "done", "cell": cell_id(cells[0]), "accuracy": 0.5, "seconds": 10.0})
    return capsys.readouterr().err


def test_time_left_follows_the_forecast(cells: tuple[Cell, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """A tenth of the foretold seconds is behind after ten, so that ninety are left."""
    said = _left(cells, capsys, dict(zip(cells, (5.0, 20.0, 25.0), strict=True)))
    assert "about 2 min left" in said


def test_one_untold_cell_leaves_it_to_relative_work(
    cells: tuple[Cell, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Seconds and relative work are never added; zero-shot is too little work to tell by."""
    assert "left" not in _left(cells, capsys, dict(zip(cells, (5.0, None, 25.0), strict=True)))


def test_a_cell_that_is_told_again_counts_once(
    cells: tuple[Cell, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A second try at a job tells what the first one has done, and then does the rest."""
    first, second, third = map(cell_id, cells)
    names = {name: name for name in (first, second, third)}
    with Progress("mine", cells, names, {"digits": Size(10, 898, 540)}) as progress:
        for kind, cell in (("done", first), ("recorded", first), ("done", second), ("done", third)):
            progress.on_event({"event": kind, "cell": cell, "accuracy": 0.5, "seconds": 1.0})
    assert [line.split(" ")[0] for line in capsys.readouterr().err.splitlines()] == ["[1/3]", "[2/3]", "[3/3]"]
