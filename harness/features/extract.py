"""Images in, a table of image features out."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import torch
from PIL import Image

from harness.backbone.clip import Clip
from harness.features.views import View, apply_view, to_pixels
from harness.shapes import ImageFeatures

BATCH = 256  # images encoded at a time: 224 px images of this many fit an 8 GB GPU
_Item = TypeVar("_Item")


def encode_views(views: Iterable[tuple[Image.Image, View]], clip: Clip) -> ImageFeatures:
    """Features, not normalised, of each image seen through its view, in order, on the backbone's device."""
    tables = []
    for batch in _batches(views):
        squares = [apply_view(image, view, clip.image_size_px) for image, view in batch]
        pixels = to_pixels(squares, clip.mean, clip.std).to(clip.device)
        with torch.no_grad():
            tables.append(clip.encode_images(pixels))
    return torch.cat(tables)


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Lists of up to ``BATCH`` items; itertools.batched came with Python 3.12."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
