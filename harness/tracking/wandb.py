"""Weights & Biases: one run a cell, with the cell's id; the only file that names wandb."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import wandb

from harness.tracking.tracker import TrackedRun

_PROJECT = "harness"


class WandbTracker:
    """Mirrors each cell as one finished W&B run.

    The mode follows ``WANDB_MODE``; without it, and without an API key, runs are written offline, so that
    nothing ever waits for a login.
    """

    def __init__(self, folder: Path) -> None:
        """Files go below ``folder``."""
        self._folder = folder
        self._mode: Any = None if os.environ.get("WANDB_MODE") or _has_key() else "offline"

    def mirror(self, run: TrackedRun) -> None:
        """Write one run: config, a row an epoch, and the summary."""
        self._folder.mkdir(parents=True, exist_ok=True)
        live = wandb.init(
            id=run.id,
            project=os.environ.get("WANDB_PROJECT") or _PROJECT,
            group=run.group,
            name=run.name,
            job_type=run.job_type,
            tags=list(run.tags),
            config=dict(run.config),
            dir=str(self._folder),
            mode=self._mode,
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True),
        )
        live.define_metric("epoch")
        live.define_metric("train/*", step_metric="epoch")
        for row in run.history:
            live.log({key if key == "epoch" else f"train/{key}": value for key, value in row.items()})
        live.summary.update(dict(run.summary))
        live.finish(exit_code=0 if run.ok else 1)

    def close(self) -> None:
        """Runs are finished one by one; nothing is left open."""


def _has_key() -> bool:
    """Whether a login is at hand; asked without a prompt."""
    return bool(os.environ.get("WANDB_API_KEY") or wandb.api.api_key)
