"""The record of one cell: what was asked, what came out, and from what it was made."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    ``prompt_digest`` the file's of a context that was imported.
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
    seeds: dict[str, int]


class RunRecord(_Frozen):
    """Everything that is kept of one cell.

    Attributes:
        cell: the flat resolved cell; ``cell_id`` is its digest.
        reason: why a failed cell failed; ``None`` when done.
        n_correct: right answers among the ``n_test`` test images; ``None`` when failed.
        per_class: one row a class in label order, from which macro-F1 follows.
        history: one row an epoch; empty for methods that do not train by epochs.
        logits: the file of the test images' logits; ``None`` where they were not kept.
        details: what a method found on the way, such as the probe's C.
        trained_by: id of the cell that trained what this one only evaluates; ``None`` for one that trained.
        fewer_shots: classes that were taken whole because they hold fewer images than ``shots``.
        timings: seconds by phase.
        created_at: end of the cell, ISO 8601 in UTC; never printed in a table.
    """

    schema_version: Literal[1] = 1
    cell_id: str
    cell: dict[str, Any]
    status: Literal["done", "failed"]
    reason: str | None = None
    n_correct: int | None = None
    n_test: int | None = None
    per_class: tuple[ClassCount, ...] = ()
    history: tuple[EpochRow, ...] = ()
    context: ContextFile | None = None
    logits: LogitsFile | None = None
    details: dict[str, Any] = Field(default_factory=dict)
    trained_by: str | None = None
    fewer_shots: tuple[str, ...] = ()
    timings: dict[str, float] = Field(default_factory=dict)
    provenance: Provenance | None = None
    created_at: str

    @model_validator(mode="after")
    def _is_whole(self) -> RunRecord:
        """A record that contradicts itself is as bad as a truncated one."""
        if self.cell_id != cell_id(Cell.from_dict(self.cell)):
            raise ValueError("cell_id is not the digest of cell")
        if self.status == "failed":
            if not self.reason:
                raise ValueError("a failed record needs a reason")
            return self
        if self.n_correct is None or self.n_test is None or self.provenance is None:
            raise ValueError("a done record needs n_correct, n_test and provenance")
        sums = (sum(row.n_correct for row in self.per_class), sum(row.n_test for row in self.per_class))
        if sums != (self.n_correct, self.n_test) or self.n_test == 0:
            raise ValueError("per_class does not add up to n_correct and n_test")
        if any(row.n_correct > min(row.n_test, row.n_predicted) for row in self.per_class):
            raise ValueError("a class has more right answers than images or predictions")
        if self.logits is not None and self.logits.shape != (self.n_test, len(self.per_class)):
            raise ValueError("the shape of logits is not that of n_test images and the classes of per_class")
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
