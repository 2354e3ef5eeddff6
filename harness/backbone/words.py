"""Which words learned context vectors lie next to."""

import torch
from jaxtyping import Float
from torch import Tensor

from harness.backbone.clip import Clip

_AT_ONCE = 1024  # vectors whose distances to the whole vocabulary are held, 200 MB of them


def nearest_words(context: Float[Tensor, "*vectors width"], clip: Clip, top: int) -> list[list[tuple[str, float]]]:
    """For each of the vectors, the ``top`` nearest tokens of the vocabulary and their Euclidean distances.

    CoOp (Zhou et al., IJCV 2022), section 4, "Interpreting the Learned Prompts", reads learned contexts this way.

    Args:
        context: vectors of the text tower; leading axes are flattened in order.
        clip: gives the token table.
        top: how many tokens a vector.

    Returns:
        For each vector pairs of a word and its distance, the nearest first.
    """
    vectors = context.reshape(-1, context.shape[-1]).to(clip.device, torch.float32)
    table = clip.token_table.float()
    found = [torch.cdist(part, table).topk(top, largest=False) for part in torch.split(vectors, _AT_ONCE)]
    return [
        list(zip(clip.words(row_ids), row_distances, strict=True))
        for distances, ids in found
        for row_ids, row_distances in zip(ids.tolist(), distances.tolist(), strict=True)
    ]
