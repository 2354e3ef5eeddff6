"""The shared text forward against the plain one, over random prompts."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plain_prompts import plain_features

from harness.backbone.clip import Clip
from harness.backbone.prompts import prompt_layout
from harness.backbone.text import SharedPrompts

WORDS = ("cat", "polka", "aircraft", "supercalifragilistic", "Boeing 737", "St. Bernard", "x")
NAMES = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=6, unique=True
)


@settings(max_examples=40)
@given(
    names=NAMES,
    n_ctx=st.integers(1, 9),
    position=st.sampled_from(["end", "middle", "front"]),
    per_class=st.booleans(),
    n_runs=st.integers(1, 3),
    chunk=st.sampled_from([None, 1, 2]),
    halved=st.booleans(),
)
def test_shared_prompts_are_the_plain_ones(
    tiny: Clip,
    names: list[str],
    n_ctx: int,
    position: str,
    per_class: bool,
    n_runs: int,
    chunk: int | None,
    halved: bool,
) -> None:
    """Features and gradients are those of the plain forward, for every layout, cut into chunks or not."""
    layouts = [prompt_layout(name, n_ctx, position, tiny.tokens) for name in names]
    generator = torch.Generator().manual_seed(n_ctx)
    shape = (n_runs, len(names), n_ctx, 64) if per_class else (n_runs, n_ctx, 64)
    contexts = 0.1 * torch.randn(shape, generator=generator)
    weights = torch.randn(n_runs, len(names), 64, generator=generator)

    plain = contexts.clone().requires_grad_()
    expected = torch.stack([plain_features(layouts, run, tiny) for run in plain])
    (expected * weights).sum().backward()

    shared = contexts.clone().requires_grad_()
    prompts_of_all = SharedPrompts(layouts, tiny, per_class, chunk)
    if halved:
        prompts_of_all.halve()
    features = prompts_of_all.encode(shared)
    (features * weights).sum().backward()

    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)
    largest = float(plain.grad.abs().max())
    assert float((shared.grad - plain.grad).abs().max()) <= 1e-5 * max(largest, 1.0)


@pytest.mark.parametrize("per_class", [False, True])
def test_runs_beside_a_run_do_not_change_it_much(tiny: Clip, per_class: bool) -> None:
    """A run among others has the features that it has alone, up to the order in which a kernel adds."""
    layouts = [prompt_layout(name, 4, "end", tiny.tokens) for name in WORDS]
    prompts = SharedPrompts(layouts, tiny, per_class)
    shape = (3, len(WORDS), 4, 64) if per_class else (3, 4, 64)
    contexts = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(prompts.encode(contexts)[1:2], prompts.encode(contexts[1:2]), rtol=1e-5, atol=1e-5)
