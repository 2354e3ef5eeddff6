"""How a job ended, as a value and in words."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.dispatch.logs import log_tail
from harness.plan.job import BROKE, OUT_OF_MEMORY, STOPPED


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that ended.

    Attributes:
        folder: the job's.
        status: the worker's exit status, ``None`` where nobody knows it.
        why: what the launcher says of it, empty mostly.
    """

    folder: Path
    status: int | None
    why: str = ""

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that the worker printed, or those of the engine where there was none."""
        return log_tail(self.folder, lines)


def spelled(ended: Ended) -> str:
    """How a worker ended, in words that go behind ``the worker``."""
    if ended.why:
        return f"is gone: {ended.why}"
    status: Any = ended.status
    if status is None:
        return "is gone, and nobody knows how it ended"
    if status == OUT_OF_MEMORY:
        return "ran out of memory"
    if status == STOPPED:
        return "was told to end by somebody else"
    if status == BROKE:
        return f"broke down: {last_line(ended)}"
    if status == -signal.SIGKILL:
        return "was killed by SIGKILL, as the system does when memory runs out"
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def last_line(ended: Ended) -> str:
    """The last thing that its worker printed."""
    return ended.log_tail(1).strip()
