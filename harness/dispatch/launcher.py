"""What a launcher is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

from harness.plan.job import JOB_FILE


class Handle(Protocol):
    """A job that was sent off."""

    def poll(self) -> int | None:
        """The worker's exit status; ``None`` while it runs."""
        ...

    def stop(self) -> None:
        """End the worker and wait until it is gone."""
        ...


class Launcher(Protocol):
    """A place with slots, each of which takes one job at a time."""

    @property
    def slots(self) -> int:
        """How many jobs run at once."""
        ...

    def submit(self, folder: Path, slot: int) -> Handle:
        """Start a worker on the job in ``folder``."""
        ...


def worker_command(folder: Path) -> list[str]:
    """The command line of a worker, the same for every launcher."""
    return [sys.executable, "-m", "harness.worker", str(folder / JOB_FILE)]
