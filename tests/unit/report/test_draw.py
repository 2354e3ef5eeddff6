"""Figures: what stands in them, and the bytes that they become."""

import re
from dataclasses import replace

import matplotlib as mpl
import pytest

from harness.report.build import build_report
from harness.report.figures.canvas import COLUMN_WIDTH, TEXT_WIDTH
from harness.report.figures.charts import Chart, Figure, Mark, Trace
from harness.report.figures.draw import draw
from harness.report.figures.look import BLUE, Look


def _size_in(svg: bytes) -> tuple[float, float]:
    """Inches."""
    width, height = re.search(rb'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()
    return float(width) / 72, float(height) / 72


def _figure(n: int = 1, ticks=None, label: str = "method", title: str = "chart") -> Figure:
    marks = tuple(Mark(place, 50.0 + place, 1.0) for place in range(3))
    traces = (Trace(label, Look(BLUE, "o", "-"), marks),)
    return Figure("f", "f", (), tuple(Chart(title, traces, "x", "y", ticks) for _ in range(n)))


def test_figures_are_what_their_names_say(small_matrix) -> None:
    """PDF, PNG and SVG start as such files do."""
    drawn = draw(build_report("m", small_matrix).all_figures[0])
    assert {name: content[:4] for name, content in drawn.items()} == {
        "pdf": b"%PDF",
        "png": b"\x89PNG",
        "svg": b"<?xm",
    }


@pytest.mark.parametrize(
    ("n", "n_words", "width"),
    [(1, 0, COLUMN_WIDTH), (2, 0, TEXT_WIDTH), (12, 0, TEXT_WIDTH), (1, 3, COLUMN_WIDTH), (1, 9, TEXT_WIDTH)],
)
def test_widths_are_those_of_a_page(n, n_words, width) -> None:
    """One chart is a column wide unless its axis has many words, several are as wide as the page."""
    ticks = tuple((float(place), f"word {place}") for place in range(n_words)) or None
    found, _ = _size_in(draw(_figure(n, ticks))["svg"])
    assert found == pytest.approx(width, abs=1e-3)


def test_letters_are_embedded_and_not_too_small() -> None:
    """A PDF holds its font as TrueType, which journals take, and an SVG needs no font at all."""
    drawn = draw(_figure())
    assert b"/TrueType" in drawn["pdf"] or b"/CIDFontType2" in drawn["pdf"]
    assert b"/Type3" not in drawn["pdf"]
    assert b"<text" not in drawn["svg"]


def test_the_same_value_gives_the_same_bytes() -> None:
    """Neither time nor the place of a temporary font is in a file."""
    first, second = draw(_figure()), draw(_figure())
    assert first == second
    assert b"harness-font" not in b"".join(first.values())


@pytest.mark.parametrize("words", ["草 𝔘 data", "$\\frac$", "a" * 300, "_^{}%", ""])
def test_any_name_can_be_written(words) -> None:
    """A name in another script, of markup, or of any length gives a figure without a warning."""
    width, _ = _size_in(draw(_figure(label=words, title=words))["svg"])
    assert width == pytest.approx(COLUMN_WIDTH, abs=1e-3)


@pytest.mark.parametrize("case", ["no zero-shot", "zero-shot missing", "all", "nothing", "three", "one bar"])
def test_figures_of_odd_matrices(make_entry, case) -> None:
    """A figure is drawn, without a warning, for whatever a matrix may hold."""
    entries = {
        "no zero-shot": [make_entry("coop", 700, shots, 1) for shots in (1, 2)],
        "zero-shot missing": [make_entry("zero_shot", None), *(make_entry("coop", 700, n, 1) for n in (1, 2))],
        "all": [make_entry("coop", 700, shots, 1) for shots in (16, "all")] + [make_entry("mine", 1, "all", 1)],
        "nothing": [make_entry("coop", None, shots, 1) for shots in (1, 2)],
        "three": [make_entry("coop", 700, shots, seed) for shots in (3, 5) for seed in (1, 2)],
        "one bar": [make_entry("zero_shot", 630), make_entry("coop", 700, 1, 1)],
    }[case]
    (figure,) = build_report("m", entries).all_figures
    assert len(draw(figure)) == 3


def test_a_figure_does_not_depend_on_matplotlibrc() -> None:
    """A user's style neither changes the figure nor is changed by it."""
    plain = draw(_figure())
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red"}):
        assert draw(_figure()) == plain
        assert mpl.rcParams["font.size"] == 20


def test_an_average_bar_and_a_falling_one_look_otherwise(make_entry) -> None:
    """A bar below zero is hatched, so that it is told from others in grey, too."""
    entries = [make_entry("zero_shot", 630), make_entry("coop", 700, 1, 1)]
    (figure,) = build_report("m", entries).all_figures
    (chart,) = figure.charts
    falling = replace(figure, charts=(replace(chart, bars=(replace(chart.bars[0], value=-3.0),)),))
    assert b"pattern" not in draw(figure)["svg"]
    assert b"pattern" in draw(falling)["svg"]
