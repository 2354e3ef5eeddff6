"""``harness run`` as far as no worker is needed: bad input, and nothing to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch.dispatch import Outcome
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.store.records import write_record

Harness = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that starts here is a defect."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr("harness.dispatch.local.LocalLauncher.submit", refuse)


def test_finished_matrix_is_left_alone(
    harness: Harness, matrix: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any], tmp_path: Path
) -> None:
    """A second run starts no worker, changes no record and says so."""
    for cell in cells:
        write_record(tmp_path, make_record(cell))
    before = {path: path.read_bytes() for path in (tmp_path / "records").iterdir()}
    answer = harness("run", "--matrix", matrix, "--results", tmp_path)
    assert (answer.code, answer.out) == (0, "mine: nothing to do, 3 of 3 cells are done\n")
    assert {path: path.read_bytes() for path in (tmp_path / "records").iterdir()} == before


def test_failed_cells_are_not_tried_again_unasked(
    harness: Harness, matrix: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any], tmp_path: Path
) -> None:
    """A failed cell is named, with the way to try it again, and the exit code says that it failed."""
    for cell, status in zip(cells, ("done", "done", "failed"), strict=True):
        write_record(tmp_path, make_record(cell, status=status))
    answer = harness("run", "--matrix", matrix, "--results", tmp_path)
    assert (answer.code, answer.out.splitlines()) == (
        1,
        [
            "mine: nothing to do, 2 of 3 cells are done",
            f"failed {cell_id(cells[2])}: out of memory",
            "run again with --retry-failed to try these once more",
        ],
    )


def test_unknown_words_are_bad_input(harness: Harness, matrix: Path) -> None:
    """Launcher and tracker are checked together, before anything is made."""
    answer = harness("run", "--matrix", matrix, "--launcher", "slrm", "--track", "wand")
    assert (answer.code, answer.err.splitlines()) == (
        2,
        [
            "error: --launcher: unknown launcher 'slrm'. Did you mean 'slurm'? Known: local, slurm, ray.",
            "error: --track: unknown tracker 'wand'. Did you mean 'wandb'? Known: none, wandb, tensorboard.",
        ],
    )
    assert not Path("results").exists()


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_variable_that_is_no_number_is_told_before_anything_else(
    harness: Harness, matrix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """It would otherwise be the first job that meets it."""
    monkeypatch.setenv("HARNESS_STATE_S", "often")
    answer = harness(command, "--matrix", matrix, "--device", "tpu")
    assert answer.code == 2
    assert answer.err.splitlines() == [
        "error: HARNESS_STATE_S: must be a number of seconds, 0 or more, such as 120, not 'often'.",
        "error: --device: must be auto, cpu, cuda or cuda:N, not 'tpu'.",
    ]
    assert not (tmp_path / "results").exists()


def test_results_that_cannot_be_written_are_bad_input(harness: Harness, matrix: Path, tmp_path: Path) -> None:
    """A file in the folder's place is said before anything is trained."""
    (tmp_path / "taken").write_text("")
    answer = harness("run", "--matrix", matrix, "--results", tmp_path / "taken")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert answer.err.startswith(f"error: {tmp_path / 'taken'}: records cannot be written here: ")


def test_missing_data_and_weights_stop_the_run_before_any_training(
    harness: Harness, matrix: Path, tmp_path: Path
) -> None:
    """Everything that is missing on disk is said at once, with the way to get it."""
    matrix.write_text("backbones: 'RN50:openai'\ndatasets: [dtd, eurosat]\nmethods: zero_shot\n")
    answer = harness("run", "--matrix", matrix, "--data", tmp_path)
    assert (answer.code, [line.partition(":")[2][:20] for line in answer.err.splitlines()]) == (
        2,
        [" data set dtd: missi", " data set eurosat: m", " backbone RN50:opena"],
    )


def test_broken_record_is_set_aside_aloud(
    harness: Harness, matrix: Path, put_record: Callable[..., Path], tmp_path: Path
) -> None:
    """A truncated record is moved and said, also when the run then stops."""
    matrix.write_text("backbones: tiny\ndatasets: dtd\nmethods: zero_shot\n")
    from harness.cli.vocabulary import known_names
    from harness.matrix.matrix import read_matrix

    identifier = cell_id(read_matrix(matrix, known_names()).cells[0])
    path = put_record(identifier, "{")
    answer = harness("run", "--matrix", matrix, "--results", tmp_path)
    assert answer.code == 2
    assert f"{path} is not a whole record: " in answer.err.splitlines()[0]
    assert answer.err.splitlines()[0].endswith("; it is set aside and its cell runs again")
    assert (tmp_path / "records" / "quarantine" / path.name).read_text() == "{"


def test_stale_record_that_was_not_made_again_is_unfinished(
    harness: Harness,
    matrix: Path,
    cells: tuple[Cell, ...],
    make_record: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that dies before it replaces a stale record leaves the cell unfinished, not done."""
    for cell in cells:
        write_record(tmp_path, make_record(cell, provenance={"weights_digest": "0" * 64}))
    monkeypatch.setattr("harness.cli.commands.run._check", lambda *_: None)
    monkeypatch.setattr("harness.cli.commands.run.dispatch", lambda *_: Outcome())
    answer = harness("run", "--matrix", matrix, "--results", tmp_path)
    assert (answer.code, answer.out.splitlines()[0]) == (1, "mine: 0 done, 0 failed, 3 unfinished")


def test_the_split_of_a_folder_that_is_only_evaluated_on_is_kept(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images that come later do not change what was evaluated on; it is kept once the check has passed."""
    monkeypatch.setattr("harness.cli.commands.run._check", lambda *_: None)
    for name in ("one", "two"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "mine" / name / f"{number}.png").touch()
    matrix = tmp_path / "m.yaml"
    matrix.write_text(
        "backbones: tiny\ndatasets: [digits, {name: mine, folder: mine}]\nevaluate_on: mine\nmethods: zero_shot\n"
        "exclude:\n  - {dataset: mine}\n"
    )
    with pytest.raises(AssertionError, match="a worker was started"):
        harness("run", "--matrix", matrix)
    assert (tmp_path / "mine" / "harness_split.json").exists()
