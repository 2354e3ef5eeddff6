"""The launcher that a matrix and the flags ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from harness.dispatch.devices import Device, choose_devices, one_a_worker
from harness.dispatch.launcher import USUAL_WORKERS, Launcher, Site
from harness.dispatch.table import LauncherRow, launchers_with, open_launcher
from harness.errors import Fault, MatrixError
from harness.matrix.launching import Launching, with_flags
from harness.plugins.plugin import Plugin


def chosen_launcher(
    section: Launching, kind: str | None, flags: Mapping[str, Any], plugins: Iterable[Plugin]
) -> tuple[LauncherRow, Launching]:
    """The launcher of a matrix with the flags in its place: its row, and its kind and options.

    Args:
        section: of the matrix.
        kind: ``--launcher``; ``None`` for the section's.
        flags: by the names of the section; ``None`` where a flag was not given.
        plugins: that launchers may come from, besides the harness's own.

    Raises:
        MatrixError: the launcher is unknown, or a flag is not its own.
    """
    rows = launchers_with(plugins)
    launching = with_flags(section, kind, flags, {name: row.entry(name) for name, row in rows.items()})
    return rows[launching.kind], launching


def devices_of(row: LauncherRow, launching: Launching, option: str) -> tuple[Device, ...]:
    """The devices of ``--device``: those of this machine, or what a cluster lends each of its jobs.

    Raises:
        MatrixError: the device is not here, or is not for the user to choose.
    """
    if row.is_here:
        return choose_devices(option)
    if option.startswith("cuda:"):
        what = f"{option!r} names a GPU of this machine, and {launching.kind} chooses among its own."
        raise MatrixError(Fault("--device", what, "Take auto, cpu or cuda."))
    gpus = launching.asked("gpus")
    if option == "cuda" and gpus == 0:
        what = f"'cuda' asks for a GPU, and a job on {launching.kind} is lent none: gpus is 0."
        raise MatrixError(Fault("--device", what, "Take auto or cpu, or other gpus."))
    if option != "auto":
        return (Device(option),)
    if gpus is not None:
        return (Device("cpu" if gpus == 0 else "cuda"),)
    return (Device(row.auto),)  # where that is "auto", the cluster has to be looked at, which the launcher does


def workers_of(row: LauncherRow, launching: Launching, devices: Sequence[Device]) -> tuple[Device, ...]:
    """The devices with an entry for each worker that runs at a time, as far as that is known before any runs.

    A cluster is not asked: it is thought to run ``max_concurrent`` jobs, or a usual number, and where only its
    nodes could tell what they lend, to lend what this machine would.

    Args:
        row: of the launcher.
        launching: its kind and options.
        devices: of ``devices_of``.
    """
    if row.is_here:
        return one_a_worker(devices, launching.asked("workers"), launching.asked("workers_per_gpu"))
    kind = choose_devices("auto")[0].kind if devices[0].kind == "auto" else devices[0].kind
    n_workers = launching.asked("max_concurrent") or USUAL_WORKERS
    return (Device(kind, threads=launching.asked("cpus")),) * n_workers


def make_launcher(row: LauncherRow, launching: Launching, devices: Sequence[Device], folder: Path) -> Launcher:
    """A launcher; engines that are optional are imported here, when they are asked for.

    Args:
        row: of the launcher.
        launching: its kind and options.
        devices: of ``devices_of``.
        folder: of the matrix, below the results.

    Raises:
        HarnessError: the engine is not installed, or cannot be reached.
    """
    slots = workers_of(row, launching, devices) if row.is_here else tuple(devices)
    return open_launcher(row, launching, Site(slots, folder))


def lent_by(launcher: Launcher, devices: Sequence[Device]) -> tuple[Device, ...]:
    """The devices, now that the launcher has seen what there is to lend."""
    return (Device(cast("_Looking", launcher).device),) if devices[0].kind == "auto" else tuple(devices)


class _Looking(Protocol):
    """A launcher whose row says ``auto``: it finds out what jobs compute on."""

    @property
    def device(self) -> str: ...
