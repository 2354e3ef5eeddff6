"""Number formats of the towers."""

from functools import cache

import pytest
import torch
from support.plain_prompts import plain_features

from harness.backbone.clip import Clip
from harness.backbone.load import load_clip
from harness.backbone.prompts import prompt_layout
from harness.backbone.spec import backbone_spec
from harness.backbone.text import SharedPrompts
from harness.matrix.cell import Cell
from harness.methods.coop import initial_context

LOW = ("amp", "bf16", "fp16")
# bf16 keeps 8 bits of a number, fp16 11; features are a sum over some hundred of them.
NOISE = {"amp": 0.08, "bf16": 0.08, "fp16": 0.01}


@cache
def _clip(precision: str) -> Clip:
    return load_clip(backbone_spec("tiny"), precision, torch.device("cpu"))


def _features(clip: Clip) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Image features, text features of two prompts, and the gradient of the context."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(4, 3, 32, 32, generator=generator)
    context = (0.1 * torch.randn(1, 4, 64, generator=generator)).requires_grad_()
    layouts = [prompt_layout(name, 4, "middle", clip.tokens) for name in ("one", "polka dotted")]
    texts = SharedPrompts(layouts, clip, per_class=False).encode(context)
    texts.square().sum().backward()
    with torch.no_grad():
        images = clip.encode_images(pixels)
    assert context.grad is not None
    return images, texts.detach(), context.grad


@pytest.mark.parametrize("precision", LOW)
def test_low_precision_is_fp32_with_rounding(precision: str) -> None:
    """Features and gradients leave the towers as fp32, close to those of fp32 towers and not equal to them."""
    for low, full in zip(_features(_clip(precision)), _features(_clip("fp32")), strict=True):
        assert low.dtype == torch.float32
        error = float((low - full).abs().max() / full.abs().max())
        assert 0 < error < NOISE[precision]


@pytest.mark.parametrize("precision", LOW)
def test_shared_and_plain_forward_agree(precision: str) -> None:
    """Both forms of the text tower compute in the same number format."""
    clip = _clip(precision)
    layouts = [prompt_layout(name, 4, "end", clip.tokens) for name in ("one", "polka dotted")]
    context = 0.1 * torch.randn(4, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        plain = plain_features(layouts, context, clip)
        shared = SharedPrompts(layouts, clip, per_class=False).encode(context[None])[0]
    assert float((plain - shared).abs().max() / plain.abs().max()) < NOISE[precision]


@pytest.mark.parametrize(
    ("protocol", "precision", "dtype"),
    [
        ("coop", "fp16", torch.float32),
        ("coop", "amp", torch.float32),
        ("coop_ijcv2022", "fp16", torch.float16),
        ("coop_ijcv2022", "amp", torch.float32),
        ("coop_ijcv2022", "fp32", torch.float32),
    ],
)
def test_contexts_are_fp32_unless_the_protocol_says_otherwise(
    protocol: str, precision: str, dtype: torch.dtype
) -> None:
    """Only the released code's fp16 has contexts in fp16."""
    cell = Cell(
        dataset="digits", backbone="tiny", method="coop", protocol=protocol, context="unified", n_ctx=2,
        recipe=(("init_std", 0.02),), class_token_position="end",
    )  # fmt: skip
    assert initial_context(cell, _clip(precision), 10).dtype == dtype
