"""Jobs, in this process."""

import json
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from harness.backbone.clip import Clip
from harness.backbone.published import architectures
from harness.data.catalog import DATASETS
from harness.data.digits import CLASS_NAMES, digit_image, digits_split
from harness.data.few_shot import few_shot_subset
from harness.data.split import items_digest
from harness.engine import sgd
from harness.features import few_shot
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import COOP
from harness.methods import zero_shot
from harness.plan.job import EVENTS_FILE, FAULTS_FILE, JOB_FILE, Job, flat_cells, write_job
from harness.store.record import RunRecord
from harness.store.records import read_records
from harness.worker import materials
from harness.worker.__main__ import main

ZERO_SHOT = Cell(dataset="digits", backbone="tiny", method="zero_shot", template="a photo of the digit {}.")


def _coop(epochs: int = 2, **axes: object) -> Cell:
    recipe = {**COOP.recipe("coop", "digits", 1), "epochs": epochs}
    flat = {
        "dataset": "digits", "backbone": "tiny", "method": "coop", "protocol": "coop", "recipe": recipe,
        "shots": 1, "seed": 1, "views": "live", "context": "unified", "n_ctx": 4, "class_token_position": "end",
    }  # fmt: skip
    return Cell.from_dict(flat | axes)


def _do(tmp_path: Path, kind: str, *cells: Cell, **options: object) -> Path:
    """Run a job in this process; its folder."""
    job = Job(kind=kind, matrix="m", cells=flat_cells(cells), results=tmp_path, data=None, device="cpu", **options)
    folder = write_job(job, 1)
    assert main([str(folder / JOB_FILE)]) == 0
    return folder


def _records(tmp_path: Path) -> dict[str, RunRecord]:
    scan = read_records(tmp_path)
    assert not scan.broken
    return scan.records


def test_a_run_job_writes_a_record_a_cell(tmp_path: Path) -> None:
    """Counts, history, context and provenance are all there."""
    cell = _coop()
    _do(tmp_path, "run", cell, ZERO_SHOT)
    record = _records(tmp_path)[cell_id(cell)]
    assert record.status == "done"
    assert record.n_test == 540
    assert [row.epoch for row in record.history] == [1, 2]
    assert [row.name for row in record.per_class][:2] == ["zero", "one"]
    assert record.provenance is not None
    assert record.provenance.seeds == {"draw": 1, "batches": 1, "context": 1}
    assert record.context is not None
    context = load_file(tmp_path / "records" / record.context.file)["context"]
    assert tuple(context.shape) == record.context.shape == (4, 64)
    words = json.loads((tmp_path / "records" / f"{cell_id(cell)}.words.json").read_text())
    assert [len(row) for row in words["nearest"]] == [5] * 4


def test_a_cell_does_not_depend_on_its_company(tmp_path: Path) -> None:
    """Alone or among others, a cell learns the same context to the bit, and has the same counts and history."""
    cell = _coop()
    _do(tmp_path / "alone", "run", cell)
    _do(tmp_path / "company", "run", _coop(context="class_specific"), replace(_coop(), seed=2), cell)
    name = f"records/{cell_id(cell)}.safetensors"
    alone, company = load_file(tmp_path / "alone" / name), load_file(tmp_path / "company" / name)
    assert torch.equal(alone["context"], company["context"])
    first, second = (_records(tmp_path / where)[cell_id(cell)] for where in ("alone", "company"))
    assert (first.per_class, first.history) == (second.per_class, second.history)


def test_views_are_kept_where_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With HARNESS_CACHE_VIEWS a second job encodes no training view again, and learns the same to the bit."""
    monkeypatch.setenv("HARNESS_CACHE_VIEWS", "1")
    cell = _coop()
    _do(tmp_path / "one", "run", cell)
    monkeypatch.setattr(few_shot, "encode_views", lambda *_: pytest.fail("a view was encoded again"))
    _do(tmp_path / "two", "run", cell)
    name = f"records/{cell_id(cell)}.safetensors"
    one, two = load_file(tmp_path / "one" / name), load_file(tmp_path / "two" / name)
    assert torch.equal(one["context"], two["context"])


def test_an_image_is_decoded_once_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws of one job that share an image share its decoding; test images are read once, too."""
    read: list[str] = []

    def count(path: str) -> Image.Image:
        read.append(path)
        return digit_image(path)

    monkeypatch.setattr(materials, "read_images", lambda *_: count)
    _do(tmp_path, "run", *(replace(_coop(epochs=1), shots=shots) for shots in (8, 16, 32)))
    assert len(read) == len(set(read)) > 540


def test_a_cell_that_fails_leaves_a_record_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss that is not finite fails its own cell with a reason; the next cell is done."""
    bad, good = _coop(context="class_specific"), _coop()
    plain = sgd.cross_entropy

    def diverge(logits: torch.Tensor, labels: torch.Tensor, **options: object) -> torch.Tensor:
        diverge.calls += 1
        return plain(logits, labels, **options) * (float("nan") if diverge.calls == 1 else 1.0)

    diverge.calls = 0
    monkeypatch.setattr(sgd, "cross_entropy", diverge)
    folder = _do(tmp_path, "run", bad, good)
    records = _records(tmp_path)
    assert records[cell_id(bad)].status == "failed"
    assert "the loss is nan in epoch 1" in str(records[cell_id(bad)].reason)
    assert records[cell_id(good)].status == "done"
    events = [json.loads(line)["event"] for line in (folder / EVENTS_FILE).read_text().splitlines()]
    assert [event for event in events if event in ("failed", "done")] == ["failed", "done"]


def test_an_unexpected_error_fails_its_cell_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect in one cell is its reason, by type and text."""
    monkeypatch.setattr(sgd, "cross_entropy", lambda *_, **__: 1 / 0)
    _do(tmp_path, "run", _coop(), ZERO_SHOT)
    records = _records(tmp_path)
    assert records[cell_id(_coop())].reason == "ZeroDivisionError: division by zero"
    assert records[cell_id(ZERO_SHOT)].status == "done"


@pytest.mark.parametrize("found", [torch.zeros(2), object()], ids=["tensor", "object"])
def test_details_that_no_record_can_hold_fail_the_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: object
) -> None:
    """What a method found has to be JSON; of anything else the cell fails, and not the job."""
    plain = zero_shot.one_by_one
    monkeypatch.setattr(
        zero_shot,
        "one_by_one",
        lambda runs, fit: plain(runs, lambda run: replace(fit(run), details={"mine": found})),
    )
    _do(tmp_path, "run", ZERO_SHOT)
    reason = _records(tmp_path)[cell_id(ZERO_SHOT)].reason
    assert str(reason).startswith("zero_shot: its details or its history cannot be written as JSON: ")


def test_the_check_finds_nothing_wrong_with_good_cells(tmp_path: Path) -> None:
    """An empty list of faults."""
    folder = _do(tmp_path, "check", _coop(), ZERO_SHOT)
    assert json.loads((folder / FAULTS_FILE).read_text()) == []


def test_the_check_finds_all_faults_at_once(tmp_path: Path) -> None:
    """Prompts that are too long, classes that are too small and missing images in one list."""
    folder = _do(tmp_path, "check", _coop(n_ctx=75), replace(_coop(), shots=90))
    faults = [f"{fault['where']}: {fault['what']}" for fault in json.loads((folder / FAULTS_FILE).read_text())]
    assert sum("takes 79 tokens" in fault for fault in faults) == 10
    assert sum("hold fewer than 90 training images" in fault for fault in faults) == 1
    assert len(faults) == 11


def test_fewer_shots_are_taken_where_allowed_and_marked(tmp_path: Path) -> None:
    """Classes that are taken whole are named in the record."""
    cell = _coop(epochs=1, shots=90)
    assert json.loads((_do(tmp_path, "check", cell, fewer_shots=True) / FAULTS_FILE).read_text()) == []
    _do(tmp_path, "run", cell, fewer_shots=True)
    sizes = Counter(item.class_name for item in digits_split().train)
    small = tuple(name for name in CLASS_NAMES if sizes[name] < 90)
    assert _records(tmp_path)[cell_id(cell)].fewer_shots == small
    assert 0 < len(small) < 10


def test_a_job_file_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and one line."""
    (tmp_path / "job.json").write_text("{}")
    assert main([str(tmp_path / "job.json")]) == 2
    assert "is not a job file" in capsys.readouterr().err


def _archive(mini: Path, file: Path) -> str:
    """The name of a small backbone whose weights are a TorchScript archive, as a user may have made it."""
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is deprecated
        torch.manual_seed(0)
        module = open_clip.CLIP(**architectures()["ViT-mini"]).eval()
        mask = module._buffers.pop("attn_mask")
        module.attn_mask = mask
        inputs = (torch.zeros(1, 3, 32, 32), torch.zeros(1, 77, dtype=torch.long))
        torch.jit.save(torch.jit.trace(module, inputs, check_trace=False), file)
    return f"ViT-mini:{file}"


def test_a_check_job_refuses_an_archive_that_nobody_vouches_for(mini: Path, tmp_path: Path) -> None:
    """It is found before any training, with the option that would open it."""
    cell = replace(ZERO_SHOT, backbone=_archive(mini, tmp_path / "w.pt"))
    (fault,) = json.loads((_do(tmp_path, "check", cell) / FAULTS_FILE).read_text())
    assert "--trust-weights" in fault["mend"]
    assert json.loads((_do(tmp_path, "check", cell, trust_weights=True) / FAULTS_FILE).read_text()) == []


def test_trust_is_recorded_where_it_was_needed(mini: Path, tmp_path: Path) -> None:
    """The record says that its weights were opened on the user's word; one that needed none says that too."""
    cell = replace(ZERO_SHOT, backbone=_archive(mini, tmp_path / "w.pt"))
    _do(tmp_path, "run", cell, ZERO_SHOT, trust_weights=True)
    found = {record.cell["backbone"]: record.provenance for record in _records(tmp_path).values()}
    trusted = {name: provenance.weights_trusted for name, provenance in found.items() if provenance is not None}
    assert trusted == {cell.backbone: True, "tiny": False}


def _probe(protocol: str, shots: int = 2) -> Cell:
    recipe = {"max_iter": 50, "search_rounds": 1}
    flat = {"dataset": "digits", "backbone": "tiny", "method": "linear_probe", "recipe": recipe, "seed": 1}
    return Cell.from_dict({**flat, "protocol": protocol, "shots": shots})


def test_protocols_have_their_own_draws(tmp_path: Path) -> None:
    """Cells of one job, shot count and seed learn from the images of their own protocol."""
    cells = [_probe("coop"), _probe("lpclip"), _coop(epochs=1, shots=2)]
    assert json.loads((_do(tmp_path, "check", *cells) / FAULTS_FILE).read_text()) == []
    _do(tmp_path, "run", *cells)
    records = _records(tmp_path)
    digests = [records[cell_id(cell)].provenance.subset_digest for cell in cells]  # type: ignore[union-attr]
    assert digests[0] == digests[2] != digests[1]
    split = digits_split()
    assert digests[1] == items_digest(few_shot_subset(split, 2, 1, "lpclip").train_items(split))


def test_random_streams_are_named_after_the_rule(tiny: Clip) -> None:
    """The names of CoOp's draw are as they always were; another rule is a further name."""
    room = materials.Materials(tiny, DATASETS["digits"], "all", None, lambda _: None)
    digest = digits_split().digest
    assert room.draw(1, 1, "coop").stream_names == (digest, 1, 1)
    assert room.draw(1, 1, "lpclip").stream_names == (digest, 1, 1, "lpclip")


def test_the_check_draws_by_the_cells_own_rule(tmp_path: Path) -> None:
    """A seed that only one rule takes is a fault of the cells of that rule."""
    seed = 2**32
    folder = _do(tmp_path, "check", replace(_probe("coop"), seed=seed), replace(_probe("lpclip"), seed=seed))
    (fault,) = json.loads((folder / FAULTS_FILE).read_text())
    assert fault["what"] == "the seed 4294967296 is above 4294967295, the most that lpclip takes."
