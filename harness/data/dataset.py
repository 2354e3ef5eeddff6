"""A data set on disk: what is missing of it, its split, its images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from harness.data.catalog import DatasetRow
from harness.data.folder import AnyFolder
from harness.data.images import ReadImage, image_reader, images_digest
from harness.data.layout import Packaged
from harness.data.split import Split
from harness.errors import DataError, Fault


class Size(NamedTuple):
    """How large a data set is: what a forecast of its work needs."""

    n_classes: int
    n_train: int
    n_test: int = 0


NO_ROOT = "no data folder: give --data DIR, set HARNESS_DATA, or write `data: DIR` in the matrix"


def whats_missing(row: DatasetRow, root: Path | None) -> str | None:
    """What a data set lacks on disk, in a few words; ``None`` when its split and image folder are there."""
    if row.layout.folder is None:
        return None
    try:
        base = require_root(row, root)
    except DataError:
        return NO_ROOT
    absent = [str(place) for place in row.layout.needs(base) if not place.exists()]
    return f"missing {', '.join(absent)}" if absent else None


def read_split(row: DatasetRow, root: Path | None) -> Split:
    """The split of a data set.

    Raises:
        DataError: it is not on disk, is not of its form, or differs from the published one.
    """
    split = row.layout.read_split(require_root(row, root))
    if faults := unpublished(row, split):
        raise DataError(faults)
    return split


def unpublished(row: DatasetRow, split: Split) -> list[Fault]:
    """In what a split differs from the published one; nothing where there is none."""
    faults = []
    if row.split_digest not in (None, split.digest):
        mend = (
            "Put the published file in its place; to use a split of your own, give the data set another name: "
            f"`datasets: [{{name: my_{row.name}, like: {row.name}, data: DIR}}]`."
        )
        faults.append(Fault(row.name, "its split on disk is not the published one.", mend))
    if row.class_names_digest not in (None, split.class_names_digest):
        what = (
            f"its {len(split.class_names)} class names are not the {row.n_classes} published ones, or some of its "
            "class folders are missing or too many."
        )
        mend = "Use CoOp's classnames.txt; other lists give other numbers."
        faults.append(Fault(row.name, what, mend))
    return faults


def known_size(row: DatasetRow) -> Size | None:
    """The size by the catalog's counts; ``None`` where only the data can tell."""
    if row.n_classes is None or row.n_images is None:
        return None
    return Size(row.n_classes, row.n_images[0], row.n_images[2])


def keep_split(row: DatasetRow, root: Path | None) -> Path | None:
    """Write the split of a plain folder beside its images, unless one is there; the file, if it was written.

    Raises:
        DataError: the folder's split cannot be drawn, or cannot be written.
    """
    return row.layout.keep_split(require_root(row, root)) if isinstance(row.layout, AnyFolder) else None


def read_images(row: DatasetRow, root: Path | None) -> ReadImage:
    """A function from an item's path to its RGB image."""
    layout = row.layout
    if layout.folder is None and isinstance(layout, Packaged):
        return layout.read_image
    return image_reader(image_base(row, root))


def image_files_digest(row: DatasetRow, root: Path | None, paths: list[str]) -> str | None:
    """What ``images_digest`` says of the files of these items; ``None`` for data that comes with a package."""
    return None if row.layout.folder is None else images_digest(image_base(row, root), paths)


def image_base(row: DatasetRow, root: Path | None) -> Path:
    """The folder that the paths of a split are relative to.

    Raises:
        DataError: there is none, since the data comes with a package, or no data root was given.
    """
    return row.layout.image_base(require_root(row, root))


def require_root(row: DatasetRow, root: Path | None) -> Path:
    """The folder that the layout's paths are relative to; of no matter where they are absolute.

    Raises:
        DataError: it is needed, and none was given.
    """
    if root is not None:
        return root
    if row.layout.folder is None or Path(row.layout.folder).is_absolute():
        return Path()
    raise DataError(Fault(row.name, f"{NO_ROOT}."))


def data_root(option: Path | None, matrix: str | None) -> Path | None:
    """The folder of the data sets: the option, else ``HARNESS_DATA``, else the matrix's ``data:`` key."""
    if option is not None:
        return option
    found = os.environ.get("HARNESS_DATA") or matrix
    return Path(found) if found else None
