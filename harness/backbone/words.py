"""Which words learned context vectors lie next to."""

import torch
from torch import Tensor

from harness.backbone.clip import Clip


def nearest_words(context: Tensor, clip: Clip, top: int) -> list[list[tuple[str, float]]]:
    """For each of the vectors, the ``top`` nearest tokens of the vocabulary and their Euclidean distances.

    CoOp (Zhou et al., IJCV 2022), section 4.4, reads learned contexts this way.

    Args:
        context: (..., width); leading axes are flattened in order.
        clip: gives the token table.
        top: how many tokens a vector.
    """
    vectors = context.reshape(-1, context.shape[-1]).to(clip.device)
    distances, ids = torch.cdist(vectors, clip.token_table).topk(top, largest=False)
    return [
        list(zip(clip.words(row_ids), row_distances, strict=True))
        for row_ids, row_distances in zip(ids.tolist(), distances.tolist(), strict=True)
    ]
