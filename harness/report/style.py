"""How a method looks in every picture: colour, marker and line, the same in figures and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.panels import Series
from harness.report.rows import ZERO_SHOT

# Okabe and Ito's palette, told apart with every common colour blindness; its yellow is too pale for a line.
_BLUE, _VERMILION, _GREEN, _PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
_SKY, _ORANGE, _BLACK = "#56B4E9", "#E69F00", "#000000"
_GREY = "#777777"
# The same hues on a dark ground, where black would be lost and blue is too dim.
ON_DARK = {
    _BLUE: "#4DA3E0", _VERMILION: "#F2803D", _GREEN: "#2CC295", _PURPLE: "#E09AC4",
    _SKY: "#A5DAF7", _ORANGE: "#F5BE5C", _BLACK: "#F2F2EF", _GREY: "#A3A6AB",
}  # fmt: skip


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
    (ZERO_SHOT, None): (Look(_BLACK, "*", "", 8), Look(_GREY, "*", "", 8), Look(_PURPLE, "*", "", 8)),
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
