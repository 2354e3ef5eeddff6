"""How a job of Slurm stands: by what its worker left in its folder, else by what Slurm says of it."""

from __future__ import annotations

import time
from pathlib import Path

from harness.dispatch.launcher import CANCELLED, PREEMPTED, JobState
from harness.dispatch.slurm_queue import Seen, Watch
from harness.plan.attempt import Attempt, read_attempt
from harness.plan.job import OUT_OF_MEMORY, STOPPED

_SETTLE_S = 15.0  # for a status that a slow file system has not shown yet, once Slurm says that the job has ended
_ABSENT_S = 60.0  # the same where Slurm says nothing of the job any more
_LOOK_S = 1.0  # between two readings of a job's status file
_LOOK_AT_QUEUED_S = 5.0  # the same of one that waits: there may be a thousand


class SlurmHandle:
    """A job of Slurm."""

    def __init__(self, folder: Path, job_id: str, watch: Watch) -> None:
        """Follow it with ``watch``."""
        self.folder = folder
        self.job_id = job_id
        self._watch = watch
        self._attempt: Attempt | None = None
        self._next_look = 0.0
        self._ended_since: float | None = None
        self._last = JobState("queued")

    @property
    def last(self) -> JobState:
        """How it stood when it was last asked."""
        return self._last

    def state(self) -> JobState:
        """How it stands by its own status file, and where that is silent, by what Slurm says."""
        if self._last.phase != "ended":
            now = time.monotonic()
            seen, absent_s = self._watch.look(self.job_id)
            if now >= self._next_look:
                waits = seen is not None and seen.phase == "queued"
                self._next_look = now + (_LOOK_AT_QUEUED_S if waits else _LOOK_S)
                self._attempt = read_attempt(self.folder)
            is_over = absent_s > 0 or (seen is not None and seen.phase == "ended")
            if not is_over:
                self._ended_since = None
            elif self._ended_since is None:
                self._ended_since = now
            over_s = 0.0 if self._ended_since is None else now - self._ended_since
            self._last = judged(self._attempt, seen, over_s, absent_s)
        return self._last

    def end(self) -> None:
        """Take it for ended: Slurm has let go of it."""
        self._last = JobState("ended", STOPPED, CANCELLED)


def judged(attempt: Attempt | None, seen: Seen | None, over_s: float, absent_s: float) -> JobState:
    """How a job stands.

    Args:
        attempt: what its worker left in its folder.
        seen: what Slurm says of it; ``None`` where it says nothing.
        over_s: for how long Slurm has taken it for over.
        absent_s: for how long Slurm's queue has not had it.
    """
    status = None if attempt is None else attempt.status
    if status is not None and status != STOPPED:
        return JobState("ended", status)
    if seen is None and not absent_s:
        return JobState("queued", why="Slurm has not said anything of it yet")
    if seen is not None and seen.phase == "running":
        return JobState("running", why="" if seen.state == "RUNNING" else seen.state.lower())
    if seen is not None and seen.phase == "queued":
        return JobState("queued", why=seen.reason if attempt is None else PREEMPTED)
    why = "left the queue" if seen is None else seen.state.lower().replace("_", " ")
    if over_s < (_ABSENT_S if seen is None else _SETTLE_S):
        return JobState("running", why=why)
    if seen is None and attempt is None:
        why = CANCELLED  # of an array's job that is cancelled before it begins Slurm keeps nothing
    if why == "out of memory":
        return JobState("ended", OUT_OF_MEMORY, why)
    return JobState("ended", STOPPED if why in (CANCELLED, PREEMPTED) else status, why)
