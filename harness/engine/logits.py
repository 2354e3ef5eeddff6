"""CLIP's logits of images and texts."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize


def clip_logits(
    images: Float[Tensor, "*runs images dim"], texts: Float[Tensor, "*runs classes dim"], scale: float
) -> Float[Tensor, "*runs images classes"]:
    """Cosine similarities of images and texts times CLIP's logit scale.

    CLIP (Radford et al., ICML 2021), figure 3; CoOp (Zhou et al., IJCV 2022), section 3.1, where the scale is one
    over the temperature.
    """
    return scale * normalize(images, dim=-1) @ normalize(texts, dim=-1).transpose(-1, -2)
