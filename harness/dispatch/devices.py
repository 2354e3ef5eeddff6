"""Which devices this machine lends, found without torch, and how workers share them."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.errors import Fault, MatrixError
from harness.host import cpu_threads

_LISTED = re.compile(r"\s*(?P<kind>GPU|MIG)\b.*\(UUID: (?P<uuid>[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Device:
    """One worker's device.

    Attributes:
        kind: ``cpu`` or ``cuda``.
        visible: the CUDA_VISIBLE_DEVICES that makes it the only one.
        threads: the worker's share of this machine's cores; ``None`` for all of them.
    """

    kind: str
    visible: str | None = None
    threads: int | None = None


def device_faults(option: str) -> list[Fault]:
    """What is wrong with the words of ``--device``, whatever is here."""
    number = option.removeprefix("cuda:")
    if option in ("auto", "cpu", "cuda") or (number != option and number.isdecimal()):
        return []
    return [Fault("--device", f"must be auto, cpu, cuda or cuda:N, not {option!r}.")]


def choose_devices(option: str) -> tuple[Device, ...]:
    """The devices of ``--device auto | cpu | cuda | cuda:N``: all GPUs, or one of them, or the CPU.

    CUDA_VISIBLE_DEVICES is a pool to obey: N counts within it.

    Raises:
        MatrixError: the option is of another form, or asks for a GPU that is not there.
    """
    if faults := device_faults(option):
        raise MatrixError(faults)
    if option == "cpu":
        return (Device("cpu"),)
    gpus = _visible_gpus()
    if option in ("auto", "cuda") and gpus:
        return tuple(Device("cuda", gpu) for gpu in gpus)
    if option == "auto":
        return (Device("cpu"),)
    if option != "cuda" and int(option.removeprefix("cuda:")) < len(gpus):
        return (Device("cuda", gpus[int(option.removeprefix("cuda:"))]),)
    raise MatrixError(Fault("--device", f"{option!r} is not here: {len(gpus)} GPUs are visible.", "Take cpu."))


def one_a_worker(
    devices: Sequence[Device], workers: int | None = None, workers_per_gpu: int | None = None
) -> tuple[Device, ...]:
    """The devices with an entry a worker, who share the cores of this machine.

    Args:
        devices: that may be used.
        workers: worker processes on the CPU; one without it.
        workers_per_gpu: worker processes that share a GPU; one without it. The first of every GPU come first.
    """
    repeated = workers if devices[0].kind == "cpu" else workers_per_gpu
    spread = list(devices) * (repeated or 1)
    each, more = divmod(cpu_threads(), len(spread))
    return tuple(replace(device, threads=max(1, each + (i < more))) for i, device in enumerate(spread))


def _visible_gpus() -> list[str]:
    """Names of the GPUs that may be used, as CUDA_VISIBLE_DEVICES spells them."""
    pool = os.environ.get("CUDA_VISIBLE_DEVICES")
    if pool is not None:
        # As CUDA reads it: what stands behind a name that is none is hidden.
        names = (name.strip() for name in pool.split(","))
        return list(itertools.takewhile(lambda name: name not in ("", "-1", "NoDevFiles"), names))
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return _listed_gpus(listed.stdout)


def _listed_gpus(listing: str) -> list[str]:
    """The UUIDs in a listing of the driver; of a GPU that is cut into MIG instances those of its instances.

    CUDA and the driver may number GPUs differently, and a worker sees one instance at most.
    """
    found: list[str] = []
    whole: str | None = None
    for line in listing.splitlines():
        match = _LISTED.match(line)
        if match is None:
            continue
        if match["kind"] == "GPU":
            whole = match["uuid"]
        elif whole is not None and found[-1:] == [whole]:
            found.pop()
        found.append(match["uuid"])
    return found
