"""The launcher that a matrix and the flags ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.dispatch.devices import Device, choose_devices, one_a_worker
from harness.dispatch.launcher import USUAL_WORKERS, Launcher
from harness.dispatch.local import LocalLauncher
from harness.dispatch.ray import RayLauncher
from harness.errors import Fault, MatrixError
from harness.matrix.launching import Launching


def devices_of(launching: Launching, option: str) -> tuple[Device, ...]:
    """The devices of ``--device``: those of this machine, or what a cluster lends each of its jobs.

    Raises:
        MatrixError: the device is not here, or is not for the user to choose.
    """
    if launching.kind == "local":
        return choose_devices(option)
    if option.startswith("cuda:"):
        what = f"{option!r} names a GPU of this machine, and {launching.kind} chooses among its own."
        raise MatrixError(Fault("--device", what, "Take auto, cpu or cuda."))
    if option == "cuda" and launching.gpus == 0:
        what = f"'cuda' asks for a GPU, and a job on {launching.kind} is lent none: gpus is 0."
        raise MatrixError(Fault("--device", what, "Take auto or cpu, or other gpus."))
    if option == "auto" and launching.kind == "ray" and launching.gpus is None:
        return (Device("auto"),)  # the cluster has to be looked at, which RayLauncher does
    if option == "auto":
        return (Device("cpu" if launching.gpus == 0 else "cuda"),)
    return choose_devices("cpu") if option == "cpu" else (Device("cuda"),)


def workers_of(launching: Launching, devices: Sequence[Device]) -> tuple[Device, ...]:
    """The devices with an entry for each worker that runs at a time, as far as that is known before any runs.

    A cluster is not asked: it is thought to run ``max_concurrent`` jobs, or a usual number, and where only its
    nodes could tell what they lend, to lend what this machine would.

    Args:
        launching: the launcher's kind and options.
        devices: of ``devices_of``.
    """
    if launching.kind == "local":
        return one_a_worker(devices, launching.workers, launching.workers_per_gpu)
    kind = choose_devices("auto")[0].kind if devices[0].kind == "auto" else devices[0].kind
    return (Device(kind, threads=launching.cpus),) * (launching.max_concurrent or USUAL_WORKERS)


def make_launcher(launching: Launching, devices: Sequence[Device], folder: Path) -> Launcher:
    """A launcher; engines that are optional are imported here, when they are asked for.

    Args:
        launching: its kind and options.
        devices: of ``devices_of``.
        folder: of the matrix, below the results; a launcher's own files go into a folder of its name there.

    Raises:
        HarnessError: the engine is not installed, or cannot be reached.
    """
    if launching.kind == "local":
        return LocalLauncher(one_a_worker(devices, launching.workers, launching.workers_per_gpu))
    if devices[0].kind == "cpu":
        launching = launching.model_copy(update={"gpus": 0.0})
    if launching.kind == "slurm":
        from harness.dispatch.slurm import SlurmLauncher

        return SlurmLauncher(launching, folder / "slurm")
    if devices[0].kind == "cuda" and launching.gpus is None:
        launching = launching.model_copy(update={"gpus": 1.0})
    return RayLauncher(launching)


def lent_by(launcher: Launcher, devices: Sequence[Device]) -> tuple[Device, ...]:
    """The devices, now that the launcher has seen what there is to lend."""
    return (Device(launcher.device),) if isinstance(launcher, RayLauncher) else tuple(devices)
