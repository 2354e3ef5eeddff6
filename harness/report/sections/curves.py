"""Few-shot curves: which points the figure shows, before anything is drawn.

The axis has the ticks of the CoOp paper's figures at equal distances: one step a doubling, zero shots one
step before one shot, and ``all`` set apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.matrix.cell import Shots
from harness.report.figures.charts import Chart, Figure, Mark, Trace
from harness.report.numbers.results import Result, Results
from harness.report.numbers.rows import ZERO_SHOT, Row, shots_order
from harness.report.printing.captions import sd_words
from harness.report.sections.dots import mark
from harness.report.sections.scope import Scope


def few_shot_figure(scope: Scope, stem: str) -> Figure | None:
    """A chart a data set, the average first, over the same shot counts; ``None`` where no curve has two of them.

    Every row of the group is in each chart, so that charts have the same traces.
    """
    shots = shots_order(count for one in scope.measured for _, count in one.results)
    if len([count for count in shots if count != 0]) <= 1:
        return None
    ticks = tuple((_place(count, shots), str(count)) for count in shots)
    charts, lost = [], []
    for one in scope.measured:
        points = _points(scope, one.results)
        traces = tuple(_trace(scope, row, points[row], shots) for row in scope.labels)
        charts.append(Chart(one.title, traces, "Shots per class", "Accuracy (%)", ticks))
        for row, label in scope.labels.items():
            counts = [str(count) for count, result in points[row].items() if result.accuracy.mean is None]
            lost += [f"{label} at {', '.join(counts)} ({one.title})"] if counts else []
    caption = (
        f"Accuracy by training images a class: mean over seeds, error bars one {sd_words(scope.sd_kind)}"
        + (", of the average between seeds." if len(charts) > 1 else "."),
        *([f"Left open because cells are missing: {'; '.join(lost)}."] if lost else []),
    )
    return Figure(stem, "Accuracy in percent by shots per class", caption, tuple(charts))


def _points(scope: Scope, results: Results) -> dict[Row, dict[Shots, Result]]:
    """The results of every row by rising shots."""
    points: dict[Row, dict[Shots, Result]] = {row: {} for row in scope.labels}
    for (row, shots), result in results.items():
        points[row][shots] = result
    return points


def _trace(scope: Scope, row: Row, points: Mapping[Shots, Result], among: Sequence[Shots]) -> Trace:
    """The points of one row; ``all`` is no next doubling and is not joined to what stands before it."""
    marks = []
    for count, result in points.items():
        if count == "all":
            marks.append(Mark(_place("all", among), None))
        marks.append(mark(_place(count, among), result))
    look = scope.looks[row]
    return Trace(scope.labels[row], look, tuple(marks), "level" if row.method == ZERO_SHOT else "line")


def _place(shots: Shots, among: Sequence[Shots]) -> float:
    """Where a count stands: a step a doubling, 0 a step before 1, ``all`` one and a half after the last."""
    if shots == "all":
        numbers = [_place(count, ()) for count in among if count != "all"]
        return max(numbers, default=-0.5) + 1.5
    return 0.0 if shots == 0 else math.log2(shots) + 1.0
