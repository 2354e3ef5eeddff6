"""CLIP's logits."""

import torch

from harness.engine.logits import clip_logits


def test_logits_are_scaled_cosines() -> None:
    """Lengths do not matter, only directions."""
    logits = clip_logits(torch.tensor([[3.0, 0.0]]), torch.tensor([[5.0, 0.0], [0.0, 2.0], [-1.0, 0.0]]), 100.0)
    assert logits.tolist() == [[100.0, 0.0, -100.0]]
