"""Cells that go to a worker together, and how they are cut when a worker dies of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.matrix.cell import Cell
from harness.plan.work import draw_of

MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """Cells for one job; ``tries`` counts the workers that broke down with them."""

    cells: tuple[Cell, ...]
    tries: int = 0


def smaller_pieces(piece: Piece, unfinished: Sequence[Cell]) -> list[Piece]:
    """What is tried after a worker broke down: draw by draw, then cell by cell, then nothing more.

    So a cell that takes every worker down with it takes no other cell along.
    """
    tries = piece.tries + 1
    if tries >= MOST_TRIES:
        return []
    parts: dict[object, list[Cell]] = {}
    for cell in unfinished:
        parts.setdefault(draw_of(cell) if tries == 1 else cell, []).append(cell)
    return [Piece(tuple(cells), tries) for cells in parts.values()]


def n_disjoint(pieces: Sequence[Piece]) -> int:
    """How many of the pieces have no cell in common, small ones counted first."""
    seen: set[Cell] = set()
    number = 0
    for piece in sorted(pieces, key=lambda piece: len(piece.cells)):
        if seen.isdisjoint(piece.cells):
            seen.update(piece.cells)
            number += 1
    return number
