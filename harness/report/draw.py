"""Figures drawn with matplotlib's object interface; the only file here that imports matplotlib.

Sizes are those of a journal's page: 8.4 cm for one column, 17.5 cm for the whole width, letters of 7 and 8 points
at that size. Places are computed here and not by a layout engine, which lays out every figure several times over.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from harness.report.charts import Bar, BarChart, Chart, Figure, Mark, Trace
from harness.report.lettering import FAMILY, legible, lettering
from harness.report.style import GREY, Look

FORMATS = ("pdf", "png", "svg")

_CM = 1 / 2.54  # inches
COLUMN_WIDTH = 8.4 * _CM
TEXT_WIDTH = 17.5 * _CM
_MOST_COLUMNS = 4
_MOST_NARROW_TICKS = 6  # words on the x axis of a chart that is one column wide
_LARGE, _SMALL = 8.0, 7.0  # points
_POINT = 1 / 72  # inches
_LINE = 0.155  # inches from one line of text to the next
_LEFT, _RIGHT = 0.44, 0.1  # inches beside a chart
_SLANT = 35  # degrees
_SLANT_SIN, _SLANT_COS = math.sin(math.radians(_SLANT)), math.cos(math.radians(_SLANT))
_FEW_WORDS, _LONG_WORD = 4, 0.6  # words on an axis that is a quarter of the page, and their inches
_GREY_TEXT = "#555555"

_STYLE = {
    "font.family": FAMILY,  # made of what comes with matplotlib, so that no machine's fonts matter
    "font.size": _LARGE,
    "text.parse_math": False,  # a dollar in a class or template is a dollar
    "axes.titlesize": _LARGE,
    "axes.titlepad": 3,
    "axes.labelsize": _LARGE,
    "axes.labelpad": 2,
    "xtick.labelsize": _SMALL,
    "ytick.labelsize": _SMALL,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": _SMALL,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.1,
    "svg.hashsalt": "harness",  # element names of an SVG are random without it
    "pdf.fonttype": 42,  # journals refuse the default, Type 3
    "axes.titley": 1.0,  # given, so that no title is moved about for what it might meet
    "savefig.dpi": 200,
}
# Without these a file says when it was made and by which version of matplotlib.
_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


def draw(figure: Figure) -> dict[str, bytes]:
    """The figure in each of ``FORMATS``; the same value gives the same bytes, whatever matplotlibrc says."""
    with mpl.rc_context(), lettering(figure.words()):
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        canvas = _canvas(figure)
        return {name: _bytes(canvas, name) for name in FORMATS}


def _bytes(canvas: Canvas, name: str) -> bytes:
    file = io.BytesIO()
    # The level of compression that takes half the time of the usual one for a tenth more bytes.
    more: dict[str, Any] = {"pil_kwargs": {"compress_level": 4}} if name == "png" else {}
    canvas.savefig(file, format=name, metadata=_METADATA[name], **more)
    return file.getvalue()


# --- Places ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Margins:
    """Room around one pair of axes, in inches."""

    left: float
    right: float
    top: float


def _canvas(figure: Figure) -> Canvas:
    """All charts on one grid with one legend under them."""
    bars = [chart for chart in figure.charts if isinstance(chart, BarChart)]
    charts = [chart for chart in figure.charts if isinstance(chart, Chart)]
    return _bar_canvas(bars) if bars else _chart_canvas(charts)


def _grid(
    width: float, rows: Sequence[_Row], columns: int, margins: _Margins, foot: float
) -> tuple[Canvas, list[Any]]:
    """A canvas with axes from left to right and top to bottom; ``foot`` is kept free under all of them."""
    height = foot + sum(row.height + row.bottom + margins.top for row in rows)
    canvas = Canvas(figsize=(width, height))
    FigureCanvasAgg(canvas)
    wide = width / columns - margins.left - margins.right
    made = []
    top = height
    for row in rows:
        top -= margins.top + row.height
        for column in range(row.n):
            left = column * width / columns + margins.left
            made.append(canvas.add_axes((left / width, top / height, wide / width, row.height / height)))
        top -= row.bottom
    return canvas, made


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of axes: how many, how high, and the room under them, in inches."""

    n: int
    height: float
    bottom: float


def _rows_of(n: int, columns: int) -> list[int]:
    return [min(columns, n - start) for start in range(0, n, columns)]


def _width_of(words: Iterable[str], points: float) -> float:
    """Inches that the longest of ``words`` takes."""
    font = FontProperties(family=FAMILY, size=points)
    widths = [text_to_path.get_text_width_height_descent(legible(word), font, ismath=False)[0] for word in words]
    return max(widths, default=0.0) * _POINT


def _fitted(text: str, points: float, width: float) -> str:
    """``text``, legible, cut with an ellipsis where it is wider than ``width`` inches."""
    text = legible(text)
    if _width_of([text], points) <= width:
        return text
    while text and _width_of([text + "…"], points) > width:
        text = text[:-1]
    return text.rstrip() + "…"


# --- Charts ------------------------------------------------------------------------------------------------


def _chart_canvas(charts: Sequence[Chart]) -> Canvas:
    words = [word for chart in charts for _, word in chart.ticks or () if not (word.isdigit() or word == "all")]
    n_words = max((len(chart.ticks or ()) for chart in charts), default=0) if words else 0
    longest = _width_of(words, _SMALL)
    columns = _n_columns(len(charts), n_words, longest)
    width = COLUMN_WIDTH if len(charts) == 1 and n_words <= _MOST_NARROW_TICKS else TEXT_WIDTH
    is_slanted = n_words * (longest + 0.08) > width / columns - _LEFT - _RIGHT
    # A slanted word reaches to the left of its tick, the first one out of the axes.
    reach = _width_of([chart.ticks[0][1] for chart in charts if chart.ticks], _SMALL) * _SLANT_COS - 0.1
    margins = _Margins(max(_LEFT, reach) if is_slanted else _LEFT, _RIGHT, top=0.2)
    ticks_height = 0.1 + _SLANT_SIN * (longest + 0.1) if is_slanted else 0.18
    high = {1: 1.75, 2: 1.5}.get(columns, 1.2)
    below = [_is_read_below(place, charts, columns) for place in range(len(charts))]
    told = [is_read and bool(chart.x_label) for is_read, chart in zip(below, charts, strict=True)]
    rows = []
    for place, n in enumerate(_rows_of(len(charts), columns)):
        these = slice(place * columns, place * columns + n)
        room = ticks_height + 0.05 if any(below[these]) else 0.1
        rows.append(_Row(n, high, room + (_LINE if any(told[these]) else 0)))
    handles = _handles(charts)
    legend_columns = _legend_columns(handles, width)
    foot = _LINE * math.ceil(len(handles) / legend_columns) + 0.04 if handles else 0.0
    canvas, axes = _grid(width, rows, columns, margins, foot)
    for place, (one, chart) in enumerate(zip(axes, charts, strict=True)):
        _draw_chart(one, chart, is_slanted=is_slanted, is_narrow=columns == _MOST_COLUMNS)
        wide = width / columns - margins.left - margins.right
        if not below[place]:
            one.tick_params(axis="x", labelbottom=False)
        if told[place]:
            _label(one.xaxis, chart.x_label, 0.5, -(ticks_height + 0.01) / high, va="top")
        if place % columns == 0 or charts[place - 1].y_label != chart.y_label:
            _label(one.yaxis, chart.y_label, -(_LEFT - 0.1) / wide, 0.5, va="bottom")
        one.set_title(_fitted(chart.title, _LARGE, wide + 0.3))
    if handles:
        canvas.legend(
            handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=legend_columns, frameon=False,
            columnspacing=1.4, handlelength=2.6, handletextpad=0.5, labelspacing=0.35, borderpad=0.2,
            borderaxespad=0.1,
        )  # fmt: skip
    return canvas


def _label(axis: Any, text: str, x: float, y: float, *, va: str) -> None:
    """A label at a place of the axes: given, so that it is not moved about for the words beside it."""
    axis.set_label_text(text, va=va)
    axis.set_label_coords(x, y)


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
    longest = _width_of((handle.get_label() for handle in handles), _SMALL)
    most = max(1, min(len(handles), int(width / (longest + 0.5))))
    return math.ceil(len(handles) / math.ceil(len(handles) / most)) if handles else 1


def _line(x: Sequence[float], y: Sequence[float], look: Look, **more: Any) -> Any:
    return Line2D(x, y, color=look.colour, marker=look.marker, linestyle=look.line, markersize=look.size,
                  markeredgewidth=0.8, **more)  # fmt: skip


def _draw_chart(axes: Any, chart: Chart, *, is_slanted: bool, is_narrow: bool) -> None:
    places = [place for place, _ in chart.ticks or ()]
    if chart.ticks is not None:
        words = [legible(word) for _, word in chart.ticks]
        slant = {"rotation": _SLANT, "ha": "right", "rotation_mode": "anchor"} if is_slanted else {}
        axes.set_xticks(places, words, **slant)
    low, high = _reach(chart)
    room = 0.45 if chart.ticks is not None else 0.03 * (high - low) or 0.5
    axes.set_xlim(low - room, high + room)
    if chart.zero:
        axes.axhline(0, color=_GREY_TEXT, linewidth=0.7, zorder=1.5)
    for order, trace in enumerate(chart.traces):
        _DRAWERS.get(trace.kind, _draw_marks)(axes, trace, 3 + order)
    axes.autoscale_view(scalex=False)
    axes.yaxis.set_major_locator(MaxNLocator(4 if is_narrow else 6, steps=[1, 2, 5, 10]))
    if chart.ticks is None:
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    if all(trace.is_empty for trace in chart.traces):
        axes.set_ylim(0, 100)
        axes.text(0.5, 0.5, "incomplete" if chart.traces else "no cells", transform=axes.transAxes, ha="center",
                  va="center", color=_GREY_TEXT)  # fmt: skip


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
        axes.errorbar([mark.x for mark, *_ in barred], [y for _, y, _ in barred], yerr=[sd for *_, sd in barred],
                      fmt="none", ecolor=look.colour, elinewidth=0.8, capsize=1.6, capthick=0.8, alpha=0.75,
                      zorder=2.5)  # fmt: skip
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

# --- Bars --------------------------------------------------------------------------------------------------

_BAR = 0.17  # inches from one bar to the next


def _bar_canvas(charts: Sequence[BarChart]) -> Canvas:
    """Horizontal bars, two charts beside each other."""
    columns = min(2, len(charts))
    width = COLUMN_WIDTH if columns == 1 else TEXT_WIDTH
    longest = _width_of((bar.label for chart in charts for bar in chart.bars), _SMALL)
    margins = _Margins(left=min(longest, 1.4) + 0.12, right=0.12, top=0.2)
    counts = _rows_of(len(charts), columns)
    heights = [
        max(_BAR * _bar_places(chart)[1] for chart in charts[place * columns : (place + 1) * columns])
        for place in range(len(counts))
    ]
    rows = [_Row(n, height, 0.36) for n, height in zip(counts, heights, strict=True)]
    canvas, axes = _grid(width, rows, columns, margins, 0.0)
    wide = width / columns - margins.left - margins.right
    limits = _bar_limits([bar for chart in charts for bar in chart.bars], wide)  # alike, so that charts compare
    for place, (one, chart) in enumerate(zip(axes, charts, strict=True)):
        height = heights[place // columns]
        _draw_bars(one, chart, height / _BAR, limits, wide)
        _label(one.xaxis, chart.x_label, 0.5, -0.18 / height, va="top")
        one.set_title(_fitted(chart.title, _LARGE, width / columns - 0.1), loc="center")
    return canvas


def _bar_places(chart: BarChart) -> tuple[list[float], float]:
    """Where each bar stands, from the top, and how many bars' room all take."""
    places, place = [], 0.5
    for before, bar in zip((None, *chart.bars), chart.bars, strict=False):
        if before is not None:
            place += 1.45 if bar.apart != before.apart else 1.0
        places.append(place)
    return places, place + 0.5


def _draw_bars(axes: Any, chart: BarChart, room: float, limits: tuple[float, float], wide: float) -> None:
    """Bars with their numbers at the end, beyond the bar of one sd."""
    places, _ = _bar_places(chart)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.set_ylim(room, 0)
    axes.set_yticks(places, [_fitted(bar.label, _SMALL, 1.4) for bar in chart.bars])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=_GREY_TEXT, linewidth=0.7, zorder=3)
    for place, bar in zip(places, chart.bars, strict=True):
        if bar.value is not None:
            axes.barh(place, bar.value, height=0.68, color=bar.look.colour, zorder=2,
                      alpha=1.0 if bar.value >= 0 else 0.55, hatch=None if bar.value >= 0 else "/////",
                      edgecolor="white" if bar.value < 0 else bar.look.colour, linewidth=0.0)  # fmt: skip
        if bar.value is not None and bar.sd is not None:
            axes.errorbar(bar.value, place, xerr=bar.sd, fmt="none", ecolor="#222222", elinewidth=0.7, capsize=1.5,
                          capthick=0.7, zorder=4)  # fmt: skip
        if bar.apart:
            axes.get_yticklabels()[places.index(place)].set_fontweight("bold")
    low, high = limits
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    inch = (high - low) / wide
    for place, bar in zip(places, chart.bars, strict=True):
        value, sd = bar.value or 0.0, bar.sd or 0.0
        is_left = value < 0
        axes.text(value - sd - 0.04 * inch if is_left else value + sd + 0.04 * inch, place, bar.printed,
                  ha="right" if is_left else "left", va="center_baseline", fontsize=_SMALL,
                  fontweight="bold" if bar.apart else "normal",
                  color="#000000" if bar.value is not None else _GREY_TEXT, zorder=5)  # fmt: skip


def _bar_limits(bars: Sequence[Bar], wide: float) -> tuple[float, float]:
    """The ends of the axis: as near as the numbers beside the bars allow."""
    ends = [((bar.value or 0.0), (bar.sd or 0.0), _width_of([bar.printed], _SMALL) + 0.06) for bar in bars]
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
