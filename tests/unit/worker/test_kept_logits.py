"""What a run job keeps of the test images' logits."""

from pathlib import Path

import numpy as np
import pytest
import torch

from harness.data.digits import digits_split
from harness.engine.logreg import Probe, fit_probe
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.methods.linear_probe import ProbeClassifier
from harness.plan.job import JOB_FILE, Job, flat_cells, write_job
from harness.store import logits as room
from harness.store.logits import read_logits
from harness.store.metrics import Metrics, ece, metrics, nll
from harness.store.record import RunRecord
from harness.store.records import read_records
from harness.worker import record as made
from harness.worker.__main__ import main

ZERO_SHOT = Cell(dataset="digits", backbone="tiny", method="zero_shot", template="a photo of the digit {}.")
NOISY = Cell(
    dataset="digits",
    evaluate_on="digits_noisy",
    backbone="tiny",
    method="zero_shot",
    template="a photo of the digit {}.",
)
PROBE = Cell(
    dataset="digits",
    backbone="tiny",
    method="linear_probe",
    protocol="coop",
    recipe=(("max_iter", 1000), ("search_rounds", 8)),
    shots=2,
    seed=1,
)


def _run(tmp_path: Path, *cells: Cell, **options: object) -> dict[str, RunRecord]:
    """The records of a run job in this process."""
    job = Job(
        kind="run", matrix="m", cells=flat_cells(cells), results=tmp_path, data=None, device="cpu", **options
    )
    assert main([str(write_job(job, 1) / JOB_FILE)]) == 0
    scan = read_records(tmp_path)
    assert not scan.broken
    return scan.records


def _metrics(tmp_path: Path, record: RunRecord) -> Metrics:
    kept = read_logits(tmp_path, record)
    assert kept is not None
    return metrics(kept)


@pytest.mark.parametrize("cell", [ZERO_SHOT, NOISY, PROBE], ids=["zero-shot", "on a target", "probe"])
def test_metrics_come_back_from_what_was_kept(tmp_path: Path, cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are the record's to the last one; NLL and ECE are those of the logits in full, within 1e-3."""
    seen = []
    plain = made.shifted
    monkeypatch.setattr(made, "shifted", lambda logits: seen.append(logits) or plain(logits))
    record = _run(tmp_path, cell)[cell_id(cell)]
    found = _metrics(tmp_path, record)
    recorded = [(row.n_test, row.n_correct, row.n_predicted) for row in record.per_class]
    counts = (found.counts.n_test, found.counts.n_correct, found.counts.n_predicted)
    assert recorded == list(zip(*(each.tolist() for each in counts), strict=True))
    assert (found.accuracy, found.macro_f1) == (record.accuracy, pytest.approx(record.macro_f1))
    whole, labels = np.concatenate(seen), np.array([item.label for item in digits_split().test])
    assert found.nll == pytest.approx(nll(whole, labels), abs=1e-3)
    assert found.ece == pytest.approx(ece(whole, labels), abs=1e-3)


def test_never_keeps_nothing_and_changes_no_number(tmp_path: Path) -> None:
    """The record is the same but for its logits, under the same id."""
    (kept,) = _run(tmp_path / "kept", ZERO_SHOT).values()
    (plain,) = _run(tmp_path / "plain", ZERO_SHOT, logits="never").values()
    assert plain.logits is None
    assert not list((tmp_path / "plain" / "records").glob("*.npz"))
    assert (kept.cell_id, kept.per_class) == (plain.cell_id, plain.per_class)


def test_large_test_sets_are_kept_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the bound nothing is kept by itself, and with ``always`` everything."""
    monkeypatch.setattr(room, "KEPT_VALUES", 5399)
    assert _run(tmp_path, ZERO_SHOT)[cell_id(ZERO_SHOT)].logits is None
    record = _run(tmp_path / "always", ZERO_SHOT, logits="always")[cell_id(ZERO_SHOT)]
    assert record.logits is not None
    assert record.logits.shape == (540, 10)


def test_a_class_that_the_probe_never_saw_is_kept() -> None:
    """The least float64 of a class without training images becomes the least float16, and is never predicted."""

    class TwoOfThree:
        classes_ = np.array([0, 2])

        def decision_function(self, images: np.ndarray) -> np.ndarray:
            return np.log(np.tile([0.25, 0.75], (len(images), 1)))

    logits = ProbeClassifier(Probe(TwoOfThree(), 1.0, 1.0, True), 3).logits(torch.zeros(2, 4))
    kept = room.shifted(logits.numpy())
    np.testing.assert_array_equal(kept[0], np.array([np.log(1 / 3), room.LOWEST, 0], dtype=np.float16))


def test_a_probability_that_is_too_small_is_no_failure() -> None:
    """An image far from all training images has logits all the same, finite ones, and warns nobody."""
    train = (np.array([[0.0, 0], [1, 0], [0, 1]]), np.array([0, 1, 2]))
    probe = fit_probe(train, train, max_iter=1000, search_rounds=1)
    logits = ProbeClassifier(probe, 3).logits(torch.tensor([[0.0, 1e5]]))
    assert torch.isfinite(logits).all()
    assert logits.argmax().item() == 2
    assert room.shifted(logits.numpy())[0].tolist() == [room.LOWEST, room.LOWEST, 0]
