"""Sets of templates, and the text features of a whole set."""

import open_clip
from torch.nn.functional import normalize

from harness.shapes import TemplateFeatures, TextFeatures

# The seven that the makers of CLIP selected on ImageNet; each sentence with {} for the class name.
SELECTED_TEMPLATES: tuple[str, ...] = tuple(template("{}") for template in open_clip.SIMPLE_IMAGENET_TEMPLATES)


def ensemble_templates(own: str | None) -> tuple[str, ...]:
    """The templates of CoOp's zero-shot ensemble: the selected seven, then the data set's own.

    Args:
        own: the data set's template; ``None`` for ImageNet, for which the seven were selected.
    """
    return SELECTED_TEMPLATES if own is None else (*SELECTED_TEMPLATES, own)


def ensemble(features: TemplateFeatures) -> TextFeatures:
    """The mean of each class's normalised text features over all templates, normalised again."""
    return normalize(normalize(features, dim=-1).mean(dim=0), dim=-1)
