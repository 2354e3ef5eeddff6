"""Jobs on data sets that a matrix brings along: halves of classes, lists of images, and their faults."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.backbone.clip import Clip
from harness.data.draw import draw_subset
from harness.data.folder import folder_split
from harness.data.own import catalog_with
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import COOP
from harness.matrix.source import DatasetSource
from harness.plan.job import FAULTS_FILE, JOB_FILE, Job, flat_cells, write_job
from harness.store.record import RunRecord
from harness.store.records import read_records
from harness.worker.__main__ import main
from harness.worker.materials import Materials

NAMES = ("ash", "elm", "fir", "oak", "yew")  # an odd number: three are base, two new
ZERO_SHOT = Cell(dataset="mine", backbone="tiny", method="zero_shot", template="a photo of a {}.")


@pytest.fixture
def folder(tmp_path: Path, paint: Callable[..., None]) -> Path:
    """Five classes of ten images: five to train, two to validate, three to test."""
    paint(*(tmp_path / "images" / name / f"{number}.png" for name in NAMES for number in range(10)))
    return tmp_path / "images"


def _coop(**axes: object) -> Cell:
    flat = {
        "dataset": "mine", "backbone": "tiny", "method": "coop", "protocol": "coop", "shots": 1, "seed": 1,
        "recipe": {**COOP.recipe("coop", "mine", 1), "epochs": 1}, "views": 0,
        "context": "unified", "n_ctx": 2, "class_token_position": "end",
    }  # fmt: skip
    return Cell.from_dict(flat | axes)


def _job(tmp_path: Path, kind: str, source: DatasetSource, *cells: Cell, **options: object) -> Path:
    job = Job(
        kind=kind, matrix="m", cells=flat_cells(cells), results=tmp_path, data=None, device="cpu",
        sources=(source,), **options,
    )  # fmt: skip
    folder = write_job(job, 1)
    assert main([str(folder / JOB_FILE)]) == 0
    return folder


def _faults(tmp_path: Path, source: DatasetSource, *cells: Cell, **options: object) -> list[str]:
    content = json.loads((_job(tmp_path, "check", source, *cells, **options) / FAULTS_FILE).read_text())
    return [f"{fault['where']}: {fault['what']}" for fault in content]


def _records(tmp_path: Path) -> dict[str, RunRecord]:
    return read_records(tmp_path).records


def _own(folder: Path, **words: str) -> DatasetSource:
    return DatasetSource(name="mine", folder=str(folder), **words)


# --- halves ------------------------------------------------------------------------------------------------


def test_halves_have_their_own_classes_and_test_images(folder: Path, tmp_path: Path) -> None:
    """Three base and two new classes of the sorted names, three test images each, counts by class."""
    halves = ("all", "base", "new")
    cells = [replace(cell, classes=half) for half in halves for cell in (ZERO_SHOT, _coop())]
    _job(tmp_path, "run", _own(folder), *cells)
    records = _records(tmp_path)
    found = {cell: records[cell_id(cell)] for cell in cells}
    assert {record.status for record in found.values()} == {"done"}
    names = {"all": NAMES, "base": NAMES[:3], "new": NAMES[3:]}
    for cell, record in found.items():
        assert tuple(row.name for row in record.per_class) == names[cell.classes]
        assert [row.n_test for row in record.per_class] == [3] * len(names[cell.classes])
        assert record.n_test == sum(row.n_predicted for row in record.per_class) == 3 * len(names[cell.classes])
    splits = {record.provenance.split_digest for record in found.values() if record.provenance}
    assert splits == {folder_split(folder).digest}


def test_half_of_a_draw_is_part_of_the_whole_draw(folder: Path, tiny: Clip) -> None:
    """The images are drawn before the classes are cut, and labels of the new half start at zero."""
    row = catalog_with([_own(folder)])["mine"]
    draws, labels = {}, {}
    for half in ("all", "base", "new"):
        materials = Materials(tiny, row, half, None, lambda _: None)
        draws[half] = materials.draw(2, 3, "coop")
        labels[half] = draws[half].features.labels.tolist()
        assert len(materials.class_names) == len(set(labels[half]))
        assert materials.test()[1].tolist() == [
            label for label in range(len(materials.class_names)) for _ in range(3)
        ]
    assert labels == {"all": [0, 0, 1, 1, 2, 2, 3, 3, 4, 4], "base": [0, 0, 1, 1, 2, 2], "new": [0, 0, 1, 1]}
    whole = draws["all"].features.centre()
    assert torch.equal(torch.cat([draws["base"].features.centre(), draws["new"].features.centre()]), whole)
    assert len({draw.digest for draw in draws.values()}) == 3
    assert len({draw.stream_names for draw in draws.values()}) == 1


def test_small_class_is_marked_in_its_half_only(tmp_path: Path, paint: Callable[..., None]) -> None:
    """The new half says nothing of a class that it does not have."""
    counts = {"a": 4, "b": 10}
    paint(*(tmp_path / "images" / name / f"{n}.png" for name, count in counts.items() for n in range(count)))
    cells = [_coop(classes=half, shots=3) for half in ("base", "new")]
    _job(tmp_path, "run", _own(tmp_path / "images"), *cells, fewer_shots=True)
    assert [_records(tmp_path)[cell_id(cell)].fewer_shots for cell in cells] == [("a",), ()]


# --- lists -------------------------------------------------------------------------------------------------


def test_listed_images_are_trained_on(folder: Path, tmp_path: Path, tiny: Clip) -> None:
    """The record names the list by its digest; other images are other streams."""
    train = folder_split(folder).train
    chosen = [next(item for item in train if item.class_name == name) for name in NAMES]
    (tmp_path / "list.txt").write_text("".join(f"{item.path}\n" for item in chosen))
    source = _own(folder, subset_file=str(tmp_path / "list.txt"))
    _job(tmp_path, "run", source, _coop())
    (record,) = _records(tmp_path).values()
    assert record.provenance is not None
    assert len(record.provenance.list_digest or "") == 64
    listed = Materials(tiny, catalog_with([source])["mine"], "all", None, lambda _: None).draw(1, 1, "coop")
    drawn = Materials(tiny, catalog_with([_own(folder)])["mine"], "all", None, lambda _: None).draw(1, 1, "coop")
    assert (listed.digest, listed.list_digest) == (
        record.provenance.subset_digest,
        record.provenance.list_digest,
    )
    assert drawn.list_digest is None
    assert listed.stream_names != drawn.stream_names


# --- faults ------------------------------------------------------------------------------------------------


def test_the_check_finds_nothing_wrong_with_a_good_folder(folder: Path, tmp_path: Path) -> None:
    """All methods and halves."""
    cells = [replace(cell, classes=half) for half in ("all", "base", "new") for cell in (ZERO_SHOT, _coop())]
    assert _faults(tmp_path, _own(folder), *cells) == []


def test_class_that_is_too_small_is_found(folder: Path, tmp_path: Path) -> None:
    """More shots than training images, unless fewer are allowed."""
    cell = _coop(shots=6)
    assert _faults(tmp_path, _own(folder), cell) == [
        "mine: 5 classes hold fewer than 6 training images: ash, elm, fir, oak, yew."
    ]
    assert _faults(tmp_path, _own(folder), cell, fewer_shots=True) == []


def test_missing_images_are_found(folder: Path, tmp_path: Path) -> None:
    """Images of the draw and of the test part are looked for; others need not be there."""
    split = folder_split(folder)
    content = {part: [list(item) for item in getattr(split, part)] for part in ("train", "val", "test")}
    (tmp_path / "split.json").write_text(json.dumps(content))
    source = _own(folder, split=str(tmp_path / "split.json"))
    gone = split.test[0]
    (folder / gone.path).unlink()
    (said,) = _faults(tmp_path, source, _coop(), ZERO_SHOT)
    assert said == f"mine: 1 of 25 images are missing below {folder}, {gone.path} first."


def test_one_class_has_no_new_half(tmp_path: Path, paint: Callable[..., None]) -> None:
    """Said before anything is trained."""
    paint(*(tmp_path / "images" / "only" / f"{number}.png" for number in range(4)))
    (said,) = _faults(tmp_path, _own(tmp_path / "images"), replace(ZERO_SHOT, classes="new"))
    assert said.endswith("mine: has no new classes: it has 1 in all.")


def test_faults_of_lists_are_found_once_a_list(folder: Path, tmp_path: Path) -> None:
    """A missing list and one that leaves classes out, each said once for all cells."""
    (tmp_path / "1.txt").write_text(f"{folder_split(folder).train[0].path}\n")
    source = _own(folder, subset_file=str(tmp_path / "{seed}.txt"))
    cells = [_coop(seed=seed, context=context) for seed in (1, 2) for context in ("unified", "class_specific")]
    assert _faults(tmp_path, source, *cells) == [
        f"{tmp_path / '1.txt'}: lists no training images of 4 classes: elm, fir, oak, yew.",
        f"{tmp_path / '2.txt'}: the list of training images cannot be read: No such file or directory.",
    ]


def test_image_that_cannot_be_decoded_fails_its_draw_only(folder: Path, tmp_path: Path, tiny: Clip) -> None:
    """Cells of other draws and zero-shot are done; the reason names the file."""
    row = catalog_with([_own(folder)])["mine"]
    split = folder_split(folder)
    cells = {seed: _coop(seed=seed) for seed in range(1, 6)}
    drawn = {seed: {item.path for item in draw_subset(split, row, 1, seed).train_items(split)} for seed in cells}
    bad = sorted(drawn[1] - drawn[2])[0]
    (folder / bad).write_bytes(b"no image")
    _job(tmp_path, "run", _own(folder), ZERO_SHOT, *cells.values())
    records = _records(tmp_path)
    assert records[cell_id(ZERO_SHOT)].status == "done"
    for seed, cell in cells.items():
        record = records[cell_id(cell)]
        assert record.status == ("failed" if bad in drawn[seed] else "done")
    assert str(records[cell_id(cells[1])].reason).startswith(f"{folder / bad}: the image cannot be decoded: ")
