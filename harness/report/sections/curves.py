"""Few-shot curves as values: which points a figure shows, before anything is drawn.

The axis has the ticks of the CoOp paper's figures at equal distances: one step a doubling, zero shots one
step before one shot, and ``all`` set apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.matrix.cell import Shots
from harness.report.figures.charts import Chart, Figure, Mark, Trace
from harness.report.figures.look import Look
from harness.report.numbers.results import Result
from harness.report.numbers.rows import ZERO_SHOT, Row, shots_order
from harness.report.printing.captions import sd_words
from harness.report.sections.scope import Measured, Scope
from harness.report.stats.summary import SdKind


@dataclass(frozen=True, slots=True)
class Point:
    """One mean in percent with its sd; ``None`` where there is no mean, so that a line breaks there."""

    shots: Shots
    mean: float | None
    sd: float | None
    whole: bool


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one row by rising shots, and how they look."""

    label: str
    method: str
    context: str | None
    points: tuple[Point, ...]
    look: Look


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes: a data set or the average."""

    title: str
    series: tuple[Series, ...]


def panel(scope: Scope, one: Measured) -> Panel:
    """The panel of one table; every row of the group is in it, so that panels have the same series."""
    points: dict[Row, list[Point]] = {row: [] for row in scope.labels}
    for (row, shots), result in one.results.items():
        points[row].append(_point(shots, result))
    series = (_series(row, label, points[row], scope.looks[row]) for row, label in scope.labels.items())
    return Panel(one.title, tuple(series))


def few_shot_figure(stem: str, panels: Sequence[Panel], sd_kind: SdKind) -> Figure | None:
    """A chart a panel, over the same shot counts; ``None`` where no curve has two of them."""
    shots = shots_order(point.shots for panel in panels for one in panel.series for point in one.points)
    if len([count for count in shots if count != 0]) <= 1:
        return None
    ticks = tuple((_place(count, shots), str(count)) for count in shots)
    charts = tuple(
        Chart(panel.title, tuple(_traces(panel, shots)), "Shots per class", "Accuracy (%)", ticks)
        for panel in panels
    )
    caption = [
        f"Accuracy by training images a class: mean over seeds, error bars one {sd_words(sd_kind)}"
        + (", of the average between seeds." if len(panels) > 1 else "."),
        *_gaps(panels),
    ]
    return Figure(stem, "Accuracy in percent by shots per class", tuple(caption), charts)


def _series(row: Row, label: str, points: Sequence[Point], look: Look) -> Series:
    context = row.axis("context")
    return Series(label, row.method, None if context is None else str(context), tuple(points), look)


def _point(shots: Shots, result: Result) -> Point:
    accuracy = result.accuracy
    return Point(shots, _percent(accuracy.mean), _percent(accuracy.sd), accuracy.whole)


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _traces(panel: Panel, shots: Sequence[Shots]) -> Iterator[Trace]:
    """A trace a series; ``all`` is no next doubling and is not joined to what stands before it."""
    for one in panel.series:
        marks = []
        for point in one.points:
            if point.shots == "all":
                marks.append(Mark(_place("all", shots), None))
            marks.append(Mark(_place(point.shots, shots), point.mean, point.sd, point.whole))
        yield Trace(one.label, one.look, tuple(marks), "level" if one.method == ZERO_SHOT else "line")


def _gaps(panels: Sequence[Panel]) -> list[str]:
    """Which points have no mean because cells are missing."""
    lost = [
        f"{one.label} at {', '.join(counts)} ({panel.title})"
        for panel in panels
        for one in panel.series
        if (counts := [str(point.shots) for point in one.points if point.mean is None])
    ]
    return [f"Left open because cells are missing: {'; '.join(lost)}."] if lost else []


def _place(shots: Shots, among: Sequence[Shots]) -> float:
    """Where a count stands: a step a doubling, 0 a step before 1, ``all`` one and a half after the last."""
    if shots == "all":
        numbers = [_place(count, ()) for count in among if count != "all"]
        return max(numbers, default=-0.5) + 1.5
    return 0.0 if shots == 0 else math.log2(shots) + 1.0
