"""What a cell is called: a stable id for machines and a short name for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.files import canonical_json, digest_text
from harness.matrix.cell import Cell
from harness.matrix.template import readable

ID_DIGITS = 20  # 80 bits: 1e5 cells collide with probability 4e-15

# Axes in the order in which a reader narrows down; what is not listed, the recipe's numbers, comes last.
_NAME_ORDER = (
    "backbone", "precision", "dataset", "evaluate_on", "classes", "method", "protocol", "template", "context",
    "n_ctx", "class_token_position", "ctx_init", "views", "shots", "seed",
)  # fmt: skip
# Axes whose values explain themselves.
_PLAIN = (
    "backbone",
    "precision",
    "dataset",
    "classes",
    "method",
    "context",
    "class_token_position",
)


def cell_id(cell: Cell) -> str:
    """The first 80 bits of SHA-256 over the canonical JSON of the cell, as 20 hexadecimal digits.

    The whole resolved cell is hashed, defaults included, so that a default that changes in a later version
    can never re-label an old result.
    """
    return digest_text(canonical_json(cell.to_dict()))[:ID_DIGITS]


def display_names(cells: Sequence[Cell]) -> dict[str, str]:
    """From cell id to a readable name that says what differs among ``cells`` and nothing else."""
    flats = {cell_id(cell): _spread(cell) for cell in cells}
    varying = _varying_axes(flats.values())
    return {identifier: _name(flat, varying) for identifier, flat in flats.items()}


def _spread(cell: Cell) -> dict[str, Any]:
    """The flat cell with the numbers of its recipe as axes of their own."""
    flat = cell.to_dict()
    recipe = flat.pop("recipe") or {}
    return flat | {f"recipe.{key}": value for key, value in recipe.items()}


def _varying_axes(flats: Iterable[Mapping[str, Any]]) -> list[str]:
    """Axes with more than one value; ``method`` always, so that no name is empty.

    A value counts only beside others that it could be mistaken for: zero-shot's missing seed is no variation,
    nor are the epochs that follow from the number of shots.
    """
    seen: dict[tuple[object, ...], set[str]] = {}
    for flat in flats:
        for axis, value in flat.items():
            seen.setdefault((axis, *_peers(axis, flat)), set()).add(canonical_json(value))
    varying = {group[0] for group, values in seen.items() if len(values) > 1}
    order = [*_NAME_ORDER, *sorted({str(axis) for axis, *_ in seen} - set(_NAME_ORDER))]
    return [axis for axis in order if axis in varying or axis == "method"]


def _peers(axis: str, flat: Mapping[str, Any]) -> tuple[object, ...]:
    """The cells among which an axis has to differ to be named."""
    if axis in ("dataset", "evaluate_on", "backbone"):
        return ()
    if axis.startswith("recipe."):
        return (flat["method"], flat["dataset"], flat["shots"])
    return (flat["method"],)


def _name(flat: Mapping[str, Any], axes: Iterable[str]) -> str:
    return " ".join(filter(None, (_word(axis, flat.get(axis), flat) for axis in axes)))


def _word(axis: str, value: Any, flat: Mapping[str, Any]) -> str:
    """How one axis reads inside a name; empty when the method does not read it."""
    if axis == "shots":
        return f"{value}-shot" if value else ""
    if axis == "ctx_init" and flat["n_ctx"] is not None:
        return f"init={value!r}" if value else "init=random"
    if value is None:
        return ""
    if axis == "template":
        return readable(value)
    return f"{axis.removeprefix('recipe.')}={value}" if axis not in _PLAIN else str(value)
