"""The features that a method may learn from: those of the few-shot images, never the test images."""

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import torch
from PIL import Image

from harness.backbone.clip import Clip
from harness.data.augmentation import Augmentation
from harness.features.extract import encode_views
from harness.features.views import View, draw_view, prepare
from harness.matrix.cell import Views
from harness.matrix.streams import stream
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
        self._asking = threading.Lock()  # variants of the draw ask for the same block at the same time
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="views")
        self._blocks: dict[int, Future[ImageFeatures]] = {}  # from the first view of a block, oldest first

    def __len__(self) -> int:
        """Training images."""
        return len(self._images)

    def view(self, views: Views, epoch: int, n_epochs: int = 0) -> ImageFeatures:
        """Features of all training images as ``epoch`` (from 0) sees them.

        ``live`` draws fresh views every epoch, ``k`` repeats k of them, 0 is the centre crop. Of live views the
        next ones are encoded while the caller trains, as long as ``n_epochs`` says that they will be asked for.
        """
        if views == 0:
            return self.centre()
        if views == "live":
            return self._view(epoch, math.inf, n_epochs)
        return self._view(epoch % views, views, 0)

    def centre(self) -> ImageFeatures:
        """Features of the centre crops of all training images."""
        if self._centre is None:
            self._centre = encode_views([(image, None) for image in self._images], self._clip)
        return self._centre

    def validation(self) -> tuple[ImageFeatures, Labels]:
        """Features of the centre crops of the validation images, and their labels."""
        return self._val()

    def _view(self, number: int, n_views: float, n_wanted: int) -> ImageFeatures:
        """View ``number``, encoded together with its neighbours to fill a batch.

        Which neighbours does not depend on what was asked for before, so that neither do the numbers. Below
        ``n_wanted`` the block behind this one is begun, too.
        """
        at_once = max(1, _BLOCK_IMAGES // len(self))
        first = number - number % at_once
        with self._asking:
            for start in (first, first + at_once):
                if start not in self._blocks and (start == first or start < n_wanted):
                    numbers = [n for n in range(start, start + at_once) if n < n_views]
                    self._blocks[start] = self._ahead.submit(self._keep, numbers, partial(self._encode, numbers))
            self._forget(first)
            block = self._blocks[first]
        offset = (number - first) * len(self)
        return block.result()[offset : offset + len(self)]

    def _encode(self, numbers: Sequence[int]) -> ImageFeatures:
        """Features of several views of all images, view by view."""
        seen = [pair for n in numbers for pair in zip(self._images, self._draw(n), strict=True)]
        return encode_views(seen, self._clip)

    def _forget(self, first: int) -> None:
        """Drop the oldest blocks, of those that are encoded, until the rest fits the memory; ``first`` stays."""
        sizes = {start: block.result().nbytes for start, block in self._blocks.items() if block.done()}
        for start in list(sizes):
            if sum(sizes.values()) <= _MEMORY_BYTES:
                return
            if start != first:
                del self._blocks[start], sizes[start]

    def _draw(self, number: int) -> list[View]:
        """View ``number`` of every image: a function of the draw's names and the number alone."""
        generator = torch.Generator().manual_seed(stream("views", *self._names, number))
        return [draw_view(image.size, self._augmentation, generator) for image in self._images]
