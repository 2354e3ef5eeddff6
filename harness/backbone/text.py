"""The text tower on prompts that have much in common: no token is computed twice, and none that does not count.

Four facts make this exact and cheap. The tower is causal, so nothing behind the end of text matters. Leading
positions that are the same for all classes (the *trunk*: start of text and, for a unified context, the context
vectors up to the class name) have the same keys and values in every layer for every class and are computed once;
each class only adds its own *branch*. Trunk positions before the first context vector are constants and are
computed once for a whole training. In the last layer nothing but the end of text is asked for.

Branches are laid out without padding: classes are sorted by length, their tokens stand in one flat row for all
that works token by token, and attention looks at one length at a time.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, silu
from torch.utils.checkpoint import checkpoint

from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout

_QUICK_GELU = 1.702  # QuickGELU is x * sigmoid(1.702 x) = silu(1.702 x) / 1.702
Norm = tuple[Tensor, Tensor, float]
Affine = tuple[Tensor, Tensor]
_FLOATS_PER_TOKEN = 16  # activations that a layer keeps for the backward pass, in units of the width, with slack
_NEVER_CUT_BYTES = 1 << 30
_SHARE = 0.5  # of the free memory
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


@dataclass(frozen=True, slots=True)
class Branches:
    """The branches of some classes, flat.

    Attributes:
        frozen: (tokens, width), token embeddings (zero where a context vector stands) plus positions.
        slots: (tokens,), the rows of the context table that are added.
        buckets: one a length, in the order of the flat row.
        has_context: whether a context vector stands in any of them.
    """

    frozen: Tensor
    slots: Tensor
    buckets: tuple[Bucket, ...]
    has_context: bool


class SharedPrompts:
    """The prompts of all classes as one trunk and a branch a class; a layout ends where its feature is read."""

    def __init__(self, layouts: Sequence[Layout], clip: Clip, per_class: bool, chunk: int | None = None) -> None:
        """Lay the prompts out.

        Args:
            layouts: one a class; none longer than the text tower.
            clip: the frozen backbone.
            per_class: every class has a context of its own, so that context vectors are no common prefix.
            chunk: classes whose activations are held at a time and computed again in the backward pass; all
                classes, and nothing twice, without it.
        """
        self._clip = clip
        self._per_class = per_class
        self._blocks = read_blocks(clip)
        self._n_ctx = max(0, -min(map(min, layouts)))
        n_trunk = _common_prefix(layouts, per_class)
        learned = next((place for place, slot in enumerate(layouts[0][:n_trunk]) if slot < 0), n_trunk)
        constant = self._flat([layouts[0][:learned]], [0], first=0)
        self._constants = self._constant_keys_values(constant.frozen)
        self._trunk = self._flat([layouts[0][learned:n_trunk]], [0], first=learned)
        self._n_trunk = n_trunk
        self._layouts = layouts
        self._order = sorted(range(len(layouts)), key=lambda number: len(layouts[number]))
        self._places = torch.tensor(self._order, device=clip.device).argsort()
        self.classes_at_once = chunk or len(layouts)
        self._branches = self._cut_branches()

    def halve(self) -> bool:
        """Hold half as many classes' activations at a time; false when it is one already."""
        if self.classes_at_once == 1:
            return False
        self.classes_at_once //= 2
        self._branches = self._cut_branches()
        return True

    def _cut_branches(self) -> list[Branches]:
        """The branches of all classes, by length, ``classes_at_once`` in a piece."""
        pieces = []
        for start in range(0, len(self._order), self.classes_at_once):
            numbers = self._order[start : start + self.classes_at_once]
            rows = [self._layouts[number][self._n_trunk :] for number in numbers]
            pieces.append(
                self._flat(rows, [number if self._per_class else 0 for number in numbers], self._n_trunk)
            )
        return pieces

    def encode(self, contexts: Tensor) -> Tensor:
        """Text features, not normalised, (runs, classes, dim), of as many contexts; differentiable in them.

        Args:
            contexts: (runs, n_ctx, width), or (runs, classes, n_ctx, width) where every class has its own.
        """
        if self._per_class and contexts.shape[-2] != self._n_ctx:
            raise ValueError(f"contexts of {contexts.shape[-2]} vectors for prompts with {self._n_ctx}")
        with self._clip.autocast():
            return self._encode_all(self._context_table(contexts))

    def _encode_all(self, table: Tensor) -> Tensor:
        trunk = self._trunk_keys_values(table)
        if len(self._branches) > 1 and torch.is_grad_enabled():
            parts = [checkpoint(self._encode, part, table, trunk, use_reentrant=False) for part in self._branches]
        else:
            parts = [self._encode(part, table, trunk) for part in self._branches]
        return torch.cat(parts, dim=1)[:, self._places]

    def _context_table(self, contexts: Tensor) -> Tensor:
        """(runs, rows, width): for each class, or once for all, a row of zeros and then the context vectors."""
        padded = torch.cat([torch.zeros_like(contexts[..., :1, :]), contexts], dim=-2)
        return padded.flatten(1, -2)

    def _flat(self, rows: Sequence[Layout], classes: Sequence[int], first: int) -> Branches:
        """The flat form of some rows that stand at positions ``first`` and up, sorted by length."""
        device, positional = self._clip.device, self._clip.positional_embedding
        slots = [slot for row in rows for slot in row]
        offsets = [number * (self._n_ctx + 1) for number, row in zip(classes, rows, strict=True) for _ in row]
        positions = [first + place for row in rows for place in range(len(row))]
        ids = torch.tensor(slots, device=device, dtype=torch.long)
        tokens = self._clip.token_table[ids.clamp(min=0)] * (ids >= 0)[:, None]
        buckets = [Bucket(len(list(of_length)), length) for length, of_length in groupby(map(len, rows))]
        return Branches(
            frozen=tokens + positional[torch.tensor(positions, device=device, dtype=torch.long)],
            slots=torch.tensor(offsets, device=device, dtype=torch.long) + (-ids).clamp(min=0),
            buckets=tuple(buckets),
            has_context=any(slot < 0 for slot in slots),
        )

    def _constant_keys_values(self, x: Tensor) -> list[KeysValues]:
        """Keys and values, a layer, of the positions before the first context vector."""
        kept = []
        x = x[None].to(self._clip.dtype)
        with torch.no_grad(), self._clip.autocast():
            for block in self._blocks:
                q, k, v = block.project(x)
                kept.append((k, v))
                x = block.finish(x, _attend_causally(q, k, v))
        return kept

    def _trunk_keys_values(self, table: Tensor) -> list[KeysValues]:
        """Keys and values, a layer, of the whole trunk, (runs or 1, heads, positions, head width)."""
        if not len(self._trunk.slots):
            return self._constants
        x = (self._trunk.frozen + table[:, self._trunk.slots]).to(self._clip.dtype)
        kept: list[KeysValues] = []
        for block, constant in zip(self._blocks, self._constants, strict=True):
            q, k, v = block.project(x)
            k, v = (
                torch.cat([fixed.expand(len(x), -1, -1, -1), new], dim=2)
                for fixed, new in zip(constant, (k, v), strict=True)
            )
            kept.append((k, v))
            if len(kept) < len(self._blocks):  # of the last layer only keys and values are asked for
                x = block.finish(x, _attend_causally(q, k, v))
        return kept

    def _encode(self, part: Branches, table: Tensor, trunk: Sequence[KeysValues]) -> Tensor:
        """Text features (runs, classes, dim) of some classes, in the order of the flat row."""
        x = part.frozen.expand(len(table), -1, -1)
        if part.has_context:  # without one the first layer's input is constant and takes no gradient
            x = x + table[:, part.slots]
        x = x.to(self._clip.dtype)
        *inner, last = zip(self._blocks, trunk, strict=True)
        for block, keys_values in inner:
            q, k, v = block.project(x)
            x = block.finish(x, _attend_branches(q, k, v, keys_values, part.buckets))
        block, keys_values = last
        q, k, v = block.project(x)
        attended = _attend_branches(_ends(q, part.buckets), k, v, keys_values, part.buckets, last=True)
        ends = block.finish(_ends(x, part.buckets), attended)
        return self._clip.project_text(ends)


def classes_at_once(layouts: Sequence[Layout], clip: Clip, per_class: bool, n_runs: int) -> int | None:
    """How many classes' activations a training step may hold; ``None`` for all of them.

    A step that needs less than a gigabyte is never cut, so that the free memory of the day cannot change the
    last bit of a small problem's result.
    """
    width, n_layers = clip.token_table.shape[1], len(clip.text_blocks)
    per_token = _FLOATS_PER_TOKEN * width * n_layers * clip.token_table.element_size()
    n_trunk = _common_prefix(layouts, per_class)
    longest = max(map(len, layouts)) - n_trunk
    needed = per_token * n_runs * sum(len(layout) - n_trunk for layout in layouts)
    if needed <= _NEVER_CUT_BYTES or needed <= _SHARE * free_bytes(clip.device):
        return None
    return max(1, int(_SHARE * free_bytes(clip.device) / (per_token * n_runs * longest)))


def free_bytes(device: torch.device) -> int:
    """Free memory of the device: the GPU's, or what the operating system can still give."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):  # not every system tells
        return 4 << 30


def read_blocks(clip: Clip) -> tuple[Block, ...]:
    """The layers of the text tower."""
    return tuple(_read_block(block) for block in clip.text_blocks)


def _read_block(block: Any) -> Block:
    quick = type(block.mlp.gelu).__name__ == "QuickGELU"
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


def _common_prefix(layouts: Sequence[Layout], per_class: bool) -> int:
    """How many leading positions all classes share; every class keeps at least its end of text."""
    shortest = min(map(len, layouts)) - 1
    for place in range(shortest):
        slots = {layout[place] for layout in layouts}
        if len(slots) > 1 or (per_class and min(slots) < 0):
            return place
    return shortest


def _norm(x: Tensor, norm: Norm) -> Tensor:
    weight, bias, eps = norm
    return layer_norm(x.float(), weight.shape, weight, bias, eps).to(x.dtype)


def _ends(x: Tensor, buckets: Sequence[Bucket]) -> Tensor:
    """The last token of every class, (..., classes, width) of (..., tokens, width)."""
    parts = torch.split(x, [bucket.n_tokens for bucket in buckets], dim=-2)
    return torch.cat(
        [
            torch.unflatten(part, -2, (bucket.n_classes, bucket.length))[..., -1, :]
            for part, bucket in zip(parts, buckets, strict=True)
        ],
        dim=-2,
    )


def _causal(queries: Tensor, n_keys: int) -> Tensor:
    """0 where a query may look and minus infinity where not; the last query sees all keys."""
    return _causal_mask(queries.shape[-2], n_keys, queries.device, queries.dtype)


@cache
def _causal_mask(n_queries: int, n_keys: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    mask = torch.full((n_queries, n_keys), -torch.inf, device=device, dtype=dtype)
    return mask.triu(n_keys - n_queries + 1)


def _attend_causally(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention of (..., heads, positions, head width) over keys that begin earlier than the queries."""
    scores = q @ k.transpose(-1, -2) + _causal(q, k.shape[-2])
    return scores.softmax(dim=-1) @ v


def _attend_branches(
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


def _by_bucket(x: Tensor, buckets: Sequence[Bucket]) -> list[Tensor]:
    """(runs, heads, tokens, any) cut into (runs, heads, classes, length, any), one a bucket."""
    parts = torch.split(x, [bucket.n_tokens for bucket in buckets], dim=2)
    return [
        torch.unflatten(part, 2, (bucket.n_classes, bucket.length))
        for part, bucket in zip(parts, buckets, strict=True)
    ]
