"""The data sets that are known by name."""

import json
from pathlib import Path

import pytest

from harness.data.catalog import DATASETS, DatasetRow
from harness.data.dataset import (
    data_root,
    image_base,
    image_files_digest,
    read_images,
    read_split,
    whats_missing,
)
from harness.data.layout import SplitFile
from harness.errors import DataError

PAPER = [
    "imagenet", "caltech101", "oxford_pets", "stanford_cars", "oxford_flowers", "food101", "fgvc_aircraft",
    "sun397", "dtd", "eurosat", "ucf101",
]  # fmt: skip
DIGIT_SHIFTS = ["digits_inverted", "digits_blurred", "digits_rotated", "digits_noisy"]
SHIFTS = ["imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"]


def row_of(split_digest: str | None = None) -> DatasetRow:
    """A data set of CoOp's form with two images."""
    return DatasetRow("mine", SplitFile("mine", "split.json", "images"), "a {}.", 2, (1, 0, 1), 1, split_digest)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root with that data set."""
    (tmp_path / "mine" / "images").mkdir(parents=True)
    content = {"train": [["a.jpg", 0, "a"]], "val": [], "test": [["b.jpg", 1, "b"]]}
    (tmp_path / "mine" / "split.json").write_text(json.dumps(content))
    return tmp_path


def test_catalog_knows_the_papers_data_sets_and_digits() -> None:
    """Eleven data sets of the paper, in its order, after the bundled ones, then ImageNet's four shifts."""
    assert list(DATASETS) == ["digits", *DIGIT_SHIFTS, *PAPER, *SHIFTS]


@pytest.mark.parametrize("name", DATASETS)
def test_rows_are_whole(name: str) -> None:
    """Every template has one place for the class name, and every count is possible."""
    row = DATASETS[name]
    assert (row.name, row.template.count("{}")) == (name, 1)
    assert row.smallest_class * row.n_classes <= row.n_images[0]
    assert row.split_digest is None or len(row.split_digest) == 64


@pytest.mark.parametrize("name", PAPER)
def test_papers_data_sets_hold_sixteen_shots(name: str) -> None:
    """The paper's largest shot count can be drawn from all of its data sets."""
    assert DATASETS[name].smallest_class >= 16


def test_bundled_data_set_is_never_missing() -> None:
    """Digits need no folder."""
    assert whats_missing(DATASETS["digits"], None) is None


def test_missing_root_is_said_with_the_ways_to_give_one() -> None:
    """Without a data folder the three ways to name it are listed."""
    assert whats_missing(DATASETS["dtd"], None) == (
        "no data folder: give --data DIR, set HARNESS_DATA, or write `data: DIR` in the matrix"
    )


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("dtd", ["dtd/split_zhou_DescribableTextures.json", "dtd/images"]),
        ("stanford_cars", ["stanford_cars/split_zhou_StanfordCars.json", "stanford_cars"]),
        (
            "fgvc_aircraft",
            [
                "fgvc_aircraft/variants.txt",
                "fgvc_aircraft/images_variant_train.txt",
                "fgvc_aircraft/images_variant_val.txt",
                "fgvc_aircraft/images_variant_test.txt",
                "fgvc_aircraft/images",
            ],
        ),
        ("imagenet", ["imagenet/classnames.txt", "imagenet/images/train", "imagenet/images/val"]),
    ],
)
def test_missing_files_are_named(tmp_path: Path, name: str, places: list[str]) -> None:
    """Of every layout all files and folders that are not there are listed."""
    assert (
        whats_missing(DATASETS[name], tmp_path) == f"missing {', '.join(str(tmp_path / each) for each in places)}"
    )


def test_data_set_on_disk_is_not_missing(root: Path) -> None:
    """With split and image folder in their place nothing is missing."""
    assert whats_missing(row_of(), root) is None


def test_split_is_read_and_compared_with_the_published_one(root: Path) -> None:
    """The published digest is accepted, another one is refused."""
    split = read_split(row_of(), root)
    assert read_split(row_of(split.digest), root) == split
    with pytest.raises(DataError) as caught:
        read_split(row_of("0" * 64), root)
    assert str(caught.value).startswith(
        "mine: its split on disk is not the published one. Put the published file in its place; "
    )


def test_images_lie_below_the_image_base(root: Path) -> None:
    """Paths of a split are relative to the image folder."""
    assert image_base(row_of(), root) == root / "mine" / "images"
    with pytest.raises(DataError, match="the image is missing"):
        read_images(row_of(), root)("a.jpg")


def test_image_files_have_a_digest(root: Path) -> None:
    """The digest of image files is there where there are files."""
    (root / "mine" / "images" / "a.jpg").write_bytes(b"x")
    assert len(image_files_digest(row_of(), root, ["a.jpg"]) or "") == 64


def test_bundled_data_set_has_no_image_folder(tmp_path: Path) -> None:
    """Asking for one is a mistake that is said."""
    with pytest.raises(DataError, match="comes with scikit-learn and has no image folder"):
        image_base(DATASETS["digits"], tmp_path)


def test_reading_without_a_root_is_an_error() -> None:
    """A data set on disk cannot be read without a data folder."""
    with pytest.raises(DataError, match="dtd: no data folder"):
        read_split(DATASETS["dtd"], None)


@pytest.mark.parametrize(
    ("option", "variable", "matrix", "found"),
    [
        ("o", "v", "m", "o"),
        (None, "v", "m", "v"),
        (None, None, "m", "m"),
        (None, "", "m", "m"),
        (None, None, None, None),
    ],
)
def test_option_goes_before_variable_before_matrix(
    monkeypatch: pytest.MonkeyPatch,
    option: str | None,
    variable: str | None,
    matrix: str | None,
    found: str | None,
) -> None:
    """The data root is the option, else ``HARNESS_DATA``, else what the matrix says."""
    if variable is not None:
        monkeypatch.setenv("HARNESS_DATA", variable)
    root = data_root(None if option is None else Path(option), matrix)
    assert root == (None if found is None else Path(found))
