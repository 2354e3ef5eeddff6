"""A split: which images train, validate and test, in the order in which it was published."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from harness.errors import DataError, Fault
from harness.files import digest_text

PARTS = ("train", "val", "test")
# A tab or a line end would break the lines that digests are made of; a lone surrogate has no UTF-8 bytes.
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


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
    def class_names_digest(self) -> str:
        """SHA-256 over one line a class, in label order."""
        return digest_text("".join(f"{name}\n" for name in self.class_names))

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
    """SHA-256 over ``items_lines``: the fingerprint of a few-shot draw."""
    return digest_text(items_lines(items))


def items_lines(items: Iterable[Item]) -> str:
    """One line an image: ``path<TAB>label<TAB>class name``."""
    return "".join(f"{item.path}\t{item.label}\t{item.class_name}\n" for item in items)


def validated(split: Split, where: str, must_hold: tuple[str, ...] = ("train", "test")) -> Split:
    """The split itself, once it is known to be usable.

    Raises:
        DataError: labels have gaps, a label has two names, a path stands twice or leads out of the image base,
            a path or a name cannot stand in a line, or a part that must hold images is empty; all of them
            together.
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
        twice = next(path for path, count in Counter(paths).items() if count > 1)
        faults.append(Fault(where, f"{len(paths) - len(set(paths))} paths stand twice, {twice!r} first."))
    outside = [path for path in paths if _leads_out(path)]
    if outside:
        faults.append(Fault(where, f"{len(outside)} paths lead out of the image folder, {outside[0]!r} first."))
    broken = [item for item in everything if _UNFIT.search(item.path + item.class_name)]
    if broken:
        what = f"{len(broken)} paths or class names hold control characters or are not UTF-8, {broken[0]!r} first."
        faults.append(Fault(where, what))
    faults += [Fault(where, f"the part {part!r} is empty.") for part in must_hold if not getattr(split, part)]
    if faults:
        raise DataError(faults)
    return split


def _leads_out(path: str) -> bool:
    """Whether a path of a split is absolute or climbs; splits come from the net, too."""
    return not path or path[0] in "/\\" or ".." in path.replace("\\", "/").split("/") or path[1:2] == ":"
