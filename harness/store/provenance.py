"""From which code, packages and machine a record comes."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import harness

_PACKAGES = ("torch", "open_clip_torch", "numpy", "pillow", "scikit-learn", "safetensors")


def package_versions() -> dict[str, str]:
    """The versions of the packages that numbers depend on."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def git_state() -> tuple[str | None, bool | None]:
    """Commit of the harness's own checkout, and whether its files were changed; ``None`` when installed."""
    root = Path(harness.__file__).parent.parent
    if not (root / ".git").exists():
        return None, None
    commit, status = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain")
    return commit, None if status is None else bool(status)


def platform_name() -> str:
    """Operating system and processor family, without the host's name."""
    return f"{platform.system()}-{platform.machine()}"


@cache
def processor_name() -> str:
    """The processor's name as the system tells it, else its family: what a forecast is good for."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _git(root: Path, *arguments: str) -> str | None:
    try:
        found = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
