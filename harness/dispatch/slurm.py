"""Workers as jobs of a Slurm cluster, through submitit; all its machines see the results folder at one place."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import os
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.dispatch.launcher import USUAL_WORKERS, Handle, Site
from harness.dispatch.launches import Launch, LaunchedJob, forget, hand_over, intend, read_launches
from harness.dispatch.logs import ENGINE_LOG
from harness.dispatch.slurm_environment import in_the_way, without
from harness.dispatch.slurm_handle import SlurmHandle, judged
from harness.dispatch.slurm_queue import Watch, cancel, largest_array, queued_jobs, usual_time_min
from harness.dispatch.slurm_run import WorkerRun
from harness.errors import Fault, MatrixError, RunError
from harness.matrix.launching import Launching
from harness.plan.attempt import read_attempt

_USUAL_ARRAY = 1000  # one less than Slurm's own MaxArraySize
_TIMEOUTS = 10  # times that a job is queued again after its time limit; each goes on where the last one stood
_STOP_S = 120.0  # for Slurm to take down what was cancelled


class SlurmLauncher:
    """Jobs of a Slurm cluster, handed over many at a time as an array.

    A job that an earlier command handed over and that Slurm still has is followed, not handed over again.
    """

    def __init__(self, launching: Launching, folder: Path) -> None:
        """Jobs with these options; submitit's files go below ``folder``, ``results/<matrix>/slurm``.

        Raises:
            MatrixError: submitit is not installed, or Slurm is not on this machine.
        """
        require_slurm()
        self._launching = launching
        self._folder = folder
        self._watch = Watch()
        self._launches: list[Launch] = []
        self._handles: dict[Path, SlurmHandle] = {}
        array = largest_array() or _USUAL_ARRAY
        self._most = min(array, launching.max_submitted or array)

    @property
    def workers(self) -> int:
        """``max_concurrent``, or a usual number of places: how many a cluster lends nobody knows before."""
        return self._launching.max_concurrent or USUAL_WORKERS

    @property
    def room(self) -> int:
        """What one array holds, or ``max_submitted``, less the jobs that wait or run."""
        open_jobs = sum(handle.last.phase != "ended" for handle in self._handles.values())
        return max(0, self._most - open_jobs)

    def submit(self, folders: Sequence[Path]) -> list[SlurmHandle]:
        """Hand over those that Slurm does not have yet, as one array; a handle each, in order.

        Raises:
            RunError: Slurm refuses them; none is left in its queue.
        """
        known = self._known()
        new = [folder for folder in folders if folder.resolve() not in known]
        if new:
            known |= dict(zip((folder.resolve() for folder in new), self._hand_over(new), strict=True))
        handles = [SlurmHandle(folder, known[folder.resolve()], self._watch) for folder in folders]
        self._handles |= {handle.folder.resolve(): handle for handle in handles}
        return handles

    def stop(self, handles: Sequence[Handle]) -> None:
        """Cancel them, and wait until Slurm has taken them down; their workers are told first, and save."""
        chosen = [own for own in self._handles.values() if own in handles and own.last.phase != "ended"]
        if not chosen:
            return
        cancel([handle.job_id for handle in chosen])
        last = time.monotonic() + _STOP_S
        while chosen and time.monotonic() < last:
            self._watch.look_soon()
            for handle in tuple(chosen):
                seen, absent_s = self._watch.look(handle.job_id)
                if absent_s or (seen is not None and seen.phase == "ended"):
                    handle.end()
                    chosen.remove(handle)
            if chosen:
                time.sleep(0.5)

    def close(self) -> None:
        """Forget launches whose jobs have all ended; the others go on, and later commands find them."""
        for launch in self._launches:
            if all(map(self._has_ended, launch.jobs)):
                forget_launch(launch)

    def _has_ended(self, job: LaunchedJob) -> bool:
        """Whether a job is over; one of an earlier launch had perhaps ended before, and was not followed."""
        handle = self._handles.get(job.folder.resolve())
        if handle is not None:
            return handle.last.phase == "ended"
        seen, absent_s = self._watch.look(str(job.engine_id))
        over_s = absent_s if seen is None else math.inf
        return judged(read_attempt(job.folder), seen, over_s, absent_s).phase == "ended"

    def _known(self) -> dict[Path, str]:
        """By folder, the ids of jobs that earlier commands handed over."""
        followed = {launch.path for launch in self._launches}
        for launch in read_launches(self._folder.parent.parent, self._folder.parent.name):
            if launch.path not in followed and launch.is_handed_over:
                self._follow(launch)
        return {
            job.folder.resolve(): job.engine_id
            for launch in self._launches
            for job in launch.jobs
            if job.engine_id is not None
        }

    def _follow(self, launch: Launch) -> None:
        self._launches.append(launch)
        self._watch.add(launch.token, launch.user, [str(job.engine_id) for job in launch.jobs])

    def _hand_over(self, folders: Sequence[Path]) -> list[str]:
        """Slurm's ids of new jobs.

        Raises:
            RunError: Slurm refuses them.
        """
        options = self._options()
        launch = intend("slurm", folders)
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), without(in_the_way(options)):
                jobs = self._executor(launch, options).submit_array(
                    [WorkerRun(folder.resolve(), _stop_s(options["time"])) for folder in folders]
                )
        except Exception as error:
            raise _refused(launch, error) from error
        launch = hand_over(launch, [job.job_id for job in jobs])
        for folder, job in zip(folders, jobs, strict=True):
            _link(folder / ENGINE_LOG, job.paths.stdout)
        self._follow(launch)
        return [str(job.engine_id) for job in launch.jobs]

    def _executor(self, launch: Launch, options: dict[str, Any]) -> Any:
        from submitit import SlurmExecutor

        python = f"{shlex.quote(sys.executable)} -P"  # as in launcher.py
        executor = SlurmExecutor(self._folder / launch.id, max_num_timeout=_TIMEOUTS, python=python)
        executor.update_parameters(job_name=launch.token, **options)
        return executor

    def _options(self) -> dict[str, Any]:
        """The options of this launcher in submitit's words.

        Raises:
            RunError: no time limit is given, and Slurm does not say the usual one.
        """
        asked = self._launching
        time_min = asked.time_min or usual_time_min(asked.partition or os.environ.get("SBATCH_PARTITION"))
        if time_min is None:
            what = "Slurm does not say for how long a job of this partition may run."
            raise RunError(Fault("launcher.time", what, "Give a time limit: --time 4h, and perhaps --partition."))
        options: dict[str, Any] = {
            "partition": asked.partition,
            "account": asked.account,
            "qos": asked.qos,
            "constraint": asked.constraint,
            "time": time_min,
            "ntasks_per_node": 1,
            "array_parallelism": asked.max_concurrent or self._most,
            "signal_delay_s": _warning_s(time_min),
            "stderr_to_stdout": True,
            "wckey": None,  # submitit's own is refused where wckeys are checked
            "additional_parameters": {"requeue": True, **asked.sbatch},
            "setup": list(asked.setup) or None,
        }
        gpus = 1 if asked.gpus is None else int(asked.gpus)
        if gpus and not {"gres", "gpus", "gpus-per-task"} & set(asked.sbatch):
            options["gpus_per_node"] = gpus
        if asked.memory_gb is not None:
            options["mem"] = f"{round(asked.memory_gb * 1024)}M"
        if asked.cpus is not None:
            # srun does not take this over from sbatch since Slurm 22.05.
            options |= {"cpus_per_task": asked.cpus, "srun_args": [f"--cpus-per-task={asked.cpus}"]}
        return options


def open_slurm(launching: Launching, site: Site) -> SlurmLauncher:
    """A launcher whose jobs are lent what the site's device says.

    Raises:
        MatrixError: submitit is not installed, or Slurm is not on this machine.
    """
    lent = {"gpus": 0.0} if site.devices[0].kind == "cpu" else {}
    return SlurmLauncher(launching.model_copy(update=lent), site.folder / "slurm")


def require_slurm() -> None:
    """See that jobs can be handed to Slurm from here.

    Raises:
        MatrixError: with all that is missing.
    """
    faults = []
    if importlib.util.find_spec("submitit") is None:
        what = "slurm needs submitit, which is not installed."
        faults.append(Fault("--launcher", what, "`pip install 'coop-harness[slurm]'` brings it."))
    missing = [name for name in ("sbatch", "srun", "squeue", "scancel") if shutil.which(name) is None]
    if missing:
        what = f"Slurm is not on this machine: {', '.join(missing)} not found on PATH."
        faults.append(Fault("--launcher", what, "Run harness on a login node of the cluster, or take another."))
    if faults:
        raise MatrixError(faults)


def forget_launch(launch: Launch) -> None:
    """Remove a launch and what submitit needed for it; its logs stay."""
    forget(launch)
    for path in _engine_folder(launch).glob("*"):
        if not path.name.endswith((".out", ".err")):
            path.unlink(missing_ok=True)


def _engine_folder(launch: Launch) -> Path:
    return launch.path.parent.parent / "slurm" / launch.id


def _refused(launch: Launch, error: Exception) -> RunError:
    """What is told of a submission that failed, after making sure that nothing of it is queued."""
    words = " ".join(str(error).split()) or type(error).__name__
    strays = queued_jobs([launch.token], [launch.user])
    if strays is None:
        mend = f"It may have taken them all the same; the next `harness run` looks for jobs named {launch.token}."
        return RunError(Fault("sbatch", f"did not take the jobs: {words}", mend))
    cancel(list(strays))
    forget_launch(launch)
    mend = "Mend the section `launcher:` or the flags; with a limit on submitted jobs give `max_submitted:`."
    return RunError(Fault("sbatch", f"refuses the jobs: {words}", mend))


def _warning_s(time_min: int) -> int:
    """How long before the time limit a job is warned: two minutes, and half the time of the shortest."""
    return min(120, time_min * 30)


def _stop_s(time_min: int) -> float:
    """How long a worker may take to end: what is left after the warning, less what queueing again takes."""
    return _warning_s(time_min) * 2 / 3


def _link(link: Path, target: Path) -> None:
    """Point from a job's folder to Slurm's log; a file system without links has it only there."""
    with contextlib.suppress(OSError):
        link.symlink_to(os.path.relpath(target, link.parent.resolve()))
