"""Jobs as tasks of a Ray cluster.

What crosses is a job's folder, a worker's command line and a few variables; Ray lends the devices, and starts a
job anew when the process or the node that runs it dies.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.dispatch import remote
from harness.dispatch.launcher import Handle, JobState, Site, serve_command
from harness.dispatch.ray_cluster import Cluster, open_cluster
from harness.dispatch.ray_nodes import demand_of, describe
from harness.errors import Fault, MatrixError, RunError
from harness.matrix.launching import Launching
from harness.plan.job import JOB_FILE, LOG_FILE

_RETRIES = 3  # of a job whose process or node died
_LOOK_S = 1.0  # nodes and files of a network file system are not asked more often
_PROBE_S = 60.0  # a node that has not answered by then is not waited for
_NO_NODE_S = 600.0  # a job that no node is left for ends after this long
_STOP_S = remote.STOP_S + 5  # the time a worker has to end in order, and Ray to tell of it

# Of the command's variables those that the harness and what it uses are set up by; a node does not have them.
_PREFIXES = ("HARNESS_", "WANDB_", "HF_", "HUGGINGFACE_", "TRANSFORMERS_")
_NAMES = ("XDG_CACHE_HOME", "PYTHONPATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class RayHandle:
    """A job that Ray has."""

    def __init__(self, folder: Path, ray: Any, reference: Any, submission: str) -> None:
        """Watch ``reference``, the result to come of :func:`remote.keep_worker`."""
        self.folder = folder
        self.reference = reference
        self._ray = ray
        self._submission = submission
        self._now = JobState("queued")
        self._looked_at = 0.0

    def state(self) -> JobState:
        """How it stands; which attempt runs where, when it is not the first."""
        if self._now.phase == "ended":
            return self._now
        ready, _ = self._ray.wait([self.reference], timeout=0)
        if ready:
            self._now = self._end()
        elif self._now.phase == "queued" or time.monotonic() - self._looked_at > _LOOK_S:
            # One that is queued is looked at every time: it may be called back, and must not have begun then.
            self._looked_at = time.monotonic()
            self._now = self._attempt()
        return self._now

    def give_up(self, why: str) -> None:
        """Count it as ended; nothing will come of it."""
        self._now = self._ended(None, why)

    def _end(self) -> JobState:
        try:
            status, why = self._ray.get(self.reference)
        except self._ray.exceptions.TaskCancelledError:
            status, why = None, "stopped"
        except self._ray.exceptions.RayError as error:
            status, why = None, str(error)
        return self._ended(status, why)

    def _ended(self, status: int | None, why: str) -> JobState:
        if why and status is None:
            # Where people look first: the log may be all that is shown of a job that failed.
            with (self.folder / LOG_FILE).open("a", encoding="utf-8") as log:
                log.write(f"ray: {why}\n")
        return JobState("ended", status, why)

    def _attempt(self) -> JobState:
        told = remote.read_attempts(self.folder, self._submission)
        if not told:
            return JobState("queued")
        last = told[-1]
        return JobState("running", None, f"attempt {last['attempt']} on {last['node']}" if told[1:] else "")


class RayLauncher:
    """A Ray task a job, on a cluster that is there or on one that is started for the run."""

    def __init__(self, launching: Launching) -> None:
        """Join the cluster, or start one.

        Raises:
            MatrixError: Ray is not installed, the cluster cannot be joined, or no node of it can hold a job.
        """
        self._address = launching.address
        self._most = launching.max_concurrent
        self._cluster: Cluster | None = open_cluster(self._address)
        nodes = [node["Resources"] for node in self._cluster.nodes()]
        self._demand = demand_of(launching, nodes)
        self._handles: list[RayHandle] = []
        self._fit = self._count(nodes)
        self._counted_at = time.monotonic()
        self._fitted_at = time.monotonic()
        self._is_probed = self._cluster.address is None
        if not self._fit:
            self.close()
            raise MatrixError(_no_node(str(self._demand), nodes))

    @property
    def device(self) -> str:
        """What a job computes on: ``cuda`` where it is lent a GPU or a part of one, else ``cpu``."""
        return "cuda" if self._demand.gpus else "cpu"

    @property
    def workers(self) -> int:
        """As many as all living nodes hold at a time, other users of the cluster not counted; at least one."""
        fit = max(1, self._n_fit())
        return fit if self._most is None else min(fit, self._most)

    @property
    def room(self) -> int:
        """The workers without a job. Jobs wait here and not with Ray, so that they start in order."""
        self._handles = [handle for handle in self._handles if handle.state().phase != "ended"]
        if time.monotonic() - self._fitted_at > _NO_NODE_S:
            self._give_up_queued()
        return max(0, self.workers - len(self._handles))

    def submit(self, folders: Sequence[Path]) -> list[RayHandle]:
        """Have Ray start a worker on each.

        Raises:
            RunError: nodes do not see the results folder, or have no such Python; names all of them.
        """
        ray = self._open().ray
        if folders and not self._is_probed:
            self._probe(folders[0])
            self._is_probed = True
        # By value: the Python that Ray runs on the nodes need not know the harness.
        ray.cloudpickle.register_pickle_by_value(remote)
        try:
            keep = ray.remote(remote.keep_worker)
            new = [self._hand_over(keep, folder) for folder in folders]
        finally:
            ray.cloudpickle.unregister_pickle_by_value(remote)
        self._handles += new
        return new

    def stop(self, handles: Sequence[Handle]) -> None:
        """Cancel them, which ends their workers in order; kill what has not ended then."""
        chosen = [own for own in self._handles if own in handles and own.state().phase != "ended"]
        for is_forced, patience_s in ((False, _STOP_S), (True, _STOP_S)):
            if self._cluster is None or not chosen:
                return
            ray, references = self._cluster.ray, [own.reference for own in chosen]
            for reference in references:
                ray.cancel(reference, force=is_forced, recursive=False)
            ray.wait(references, num_returns=len(references), timeout=patience_s)
            chosen = [own for own in chosen if own.state().phase != "ended"]
        for own in chosen:
            own.give_up("its node does not answer; the worker there ends when it finds its keeper gone")

    def close(self) -> None:
        """End what still runs, leave the cluster, and end it where it was started here."""
        self.stop(self._handles)
        self._handles = []
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None

    def _open(self) -> Cluster:
        """The cluster; joined or started again after :meth:`close`, for another round of jobs."""
        if self._cluster is None:
            self._cluster = open_cluster(self._address)
        return self._cluster

    def _n_fit(self) -> int:
        """How many jobs the living nodes hold, as of a moment ago."""
        if time.monotonic() - self._counted_at > _LOOK_S:
            self._fit = self._count(node["Resources"] for node in self._open().nodes())
            self._counted_at = time.monotonic()
        if self._fit:
            self._fitted_at = time.monotonic()
        return self._fit

    def _count(self, nodes: Iterable[Mapping[str, float]]) -> int:
        return sum(self._demand.fit(node) for node in nodes)

    def _give_up_queued(self) -> None:
        for handle in self._handles:
            if handle.state().phase == "queued":
                self._open().ray.cancel(handle.reference, recursive=False)
                handle.give_up(f"no node is left that offers {self._demand}")

    def _probe(self, folder: Path) -> None:
        """Have every node that can hold a job look for the job's folder and for Python.

        Raises:
            RunError: with all that is lacking.
        """
        cluster = self._open()
        ray = cluster.ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ray.cloudpickle.register_pickle_by_value(remote)
        try:
            asked = [
                ray.remote(remote.look_around)
                .options(
                    num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                )
                .remote(str(folder), sys.executable)
                for node in cluster.nodes()
                if self._demand.fit(node["Resources"])
            ]
        finally:
            ray.cloudpickle.unregister_pickle_by_value(remote)
        answered, silent = ray.wait(asked, num_returns=len(asked), timeout=_PROBE_S)
        for reference in silent:
            ray.cancel(reference, force=True)
        lacks: list[str] = []
        for reference in answered:
            try:
                lacks += ray.get(reference)
            except ray.exceptions.RayError:  # the node went away; jobs that it would have had go to others
                continue
        if lacks:
            mend = (
                "Every node needs the results folder and this Python at the same paths, on a shared file system."
            )
            raise RunError([Fault("ray", f"{lack}.") for lack in lacks] + [Fault("", mend)])

    def _hand_over(self, keep: Any, folder: Path) -> RayHandle:
        errand = remote.Errand(
            folder=str(folder),
            job=str(folder / JOB_FILE),
            command=tuple(serve_command()),
            working_folder=str(Path.cwd()),
            environment=_environment(),
            submission=uuid.uuid4().hex,
            most_attempts=_RETRIES + 1,
        )
        options = {**self._demand.options(), "max_retries": _RETRIES, "name": folder.name}
        reference = keep.options(**options).remote(errand)
        return RayHandle(folder, self._open().ray, reference, errand.submission)


def open_ray(launching: Launching, site: Site) -> RayLauncher:
    """A launcher whose jobs are lent what the site's device says; ``auto`` leaves it to the cluster.

    Raises:
        MatrixError: Ray is not installed, the cluster cannot be joined, or no node of it can hold a job.
    """
    kind = site.devices[0].kind
    if kind == "cpu":
        launching = launching.model_copy(update={"gpus": 0.0})
    elif kind == "cuda" and launching.gpus is None:
        launching = launching.model_copy(update={"gpus": 1.0})
    return RayLauncher(launching)


def _environment() -> dict[str, str]:
    """What a worker needs of the command's variables; and that its log is whole and its waiting threads sleep."""
    chosen = {
        name: value for name, value in os.environ.items() if name.startswith(_PREFIXES) or name.upper() in _NAMES
    }
    return {"OMP_WAIT_POLICY": "passive", "PYTHONUNBUFFERED": "1", **chosen}


def _no_node(demand: str, nodes: Sequence[Mapping[str, float]]) -> Fault:
    offers = "; ".join(dict.fromkeys(describe(node) for node in nodes)) or "nothing: it has no node"
    mend = "Ask for less with --gpus, --cpus and --memory, or start such a node first."
    return Fault(
        "--launcher",
        f"a job asks for {demand}, and no node of the Ray cluster has that. It offers {offers}.",
        mend,
    )
