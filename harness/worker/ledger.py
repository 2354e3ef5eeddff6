"""What a job's cells take of the machine: time between records, and the most memory."""

import contextlib
import os
import resource
import sys
import time
import uuid
from pathlib import Path
from typing import NamedTuple

import torch

_HIGH_WATER = "VmHWM:"
_FORGET_HIGH_WATER = "5"  # proc(5), clear_refs: resets the peak resident set size


class Taken(NamedTuple):
    """Seconds since the record before, and the most memory in that time; ``None`` where nothing tells."""

    elapsed_s: float
    peak_host_bytes: int | None
    peak_device_bytes: int | None


class Ledger:
    """The time of one job, cut at its records: no second is counted twice or left out."""

    def __init__(self) -> None:
        """The job begins now."""
        self.job = uuid.uuid4().hex[:12]
        self.began = self._last = time.monotonic()
        self._told: set[object] = set()
        _forget_peaks()

    def take(self) -> Taken:
        """What was taken since the last time, or since the job began; the next reckoning begins here."""
        now = time.monotonic()
        taken = Taken(now - self._last, _peak_host_bytes(), _peak_device_bytes())
        self._last = now
        _forget_peaks()
        return taken

    def once(self, what: object, seconds: float) -> float:
        """Seconds that several cells share: all of them for the first that asks, 0 for the others."""
        if what in self._told:
            return 0.0
        self._told.add(what)
        return seconds


def process_age_s() -> float:
    """Seconds since this process started; 0 where the system does not tell."""
    try:
        ticks = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def _peak_host_bytes() -> int | None:
    """The most memory that was resident since the peak was forgotten, or since the process started."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(_HIGH_WATER))
    except (OSError, ValueError, StopIteration):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def _peak_device_bytes() -> int | None:
    return int(torch.cuda.max_memory_allocated()) if _has_gpu() else None


def _has_gpu() -> bool:
    """Whether this process computes on a GPU, without being the one that begins to."""
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def _forget_peaks() -> None:
    """Begin to look for the next peak; a system that forgets none shows that of the whole process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text(_FORGET_HIGH_WATER, encoding="ascii")
    if _has_gpu():
        torch.cuda.reset_peak_memory_stats()


START_S = process_age_s()  # read at import, by when almost everything that a worker imports is there
