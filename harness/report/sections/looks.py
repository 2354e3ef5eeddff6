"""How a method looks wherever it is drawn: colour, marker and dash; told here once and without matplotlib.

A look follows from what a row is (method, context, position of the class name), never from its place in a figure,
so that CoOp with a unified context is the same blue line in every figure, on every page and in every report.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.report.figures.look import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, Look
from harness.report.numbers.rows import ZERO_SHOT, Row

_Family = tuple[str, str | None, str | None]  # method, context, class_token_position
_OTHERS: _Family = ("", None, None)
# The first look of a family is its own; the others are for more of its kind: other lengths, inits, templates ..
_LOOKS: dict[_Family, tuple[Look, ...]] = {
    (ZERO_SHOT, None, None): (
        Look(BLACK, "*", "", 7), Look(GREY, "P", "", 5), Look(PURPLE, "X", "", 5), Look(SKY, "*", "", 7),
    ),
    ("linear_probe", None, None): (Look(GREEN, "^", ":"), Look(GREY, "^", ":"), Look(PURPLE, "^", ":")),
    ("coop", "unified", "end"): (
        Look(BLUE, "o", "-"), Look(GREEN, "X", "-"), Look(PURPLE, "P", "-"), Look(GREY, "h", "-"),
    ),
    ("coop", "unified", "middle"): (
        Look(SKY, "D", "--"), Look(GREEN, "P", "--"), Look(PURPLE, "X", "--"), Look(GREY, "h", "--"),
    ),
    ("coop", "unified", "front"): (Look(PURPLE, "v", "-."), Look(BLUE, "h", "-."), Look(GREY, "P", "-.")),
    ("coop", "class_specific", "end"): (
        Look(VERMILION, "s", "-"), Look(PURPLE, ">", "-"), Look(BLACK, "<", "-"), Look(GREY, "d", "-"),
    ),
    ("coop", "class_specific", "middle"): (
        Look(ORANGE, "p", "--"), Look(PURPLE, "<", "--"), Look(BLACK, ">", "--"), Look(GREY, "d", "--"),
    ),
    ("coop", "class_specific", "front"): (
        Look(BLACK, "v", "-."), Look(VERMILION, "h", "-."), Look(GREY, "P", "-."),
    ),
    _OTHERS: (
        Look(PURPLE, "D", "-"), Look(BLACK, "X", "--"), Look(GREEN, "v", "-."), Look(ORANGE, "P", "-"),
        Look(PURPLE, "o", "--"), Look(BLACK, "s", "-."), Look(SKY, "d", "-"), Look(GREEN, "p", "-."),
    ),
}  # fmt: skip


def row_looks(rows: Iterable[Row]) -> dict[Row, Look]:
    """One look a row; rows of one family take turns in the order in which they come."""
    turns: dict[_Family, int] = {}
    found = {}
    for row in rows:
        family = _family(row)
        turn = turns.get(family, 0)
        turns[family] = turn + 1
        found[row] = _LOOKS[family][turn % len(_LOOKS[family])]
    return found


def _family(row: Row) -> _Family:
    context, position = row.axis("context"), row.axis("class_token_position")
    family = (
        row.method,
        None if context is None else str(context),
        None if position is None else str(position),
    )
    return family if family in _LOOKS else _OTHERS
