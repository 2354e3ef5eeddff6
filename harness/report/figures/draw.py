"""Figures drawn with matplotlib's object interface, each as PDF, PNG and SVG."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from harness.report.figures.canvas import LARGE, SMALL
from harness.report.figures.charts import BarChart, Chart, Figure
from harness.report.figures.draw_bars import bar_canvas
from harness.report.figures.draw_charts import chart_canvas
from harness.report.figures.lettering import FAMILY, lettering

FORMATS = ("pdf", "png", "svg")

_STYLE = {
    "font.family": FAMILY,  # made of what comes with matplotlib, so that no machine's fonts matter
    "font.size": LARGE,
    "text.parse_math": False,  # a dollar in a class or template is a dollar
    "legend.fontsize": SMALL,
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


def _canvas(figure: Figure) -> Canvas:
    """All charts of the figure, which are of one kind."""
    bars = [chart for chart in figure.charts if isinstance(chart, BarChart)]
    charts = [chart for chart in figure.charts if isinstance(chart, Chart)]
    return bar_canvas(bars) if bars else chart_canvas(charts)
