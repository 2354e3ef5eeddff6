"""Images in, a table of image features out."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import torch
from PIL import Image

from harness.backbone.clip import Clip
from harness.features.views import View, apply_view, to_pixels
from harness.machine_faults import is_out_of_memory
from harness.shapes import ImageFeatures
from harness.threads import side_by_side

_ON_GPU = 256  # images encoded at a time: 224 px images of this many fit an 8 GB GPU
_ON_CPU = 128  # what a core's cache holds of a small tower's activations
_Item = TypeVar("_Item")
Seen = tuple[Image.Image, View]


def encode_views(views: Iterable[Seen], clip: Clip) -> ImageFeatures:
    """Features, not normalised, of each image seen through its view, in order, on the backbone's device.

    A batch that memory does not hold is encoded in halves.
    """

    def encode(batch: Sequence[Seen]) -> ImageFeatures:
        try:
            squares = [apply_view(image, view, clip.image_size_px) for image, view in batch]
            pixels = to_pixels(squares, clip.mean, clip.std).to(clip.device)
            with torch.no_grad():
                return clip.encode_images(pixels)
        except (RuntimeError, MemoryError) as error:
            if len(batch) == 1 or not is_out_of_memory(error):
                raise
        half = len(batch) // 2
        return torch.cat([encode(batch[:half]), encode(batch[half:])])

    size = batch_size(clip)
    return torch.cat(side_by_side(encode, _batches(views, size), clip.device))


def batch_size(clip: Clip) -> int:
    """Images that are encoded at a time."""
    return _ON_CPU if clip.device.type == "cpu" else _ON_GPU


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Lists of up to ``size`` items; itertools.batched came with Python 3.12."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
