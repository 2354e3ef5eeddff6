"""Figures as values: which points stand where and how they look, before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.report.figures.look import Look

Kind = Literal["line", "level", "dots", "band", "steps"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One mean and its spread; ``y`` is ``None`` where there is none, so that a line breaks there.

    ``whole`` says that every run that was asked for is in the mean; a mark that is not is drawn hollow.
    """

    x: float
    y: float | None
    sd: float | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Trace:
    """One method in one chart.

    Attributes:
        label: in the legend.
        look: colour, marker and dash.
        marks: by rising ``x``.
        kind: ``line`` joins the marks; ``level`` draws a thin line through each over the whole chart; ``dots``
            does not join; ``band`` is a line without markers in a band of one sd; ``steps`` goes on from a mark to
            the next one in a step.
    """

    label: str
    look: Look
    marks: tuple[Mark, ...]
    kind: Kind = "line"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return all(mark.y is None for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Chart:
    """One pair of axes with traces.

    Attributes:
        title: over it.
        traces: every trace of the figure, in the same order in each of its charts.
        x_label: under it; charts above another one of the same label leave it out.
        y_label: beside it, likewise.
        ticks: places and words on the x axis; ``None`` for numbers.
        zero: whether a line marks zero.
    """

    title: str
    traces: tuple[Trace, ...]
    x_label: str
    y_label: str
    ticks: tuple[tuple[float, str], ...] | None = None
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and what is printed at its end; ``value`` is ``None`` where cells are missing, which is said there.

    ``apart`` sets a summary off from what it sums up.
    """

    label: str
    value: float | None
    sd: float | None
    look: Look
    printed: str
    apart: bool = False


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars from top to bottom, in the order in which they are drawn."""

    title: str
    bars: tuple[Bar, ...]
    x_label: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, which becomes a file a format.

    Attributes:
        stem: file name without its ending.
        title: what it shows, in a few words.
        caption: sentences: what the points and their spread are, and what is missing.
        charts: all of one kind.
    """

    stem: str
    title: str
    caption: tuple[str, ...]
    charts: tuple[Chart, ...] | tuple[BarChart, ...]

    def words(self) -> Iterator[str]:
        """Everything that is written into it."""
        for chart in self.charts:
            yield from (chart.title, chart.x_label)
            if isinstance(chart, BarChart):
                yield from (word for bar in chart.bars for word in (bar.label, bar.printed))
            else:
                yield from (chart.y_label, *(word for _, word in chart.ticks or ()))
                yield from (trace.label for trace in chart.traces)


MOST_CHARTS, MOST_TRACES = 60, 24  # more of either nobody can tell apart


def too_many(figure: Figure) -> str:
    """Why a figure cannot be read; empty where it can."""
    traces = max((len(chart.traces) for chart in figure.charts if isinstance(chart, Chart)), default=0)
    if len(figure.charts) > MOST_CHARTS:
        return f"{len(figure.charts)} charts are too many to look at ({MOST_CHARTS} at most)"
    return f"{traces} lines are too many to tell apart ({MOST_TRACES} at most)" if traces > MOST_TRACES else ""
