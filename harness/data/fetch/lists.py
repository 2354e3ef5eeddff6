"""The lists of a data set: its split, or the class names of one whose folders are the split.

Images are found by them, so they come first. A list that is there and is not the published one is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.data.catalog import DATASETS, DatasetRow
from harness.data.class_folders import read_class_names
from harness.data.fetch.download import Origin
from harness.data.fetch.errand import Errand, bring
from harness.data.fetch.placing import InTheWayError, folders_with
from harness.data.fetch.sources import CLASS_NAMES
from harness.data.layout import ImageNetFolders, ShiftedFolders, SplitFile, TextLists
from harness.errors import DataError, Fault
from harness.files import digest_file, digest_text, write_bytes

IMAGENET_NAMES = DATASETS["imagenet"].class_names_digest


def has_lists(errand: Errand) -> bool:
    """Whether the published lists are in their place."""
    return _are_right(errand.row, errand.folder)


def has_class_folders(row: DatasetRow) -> bool:
    """Whether the images say the split, and only the class names are a list."""
    return isinstance(row.layout, ImageNetFolders | ShiftedFolders)


def list_files(row: DatasetRow, root: Path) -> list[Path]:
    """The places of the split file, the split lists or the class names."""
    return [place for place in row.layout.needs(root) if place.suffix in (".json", ".txt")]


def get_lists(errand: Errand, tree: Path | None) -> tuple[list[Origin], list[Fault]]:
    """Where the lists came from that were not there before, and, when nowhere, why.

    They are looked for in ``tree``, a folder of the user's, and beside other data sets with the same class names;
    then made again from annotation files; then downloaded.

    Raises:
        InTheWayError: another file is in the place of a list.
    """
    row = errand.row
    if has_lists(errand):
        errand.say(f"{_what(row)}: there, as published")
        return [], []
    files = list_files(row, errand.root)
    if there := [path for path in files if path.exists()]:
        what = "is in the way: it is not the published one, or others that belong to it are missing."
        raise InTheWayError([Fault(str(path), what, "Move it away, and fetch again.") for path in there])
    for place in _other_folders(errand) if tree is None else [tree, *_other_folders(errand)]:
        if copy_lists(errand, place):
            return [Origin(file.name, str(place.resolve()), sha256=digest_file(file)) for file in files], []
    rebuilt, reasons = _rebuild(errand, [errand.folder] if tree is None else [errand.folder, tree], files[0])
    if rebuilt is not None:
        return [rebuilt], []
    downloaded, more_reasons = _download(errand, files[0])
    if downloaded is not None:
        return [downloaded], []
    return [], [*reasons, *more_reasons]


def _rebuild(errand: Errand, places: Sequence[Path], file: Path) -> tuple[Origin | None, list[Fault]]:
    """The split file made from annotation files in the first of the places that has them, or why in none."""
    reasons: list[Fault] = []
    if errand.rebuild is None:
        return None, reasons
    for place in places:
        try:
            write_bytes(file, errand.rebuild(errand.row.name, place))
        except DataError as error:
            reasons += error.faults
        else:
            errand.say(f"split: rebuilt from the annotation files in {place}")
            return Origin(file.name, f"rebuilt from {place}", sha256=digest_file(file)), []
    return None, reasons


def _download(errand: Errand, file: Path) -> tuple[Origin | None, list[Fault]]:
    """The list that can be had alone, brought to ``file``, or why it could not be."""
    reasons: list[Fault] = []
    for remote in (CLASS_NAMES,) if has_class_folders(errand.row) else errand.source.split_files:
        places = (*errand.on_mirror(remote), *remote.places)
        if not places:
            continue
        try:
            path, origin = bring(errand, replace(remote, places=places))
        except DataError as error:
            reasons += error.faults
            if has_class_folders(errand.row):
                reasons[-1] = replace(reasons[-1], mend=f"Open it in a browser, and save it as {file}.")
            continue
        if copy_lists(errand, path.parent):
            return origin, []
        path.unlink()
        reasons.append(Fault(origin.address, f"gave a {remote.name} that is not the published one."))
    return None, reasons


def copy_lists(errand: Errand, tree: Path) -> bool:
    """Whether the tree holds the right lists; they are copied into their place.

    Raises:
        InTheWayError: another file is in the place of one.
    """
    files = list_files(errand.row, errand.root)
    for folder in folders_with(tree, [path.name for path in files]):
        if not _are_right(errand.row, folder):
            continue
        for path in files:
            content = (folder / path.name).read_bytes()
            if path.exists() and path.read_bytes() != content:
                raise InTheWayError(Fault(str(path), "is in the way.", "Move it away, and fetch again."))
            write_bytes(path, content)
        errand.say(f"{_what(errand.row)}: {', '.join(map(str, files))}")
        return True
    return False


def _what(row: DatasetRow) -> str:
    return "class names" if has_class_folders(row) else "split"


def _other_folders(errand: Errand) -> list[Path]:
    """Folders of data sets under the root that may have the same class names."""
    if not has_class_folders(errand.row):
        return []
    rows = [row for row in DATASETS.values() if has_class_folders(row) and row.name != errand.row.name]
    return [folder for row in rows if (folder := errand.root / str(row.layout.folder)).is_dir()]


def _are_right(row: DatasetRow, folder: Path) -> bool:
    """Whether the lists in a folder are there, and say what the published ones say."""
    layout = row.layout
    try:
        if isinstance(layout, ImageNetFolders | ShiftedFolders):
            names = read_class_names(folder / CLASS_NAMES.name).values()
            return digest_text("".join(f"{name}\n" for name in names)) == IMAGENET_NAMES
        assert isinstance(layout, SplitFile | TextLists)
        # An absolute folder stays itself under any root.
        return replace(layout, folder=str(folder.absolute())).read_split(Path()).digest == row.split_digest
    except DataError:
        return False
