"""Which devices this machine lends, found without torch."""

from __future__ import annotations

import itertools
import os
import subprocess
from dataclasses import dataclass

from harness.errors import Fault, MatrixError


@dataclass(frozen=True, slots=True)
class Device:
    """One worker's device: ``cpu`` or ``cuda``, and the CUDA_VISIBLE_DEVICES that makes it the only one."""

    kind: str
    visible: str | None = None


def choose_devices(option: str) -> tuple[Device, ...]:
    """One device a worker, by ``--device auto | cpu | cuda | cuda:N``.

    CUDA_VISIBLE_DEVICES is a pool to obey: N counts within it.

    Raises:
        MatrixError: the option is of another form, or asks for a GPU that is not there.
    """
    if option == "cpu":
        return (Device("cpu"),)
    gpus = _visible_gpus()
    if option in ("auto", "cuda") and gpus:
        return tuple(Device("cuda", gpu) for gpu in gpus)
    if option == "auto":
        return (Device("cpu"),)
    number = option.removeprefix("cuda:")
    if option.startswith("cuda:") and number.isdecimal() and int(number) < len(gpus):
        return (Device("cuda", gpus[int(number)]),)
    if option == "cuda" or (option.startswith("cuda:") and number.isdecimal()):
        raise MatrixError(Fault("--device", f"{option!r} is not here: {len(gpus)} GPUs are visible.", "Take cpu."))
    raise MatrixError(Fault("--device", f"must be auto, cpu, cuda or cuda:N, not {option!r}."))


def _visible_gpus() -> list[str]:
    """Names of the GPUs that may be used, as CUDA_VISIBLE_DEVICES spells them."""
    pool = os.environ.get("CUDA_VISIBLE_DEVICES")
    if pool is not None:
        # As CUDA reads it: what stands behind a name that is none is hidden.
        names = (name.strip() for name in pool.split(","))
        return list(itertools.takewhile(lambda name: name not in ("", "-1", "NoDevFiles"), names))
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in listed.stdout.splitlines() if line.strip()]
