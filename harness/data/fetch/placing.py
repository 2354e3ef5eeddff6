"""Images found in folders of any nesting, and put in their place; what is there is never overwritten.

Archives of one data set differ in what is around the images: nothing, a folder, the same folder twice. So images
are looked for by what must lie below their folder: paths of the split, or ImageNet's class folders.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.data.catalog import DatasetRow
from harness.data.images import missing_images
from harness.data.layout import ImageNetFolders, ShiftedFolders
from harness.data.listing import WNID, class_folders, folders_below, image_names
from harness.data.split import PARTS, Split
from harness.errors import DataError, Fault

_DEEPEST = 6  # levels that are searched; archives have three at most
_N_SAMPLES = 9


class InTheWayError(DataError):
    """Something else stands where the data set belongs; no other source can help."""


@dataclass(frozen=True, slots=True)
class ListedImages:
    """Images that a split lists.

    Attributes:
        target: the folder they belong into.
        inside: the part of the split's paths that ``target`` stands for; empty where it is the image base.
        paths: relative to ``target``.
    """

    target: Path
    inside: str
    paths: tuple[str, ...]

    def find(self, tree: Path) -> Path | None:
        """The folder of these images in a tree; the shallowest, when there are several."""
        step = max(1, len(self.paths) // _N_SAMPLES)
        samples = [Path(self.inside, path) for path in self.paths[::step]]
        for folder, _ in folders_below([tree], _DEEPEST):
            # More than half: a copy that lacks some images is the copy all the same, and the check tells.
            if 2 * sum((folder / sample).is_file() for sample in samples) > len(samples):
                return folder / self.inside
        return None

    def lacking(self) -> int:
        """How many of the images are not at ``target``."""
        return len(missing_images(self.target, self.paths))


@dataclass(frozen=True, slots=True)
class ClassFolders:
    """Images in a folder a class, called by its wnid, or by its number.

    Attributes:
        target: the folder they belong into.
        name: what their folder must be called elsewhere; ``None`` where any name does.
        n_classes: how many folders there are.
        n_images: how many images there are.
    """

    target: Path
    name: str | None
    n_classes: int
    n_images: int

    def find(self, tree: Path) -> Path | None:
        """The folder of the class folders in a tree: one with all of them, or of the right name, first.

        Raises:
            DataError: the folder has that name, and images without class folders.
        """
        best, best_rank = None, (False, False)
        for folder, below in folders_below([tree], _DEEPEST):
            n_found = sum(1 for name in below if WNID.fullmatch(name) or name.isdecimal())
            if self.name not in (None, folder.name):
                continue
            if n_found == 0 and self.name is not None and image_names(folder):
                mend = "Sort them into a folder a class (nXXXXXXXX) first."
                raise DataError(Fault(str(folder), "holds images without class folders.", mend))
            rank = (n_found == self.n_classes, folder.name == self.target.name)
            if 2 * n_found > self.n_classes and (best is None or rank > best_rank):
                best, best_rank = folder, rank
        return best

    def lacking(self) -> int:
        """How many of the images are not at ``target``."""
        n_found = sum(len(image_names(self.target / name)) for name in class_folders(self.target))
        return max(0, self.n_images - n_found)


Piece = ListedImages | ClassFolders


def pieces(row: DatasetRow, root: Path, split: Split | None) -> list[Piece]:
    """The folders of images that a data set consists of; ``split`` is needed where images are listed."""
    layout = row.layout
    base = layout.image_base(root)
    n_train, _, n_test = row.n_images or (0, 0, 0)
    n_classes = row.n_classes or 0
    if isinstance(layout, ImageNetFolders):
        train = ClassFolders(base / layout.train, "train", n_classes, n_train)
        return [train, ClassFolders(base / layout.test, "val", n_classes, n_test)]
    if isinstance(layout, ShiftedFolders):
        return [ClassFolders(base, None, n_classes, n_test)]
    assert split is not None
    assert layout.folder is not None
    paths = [item.path for part in PARTS for item in getattr(split, part)]
    if base != root / layout.folder:
        return [ListedImages(base, "", tuple(paths))]
    # The image base holds the split file, too, and can be no folder of an archive: Cars' two folders come apart.
    tops: dict[str, list[str]] = {}
    for path in paths:
        top, _, rest = path.partition("/")
        tops.setdefault(top, []).append(rest)
    return [ListedImages(base / top, top, tuple(rest)) for top, rest in tops.items()]


def is_there(piece: Piece) -> bool:
    """Whether all images are in their place.

    Raises:
        InTheWayError: some are not, and something is in their place.
    """
    target = piece.target
    if not os.path.lexists(target) or (target.is_dir() and not any(target.iterdir())):
        return False
    lacking = piece.lacking() if target.is_dir() else None
    if lacking == 0:
        return True
    what = f"lacks {lacking:,} images" if lacking is not None else "is no folder"
    raise InTheWayError(Fault(str(target), f"is in the way: it {what}.", "Move it away, and fetch again."))


def put(found: Path, piece: Piece, *, link: bool) -> None:
    """Move the images into their place, or put a link to them there.

    Raises:
        InTheWayError: something is there.
    """
    target = piece.target
    if target.exists() and target.samefile(found):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
        target.rmdir()
    if os.path.lexists(target):
        raise InTheWayError(Fault(str(target), "is in the way.", "Move it away, and fetch again."))
    if link:
        target.symlink_to(found.resolve(), target_is_directory=True)
    else:
        found.rename(target)


def folders_with(tree: Path, names: list[str]) -> Iterator[Path]:
    """The folders of a tree that hold files of all these names, the shallowest first."""
    for folder, _ in folders_below([tree], _DEEPEST):
        if all((folder / name).is_file() for name in names):
            yield folder
