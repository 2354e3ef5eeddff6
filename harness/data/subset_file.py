"""Somebody else's list of training images, in place of a draw.

ImageNet has no published few-shot subset: the authors' code samples from an unsorted listing, and lists that go
by the same number of shots and the same seed share hardly an image. Lists of two forms are about: JSON with the
images under ``train`` (and perhaps ``val``), and text with one image a line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from harness.data.few_shot import Subset, draw_validation
from harness.data.listing import WNID
from harness.data.split import Item, Split
from harness.errors import DataError, Fault
from harness.files import parsed_json
from harness.matrix.cell import Shots

# Another common packing of ImageNet: n01440764_1_n01440764.JPEG.
_WNID_BEHIND = re.compile(rf"_{WNID.pattern}(?=\.\w+$)")


def listed_subset(split: Split, file: Path, shots: Shots, seed: int) -> Subset:
    """The training images that ``file`` lists, in its order; validation images as listed, else drawn.

    An image is found by its path, or by the end of it: lists have their authors' folders in front.

    Raises:
        DataError: the file cannot be read, or lists images that the split's training part does not have, or one
            twice, or leaves a class without any, or has more of a class than ``shots``.
    """
    listed = _read(file)
    train = _indices(listed["train"], split.train, file)
    val_part = split.val or split.train
    val = _indices(listed["val"], val_part, file) if listed["val"] else draw_validation(split, train, shots, seed)
    sizes = Counter(split.train[index].label for index in train)
    names = tuple(enumerate(split.class_names))
    faults = []
    if empty := [name for label, name in names if not sizes[label]]:
        what = f"lists no training images of {len(empty)} classes: {', '.join(empty[:5])}."
        faults.append(Fault(str(file), what))
    if more := [name for label, name in names if isinstance(shots, int) and sizes[label] > shots]:
        what = f"lists more than {shots} training images of {len(more)} classes: {', '.join(more[:5])}."
        mend = "A list stands for one number of shots: write {shots} into its name, or ask for its own number."
        faults.append(Fault(str(file), what, mend))
    if not split.val and (both := set(train) & set(val)):
        what = f"lists {len(both)} images both to train and to validate, {split.train[min(both)].path!r} first."
        faults.append(Fault(str(file), what))
    if faults:
        raise DataError(faults)
    fewer = tuple(name for label, name in names if isinstance(shots, int) and sizes[label] < shots)
    return Subset(train, val, fewer, val_from_train=not split.val)


def _read(file: Path) -> dict[str, list[str]]:
    """The listed paths of both parts."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        if text.lstrip().startswith(("{", "[")):
            content = parsed_json(text)
            parts = content if isinstance(content, dict) else {"train": content}
            return {part: [_path(entry) for entry in _entries(parts.get(part))] for part in ("train", "val")}
    except OSError as error:
        what = f"the list of training images cannot be read: {error.strerror}."
        raise DataError(Fault(str(file), what)) from None
    except (ValueError, TypeError) as error:
        mend = 'Lists are text with one image a line, or JSON: `{"train": [PATH, ...]}`.'
        raise DataError(Fault(str(file), f"is not a list of images: {error}.", mend)) from None
    return {"train": [_first_field(line) for line in text.splitlines() if line.strip()], "val": []}


def _entries(part: Any) -> list[Any]:
    """The entries of a part, which may stand under ``data``."""
    found = part.get("data") if isinstance(part, dict) else part
    if found is None:
        return []
    if not isinstance(found, list):
        raise TypeError(f"a part must be a list of images, not {type(found).__name__}")
    return found


def _path(entry: Any) -> str:
    """The path in an entry: a string, ``[path, ...]``, or a mapping with ``impath`` or ``path``."""
    if isinstance(entry, dict):
        entry = entry.get("impath", entry.get("path"))
    if isinstance(entry, list) and entry:
        entry = entry[0]
    if not isinstance(entry, str):
        raise TypeError(f"an image must be a path, not {entry!r}")
    return entry


def _first_field(line: str) -> str:
    """The path of a line: all before a tab, or before a number at the end (``path label ...``)."""
    if "\t" in line:
        return line.split("\t")[0].strip()
    path = line.strip()
    while len(ends := path.rsplit(maxsplit=1)) == 2 and ends[1].isdecimal():
        path = ends[0]
    return path


def _indices(paths: Sequence[str], items: Sequence[Item], file: Path) -> tuple[int, ...]:
    """The places of ``paths`` among ``items``."""
    by_path = {item.path: index for index, item in enumerate(items)}
    by_name: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        by_name.setdefault(_parts(item.path)[-1], []).append(index)
    found: list[int] = []
    strange: list[str] = []
    unclear: list[str] = []
    for path in paths:
        if path in by_path:
            found.append(by_path[path])
            continue
        parts = _parts(path)
        parts[-1] = parts[-1] if parts[-1] in by_name else _WNID_BEHIND.sub("", parts[-1])
        common = {index: _common_end(_parts(items[index].path), parts) for index in by_name.get(parts[-1], ())}
        nearest = [index for index, n_parts in common.items() if n_parts and n_parts == max(common.values())]
        if len(nearest) == 1:
            found.append(nearest[0])
        else:
            (unclear if nearest else strange).append(path)
    faults = []
    if strange:
        what = f"{len(strange)} of {len(paths)} images are not in the split, {strange[0]!r} first."
        faults.append(Fault(str(file), what))
    if unclear:
        what = f"{len(unclear)} of {len(paths)} images may be any of several, {unclear[0]!r} first."
        faults.append(Fault(str(file), what, "Write their paths as the split has them."))
    twice = [items[index].path for index, count in Counter(found).items() if count > 1]
    if twice:
        faults.append(Fault(str(file), f"lists {len(twice)} images twice, {twice[0]!r} first."))
    if not paths:
        faults.append(Fault(str(file), "lists no images."))
    if faults:
        raise DataError(faults)
    return tuple(found)


def _common_end(path: Sequence[str], listed: Sequence[str]) -> int:
    """How many parts at their ends two paths share; 0 where that is too little to be the same image.

    A file's name alone is enough where one of the paths is no longer than that, and where the name begins with
    the class folder's (ImageNet's do). Elsewhere every class may have an ``image_0001.jpg``.
    """
    pairs = zip(reversed(path), reversed(listed), strict=False)
    n_parts = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    tells = n_parts > 1 or n_parts in (len(path), len(listed)) or path[-1].startswith(f"{path[-2]}_")
    return n_parts if tells else 0


def _parts(path: str) -> list[str]:
    """The folders and the name of a path, whichever way its slashes lean."""
    return path.replace("\\", "/").removeprefix("./").split("/")
