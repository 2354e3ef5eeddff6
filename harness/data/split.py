"""A split: which images train, validate and test, in the order in which it was published."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError, Fault
from harness.files import digest_text

PARTS = ("train", "val", "test")


class Item(NamedTuple):
    """One image: its path relative to the image base (or its name inside a package), label and class name."""

    path: str
    label: int
    class_name: str


@dataclass(frozen=True)
class Split:
    """The three parts of a data set; labels run from 0 to ``len(class_names) - 1``."""

    train: tuple[Item, ...]
    val: tuple[Item, ...]
    test: tuple[Item, ...]

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The class names in label order."""
        names = {item.label: item.class_name for part in PARTS for item in getattr(self, part)}
        return tuple(names[label] for label in sorted(names))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over one line an image, ``part<TAB>path<TAB>label<TAB>class name``, in order."""
        return digest_text(
            "".join(
                f"{part}\t{item.path}\t{item.label}\t{item.class_name}\n"
                for part in PARTS
                for item in getattr(self, part)
            )
        )


def items_digest(items: Iterable[Item]) -> str:
    """SHA-256 over one line an image, ``path<TAB>label<TAB>class name``: the fingerprint of a few-shot draw."""
    return digest_text("".join(f"{item.path}\t{item.label}\t{item.class_name}\n" for item in items))


def validated(split: Split, where: str) -> Split:
    """The split itself, once it is known to be usable.

    Raises:
        DataError: labels have gaps, a label has two names, a path stands twice, or a part that must hold
            images is empty; all of them together.
    """
    faults = []
    everything = [item for part in PARTS for item in getattr(split, part)]
    names: dict[int, set[str]] = {}
    for item in everything:
        names.setdefault(item.label, set()).add(item.class_name)
    if sorted(names) != list(range(len(names))):
        faults.append(Fault(where, f"labels must run from 0 to {len(names) - 1} without gaps."))
    for label, found in sorted(names.items()):
        if len(found) > 1:
            faults.append(Fault(where, f"label {label} has several class names: {', '.join(sorted(found))}."))
    paths = [item.path for item in everything]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        faults.append(Fault(where, f"{len(paths) - len(set(paths))} paths stand twice, {twice!r} first."))
    faults += [
        Fault(where, f"the part {part!r} is empty.") for part in ("train", "test") if not getattr(split, part)
    ]
    if faults:
        raise DataError(faults)
    return split


def read_split_json(path: Path) -> Split:
    """The split in a file of CoOp's form: ``{train, val, test}``, each a list of ``[path, label, class name]``.

    Raises:
        DataError: the file is missing or of another form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        parts = {part: tuple(Item(*_typed(row)) for row in content[part]) for part in PARTS}
    except FileNotFoundError:
        mend = "The split is published and is never drawn anew; put the file there."
        raise DataError(Fault(str(path), "the split file is missing.", mend)) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(Fault(str(path), f"is not a split of CoOp's form: {error!r}.")) from None
    return validated(Split(**parts), str(path))


def read_text_lists(folder: Path, names: str, lists: Mapping[str, str]) -> Split:
    """The split of FGVC-Aircraft's form: a file of class names and, a part, lines ``IMAGE CLASS NAME``.

    Args:
        folder: where the files are.
        names: file with one class name a line, in label order.
        lists: from part to file name.

    Raises:
        DataError: a file is missing, or names a class that is not in ``names``.
    """
    try:
        labels = {
            name.strip(): i for i, name in enumerate((folder / names).read_text(encoding="utf-8").splitlines())
        }
        parts: dict[str, tuple[Item, ...]] = {}
        for part, file in lists.items():
            lines = (folder / file).read_text(encoding="utf-8").splitlines()
            rows = [line.strip().split(" ", 1) for line in lines if line.strip()]
            parts[part] = tuple(Item(f"{image}.jpg", labels[name], name) for image, name in rows)
    except FileNotFoundError as error:
        raise DataError(Fault(str(error.filename), "the split list is missing.")) from None
    except (OSError, ValueError, KeyError) as error:
        raise DataError(Fault(str(folder), f"its lists are not of FGVC-Aircraft's form: {error!r}.")) from None
    return validated(Split(**parts), str(folder))


def read_class_folders(folder: Path, class_names: str, train: str, test: str) -> Split:
    """The split of ImageNet's form: a folder a class, names in a file of lines ``wnid class name``.

    Folders and files are sorted, so that the order does not depend on the file system. There is no validation
    part: ImageNet's validation images are the test images.

    Raises:
        DataError: a file or folder is missing, or a folder has no class name.
    """
    try:
        lines = (folder / class_names).read_text(encoding="utf-8").splitlines()
        names = dict(line.strip().split(" ", 1) for line in lines if line.strip())
        wnids = sorted(entry.name for entry in (folder / train).iterdir() if entry.is_dir())
        parts = {
            part: tuple(
                Item(f"{base}/{wnid}/{file}", label, names[wnid])
                for label, wnid in enumerate(wnids)
                for file in sorted(entry.name for entry in (folder / base / wnid).iterdir())
            )
            for part, base in (("train", train), ("test", test))
        }
    except FileNotFoundError as error:
        raise DataError(Fault(str(error.filename), "is missing.")) from None
    except (OSError, ValueError, KeyError) as error:
        raise DataError(Fault(str(folder), f"is not of ImageNet's form: {error!r}.")) from None
    return validated(Split(val=(), **parts), str(folder))


def _typed(row: Any) -> tuple[str, int, str]:
    path, label, name = row
    if not isinstance(path, str) or not isinstance(label, int) or not isinstance(name, str):
        raise TypeError(f"a row must be [path, label, class name], not {row!r}")
    return path, label, name
