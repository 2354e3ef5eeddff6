"""The layers of the text tower, for prompts that are laid out without padding.

All that works token by token sees the tokens of all classes in one flat row; attention looks at one length at a
time. The numbers are those of open_clip's ResidualAttentionBlock, which is OpenAI's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, silu

from harness.backbone.clip import Clip

_QUICK_GELU = 1.702  # QuickGELU is x * sigmoid(1.702 x) = silu(1.702 x) / 1.702
Norm = tuple[Tensor, Tensor, float]
Affine = tuple[Tensor, Tensor]
KeysValues = tuple[Tensor, Tensor]  # each (runs, heads, positions, head width)


@dataclass(frozen=True, slots=True)
class Block:
    """The frozen weights of one layer; a QuickGELU's factors are folded into the weights around it."""

    ln_1: Norm
    in_proj: Affine
    out_proj: Affine
    ln_2: Norm
    expand: Affine
    contract: Affine
    quick: bool
    heads: int

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scaled queries, keys and values (..., heads, positions, head width) of (..., positions, width)."""
        q, k, v = (self._split(part) for part in linear(_norm(x, self.ln_1), *self.in_proj).chunk(3, dim=-1))
        return q * q.shape[-1] ** -0.5, k, v

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """The layer's output from its input and what attention gathered, (..., heads, positions, head width)."""
        x = x + linear(attended.transpose(-3, -2).flatten(-2), *self.out_proj)
        hidden = linear(_norm(x, self.ln_2), *self.expand)
        return x + linear(silu(hidden) if self.quick else gelu(hidden), *self.contract)

    def _split(self, x: Tensor) -> Tensor:
        return torch.unflatten(x, -1, (self.heads, -1)).transpose(-3, -2)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Branches of one length: ``n_classes`` of them, ``length`` tokens each, side by side in the flat row."""

    n_classes: int
    length: int

    @property
    def n_tokens(self) -> int:
        """Tokens of all its branches."""
        return self.n_classes * self.length


def read_blocks(clip: Clip) -> tuple[Block, ...]:
    """The layers of the text tower."""
    return tuple(_read_block(block, clip.is_quick_gelu) for block in clip.text_blocks)


def _read_block(block: Any, quick: bool) -> Block:
    factor = _QUICK_GELU if quick else 1.0
    expand, contract = block.mlp.c_fc, block.mlp.c_proj
    return Block(
        ln_1=(block.ln_1.weight, block.ln_1.bias, block.ln_1.eps),
        in_proj=(block.attn.in_proj_weight, block.attn.in_proj_bias),
        out_proj=(block.attn.out_proj.weight, block.attn.out_proj.bias),
        ln_2=(block.ln_2.weight, block.ln_2.bias, block.ln_2.eps),
        expand=(expand.weight * factor, expand.bias * factor),
        contract=(contract.weight / factor, contract.bias),
        quick=quick,
        heads=block.attn.num_heads,
    )


def last_tokens(x: Tensor, buckets: Sequence[Bucket]) -> Tensor:
    """The last token of every class, (..., classes, width) of (..., tokens, width)."""
    parts = torch.split(x, [bucket.n_tokens for bucket in buckets], dim=-2)
    return torch.cat(
        [
            torch.unflatten(part, -2, (bucket.n_classes, bucket.length))[..., -1, :]
            for part, bucket in zip(parts, buckets, strict=True)
        ],
        dim=-2,
    )


def attend_causally(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention of (..., heads, positions, head width) over keys that begin earlier than the queries."""
    scores = q @ k.transpose(-1, -2) + _causal(q, k.shape[-2])
    return scores.softmax(dim=-1) @ v


def attend_branches(
    q: Tensor, k: Tensor, v: Tensor, trunk: KeysValues, buckets: Sequence[Bucket], last: bool = False
) -> Tensor:
    """Attention of flat branches, each over the whole trunk and causally over itself.

    Args:
        q: (runs, heads, tokens, head width), or with ``last`` (runs, heads, classes, head width).
        k: keys, (runs, heads, tokens, head width).
        v: values, likewise.
        trunk: keys and values of the trunk.
        buckets: how the tokens are divided.
        last: the queries are those of the last token of every class.

    Returns:
        What each query gathers, in the shape of ``q``.
    """
    trunk_keys, trunk_values = trunk
    over_trunk, over_own, gathered = q @ trunk_keys.transpose(-1, -2), [], []
    queries = [Bucket(b.n_classes, 1) for b in buckets] if last else buckets
    parts = zip(
        buckets, _by_bucket(q, queries), _by_bucket(k, buckets), _by_bucket(v, buckets),
        _by_bucket(over_trunk, queries), strict=True,
    )  # fmt: skip
    for bucket, q_own, k_own, v_own, scores in parts:
        own = q_own @ k_own.transpose(-1, -2) + _causal(q_own, bucket.length)
        weights = torch.cat([scores, own], dim=-1).softmax(dim=-1)
        of_trunk, of_own = torch.split(weights, [trunk_keys.shape[2], bucket.length], dim=-1)
        over_own.append(of_trunk.flatten(2, 3))
        gathered.append((of_own @ v_own).flatten(2, 3))
    return torch.cat(over_own, dim=2) @ trunk_values + torch.cat(gathered, dim=2)


def _norm(x: Tensor, norm: Norm) -> Tensor:
    weight, bias, eps = norm
    return layer_norm(x.float(), weight.shape, weight, bias, eps).to(x.dtype)


def _causal(queries: Tensor, n_keys: int) -> Tensor:
    """0 where a query may look and minus infinity where not; the last query sees all keys."""
    return _causal_mask(queries.shape[-2], n_keys, queries.device, queries.dtype)


@cache
def _causal_mask(n_queries: int, n_keys: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    mask = torch.full((n_queries, n_keys), -torch.inf, device=device, dtype=dtype)
    return mask.triu(n_keys - n_queries + 1)


def _by_bucket(x: Tensor, buckets: Sequence[Bucket]) -> list[Tensor]:
    """(runs, heads, tokens, any) cut into (runs, heads, classes, length, any), one a bucket."""
    parts = torch.split(x, [bucket.n_tokens for bucket in buckets], dim=2)
    return [
        torch.unflatten(part, 2, (bucket.n_classes, bucket.length))
        for part, bucket in zip(parts, buckets, strict=True)
    ]
