"""The catalog with the data sets that a matrix brings along."""

import json
from pathlib import Path

import pytest

from harness.data.catalog import DATASETS
from harness.data.dataset import image_base, known_size, read_images, read_split, whats_missing
from harness.data.folder import AnyFolder
from harness.data.layout import SplitFile
from harness.data.own import catalog_with
from harness.errors import DataError, PluginError
from harness.matrix.source import DEFAULT_TEMPLATE, DatasetSource
from harness.plugins.plugin import Plugin
from harness.plugins.reading import file_plugin

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


_PLUGIN = """
from dataclasses import dataclass
from PIL import Image
from harness.data.catalog import DatasetRow
from harness.data.split import Item, Split

@dataclass(frozen=True)
class Greys:
    folder: None = None

    def needs(self, root):
        return []

    def read_split(self, root):
        items = tuple(Item(f"{grey}", grey % 2, ("even", "odd")[grey % 2]) for grey in range(8))
        return Split(items, (), items)

    def read_image(self, path):
        return Image.new("RGB", (8, 8), (int(path),) * 3)

DATASETS = {"greys": DatasetRow("greys", Greys(), "a grey {}.")}
"""


def _plugin(tmp_path: Path, text: str) -> Plugin:
    path = tmp_path / "my_data.py"
    path.write_text(text)
    return file_plugin(path)


def test_a_plugins_data_set_is_read_like_any_other(tmp_path: Path) -> None:
    """Its split and its images; a matrix may describe another one that is like it, with its own list of images."""
    like = DatasetSource(name="mine", like="greys", subset_file="list_{shots}.txt")
    catalog = catalog_with([like], [_plugin(tmp_path, _PLUGIN)])
    assert read_split(catalog["greys"], None).class_names == ("even", "odd")
    assert read_images(catalog["greys"], None)("7").getpixel((0, 0)) == (7, 7, 7)
    assert catalog["mine"].layout == catalog["greys"].layout


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('DatasetRow("greys"', 'DatasetRow("grays"', "its row has another name, 'grays'."),
        ("a grey {}.", "a grey.", "its template must hold {} once, where the class name goes, not 'a grey.'."),
        ("def read_image", "def read_file", "its layout lacks read_image."),
        ("folder: None = None", 'folder: str = "greys"', "its layout lacks image_base."),
        ("Greys()", "3", "its layout lacks needs, read_split, folder."),
    ],
)
def test_a_plugins_data_set_that_cannot_be_read_is_told(tmp_path: Path, old: str, new: str, fault: str) -> None:
    """Before anything is read of it, and all faults of a row in one look."""
    with pytest.raises(PluginError) as caught:
        catalog_with((), [_plugin(tmp_path, _PLUGIN.replace(old, new))])
    assert str(caught.value) == f"my_data.py: DATASETS['greys']: {fault}"
