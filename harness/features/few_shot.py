"""The features that a method may learn from: those of the few-shot images, never the test images."""

from collections.abc import Callable, Sequence

import torch
from PIL import Image

from harness.backbone.clip import Clip
from harness.data.augmentation import Augmentation
from harness.features.extract import BATCH, encode_views
from harness.features.views import View, draw_view
from harness.matrix.cell import Views
from harness.matrix.identity import stream
from harness.shapes import ImageFeatures, Labels

_MEMORY_BYTES = 1 << 30  # views of one draw that are kept for the next variant of the same draw


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
    ) -> None:
        """Features of the images in ``train``; ``val`` is asked only by methods that validate.

        Args:
            clip: encodes.
            augmentation: how training images are varied.
            names: what the random stream of the views is derived from: split digest, shots, seed.
            train: images and labels of the draw.
            val: features and labels of the validation images of the draw.
        """
        self._clip = clip
        self._augmentation = augmentation
        self._names = tuple(names)
        self._images, self.labels = train
        self._val = val
        self._tables: dict[int, ImageFeatures] = {}

    def __len__(self) -> int:
        """Training images."""
        return len(self._images)

    def view(self, views: Views, epoch: int) -> ImageFeatures:
        """Features of all training images as ``epoch`` (from 0) sees them.

        ``live`` draws fresh views every epoch, ``k`` repeats k of them, 0 is the centre crop.
        """
        if views == 0:
            return self.centre()
        number = epoch if views == "live" else epoch % int(views)
        if number not in self._tables:
            self._encode_from(number, last=None if views == "live" else int(views))
        return self._tables[number]

    def centre(self) -> ImageFeatures:
        """Features of the centre crops of all training images."""
        if -1 not in self._tables:
            self._tables[-1] = encode_views([(image, None) for image in self._images], self._clip)
        return self._tables[-1]

    def validation(self) -> tuple[ImageFeatures, Labels]:
        """Features of the centre crops of the validation images, and their labels."""
        return self._val()

    def _encode_from(self, number: int, last: int | None) -> None:
        """Encode view ``number`` and, to fill a batch, the ones that will be asked for next."""
        count = max(1, BATCH // len(self))
        numbers = [n for n in range(number, number + count) if last is None or n < last]
        seen = [pair for n in numbers for pair in zip(self._images, self._draw(n), strict=True)]
        features = encode_views(seen, self._clip)
        if self._size_bytes() + features.nbytes > _MEMORY_BYTES:
            self._tables.clear()
        self._tables.update(zip(numbers, torch.split(features, len(self)), strict=True))

    def _draw(self, number: int) -> list[View]:
        """View ``number`` of every image: a function of the draw's names and the number alone."""
        generator = torch.Generator().manual_seed(stream("views", *self._names, number))
        return [draw_view(image.size, self._augmentation, generator) for image in self._images]

    def _size_bytes(self) -> int:
        return sum(table.nbytes for table in self._tables.values())
