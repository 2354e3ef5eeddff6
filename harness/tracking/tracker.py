"""What a tracker is, and the two that need nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness.matrix.tracking import Tracking

Value = str | float | int | None


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """One finished cell as trackers show it.

    Attributes:
        id: the cell's id; the same cell is the same run, however often it is shown.
        name: for people.
        group: the matrix.
        job_type: ``train``, ``zero_shot``, ``linear_probe``, ``evaluate``, or a method's own name.
        tags: data set, method, backbone, protocol.
        config: the resolved cell and where it comes from.
        history: one row an epoch; ``epoch`` counts from 1.
        summary: the final numbers.
        ok: whether the cell is done, not failed.
        digest: of the record; another digest is another content under the same id.
        files: the record and what was learned, by kind: ``record``, ``context``.
    """

    id: str
    name: str
    group: str
    job_type: str
    tags: tuple[str, ...]
    config: Mapping[str, Any]
    history: Sequence[Mapping[str, float]]
    summary: Mapping[str, Any]
    ok: bool
    digest: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as trackers show it: headings and rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class TrackedMatrix:
    """A whole matrix as trackers show it.

    Attributes:
        id: the same for the same matrix in the same results folder, however often it is shown.
        name: of the matrix.
        config: what the matrix is made of, by axis.
        progress: one row an ended cell, in the order in which they ended; ``hours`` counts from the first.
        summary: how many cells are done, failed and pending.
        tables: the aggregated tables, by title.
        figures: of the report, as PNG files, by title.
        digest: of all of that.
    """

    id: str
    name: str
    config: Mapping[str, Any]
    progress: Sequence[Mapping[str, float]]
    summary: Mapping[str, int]
    tables: Mapping[str, Grid]
    figures: Mapping[str, Path]
    digest: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What a tracker is opened with.

    Attributes:
        folder: of the matrix, below the results; a tracker's own files go below it.
        patience_s: how long one run may take, where the tracker can be told.
        say: is told what people should know, such as that runs are written offline.
    """

    folder: Path
    patience_s: float
    say: Callable[[str], None]


class Tracker(Protocol):
    """Mirrors finished cells. It may fail and it may hang: whoever calls it does so where that harms nothing."""

    @property
    def destination(self) -> str:
        """Where runs are shown, so that it is known what was shown there before; empty for nowhere."""
        ...

    @property
    def at_once(self) -> int:
        """How many runs may be shown at the same time, each by a thread of its own."""
        ...

    def holds(self, identifier: str) -> bool:
        """Whether a run that was shown is still there, as far as this machine can tell."""
        ...

    def mirror(self, run: TrackedRun) -> None:
        """Show one run; showing it again gives no second run and no further points."""
        ...

    def summarize(self, matrix: TrackedMatrix) -> None:
        """Show a whole matrix; showing it again gives no second run and no further points."""
        ...

    def close(self) -> None:
        """Let go of everything that is held."""
        ...


class NullTracker:
    """Mirrors nothing."""

    destination = ""
    at_once = 1

    def holds(self, identifier: str) -> bool:  # noqa: ARG002 - the same for every run
        """Nothing is ever lacking."""
        return True

    def mirror(self, run: TrackedRun) -> None:
        """Do nothing."""

    def summarize(self, matrix: TrackedMatrix) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def open_none(_: Tracking, __: Opening) -> NullTracker:
    """A tracker that mirrors nothing."""
    return NullTracker()
