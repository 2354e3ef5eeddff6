"""The data sets that are known by name: one row each.

Counts were taken from the published split files of CoOp (github.com/KaiyangZhou/CoOp, DATASETS.md) and from
FGVC-Aircraft's own lists; those of ImageNet and its four shifts are the standard ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.data.augmentation import Augmentation, CropAndFlip, SmallAffine
from harness.data.layout import Bundled, ImageNetFolders, Layout, ShiftedFolders, SplitFile, TextLists

PHOTOGRAPHS = CropAndFlip()

# The names of OpenAI's CLIP notebook in the order of the sorted wnids, which CoOp's classnames.txt holds, too.
_IMAGENET_NAMES = "8800e39242cbed4c6889376e20a49cfdaf4f84a773a6686d15c3b39972ef94c4"


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One data set.

    Attributes:
        name: as written in a matrix.
        layout: how it lies on disk.
        template: its hand-crafted prompt; CoOp's for CoOp's data sets.
        n_classes: number of classes; ``None`` where only the data can tell.
        n_images: training, validation and test images; ``None`` likewise.
        smallest_class: training images of the smallest class; ``None`` likewise.
        split_digest: ``Split.digest`` of the published split; ``None`` where there is none.
        class_names_digest: ``Split.class_names_digest`` where images are not listed but names are published.
        augmentation: how training images are varied.
        subset_file: file of the images to train on, with ``{shots}`` and ``{seed}``, instead of a draw.
    """

    name: str
    layout: Layout
    template: str
    n_classes: int | None = None
    n_images: tuple[int, int, int] | None = None
    smallest_class: int | None = None
    split_digest: str | None = None
    class_names_digest: str | None = None
    augmentation: Augmentation = PHOTOGRAPHS
    subset_file: str | None = None

    @property
    def trains(self) -> bool:
        """Whether it has training images; a shifted target has none."""
        return self.n_images is None or self.n_images[0] > 0


Catalog = Mapping[str, DatasetRow]


def _zhou(folder: str, split: str, images: str = "") -> SplitFile:
    return SplitFile(folder, f"split_zhou_{split}.json", images)


def _digits(shift: str, split_digest: str) -> DatasetRow:
    """A shift of the digits, in the manner of ImageNet's: test images only."""
    layout, template = Bundled("scikit-learn", shift), "a photo of the digit {}."
    return DatasetRow(f"digits_{shift}", layout, template, 10, (0, 0, 540), 0, split_digest)


_ROWS = (
    DatasetRow(
        "digits", Bundled("scikit-learn"), "a photo of the digit {}.", 10, (898, 359, 540), 87,
        "2ec5fa99c2471ec000c0803a3a3b075652fc4a88c5373f222d07a2a9a2ba63e3",
        augmentation=SmallAffine(degrees=10, translate=0.08, scale=(0.9, 1.1)),
    ),
    _digits("inverted", "83cab95e063227dc3e47b345cf6226107291fd1d38d306abd26abbf219ab34d0"),
    _digits("blurred", "c61c5a07445fa673d474f4e61773cbf8f797b7449b4327385edd78acc4a42b38"),
    _digits("rotated", "cd1c5fc986cae3c94737dd34c8a4493c297c384ade279548aa59839cac34a307"),
    _digits("noisy", "c55a1233e082b3d1483f7ff584db8626dbd8918e4fe647be7784de3da389c9ec"),
    DatasetRow(
        "imagenet", ImageNetFolders("imagenet", "images/train", "images/val"), "a photo of a {}.",
        1000, (1_281_167, 0, 50_000), 732, None, class_names_digest=_IMAGENET_NAMES,
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
        "stanford_cars", _zhou("stanford_cars", "StanfordCars"), "a photo of a {}.",
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
        "fgvc_aircraft", TextLists("fgvc_aircraft", "images"),
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
    DatasetRow(
        "imagenetv2", ShiftedFolders("imagenetv2", "imagenetv2-matched-frequency-format-val"),
        "a photo of a {}.", 1000, (0, 0, 10_000), 0, None, class_names_digest=_IMAGENET_NAMES,
    ),
    DatasetRow(
        "imagenet_sketch", ShiftedFolders("imagenet-sketch", "images"), "a photo of a {}.",
        1000, (0, 0, 50_889), 0, None, class_names_digest=_IMAGENET_NAMES,
    ),
    DatasetRow(
        "imagenet_a", ShiftedFolders("imagenet-adversarial", "imagenet-a"), "a photo of a {}.",
        200, (0, 0, 7_500), 0, None,
        class_names_digest="07d6ef5fdc8f6f34e59db73a1eedacba4f347302a9b71fa16ae4184347cb3d7b",
    ),
    DatasetRow(
        "imagenet_r", ShiftedFolders("imagenet-rendition", "imagenet-r"), "a photo of a {}.",
        200, (0, 0, 30_000), 0, None,
        class_names_digest="2d2c64759075b9bce1b5f1435f9e9068af10cb0917236d031e8232604438f1c2",
    ),
)  # fmt: skip

DATASETS: Catalog = {row.name: row for row in _ROWS}
