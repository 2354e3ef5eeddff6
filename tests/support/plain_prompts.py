"""The text forward without anything shared: what the shared one is held against.

Every prompt is one row of embeddings, as long as the longest, and goes through open_clip's own tower as a whole.
"""

from collections.abc import Sequence

import torch

from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout
from harness.shapes import Context, PromptEmbeddings, TextFeatures


def plain_embeddings(layouts: Sequence[Layout], context: Context, clip: Clip) -> PromptEmbeddings:
    """Token embeddings with the context in its places; differentiable in ``context``."""
    per_class = context if context.ndim == 3 else context.expand(len(layouts), *context.shape)
    longest = max(map(len, layouts))
    rows = [
        [clip.token_table[slot] if slot >= 0 else vectors[-slot - 1] for slot in layout]
        + [torch.zeros(vectors.shape[-1])] * (longest - len(layout))
        for layout, vectors in zip(layouts, per_class, strict=True)
    ]
    return torch.stack([torch.stack(row) for row in rows])


def plain_features(layouts: Sequence[Layout], context: Context, clip: Clip) -> TextFeatures:
    """Text features, not normalised, of all classes; differentiable in ``context``."""
    ends = torch.tensor([len(layout) - 1 for layout in layouts])
    return clip.encode_prompts(plain_embeddings(layouts, context, clip), ends)
