"""TensorBoard: one folder of event files a cell; the only file that names tensorboardX."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tensorboardX import SummaryWriter

from harness.tracking.tracker import Grid, TrackedMatrix, TrackedRun


class TensorboardTracker:
    """Mirrors each cell as one run: a folder that is named for people and ends in the cell's id."""

    destination = "tensorboard"
    at_once = 1

    def __init__(self, folder: Path) -> None:
        """Runs are folders of ``folder``, which is what ``tensorboard --logdir`` takes."""
        self._folder = folder

    def holds(self, identifier: str) -> bool:
        """Whether its folder is there."""
        return bool(self._folders(identifier))

    def mirror(self, run: TrackedRun) -> None:
        """Write one run: a scalar an epoch, the final numbers, and config, record and files as text.

        Raises:
            OSError: the folder cannot be written.
        """
        with _Replaced(self._folder, f"{_slug(run.name)}-{run.id}", self._folders(run.id)) as folder:
            with SummaryWriter(logdir=str(folder)) as writer:
                for row in run.history:
                    for key, value in row.items():
                        if key != "epoch":
                            writer.add_scalar(f"train/{key}", value, int(row["epoch"]))
                last = int(run.history[-1]["epoch"]) if run.history else 0
                for key, value in run.summary.items():
                    if isinstance(value, (int, float)):
                        writer.add_scalar(f"test/{key}", value, last)
                about = {"name": run.name, "group": run.group, "job_type": run.job_type, "tags": list(run.tags)}
                writer.add_text("run", _code({**about, "summary": dict(run.summary)}))
                writer.add_text("config", _code(run.config))
            for kind, path in run.files.items():
                shutil.copyfile(path, folder / f"{kind}{path.suffix}")

    def summarize(self, matrix: TrackedMatrix) -> None:
        """Write a whole matrix: progress as scalars, tables as text, curves as images.

        Raises:
            OSError: the folder cannot be written.
        """
        with (
            _Replaced(self._folder, matrix.id, self._folders(matrix.id)) as folder,
            SummaryWriter(logdir=str(folder)) as writer,
        ):
            for number, row in enumerate(matrix.progress, start=1):
                for key, value in row.items():
                    writer.add_scalar(f"cells/{key}", value, number)
            writer.add_text("config", _code(matrix.config))
            for title, grid in matrix.tables.items():
                writer.add_text(f"tables/{title}", _markdown(grid))
            for title, path in matrix.figures.items():
                with Image.open(path) as image:
                    pixels = np.asarray(image.convert("RGB"))
                writer.add_image(f"curves/{title}", pixels, dataformats="HWC")

    def close(self) -> None:
        """Runs are written one by one; nothing is left open."""

    def _folders(self, identifier: str) -> list[Path]:
        """Folders of a run, one or none."""
        return [*self._folder.glob(f"*-{identifier}"), *self._folder.glob(identifier)]


class _Replaced:
    """A new folder beside the others, which takes the old ones' place when all went well."""

    def __init__(self, parent: Path, name: str, older: list[Path]) -> None:
        self._final, self._older = parent / name, older
        stamp = datetime.now(UTC).strftime("%H%M%S%f")
        self._new = parent / f".{name}.{stamp}.part"

    def __enter__(self) -> Path:
        self._new.mkdir(parents=True)
        return self._new

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            shutil.rmtree(self._new, ignore_errors=True)
            return
        for folder in self._older:
            shutil.rmtree(folder)
        self._new.replace(self._final)


def _slug(name: str) -> str:
    """``name`` as a folder's name on every system."""
    return re.sub(r"[^A-Za-z0-9._=]+", "-", name).strip("-.") or "run"


def _code(value: Mapping[str, Any]) -> str:
    """A mapping as a block of Markdown."""
    lines = json.dumps(value, indent=1, ensure_ascii=False).splitlines()
    return "\n".join(f"    {line}" for line in lines)


def _markdown(grid: Grid) -> str:
    """A table as Markdown."""
    rows = [grid.columns, ("---",) * len(grid.columns), *grid.rows]
    return "\n".join("| " + " | ".join("" if word is None else str(word) for word in row) + " |" for row in rows)
