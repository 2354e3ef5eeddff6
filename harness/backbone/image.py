"""The image tower without what nobody looks at."""

from typing import Any

import torch
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor


class ClassTokenBlock(torch.nn.Module):
    """The last layer of a vision transformer, for the class token alone: no other output is read.

    All positions give keys and values; one gives a query and goes through the feed-forward part.
    """

    def __init__(self, block: Any) -> None:
        """Take the weights of ``block``, open_clip's ResidualAttentionBlock."""
        super().__init__()
        self.block = block

    def forward(self, x: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        """(images, 1, width) of (images, positions, width)."""
        block = self.block
        y = block.ln_1(x)
        x = x[:, :1] + block.ls_1(block.attention(q_x=y[:, :1], k_x=y, v_x=y, attn_mask=attn_mask))
        out: Tensor = x + block.ls_2(block.mlp(block.ln_2(x)))
        return out


def read_class_token_only(visual: Any) -> None:
    """Replace the last layer of a vision transformer that is read at its class token; leave other towers alone."""
    if getattr(visual, "pool_type", None) != "tok" or getattr(visual, "attn_pool", None) is not None:
        return
    last = visual.transformer.resblocks[-1]
    if isinstance(last, ResidualAttentionBlock):
        visual.transformer.resblocks[-1] = ClassTokenBlock(last)
