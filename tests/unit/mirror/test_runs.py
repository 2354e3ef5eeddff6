"""What a tracker is shown of a record."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.matrix.cell import Cell
from harness.mirror.runs import record_digest, tracked_run, without_paths
from harness.store.record import ContextFile, RunRecord
from harness.store.records import read_records, write_record

MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]


def test_a_trained_cell_is_shown_with_all_its_numbers(
    make_cell: MakeCell, make_record: MakeRecord, tmp_path: Path
) -> None:
    """Name, group, tags, config with provenance, a row an epoch, and the final numbers."""
    record = make_record(make_cell(), timings={"total_s": 2.5})
    run = tracked_run(record, "mine", tmp_path)
    assert (run.id, run.name, run.group) == (record.cell_id, "digits coop unified end 1-shot seed 1", "mine")
    assert (run.job_type, run.tags) == ("train", ("digits", "coop", "tiny", "coop"))
    assert run.history == [{"epoch": 1, "lr": 1e-5, "loss": 2.25, "train_accuracy": 0.5}]
    assert run.summary == {
        "status": "done", "accuracy": 0.75, "macro_f1": pytest.approx(11 / 15), "n_correct": 3, "n_test": 4,
        "seconds": 2.5,
    }  # fmt: skip
    assert run.config["recipe"] == record.cell["recipe"]
    assert run.config["provenance"]["precision"] == "fp32"
    assert run.ok


@pytest.mark.parametrize(
    ("axes", "job_type"),
    [
        ({"method": "zero_shot"}, "zero_shot"),
        ({"method": "linear_probe"}, "linear_probe"),
        ({"method": "coop"}, "train"),
        ({"method": "coop", "evaluate_on": "digits_noisy"}, "evaluate"),
        ({"method": "zero_shot", "evaluate_on": "digits_noisy"}, "evaluate"),
    ],
)
def test_job_types(
    axes: dict[str, object], job_type: str, make_cell: MakeCell, make_record: MakeRecord, tmp_path: Path
) -> None:
    """What is done with a cell is its job type: a training, a baseline, or an evaluation elsewhere."""
    history = {} if axes["method"] == "coop" else {"history": []}
    assert tracked_run(make_record(make_cell(**axes), **history), "m", tmp_path).job_type == job_type


def test_names_say_what_was_evaluated_on(make_cell: MakeCell, make_record: MakeRecord, tmp_path: Path) -> None:
    """Two evaluations of one training have two names."""
    coop = make_cell()
    cells = (coop, replace(coop, evaluate_on="digits_noisy"), replace(coop, classes="base", evaluate_on="new"))
    assert [tracked_run(make_record(cell), "m", tmp_path).name for cell in cells] == [
        "digits coop unified end 1-shot seed 1",
        "digits coop unified end 1-shot seed 1 on digits_noisy",
        "digits base coop unified end 1-shot seed 1 on new",
    ]


def test_a_tracker_gets_no_longer_tag_than_it_takes(
    make_cell: MakeCell, make_record: MakeRecord, tmp_path: Path
) -> None:
    """W&B refuses tags of over 64 characters; a long name keeps its end."""
    backbone = f"ViT-B-16:{'long-' * 20}name.pt"
    run = tracked_run(make_record(make_cell(method="zero_shot", backbone=backbone), history=[]), "m", tmp_path)
    assert run.tags[2] == backbone[-64:]
    assert run.config["backbone"] == backbone


def test_a_failed_cell_says_why_and_names_no_path(
    make_cell: MakeCell, make_record: MakeRecord, tmp_path: Path
) -> None:
    """The reason stays, where files lie does not; nothing is attached."""
    reason = "DataError: /home/somebody/data/dtd/images/a b.jpg: no such file"
    record = make_record(make_cell(), status="failed", reason=reason, history=[])
    write_record(tmp_path, record)
    run = tracked_run(record, "m", tmp_path)
    assert run.summary == {"status": "failed", "reason": "DataError: …/a b.jpg: no such file"}
    assert (run.ok, dict(run.files)) == (False, {})


def test_record_and_context_are_attached_where_they_are_there(
    make_cell: MakeCell, make_record: MakeRecord, tmp_path: Path
) -> None:
    """A done cell brings its record and what it learned; a context that was taken away is left out."""
    cell = make_cell()
    name = f"{make_record(cell).cell_id}.safetensors"
    record = make_record(cell, context=ContextFile(file=name, sha256="0" * 64, shape=(4, 8)))
    write_record(tmp_path, record, context=b"learned")
    run = tracked_run(record, "m", tmp_path)
    assert {kind: path.name for kind, path in run.files.items()} == {
        "record": f"{record.cell_id}.json",
        "context": name,
    }
    (tmp_path / "records" / name).unlink()
    assert list(tracked_run(record, "m", tmp_path).files) == ["record"]


def test_a_record_that_names_a_path_is_not_attached(
    make_cell: MakeCell, make_record: MakeRecord, tmp_path: Path
) -> None:
    """Its numbers are shown, its file stays here."""
    record = make_record(make_cell(), details={"notes": "read from /mnt/secret/place/file.txt"})
    write_record(tmp_path, record)
    assert dict(tracked_run(record, "m", tmp_path).files) == {}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/home/a/b.json: is broken", "…/b.json: is broken"),
        ("see ~/x/y and C:\\data\\z.png.", "see …/y and …/z.png."),
        ("read /a/b, /c/d; (/e/f)", "read …/b, …/d; (…/f)"),
        ("a photo of a {}/{}.", "a photo of a {}/{}."),
        ("and/or 3/4 /tmp https://a.b/c/d", "and/or 3/4 /tmp https://a.b/c/d"),
        ("ViT-B-32:laion2b_s34b_b79k", "ViT-B-32:laion2b_s34b_b79k"),
    ],
)
def test_paths_are_cut_to_their_last_step(text: str, kept: str) -> None:
    """Absolute paths lose all but their last step, wherever they stand; other slashes are left alone."""
    assert without_paths(text) == kept
    assert without_paths({"a": [text, 1], "b": None}) == {"a": [kept, 1], "b": None}


def test_the_digest_is_of_what_the_record_says(
    make_cell: MakeCell, make_record: MakeRecord, tmp_path: Path
) -> None:
    """Another number is another digest; another spelling of the file is not."""
    record = make_record(make_cell())
    write_record(tmp_path, record)
    path = tmp_path / "records" / f"{record.cell_id}.json"
    content = json.loads(path.read_text())
    del content["sha256"]  # of the spelling
    path.write_text(json.dumps(content, sort_keys=True))
    assert record_digest(read_records(tmp_path).records[record.cell_id]) == record_digest(record)
    assert record_digest(make_record(make_cell(), timings={"fit": 2.0})) != record_digest(record)
