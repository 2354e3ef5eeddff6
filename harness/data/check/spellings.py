"""Images that are there under a name of another spelling: capitals, accents, the ending."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from harness.data.images import IMAGE_SUFFIXES
from harness.data.listing import names_in


class Spellings:
    """Looks for files that are there under a name with other capitals, accents or ending; listings are kept."""

    def __init__(self, base: Path) -> None:
        """Look below ``base``."""
        self._base = str(base)
        self._folders: dict[str, dict[str, str]] = {}

    def found(self, path: str) -> str | None:
        """The path under which the file is there, relative to the base; ``None`` when it is not."""
        here = self._base
        taken = []
        *folders, file = path.split("/")
        for name in folders:
            actual = self._names(here).get(folded(name))
            if actual is None:
                return None
            here = f"{here}/{actual}"
            taken.append(actual)
        names = self._names(here)
        actual = names.get(folded(file)) or names.get(folded(_stem(file)))
        if actual is None or not os.path.isfile(f"{here}/{actual}"):  # noqa: PTH113
            return None
        return "/".join((*taken, actual))

    def _names(self, folder: str) -> dict[str, str]:
        """From the folded name, and that without ending, to what is there."""
        if folder not in self._folders:
            names = names_in(folder)
            self._folders[folder] = {folded(_stem(name)): name for name in names} | {
                folded(name): name for name in names
            }
        return self._folders[folder]


def differs_in_spelling_only(path: str, other: str) -> bool:
    """Whether two paths name the same image but for capitals, accents and the two spellings of JPEG."""

    def plain(name: str) -> str:
        return re.sub(r"\.jpeg$", ".jpg", folded(name))

    return plain(path) == plain(other)


def folded(name: str) -> str:
    """The name without the differences that disks and archives make: capitals, and how accents are written."""
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    """The name without the ending of an image."""
    lower = name.lower()
    return next((name[: -len(suffix)] for suffix in IMAGE_SUFFIXES if lower.endswith(suffix)), name)
