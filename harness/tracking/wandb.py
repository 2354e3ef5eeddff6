"""Weights & Biases: one run a cell, with the cell's id; the only file that names wandb."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import wandb

from harness.matrix.cell import Cell
from harness.matrix.identity import display_names
from harness.store.record import RunRecord

_PROJECT = "harness"


class WandbTracker:
    """Mirrors each record as one finished W&B run.

    The mode follows ``WANDB_MODE``; without it, and without an API key, runs are written offline, so that
    nothing ever waits for a login.
    """

    def __init__(self, folder: Path, matrix: str) -> None:
        """Files go below ``folder``; runs are grouped by ``matrix``."""
        self._folder = folder
        self._matrix = matrix
        self._mode: Any = None if os.environ.get("WANDB_MODE") or _has_key() else "offline"

    def mirror(self, record: RunRecord) -> None:
        """Write one run: config, a row an epoch, and the summary."""
        self._folder.mkdir(parents=True, exist_ok=True)
        cell = Cell.from_dict(record.cell)
        run = wandb.init(
            id=record.cell_id,
            project=os.environ.get("WANDB_PROJECT") or _PROJECT,
            group=self._matrix,
            name=_name(cell),
            job_type="train" if record.history else cell.method,
            tags=[tag for tag in (cell.dataset, cell.method, cell.backbone, cell.protocol) if tag],
            config={**record.cell, "provenance": record.model_dump(mode="json")["provenance"]},
            dir=str(self._folder),
            mode=self._mode,
            reinit="create_new",
            resume="allow",
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, x_disable_meta=True),
        )
        run.define_metric("epoch")
        run.define_metric("train/*", step_metric="epoch")
        for row in record.history:
            run.log(
                {
                    "epoch": row.epoch,
                    "train/loss": row.loss,
                    "train/accuracy": row.train_accuracy,
                    "train/lr": row.lr,
                }
            )
        summary = {
            "accuracy": record.accuracy,
            "macro_f1": record.macro_f1,
            "n_correct": record.n_correct,
            "n_test": record.n_test,
            "status": record.status,
            "reason": record.reason,
            "seconds": record.timings.get("total_s"),
        }
        run.summary.update({key: value for key, value in summary.items() if value is not None})
        run.finish(exit_code=0 if record.status == "done" else 1)

    def close(self) -> None:
        """Runs are finished one by one; nothing is left open."""


def _has_key() -> bool:
    """Whether a login is at hand; asked without a prompt."""
    return bool(os.environ.get("WANDB_API_KEY") or wandb.api.api_key)


def _name(cell: Cell) -> str:
    """A readable name of one cell alone: data set, method, and its shots and seed."""
    parts = [cell.dataset, next(iter(display_names([cell]).values()))]
    parts += [cell.context or "", f"{cell.shots}-shot" if cell.shots else ""]
    parts += ["" if cell.seed is None else f"seed {cell.seed}"]
    return " ".join(filter(None, parts))
