"""A tracker by its name; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.errors import Fault, TrackingError
from harness.matrix.tracking import Tracking
from harness.tracking.tracker import NullTracker, Tracker


def open_tracker(choice: Tracking, folder: Path, patience_s: float, say: Callable[[str], None]) -> Tracker:
    """The tracker that was chosen.

    Args:
        choice: its name and options.
        folder: of the matrix, below which its files go.
        patience_s: how long one run may take, where the tracker can be told.
        say: is told what people should know, such as that runs are written offline.

    Raises:
        TrackingError: it is not installed.
    """
    try:
        if choice.tracker == "wandb":
            from harness.tracking.wandb import WandbTracker

            return WandbTracker(choice, folder, patience_s, say)
        if choice.tracker == "tensorboard":
            from harness.tracking.tensorboard import TensorboardTracker

            return TensorboardTracker(folder / "tensorboard")
    except ImportError as error:
        extra = "coop-harness[tensorboard]" if choice.tracker == "tensorboard" else choice.tracker
        mend = f"`pip install '{extra}'` brings it."
        raise TrackingError(Fault(choice.tracker, f"cannot be imported: {error}.", mend)) from None
    return NullTracker()
