"""Splits that stand in files: CoOp's JSON, and FGVC-Aircraft's lists."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.data.split import PARTS, Item, Split, validated
from harness.data.text_file import read_text
from harness.errors import DataError, Fault, few
from harness.files import parsed_json

_FORM = 'It is `{"train": [[path, label, class name], ...], "val": [...], "test": [...]}`, labels from 0.'


def read_split_json(path: Path) -> Split:
    """The split in a file of CoOp's form: ``{train, val, test}``, each a list of ``[path, label, class name]``.

    Raises:
        DataError: the file is missing or of another form.
    """
    mend = "The split is published and is never drawn anew; put the file there, or `harness data fetch` it."
    text = read_text(path, "the split file is missing.", mend)
    try:
        content = parsed_json(text)
        wrong = list(_wrong_parts(content))
    except ValueError as error:
        wrong = [f"it is not JSON ({error})"]
    if wrong:
        raise DataError(Fault(str(path), f"is not a split of CoOp's form: {few(wrong)}.", _FORM))
    parts = {part: tuple(Item(*row) for row in content[part]) for part in PARTS}
    return validated(Split(**parts), str(path))


def split_json(split: Split) -> bytes:
    """The split file as CoOp writes one: indented by four, ASCII, no final newline."""
    content = {part: [list(item) for item in getattr(split, part)] for part in PARTS}
    return json.dumps(content, indent=4, separators=(",", ": ")).encode("ascii")


def read_text_lists(folder: Path, names: str, lists: Mapping[str, str]) -> Split:
    """The split of FGVC-Aircraft's form: a file of class names and, a part, lines ``IMAGE CLASS NAME``.

    Args:
        folder: where the files are.
        names: file with one class name a line, in label order.
        lists: from part to file name.

    Raises:
        DataError: a file is missing, a line has no class, or one names a class that is not in ``names``; all such
            lines of all files together.
    """
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    for file in (names, *lists.values()):
        try:
            texts[file] = read_text(folder / file, "the split list is missing.")
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    labels = {name.strip(): label for label, name in enumerate(texts[names].splitlines())}
    parts: dict[str, tuple[Item, ...]] = {}
    for part, file in lists.items():
        rows = [line.strip().partition(" ") for line in texts[file].splitlines() if line.strip()]
        if classless := [image for image, _, name in rows if not name]:
            what = f"{len(classless)} lines are not of the form `IMAGE CLASS NAME`: {few(classless)}."
            faults.append(Fault(str(folder / file), what))
        if unknown := list(dict.fromkeys(name for _, _, name in rows if name and name not in labels)):
            what = f"names {len(unknown)} classes that are not in {names}: {few(unknown)}."
            faults.append(Fault(str(folder / file), what))
        if not faults:
            parts[part] = tuple(Item(f"{image}.jpg", labels[name], name) for image, _, name in rows)
    if faults:
        raise DataError(faults)
    return validated(Split(**parts), str(folder))


def _wrong_parts(content: Any) -> Iterator[str]:
    """What keeps parsed JSON from being a split."""
    if not isinstance(content, dict):
        yield f"it holds {type(content).__name__}, not an object"
        return
    for part in PARTS:
        if part not in content:
            yield f"the part {part!r} is missing"
        elif not isinstance(content[part], list):
            yield f"the part {part!r} is no list"
        else:
            wrong = ((at, row) for at, row in enumerate(content[part]) if not _is_row(row))
            yield from (f"{part}[{at}] is {row!r}"[:120] for at, row in wrong)


def _is_row(row: Any) -> bool:
    if not isinstance(row, list) or len(row) != 3:
        return False
    path, label, name = row
    return isinstance(path, str) and type(label) is int and isinstance(name, str)
