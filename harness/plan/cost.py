"""How much work a cell is, in units that compare cells; not seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.data.dataset import Size
from harness.matrix.cell import Cell
from harness.matrix.template import n_sentences

_TINY = Size(1, 1)
_IMAGE_TOKENS = 50.0  # an image costs about as much as the 49 patches and the class token of ViT-B/32
_NAME_TOKENS = 6.0  # start and end of text, full stop, and a class name of three tokens
_BACKWARD = 3.0  # forward and backward are about three forwards


def n_train_images(cell: Cell, size: Size) -> int:
    """Training images of the cell's draw."""
    share = 1.0 if cell.classes == "all" else 0.5
    n_images = size.n_train if cell.shots == "all" else min(cell.shots * size.n_classes, size.n_train)
    return round(n_images * share)


def cost_of(cells: Iterable[Cell], sizes: Mapping[str, Size]) -> float:
    """The work of all cells; one whose data set has no known size counts as tiny."""
    return sum(cost(cell, sizes.get(cell.dataset, _TINY)) for cell in cells)


def cost(cell: Cell, size: Size) -> float:
    """Tokens that pass through a tower, training steps counted as three passes.

    Test images are left out: their features are computed once for all cells.
    """
    if cell.evaluate_on is not None:
        return 1.0  # its training is another cell's
    recipe = cell.recipe_dict()
    n_images = n_train_images(cell, size)
    n_classes = size.n_classes if cell.classes == "all" else (size.n_classes + 1) // 2
    if "epochs" not in recipe:
        n_texts = n_classes * (1 if cell.template is None else n_sentences(cell.template))
        return 1.0 + n_images * _IMAGE_TOKENS + n_texts * _NAME_TOKENS
    steps = int(recipe["epochs"]) * max(1, n_images // int(recipe["batch_size"]))
    n_views = int(recipe["epochs"]) if cell.views == "live" else max(1, int(cell.views or 1))
    text = steps * n_classes * ((cell.n_ctx or 0) + _NAME_TOKENS) * _BACKWARD
    return 1.0 + text + n_views * n_images * _IMAGE_TOKENS
