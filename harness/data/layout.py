"""The shapes in which data sets lie on disk; every shape knows what it needs and how its split is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from PIL import Image

from harness.data.class_folders import read_imagenet, read_shifted
from harness.data.digits import digit_image, digits_split, shifted_split
from harness.data.split import PARTS, Split
from harness.data.split_files import read_split_json, read_text_lists
from harness.errors import DataError, Fault

CLASS_NAMES_FILE = "classnames.txt"


class Layout(Protocol):
    """How one data set lies on disk; paths are relative to the data root.

    One whose data comes with a package is a ``Packaged`` one, too.
    """

    @property
    def folder(self) -> str | None:
        """The data set's own folder; ``None`` for data that comes with a package."""
        ...

    def needs(self, root: Path) -> list[Path]:
        """The files and folders that have to be there before the split can be read and images be found."""
        ...

    def read_split(self, root: Path) -> Split:
        """The split.

        Raises:
            DataError: it is missing, or not of its form.
        """
        ...

    def image_base(self, root: Path) -> Path:
        """The folder that the paths of the split are relative to."""
        ...


@runtime_checkable
class Packaged(Protocol):
    """What a layout without a folder has besides: it reads its images itself."""

    def read_image(self, path: str) -> Image.Image:
        """The RGB image that an item's path names.

        Raises:
            DataError: there is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class SplitFile:
    """A split file of CoOp's form, and an image base; both inside ``folder``."""

    folder: str
    file: str
    images: str = ""

    def needs(self, root: Path) -> list[Path]:
        """Split file and image base."""
        return [root / self.folder / self.file, self.image_base(root)]

    def read_split(self, root: Path) -> Split:
        """The split in the file."""
        return read_split_json(root / self.folder / self.file)

    def image_base(self, root: Path) -> Path:
        """The image base."""
        return root / self.folder / self.images


@dataclass(frozen=True, slots=True)
class TextLists:
    """FGVC-Aircraft's lists, and an image base."""

    folder: str
    images: str

    def needs(self, root: Path) -> list[Path]:
        """The lists and the image base."""
        names = ("variants.txt", *self._lists().values())
        return [*(root / self.folder / name for name in names), self.image_base(root)]

    def read_split(self, root: Path) -> Split:
        """The split that the lists spell."""
        return read_text_lists(root / self.folder, "variants.txt", self._lists())

    def image_base(self, root: Path) -> Path:
        """The image base."""
        return root / self.folder / self.images

    @staticmethod
    def _lists() -> dict[str, str]:
        return {part: f"images_variant_{part}.txt" for part in PARTS}


@dataclass(frozen=True, slots=True)
class ImageNetFolders:
    """ImageNet's form: ``train`` and ``test`` hold a folder a class."""

    folder: str
    train: str
    test: str

    def needs(self, root: Path) -> list[Path]:
        """The class names and both folders of folders."""
        return [root / self.folder / name for name in (CLASS_NAMES_FILE, self.train, self.test)]

    def read_split(self, root: Path) -> Split:
        """The split of a sorted listing."""
        return read_imagenet(root / self.folder, CLASS_NAMES_FILE, self.train, self.test)

    def image_base(self, root: Path) -> Path:
        """The data set's folder."""
        return root / self.folder


@dataclass(frozen=True, slots=True)
class ShiftedFolders:
    """A shifted ImageNet: test images only, a folder a class."""

    folder: str
    images: str

    def needs(self, root: Path) -> list[Path]:
        """The class names and the folder of folders."""
        return [root / self.folder / CLASS_NAMES_FILE, self.image_base(root)]

    def read_split(self, root: Path) -> Split:
        """The test images of a sorted listing."""
        return read_shifted(root / self.folder, CLASS_NAMES_FILE, self.images)

    def image_base(self, root: Path) -> Path:
        """The folder of folders."""
        return root / self.folder / self.images


@dataclass(frozen=True, slots=True)
class Bundled:
    """The digits, or one of their shifts, which come with a Python package; always there."""

    package: str
    shift: str | None = None
    folder: None = None

    def needs(self, root: Path) -> list[Path]:  # noqa: ARG002 - the same for every shape
        """Nothing."""
        return []

    def read_split(self, root: Path) -> Split:  # noqa: ARG002
        """The fixed split of the digits, or the shifted test images."""
        return digits_split() if self.shift is None else shifted_split(self.shift)

    def image_base(self, root: Path) -> Path:  # noqa: ARG002
        """Raise DataError: there is no folder."""
        raise DataError(Fault("", f"the data comes with {self.package} and has no image folder."))

    def read_image(self, path: str) -> Image.Image:
        """A digit."""
        return digit_image(path)
