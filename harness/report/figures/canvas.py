"""Where things stand in a figure: sizes, axes in rows, and the frame around a pair of axes.

Sizes are those of a journal's page: 8.4 cm for one column, 17.5 cm for the whole width, letters of 7 and 8 points
at that size. Places are computed here and not by a layout engine, which lays out every figure several times over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from harness.report.figures.lettering import FAMILY, legible

_CM = 1 / 2.54  # inches
COLUMN_WIDTH = 8.4 * _CM
TEXT_WIDTH = 17.5 * _CM
LARGE, SMALL = 8.0, 7.0  # points
_POINT = 1 / 72  # inches
_SLANT = 35  # degrees
GREY_TEXT = "#555555"
SLANT_SIN, SLANT_COS = math.sin(math.radians(_SLANT)), math.cos(math.radians(_SLANT))


@dataclass(frozen=True, slots=True)
class Margins:
    """Room around one pair of axes, in inches."""

    left: float
    right: float
    top: float


def grid_of_axes(
    width: float, rows: Sequence[AxesRow], columns: int, margins: Margins, foot: float
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
            made[-1].set_axis_off()  # `Frame` draws it
        top -= row.bottom
    return canvas, made


@dataclass(frozen=True, slots=True)
class AxesRow:
    """One row of axes: how many, how high, and the room under them, in inches."""

    n: int
    height: float
    bottom: float


def rows_of(n: int, columns: int) -> list[int]:
    """How many of ``n`` axes stand in each row."""
    return [min(columns, n - start) for start in range(0, n, columns)]


def width_of(words: Iterable[str], points: float) -> float:
    """Inches that the longest of ``words`` takes."""
    font = FontProperties(family=FAMILY, size=points)
    widths = [text_to_path.get_text_width_height_descent(legible(word), font, ismath=False)[0] for word in words]
    return max(widths, default=0.0) * _POINT


def fitted(text: str, points: float, width: float) -> str:
    """``text``, legible, cut with an ellipsis where it is wider than ``width`` inches."""
    text = legible(text)
    if width_of([text], points) <= width:
        return text
    while text and width_of([text + "…"], points) > width:
        text = text[:-1]
    return text.rstrip() + "…"


Ticks = Sequence[tuple[float, str]]


def round_ticks(limits: tuple[float, float], most: int) -> list[tuple[float, str]]:
    """Round numbers between two limits, and how they are written."""
    low, high = sorted(limits)
    found = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high)
    values = [value for value in found if low <= value <= high]
    step = min((after - before for before, after in pairwise(values)), default=1.0)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [(value, f"{value + 0.0:.{decimals}f}".replace("-", "−")) for value in values]


@dataclass(frozen=True, slots=True)
class Frame:
    """The lines and words around a pair of axes; matplotlib's own, which can move, take twice the time to draw.

    ``wide`` and ``high`` are the axes' size in inches.
    """

    axes: Any
    wide: float
    high: float

    def lines(self, x: Ticks, y: Ticks, *, is_grid: bool) -> None:
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

    def under(self, ticks: Ticks, *, is_slanted: bool) -> None:
        """The words of the x axis."""
        slant = {"rotation": _SLANT, "ha": "right", "rotation_mode": "anchor"} if is_slanted else {"ha": "center"}
        for place, word in ticks:
            share = self._share(place, self.axes.get_xlim())
            self.text(share, 0, legible(word), down=0.06, va="top", size=SMALL, **slant)

    def left(self, ticks: Ticks) -> None:
        """The words of the y axis."""
        for place, word in ticks:
            share = self._share(place, self.axes.get_ylim())
            self.text(0, share, word, aside=-0.05, ha="right", va="center_baseline", size=SMALL)

    def text(self, x: float, y: float, words: str, *, aside: float = 0, down: float = 0, **how: Any) -> None:
        """Words at a share of the axes, moved by inches."""
        place = (x + aside / self.wide, y - down / self.high)
        self.axes.text(*place, words, transform=self.axes.transAxes, **how)

    @staticmethod
    def _share(place: float, limits: tuple[float, float]) -> float:
        return (place - limits[0]) / (limits[1] - limits[0])
