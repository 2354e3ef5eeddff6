"""What crosses to the mirror process and back, as lines of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from harness.matrix.tracking import Tracking
from harness.plugins.plugin import PluginSource
from harness.tracking.tracker import Grid, TrackedMatrix

PATIENCE_S = 60.0


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MirrorRequest(_Value):
    """The first line; every further line is the id of a cell whose record is to be shown.

    Attributes:
        matrix: its name, the group of its runs.
        results: results folder, absolute.
        tracking: the tracker and its options.
        plugins: that the tracker comes from; none for the harness's own.
        cells: cells to show that are known already.
        snapshot: file of a whole matrix to show after them.
        dry_run: whether to say what is lacking instead of showing it.
        again: whether to show what the ledger knows as shown, too.
        patience_s: how long nothing may come of what is being shown until the process ends itself.
        n_failures: so many runs in a row may fail; then nothing further is tried.
    """

    matrix: str
    results: Path
    tracking: Tracking
    plugins: tuple[PluginSource, ...] = ()
    cells: tuple[str, ...] = ()
    snapshot: Path | None = None
    dry_run: bool = False
    again: bool = False
    patience_s: float = PATIENCE_S
    n_failures: int = 1


class Event(_Value):
    """A line that comes back.

    Attributes:
        told: a run was ``shown``, ``kept`` as it was, is ``lacking`` (of a dry run) or ``failed``; there is
            something to ``say``; or all was ``given_up``.
        run: its id.
        text: what to say, or why.
    """

    told: Literal["shown", "kept", "lacking", "failed", "say", "given_up"]
    run: str = ""
    text: str = ""


class Snapshot(_Value):
    """A whole matrix as a file; see ``TrackedMatrix``."""

    id: str
    name: str
    config: dict[str, Any]
    progress: list[dict[str, float]]
    summary: dict[str, int]
    tables: dict[str, tuple[tuple[str, ...], list[tuple[int | float | str | None, ...]]]]
    figures: dict[str, Path]
    digest: str

    @classmethod
    def of(cls, matrix: TrackedMatrix) -> Snapshot:
        """The file's content for a matrix."""
        return cls(
            id=matrix.id,
            name=matrix.name,
            config=dict(matrix.config),
            progress=[dict(row) for row in matrix.progress],
            summary=dict(matrix.summary),
            tables={title: (grid.columns, list(grid.rows)) for title, grid in matrix.tables.items()},
            figures=dict(matrix.figures),
            digest=matrix.digest,
        )

    def value(self) -> TrackedMatrix:
        """The matrix as trackers take it."""
        return TrackedMatrix(
            id=self.id,
            name=self.name,
            config=self.config,
            progress=self.progress,
            summary=self.summary,
            tables={title: Grid(columns, tuple(rows)) for title, (columns, rows) in self.tables.items()},
            figures=self.figures,
            digest=self.digest,
        )
