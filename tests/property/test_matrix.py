"""Expansion and identity, whatever the axes and their order."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.vocabulary import known_names
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id, display_names
from harness.matrix.matrix import Matrix, read_matrix

NAMES = known_names()
quick = settings(max_examples=40)


def some(values: tuple[Any, ...]) -> st.SearchStrategy[list[Any]]:
    """One or more of the values, in any order, none twice."""
    return st.lists(st.sampled_from(values), min_size=1, max_size=4, unique=True)


matrices = st.fixed_dictionaries(
    {
        "backbones": some(NAMES.backbones.well_known),
        "datasets": some(tuple(name for name, entry in NAMES.datasets.items() if entry.trains)),
        "shots": some((1, 2, 4, 8, 16, "all")),
        "seeds": st.lists(st.integers(0, 10**6), min_size=1, max_size=3, unique=True),
        "recipe": st.fixed_dictionaries(
            {}, optional={"lr": st.sampled_from([0.1, 1]), "epochs": st.integers(1, 9)}
        ),
    }
)
coop_axes = st.fixed_dictionaries(
    {},
    optional={
        "context": some(("unified", "class_specific")),
        "n_ctx": st.lists(st.integers(1, 16), min_size=1, max_size=3, unique=True),
        "class_token_position": some(("end", "middle", "front")),
    },
)


def expanded(content: dict[str, Any], sort_keys: bool = False) -> Matrix:
    """The matrix of a YAML with that content."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=sort_keys))
        return read_matrix(path, NAMES)


def turned(value: Any) -> Any:
    """The same value with the keys of all mappings backwards."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


@quick
@given(matrices, coop_axes)
def test_number_of_cells_is_the_product(content: dict[str, Any], axes: dict[str, Any]) -> None:
    """CoOp has a cell for every point, the probe for every draw, zero-shot for every place; no cell twice."""
    matrix = expanded({**content, "methods": ["zero_shot", "linear_probe", {"method": "coop", **axes}]})
    places = len(content["backbones"]) * len(content["datasets"])
    draws = places * len(content["shots"]) * len(content["seeds"])
    variants = 1
    for values in axes.values():
        variants *= len(values)
    assert len(matrix.cells) == places + draws + draws * variants
    assert len({cell_id(cell) for cell in matrix.cells}) == len(matrix.cells)
    assert len(set(display_names(matrix.cells).values())) == len(matrix.cells)


@quick
@given(matrices, coop_axes)
def test_identity_does_not_depend_on_the_order_of_keys(content: dict[str, Any], axes: dict[str, Any]) -> None:
    """A YAML with its keys backwards, or sorted, describes the same cells in the same order."""
    content = {**content, "methods": [{"method": "coop", **axes}]}
    cells = expanded(content).cells
    assert expanded(turned(content)).cells == cells
    assert expanded(content, sort_keys=True).cells == cells


@quick
@given(matrices, coop_axes, st.randoms(use_true_random=False))
def test_identity_does_not_depend_on_the_order_of_values(
    content: dict[str, Any], axes: dict[str, Any], chance: Any
) -> None:
    """Axes in another order give the same ids."""
    shuffled = {
        key: chance.sample(values, len(values)) if isinstance(values, list) else values
        for key, values in content.items()
    }
    method = [{"method": "coop", **axes}]
    ids = [{cell_id(cell) for cell in expanded({**each, "methods": method}).cells} for each in (content, shuffled)]
    assert ids[0] == ids[1]


@quick
@given(matrices, coop_axes)
def test_cells_read_back_from_their_flat_form(content: dict[str, Any], axes: dict[str, Any]) -> None:
    """What a record holds of a cell is enough to make it again."""
    for cell in expanded({**content, "methods": ["zero_shot", {"method": "coop", **axes}]}).cells:
        assert Cell.from_dict(cell.to_dict()) == cell
