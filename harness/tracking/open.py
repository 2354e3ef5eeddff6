"""A tracker by its name, with its failures kept away from training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.tracking.tracker import NullTracker, TrackedRun, Tracker


class QuietTracker:
    """Another tracker whose failures are said once and then no longer tried."""

    def __init__(self, inner: Tracker, say: Callable[[str], None]) -> None:
        """Wrap ``inner``; ``say`` is told of its first failure."""
        self._inner: Tracker = inner
        self._say = say

    def mirror(self, run: TrackedRun) -> None:
        """Pass the run on."""
        self._try(lambda: self._inner.mirror(run))

    def close(self) -> None:
        """Close the other tracker."""
        self._try(self._inner.close)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # whatever a tracker raises, training goes on
            self._say(f"tracking stops, the records are complete: {type(error).__name__}: {error}")
            self._inner = NullTracker()


def open_tracker(name: str, folder: Path, say: Callable[[str], None]) -> Tracker:
    """The tracker of that name, ``none`` or ``wandb``; its files go into ``folder``."""
    if name == "none":
        return NullTracker()
    try:
        from harness.tracking.wandb import WandbTracker

        return QuietTracker(WandbTracker(folder), say)
    except Exception as error:  # see QuietTracker
        say(f"tracking is off: {type(error).__name__}: {error}")
        return NullTracker()
