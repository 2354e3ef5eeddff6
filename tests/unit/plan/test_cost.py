"""How much work cells are, beside each other."""

from collections.abc import Callable

import pytest

from harness.matrix.cell import Cell
from harness.plan.cost import cost, n_train_images

MakeCell = Callable[..., Cell]


@pytest.mark.parametrize(
    ("dataset", "shots", "n_images"),
    [("digits", 1, 10), ("digits", "all", 898), ("digits", 200, 898), ("dtd", 2, 94)],
)
def test_images_of_a_draw(make_cell: MakeCell, dataset: str, shots: object, n_images: int) -> None:
    """Shots times classes, and never more than there are."""
    assert n_train_images(make_cell(dataset=dataset, shots=shots)) == n_images


def test_order_of_costs(make_cell: MakeCell) -> None:
    """Zero-shot is cheaper than the probe, the probe than CoOp, and more shots cost more."""
    costs = [
        cost(cell)
        for cell in (
            make_cell(method="zero_shot"),
            make_cell(method="linear_probe"),
            make_cell(),
            make_cell(shots=16),
            make_cell(dataset="dtd", shots=16),
            make_cell(dataset="imagenet", shots=16),
        )
    ]
    assert costs == sorted(set(costs))


def test_fixed_views_are_cheaper_than_live_ones(make_cell: MakeCell) -> None:
    """Views that are encoded once cost less than fresh ones every epoch."""
    costs = [cost(make_cell(views=views)) for views in (0, 4, "live")]
    assert costs == sorted(set(costs))
