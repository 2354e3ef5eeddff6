"""The catalog with the data sets that a matrix brings along."""

import json
from pathlib import Path

import pytest

from harness.data.catalog import DATASETS
from harness.data.dataset import image_base, known_size, read_split, whats_missing
from harness.data.folder import AnyFolder
from harness.data.layout import SplitFile
from harness.data.own import catalog_with
from harness.errors import DataError
from harness.matrix.source import DEFAULT_TEMPLATE, DatasetSource

LIKEABLE = [name for name, row in DATASETS.items() if row.layout.folder is not None]


def test_known_data_sets_stay(tmp_path: Path) -> None:
    """What a matrix brings is added; nothing that is known changes."""
    catalog = catalog_with([DatasetSource(name="mine", folder=str(tmp_path))])
    assert list(catalog) == [*DATASETS, "mine"]
    assert {name: catalog[name] for name in DATASETS} == DATASETS
    assert dict(catalog_with(())) == DATASETS


def test_folder_is_drawn_from(tmp_path: Path) -> None:
    """A plain folder has no counts, a plain template, and crops and flips like a photograph."""
    row = catalog_with([DatasetSource(name="mine", folder=str(tmp_path), class_names=str(tmp_path / "n"))])["mine"]
    assert row.layout == AnyFolder(str(tmp_path), str(tmp_path / "n"))
    assert (row.template, row.trains, known_size(row), row.split_digest) == (DEFAULT_TEMPLATE, True, None, None)
    assert row.augmentation == DATASETS["dtd"].augmentation


def test_folder_with_a_split_file_is_read_by_it(tmp_path: Path) -> None:
    """Paths of the split are relative to the folder, wherever the file lies."""
    (tmp_path / "images").mkdir()
    content = {"train": [["a/1.jpg", 0, "a"]], "val": [], "test": [["a/2.jpg", 0, "a"]]}
    split = tmp_path / "lists" / "s.json"
    split.parent.mkdir()
    split.write_text(json.dumps(content))
    source = DatasetSource(name="mine", folder=str(tmp_path / "images"), split=str(split), template="my {}")
    row = catalog_with([source])["mine"]
    assert row.layout == SplitFile(str(tmp_path / "images"), str(split))
    assert (row.template, whats_missing(row, None), image_base(row, None)) == ("my {}", None, tmp_path / "images")
    assert read_split(row, None).train[0].path == "a/1.jpg"


def test_missing_split_file_is_missing(tmp_path: Path) -> None:
    """An own split is named like any other thing that a data set needs."""
    source = DatasetSource(name="mine", folder=str(tmp_path), split=str(tmp_path / "s.json"))
    assert whats_missing(catalog_with([source])["mine"], None) == f"missing {tmp_path / 's.json'}"


@pytest.mark.parametrize("name", LIKEABLE)
def test_own_data_in_a_known_layout(name: str, tmp_path: Path) -> None:
    """Every layout moves below another root; template and augmentation are the known ones, digests are not."""
    known = DATASETS[name]
    row = catalog_with([DatasetSource(name="mine", like=name, data=str(tmp_path))])["mine"]
    assert (row.name, row.template, row.augmentation) == ("mine", known.template, known.augmentation)
    assert (row.split_digest, row.class_names_digest, row.trains) == (None, None, known.trains)
    assert row.layout.needs(Path()) == known.layout.needs(tmp_path)
    assert row.layout.needs(Path("ignored")) == known.layout.needs(tmp_path)
    assert whats_missing(row, None) == whats_missing(known, tmp_path)


def test_own_list_for_a_known_data_set() -> None:
    """With a list alone everything else is the known data set's, the published split included."""
    row = catalog_with([DatasetSource(name="mine", like="dtd", subset_file="/l/{shots}.txt", template="my {}")])[
        "mine"
    ]
    known = DATASETS["dtd"]
    assert (row.layout, row.split_digest, row.n_images) == (known.layout, known.split_digest, known.n_images)
    assert (row.name, row.template, row.subset_file) == ("mine", "my {}", "/l/{shots}.txt")
    assert whats_missing(row, None) == whats_missing(known, None)


def test_bundled_data_lies_in_no_folder(tmp_path: Path) -> None:
    """``data`` beside ``like: digits`` would be ignored, so it is refused."""
    with pytest.raises(DataError) as caught:
        catalog_with([DatasetSource(name="mine", like="digits", data=str(tmp_path))])
    assert str(caught.value) == (
        "mine: `data` cannot go with `like: digits`, which comes with a package. "
        "Write `folder: DIR` for a folder of images."
    )


def test_likeness_of_another_version_is_left_out(tmp_path: Path) -> None:
    """An old list of cells may name what this version does not know; that hides nothing else."""
    sources = [DatasetSource(name="old", like="gone", data=str(tmp_path)), DatasetSource(name="new", folder="/x")]
    assert [name for name in catalog_with(sources) if name not in DATASETS] == ["new"]
