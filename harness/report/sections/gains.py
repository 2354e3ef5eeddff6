"""Bars of the gain over zero-shot at the largest shot count, sorted, as figure 4 of the CoOp paper has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.matrix.cell import Shots
from harness.report.figures.charts import Bar, BarChart, Figure
from harness.report.figures.look import Look
from harness.report.numbers.results import Result
from harness.report.numbers.rows import ZERO_SHOT, Row, shots_order
from harness.report.printing.captions import sd_words
from harness.report.printing.cells import brief_shots
from harness.report.sections.scope import Measured, Scope
from harness.report.stats.exact import signed

_X_LABEL = "Gain over zero-shot (percentage points)"


def gains_figure(scope: Scope, stem: str) -> Figure | None:
    """A chart a row with a bar a data set; of a single data set one chart with a bar a row.

    ``None`` where no row has a gain. Each row is shown at its largest shot count.
    """
    labels, looks, found = scope.labels, scope.looks, scope.measured
    largest = _largest(found)
    rows = {row: largest[row] for row in labels if row in largest}
    if not rows:
        return None
    if len(found) == 1:
        results = found[0].results
        bars = [
            _bar(label, results.get((row, rows[row])), looks[row]) for row, label in labels.items() if row in rows
        ]
        charts = [BarChart(f"{found[0].title}, {_words(rows.values())}", _sorted(bars), _X_LABEL)]
    else:
        charts = [_row_chart(row, labels[row], looks[row], shots, found) for row, shots in rows.items()]
    lost = [f"{bar.label} ({chart.title})" for chart in charts for bar in chart.bars if bar.value is None]
    caption = [
        "Gain over zero-shot at the largest number of shots in percentage points: mean over seeds, error bars one "
        f"{sd_words(scope.sd_kind)}; falling bars are hatched.",
        *([f"Without a bar because cells are missing: {', '.join(lost)}."] if lost else []),
    ]
    return Figure(stem, "Gain over zero-shot by data set", tuple(caption), tuple(charts))


def _largest(found: Sequence[Measured]) -> dict[Row, Shots]:
    """From each row that has a gain anywhere to the largest shot count of those."""
    counts: dict[Row, list[Shots]] = {}
    for one in found:
        for (row, shots), result in one.results.items():
            if row.method != ZERO_SHOT and result.gain is not None and result.gain.mean is not None:
                counts.setdefault(row, []).append(shots)
    return {row: shots_order(several)[-1] for row, several in counts.items()}


def _row_chart(row: Row, label: str, look: Look, shots: Shots, found: Sequence[Measured]) -> BarChart:
    bars = [_bar(one.title, one.results.get((row, shots)), look, one.is_average) for one in found]
    return BarChart(f"{label}, {_words([shots])}", _sorted(bars), _X_LABEL)


def _bar(label: str, result: Result | None, look: Look, is_average: bool = False) -> Bar:
    gain = None if result is None else result.gain
    if gain is None or gain.mean is None:
        return Bar(label, None, None, look, "incomplete" if result is not None else "not asked for", is_average)
    sd = None if gain.sd is None else 100 * gain.sd
    said = f" ({result.counts})" if result is not None and result.counts else ""
    return Bar(
        label,
        100 * gain.mean,
        sd,
        look,
        signed(gain.exact if gain.exact is not None else gain.mean, 2) + said,
        is_average,
    )


def _sorted(bars: Iterable[Bar]) -> tuple[Bar, ...]:
    """The largest first, what is missing last, and then the average."""
    return tuple(sorted(bars, key=lambda bar: (bar.apart, bar.value is None, -(bar.value or 0.0), bar.label)))


def _words(counts: Iterable[Shots]) -> str:
    """``16 shots``, where all have the same."""
    found = shots_order(counts)
    if len(found) > 1:
        return "largest shot counts"
    return brief_shots(found[0])
