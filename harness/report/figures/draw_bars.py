"""Charts of horizontal bars, as they are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from harness.report.figures.canvas import (
    COLUMN_WIDTH,
    GREY_TEXT,
    LARGE,
    SMALL,
    TEXT_WIDTH,
    AxesRow,
    Frame,
    Margins,
    fitted,
    grid_of_axes,
    round_ticks,
    rows_of,
    width_of,
)
from harness.report.figures.charts import Bar, BarChart

_BAR = 0.17  # inches from one bar to the next


def bar_canvas(charts: Sequence[BarChart]) -> Canvas:
    """Horizontal bars, two charts beside each other."""
    columns = min(2, len(charts))
    width = COLUMN_WIDTH if columns == 1 else TEXT_WIDTH
    longest = width_of((bar.label for chart in charts for bar in chart.bars), SMALL)
    margins = Margins(left=min(longest, 1.4) + 0.12, right=0.12, top=0.2)
    counts = rows_of(len(charts), columns)
    heights = [
        max(_BAR * _bar_places(chart)[1] for chart in charts[place * columns : (place + 1) * columns])
        for place in range(len(counts))
    ]
    rows = [AxesRow(n, height, 0.36) for n, height in zip(counts, heights, strict=True)]
    canvas, axes = grid_of_axes(width, rows, columns, margins, 0.0)
    wide = width / columns - margins.left - margins.right
    limits = _bar_limits([bar for chart in charts for bar in chart.bars], wide)  # alike, so that charts compare
    for place, (one, chart) in enumerate(zip(axes, charts, strict=True)):
        height = heights[place // columns]
        frame = Frame(one, wide, height)
        _draw_bars(frame, chart, height / _BAR, limits)
        frame.text(0.5, 0, chart.x_label, down=0.18, ha="center", va="top", size=LARGE)
        title = fitted(chart.title, LARGE, width / columns - 0.1)
        frame.text(0.5, 1, title, down=-0.05, ha="center", va="bottom", size=LARGE)
    return canvas


def _bar_places(chart: BarChart) -> tuple[list[float], float]:
    """Where each bar stands, from the top, and how many bars' room all take."""
    places, place = [], 0.5
    for before, bar in zip((None, *chart.bars), chart.bars, strict=False):
        if before is not None:
            place += 1.45 if bar.apart != before.apart else 1.0
        places.append(place)
    return places, place + 0.5


def _draw_bars(frame: Frame, chart: BarChart, room: float, limits: tuple[float, float]) -> None:
    """Bars with their numbers at the end, beyond the bar of one sd."""
    axes, (places, _) = frame.axes, _bar_places(chart)
    axes.set_ylim(room, 0)
    axes.set_xlim(limits)
    ticks = round_ticks(limits, 6)
    frame.lines(ticks, [], is_grid=True)
    frame.lines(ticks, [], is_grid=False)
    frame.under(ticks, is_slanted=False)
    axes.axvline(0, color=GREY_TEXT, linewidth=0.7, zorder=3)
    inch = (limits[1] - limits[0]) / frame.wide
    for place, bar in zip(places, chart.bars, strict=True):
        weight = "bold" if bar.apart else "normal"
        label = fitted(bar.label, SMALL, 1.4)
        frame.text(
            0, 1 - place / room, label, aside=-0.05, ha="right", va="center_baseline", size=SMALL, weight=weight
        )
        value, sd = bar.value or 0.0, bar.sd or 0.0
        if bar.value is not None:
            falls = value < 0
            axes.add_patch(
                Rectangle((0, place - 0.34), value, 0.68, facecolor=bar.look.colour, linewidth=0, zorder=2,
                          alpha=0.55 if falls else 1.0, hatch="/////" if falls else None,
                          edgecolor="white" if falls else bar.look.colour),
            )  # fmt: skip
        if bar.sd is not None:
            ends = [[(value - sd, place), (value + sd, place)]]
            ends += [[(value + side, place - 0.13), (value + side, place + 0.13)] for side in (-sd, sd)]
            axes.add_collection(LineCollection(ends, colors="#222222", linewidths=0.7, zorder=4), autolim=False)
        axes.text(value - sd - 0.04 * inch if value < 0 else value + sd + 0.04 * inch, place, bar.printed,
                  ha="right" if value < 0 else "left", va="center_baseline", fontsize=SMALL, fontweight=weight,
                  color="#000000" if bar.value is not None else GREY_TEXT, zorder=5)  # fmt: skip


def _bar_limits(bars: Sequence[Bar], wide: float) -> tuple[float, float]:
    """The ends of the axis: as near as the numbers beside the bars allow."""
    ends = [((bar.value or 0.0), (bar.sd or 0.0), width_of([bar.printed], SMALL) + 0.06) for bar in bars]
    left = [(value - sd, inches) for value, sd, inches in ends if value < 0]
    right = [(value + sd, inches) for value, sd, inches in ends if value >= 0]
    low, high = min((end for end, _ in left), default=0.0), max((end for end, _ in right), default=0.0)
    span = (high - low) or 1.0
    for _ in range(20):  # the room for letters in units of the axis depends on the span, which it widens
        inch = span / wide
        low = min((end - inches * inch for end, inches in left), default=0.0)
        high = max((end + inches * inch for end, inches in right), default=0.0)
        if math.isclose(high - low, span, rel_tol=1e-3):
            break
        span = (high - low) or 1.0
    return low, high
