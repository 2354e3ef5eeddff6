"""A job: what crosses to a worker process, as a file."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from harness.errors import Fault, RecordError
from harness.files import write_text
from harness.matrix.cell import Cell
from harness.matrix.schema import LogitsRule
from harness.matrix.source import DatasetSource
from harness.matrix.tracking import UNTRACKED, Tracking
from harness.matrix.weights import WeightsSource
from harness.plan.request import PromptsRequest
from harness.plugins.plugin import PluginSource
from harness.store.records import not_written

Kind = Literal["run", "check", "prompts"]


class Job(BaseModel):
    """What a worker is asked to do.

    Attributes:
        kind: ``run`` the cells, ``check`` that they can run, or do with ``prompts`` what is requested.
        matrix: name of the matrix.
        cells: flat cells.
        results: results folder, absolute.
        data: data root, absolute.
        sources: the data sets that the matrix brings along.
        weights: the weights files that the matrix brings along.
        plugins: those that methods, data sets or the tracker come from.
        device: ``cpu`` or ``cuda``.
        fewer_shots: whether a class with too few images is taken whole.
        tracking: where finished cells are mirrored to.
        logits: whether logits of test images are kept: where they are small (``auto``), ``always`` or ``never``.
        trust_weights: whether the user vouches for weights that are TorchScript archives.
        again: failed cells that are to be run once more: from cell id to the time of the failure that is known.
        request: what is asked of a job of kind ``prompts``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    kind: Kind
    matrix: str
    cells: tuple[dict[str, Any], ...]
    results: Path
    data: Path | None
    sources: tuple[DatasetSource, ...] = ()
    weights: tuple[WeightsSource, ...] = ()
    plugins: tuple[PluginSource, ...] = ()
    device: str
    fewer_shots: bool = False
    tracking: Tracking = UNTRACKED
    logits: LogitsRule = "auto"
    trust_weights: bool = False
    again: dict[str, str] = Field(default_factory=dict)
    request: PromptsRequest | None = None

    @field_validator("cells")
    @classmethod
    def _are_cells(cls, cells: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for flat in cells:
            Cell.from_dict(flat)
        return cells

    def cell_values(self) -> tuple[Cell, ...]:
        """The cells as values."""
        return tuple(Cell.from_dict(flat) for flat in self.cells)


JOB_FILE, LOG_FILE, EVENTS_FILE, FAULTS_FILE = "job.json", "log.txt", "events.jsonl", "faults.json"
ANSWER_FILE = "answer.json"  # of a job that is asked something

# Exit statuses of a worker. Any other, a signal's included, means that it broke down.
DONE = 0  # every cell has its record, failed ones included, or is held by another worker
BROKE = 1  # a defect outside of a cell; Python's own status for a traceback
NOT_BEGUN = 2  # something is missing or wrong that all cells of the job need; the log says what
OUT_OF_MEMORY = 3  # memory did not hold some cells, which are unfinished
NOT_WRITTEN = 4  # records cannot be written: the disk is full, or the folder is read-only
STOPPED = 143  # it was told to end, and did so in order; what 128 + SIGTERM is in a shell


def write_job(job: Job, number: int) -> Path:
    """Write the job into a folder of its own, ``results/<matrix>/jobs/<time>-<process>-<number>-<kind>``.

    Process numbers are told apart by a random part, since several machines may share the folder.

    Raises:
        NotWrittenError: the disk is full, or the folder read-only.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    process = f"{os.getpid()}x{secrets.token_hex(2)}"
    folder = job.results / job.matrix / "jobs" / f"{stamp}-{process}-{number:03d}-{job.kind}"
    try:
        folder.mkdir(parents=True)
        write_text(folder / JOB_FILE, job.model_dump_json(indent=1) + "\n", durable=False)
    except OSError as error:
        raise not_written(error, folder) from None
    return folder


def read_job(path: Path) -> Job:
    """The job in a file.

    Raises:
        RecordError: the file is not a job.
    """
    try:
        return Job.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(Fault(str(path), f"is not a job file: {error}.")) from None


def flat_cells(cells: Sequence[Cell]) -> tuple[dict[str, Any], ...]:
    """Cells in the form that a job file holds."""
    return tuple(cell.to_dict() for cell in cells)
