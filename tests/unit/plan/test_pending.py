"""Where cells stand: done, failed, or pending and why."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.backbone import weights
from harness.data.catalog import DATASETS, Catalog
from harness.data.dataset import Size, keep_split, known_size, read_split
from harness.data.folder import SPLIT_FILE
from harness.data.own import catalog_with
from harness.files import digest_bytes, digest_file, write_bytes
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.source import DatasetSource
from harness.plan.pending import Standing, standings
from harness.plan.today import Today, look_at_today
from harness.store.prompts import prompt_path
from harness.store.record import RunRecord
from harness.store.records import read_records, write_record

MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]


@pytest.fixture
def stand(tmp_path: Path) -> Callable[[Cell], Standing]:
    """How one cell stands in ``tmp_path`` today."""

    def look(cell: Cell) -> Standing:
        scan = read_records(tmp_path, [cell_id(cell)])
        return standings([cell], scan, tmp_path, look_at_today([cell], DATASETS, None))[0]

    return look


def test_cell_without_record_is_pending(make_cell: MakeCell, stand: Callable[[Cell], Standing]) -> None:
    """What was never run is pending, and there is nothing to say about it."""
    cell = make_cell()
    assert stand(cell) == Standing(cell, cell_id(cell), "pending")


@pytest.mark.parametrize(("status", "why"), [("done", ""), ("failed", "out of memory")])
def test_record_of_today_counts(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord, stand: Callable[[Cell], Standing],
    status: str, why: str,
) -> None:  # fmt: skip
    """A record made from today's split and weights says how the cell stands."""
    cell = make_cell()
    record = make_record(cell, status=status)
    write_record(tmp_path, record)
    assert stand(cell) == Standing(cell, cell_id(cell), status, why, record)


@pytest.mark.parametrize("status", ["done", "failed"])
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"split_digest": "0" * 64}, "stale: other split (00000000, today 2ec5fa99)"),
        ({"weights_digest": "0" * 64}, "stale: other weights (00000000, today {weights})"),
        (
            {"split_digest": "0" * 64, "weights_digest": "0" * 64},
            "stale: other split (00000000, today 2ec5fa99), other weights (00000000, today {weights})",
        ),
    ],
)
def test_record_of_other_split_or_weights_is_stale(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord, stand: Callable[[Cell], Standing],
    changed: dict[str, str], why: str, status: str,
) -> None:  # fmt: skip
    """A record made from something else is pending again, and says what changed."""
    cell = make_cell()
    record = make_record(cell, status=status, provenance=changed)
    write_record(tmp_path, record)
    weights = look_at_today([cell], DATASETS, None).weights["tiny"][:8]
    assert stand(cell) == Standing(cell, cell_id(cell), "pending", why.format(weights=weights), record)


def test_failure_before_anything_was_read_counts(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord, stand: Callable[[Cell], Standing]
) -> None:
    """A failed record without provenance is failed, not stale."""
    cell = make_cell()
    content = make_record(cell, status="failed").model_dump() | {"provenance": None}
    write_record(tmp_path, RunRecord.model_validate(content))
    assert stand(cell).state == "failed"


def test_record_of_another_schema_is_stale(
    make_cell: MakeCell, put_record: Callable[[str, Any], Path], stand: Callable[[Cell], Standing]
) -> None:
    """A record of another version of the harness is pending again."""
    cell = make_cell()
    put_record(cell_id(cell), {"schema_version": 7})
    assert stand(cell) == Standing(cell, cell_id(cell), "pending", "stale: schema 7, today's is 1")


def test_broken_record_is_pending(
    make_cell: MakeCell, put_record: Callable[[str, Any], Path], stand: Callable[[Cell], Standing]
) -> None:
    """A truncated record is run again."""
    cell = make_cell()
    put_record(cell_id(cell), '{"schema_version"')
    assert stand(cell) == Standing(cell, cell_id(cell), "pending", "its record is not whole")


def test_unknown_digests_make_nothing_stale(tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord) -> None:
    """Where neither split nor weights are known today a record counts."""
    cell = make_cell()
    write_record(tmp_path, make_record(cell, provenance={"split_digest": "0" * 64}))
    today = Today(splits={}, weights={}, missing=())
    assert standings([cell], read_records(tmp_path), tmp_path, today)[0].state == "done"


def test_standings_keep_the_order_of_the_cells(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """Every cell stands once, where it stood."""
    cells = [make_cell(seed=seed) for seed in (3, 1, 2)]
    write_record(tmp_path, make_record(cells[1]))
    found = standings(cells, read_records(tmp_path), tmp_path, look_at_today(cells, DATASETS, None))
    assert [(each.cell, each.state) for each in found] == list(
        zip(cells, ("pending", "done", "pending"), strict=True)
    )


def test_known_identifiers_are_taken_for_the_cells(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """Whoever has them already need not have them reckoned again, and none may be left over."""
    cells = [make_cell(seed=seed) for seed in (1, 2)]
    write_record(tmp_path, make_record(cells[0]))
    scan, today = read_records(tmp_path), Today(splits={}, weights={}, missing=())
    found = standings(cells, scan, tmp_path, today, [cell_id(cells[0]), "other"])
    assert [(each.id, each.state) for each in found] == [(cell_id(cells[0]), "done"), ("other", "pending")]
    with pytest.raises(ValueError, match="zip"):
        standings(cells, scan, tmp_path, today, ["other"])


def test_what_is_known_of_data_does_not_end_at_what_is_not(make_cell: MakeCell) -> None:
    """Sizes and splits of known data sets are there without their files, whatever stands before them."""
    today = look_at_today([make_cell(dataset=name) for name in ("gone", "dtd", "digits")], DATASETS, None)
    assert today.splits == {name: DATASETS[name].split_digest for name in ("dtd", "digits")}
    assert today.sizes == {"dtd": known_size(DATASETS["dtd"]), "digits": known_size(DATASETS["digits"])}


def test_bundled_data_and_weights_are_never_missing(make_cell: MakeCell) -> None:
    """Digits and the tiny backbone come with packages."""
    today = look_at_today([make_cell()], DATASETS, None)
    assert today.missing == ()
    assert today.splits["digits"] == DATASETS["digits"].split_digest
    assert len(today.weights["tiny"]) == 64


def test_what_is_missing_is_named_once(
    make_cell: MakeCell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data and weights that are not on disk are said with their place, once for all cells."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "CLIP_CACHE", str(tmp_path / "clip"))
    cells = [make_cell(dataset="dtd", backbone="RN50:openai", seed=seed) for seed in (1, 2)]
    today = look_at_today(cells, DATASETS, tmp_path)
    assert [str(fault) for fault in today.missing] == [
        f"data set dtd: missing {tmp_path}/dtd/split_zhou_DescribableTextures.json, {tmp_path}/dtd/images. "
        "`harness data fetch` gets it.",
        f"backbone RN50:openai: its weights are not on disk; looked for {tmp_path}/hub and "
        f"{tmp_path}/clip/RN50.pt. Fetch them with `harness backbones fetch RN50:openai` or "
        "`hf download timm/resnet50_clip.openai open_clip_model.safetensors`.",
    ]
    assert today.weights == {}


def test_names_of_another_version_are_missing(make_cell: MakeCell) -> None:
    """A data set and a backbone that only an old list of cells names are said, not raised."""
    today = look_at_today([make_cell(dataset="gone", backbone="lost")], DATASETS, None)
    assert [str(fault) for fault in today.missing] == [
        "data set gone: not known to this version.",
        "backbone lost: unknown architecture 'lost'. `harness backbones --all` lists them.",
    ]


def test_changed_local_weights_make_records_stale(
    mini: Path, tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """A cell names a local file, and its record the digest: another file under the name is said."""
    file = tmp_path / "w.pt"
    file.write_bytes(b"first")
    cell = make_cell(backbone=f"ViT-mini:{file}")
    then = look_at_today([cell], DATASETS, None).weights[cell.backbone]
    write_record(tmp_path, make_record(cell, provenance={"weights_digest": then}))

    def stands() -> tuple[str, str]:
        (found,) = standings([cell], read_records(tmp_path), tmp_path, look_at_today([cell], DATASETS, None))
        return found.state, found.why

    assert stands() == ("done", "")
    file.write_bytes(b"second")
    now = look_at_today([cell], DATASETS, None).weights[cell.backbone]
    assert stands() == ("pending", f"stale: other weights ({then[:8]}, today {now[:8]})")
    file.unlink()
    assert stands() == ("done", "")  # what is not known of today says nothing about the record
    assert [str(fault) for fault in look_at_today([cell], DATASETS, None).missing] == [
        f"backbone {cell.backbone}: its weights are missing: {file}. "
        "A file of a matrix is looked for from the YAML's folder."
    ]


# --- data sets that a matrix brings along ------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two classes of four images, without contents."""
    for name in ("a/1.jpg", "a/2.jpg", "a/3.jpg", "a/4.jpg", "b/1.jpg", "b/2.jpg", "b/3.jpg", "b/4.jpg"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).write_bytes(b"")
    return tmp_path / "images"


def _own(**words: str) -> Catalog:
    return catalog_with([DatasetSource(name="mine", **words)])


def _why(cell: Cell, results: Path, today: Today) -> tuple[str, str]:
    (standing,) = standings([cell], read_records(results, [cell_id(cell)]), results, today)
    return standing.state, standing.why


def test_size_and_split_of_an_own_folder_are_read(folder: Path, make_cell: MakeCell) -> None:
    """No catalog knows them, so the data itself is asked; a forecast can then be made."""
    catalog = _own(folder=str(folder))
    today = look_at_today([make_cell(dataset="mine")], catalog, None)
    assert (today.missing, today.sizes["mine"]) == ((), Size(2, 4, 2))
    assert today.splits["mine"] == read_split(catalog["mine"], None).digest


def test_other_split_of_an_own_folder_is_stale(
    folder: Path, tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """Images that come later are no part of a kept split; another kept split makes what was learned stale."""
    cell, catalog = make_cell(dataset="mine"), _own(folder=str(folder))
    keep_split(catalog["mine"], None)
    digest = read_split(catalog["mine"], None).digest
    write_record(tmp_path, make_record(cell, provenance={"split_digest": digest}))
    (folder / "a" / "5.jpg").write_bytes(b"")
    assert _why(cell, tmp_path, look_at_today([cell], catalog, None)) == ("done", "")
    (folder / SPLIT_FILE).unlink()
    now = read_split(catalog["mine"], None).digest
    assert _why(cell, tmp_path, look_at_today([cell], catalog, None)) == (
        "pending",
        f"stale: other split ({digest[:8]}, today {now[:8]})",
    )


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ({"folder": "none"}, "data set mine: missing {}/none."),
        ({"folder": "images", "split": "none.json"}, "data set mine: missing {}/none.json."),
        ({"folder": "images", "class_names": "none.txt"}, "data set mine: missing {}/none.txt."),
        (
            {"like": "eurosat", "data": "none"},
            "data set mine: missing {0}/none/eurosat/split_zhou_EuroSAT.json, {0}/none/eurosat/2750.",
        ),
    ],
)
def test_missing_own_data_is_said_and_makes_nothing_stale(
    folder: Path, tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord, words: dict[str, str], missing: str
) -> None:
    """Where the data has gone its records still count: they can be reported anywhere."""
    cell = make_cell(dataset="mine")
    write_record(tmp_path, make_record(cell, provenance={"split_digest": "0" * 64}))
    absolute = {key: value if key == "like" else str(tmp_path / value) for key, value in words.items()}
    today = look_at_today([cell], _own(**absolute), None)
    assert [str(fault) for fault in today.missing] == [missing.format(tmp_path)]
    assert _why(cell, tmp_path, today) == ("done", "")


def test_unreadable_own_data_is_said(folder: Path, make_cell: MakeCell) -> None:
    """All faults of all own data sets together, and none is raised."""
    (folder / "a" / "1.jpg").unlink()
    (folder / "split.json").write_text("{")
    sources = [
        DatasetSource(name="small", folder=str(folder)),
        DatasetSource(name="broken", folder=str(folder), split=str(folder / "split.json")),
    ]
    cells = [make_cell(dataset=source.name) for source in sources]
    today = look_at_today(cells, catalog_with(sources), None)
    small, broken = map(str, today.missing)
    assert small.startswith(f"{folder}: 1 classes hold fewer than 4 images: a (3).")
    assert broken.startswith(f"{folder / 'split.json'}: is not a split of CoOp's form: ")


@pytest.fixture
def lists(tmp_path: Path) -> Catalog:
    """Digits with lists of training images, of which that of one shot and seed 1 is there."""
    (tmp_path / "1-1.txt").write_text("digit_0000\n")
    return _own(like="digits", subset_file=str(tmp_path / "{shots}-{seed}.txt"))


def test_changed_list_is_stale(
    lists: Catalog, tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """A record counts while its list is the same to the byte."""
    cell = make_cell(dataset="mine")
    digest = digest_file(tmp_path / "1-1.txt")
    write_record(tmp_path, make_record(cell, provenance={"list_digest": digest}))
    today = look_at_today([cell], lists, None)
    assert (today.missing, _why(cell, tmp_path, today)) == ((), ("done", ""))
    (tmp_path / "1-1.txt").write_text("digit_0001\n")
    now = digest_file(tmp_path / "1-1.txt")
    assert _why(cell, tmp_path, look_at_today([cell], lists, None)) == (
        "pending",
        f"stale: other list of images ({digest[:8]}, today {now[:8]})",
    )


def test_list_that_is_no_longer_asked_for_is_stale(
    tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """Images of a list are not those of the draw, and the other way round."""
    cell = make_cell()
    write_record(tmp_path, make_record(cell, provenance={"list_digest": "a" * 64}))
    assert _why(cell, tmp_path, look_at_today([cell], DATASETS, None)) == (
        "pending",
        "stale: other list of images (aaaaaaaa, today none)",
    )


def test_list_in_place_of_a_draw_is_stale(
    lists: Catalog, tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """What was drawn does not stand for what is listed."""
    cell = make_cell(dataset="mine")
    write_record(tmp_path, make_record(cell))
    now = digest_file(tmp_path / "1-1.txt")[:8]
    assert _why(cell, tmp_path, look_at_today([cell], lists, None))[1] == (
        f"stale: other list of images (none, today {now})"
    )


def test_list_that_cannot_be_read_is_said_and_makes_nothing_stale(
    lists: Catalog, tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord
) -> None:
    """Records made from a list can be reported where the list is not; a missing list is named once a draw."""
    cells = [make_cell(dataset="mine", seed=2, context=context) for context in ("unified", "class_specific")]
    write_record(tmp_path, make_record(cells[0], provenance={"list_digest": "a" * 64}))
    today = look_at_today(cells, lists, None)
    assert [str(fault) for fault in today.missing] == [
        f"{tmp_path / '1-2.txt'}: the list of training images cannot be read: No such file or directory."
    ]
    assert _why(cells[0], tmp_path, today) == ("done", "")


def test_method_that_draws_nothing_needs_no_list(lists: Catalog, make_cell: MakeCell) -> None:
    """Zero-shot is asked for no list."""
    cell = make_cell(dataset="mine", method="zero_shot")
    assert look_at_today([cell], lists, None).missing == ()


def _prompt_cell() -> Cell:
    return Cell(
        dataset="digits", backbone="tiny", method="prompt", protocol="coop", recipe=(),
        class_token_position="end", extras=(("ctx_init", None), ("prompt", "mine")),
    )  # fmt: skip


def test_another_file_under_a_prompts_name_makes_the_record_stale(tmp_path: Path, make_record: MakeRecord) -> None:
    """The record counts while the file is the one it was made with, and while none is there."""
    cell, path = _prompt_cell(), prompt_path(tmp_path, "mine")
    write_bytes(path, b"one")
    write_record(tmp_path, make_record(cell, provenance={"prompt_digest": digest_bytes(b"one")}))

    def stand() -> Standing:
        scan = read_records(tmp_path, [cell_id(cell)])
        return standings([cell], scan, tmp_path, look_at_today([cell], DATASETS, None, results=tmp_path))[0]

    assert (stand().state, stand().why) == ("done", "")
    write_bytes(path, b"two")
    digests = digest_bytes(b"one")[:8], digest_bytes(b"two")[:8]
    assert stand().why == "stale: other prompt ({}, today {})".format(*digests)
    path.unlink()
    assert stand().state == "done"


def test_a_prompt_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """Its name, those that are there, and how to import it."""
    write_bytes(prompt_path(tmp_path, "other"), b"one")
    cells = [replace(_prompt_cell(), extras=()), _prompt_cell()]
    (fault,) = look_at_today(cells, DATASETS, None, results=tmp_path).missing
    assert str(fault) == (
        f"prompt mine: is not in {tmp_path / 'prompts'} (there: other). "
        f"`harness prompts import FILE --name mine --results {tmp_path}` makes it."
    )
