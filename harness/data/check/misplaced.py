"""Where images lie when they are not where they should be: what archives and other code leave behind."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.data.catalog import DatasetRow
from harness.data.class_folders import class_folders, image_names
from harness.data.dataset import require_root
from harness.data.images import IMAGE_SUFFIXES
from harness.data.layout import ImageNetFolders, ShiftedFolders
from harness.errors import Fault

_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".7z", ".rar")
_DEEPEST = 4  # such as ILSVRC/Data/CLS-LOC/train
_MOST_FOLDERS = 2000  # a look around, no search of the disk
_SAMPLE = 20
_WORTH_SAYING = 0.2
_SHOWN = 5
_CLASS_FOLDER = re.compile(r"n\d{8}|\d{1,3}")  # a wnid, or one of ImageNetV2's numbers


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
        names = {_folded(name): name for name in _folder_names(root)}
        near = difflib.get_close_matches(_folded(self.folder.name), names, n=1, cutoff=0.8)
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
        for folder, _ in _folders(self._starts) if sample else ():
            found = {path for path in left if os.path.isfile(f"{folder}/{path}")}  # noqa: PTH113 - thousands
            if len(found) >= _WORTH_SAYING * len(sample):  # Stanford Cars has two folders, each doubled by itself
                places.append(folder)
                left = [path for path in left if path not in found]
            if not left:
                break
        if places:
            they = "Some lie" if left else "They lie"
            return f"{they} below {' and '.join(places)}: move or link them to {self.base}."
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
            for name in _listed(f"{self.base}/{folder}")
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
        packed = sorted(name for name in _listed(str(self.folder)) if name.lower().endswith(_ARCHIVES))
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


def few(words: Sequence[str]) -> str:
    """The first five, and how many more there are."""
    more = f" and {len(words) - _SHOWN:,} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more


class Spellings:
    """Looks for files that are there under a name with other capitals, accents or ending; listings are kept."""

    def __init__(self, base: Path) -> None:
        """Look below ``base``."""
        self._base = str(base)
        self._folders: dict[str, dict[str, str]] = {}

    def found(self, path: str) -> str | None:
        """The path under which the file is there, relative to the base; ``None`` when it is not."""
        here = self._base
        taken = []
        *folders, file = path.split("/")
        for name in folders:
            actual = self._names(here).get(_folded(name))
            if actual is None:
                return None
            here = f"{here}/{actual}"
            taken.append(actual)
        names = self._names(here)
        actual = names.get(_folded(file)) or names.get(_folded(_stem(file)))
        if actual is None or not os.path.isfile(f"{here}/{actual}"):  # noqa: PTH113
            return None
        return "/".join((*taken, actual))

    def _names(self, folder: str) -> dict[str, str]:
        """From the folded name, and that without ending, to what is there."""
        if folder not in self._folders:
            names = _listed(folder)
            self._folders[folder] = {_folded(_stem(name)): name for name in names} | {
                _folded(name): name for name in names
            }
        return self._folders[folder]


def differs_in_spelling_only(path: str, other: str) -> bool:
    """Whether two paths name the same image but for capitals, accents and the two spellings of JPEG."""

    def plain(name: str) -> str:
        return re.sub(r"\.jpeg$", ".jpg", _folded(name))

    return plain(path) == plain(other)


def _folded(name: str) -> str:
    """The name without the differences that disks and archives make: capitals, and how accents are written."""
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    """The name without the ending of an image."""
    lower = name.lower()
    return next((name[: -len(suffix)] for suffix in IMAGE_SUFFIXES if lower.endswith(suffix)), name)


def _folders(starts: Sequence[Path]) -> Iterator[tuple[str, list[str]]]:
    """Folders and the names of the folders in each: the starts, then what lies below them, level by level.

    What cannot be listed is passed over.
    """
    queue = deque((str(start), 0) for start in starts)
    seen: set[str] = set()
    while queue and len(seen) < _MOST_FOLDERS:
        folder, depth = queue.popleft()
        if folder in seen:
            continue
        seen.add(folder)
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entry.name for entry in entries if entry.is_dir() and entry.name[0] != ".")
        except OSError:
            continue
        yield folder, inside
        if depth < _DEEPEST:
            queue.extend((f"{folder}/{name}", depth + 1) for name in inside)


def _folder_of_classes(
    starts: Sequence[Path], n_classes: int, name: str, besides: Sequence[Path] = ()
) -> Path | None:
    """The nearest folder that holds most of ``n_classes`` class folders; one called ``name`` comes first."""
    found = [
        Path(folder)
        for folder, inside in _folders(starts)
        if sum(_CLASS_FOLDER.fullmatch(inner) is not None for inner in inside) > n_classes / 2
    ]
    found = [folder for folder in found if folder not in besides]
    return next((folder for folder in found if folder.name == name), found[0] if found else None)


def _folder_of_file(starts: Sequence[Path], name: str) -> str | None:
    """The nearest folder that holds a file of this name."""
    return next((folder for folder, _ in _folders(starts) if os.path.isfile(f"{folder}/{name}")), None)  # noqa: PTH113


def _folder_names(folder: Path) -> list[str]:
    """The names of the folders in a folder; none where it cannot be listed."""
    try:
        return class_folders(folder)
    except OSError:
        return []


def _listed(folder: str) -> list[str]:
    """What a folder holds; nothing where it cannot be listed."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not Paths
    except OSError:
        return []
