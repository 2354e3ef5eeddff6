"""The predictor of zero-shot CLIP and of CoOp: cosine similarity to one text feature a class."""

from dataclasses import dataclass

from harness.engine.logits import clip_logits
from harness.shapes import ImageFeatures, Logits, TextFeatures


@dataclass(frozen=True, slots=True)
class TextClassifier:
    """Text features of all classes and CLIP's logit scale."""

    text_features: TextFeatures
    scale: float

    def logits(self, images: ImageFeatures) -> Logits:
        """CLIP's logits."""
        return clip_logits(images, self.text_features, self.scale)
