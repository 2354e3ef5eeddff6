"""The data sets that are known by name: one row each.

Counts were taken from the published split files of CoOp (github.com/KaiyangZhou/CoOp, DATASETS.md) and from
FGVC-Aircraft's own lists; ImageNet's are the standard ones. ``split_digest`` is that of ``Split.digest``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data.augmentation import Augmentation, CropAndFlip, SmallAffine
from harness.data.digits import digit_image, digits_split
from harness.data.images import ReadImage, image_reader, images_digest
from harness.data.split import PARTS, Split, read_class_folders, read_split_json, read_text_lists
from harness.errors import DataError, Fault

PHOTOGRAPHS = CropAndFlip()


@dataclass(frozen=True, slots=True)
class SplitFile:
    """A folder with CoOp's split file and an image base, both relative to the data root."""

    file: str
    images: str


@dataclass(frozen=True, slots=True)
class TextLists:
    """A folder with FGVC-Aircraft's lists."""

    folder: str
    images: str


@dataclass(frozen=True, slots=True)
class ClassFolders:
    """A folder with ImageNet's layout; ``train`` and ``test`` hold a folder a class."""

    folder: str
    train: str
    test: str


@dataclass(frozen=True, slots=True)
class Bundled:
    """Comes with a Python package; always there."""

    package: str


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One data set.

    Attributes:
        name: as written in a matrix.
        layout: where its split and images are.
        template: CoOp's hand-crafted prompt.
        n_classes: number of classes.
        n_images: training, validation and test images.
        smallest_class: training images of the smallest class.
        split_digest: of the published split; ``None`` where there is none.
        augmentation: how training images are varied.
    """

    name: str
    layout: SplitFile | TextLists | ClassFolders | Bundled
    template: str
    n_classes: int
    n_images: tuple[int, int, int]
    smallest_class: int
    split_digest: str | None
    augmentation: Augmentation = PHOTOGRAPHS


def _zhou(folder: str, split: str, images: str) -> SplitFile:
    return SplitFile(f"{folder}/split_zhou_{split}.json", f"{folder}/{images}".rstrip("/"))


_ROWS = (
    DatasetRow(
        "digits", Bundled("scikit-learn"), "a photo of the digit {}.", 10, (898, 359, 540), 87,
        "2ec5fa99c2471ec000c0803a3a3b075652fc4a88c5373f222d07a2a9a2ba63e3",
        SmallAffine(degrees=10, translate=0.08, scale=(0.9, 1.1)),
    ),
    DatasetRow(
        "imagenet", ClassFolders("imagenet", "images/train", "images/val"), "a photo of a {}.",
        1000, (1_281_167, 0, 50_000), 732, None,
    ),
    DatasetRow(
        "caltech101", _zhou("caltech-101", "Caltech101", "101_ObjectCategories"), "a photo of a {}.",
        100, (4128, 1649, 2465), 16, "fcc639152982d05141e9e649668f8a55ca03a242bcf50a42486da2953ad0dfdd",
    ),
    DatasetRow(
        "oxford_pets", _zhou("oxford_pets", "OxfordPets", "images"), "a photo of a {}, a type of pet.",
        37, (2944, 736, 3669), 74, "ff3a92de79dd733d1b3afefcc1bc58d05aa17fcbd043789cf5f2d491c333ff9e",
    ),
    DatasetRow(
        "stanford_cars", _zhou("stanford_cars", "StanfordCars", ""), "a photo of a {}.",
        196, (6509, 1635, 8041), 19, "19842b93a430b58d2bee6c0780d76b321d3883b76c72c67fee217053952d2511",
    ),
    DatasetRow(
        "oxford_flowers", _zhou("oxford_flowers", "OxfordFlowers", "jpg"),
        "a photo of a {}, a type of flower.",
        102, (4093, 1633, 2463), 20, "7708ceed2e2285da31d993eb3edab598ac41a38cc862cfd14c9f4d9393b72943",
    ),
    DatasetRow(
        "food101", _zhou("food-101", "Food101", "images"), "a photo of {}, a type of food.",
        101, (50_500, 20_200, 30_300), 500, "7d94a98f28ffc00645d728934e69ad1ce31f72bb71826b60325cdb968c34c536",
    ),
    DatasetRow(
        "fgvc_aircraft", TextLists("fgvc_aircraft", "fgvc_aircraft/images"),
        "a photo of a {}, a type of aircraft.",
        100, (3334, 3333, 3333), 33, "05f24a4730e769a509c3ad00ca5628e04b5dfbf711f22a718d7d00437c6f16fe",
    ),
    DatasetRow(
        "sun397", _zhou("sun397", "SUN397", "SUN397"), "a photo of a {}.",
        397, (15_880, 3970, 19_850), 40, "7476cd2ecd858202b529ab3168758cbd9a5ccaf74b4e6a4868f56fb99fac0155",
    ),
    DatasetRow(
        "dtd", _zhou("dtd", "DescribableTextures", "images"), "{} texture.",
        47, (2820, 1128, 1692), 60, "bf63546106e03e3db98d76c44d67cc0917c1f09b7418e766cc02043a27ae028e",
    ),
    DatasetRow(
        "eurosat", _zhou("eurosat", "EuroSAT", "2750"), "a centered satellite photo of {}.",
        10, (13_500, 5400, 8100), 1000, "9252409af169c065405d8e4fa413d5d30d5d004bc8cea488f4ad20bd24376a2a",
    ),
    DatasetRow(
        "ucf101", _zhou("ucf101", "UCF101", "UCF-101-midframes"), "a photo of a person doing {}.",
        101, (7639, 1898, 3783), 58, "189724adff7501e76088ad170c4e2bce6e2c95086a05062aa661f16693274d0a",
    ),
)  # fmt: skip

DATASETS: Mapping[str, DatasetRow] = {row.name: row for row in _ROWS}


def whats_missing(row: DatasetRow, root: Path | None) -> str | None:
    """What a data set lacks on disk, in a few words; ``None`` when its split and image folder are there."""
    if isinstance(row.layout, Bundled):
        return None
    if root is None:
        return "no data folder: give --data DIR, set HARNESS_DATA, or write `data: DIR` in the matrix"
    absent = [str(place) for place in _places(row, root) if not place.exists()]
    return f"missing {', '.join(absent)}" if absent else None


def read_split(row: DatasetRow, root: Path | None) -> Split:
    """The split of a data set.

    Raises:
        DataError: it is not on disk, is not of its form, or differs from the published one.
    """
    layout = row.layout
    if isinstance(layout, Bundled):
        split = digits_split()
    else:
        folder = require_root(row, root)
        if isinstance(layout, SplitFile):
            split = read_split_json(folder / layout.file)
        elif isinstance(layout, TextLists):
            lists = {part: f"images_variant_{part}.txt" for part in PARTS}
            split = read_text_lists(folder / layout.folder, "variants.txt", lists)
        else:
            split = read_class_folders(folder / layout.folder, "classnames.txt", layout.train, layout.test)
    if row.split_digest not in (None, split.digest):
        mend = "Put the published file in its place."
        raise DataError(Fault(row.name, "its split on disk is not the published one.", mend))
    return split


def read_images(row: DatasetRow, root: Path | None) -> ReadImage:
    """A function from an item's path to its RGB image."""
    return digit_image if isinstance(row.layout, Bundled) else image_reader(image_base(row, root))


def image_files_digest(row: DatasetRow, root: Path | None, paths: list[str]) -> str | None:
    """What ``images_digest`` says of the files of these items; ``None`` for data that comes with a package."""
    return None if isinstance(row.layout, Bundled) else images_digest(image_base(row, root), paths)


def image_base(row: DatasetRow, root: Path | None) -> Path:
    """The folder that the paths of a split are relative to."""
    folder = require_root(row, root)
    layout = row.layout
    if isinstance(layout, Bundled):
        raise DataError(Fault(row.name, f"comes with {layout.package} and has no image folder."))
    return folder / (layout.folder if isinstance(layout, ClassFolders) else layout.images)


def require_root(row: DatasetRow, root: Path | None) -> Path:
    """The data root.

    Raises:
        DataError: none was given.
    """
    if root is None:
        raise DataError(Fault(row.name, f"{whats_missing(row, None)}."))
    return root


def data_root(option: Path | None, matrix: str | None) -> Path | None:
    """The folder of the data sets: the option, else ``HARNESS_DATA``, else the matrix's ``data:`` key."""
    if option is not None:
        return option
    found = os.environ.get("HARNESS_DATA") or matrix
    return Path(found) if found else None


def _places(row: DatasetRow, root: Path) -> list[Path]:
    """The files and folders that have to be there."""
    layout = row.layout
    if isinstance(layout, SplitFile):
        return [root / layout.file, root / layout.images]
    if isinstance(layout, TextLists):
        names = ["variants.txt", *(f"images_variant_{part}.txt" for part in PARTS)]
        return [*(root / layout.folder / name for name in names), root / layout.images]
    if isinstance(layout, ClassFolders):
        return [root / layout.folder / name for name in ("classnames.txt", layout.train, layout.test)]
    return []
