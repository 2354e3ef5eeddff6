"""Asking a worker process for what needs torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from harness.dispatch.devices import Device
from harness.dispatch.launcher import Launcher
from harness.dispatch.local import LocalLauncher
from harness.dispatch.watch import run_jobs
from harness.errors import Fault, HarnessError, RunError
from harness.plan.job import DONE, FAULTS_FILE, Job, write_job


def ask_worker(job: Job, devices: Sequence[Device]) -> Path:
    """The job's folder, after a worker of its own did the job and found nothing wrong.

    Raises:
        HarnessError: with all that the worker found, or with the end of its log where it broke down.
    """
    with closing(LocalLauncher(devices[:1])) as launcher:
        return ask(job, launcher)


def ask(job: Job, launcher: Launcher) -> Path:
    """The job's folder, after a worker of a launcher did the job and found nothing wrong.

    Raises:
        HarnessError: with all that the worker found, or with the end of its log where it broke down.
    """
    folder = write_job(job, 0)
    ended = run_jobs([folder], launcher, lambda _: None)[0]
    if ended.status != DONE:
        raise RunError(
            f"the {job.kind} job ended with status {ended.status}; "
            f"the end of {folder}/log.txt:\n{ended.log_tail()}"
        )
    faults = json.loads((folder / FAULTS_FILE).read_text(encoding="utf-8"))
    if faults:
        raise HarnessError(Fault(**fault) for fault in faults)
    return folder
