"""Environment variables of sbatch that would have their way with jobs, and jobs handed over without them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# What sbatch takes from the environment before what a script says, and harness has to have its own way with.
_ALWAYS_OURS = (
    "ARRAY_INX", "ERROR", "JOB_NAME", "NO_REQUEUE", "OPEN_MODE", "OUTPUT", "REQUEUE", "SIGNAL", "TIMELIMIT",
    "WAIT",
)  # fmt: skip
_OURS_WHERE_GIVEN = ("account", "constraint", "partition", "qos")


def in_the_way(options: Mapping[str, Any]) -> set[str]:
    """The environment variables that would change jobs which are submitted with these options.

    Inside of a Slurm job those that tell of that job are among them.
    """
    ours = {f"SBATCH_{name}" for name in _ALWAYS_OURS}
    ours |= {f"SBATCH_{name.upper()}" for name in _OURS_WHERE_GIVEN if options[name] is not None}
    if "SLURM_JOB_ID" in os.environ:
        ours |= {name for name in os.environ if name.startswith(("SLURM_", "SLURMD_", "SRUN_"))} - {"SLURM_CONF"}
    return ours & set(os.environ)


@contextlib.contextmanager
def without(names: Iterable[str]) -> Iterator[None]:
    """Within, these environment variables are not set."""
    kept = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(kept)
