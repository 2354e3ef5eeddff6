"""A process that holds claims: how it signs, how long it may be silent, and whether it has ended."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from harness.files import parsed_json


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that holds claims.

    Attributes:
        host: its machine's name, for people.
        kernel: names the boot of the machine and the space of its process numbers; empty where nothing does.
        process: its number there.
        started: when it started, in ticks since the boot, which tells it from a later process of its number.
        lease_s: how long it may be silent.
    """

    host: str
    kernel: str
    process: int
    started: int
    lease_s: float

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"


def parsed_owner(sign: bytes) -> Owner | None:
    """The owner of a sign of life; ``None`` when it is not whole."""
    try:
        content = parsed_json(sign)
        owner = Owner(
            host=str(content["host"]),
            kernel=str(content["kernel"]),
            process=int(content["process"]),
            started=int(content["started"]),
            lease_s=float(content["lease_s"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    return None if math.isnan(owner.lease_s) else owner  # no time is as long as that


def kernel_name() -> str:
    """What two processes have in common that can look at each other by number; empty where that is unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def started_at(process: int) -> int | None:
    """When a process started, in ticks since the boot; ``None`` when it has ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the command's name may hold anything
    return None if fields[0] in "ZX" else int(fields[19])


def has_ended(owner: Owner) -> bool:
    """Whether an owner on this machine has ended; one whose process may not be looked at has not."""
    started = started_at(owner.process)
    if started is not None:
        return started != owner.started
    try:
        os.kill(owner.process, 0)
    except PermissionError:
        return False
    except (ProcessLookupError, OverflowError):
        return True
    return True  # a zombie
