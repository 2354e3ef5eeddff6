"""The text tower on prompts that share their beginning."""

import pytest
import torch

from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout
from harness.backbone.text import SharedPrompts


def test_halving_ends_at_one_class(tiny: Clip, layouts: list[Layout]) -> None:
    """Pieces are halved until they hold one class, and then no further."""
    prompts = SharedPrompts(layouts, tiny, per_class=False)
    seen = [prompts.classes_at_once]
    while prompts.halve():
        seen.append(prompts.classes_at_once)
    assert seen == [20, 10, 5, 2, 1]


def test_contexts_of_another_length_are_refused(tiny: Clip, layouts: list[Layout]) -> None:
    """A class-specific context that does not fit the prompts is a defect and is said."""
    prompts = SharedPrompts(layouts, tiny, per_class=True)
    with pytest.raises(ValueError, match="contexts of 3 vectors for prompts with 16"):
        prompts.encode(tiny.token_table.new_zeros(1, 20, 3, 64))


def test_only_the_context_gets_a_gradient(tiny: Clip, layouts: list[Layout]) -> None:
    """Towers and token table are frozen."""
    contexts = torch.zeros(1, 16, 64, requires_grad=True)
    SharedPrompts(layouts, tiny, per_class=False).encode(contexts).sum().backward()
    assert contexts.grad is not None
    assert contexts.grad.abs().min() > 0
    assert all(parameter.grad is None for parameter in tiny.module.parameters())
