"""What folders hold, in byte order, whatever the disk says; what is hidden is left out."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.data.images import IMAGE_SUFFIXES

WNID = re.compile(r"n\d{8}")
"""How a class of ImageNet is called in the names of its folders and files: WordNet's number of the noun."""


def class_folders(folder: Path) -> list[str]:
    """The names of the folders in ``folder``.

    Raises:
        OSError: ``folder`` cannot be listed.
    """
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def image_names(folder: Path) -> list[str]:
    """The names of the image files in ``folder``, by their suffix.

    Raises:
        OSError: ``folder`` cannot be listed.
    """
    found = os.listdir(folder)  # noqa: PTH208 - a million Path objects take seconds
    return sorted(name for name in found if name.lower().endswith(IMAGE_SUFFIXES) and name[0] != ".")


def names_in(folder: str) -> list[str]:
    """The names of all that ``folder`` holds, hidden or not, in no order; none where it cannot be listed."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not Paths
    except OSError:
        return []


def folders_below(
    starts: Sequence[Path], deepest: int, most: int | None = None
) -> Iterator[tuple[Path, list[str]]]:
    """Folders with the names of those in them: the starts, then what lies below them, level by level.

    What cannot be listed is passed over, such as the ``lost+found`` of a disk. So are the folders of wnids: they
    hold images only, a thousand times.

    Args:
        starts: where to begin.
        deepest: levels below the starts.
        most: folders after which to stop.
    """
    queue = deque((start, 0) for start in starts)
    seen: set[Path] = set()
    while queue and (most is None or len(seen) < most):
        folder, depth = queue.popleft()
        if folder in seen:
            continue
        seen.add(folder)
        try:
            inside = class_folders(folder)
        except OSError:
            continue
        yield folder, inside
        if depth < deepest:
            queue.extend((folder / name, depth + 1) for name in inside if not WNID.fullmatch(name))
