"""The text tower on prompts that have much in common: no token is computed twice, and none that does not count.

Four facts make this exact and cheap. The tower is causal, so nothing behind the end of text matters. Leading
positions that are the same for all classes (the *trunk*: start of text and, for a unified context, the context
vectors up to the class name) have the same keys and values in every layer for every class and are computed once;
each class only adds its own *branch*. Trunk positions before the first context vector are constants and are
computed once for a whole training. In the last layer nothing but the end of text is asked for.

Branches are laid out without padding: classes are sorted by length, their tokens stand in one flat row for all
that works token by token, and attention looks at one length at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from harness.backbone.clip import Clip
from harness.backbone.layers import Bucket, KeysValues, attend_branches, attend_causally, last_tokens, read_blocks
from harness.backbone.prompts import Layout
from harness.shapes import Contexts, TextFeaturesOfRuns


@dataclass(frozen=True, slots=True)
class Branches:
    """The branches of some classes, flat.

    Attributes:
        frozen: token embeddings (zero where a context vector stands) plus positions.
        slots: the rows of the context table that are added.
        buckets: one a length, in the order of the flat row.
        has_context: whether a context vector stands in any of them.
    """

    frozen: Float[Tensor, "tokens width"]
    slots: Int[Tensor, " tokens"]
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
        n_trunk = common_prefix(layouts, per_class)
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

    def encode(self, contexts: Contexts) -> TextFeaturesOfRuns:
        """Text features, not normalised, of as many contexts; differentiable in them.

        Args:
            contexts: of every run one, or one for every class.

        Raises:
            ValueError: contexts of every class have another length than the prompts leave room for.
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
                x = block.finish(x, attend_causally(q, k, v))
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
                x = block.finish(x, attend_causally(q, k, v))
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
            x = block.finish(x, attend_branches(q, k, v, keys_values, part.buckets))
        block, keys_values = last
        q, k, v = block.project(x)
        attended = attend_branches(last_tokens(q, part.buckets), k, v, keys_values, part.buckets, last=True)
        ends = block.finish(last_tokens(x, part.buckets), attended)
        return self._clip.project_text(ends)


def common_prefix(layouts: Sequence[Layout], per_class: bool) -> int:
    """How many leading positions all classes share; every class keeps at least its end of text."""
    shortest = min(map(len, layouts)) - 1
    for place in range(shortest):
        slots = {layout[place] for layout in layouts}
        if len(slots) > 1 or (per_class and min(slots) < 0):
            return place
    return shortest
