"""Any folder of images as a data set: a folder a class, its split drawn once and kept beside the images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data.class_folders import read_class_names
from harness.data.listing import class_folders, image_names
from harness.data.partition import cut_in_three
from harness.data.split import PARTS, Item, Split, validated
from harness.data.split_files import read_split_json, split_json
from harness.errors import DataError, Fault
from harness.files import write_bytes

SPLIT_FILE = "harness_split.json"
_FEWEST = 4  # images of a class, of which the rule gives two to train, one to val and one to test


@dataclass(frozen=True, slots=True)
class AnyFolder:
    """Images in ``folder``, a folder a class, with or without ``train``, ``val`` and ``test`` above them.

    Attributes:
        folder: absolute.
        class_names: file of lines ``folder class name``, absolute; ``None`` takes the folders' names.
    """

    folder: str
    class_names: str | None = None

    def needs(self, root: Path) -> list[Path]:
        """The folder, and the file of class names if there is to be one."""
        return [root / place for place in (self.folder, self.class_names) if place is not None]

    def read_split(self, root: Path) -> Split:
        """The split that was kept, else the one that ``keep_split`` would keep."""
        file = root / self.folder / SPLIT_FILE
        if not file.exists():
            return self._drawn(root)
        split = read_split_json(file)
        if self.class_names is not None:
            self._check_names(split, file, read_class_names(root / self.class_names))
        return split

    def image_base(self, root: Path) -> Path:
        """The folder."""
        return root / self.folder

    def keep_split(self, root: Path) -> Path | None:
        """Write the split beside the images unless one is there; the file, if it was written.

        Images that are added to the folder afterwards are no part of it, so that numbers stay comparable.

        Raises:
            DataError: there are no class folders, a class is too small, or the folder cannot be written to.
        """
        file = root / self.folder / SPLIT_FILE
        if file.exists():
            return None
        split = self._drawn(root)
        try:
            write_bytes(file, split_json(split))
        except OSError as error:
            mend = (
                f"Write it elsewhere with `harness data split {root / self.folder} --out FILE`, and name that "
                "beside `folder:` as `split: FILE`."
            )
            raise DataError(Fault(str(file), f"the split cannot be kept: {error}.", mend)) from None
        return file

    def _drawn(self, root: Path) -> Split:
        names = None if self.class_names is None else read_class_names(root / self.class_names)
        return folder_split(root / self.folder, names)

    @staticmethod
    def _check_names(split: Split, file: Path, names: Mapping[str, str]) -> None:
        """Raise DataError when the names that were kept are not those that are asked for today."""
        kept = {Path(item.path).parent.name: item.class_name for part in PARTS for item in getattr(split, part)}
        other = [folder for folder, name in kept.items() if names.get(folder) != name]
        if other:
            what = f"was kept with other class names for {len(other)} folders, {other[0]!r} first."
            raise DataError(Fault(str(file), what, "Remove the file to have the split drawn with today's names."))


def folder_split(folder: Path, names: Mapping[str, str] | None = None) -> Split:
    """The split of a folder of images; a function of the sorted listing alone.

    With ``train`` and ``test`` (and perhaps ``val``) in ``folder`` those are the parts. Otherwise each class is
    shuffled by one ``random.Random(1)``, classes in the order of their sorted folders: half to train, a fifth to
    val, the rest to test, which is CoOp's rule for data sets that come without a split.

    Args:
        folder: holds a folder a class, or the parts.
        names: from folder to class name; without it the folder's name is the class's.

    Raises:
        DataError: there are no class folders, a part is missing, or a class is too small or has no name; all
            such faults together.
    """
    try:
        found = class_folders(folder)
        if found and set(found) <= set(PARTS):
            rows = _given_parts(folder, found)
            return validated(Split(**_items(rows, names, folder)), str(folder))
        _check_parts_stand_alone(folder, found)
        images = {name: image_names(folder / name) for name in found}
    except OSError as error:
        raise DataError(Fault(str(error.filename or folder), f"cannot be listed: {error.strerror}.")) from None
    everything = _all_images(folder, {name: files for name, files in images.items() if files})
    return validated(cut_in_three(_items({"all": everything}, names, folder)["all"]), str(folder))


_Row = tuple[str, str]  # class folder and path of an image


def _items(
    parts: Mapping[str, list[_Row]], names: Mapping[str, str] | None, folder: Path
) -> dict[str, tuple[Item, ...]]:
    """The items of every part; labels are the places of the sorted class folders.

    Raises:
        DataError: class folders have no name.
    """
    classes = sorted({name for rows in parts.values() for name, _ in rows})
    unnamed = [name for name in classes if names is not None and name not in names]
    if unnamed:
        what = f"{len(unnamed)} folders have no class name: {', '.join(unnamed[:5])}."
        raise DataError(Fault(str(folder), what))
    label = {name: number for number, name in enumerate(classes)}
    return {
        part: tuple(Item(path, label[name], names[name] if names else name) for name, path in rows)
        for part, rows in parts.items()
    }


def _check_parts_stand_alone(folder: Path, found: list[str]) -> None:
    """Raise DataError when folders of classes stand beside other folders: only one of the two can be meant."""
    parts = [part for part in ("train", "test") if part in found and class_folders(folder / part)]
    if parts:
        others = [name for name in found if name not in PARTS]
        what = (
            f"holds class folders in {' and '.join(f'{part}/' for part in parts)}, but other folders beside them: "
        )
        mend = "Parts are called train, val and test; move everything else away."
        raise DataError(Fault(str(folder), f"{what}{', '.join(others[:5])}.", mend))


def _given_parts(folder: Path, found: list[str]) -> dict[str, list[_Row]]:
    """The parts that folders spell out.

    Raises:
        DataError: there is no train or no test part, or the training part lacks a class of another part.
    """
    lacking = [part for part in ("train", "test") if part not in found]
    if lacking:
        has, lacks = (f"{part}/" for part in found), (f"no {part}/" for part in lacking)
        what = f"has {' and '.join(has)} but {' and '.join(lacks)}."
        mend = "Rename a part, or put all class folders into one folder to have the split drawn."
        raise DataError(Fault(str(folder), what, mend))
    rows: dict[str, list[_Row]] = {part: [] for part in PARTS}
    for part in found:
        for name in class_folders(folder / part):
            rows[part] += [(name, f"{part}/{name}/{file}") for file in image_names(folder / part / name)]
    trained = {name for name, _ in rows["train"]}
    others = sorted({name for part in PARTS for name, _ in rows[part]} - trained)
    if others:
        what = f"{len(others)} classes have no training images: {', '.join(others[:5])}."
        raise DataError(Fault(str(folder / "train"), what))
    return rows


def _all_images(folder: Path, images: Mapping[str, list[str]]) -> list[_Row]:
    """Every image of every class folder.

    Raises:
        DataError: there are no classes, or some are too small to be cut in three; names them.
    """
    if not images:
        raise DataError(Fault(str(folder), "holds no folders with images; each class is a folder of its images."))
    small = [f"{name} ({len(files)})" for name, files in images.items() if len(files) < _FEWEST]
    if small:
        what = f"{len(small)} classes hold fewer than {_FEWEST} images: {', '.join(small[:5])}."
        raise DataError(Fault(str(folder), what, "Add images or take these folders away."))
    return [(name, f"{name}/{file}") for name, files in images.items() for file in files]
