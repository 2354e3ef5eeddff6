"""How much work a cell is, in units that compare cells; not seconds."""

from __future__ import annotations

from harness.data.catalog import DATASETS
from harness.matrix.cell import Cell

_IMAGE_TOKENS = 50.0  # an image costs about as much as the 49 patches and the class token of ViT-B/32
_NAME_TOKENS = 6.0  # start and end of text, full stop, and a class name of three tokens
_BACKWARD = 3.0  # forward and backward are about three forwards


def n_train_images(cell: Cell) -> int:
    """Training images of the cell's draw, by the catalog's counts."""
    row = DATASETS[cell.dataset]
    return row.n_images[0] if cell.shots == "all" else min(cell.shots * row.n_classes, row.n_images[0])


def cost(cell: Cell) -> float:
    """Tokens that pass through a tower, training steps counted as three passes.

    Test images are left out: their features are computed once for all cells.
    """
    recipe = cell.recipe_dict()
    n_classes, n_images = DATASETS[cell.dataset].n_classes, n_train_images(cell)
    if "epochs" not in recipe:
        return 1.0 + n_images * _IMAGE_TOKENS + n_classes * _NAME_TOKENS
    steps = int(recipe["epochs"]) * max(1, n_images // int(recipe["batch_size"]))
    n_views = int(recipe["epochs"]) if cell.views == "live" else max(1, int(cell.views or 1))
    text = steps * n_classes * ((cell.n_ctx or 0) + _NAME_TOKENS) * _BACKWARD
    return 1.0 + text + n_views * n_images * _IMAGE_TOKENS
