"""What a tracker is, and the two that need nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from harness.store.record import RunRecord


class Tracker(Protocol):
    """Mirrors finished cells; a tracker that fails must not fail a cell."""

    def mirror(self, record: RunRecord) -> None:
        """Show one record; showing it again replaces it."""
        ...

    def close(self) -> None:
        """Let go of everything that is held."""
        ...


class NullTracker:
    """Mirrors nothing."""

    def mirror(self, record: RunRecord) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class MemoryTracker:
    """Keeps the records it was shown, by cell id; for tests."""

    def __init__(self) -> None:
        """Nothing shown yet."""
        self.shown: dict[str, RunRecord] = {}

    def mirror(self, record: RunRecord) -> None:
        """Keep the record."""
        self.shown[record.cell_id] = record

    def close(self) -> None:
        """Do nothing."""


class QuietTracker:
    """Another tracker whose failures are said once and then no longer tried."""

    def __init__(self, inner: Tracker, say: Callable[[str], None]) -> None:
        """Wrap ``inner``; ``say`` is told of its first failure."""
        self._inner: Tracker = inner
        self._say = say

    def mirror(self, record: RunRecord) -> None:
        """Pass the record on."""
        self._try(lambda: self._inner.mirror(record))

    def close(self) -> None:
        """Close the other tracker."""
        self._try(self._inner.close)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever a tracker raises, training goes on
            self._say(f"tracking stops, the records are complete: {type(error).__name__}: {error}")
            self._inner = NullTracker()


def open_tracker(name: str, folder: Path, matrix: str, say: Callable[[str], None]) -> Tracker:
    """The tracker of that name, ``none`` or ``wandb``; its files go into ``folder``."""
    if name == "none":
        return NullTracker()
    try:
        from harness.tracking.wandb import WandbTracker

        return QuietTracker(WandbTracker(folder, matrix), say)
    except Exception as error:  # noqa: BLE001 - see QuietTracker
        say(f"tracking is off: {type(error).__name__}: {error}")
        return NullTracker()
