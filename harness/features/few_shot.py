"""The features that a method may learn from: those of the few-shot images, never the test images."""

import math
import threading
from collections.abc import Callable, Sequence
from functools import partial

import torch
from PIL import Image

from harness.backbone.clip import Clip
from harness.data.augmentation import Augmentation
from harness.features.extract import encode_views
from harness.features.views import View, draw_view, prepare
from harness.matrix.cell import Views
from harness.matrix.identity import stream
from harness.shapes import ImageFeatures, Labels

KeepViews = Callable[[Sequence[int], Callable[[], ImageFeatures]], ImageFeatures]
_BLOCK_IMAGES = 512  # views that are encoded together: enough for all cores, and for a GPU, of the smallest draw
_MEMORY_BYTES = 64 << 20  # encoded views of one draw that are kept for its other variants


class FewShotFeatures:
    """Features of one few-shot draw; every table is on the backbone's device, images in the order of the draw.

    Views are encoded once and shared by all methods and variants that learn from the same draw.
    """

    def __init__(
        self,
        clip: Clip,
        augmentation: Augmentation,
        names: Sequence[object],
        train: tuple[Sequence[Image.Image], Labels],
        val: Callable[[], tuple[ImageFeatures, Labels]],
        keep: KeepViews | None = None,
    ) -> None:
        """Features of the images in ``train``; ``val`` is asked only by methods that validate.

        Args:
            clip: encodes.
            augmentation: how training images are varied.
            names: what the random stream of the views is derived from: split digest, shots, seed.
            train: images and labels of the draw.
            val: features and labels of the validation images of the draw.
            keep: takes the features of some views from a cache or makes them; without it they are made.
        """
        self._clip = clip
        self._augmentation = augmentation
        self._names = tuple(names)
        images, self.labels = train
        self._images = [prepare(image, augmentation, clip.image_size_px) for image in images]
        self._val = val
        self._keep = keep or (lambda _, make: make())
        self._centre: ImageFeatures | None = None
        self._encoding = threading.Lock()
        self._blocks: dict[int, ImageFeatures] = {}  # from the first view of a block, oldest first

    def __len__(self) -> int:
        """Training images."""
        return len(self._images)

    def view(self, views: Views, epoch: int) -> ImageFeatures:
        """Features of all training images as ``epoch`` (from 0) sees them.

        ``live`` draws fresh views every epoch, ``k`` repeats k of them, 0 is the centre crop.
        """
        if views == 0:
            return self.centre()
        if views == "live":
            return self._view(epoch, math.inf)
        return self._view(epoch % views, views)

    def centre(self) -> ImageFeatures:
        """Features of the centre crops of all training images."""
        if self._centre is None:
            self._centre = encode_views([(image, None) for image in self._images], self._clip)
        return self._centre

    def validation(self) -> tuple[ImageFeatures, Labels]:
        """Features of the centre crops of the validation images, and their labels."""
        return self._val()

    def _view(self, number: int, n_views: float) -> ImageFeatures:
        """View ``number``, encoded together with its neighbours to fill a batch.

        Which neighbours does not depend on what was asked for before, so that neither do the numbers.
        """
        at_once = max(1, _BLOCK_IMAGES // len(self))
        first = number - number % at_once
        with self._encoding:  # variants of the draw that train side by side wait for one of them to encode
            if first not in self._blocks:
                numbers = [n for n in range(first, first + at_once) if n < n_views]
                self._blocks[first] = self._keep(numbers, partial(self._encode, numbers))
                self._forget()
            block = self._blocks[first]
        start = (number - first) * len(self)
        return block[start : start + len(self)]

    def _encode(self, numbers: Sequence[int]) -> ImageFeatures:
        """Features of several views of all images, view by view."""
        seen = [pair for n in numbers for pair in zip(self._images, self._draw(n), strict=True)]
        return encode_views(seen, self._clip)

    def _forget(self) -> None:
        """Drop the oldest blocks until the rest fits the memory; the newest stays."""
        while len(self._blocks) > 1 and sum(block.nbytes for block in self._blocks.values()) > _MEMORY_BYTES:
            del self._blocks[next(iter(self._blocks))]

    def _draw(self, number: int) -> list[View]:
        """View ``number`` of every image: a function of the draw's names and the number alone."""
        generator = torch.Generator().manual_seed(stream("views", *self._names, number))
        return [draw_view(image.size, self._augmentation, generator) for image in self._images]
