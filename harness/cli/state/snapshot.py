"""A whole matrix as trackers show it: progress, aggregated tables and figures, all from records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import harness
from harness.cli.state.entries import report_entries
from harness.files import canonical_json, digest_text, write_bytes
from harness.matrix.matrix import Matrix
from harness.matrix.tracking import Tracking
from harness.mirror.request import Snapshot
from harness.plan.pending import Standing
from harness.plugins.plugin import PluginSource
from harness.report.build import build_report
from harness.report.published.sets import SETS
from harness.report.report import Report
from harness.report.sections.evidence import Choices
from harness.store.manifest import Manifest
from harness.tracking.ledger import results_identity
from harness.tracking.tracker import Grid, TrackedMatrix, Value

_AXES = {
    "datasets": "dataset",
    "evaluate_on": "evaluate_on",
    "backbones": "backbone",
    "methods": "method",
    "protocols": "protocol",
    "shots": "shots",
    "seeds": "seed",
}
_FILE = "matrix.json"
_MOST_NAME = 32  # W&B takes ids of 64 characters
_ID_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Tracked:
    """One matrix with where its cells stand, where it is to be shown, and the plug-ins that this tracker is of."""

    of: Matrix | Manifest
    tracking: Tracking
    cells: tuple[Standing, ...]
    plugins: tuple[PluginSource, ...] = ()

    @property
    def name(self) -> str:
        """Of the matrix."""
        return self.of.name


def write_snapshot(tracked: Tracked, results: Path, scratch: Path) -> Path:
    """The whole matrix as a file for the mirror process."""
    matrix = matrix_snapshot(tracked.of, tracked.cells, results, scratch)
    path = scratch / _FILE
    path.write_text(Snapshot.of(matrix).model_dump_json(), encoding="utf-8")
    return path


def matrix_snapshot(
    of: Matrix | Manifest, cells: Sequence[Standing], results: Path, figures: Path
) -> TrackedMatrix:
    """The matrix by where its cells stand now; figures are drawn into the folder ``figures``."""
    name = of.name
    entries = report_entries(cells, of.sources, of.labels, results)
    report = build_report(name, entries, Choices(against=tuple(SETS)))
    config, progress, summary = _config(cells), _progress(cells), _summary(cells)
    tables = {
        one.stem: _grid(one.long)
        for group in report.groups
        for one in (
            *group.tables,
            *group.elsewhere,
            *group.beside.evidence,
            *group.beside.apart,
            *group.beside.met,
        )
    }
    shown = [config, progress, summary, {stem: [grid.columns, grid.rows] for stem, grid in tables.items()}]
    return TrackedMatrix(
        id=f"matrix-{name[:_MOST_NAME]}-{digest_text(f'{results_identity(results)} {name}')[:_ID_DIGITS]}",
        name=name,
        config=config,
        progress=progress,
        summary=summary,
        tables=tables,
        figures=_draw(report, figures),
        digest=digest_text(canonical_json(shown)),
    )


def _config(cells: Sequence[Standing]) -> dict[str, Any]:
    """What the matrix is made of: the values on its axes, in order of first appearance."""
    flats = [standing.cell.to_dict() for standing in cells]
    axes = {
        label: [value for value in dict.fromkeys(flat[axis] for flat in flats) if value is not None]
        for label, axis in _AXES.items()
    }
    return {**axes, "cells": len(cells), "harness_version": harness.__version__}


def _progress(cells: Sequence[Standing]) -> list[dict[str, float]]:
    """One row an ended cell; hours count from the end of the first."""
    ended = sorted(
        (standing.record.created_at, standing.id, standing.state)
        for standing in cells
        if standing.record is not None and standing.state in ("done", "failed")
    )
    counts = Counter[str]()
    rows = []
    for at, _, state in ended:
        counts[state] += 1
        gone = datetime.fromisoformat(at) - datetime.fromisoformat(ended[0][0])
        rows.append({"hours": gone.total_seconds() / 3600, "done": counts["done"], "failed": counts["failed"]})
    return rows


def _summary(cells: Sequence[Standing]) -> dict[str, int]:
    counts = Counter(standing.state for standing in cells)
    return {"cells": len(cells), **{state: counts[state] for state in ("done", "failed", "pending")}}


def _grid(long: Sequence[Sequence[str]]) -> Grid:
    """A table in long form, with numbers where a column holds nothing else."""
    header, *lines = long
    columns = [_typed([line[place] for line in lines]) for place in range(len(header))]
    return Grid(tuple(header), tuple(zip(*columns, strict=True)))


def _typed(words: Sequence[str]) -> list[Value]:
    """The words of a column as whole numbers, as numbers, or as they are; nothing for an empty one of a number."""
    for kind in (int, float):
        try:
            return [kind(word) if word else None for word in words]
        except ValueError:
            continue
    return list(words)


def _draw(report: Report, folder: Path) -> dict[str, Path]:
    """One PNG a figure of the report."""
    from harness.report.figures.draw import draw  # matplotlib takes a second to import

    drawn = {}
    for figure in report.all_figures:
        path = folder / f"{figure.stem}.png"
        write_bytes(path, draw(figure)["png"])
        drawn[figure.stem] = path
    return drawn
