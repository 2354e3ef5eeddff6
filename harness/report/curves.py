"""Few-shot curves drawn with matplotlib's object interface; the only file here that imports matplotlib.

The axis has the ticks of the CoOp paper's figures at equal distances: one step a doubling, zero shots one
step before one shot, and ``all`` set apart.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.matrix.cell import Shots
from harness.report.panels import Panel, Series
from harness.report.rows import ZERO_SHOT, shots_order

FORMATS = ("pdf", "png", "svg")

# Okabe and Ito's palette, told apart with every common colour blindness; its yellow is too pale for a line.
_BLUE, _VERMILION, _GREEN, _PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
_SKY, _ORANGE, _BLACK = "#56B4E9", "#E69F00", "#000000"

_COLUMN_WIDTH = 3.4  # inches: one column of a two-column page
_TEXT_WIDTH = 7.0
_PANEL_HEIGHT = 1.75
_MOST_COLUMNS = 4
_LEGEND_ROW = 0.17

_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that no machine's fonts matter
    "font.size": 8,
    "text.parse_math": False,  # a dollar in a class or template is a dollar
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
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


@dataclass(frozen=True, slots=True)
class Look:
    """How one series is drawn."""

    colour: str
    marker: str
    line: str
    size: float = 4


_OTHERS = ("", None)
# From method and context to the looks of its variants: a family keeps to its colours. Dots are the probe's.
_LOOKS: dict[tuple[str, str | None], tuple[Look, ...]] = {
    (ZERO_SHOT, None): (Look(_BLACK, "*", "", 8), Look("#777777", "*", "", 8), Look(_PURPLE, "*", "", 8)),
    ("linear_probe", None): (Look(_GREEN, "^", ":"), Look(_BLACK, "^", ":"), Look(_PURPLE, "^", ":")),
    ("coop", "unified"): (
        Look(_BLUE, "o", "-"), Look(_SKY, "D", "--"), Look(_BLUE, "v", "-."),
        Look(_SKY, "P", "-"), Look(_BLUE, "X", "--"), Look(_SKY, "o", "-."),
    ),
    ("coop", "class_specific"): (
        Look(_VERMILION, "s", "-"), Look(_ORANGE, "p", "--"), Look(_VERMILION, "<", "-."),
        Look(_ORANGE, "h", "-"), Look(_VERMILION, ">", "--"), Look(_ORANGE, "s", "-."),
    ),
    _OTHERS: (
        Look(_PURPLE, "D", "-"), Look(_BLACK, "X", "-"), Look(_GREEN, "v", "--"), Look(_ORANGE, "P", "-"),
        Look(_PURPLE, "o", "--"), Look(_BLACK, "s", "-."), Look(_SKY, "D", "-"), Look(_GREEN, "p", "-."),
    ),
}  # fmt: skip


def draw(panels: Sequence[Panel]) -> dict[str, bytes]:
    """The figure in each of ``FORMATS``; the same panels give the same bytes, whatever matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = _figure(panels)
        return {name: _bytes(figure, name) for name in FORMATS}


def looks(series: Sequence[Series]) -> list[Look]:
    """One look a series: a star for zero-shot, dots for the probe, blue unified, red class-specific."""
    turns: dict[tuple[str, str | None], int] = {}
    found = []
    for one in series:
        key = (one.method, one.context)
        family = key if key in _LOOKS else _OTHERS
        turn = turns.get(family, 0)
        turns[family] = turn + 1
        found.append(_LOOKS[family][turn % len(_LOOKS[family])])
    return found


def _bytes(figure: Figure, name: str) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=name, metadata=_METADATA[name])
    return file.getvalue()


def _figure(panels: Sequence[Panel]) -> Figure:
    """All panels on one grid with one legend under them."""
    columns = min(len(panels), _MOST_COLUMNS)
    rows = math.ceil(len(panels) / columns)
    width = _COLUMN_WIDTH if len(panels) == 1 else _TEXT_WIDTH
    handles = _handles(panels)
    legend_columns = _legend_columns(handles, width)
    legend_height = _LEGEND_ROW * math.ceil(len(handles) / legend_columns) + 0.1 if handles else 0.0
    panel_height = 2.2 if len(panels) <= 2 else _PANEL_HEIGHT
    figure = Figure(figsize=(width, panel_height * rows + legend_height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    shots = shots_order(point.shots for panel in panels for one in panel.series for point in one.points)
    styles = looks(panels[0].series) if panels else []
    for place, axes in enumerate(grid.flat):
        if place >= len(panels):
            axes.set_axis_off()
            continue
        _draw_panel(axes, panels[place], styles, shots)
        if place + columns >= len(panels):  # nothing stands below it
            axes.set_xlabel("Shots per class")
        if place % columns == 0:
            axes.set_ylabel("Accuracy (%)")
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=legend_columns, frameon=False,
                      columnspacing=1.2, handlelength=2.4)  # fmt: skip
    figure.draw_without_rendering()  # lays the figure out once, instead of again for every format
    figure.set_layout_engine("none")
    return figure


def _legend_columns(handles: Sequence[Any], width: float) -> int:
    """As many columns as fit the longest label."""
    longest = max((len(handle.get_label()) for handle in handles), default=1)
    return max(1, min(len(handles), int(width / (0.062 * longest + 0.5))))


def _handles(panels: Sequence[Panel]) -> list[Any]:
    """Legend entries: each series with a point anywhere, and what a hollow marker means if there is one."""
    handles = []
    styles = looks(panels[0].series) if panels else []
    for index, look in enumerate(styles):
        points = [point for panel in panels for point in panel.series[index].points]
        if any(point.mean is not None for point in points):
            handles.append(_line([], [], look, label=panels[0].series[index].label))
    everything = [point for panel in panels for one in panel.series for point in one.points]
    if any(point.mean is not None and not point.whole for point in everything):
        hollow = Look("#777777", "o", "")
        handles.append(_line([], [], hollow, markerfacecolor="white", label="hollow: seeds missing"))
    return handles


def _line(x: Sequence[float], y: Sequence[float], look: Look, **more: Any) -> Any:
    return Line2D(x, y, color=look.colour, marker=look.marker, linestyle=look.line, markersize=look.size, **more)


def _draw_panel(axes: Any, panel: Panel, styles: Sequence[Look], shots: Sequence[Shots]) -> None:
    axes.set_title(panel.title)
    places = [_place(count, shots) for count in shots]
    axes.set_xticks(places, [str(count) for count in shots])
    if places:
        axes.set_xlim(min(places) - 0.4, max(places) + 0.4)
    for order, (one, look) in enumerate(zip(panel.series, styles, strict=True)):
        _draw_series(axes, one, look, shots, order)
    if not any(point.mean is not None for one in panel.series for point in one.points):
        axes.set_ylim(0, 100)
        axes.text(0.5, 0.5, "incomplete" if shots else "no cells", transform=axes.transAxes, ha="center",
                  va="center", color="#777777")  # fmt: skip


def _draw_series(axes: Any, one: Series, look: Look, shots: Sequence[Shots], order: int) -> None:
    """A line through the shot counts, error bars of one sd, hollow markers where seeds are missing."""
    if one.method == ZERO_SHOT:
        for point in one.points:
            if point.mean is not None:
                axes.axhline(point.mean, color=look.colour, linewidth=0.6, linestyle=(0, (1, 3)), zorder=1)
    # A point without a mean breaks the line; "all" is no next doubling and stands alone.
    trained = [point for point in one.points if point.shots != "all"]
    axes.add_line(_line([_place(point.shots, shots) for point in trained],
                        [math.nan if point.mean is None else point.mean for point in trained],
                        Look(look.colour, "", look.line), zorder=3 + order))  # fmt: skip
    barred = [point for point in one.points if point.mean is not None and point.sd is not None]
    if barred:
        axes.errorbar([_place(point.shots, shots) for point in barred], [point.mean for point in barred],
                      yerr=[point.sd for point in barred], fmt="none", ecolor=look.colour, elinewidth=0.8,
                      capsize=1.8, capthick=0.8, alpha=0.8, zorder=2.5)  # fmt: skip
    for is_whole, face in ((True, look.colour), (False, "white")):
        marked = [point for point in one.points if point.mean is not None and point.whole == is_whole]
        if marked:
            axes.add_line(_line([_place(point.shots, shots) for point in marked],
                                [point.mean for point in marked if point.mean is not None],
                                Look(look.colour, look.marker, "", look.size), markerfacecolor=face,
                                markeredgewidth=0.8, zorder=3.5 + order))  # fmt: skip
    axes.autoscale_view(scalex=False)


def _place(shots: Shots, among: Sequence[Shots]) -> float:
    """Where a count stands: a step a doubling, 0 a step before 1, ``all`` one and a half after the last."""
    if shots == "all":
        numbers = [_place(count, ()) for count in among if count != "all"]
        return max(numbers, default=-0.5) + 1.5
    return 0.0 if shots == 0 else math.log2(shots) + 1.0
