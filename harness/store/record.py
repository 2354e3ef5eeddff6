"""The record of one cell: what was asked, what came out, and from what it was made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id

SCHEMA_VERSION: Literal[1] = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassCount(_Frozen):
    """Test images of one class: how many there are, were predicted rightly, and were predicted as this class."""

    name: str
    n_test: int = Field(ge=0)
    n_correct: int = Field(ge=0)
    n_predicted: int = Field(ge=0)


class EpochRow(_Frozen):
    """One epoch: number from 1, learning rate, mean loss a batch, training accuracy (a fraction)."""

    epoch: int
    lr: float
    loss: float
    train_accuracy: float


class ContextFile(_Frozen):
    """The learned context beside the record; shape (n_ctx, width) or (classes, n_ctx, width)."""

    file: str
    sha256: str
    shape: tuple[int, ...]


class LogitsFile(_Frozen):
    """The logits of the test images beside the record; shape (test images, classes)."""

    file: str
    sha256: str
    shape: tuple[int, int]


class Provenance(_Frozen):
    """From what, with what and where the numbers were made; digests are SHA-256.

    ``subset_digest`` covers the training images of the few-shot draw, ``list_digest`` the file that lists them
    where they were not drawn, and ``images_digest`` the image files' sizes and times of change (``None`` for data
    that comes with a package). ``target_digest`` is the split's of another data set that was evaluated on, and
    ``prompt_digest`` the file's of a context that was imported. ``plugins`` has the digest of each plug-in that
    the method or a data set comes from, by its name, and ``method_version`` is the method's; without plug-ins
    neither stands in the JSON.
    ``weights_trusted`` says that the weights were opened because of ``--trust-weights``, which archives need that
    OpenAI did not publish.
    """

    harness_version: str
    git_commit: str | None
    git_dirty: bool | None
    packages: dict[str, str]
    python: str
    platform: str
    device: str
    precision: str
    weights_digest: str
    weights_trusted: bool = False
    split_digest: str
    subset_digest: str | None
    images_digest: str | None
    list_digest: str | None = None
    target_digest: str | None = None
    prompt_digest: str | None = None
    plugins: dict[str, str] = Field(default_factory=dict)
    method_version: int = 0
    seeds: dict[str, int]

    @model_serializer(mode="wrap")
    def _without_plugins(self, serialized: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = serialized(self)
        for name in () if self.plugins else ("plugins", "method_version"):
            content.pop(name, None)
        return content


class Spent(_Frozen):
    """What a cell took of the machine, for the forecasts of others.

    Attributes:
        job: tells the jobs of workers apart; means nothing else.
        processor: name of the processor.
        threads: that the worker computed with.
        elapsed_s: since the job's record before, or since the job began; over a job they add up to its time.
        start_s: from the start of the worker's process until it could begin its first job.
        load_s: from the job's beginning until the backbone was there; 0 for all but the first record after it.
        draw_s: decoding of the training images; 0 for all but the first record of the draw.
        words_s: the search for the nearest words.
        image_bytes: of a decoded training image, the mean over the draw; ``None`` without a draw.
        peak_host_bytes: most memory of the process since the job's record before; ``None`` where nothing tells.
        peak_device_bytes: likewise of the GPU's memory, as far as torch had given it away; ``None`` on the CPU.
    """

    job: str
    processor: str
    threads: int = Field(ge=1)
    elapsed_s: float
    start_s: float
    load_s: float = 0.0
    draw_s: float = 0.0
    words_s: float = 0.0
    image_bytes: int | None = None
    peak_host_bytes: int | None = None
    peak_device_bytes: int | None = None


class RecordHead(_Frozen):
    """All of a record but its rows, one a class and one an epoch.

    Attributes:
        cell: the flat resolved cell; ``cell_id`` is its digest.
        reason: why a failed cell failed; ``None`` when done.
        n_correct: right answers among the ``n_test`` test images; ``None`` when failed.
        logits: the file of the test images' logits; ``None`` where they were not kept.
        details: what a method found on the way, such as the probe's C.
        trained_by: id of the cell that trained what this one only evaluates; ``None`` for one that trained.
        fewer_shots: classes that were taken whole because they hold fewer images than ``shots``.
        timings: seconds by phase.
        spent: what the cell took of the machine; ``None`` in records of before that was kept.
        created_at: end of the cell, ISO 8601 in UTC; never printed in a table.
    """

    schema_version: Literal[1] = 1
    cell_id: str
    cell: dict[str, Any]
    status: Literal["done", "failed"]
    reason: str | None = None
    n_correct: int | None = None
    n_test: int | None = None
    context: ContextFile | None = None
    logits: LogitsFile | None = None
    details: dict[str, Any] = Field(default_factory=dict)
    trained_by: str | None = None
    fewer_shots: tuple[str, ...] = ()
    timings: dict[str, float] = Field(default_factory=dict)
    spent: Spent | None = None
    provenance: Provenance | None = None
    created_at: str

    def require_whole(self, counts: Iterable[tuple[int, int, int]]) -> None:
        """Raise ValueError when the record contradicts itself, which is as bad as a truncated one.

        Args:
            counts: ``n_test``, ``n_correct`` and ``n_predicted`` of every class.
        """
        if self.cell_id != cell_id(Cell.from_dict(self.cell)):
            raise ValueError("cell_id is not the digest of cell")
        if self.status == "failed":
            if not self.reason:
                raise ValueError("a failed record needs a reason")
            return
        if self.n_correct is None or self.n_test is None or self.provenance is None:
            raise ValueError("a done record needs n_correct, n_test and provenance")
        rows = list(counts)
        sums = (sum(n_correct for _, n_correct, _ in rows), sum(n_test for n_test, _, _ in rows))
        if sums != (self.n_correct, self.n_test) or self.n_test == 0:
            raise ValueError("per_class does not add up to n_correct and n_test")
        if any(n_correct > min(n_test, n_predicted) for n_test, n_correct, n_predicted in rows):
            raise ValueError("a class has more right answers than images or predictions")
        if self.logits is not None and self.logits.shape != (self.n_test, len(rows)):
            raise ValueError("the shape of logits is not that of n_test images and the classes of per_class")


class RunRecord(RecordHead):
    """Everything that is kept of one cell.

    Attributes:
        per_class: one row a class in label order, from which macro-F1 follows.
        history: one row an epoch; empty for methods that do not train by epochs.
    """

    per_class: tuple[ClassCount, ...] = ()
    history: tuple[EpochRow, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> RunRecord:
        self.require_whole((row.n_test, row.n_correct, row.n_predicted) for row in self.per_class)
        return self

    @property
    def accuracy(self) -> float | None:
        """Right answers over test images, a fraction; ``None`` when failed."""
        return None if self.n_correct is None or not self.n_test else self.n_correct / self.n_test

    @property
    def macro_f1(self) -> float | None:
        """Mean over the classes that have test images of ``2 n_correct / (n_test + n_predicted)``, a fraction.

        That is the harmonic mean of precision and recall, and zero for a class that is never right.
        """
        present = [row for row in self.per_class if row.n_test]
        if self.status == "failed" or not present:
            return None
        return sum(2 * row.n_correct / (row.n_test + row.n_predicted) for row in present) / len(present)


def failed_record(cell: Cell, reason: str, **details: Any) -> RunRecord:
    """The record of a cell that failed now."""
    return RunRecord(
        cell_id=cell_id(cell),
        cell=cell.to_dict(),
        status="failed",
        reason=reason,
        details=details,
        created_at=now(),
    )


def now() -> str:
    """The time as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
