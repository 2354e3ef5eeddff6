"""How much of each kind of work a cell asks for: counts that follow from the cell and from sizes alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.data.dataset import Size
from harness.matrix.cell import Cell
from harness.matrix.protocol import draw_rule
from harness.matrix.template import n_sentences

TINY = Size(1, 1, 1)  # stands for a data set of unknown size
_NAME_TOKENS = 5.0  # a class name of three tokens, the full stop and the end of text
_BEHIND_THE_NAME = {"end": 0.0, "middle": 0.5, "front": 1.0}  # part of a unified context
_MOST_VAL_SHOTS = 4

Draw = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """The work of one cell.

    Attributes:
        n_images: training images of its draw; 0 for one that trains on none, or only evaluates.
        n_classes: that it learns.
        steps: of training.
        step_tokens: that pass through the text tower in one of them.
        n_views: views of training images, which all variants of a draw share.
        n_val: validation images.
        vectors: learned.
        n_test: test images.
        test_classes: among which they are told apart.
        text_tokens: of the prompts that its test needs.
    """

    n_images: int
    n_classes: int
    steps: int
    step_tokens: float
    n_views: int
    n_val: int
    vectors: int
    n_test: int
    test_classes: int
    text_tokens: float


def draw_of(cell: Cell) -> Draw:
    """What cells have in common that learn from the same images with the same backbone."""
    return cell.backbone, cell.precision, cell.dataset, cell.classes, cell.shots, cell.seed, draw_rule(cell)


def n_train_images(cell: Cell, size: Size) -> int:
    """Training images of the cell's draw."""
    share = 1.0 if cell.classes == "all" else 0.5
    n_images = size.n_train if cell.shots == "all" else min(cell.shots * size.n_classes, size.n_train)
    return round(n_images * share)


def work_of(cell: Cell, sizes: Mapping[str, Size]) -> Work:
    """The work of a cell; data sets of unknown size count as tiny ones."""
    size, (target, target_classes) = sizes.get(cell.dataset, TINY), cell.target()
    target_size = sizes.get(target, TINY)
    n_classes, test_classes = _classes(size, cell.classes), _classes(target_size, target_classes)
    n_test = round(target_size.n_test * test_classes / max(1, target_size.n_classes))
    n_images, recipe = n_train_images(cell, size), cell.recipe_dict()
    if cell.n_ctx is None or "epochs" not in recipe:
        texts = _NAME_TOKENS * test_classes * (0 if cell.template is None else n_sentences(cell.template))
        trains = cell.evaluate_on is None and n_images > 0
        n_val = n_classes * (_MOST_VAL_SHOTS if cell.shots == "all" else min(cell.shots, _MOST_VAL_SHOTS))
        return Work(
            n_images if trains else 0, n_classes, 0, 0.0, 0, n_val if trains else 0, 0, n_test, test_classes, texts
        )
    texts = _step_tokens(cell, cell.n_ctx, test_classes)
    if cell.evaluate_on is not None:
        return Work(0, n_classes, 0, 0.0, 0, 0, 0, n_test, test_classes, texts)
    epochs = int(recipe["epochs"])
    steps = epochs * max(1, n_images // int(recipe["batch_size"]))
    n_views = n_images * (epochs if cell.views == "live" else max(1, int(cell.views or 1)))
    vectors = cell.n_ctx * (n_classes if cell.context == "class_specific" else 1)
    tokens = _step_tokens(cell, cell.n_ctx, n_classes)
    return Work(n_images, n_classes, steps, tokens, n_views, 0, vectors, n_test, test_classes, texts)


def _classes(size: Size, classes: str) -> int:
    """Classes of the whole, or of one half: the first has the odd one."""
    halves = {"base": (size.n_classes + 1) // 2, "new": size.n_classes // 2}
    return halves.get(classes, size.n_classes)


def _step_tokens(cell: Cell, n_ctx: int, n_classes: int) -> float:
    """Tokens of all prompts: those that classes share are counted once (``backbone/text.py``)."""
    if cell.context == "class_specific":
        return n_classes * (n_ctx + _NAME_TOKENS)
    own = n_ctx * _BEHIND_THE_NAME[cell.class_token_position or "end"]
    return (n_ctx - own + 1) + n_classes * (own + _NAME_TOKENS)
