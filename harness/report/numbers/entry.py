"""One cell of a matrix with what is known of it: the only thing that a report is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.matrix.cell import Cell
from harness.store.record import RunRecord
from harness.store.words import Words

Gap = Literal["missing", "failed", "stale"]
GAPS: tuple[Gap, ...] = ("missing", "failed", "stale")  # the order in which footnotes name them

Place = tuple[str, str]  # Cell.target: data set and classes whose test images are evaluated on
HALVES = ("base", "new")


@dataclass(frozen=True, slots=True)
class Entry:
    """A cell that the matrix asks for, and its record.

    Attributes:
        cell: what was asked for.
        record: what came out; ``None`` or a failed one where there is a gap.
        gap: why there is no usable number; ``None`` when there is one.
        words: the nearest words of what was learned, where they were read.
        like: the data set whose numbers of a protocol the cell's has, where that is another one.
        why: what a stale record lacks, in words; empty where there is nothing to say.
        label: of a method that a plug-in brings along; empty for others.
    """

    cell: Cell
    record: RunRecord | None = None
    gap: Gap | None = None
    words: Words | None = None
    like: str | None = None
    why: str = ""
    label: str = ""

    @property
    def hole(self) -> Gap | None:
        """``gap``, or what the record itself says: a number that cannot be used is never taken for one."""
        if self.gap is not None:
            return self.gap
        if self.record is None:
            return "missing"
        return "failed" if self.record.accuracy is None else None

    @property
    def accuracy(self) -> float | None:
        """Right answers over test images, a fraction; ``None`` where there is a gap."""
        return None if self.record is None or self.hole else self.record.accuracy
