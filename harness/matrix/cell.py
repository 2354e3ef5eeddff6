"""A cell: one point of the experiment matrix, every choice that can change its numbers spelled out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

Shots = int | Literal["all"]
Views = int | Literal["live"]
Scalar = str | int | float | bool | None
Recipe = tuple[tuple[str, Scalar], ...]
CLASSES = ("all", "base", "new")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One training and its evaluation; ``None`` where the method does not read the axis.

    Attributes:
        dataset: name of the data set that is trained on.
        evaluate_on: what is evaluated on: the name of a data set, or a half of the classes of ``dataset``
            (``base``, ``new``); ``None`` is the test images of the classes that are trained on.
        classes: ``all``, or the ``base`` or ``new`` half of the classes to train on.
        backbone: ``tiny``, ``ARCHITECTURE:TAG`` or ``ARCHITECTURE:FILE``.
        precision: number format of the towers: ``fp32``, ``amp``, ``bf16`` or ``fp16``.
        method: name of the method.
        protocol: whose rules the method follows.
        recipe: every number of the training, sorted by name.
        shots: training images a class; 0 for a method that trains on none; ``all`` for the whole split.
        seed: of the few-shot draw, of batches and views, and of the initial context.
        views: ``live`` (fresh augmentation every epoch), 0 (centre crop) or k fixed augmented views an image.
        template: sentence with one ``{}`` for the class name.
        context: ``unified`` (one context for all classes) or ``class_specific``.
        n_ctx: learned context vectors; with ``ctx_init`` the number of its words.
        class_token_position: the class name stands at the ``end``, in the ``middle`` or in ``front``.
        ctx_init: words that the context starts from; ``None`` starts from random vectors.
        extras: axes of a plug-in method, sorted by name.
    """

    dataset: str
    evaluate_on: str | None = None
    classes: str = "all"
    backbone: str
    precision: str = "fp32"
    method: str
    protocol: str | None = None
    recipe: Recipe | None = None
    shots: Shots = 0
    seed: int | None = None
    views: Views | None = None
    template: str | None = None
    context: str | None = None
    n_ctx: int | None = None
    class_token_position: str | None = None
    ctx_init: str | None = None
    extras: Recipe = ()

    def to_dict(self) -> dict[str, Any]:
        """The flat form that records hold: every key always there, ``recipe`` as a mapping."""
        flat = {name: getattr(self, name) for name in CELL_KEYS}
        flat["recipe"] = None if self.recipe is None else dict(self.recipe)
        return flat | dict(self.extras)

    @classmethod
    def from_dict(cls, flat: Mapping[str, Any]) -> Cell:
        """The cell that ``to_dict`` flattened; keys that are not a field are a plug-in's axes.

        Raises:
            ValueError: it is no such mapping; flat cells come out of files, too.
        """
        if not isinstance(flat, Mapping) or not all(isinstance(flat.get(key), str) for key in _NAMED):
            raise ValueError(f"a cell names its {', '.join(_NAMED)}")
        recipe = flat.get("recipe")
        numbers = {} if recipe is None else recipe
        values = {key: value for key, value in flat.items() if key != "recipe"}
        if not isinstance(numbers, Mapping) or not all(map(_is_scalar, (*values.values(), *numbers.values()))):
            raise ValueError("a cell's values are words, finite numbers or null, and its recipe maps to such")
        known = {name: values[name] for name in CELL_KEYS if name in values}
        known["recipe"] = None if recipe is None else tuple(sorted(numbers.items()))
        extras = tuple(sorted((key, value) for key, value in values.items() if key not in CELL_KEYS))
        return cls(**known, extras=extras)

    def trained(self) -> Cell:
        """The cell that trains what this one evaluates; itself where it evaluates its own test images."""
        return replace(self, evaluate_on=None)

    def target(self) -> tuple[str, str]:
        """Data set and classes whose test images are evaluated on."""
        if self.evaluate_on is None:
            return self.dataset, self.classes
        if self.evaluate_on in CLASSES:
            return self.dataset, self.evaluate_on
        return self.evaluate_on, "all"

    def recipe_dict(self) -> dict[str, Any]:
        """The recipe as a mapping; empty for a method without one."""
        return dict(self.recipe or ())


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))


_NAMED = ("dataset", "backbone", "method")
CELL_KEYS: tuple[str, ...] = tuple(field.name for field in fields(Cell) if field.name != "extras")
