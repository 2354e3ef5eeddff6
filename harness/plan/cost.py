"""How much work a cell is, in units that compare cells; not seconds, for which ``experience`` needs records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.data.dataset import Size
from harness.matrix.cell import Cell
from harness.plan.work import TINY, work_of

_IMAGE_TOKENS = 50.0  # an image costs about as much as the 49 patches and the class token of ViT-B/32
_BACKWARD = 3.0  # forward and backward are about three forwards


def cost_of(cells: Iterable[Cell], sizes: Mapping[str, Size]) -> float:
    """The work of all cells; one whose data set has no known size counts as tiny."""
    return sum(cost(cell, sizes.get(cell.dataset, TINY)) for cell in cells)


def cost(cell: Cell, size: Size) -> float:
    """Tokens that pass through a tower, training steps counted as three passes.

    Test images are left out: their features are computed once for all cells.
    """
    if cell.evaluate_on is not None:
        return 1.0  # its training is another cell's
    work = work_of(cell, {cell.dataset: size})
    if not work.steps:
        return 1.0 + work.n_images * _IMAGE_TOKENS + work.text_tokens
    return 1.0 + work.steps * work.step_tokens * _BACKWARD + work.n_views * _IMAGE_TOKENS
