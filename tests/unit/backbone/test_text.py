"""The text tower on prompts that share their beginning, and how many classes a step holds at a time."""

import pytest
import torch

from harness.backbone import text
from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout, prompt_layout
from harness.backbone.text import SharedPrompts, classes_at_once


@pytest.fixture
def layouts(tiny: Clip) -> list[Layout]:
    """Twenty prompts."""
    return [prompt_layout(f"thing {number}", 16, "end", tiny.tokens) for number in range(20)]


def test_a_small_step_is_never_cut(tiny: Clip, layouts: list[Layout], monkeypatch: pytest.MonkeyPatch) -> None:
    """However little memory is free today, a small problem is computed in one piece, to the same bits."""
    monkeypatch.setattr(text, "free_bytes", lambda device: 1)
    assert classes_at_once(layouts, tiny, per_class=True, n_runs=1) is None


def test_a_large_step_is_cut_to_half_of_the_free_memory(
    tiny: Clip, layouts: list[Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More free memory means larger pieces, more runs at once smaller ones, and one class is the least."""
    monkeypatch.setattr(text, "_NEVER_CUT_BYTES", 0)

    def at_once(free: float, n_runs: int = 1) -> int | None:
        monkeypatch.setattr(text, "free_bytes", lambda device: int(free))
        return classes_at_once(layouts, tiny, per_class=True, n_runs=n_runs)

    assert at_once(1) == 1
    small, large = at_once(4e6), at_once(8e6)
    assert small is not None
    assert large is not None
    assert 1 < small < large < 20
    assert at_once(8e6, n_runs=2) == small
    assert at_once(1e12) is None


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


def test_free_memory_is_positive(tiny: Clip) -> None:
    """The device has some memory left."""
    assert text.free_bytes(tiny.device) > 0
