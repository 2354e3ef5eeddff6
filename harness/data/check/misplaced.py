"""Where images lie when they are not where they should be: what archives and other code leave behind."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.data.catalog import DatasetRow
from harness.data.check.spellings import folded
from harness.data.dataset import require_root
from harness.data.images import IMAGE_SUFFIXES
from harness.data.layout import ImageNetFolders, ShiftedFolders
from harness.data.listing import WNID, class_folders, folders_below, image_names, names_in
from harness.errors import Fault, few

_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".7z", ".rar")
_DEEPEST = 4  # such as ILSVRC/Data/CLS-LOC/train
_MOST_FOLDERS = 2000  # a look around, no search of the disk
_SAMPLE = 20
_WORTH_SAYING = 0.2
_CLASS_FOLDER = re.compile(rf"{WNID.pattern}|\d{{1,3}}")  # or one of ImageNetV2's numbers


class Places:
    """The folders of a data set, and what is to be said when something is not in them."""

    def __init__(self, row: DatasetRow, root: Path | None) -> None:
        """The places of a data set that lies in folders.

        Raises:
            DataError: there is no data folder.
        """
        self._row = row
        place = require_root(row, root)
        self.folder = place / (row.layout.folder or "")
        self.base = row.layout.image_base(place)
        self._needs = row.layout.needs(place)
        # Nothing is known of what lies around a folder that is named by itself.
        around = root is not None and not Path(row.layout.folder or "").is_absolute()
        self._starts = (self.folder, place) if around else (self.folder,)
        layout = row.layout
        self._of_classes: tuple[Path, ...] = ()  # folders of class folders, where the split follows from them
        if isinstance(layout, ImageNetFolders):
            self._of_classes = (self.folder / layout.train, self.folder / layout.test)
        elif isinstance(layout, ShiftedFolders):
            self._of_classes = (self.base,)

    def absent_folder(self) -> Fault:
        """The finding on a data set whose folder is not there."""
        root = self._starts[-1]
        if not root.is_dir() and root != self.folder:
            return Fault(str(root), "the data folder is not there.", "Give another: --data DIR or HARNESS_DATA.")
        mend = f"Unpack the data set there, or link it: {', '.join(str(need) for need in self._needs)}."
        first = self._needs[0].name
        names = {folded(name): name for name in _folder_names(root)}
        near = difflib.get_close_matches(folded(self.folder.name), names, n=1, cutoff=0.8)
        # Several data sets have a classnames.txt; only a split's own name tells whose folder it is.
        if not self._of_classes and (found := _folder_of_file(self._starts, first)):
            mend = f"{first} lies in {found}: move or link that folder here."
        elif near:
            mend = f"There is {root / names[near[0]]}: rename or link it."
        return Fault(str(self.folder), "the folder of the data set is missing.", mend)

    def standing_faults(self) -> list[Fault]:
        """Findings on what has to be there before the split can be read: files and folders of classes."""
        faults = []
        for need in self._needs:
            if need in self._of_classes:
                faults += self._class_faults(need)
            elif need != self.base and not need.exists():
                faults.append(Fault(str(need), "is missing.", self._mend_file(need)))
        return faults

    def absent_base(self, paths: Sequence[str]) -> Fault:
        """The finding on an image folder that is not there, and with it all of ``paths``."""
        what = "the image folder is missing"
        if os.path.islink(self.base):  # noqa: PTH114 - Path's raises on EACCES
            what = f"the image folder is a link to {self.base.readlink()}, which is not there"
        whole = f", and with it {len(paths):,} images" if paths else ""
        return Fault(str(self.base), f"{what}{whole}.", self.mend_images(paths))

    def mend_images(self, paths: Sequence[str]) -> str:
        """What to do about missing images: move those that were found elsewhere, unpack, or download."""
        sample = paths[:: max(1, len(paths) // _SAMPLE)][:_SAMPLE]
        left, places = list(sample), []
        for folder, _ in _around(self._starts) if sample else ():
            found = {path for path in left if os.path.isfile(f"{folder}/{path}")}  # noqa: PTH113 - thousands
            if len(found) >= _WORTH_SAYING * len(sample):  # Stanford Cars has two folders, each doubled by itself
                places.append(folder)
                left = [path for path in left if path not in found]
            if not left:
                break
        if places:
            they = "Some lie" if left else "They lie"
            return f"{they} below {' and '.join(map(str, places))}: move or link them to {self.base}."
        return self._mend_by_unpacking()

    def unnamed_images(self, paths: Sequence[str]) -> list[Fault]:
        """A note on images that lie beside those of the split and are not named by it."""
        if self._of_classes:
            return []
        named: dict[str, set[str]] = {}
        for path in paths:
            folder, _, name = path.rpartition("/")
            named.setdefault(folder, set()).add(name)
        n_unnamed = sum(
            name.lower().endswith(IMAGE_SUFFIXES) and name not in names
            for folder, names in named.items()
            for name in names_in(f"{self.base}/{folder}")
        )
        return [Fault(str(self.base), f"{n_unnamed:,} images are not in the split.")] if n_unnamed else []

    def _class_faults(self, place: Path) -> list[Fault]:
        """Findings on one folder of class folders: missing, flat, or one level too deep."""
        n_classes = self._row.n_classes or 1
        if not place.is_dir():
            found = _folder_of_classes(self._starts, n_classes, place.name, besides=self._of_classes)
            mend = f"Class folders lie in {found}: if these are the ones, move or link them here." if found else ""
            return [
                Fault(str(place), "the folder of the class folders is missing.", mend or self._mend_by_unpacking())
            ]
        n_inside, n_flat = len(class_folders(place)), len(image_names(place))
        if n_inside == 0 and n_flat:
            mend = "Sort them into class folders; for ImageNet's validation images the script valprep.sh does it."
            return [Fault(str(place), f"holds {n_flat:,} images and no class folders.", mend)]
        if n_inside == 0:
            return [Fault(str(place), "holds no class folders.", self._mend_by_unpacking())]
        if n_inside <= n_classes / 2:
            deeper = _folder_of_classes((place,), n_classes, place.name)
            if deeper:
                what = f"its class folders lie too deep, in {deeper}."
                return [Fault(str(place), what, "Move them up, and take away the folders between.")]
        return []

    def _mend_file(self, need: Path) -> str:
        """What to do about a missing file of the split."""
        if found := _folder_of_file(self._starts, need.name):
            return f"It lies in {found}: copy or link it."
        return "It is published and is never made anew; put the file there, or `harness data fetch` it."

    def _mend_by_unpacking(self) -> str:
        """What to do about images that were not found anywhere."""
        packed = sorted(name for name in names_in(str(self.folder)) if name.lower().endswith(_ARCHIVES))
        return (
            f"Still packed in {self.folder}? Found there: {few(packed)}."
            if packed
            else "Unpack the archive again."
        )


def stale_pickles(folder: Path) -> list[Fault]:
    """A note on the pickles that CoOp's own code leaves in a data set's folder."""
    pickles = [*folder.glob("*.pkl"), *folder.glob("split_fewshot/*.pkl")]
    if not pickles:
        return []
    return [Fault(str(folder), f"{len(pickles):,} pickles of other code ({pickles[0].name}) are never opened.")]


def _folder_of_classes(
    starts: Sequence[Path], n_classes: int, name: str, besides: Sequence[Path] = ()
) -> Path | None:
    """The nearest folder that holds most of ``n_classes`` class folders; one called ``name`` comes first."""
    found = [
        folder
        for folder, inside in _around(starts)
        if sum(_CLASS_FOLDER.fullmatch(inner) is not None for inner in inside) > n_classes / 2
    ]
    found = [folder for folder in found if folder not in besides]
    return next((folder for folder in found if folder.name == name), found[0] if found else None)


def _folder_of_file(starts: Sequence[Path], name: str) -> Path | None:
    """The nearest folder that holds a file of this name."""
    return next((folder for folder, _ in _around(starts) if os.path.isfile(folder / name)), None)  # noqa: PTH113


def _around(starts: Sequence[Path]) -> Iterator[tuple[Path, list[str]]]:
    return folders_below(starts, _DEEPEST, _MOST_FOLDERS)


def _folder_names(folder: Path) -> list[str]:
    """The names of the folders in a folder; none where it cannot be listed."""
    try:
        return class_folders(folder)
    except OSError:
        return []
