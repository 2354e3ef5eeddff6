"""Figures drawn with matplotlib's object interface; the only file here that imports matplotlib.

Sizes are those of a journal's page: 8.4 cm for one column, 17.5 cm for the whole width, letters of 7 and 8 points
at that size. Places are computed here and not by a layout engine, which lays out every figure several times over.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from harness.report.figures.charts import Bar, BarChart, Chart, Figure, Mark, Trace
from harness.report.figures.lettering import FAMILY, legible, lettering
from harness.report.figures.style import GREY, Look

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
    "legend.fontsize": _SMALL,
    "lines.linewidth": 1.1,
    "svg.hashsalt": "harness",  # element names of an SVG are random without it
    "pdf.fonttype": 42,  # journals refuse the default, Type 3
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
            place = (left / width, top / height, wide / width, row.height / height)
            made.append(canvas.add_axes(place))
            made[-1].set_axis_off()  # `_Frame` draws it
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


# --- Frames ------------------------------------------------------------------------------------------------

_Ticks = Sequence[tuple[float, str]]


def _ticks(limits: tuple[float, float], most: int) -> list[tuple[float, str]]:
    """Round numbers between two limits, and how they are written."""
    low, high = sorted(limits)
    found = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high)
    values = [value for value in found if low <= value <= high]
    step = min((after - before for before, after in pairwise(values)), default=1.0)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [(value, f"{value + 0.0:.{decimals}f}".replace("-", "−")) for value in values]


@dataclass(frozen=True, slots=True)
class _Frame:
    """The lines and words around a pair of axes; matplotlib's own, which can move, take twice the time to draw.

    ``wide`` and ``high`` are the axes' size in inches.
    """

    axes: Any
    wide: float
    high: float

    def lines(self, x: _Ticks, y: _Ticks, *, is_grid: bool) -> None:
        """A grid through the ticks; or, for ``x`` alone, the two lines of the frame with its ticks."""
        across = [self._share(place, self.axes.get_xlim()) for place, _ in x]
        up = [self._share(place, self.axes.get_ylim()) for place, _ in y]
        segments: list[list[tuple[float, float]]]
        if is_grid:
            segments = [[(share, 0.0), (share, 1.0)] for share in across]
            segments += [[(0.0, share), (1.0, share)] for share in up]
        else:
            tick = 2.5 * _POINT / self.high
            segments = [[(0, 1), (0, 0), (1, 0)], *([(share, 0), (share, -tick)] for share in across)]
        look = ("#E3E3E3", 0.5, 0.5) if is_grid else ("#000000", 0.6, 2.4)
        self.axes.add_collection(
            LineCollection(segments, colors=look[0], linewidths=look[1], zorder=look[2], clip_on=False,
                           transform=self.axes.transAxes, capstyle="projecting"),
            autolim=False,
        )  # fmt: skip

    def under(self, ticks: _Ticks, *, is_slanted: bool) -> None:
        """The words of the x axis."""
        slant = {"rotation": _SLANT, "ha": "right", "rotation_mode": "anchor"} if is_slanted else {"ha": "center"}
        for place, word in ticks:
            share = self._share(place, self.axes.get_xlim())
            self.text(share, 0, legible(word), down=0.06, va="top", size=_SMALL, **slant)

    def left(self, ticks: _Ticks) -> None:
        """The words of the y axis."""
        for place, word in ticks:
            share = self._share(place, self.axes.get_ylim())
            self.text(0, share, word, aside=-0.05, ha="right", va="center_baseline", size=_SMALL)

    def text(self, x: float, y: float, words: str, *, aside: float = 0, down: float = 0, **how: Any) -> None:
        """Words at a share of the axes, moved by inches."""
        place = (x + aside / self.wide, y - down / self.high)
        self.axes.text(*place, words, transform=self.axes.transAxes, **how)

    @staticmethod
    def _share(place: float, limits: tuple[float, float]) -> float:
        return (place - limits[0]) / (limits[1] - limits[0])


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
    wide = width / columns - margins.left - margins.right
    for place, (one, chart) in enumerate(zip(axes, charts, strict=True)):
        _draw_marks_of(one, chart)
        frame = _Frame(one, wide, high)
        places = _ticks(one.get_xlim(), 4) if chart.ticks is None else chart.ticks
        heights = _ticks(one.get_ylim(), 5 if columns == _MOST_COLUMNS else 6)
        frame.lines([], heights, is_grid=True)
        frame.lines(places, [], is_grid=False)
        frame.left(heights)
        if below[place]:
            frame.under(places, is_slanted=is_slanted)
        if told[place]:
            frame.text(0.5, 0, chart.x_label, down=ticks_height + 0.01, ha="center", va="top", size=_LARGE)
        if place % columns == 0 or charts[place - 1].y_label != chart.y_label:
            left = _LEFT - 0.09
            frame.text(0, 0.5, chart.y_label, aside=-left, ha="center", va="center", size=_LARGE, rotation=90)
        frame.text(
            0.5, 1, _fitted(chart.title, _LARGE, wide + 0.3), down=-0.05, ha="center", va="bottom", size=_LARGE
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
    longest = _width_of((handle.get_label() for handle in handles), _SMALL)
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
        axes.axhline(0, color=_GREY_TEXT, linewidth=0.7, zorder=1.5)
    for order, trace in enumerate(chart.traces):
        _DRAWERS.get(trace.kind, _draw_marks)(axes, trace, 3 + order)
    axes.autoscale_view(scalex=False)
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
        frame = _Frame(one, wide, height)
        _draw_bars(frame, chart, height / _BAR, limits)
        frame.text(0.5, 0, chart.x_label, down=0.18, ha="center", va="top", size=_LARGE)
        title = _fitted(chart.title, _LARGE, width / columns - 0.1)
        frame.text(0.5, 1, title, down=-0.05, ha="center", va="bottom", size=_LARGE)
    return canvas


def _bar_places(chart: BarChart) -> tuple[list[float], float]:
    """Where each bar stands, from the top, and how many bars' room all take."""
    places, place = [], 0.5
    for before, bar in zip((None, *chart.bars), chart.bars, strict=False):
        if before is not None:
            place += 1.45 if bar.apart != before.apart else 1.0
        places.append(place)
    return places, place + 0.5


def _draw_bars(frame: _Frame, chart: BarChart, room: float, limits: tuple[float, float]) -> None:
    """Bars with their numbers at the end, beyond the bar of one sd."""
    axes, (places, _) = frame.axes, _bar_places(chart)
    axes.set_ylim(room, 0)
    axes.set_xlim(limits)
    ticks = _ticks(limits, 6)
    frame.lines(ticks, [], is_grid=True)
    frame.lines(ticks, [], is_grid=False)
    frame.under(ticks, is_slanted=False)
    axes.axvline(0, color=_GREY_TEXT, linewidth=0.7, zorder=3)
    inch = (limits[1] - limits[0]) / frame.wide
    for place, bar in zip(places, chart.bars, strict=True):
        weight = "bold" if bar.apart else "normal"
        label = _fitted(bar.label, _SMALL, 1.4)
        frame.text(
            0, 1 - place / room, label, aside=-0.05, ha="right", va="center_baseline", size=_SMALL, weight=weight
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
                  ha="right" if value < 0 else "left", va="center_baseline", fontsize=_SMALL, fontweight=weight,
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
