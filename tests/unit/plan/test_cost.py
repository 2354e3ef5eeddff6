"""How much work cells are, beside each other."""

from collections.abc import Callable

import pytest

from harness.data.catalog import DATASETS
from harness.data.dataset import Size, known_size
from harness.matrix.cell import Cell
from harness.plan.cost import cost, cost_of
from harness.plan.work import n_train_images, work_of

MakeCell = Callable[..., Cell]
SIZES = {name: size for name, row in DATASETS.items() if (size := known_size(row)) is not None}


@pytest.mark.parametrize(
    ("dataset", "shots", "n_images"),
    [("digits", 1, 10), ("digits", "all", 898), ("digits", 200, 898), ("dtd", 2, 94)],
)
def test_images_of_a_draw(make_cell: MakeCell, dataset: str, shots: object, n_images: int) -> None:
    """Shots times classes, and never more than there are."""
    assert n_train_images(make_cell(dataset=dataset, shots=shots), SIZES[dataset]) == n_images


def test_order_of_costs(make_cell: MakeCell) -> None:
    """Zero-shot is cheaper than the probe, the probe than CoOp, and more shots cost more."""
    costs = [
        cost(cell, SIZES[cell.dataset])
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


def test_units_of_cost(make_cell: MakeCell) -> None:
    """Tokens of a tower: a step is three passes of its prompts, an image is 50, and nothing costs nothing."""
    size, training = SIZES["digits"], make_cell(shots=2)
    work = work_of(training, SIZES)
    assert cost(training, size) == 1 + 3 * work.steps * work.step_tokens + 50 * work.n_views
    assert cost(make_cell(method="linear_probe", shots=2), size) == 1 + 50 * 20
    assert cost(make_cell(method="zero_shot"), size) == 1 + 10 * 5
    assert cost(make_cell(evaluate_on="dtd"), size) == 1


def test_fixed_views_are_cheaper_than_live_ones(make_cell: MakeCell) -> None:
    """Views that are encoded once cost less than fresh ones every epoch."""
    costs = [cost(make_cell(views=views), SIZES["digits"]) for views in (0, 4, "live")]
    assert costs == sorted(set(costs))


def test_half_of_the_classes_is_half_of_the_work(make_cell: MakeCell) -> None:
    """Base and new classes have half of the images, and prompts of their own classes."""
    whole, base = make_cell(shots=16), make_cell(shots=16, classes="base")
    assert n_train_images(base, SIZES["digits"]) == 80
    assert cost(base, SIZES["digits"]) < cost(whole, SIZES["digits"]) / 2


def test_a_data_set_of_unknown_size_counts_as_tiny(make_cell: MakeCell) -> None:
    """What is not on disk yet can be planned."""
    cell = make_cell()
    assert cost_of([cell, cell], {}) == 2 * cost(cell, Size(1, 1))
