"""What a tracker is, and the two that need nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """One finished cell as trackers show it.

    Attributes:
        id: the cell's id; the same cell is the same run, however often it is shown.
        name: for people.
        group: the matrix.
        job_type: ``train`` or the method.
        tags: data set, method, backbone, protocol.
        config: the resolved cell and where it comes from.
        history: one row an epoch; ``epoch`` counts from 1.
        summary: the final numbers.
        ok: whether the cell is done, not failed.
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


class Tracker(Protocol):
    """Mirrors finished cells; a tracker that fails must not fail a cell."""

    def mirror(self, run: TrackedRun) -> None:
        """Show one run; showing it again replaces it."""
        ...

    def close(self) -> None:
        """Let go of everything that is held."""
        ...


class NullTracker:
    """Mirrors nothing."""

    def mirror(self, run: TrackedRun) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class MemoryTracker:
    """Keeps the runs it was shown, by id; for tests."""

    def __init__(self) -> None:
        """Nothing shown yet."""
        self.shown: dict[str, TrackedRun] = {}

    def mirror(self, run: TrackedRun) -> None:
        """Keep the run."""
        self.shown[run.id] = run

    def close(self) -> None:
        """Do nothing."""
