"""Somebody else's list of training images, in place of a draw.

ImageNet has no published few-shot subset: the authors' code samples from an unsorted listing, and lists that go
by the same number of shots and the same seed share hardly an image. Lists of two forms are about: JSON with the
images under ``train`` (and perhaps ``val``), and text with one image a line.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.data.few_shot import Subset, draw_validation
from harness.data.split import Item, Split
from harness.errors import DataError, Fault
from harness.matrix.cell import Shots

_WNID_BEHIND = re.compile(r"_n\d{8}(?=\.\w+$)")  # another common packing of ImageNet: n01440764_1_n01440764.JPEG


def listed_subset(split: Split, file: Path, shots: Shots, seed: int) -> Subset:
    """The training images that ``file`` lists, in its order; validation images as listed, else drawn.

    An image is found by its path, or by the end of it: lists have their authors' folders in front.

    Raises:
        DataError: the file cannot be read, or lists images that the split's training part does not have, or one
            twice, or leaves a class without any.
    """
    listed = _read(file)
    train = _indices(listed["train"], split.train, file)
    val_part = split.val or split.train
    val = _indices(listed["val"], val_part, file) if listed["val"] else draw_validation(split, train, shots, seed)
    sizes = Counter(split.train[index].label for index in train)
    empty = [name for label, name in enumerate(split.class_names) if not sizes[label]]
    if empty:
        what = f"lists no training images of {len(empty)} classes: {', '.join(empty[:5])}."
        raise DataError(Fault(str(file), what))
    fewer = tuple(
        name for label, name in enumerate(split.class_names) if isinstance(shots, int) and sizes[label] < shots
    )
    return Subset(train, val, fewer, val_from_train=not split.val)


def _read(file: Path) -> dict[str, list[str]]:
    """The listed paths of both parts."""
    try:
        text = file.read_text(encoding="utf-8")
        if text.lstrip().startswith(("{", "[")):
            content = json.loads(text)
            parts = content if isinstance(content, dict) else {"train": content}
            return {part: [_path(entry) for entry in _entries(parts.get(part))] for part in ("train", "val")}
    except (OSError, ValueError, TypeError) as error:
        raise DataError(Fault(str(file), f"is not a list of images: {error}.")) from None
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
    return line.split("\t")[0].strip() if "\t" in line else re.sub(r"(\s+\d+)+$", "", line.strip())


def _indices(paths: Sequence[str], items: Sequence[Item], file: Path) -> tuple[int, ...]:
    """The places of ``paths`` among ``items``."""
    by_path = {item.path: index for index, item in enumerate(items)}
    by_end: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        for end in _ends(item.path):
            by_end.setdefault(end, []).append(index)
    found: list[int] = []
    strange = []
    for path in paths:
        ends = (by_end.get(end, []) for end in _ends(_WNID_BEHIND.sub("", path)))
        sole = [places[0] for places in ends if len(places) == 1]  # an end of several images says nothing
        if path in by_path:
            found.append(by_path[path])
        elif sole:
            found.append(sole[0])
        else:
            strange.append(path)
    faults = []
    if strange:
        what = f"{len(strange)} of {len(paths)} images are not in the split, {strange[0]!r} first."
        faults.append(Fault(str(file), what))
    twice = [items[index].path for index, count in Counter(found).items() if count > 1]
    if twice:
        faults.append(Fault(str(file), f"lists {len(twice)} images twice, {twice[0]!r} first."))
    if not paths:
        faults.append(Fault(str(file), "lists no images."))
    if faults:
        raise DataError(faults)
    return tuple(found)


def _ends(path: str) -> tuple[str, str]:
    """The last two parts of a path, and the last one."""
    parts = path.replace("\\", "/").split("/")
    return "/".join(parts[-2:]), f"/{parts[-1]}"
