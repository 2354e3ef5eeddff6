"""A context among class names: what methods that learn contexts and those that are given them share."""

from dataclasses import replace
from functools import cache

import torch

from harness.backbone.clip import Clip
from harness.backbone.memory import classes_at_once
from harness.backbone.prompts import Layout, prompt_layout, reference_layout
from harness.backbone.text import SharedPrompts
from harness.errors import DataError, Fault
from harness.matrix.cell import Cell
from harness.matrix.protocol import protocol_of
from harness.methods.method import Fit, RunInputs
from harness.methods.text_classifier import TextClassifier
from harness.shapes import Context


def context_dtype(cell: Cell, clip: Clip) -> torch.dtype:
    """fp32, unless the protocol lets contexts and SGD have the towers' number format."""
    return clip.dtype if protocol_of(cell).narrow_contexts else torch.float32


def context_layouts(cell: Cell, clip: Clip, class_names: tuple[str, ...], n_ctx: int) -> list[Layout]:
    """The layout of each class's prompt with ``n_ctx`` vectors.

    Where the protocol cuts prompts and the context started from words, those say how many vectors there are.
    """
    position = str(cell.class_token_position)
    if protocol_of(cell).cuts_prompts:
        return [reference_layout(name, n_ctx, cell.ctx_init, position, clip.tokens) for name in class_names]
    return [prompt_layout(name, n_ctx, position, clip.tokens) for name in class_names]


def shared_prompts(run: RunInputs, n_ctx: int, per_class: bool, n_runs: int) -> SharedPrompts:
    """The prompts that ``n_runs`` runs have alike, in chunks of classes that fit the device's memory."""
    layouts = context_layouts(run.cell, run.clip, run.class_names, n_ctx)
    return SharedPrompts(layouts, run.clip, per_class, classes_at_once(layouts, run.clip, per_class, n_runs))


def context_fit(inputs: RunInputs, context: Context) -> Fit:
    """The classifier of a context, for its own class names and for others."""
    n_ctx, per_class = context.shape[-2], context.ndim == 3

    @cache
    def classifier(class_names: tuple[str, ...]) -> TextClassifier:
        prompts = shared_prompts(replace(inputs, class_names=class_names), n_ctx, per_class, 1)
        with torch.no_grad():
            (texts,) = prompts.encode(context[None])
        return TextClassifier(texts, inputs.clip.logit_scale)

    return Fit(classifier, context=context)


def require_same_classes(learned: tuple[str, ...], target: tuple[str, ...]) -> None:
    """Raise DataError when contexts of one class each are to be used for other classes."""
    if learned != target:
        what = f"class-specific contexts belong to the {len(learned)} classes that they were learned for, "
        what += f"and these are {len(target)} others."
        raise DataError(Fault("", what, "Evaluate unified contexts here, or exclude these cells."))
