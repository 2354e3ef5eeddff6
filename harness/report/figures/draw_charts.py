"""Charts of lines, dots, bands and steps, as they are drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from harness.report.figures.canvas import (
    COLUMN_WIDTH,
    GREY_TEXT,
    LARGE,
    SLANT_COS,
    SLANT_SIN,
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
from harness.report.figures.charts import Chart, Mark, Trace
from harness.report.figures.lettering import legible
from harness.report.figures.look import GREY, Look

_MOST_COLUMNS = 4
_MOST_NARROW_TICKS = 6  # words on the x axis of a chart that is one column wide
_LINE = 0.155  # inches from one line of text to the next
_LEFT, _RIGHT = 0.44, 0.1  # inches beside a chart
_FEW_WORDS, _LONG_WORD = 4, 0.6  # words on an axis that is a quarter of the page, and their inches


def chart_canvas(charts: Sequence[Chart]) -> Canvas:
    """All charts on one grid, with one legend under them."""
    words = [word for chart in charts for _, word in chart.ticks or () if not (word.isdigit() or word == "all")]
    n_words = max((len(chart.ticks or ()) for chart in charts), default=0) if words else 0
    longest = width_of(words, SMALL)
    columns = _n_columns(len(charts), n_words, longest)
    width = COLUMN_WIDTH if len(charts) == 1 and n_words <= _MOST_NARROW_TICKS else TEXT_WIDTH
    is_slanted = n_words * (longest + 0.08) > width / columns - _LEFT - _RIGHT
    # A slanted word reaches to the left of its tick, the first one out of the axes.
    reach = width_of([chart.ticks[0][1] for chart in charts if chart.ticks], SMALL) * SLANT_COS - 0.1
    margins = Margins(max(_LEFT, reach) if is_slanted else _LEFT, _RIGHT, top=0.2)
    ticks_height = 0.1 + SLANT_SIN * (longest + 0.1) if is_slanted else 0.18
    high = {1: 1.75, 2: 1.5}.get(columns, 1.2)
    below = [_is_read_below(place, charts, columns) for place in range(len(charts))]
    told = [is_read and bool(chart.x_label) for is_read, chart in zip(below, charts, strict=True)]
    rows = []
    for place, n in enumerate(rows_of(len(charts), columns)):
        these = slice(place * columns, place * columns + n)
        room = ticks_height + 0.05 if any(below[these]) else 0.1
        rows.append(AxesRow(n, high, room + (_LINE if any(told[these]) else 0)))
    handles = _handles(charts)
    legend_columns = _legend_columns(handles, width)
    foot = _LINE * math.ceil(len(handles) / legend_columns) + 0.04 if handles else 0.0
    canvas, axes = grid_of_axes(width, rows, columns, margins, foot)
    wide = width / columns - margins.left - margins.right
    for place, (one, chart) in enumerate(zip(axes, charts, strict=True)):
        _draw_marks_of(one, chart)
        frame = Frame(one, wide, high)
        places = round_ticks(one.get_xlim(), 4) if chart.ticks is None else chart.ticks
        heights = round_ticks(one.get_ylim(), 5 if columns == _MOST_COLUMNS else 6)
        frame.lines([], heights, is_grid=True)
        frame.lines(places, [], is_grid=False)
        frame.left(heights)
        if below[place]:
            frame.under(places, is_slanted=is_slanted)
        if told[place]:
            frame.text(0.5, 0, chart.x_label, down=ticks_height + 0.01, ha="center", va="top", size=LARGE)
        if place % columns == 0 or charts[place - 1].y_label != chart.y_label:
            left = _LEFT - 0.09
            frame.text(0, 0.5, chart.y_label, aside=-left, ha="center", va="center", size=LARGE, rotation=90)
        frame.text(
            0.5, 1, fitted(chart.title, LARGE, wide + 0.3), down=-0.05, ha="center", va="bottom", size=LARGE
        )
    if handles:
        canvas.legend(
            handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=legend_columns, frameon=False,
            columnspacing=1.4, handlelength=2.6, handletextpad=0.5, labelspacing=0.35, borderpad=0.2,
            borderaxespad=0.1,
        )  # fmt: skip
    return canvas


def _n_columns(n: int, n_words: int, longest: float) -> int:
    """Charts beside each other: four of numbers or few short words, fewer of many or long ones."""
    if n_words > _MOST_NARROW_TICKS:
        return 1
    most = 2 if longest > _LONG_WORD or n_words > _FEW_WORDS else _MOST_COLUMNS
    if n in (2, 4) and most == _MOST_COLUMNS:
        return 2
    return max(1, min(n, most))


def _is_read_below(place: int, charts: Sequence[Chart], columns: int) -> bool:
    """Whether a chart has words under it: where no chart below it repeats them."""
    if place + columns >= len(charts):
        return True
    one, other = charts[place], charts[place + columns]
    return (one.x_label, one.ticks, _reach(one)) != (other.x_label, other.ticks, _reach(other))


def _reach(chart: Chart) -> tuple[float, float]:
    """Where the axis begins and ends: with the ticks that there are, else with the marks."""
    xs = [place for place, _ in chart.ticks or ()] or [mark.x for trace in chart.traces for mark in trace.marks]
    return min(xs, default=0.0), max(xs, default=0.0)


def _handles(charts: Sequence[Chart]) -> list[Any]:
    """Legend entries: each trace with a point anywhere, and what a hollow marker means if there is one."""
    handles = []
    traces = charts[0].traces if charts else ()
    for index, trace in enumerate(traces):
        if all(chart.traces[index].is_empty for chart in charts):
            continue
        look = trace.look
        if trace.kind in ("band", "steps"):
            look = replace(look, marker="", line=look.line or "-")
        elif trace.kind == "dots":
            look = replace(look, line="")
        handles.append(_line([], [], look, label=legible(trace.label)))
    marks = [mark for chart in charts for trace in chart.traces for mark in trace.marks]
    if any(mark.y is not None and not mark.whole for mark in marks):
        handles.append(_line([], [], Look(GREY, "o", ""), markerfacecolor="white", label="hollow: seeds missing"))
    return handles


def _legend_columns(handles: Sequence[Any], width: float) -> int:
    """As many columns as fit the longest label, and no more than fill the rows evenly."""
    longest = width_of((handle.get_label() for handle in handles), SMALL)
    most = max(1, min(len(handles), int(width / (longest + 0.5))))
    return math.ceil(len(handles) / math.ceil(len(handles) / most)) if handles else 1


def _line(x: Sequence[float], y: Sequence[float], look: Look, **more: Any) -> Any:
    return Line2D(x, y, color=look.colour, marker=look.marker, linestyle=look.line, markersize=look.size,
                  markeredgewidth=0.8, **more)  # fmt: skip


def _draw_marks_of(axes: Any, chart: Chart) -> None:
    """Everything inside a chart, and its limits."""
    low, high = _reach(chart)
    room = 0.45 if chart.ticks is not None else 0.03 * (high - low) or 0.5
    axes.set_xlim(low - room, high + room)
    if chart.zero:
        axes.axhline(0, color=GREY_TEXT, linewidth=0.7, zorder=1.5)
    for order, trace in enumerate(chart.traces):
        _DRAWERS.get(trace.kind, _draw_marks)(axes, trace, 3 + order)
    axes.autoscale_view(scalex=False)
    if all(trace.is_empty for trace in chart.traces):
        axes.set_ylim(0, 100)
        axes.text(0.5, 0.5, "incomplete" if chart.traces else "no cells", transform=axes.transAxes, ha="center",
                  va="center", color=GREY_TEXT)  # fmt: skip


def _there(marks: Iterable[Mark]) -> list[tuple[Mark, float]]:
    return [(mark, mark.y) for mark in marks if mark.y is not None]


def _draw_marks(axes: Any, trace: Trace, order: float) -> None:
    """Markers with bars of one sd, hollow where seeds are missing, joined or not."""
    look = trace.look
    if trace.kind == "level":
        for _, y in _there(trace.marks):
            axes.axhline(y, color=look.colour, linewidth=0.6, linestyle=(0, (1, 3)), zorder=1)
    elif trace.kind == "line":
        for run in _unbroken(trace.marks):
            axes.add_line(_line([mark.x for mark, _ in run], [y for _, y in run], replace(look, marker=""),
                                zorder=order))  # fmt: skip
    barred = [(mark, y, mark.sd) for mark, y in _there(trace.marks) if mark.sd is not None]
    if barred:
        bars = [[(mark.x, y - sd), (mark.x, y + sd)] for mark, y, sd in barred]
        axes.add_collection(LineCollection(bars, colors=look.colour, linewidths=0.8, alpha=0.75, zorder=2.5))
        ends = [(mark.x, y + side) for mark, y, sd in barred for side in (-sd, sd)]
        axes.add_line(
            Line2D([x for x, _ in ends], [y for _, y in ends], color=look.colour, marker="_", linestyle="",
                   markersize=3.2, markeredgewidth=0.8, alpha=0.75, zorder=2.5)
        )  # fmt: skip
    for is_whole, face in ((True, look.colour), (False, "white")):
        marked = [(mark, y) for mark, y in _there(trace.marks) if mark.whole == is_whole]
        if marked:
            axes.add_line(_line([mark.x for mark, _ in marked], [y for _, y in marked], replace(look, line=""),
                                markerfacecolor=face, zorder=order + 0.5))  # fmt: skip


def _unbroken(marks: Sequence[Mark]) -> list[list[tuple[Mark, float]]]:
    """The stretches of marks between gaps; ``all``, which is no next doubling, has none beside it."""
    runs: list[list[tuple[Mark, float]]] = [[]]
    for mark in marks:
        if mark.y is None:
            runs.append([])
        else:
            runs[-1].append((mark, mark.y))
    return [run for run in runs if len(run) > 1]


def _draw_band(axes: Any, trace: Trace, order: float) -> None:
    """A line in a band of one sd to each side."""
    there = _there(trace.marks)
    if not there:
        return
    xs, ys = [mark.x for mark, _ in there], [y for _, y in there]
    sds = [mark.sd or 0.0 for mark, _ in there]
    if any(sds):
        axes.fill_between(xs, [y - sd for y, sd in zip(ys, sds, strict=True)],
                          [y + sd for y, sd in zip(ys, sds, strict=True)], color=trace.look.colour, alpha=0.2,
                          linewidth=0, zorder=2)  # fmt: skip
    axes.add_line(_line(xs, ys, replace(trace.look, marker="", line=trace.look.line or "-"), zorder=order))


def _draw_steps(axes: Any, trace: Trace, order: float) -> None:
    there = _there(trace.marks)
    look = replace(trace.look, marker="", line=trace.look.line or "-")
    axes.add_line(_line([mark.x for mark, _ in there], [y for _, y in there], look, drawstyle="steps-post",
                        zorder=order))  # fmt: skip


_DRAWERS = {"band": _draw_band, "steps": _draw_steps}
