"""Splits that follow from ImageNet's folders, one a class, and the file with the names of the classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.data.listing import class_folders, image_names
from harness.data.split import Item, Split, validated
from harness.data.text_file import read_text
from harness.errors import DataError, Fault


def read_imagenet(folder: Path, class_names: str, train: str, test: str) -> Split:
    """The split of ImageNet's form: a folder a class, names in a file of lines ``wnid class name``.

    Labels are the places of the sorted folders. There is no validation part: ImageNet's validation images are
    the test images.

    Raises:
        DataError: a file or folder is missing, or a folder has no class name.
    """
    where = str(folder)
    try:
        names = read_class_names(folder / class_names)
        wnids = class_folders(folder / train)
        _check_names(wnids, names, folder / class_names)
        parts = {
            part: tuple(
                Item(f"{base}/{wnid}/{file}", label, names[wnid])
                for label, wnid in enumerate(wnids)
                for file in image_names(folder / base / wnid)
            )
            for part, base in (("train", train), ("test", test))
        }
    except OSError as error:
        raise DataError(_listing_fault(error, where)) from None
    return validated(Split(val=(), **parts), where)


def read_shifted(folder: Path, class_names: str, images: str) -> Split:
    """The split of a shifted ImageNet: test images only.

    A folder is called by its wnid, and labels are the places of the set's own sorted folders, so that a set of
    200 classes has labels 0 to 199; or it is called by its number, which is the line of ``class_names`` and the
    label (ImageNetV2).

    Raises:
        DataError: a file or folder is missing, or a folder has no class name.
    """
    where = str(folder / images)
    try:
        names = read_class_names(folder / class_names)
        found = class_folders(folder / images)
        by_number = all(name.isdecimal() for name in found)
        ordered = sorted(found, key=int) if by_number else found
        if by_number:
            lines = [str(number) for number in range(len(names))]
            names = dict(zip(lines, names.values(), strict=True))
        _check_names(ordered, names, folder / class_names)
        labels = {name: int(name) if by_number else place for place, name in enumerate(ordered)}
        test = tuple(
            Item(f"{name}/{file}", labels[name], names[name])
            for name in ordered
            for file in image_names(folder / images / name)
        )
    except OSError as error:
        raise DataError(_listing_fault(error, where)) from None
    return validated(Split(train=(), val=(), test=test), where, must_hold=("test",))


def read_class_names(path: Path) -> dict[str, str]:
    """From folder to class name, in the order of the file's lines ``folder class name``.

    The first space of a line ends the folder's name, or the first tab where the line has one.

    Raises:
        DataError: the file is missing, or a line has no class name or repeats a folder.
    """
    names: dict[str, str] = {}
    faults = []
    for number, line in enumerate(read_text(path, "the file of class names is missing.").splitlines(), start=1):
        folder, _, name = line.strip().partition("\t" if "\t" in line else " ")
        if not line.strip():
            continue
        if not name.strip():
            faults.append(Fault(f"{path}:{number}", f"must be a folder and its class name, not {line.strip()!r}."))
        elif folder in names:
            faults.append(Fault(f"{path}:{number}", f"names the folder {folder!r} a second time."))
        else:
            names[folder] = name.strip()
    if faults:
        raise DataError(faults)
    return names


def _check_names(folders: list[str], names: Mapping[str, str], file: Path) -> None:
    """Raise DataError when a folder has no class name."""
    unnamed = [name for name in folders if name not in names]
    if unnamed:
        shown = ", ".join(unnamed[:5])
        raise DataError(Fault(str(file), f"has no class name for {len(unnamed)} folders: {shown}."))


def _listing_fault(error: OSError, where: str) -> Fault:
    if isinstance(error, FileNotFoundError):
        return Fault(str(error.filename), "is missing.")
    return Fault(where, f"cannot be listed: {error}.")
