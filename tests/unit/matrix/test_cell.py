"""The flat form of a cell."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.matrix.cell import CELL_KEYS, Cell

KEYS = [
    "dataset", "evaluate_on", "classes", "backbone", "precision", "method", "protocol", "recipe", "shots", "seed",
    "views", "template", "context", "n_ctx", "class_token_position", "ctx_init",
]  # fmt: skip


@pytest.mark.parametrize("method", ["zero_shot", "linear_probe", "coop"])
def test_flat_form_has_all_sixteen_keys(make_cell: Callable[..., Cell], method: str) -> None:
    """Every method's cell has the same sixteen keys."""
    assert sorted(make_cell(method=method).to_dict()) == sorted(KEYS)


def test_cell_keys_are_those_of_the_flat_form() -> None:
    """``CELL_KEYS`` names the sixteen keys."""
    assert sorted(CELL_KEYS) == sorted(KEYS)


def test_unread_axes_are_null(make_cell: Callable[..., Cell]) -> None:
    """Zero-shot has no shots, and null for every axis that it does not read."""
    flat = make_cell(method="zero_shot").to_dict()
    assert flat["shots"] == 0
    assert {key for key, value in flat.items() if value is None} == {
        "evaluate_on", "protocol", "recipe", "seed", "views", "context", "n_ctx", "class_token_position",
        "ctx_init",
    }  # fmt: skip


@pytest.mark.parametrize("method", ["zero_shot", "linear_probe", "coop"])
def test_flat_form_reads_back(make_cell: Callable[..., Cell], method: str) -> None:
    """A cell that was flattened and read is the same cell."""
    cell = make_cell(method=method)
    assert Cell.from_dict(cell.to_dict()) == cell


def test_plugin_axes_are_further_keys(make_cell: Callable[..., Cell]) -> None:
    """An axis that no cell has by itself stands among the flat keys and reads back."""
    cell = make_cell(depth=3, breadth="x")
    assert cell.extras == (("breadth", "x"), ("depth", 3))
    assert {key: cell.to_dict()[key] for key in ("depth", "breadth")} == {"depth": 3, "breadth": "x"}
    assert Cell.from_dict(cell.to_dict()) == cell


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": None}, {"backbone": 3}, {"method": ["coop"]}, {"recipe": [1]}, {"recipe": {"lr": [1]}},
        {"seed": {}}, {"depth": [1]}, {"recipe": {"lr": float("nan")}}, {"shots": float("inf")},
    ],
)  # fmt: skip
def test_flat_form_of_something_else_is_refused(make_cell: Callable[..., Cell], change: dict[str, Any]) -> None:
    """What comes out of a file and could not have been a cell does not become one."""
    with pytest.raises(ValueError, match="a cell"):
        Cell.from_dict(make_cell().to_dict() | change)
    with pytest.raises(ValueError, match="a cell names its"):
        Cell.from_dict([change])  # type: ignore[arg-type]


def test_recipe_is_a_mapping_for_readers(make_cell: Callable[..., Cell]) -> None:
    """A recipe is a mapping in the flat form, and an empty one for a method without recipe."""
    cell = make_cell()
    assert cell.to_dict()["recipe"] == cell.recipe_dict()
    assert cell.recipe_dict()["epochs"] == 50
    assert make_cell(method="zero_shot").recipe_dict() == {}
