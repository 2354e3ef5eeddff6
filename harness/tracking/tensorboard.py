"""TensorBoard: one folder of event files a cell; the only file that names tensorboard."""

from __future__ import annotations

import glob
import json
import re
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.text.metadata import create_summary_metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from harness.matrix.tracking import Tracking
from harness.tracking.tracker import Grid, Opening, TrackedMatrix, TrackedRun


def open_tensorboard(_: Tracking, opening: Opening) -> TensorboardTracker:
    """A tracker whose runs are folders below the matrix's."""
    return TensorboardTracker(opening.folder / "tensorboard")


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
            with _Events(folder) as events:
                for row in run.history:
                    for key, value in row.items():
                        if key != "epoch":
                            events.scalar(f"train/{key}", value, int(row["epoch"]))
                last = int(run.history[-1]["epoch"]) if run.history else 0
                for key, value in run.summary.items():
                    if isinstance(value, (int, float)):
                        events.scalar(f"test/{key}", value, last)
                about = {"name": run.name, "group": run.group, "job_type": run.job_type, "tags": list(run.tags)}
                events.text("run", _code({**about, "summary": dict(run.summary)}))
                events.text("config", _code(run.config))
            for kind, path in run.files.items():
                shutil.copyfile(path, folder / f"{kind}{path.suffix}")

    def summarize(self, matrix: TrackedMatrix) -> None:
        """Write a whole matrix: progress as scalars, tables as text, figures as images.

        Raises:
            OSError: the folder cannot be written.
        """
        with (
            _Replaced(self._folder, matrix.id, self._folders(matrix.id)) as folder,
            _Events(folder) as events,
        ):
            for number, row in enumerate(matrix.progress, start=1):
                for key, value in row.items():
                    events.scalar(f"cells/{key}", value, number)
            events.text("config", _code(matrix.config))
            for title, grid in matrix.tables.items():
                events.text(f"tables/{title}", _markdown(grid))
            for title, path in matrix.figures.items():
                events.image(f"figures/{title}", path)

    def close(self) -> None:
        """Runs are written one by one; nothing is left open."""

    def _folders(self, identifier: str) -> list[Path]:
        """Folders of a run, one or none."""
        return [*self._folder.glob(f"*-{identifier}"), *self._folder.glob(identifier)]


class _Events:
    """An event file that is being written; the protocol buffers are TensorBoard's own."""

    def __init__(self, folder: Path) -> None:
        self._writer = EventFileWriter(str(folder))

    def __enter__(self) -> _Events:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def scalar(self, tag: str, value: float, step: int) -> None:
        """One point of a curve."""
        self._add(Summary.Value(tag=tag, simple_value=value), step)

    def text(self, tag: str, text: str) -> None:
        """Markdown."""
        tensor = TensorProto(dtype=DT_STRING, string_val=[text.encode()])
        metadata = create_summary_metadata(display_name=None, description=None)
        self._add(Summary.Value(tag=f"{tag}/text_summary", metadata=metadata, tensor=tensor), 0)

    def image(self, tag: str, path: Path) -> None:
        """A PNG file."""
        with Image.open(path) as image:
            width, height = image.size
        encoded = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=path.read_bytes())
        self._add(Summary.Value(tag=tag, image=encoded), 0)

    def _add(self, value: Any, step: int) -> None:
        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=[value])))


class _Replaced:
    """A new folder beside the others, which takes the old ones' place when all went well.

    Of one run there is one at a time: what is found half-made was left by a process that was killed.
    """

    def __init__(self, parent: Path, name: str, older: list[Path]) -> None:
        self._final, self._older = parent / name, older
        self._left = list(parent.glob(f".{glob.escape(name)}.*.part"))
        stamp = datetime.now(UTC).strftime("%H%M%S%f")
        self._new = parent / f".{name}.{stamp}.part"

    def __enter__(self) -> Path:
        for folder in self._left:
            shutil.rmtree(folder, ignore_errors=True)
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
