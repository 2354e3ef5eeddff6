"""Where the jobs of earlier launches stand, seen once, for commands that do not follow them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.dispatch.launcher import JobState
from harness.dispatch.launches import Launch, LaunchedJob, read_launches
from harness.dispatch.slurm import forget_launch
from harness.dispatch.slurm_handle import judged
from harness.dispatch.slurm_queue import accounted_jobs, cancel, queued_jobs
from harness.plan.attempt import read_attempt

_HANDING_OVER_S = 600.0  # longer than the slowest sbatch
_YOUNG_S = 60.0  # Slurm may not list a job that it took just now


@dataclass(frozen=True, slots=True)
class Launched:
    """A launch and where each of its jobs stands; ``is_known`` is false where Slurm could not be asked."""

    launch: Launch
    jobs: tuple[tuple[LaunchedJob, JobState], ...]
    is_known: bool = True

    @property
    def live(self) -> tuple[tuple[LaunchedJob, JobState], ...]:
        """The jobs that wait or run, or may do so."""
        return tuple((job, state) for job, state in self.jobs if state.phase != "ended")


def look_at_launches(results: Path, matrix: str) -> list[Launched]:
    """The launches of a matrix, oldest first; Slurm is asked once for all.

    Raises:
        RecordError: the file of a launch cannot be read.
    """
    launches = read_launches(results, matrix)
    if not launches:
        return []
    queued = queued_jobs([launch.token for launch in launches], [launch.user for launch in launches])
    gone = {
        job.engine_id
        for launch in launches
        for job in launch.jobs
        if job.engine_id is not None and job.engine_id not in (queued or {})
    }
    seen = None if queued is None else queued | accounted_jobs(gone)
    found = []
    for launch in launches:
        young = time.time() - launch.created_s < _YOUNG_S
        jobs = []
        for job in launch.jobs:
            its = None if seen is None or job.engine_id is None else seen.get(job.engine_id)
            absent_s = math.inf if seen is not None and job.engine_id in gone and not young else 0.0
            jobs.append((job, judged(read_attempt(job.folder), its, math.inf, absent_s)))
        found.append(Launched(launch, tuple(jobs), is_known=queued is not None))
    return found


def tidy(launched: Sequence[Launched]) -> list[Launched]:
    """The launches that go on; those that have ended are forgotten.

    A launch that was broken off before the engine's ids were written down has its jobs cancelled: nobody could
    follow them, and submitit may not have left them what they need.
    """
    going_on = []
    for each in launched:
        if not each.launch.is_handed_over and not each.launch.is_being_handed_over(_HANDING_OVER_S):
            strays = queued_jobs([each.launch.token], [each.launch.user])
            if strays is not None:
                cancel(list(strays))
                forget_launch(each.launch)
                continue
        if each.live:
            going_on.append(each)
        else:
            forget_launch(each.launch)
    return going_on
