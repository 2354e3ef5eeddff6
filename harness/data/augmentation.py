"""How training images are varied, as values; ``features.views`` draws and applies them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CropAndFlip:
    """A random part of the image, resized, and mirrored half of the time: CoOp's rule for photographs.

    The defaults are torchvision's RandomResizedCrop and RandomHorizontalFlip, which CoOp's configurations
    use.

    Attributes:
        scale: bounds of the part's area, as a fraction of the image's.
        ratio: bounds of the part's width over its height.
        flip: probability of mirroring.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5


@dataclass(frozen=True, slots=True)
class SmallAffine:
    """A small turn, shift and zoom, for signs that mirroring or cropping would make into other signs.

    Attributes:
        degrees: the turn is uniform between minus and plus this.
        translate: the shift along each axis is uniform between minus and plus this fraction of the side.
        scale: bounds of the zoom.
    """

    degrees: float
    translate: float
    scale: tuple[float, float]


Augmentation = CropAndFlip | SmallAffine
