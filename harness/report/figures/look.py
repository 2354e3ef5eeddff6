"""How a line or a bar is drawn: colour, marker and dash; without matplotlib.

Colours are those of Okabe and Ito's palette, which are told apart with every common colour blindness (its yellow
is left out, too pale for a line); markers and dashes tell them apart in grey.
"""

from __future__ import annotations

from dataclasses import dataclass

BLACK, GREY, BLUE, SKY = "#000000", "#777777", "#0072B2", "#56B4E9"
GREEN, VERMILION, ORANGE, PURPLE = "#009E73", "#D55E00", "#E69F00", "#CC79A7"


@dataclass(frozen=True, slots=True)
class Look:
    """How one method is drawn.

    Attributes:
        colour: ``#RRGGBB``.
        marker: as matplotlib writes it: ``*`` star, ``o`` circle, ``s`` square, ``D`` diamond, ``P`` plus, ``X``
            cross, ``p`` pentagon, ``h`` hexagon, ``^ v < >`` triangles.
        line: ``-`` solid, ``--`` dashed, ``:`` dotted, ``-.`` dash and dot; empty for none.
        size: of the marker in points.
    """

    colour: str
    marker: str
    line: str
    size: float = 4
