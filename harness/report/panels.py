"""Few-shot curves as values: which points a figure shows, before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.matrix.cell import Shots
from harness.report.results import Results
from harness.report.rows import Row


@dataclass(frozen=True, slots=True)
class Point:
    """One mean in percent with its sd; ``None`` where there is no mean, so that a line breaks there."""

    shots: Shots
    mean: float | None
    sd: float | None
    whole: bool


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one row by rising shots, and what its look follows from."""

    label: str
    method: str
    context: str | None
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes: a data set or the average."""

    title: str
    series: tuple[Series, ...]


def panel(title: str, labels: Mapping[Row, str], results: Results) -> Panel:
    """The panel of one table; every row of the group is in it, so that looks agree between panels."""
    return Panel(title, tuple(_series(row, label, results) for row, label in labels.items()))


def _series(row: Row, label: str, results: Results) -> Series:
    points = []
    for (owner, shots), result in results.items():
        if owner == row:
            mean, sd = result.accuracy.mean, result.accuracy.sd
            points.append(Point(shots, _percent(mean), _percent(sd), result.accuracy.whole))
    context = row.axis("context")
    return Series(label, row.method, None if context is None else str(context), tuple(points))


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
