"""What runs inside a Slurm job: a worker, and its end in order when Slurm wants the place back.

submitit pickles a ``WorkerRun`` by its name, so that only the job's folder crosses.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness.dispatch.launcher import worker_command
from harness.dispatch.slurm_queue import goes_on
from harness.plan.job import LOG_FILE, STOPPED

# Slurm signals every process of a step; only this one knows what the warning means.
_DEAF_TO_WARNING = ["/bin/sh", "-c", 'trap "" USR1 USR2; exec "$@"', "sh"]


class WorkerRun:
    """Runs the worker of one job; ``checkpoint`` is what submitit calls before it queues the job again."""

    def __init__(self, folder: Path, stop_s: float) -> None:
        """Run the job in ``folder``; a worker that is told to stop has ``stop_s`` seconds."""
        self.folder = folder
        self.stop_s = stop_s
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> None:
        """Wait for the worker.

        A worker that was stopped although the job may run on was preempted with a time of grace, in which Slurm
        takes the end of a job for its last; so it is queued again in the way of a warning.

        Raises:
            SystemExit: the worker did not end well; Slurm then has its exit status.
        """
        environment = {"OMP_WAIT_POLICY": "passive", "PYTHONUNBUFFERED": "1", **os.environ}
        if cores := os.environ.get("SLURM_CPUS_PER_TASK"):
            environment["OMP_NUM_THREADS"] = cores
        with (self.folder / LOG_FILE).open("ab") as log:
            self._process = subprocess.Popen(
                [*_DEAF_TO_WARNING, *worker_command(self.folder, wait=True)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        status = self._process.wait()
        if status in (STOPPED, -signal.SIGTERM) and goes_on(_own_id()):
            signal.raise_signal(_warning())
        if status:
            sys.exit(status if status > 0 else 128 - status)

    def checkpoint(self) -> Any:
        """The same run again, after the worker has kept the state of its training and ended."""
        from submitit.helpers import DelayedSubmission

        process = self._process
        if process is not None and not _has_ended(process):
            process.terminate()
            last = time.monotonic() + self.stop_s
            while not _has_ended(process) and time.monotonic() < last:
                time.sleep(0.1)
            if not _has_ended(process):
                process.kill()
        return DelayedSubmission(WorkerRun(self.folder, self.stop_s))


def _own_id() -> str:
    """The job's id; by its plain number one job of an array has the array's, which would stand for all."""
    if array := os.environ.get("SLURM_ARRAY_JOB_ID"):
        return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ["SLURM_JOB_ID"]


def _warning() -> signal.Signals:
    """The signal that submitit takes for a warning."""
    return signal.Signals[f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}"]


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended; asked inside a signal handler, while ``wait`` holds its lock."""
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
