"""One training, many evaluations: on other data sets, and on the other half of the classes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.data.catalog import DATASETS
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import COOP
from harness.methods.coop import CoOp
from harness.methods.linear_probe import LinearProbe
from harness.plan.job import FAULTS_FILE, JOB_FILE, Job, flat_cells, write_job
from harness.plan.pending import standings
from harness.plan.today import look_at_today
from harness.store.record import RunRecord
from harness.store.records import read_records, record_path, write_record
from harness.worker import materials as room
from harness.worker.__main__ import main

MakeCell = Callable[..., Cell]

SHIFTS = ("digits_inverted", "digits_blurred", "digits_rotated", "digits_noisy")
RECIPE = {**COOP.recipe("coop", "digits", 1), "epochs": 2}
NEW_NAMES = ["five", "six", "seven", "eight", "nine"]


@pytest.fixture
def coop(make_cell: MakeCell) -> Cell:
    """Two epochs of a short unified context on one shot."""
    return make_cell(recipe=RECIPE, n_ctx=4)


def _do(results: Path, kind: str, *cells: Cell, **options: Any) -> Path:
    """Run a job in this process; its folder."""
    job = Job(kind=kind, matrix="m", cells=flat_cells(cells), results=results, data=None, device="cpu", **options)
    folder = write_job(job, 1)
    assert main([str(folder / JOB_FILE)]) == 0
    return folder


def _run(results: Path, *cells: Cell, **options: Any) -> dict[str, RunRecord]:
    """The records of a run job."""
    _do(results, "run", *cells, **options)
    scan = read_records(results)
    assert not scan.broken
    return scan.records


def _faults(results: Path, *cells: Cell) -> list[str]:
    """What a check job finds."""
    content = json.loads((_do(results, "check", *cells) / FAULTS_FILE).read_text())
    return [" ".join(filter(None, (f"{fault['where']}:", fault["what"], fault["mend"]))) for fault in content]


def _rewritten(results: Path, cell: Cell, **changes: Any) -> None:
    """Change parts of a record's provenance on disk."""
    path = record_path(results, cell_id(cell))
    content = json.loads(path.read_text())
    content["provenance"] |= changes
    del content["sha256"]  # of what the worker wrote
    path.write_text(json.dumps(content))


def _counts(record: RunRecord) -> list[tuple[int, int, int]]:
    return [(row.n_test, row.n_correct, row.n_predicted) for row in record.per_class]


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    """The cells that are trained from now on."""
    trained: list[Cell] = []
    for method in (CoOp, LinearProbe):
        plain = method.fit

        def fit(self: Any, runs: Any, plain: Any = plain) -> Any:
            trained.extend(run.cell for run in runs)
            return plain(self, runs)

        monkeypatch.setattr(method, "fit", fit)
    return trained


# --- one training, many evaluations -------------------------------------------------------------------------


def test_one_training_serves_all_evaluations(tmp_path: Path, coop: Cell, fits: list[Cell]) -> None:
    """The training alone has context, words and epochs; the others name it, and have their target's digest."""
    targets = [replace(coop, evaluate_on=name) for name in SHIFTS]
    records = _run(tmp_path, coop, *targets)
    assert fits == [coop]
    own = records.pop(cell_id(coop))
    assert (own.trained_by, len(own.history), own.context is None) == (None, 2, False)
    assert own.provenance is not None
    assert own.provenance.target_digest is None
    assert set(records) == {cell_id(cell) for cell in targets}
    for cell in targets:
        record = records[cell_id(cell)]
        assert (record.status, record.trained_by) == ("done", own.cell_id)
        assert (record.context, record.history) == (None, ())
        assert record.provenance is not None
        assert record.provenance.split_digest == DATASETS["digits"].split_digest
        assert record.provenance.target_digest == DATASETS[str(cell.evaluate_on)].split_digest
        assert record.provenance.subset_digest == own.provenance.subset_digest
    files = sorted(path.name for path in (tmp_path / "records").iterdir() if not path.name.endswith("logits.npz"))
    companions = [f"{own.cell_id}.json", f"{own.cell_id}.safetensors", f"{own.cell_id}.words.json"]
    assert files == sorted([*companions, *(f"{identifier}.json" for identifier in records)])


def test_every_evaluation_keeps_its_own_logits(tmp_path: Path, coop: Cell) -> None:
    """They are the target's, and not those of the training's own test images."""
    noisy, new = replace(coop, evaluate_on="digits_noisy"), replace(coop, classes="base", evaluate_on="new")
    records = _run(tmp_path, coop, noisy, new)
    kept = {identifier: record.logits for identifier, record in records.items()}
    digests = {said.sha256 for said in kept.values() if said is not None}
    assert len(digests) == len(records)
    said = kept[cell_id(new)]
    assert said is not None
    assert said.shape == (records[cell_id(new)].n_test, 5)


def test_an_evaluation_alone_restores_the_context(tmp_path: Path, coop: Cell, fits: list[Cell]) -> None:
    """Nothing is trained again, the training's files are not touched, and counts are those of a common run."""
    noisy = replace(coop, evaluate_on="digits_noisy")
    together = _run(tmp_path / "together", coop, noisy)[cell_id(noisy)]
    _run(tmp_path / "apart", coop)
    files = sorted((tmp_path / "apart" / "records").iterdir())
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
    fits.clear()
    apart = _run(tmp_path / "apart", noisy)[cell_id(noisy)]
    assert fits == []
    assert (_counts(apart), apart.trained_by) == (_counts(together), cell_id(coop))
    assert apart.logits is not None
    assert apart.logits == together.logits
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files} == before


def test_an_evaluation_without_its_training_trains_and_keeps_it(
    tmp_path: Path, coop: Cell, fits: list[Cell]
) -> None:
    """The training's record, which nobody asked for, holds the context and is that of a run of its own."""
    noisy = replace(coop, evaluate_on="digits_noisy")
    records = _run(tmp_path / "evaluation", noisy)
    assert fits == [coop]
    assert set(records) == {cell_id(coop), cell_id(noisy)}
    alone = _run(tmp_path / "training", coop)[cell_id(coop)]
    assert records[cell_id(coop)].context == alone.context
    assert _counts(records[cell_id(coop)]) == _counts(alone)


def test_a_failed_training_fails_its_evaluations_with_the_reason(
    tmp_path: Path, coop: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No evaluation is left without a record, and none is of something that was never learned."""
    noisy = replace(coop, evaluate_on="digits_noisy")
    monkeypatch.setattr("harness.engine.sgd.cross_entropy", lambda *_, **__: 1 / 0)
    records = _run(tmp_path, coop, noisy)
    assert {record.reason for record in records.values()} == {"ZeroDivisionError: division by zero"}
    assert set(records) == {cell_id(coop), cell_id(noisy)}


def test_a_failed_training_is_trained_again_for_its_evaluation(
    tmp_path: Path, coop: Cell, fits: list[Cell], make_record: Callable[..., RunRecord]
) -> None:
    """A failed record holds no context; the new one takes its place."""
    write_record(tmp_path, make_record(coop, status="failed"))
    records = _run(tmp_path, replace(coop, evaluate_on="digits_noisy"))
    assert fits == [coop]
    assert {record.status for record in records.values()} == {"done"}


# --- contexts that are not believed ---------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_context_is_trained_again(tmp_path: Path, coop: Cell, fits: list[Cell], damage: str) -> None:
    """A file that is not the one the record vouches for is never used; the training's files are whole again."""
    noisy = replace(coop, evaluate_on="digits_noisy")
    own = _run(tmp_path, coop)[cell_id(coop)]
    assert own.context is not None
    path = tmp_path / "records" / own.context.file
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-8] if damage == "cut" else whole[:-1] + bytes([whole[-1] ^ 1]))
    fits.clear()
    records = _run(tmp_path, noisy)
    assert fits == [coop]
    assert path.read_bytes() == whole
    assert records[cell_id(noisy)].status == "done"


@pytest.mark.parametrize("key", ["weights_digest", "split_digest", "subset_digest", "list_digest"])
def test_a_context_of_other_inputs_is_trained_again(
    tmp_path: Path, coop: Cell, fits: list[Cell], key: str
) -> None:
    """A context that was learned with other weights or from other images, or in another order, is not restored."""
    _run(tmp_path, coop)
    _rewritten(tmp_path, coop, **{key: "0" * 64})
    fits.clear()
    records = _run(tmp_path, replace(coop, evaluate_on="digits_noisy"))
    assert fits == [coop]
    provenance = records[cell_id(coop)].provenance
    assert provenance is not None
    assert getattr(provenance, key) != "0" * 64


def test_an_evaluation_is_stale_when_its_targets_split_is_another(tmp_path: Path, coop: Cell) -> None:
    """The plan says so; the training and the evaluations on other targets still count."""
    cells = (coop, *(replace(coop, evaluate_on=name) for name in ("digits_noisy", "digits_blurred", "new")))
    _run(tmp_path, *cells)
    _rewritten(tmp_path, cells[1], target_digest="0" * 64)
    found = standings(cells, read_records(tmp_path), tmp_path, look_at_today(cells, DATASETS, None))
    today = str(DATASETS["digits_noisy"].split_digest)[:8]
    assert [(each.state, each.why) for each in found] == [
        ("done", ""),
        ("pending", f"stale: other target split (00000000, today {today})"),
        ("done", ""),
        ("done", ""),
    ]


# --- halves of the classes ------------------------------------------------------------------------------------


def test_base_classes_are_evaluated_on_the_new_ones(tmp_path: Path, coop: Cell) -> None:
    """One training on five classes, with records of those five, of the other five and of all ten."""
    base = replace(coop, classes="base")
    new, every = replace(base, evaluate_on="new"), replace(base, evaluate_on="all")
    records = _run(tmp_path, base, new, every)
    assert [row.name for row in records[cell_id(new)].per_class] == NEW_NAMES
    sizes = [records[cell_id(cell)].n_test or 0 for cell in (base, new, every)]
    assert sizes[0] + sizes[1] == sizes[2] == 540
    assert records[cell_id(new)].trained_by == cell_id(base)
    provenance = records[cell_id(new)].provenance
    assert provenance is not None
    assert provenance.target_digest == provenance.split_digest


def test_the_new_half_can_be_evaluated_alone(tmp_path: Path, coop: Cell, fits: list[Cell]) -> None:
    """The context of the base classes is restored for names that it was not learned with."""
    base = replace(coop, classes="base")
    new = replace(base, evaluate_on="new")
    together = _run(tmp_path / "together", base, new)[cell_id(new)]
    _run(tmp_path / "apart", base)
    fits.clear()
    apart = _run(tmp_path / "apart", new)[cell_id(new)]
    assert (fits, _counts(apart)) == ([], _counts(together))


# --- what cannot be transferred -------------------------------------------------------------------------------


def test_class_specific_contexts_are_refused_for_other_classes(tmp_path: Path, coop: Cell) -> None:
    """The check says why and what to do, once however many shots and seeds there are."""
    cells = [
        replace(coop, context="class_specific", classes="base", evaluate_on="new", seed=seed) for seed in (1, 2)
    ]
    assert _faults(tmp_path, *cells) == [
        "digits, coop on new: class-specific contexts belong to the 5 classes that they were learned for, and "
        "these are 5 others. Evaluate unified contexts here, or exclude these cells."
    ]


def test_class_specific_contexts_are_good_for_the_same_classes(tmp_path: Path, coop: Cell) -> None:
    """A shifted target has the same names, and is evaluated like any other, also when restored."""
    own = replace(coop, context="class_specific")
    noisy = replace(own, evaluate_on="digits_noisy")
    assert _faults(tmp_path, own, noisy) == []
    together = _run(tmp_path / "together", own, noisy)[cell_id(noisy)]
    _run(tmp_path / "apart", own)
    assert _counts(_run(tmp_path / "apart", noisy)[cell_id(noisy)]) == _counts(together)


def test_a_probe_is_refused_for_classes_that_it_did_not_learn(tmp_path: Path, make_cell: MakeCell) -> None:
    """All of them are said to be missing, by name."""
    new = make_cell(method="linear_probe", classes="base", evaluate_on="new")
    assert _faults(tmp_path, new) == [
        "digits, linear_probe on new: a linear probe knows only the classes that it learned, and not 5 of these: "
        f"{', '.join(NEW_NAMES)}. Exclude linear_probe here."
    ]


def test_prompts_are_checked_with_the_targets_names(
    tmp_path: Path, coop: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prompt that is too long for the target is found before anything is trained, and says on what."""
    faults = _faults(tmp_path, replace(coop, n_ctx=75, evaluate_on="digits_noisy"))
    assert len(faults) == 10
    assert all("digits, coop on digits_noisy: " in fault and "takes 79 tokens" in fault for fault in faults)


def test_a_refused_transfer_that_runs_all_the_same_is_a_failed_record(tmp_path: Path, coop: Cell) -> None:
    """Whoever goes past the check gets no number; the training is done."""
    base = replace(coop, context="class_specific", classes="base")
    new = replace(base, evaluate_on="new")
    records = _run(tmp_path, base, new)
    assert records[cell_id(base)].status == "done"
    assert (records[cell_id(new)].status, records[cell_id(new)].n_test) == ("failed", None)
    assert "class-specific contexts belong to the 5 classes" in str(records[cell_id(new)].reason)


def test_a_target_that_cannot_be_read_fails_its_own_cells(
    tmp_path: Path, coop: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training and the evaluation elsewhere are done."""
    noisy, blurred = (replace(coop, evaluate_on=name) for name in ("digits_noisy", "digits_blurred"))
    plain = room.Materials

    def make(clip: Any, row: Any, *rest: Any, **named: Any) -> Any:
        return 1 / 0 if row.name == "digits_noisy" else plain(clip, row, *rest, **named)

    monkeypatch.setattr(room, "Materials", make)
    records = _run(tmp_path, coop, noisy, blurred)
    assert {cell: records[cell_id(cell)].status for cell in (coop, noisy, blurred)} == {
        coop: "done",
        noisy: "failed",
        blurred: "done",
    }


# --- methods that learn otherwise, or nothing -----------------------------------------------------------------


@pytest.mark.parametrize("target", SHIFTS)
def test_zero_shot_on_a_target_is_zero_shot_of_the_target(
    tmp_path: Path, make_cell: MakeCell, target: str
) -> None:
    """The same template gives the same counts, whichever data set the cell names; nothing is trained for it."""
    elsewhere = make_cell(method="zero_shot", evaluate_on=target)
    there = make_cell(method="zero_shot", dataset=target)
    records = _run(tmp_path, elsewhere, there)
    assert set(records) == {cell_id(elsewhere), cell_id(there)}
    assert _counts(records[cell_id(elsewhere)]) == _counts(records[cell_id(there)])
    assert records[cell_id(elsewhere)].trained_by is None


def test_zero_shot_on_the_new_half_is_that_of_its_classes(tmp_path: Path, make_cell: MakeCell) -> None:
    """Trained on base and evaluated on new is, where nothing is trained, the new half alone."""
    elsewhere = make_cell(method="zero_shot", classes="base", evaluate_on="new")
    there = make_cell(method="zero_shot", classes="new")
    records = _run(tmp_path, elsewhere, there)
    assert _counts(records[cell_id(elsewhere)]) == _counts(records[cell_id(there)])


def test_a_probe_is_evaluated_where_the_class_names_are_its_own(
    tmp_path: Path, make_cell: MakeCell, fits: list[Cell]
) -> None:
    """One fit for all targets with the same names, and for a half of them, whose classes it chooses among."""
    own = make_cell(method="linear_probe")
    noisy, half = replace(own, evaluate_on="digits_noisy"), replace(own, evaluate_on="new")
    assert _faults(tmp_path, own, noisy, half) == []
    records = _run(tmp_path, own, noisy, half)
    assert fits == [own]
    assert records[cell_id(noisy)].trained_by == records[cell_id(half)].trained_by == cell_id(own)
    assert [row.name for row in records[cell_id(half)].per_class] == NEW_NAMES
    whole = {row.name: row.n_correct for row in records[cell_id(own)].per_class}
    assert all(row.n_correct >= whole[row.name] for row in records[cell_id(half)].per_class)


def test_a_probe_is_fitted_again_for_an_evaluation_alone(
    tmp_path: Path, make_cell: MakeCell, fits: list[Cell]
) -> None:
    """It has no context to come back from; the numbers are the same."""
    own = make_cell(method="linear_probe")
    noisy = replace(own, evaluate_on="digits_noisy")
    together = _run(tmp_path / "together", own, noisy)[cell_id(noisy)]
    _run(tmp_path / "apart", own)
    fits.clear()
    apart = _run(tmp_path / "apart", noisy)[cell_id(noisy)]
    assert (fits, _counts(apart)) == ([own], _counts(together))
