"""How much memory this machine can still lend. No torch here."""

from __future__ import annotations

from pathlib import Path

_UNKNOWN_BYTES = 4 << 30  # what is reckoned with where the system does not tell
_CGROUP = Path("/sys/fs/cgroup")


def available_bytes(meminfo: Path = Path("/proc/meminfo"), cgroup: Path = _CGROUP) -> int:
    """Memory that can be had without swapping, caches that would make room included; a container may have less."""
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        free = _UNKNOWN_BYTES
    try:
        most = int((cgroup / "memory.max").read_text(encoding="ascii"))
        return max(0, min(free, most - int((cgroup / "memory.current").read_text(encoding="ascii"))))
    except (OSError, ValueError):  # no container, or one without a limit
        return free
