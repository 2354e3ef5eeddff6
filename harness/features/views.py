"""Views of an image: the centre crop of evaluation and the random ones of training.

Drawing a view (numbers from a generator) is apart from applying it (pixels), so that views can be drawn in
order and applied in any order.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from harness.data.augmentation import Augmentation, CropAndFlip, SmallAffine
from harness.shapes import Images

_CROP_TRIES = 10  # after which torchvision's RandomResizedCrop takes the centre


@dataclass(frozen=True, slots=True)
class Crop:
    """A rectangle of the image in pixels, mirrored or not."""

    top: int
    left: int
    height: int
    width: int
    flip: bool


@dataclass(frozen=True, slots=True)
class Affine:
    """A turn in degrees, a shift in fractions of the side, and a zoom, about the centre."""

    degrees: float
    shift: tuple[float, float]
    zoom: float


View = Crop | Affine | None  # None is the centre crop


def draw_view(size: tuple[int, int], augmentation: Augmentation, generator: torch.Generator) -> View:
    """A random view of an image of ``size`` (width, height) in pixels."""
    if isinstance(augmentation, CropAndFlip):
        return _draw_crop(size, augmentation, generator)
    return _draw_affine(augmentation, generator)


def prepare(image: Image.Image, augmentation: Augmentation, size_px: int) -> Image.Image:
    """What all views of an image have in common, done once: an affine view is one of the centre square."""
    return _centre(image, size_px) if isinstance(augmentation, SmallAffine) else image


def apply_view(image: Image.Image, view: View, size_px: int) -> Image.Image:
    """The view as a square RGB image of ``size_px``; resampling is Pillow's bicubic, antialiased."""
    if isinstance(view, Crop):
        box = (view.left, view.top, view.left + view.width, view.top + view.height)
        square = image.crop(box).resize((size_px, size_px), Image.Resampling.BICUBIC)
        return square.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if view.flip else square
    square = _centre(image, size_px)
    return square if view is None else _transform(square, view)


def to_pixels(images: Sequence[Image.Image], mean: Sequence[float], std: Sequence[float]) -> Images:
    """Normalised pixels of square images of one size."""
    stacked = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
    scaled = stacked.permute(0, 3, 1, 2).to(torch.float32) / 255
    shape = (1, 3, 1, 1)
    return (scaled - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


def _centre(image: Image.Image, size_px: int) -> Image.Image:
    """The shorter side resized to ``size_px``, then the middle square: CLIP's own test transform.

    The longer side is rounded down and the margins half to even, as torchvision does.
    """
    width, height = image.size
    short = min(width, height)
    if short != size_px:
        width, height = int(size_px * width / short), int(size_px * height / short)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    top, left = round((height - size_px) / 2.0), round((width - size_px) / 2.0)
    return image.crop((left, top, left + size_px, top + size_px))


def _draw_crop(size: tuple[int, int], rule: CropAndFlip, generator: torch.Generator) -> Crop:
    """A crop by torchvision's RandomResizedCrop, then a flip, with the same draws in the same order."""
    width, height = size
    low, high = torch.log(torch.tensor(rule.ratio)).tolist()
    box = None
    for _ in range(_CROP_TRIES):
        area = width * height * _uniform(*rule.scale, generator)
        ratio = torch.exp(torch.empty(1).uniform_(low, high, generator=generator)).item()
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            top = int(torch.randint(0, height - h + 1, (1,), generator=generator))
            left = int(torch.randint(0, width - w + 1, (1,), generator=generator))
            box = (top, left, h, w)
            break
    flip = torch.rand(1, generator=generator).item() < rule.flip
    return Crop(*(box or _central_box(size, rule)), flip)


def _central_box(size: tuple[int, int], rule: CropAndFlip) -> tuple[int, int, int, int]:
    """The largest central rectangle whose ratio is allowed: top, left, height, width."""
    width, height = size
    ratio = min(max(width / height, rule.ratio[0]), rule.ratio[1])
    w = width if width / height <= ratio else round(height * ratio)
    h = height if width / height >= ratio else round(width / ratio)
    return (height - h) // 2, (width - w) // 2, h, w


def _draw_affine(rule: SmallAffine, generator: torch.Generator) -> Affine:
    return Affine(
        degrees=_uniform(-rule.degrees, rule.degrees, generator),
        shift=(
            _uniform(-rule.translate, rule.translate, generator),
            _uniform(-rule.translate, rule.translate, generator),
        ),
        zoom=_uniform(*rule.scale, generator),
    )


def _transform(square: Image.Image, view: Affine) -> Image.Image:
    """The square image turned, zoomed and shifted; what comes in from outside is black."""
    side = square.size[0]
    centre = side / 2  # Pillow maps the middles of pixels, which lie at half numbers
    angle = math.radians(view.degrees)
    # Pillow asks where each pixel of the result comes from: the inverse of shift, zoom and turn.
    cos, sin = math.cos(angle) / view.zoom, math.sin(angle) / view.zoom
    x0, y0 = centre + view.shift[0] * side, centre + view.shift[1] * side
    inverse = (cos, sin, centre - cos * x0 - sin * y0, -sin, cos, centre + sin * x0 - cos * y0)
    return square.transform(square.size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC)


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return torch.empty(1).uniform_(low, high, generator=generator).item()
