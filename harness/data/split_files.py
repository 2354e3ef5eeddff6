"""Splits that stand in files: CoOp's JSON, and FGVC-Aircraft's lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.data.split import PARTS, Item, Split, validated
from harness.errors import DataError, Fault
from harness.files import parsed_json


def read_split_json(path: Path) -> Split:
    """The split in a file of CoOp's form: ``{train, val, test}``, each a list of ``[path, label, class name]``.

    Raises:
        DataError: the file is missing or of another form.
    """
    try:
        content = parsed_json(path.read_text(encoding="utf-8-sig"))
        parts = {part: tuple(Item(*_typed(row)) for row in content[part]) for part in PARTS}
    except FileNotFoundError:
        mend = "The split is published and is never drawn anew; put the file there, or `harness data fetch` it."
        raise DataError(Fault(str(path), "the split file is missing.", mend)) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(Fault(str(path), f"is not a split of CoOp's form: {error!r}.")) from None
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
        DataError: a file is missing, or names a class that is not in ``names``.
    """
    try:
        labels = {
            name.strip(): i for i, name in enumerate((folder / names).read_text(encoding="utf-8-sig").splitlines())
        }
        parts: dict[str, tuple[Item, ...]] = {}
        for part, file in lists.items():
            lines = (folder / file).read_text(encoding="utf-8-sig").splitlines()
            rows = [line.strip().split(" ", 1) for line in lines if line.strip()]
            parts[part] = tuple(Item(f"{image}.jpg", labels[name], name) for image, name in rows)
    except FileNotFoundError as error:
        raise DataError(Fault(str(error.filename), "the split list is missing.")) from None
    except (OSError, ValueError, KeyError) as error:
        raise DataError(Fault(str(folder), f"its lists are not of FGVC-Aircraft's form: {error!r}.")) from None
    return validated(Split(**parts), str(folder))


def _typed(row: Any) -> tuple[str, int, str]:
    path, label, name = row
    if not isinstance(path, str) or type(label) is not int or not isinstance(name, str):
        raise TypeError(f"a row must be [path, label, class name], not {row!r}")
    return path, label, name
