"""How the files of a report are named: stems that no two tables share, nor two figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from harness.report.numbers.rows import Group

INDEX = "index"  # of every table and figure, taken from the beginning
Kind = Literal["table", "figure"]


class Stems:
    """File stems that were given out, so that no two tables share a file, nor two figures."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, Kind]] = {(INDEX, "table")}

    def take(self, wish: str, of: Kind = "table") -> str:
        """``wish``, or with a number behind it when it is taken; tables and figures have other file endings."""
        number, stem = 1, wish
        while (stem, of) in self._taken:
            number += 1
            stem = f"{wish}-{number}"
        self._taken.add((stem, of))
        return stem


def prefixes(groups: Sequence[Group]) -> dict[Group, str]:
    """How file names of a group start: nothing for a single group, else backbone and what differs."""
    if len(groups) == 1:
        return {groups[0]: ""}
    parts = [(group.backbone, group.precision, group.classes) for group in groups]
    differs = [True, *(len({part[place] for part in parts}) > 1 for place in (1, 2))]
    return {
        group: "".join(f"{slug(word)}-" for word, is_told in zip(part, differs, strict=True) if is_told)
        for group, part in zip(groups, parts, strict=True)
    }


def slug(word: str) -> str:
    """``word`` as part of a file name on every system: lower case, letters, digits, hyphen and underscore."""
    return re.sub(r"[^a-z0-9_]+", "-", word.lower()).strip("-") or "unnamed"
