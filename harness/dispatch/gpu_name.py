"""What a GPU is called, found without torch."""

from __future__ import annotations

import subprocess


def gpu_name(visible: str | None) -> str:
    """The name by which records know the GPU that CUDA_VISIBLE_DEVICES spells so; empty where nothing tells it."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    command += [] if visible is None else ["--id", visible]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return next((line.strip() for line in said.splitlines()), "")
