"""Trainings that are broken off and go on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import COOP
from harness.methods.coop import CoOp
from harness.plan.job import JOB_FILE, Job, flat_cells, write_job
from harness.store.record import RunRecord
from harness.store.records import read_records
from harness.worker.__main__ import main

EPOCHS = 5


def _cell(**axes: Any) -> Cell:
    recipe = {**COOP.recipe("coop", "digits", 1), "epochs": EPOCHS}
    flat = {
        "dataset": "digits", "backbone": "tiny", "method": "coop", "protocol": "coop", "recipe": recipe,
        "shots": 1, "seed": 1, "views": "live", "context": "unified", "n_ctx": 4, "class_token_position": "end",
    }  # fmt: skip
    return Cell.from_dict(flat | axes)


def _run(results: Path, *cells: Cell) -> dict[str, RunRecord]:
    """Run cells in this process; their records."""
    job = Job(kind="run", matrix="m", cells=flat_cells(cells), results=results, data=None, device="cpu")
    main([str(write_job(job, 1) / JOB_FILE)])
    return read_records(results).records


def _context(results: Path, cell: Cell) -> torch.Tensor:
    return load_file(results / "records" / f"{cell_id(cell)}.safetensors")["context"]


@pytest.fixture
def break_off(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A breaker of trainings, which end without a word once they have told of some epochs."""
    monkeypatch.setenv("HARNESS_STATE_S", "0.000001")

    class KilledError(BaseException):
        pass

    def run(results: Path, cell: Cell, epochs: int) -> None:
        train = CoOp._train

        def until(self: CoOp, runs: Any) -> Any:
            for told, outcomes in enumerate(train(self, runs), start=1):
                if told == epochs:
                    raise KilledError
                yield outcomes

        with monkeypatch.context() as patch:
            patch.setattr(CoOp, "_train", until)
            with pytest.raises(KilledError):
                _run(results, cell)

    return run


@pytest.mark.parametrize("context", ["unified", "class_specific"])
@pytest.mark.parametrize("epochs", [1, 3, EPOCHS])
def test_a_broken_training_ends_where_an_unbroken_one_does(
    tmp_path: Path, break_off: Any, context: str, epochs: int
) -> None:
    """It goes on after the last epoch that was kept, and context, history and counts are equal to the bit."""
    cell = _cell(context=context)
    whole = _run(tmp_path / "whole", cell)[cell_id(cell)]
    break_off(tmp_path / "broken", cell, epochs)
    assert not read_records(tmp_path / "broken").records
    assert len(list((tmp_path / "broken" / "unfinished").iterdir())) == 1
    record = _run(tmp_path / "broken", cell)[cell_id(cell)]
    assert record.details["went_on_after_epoch"] == epochs
    assert (record.per_class, record.history) == (whole.per_class, whole.history)
    assert torch.equal(_context(tmp_path / "broken", cell), _context(tmp_path / "whole", cell))
    assert list((tmp_path / "broken" / "unfinished").iterdir()) == []


def test_a_state_of_another_cell_or_images_begins_anew(tmp_path: Path, break_off: Any) -> None:
    """Only the very training that left a state goes on from it."""
    cell, other = _cell(), _cell(seed=2)
    break_off(tmp_path, cell, 2)
    (state,) = (tmp_path / "unfinished").iterdir()
    state.rename(state.with_name(f"{cell_id(other)}.safetensors"))
    assert "went_on_after_epoch" not in _run(tmp_path, other)[cell_id(other)].details


@pytest.mark.parametrize("content", [b"", b"not tensors", bytes(1000)])
def test_a_damaged_state_begins_anew(tmp_path: Path, break_off: Any, content: bytes) -> None:
    """A state that was cut short by whatever broke the training off costs the training, and nothing else."""
    cell = _cell()
    break_off(tmp_path, cell, 2)
    (state,) = (tmp_path / "unfinished").iterdir()
    state.write_bytes(content)
    record = _run(tmp_path, cell)[cell_id(cell)]
    assert (record.status, len(record.history)) == ("done", EPOCHS)
    assert "went_on_after_epoch" not in record.details


def test_short_trainings_leave_no_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that ends before the first state is due writes none."""
    monkeypatch.delenv("HARNESS_STATE_S", raising=False)
    _run(tmp_path, _cell())
    assert not (tmp_path / "unfinished").exists()
