"""What all cells of one backbone, data set and class half share: towers, split, test features, few-shot draws."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import torch
from PIL import Image

from harness.backbone.clip import Clip
from harness.data.catalog import Catalog, DatasetRow
from harness.data.classes import cut
from harness.data.dataset import image_files_digest, read_images, read_split
from harness.data.draw import draw_subset, kept_classes, list_digest
from harness.data.few_shot import COOP_RULE
from harness.data.split import Item, Split, items_digest
from harness.features.cache import cached, views_are_kept
from harness.features.extract import encode_views
from harness.features.few_shot import FewShotFeatures, KeepViews
from harness.features.key import FeatureKey
from harness.matrix.cell import Cell, Shots
from harness.plan.space import DECODED_BYTES
from harness.shapes import ImageFeatures, Labels
from harness.store.provenance import package_versions


@dataclass(frozen=True, slots=True)
class Draw:
    """One few-shot draw: digests, features, and the names its random streams derive from.

    ``fewer_shots`` names the classes that hold fewer images than asked for, ``seconds`` is what reading the images
    took, and ``image_bytes`` the mean size of a decoded one.
    """

    fewer_shots: tuple[str, ...]
    digest: str
    list_digest: str | None
    images_digest: str | None
    features: FewShotFeatures
    stream_names: tuple[object, ...]
    seconds: float = 0.0
    image_bytes: int | None = None


class Materials:
    """What all cells with one backbone, data set and class half share; each part is made when first asked for."""

    def __init__(
        self, clip: Clip, row: DatasetRow, classes: str, data: Path | None, say: Callable[[str], None]
    ) -> None:
        """Read the split.

        Raises:
            DataError: the split is missing or wrong, or has no classes of this half.
        """
        self.began = time.monotonic()
        self.clip = clip
        self.row = row
        self.split: Split = read_split(row, data)
        self._kept = kept_classes(self.split, classes, row.name)
        self.class_names = tuple(self.split.class_names[label] for label in self._kept)
        self._data = data
        self._say = say
        self._read_file = read_images(row, data)
        self._decoded: dict[str, Image.Image] = {}
        self._decoded_bytes = 0
        self._test: tuple[ImageFeatures, Labels] | None = None

    def test(self) -> tuple[ImageFeatures, Labels]:
        """Features and labels of the test images; the features come from the cache when they are there."""
        if self._test is None:
            self._test = self._centre_features(cut(self.split.test, self._kept))
        return self._test

    @property
    def image_bytes(self) -> float | None:
        """Mean size of the training images that are held decoded; ``None`` while there are none."""
        return self._decoded_bytes / len(self._decoded) if self._decoded else None

    def draw(self, shots: Shots, seed: int, rule: str) -> Draw:
        """The few-shot draw of (shots, seed) by a rule, or the list of images in its place.

        Its images are decoded here, once for all variants. Half of the classes have their part of the one draw.

        Raises:
            DataError: the draw cannot be made; or the list is missing or does not go with the split.
        """
        start = time.monotonic()
        subset = draw_subset(self.split, self.row, shots, seed, rule)
        listed = list_digest(self.row, shots, seed)
        train = cut(subset.train_items(self.split), self._kept)
        val = cut(subset.val_items(self.split), self._kept)
        names: tuple[object, ...] = (self.split.digest, shots, seed)
        names += () if rule == COOP_RULE else (rule,)
        names += () if listed is None else (listed,)
        images = [self._read_once(item.path) for item in train]
        n_bytes = sum(image.width * image.height * 3 for image in images)
        features = FewShotFeatures(
            self.clip,
            self.row.augmentation,
            names,
            train=(images, self._labels(train)),
            val=cache(lambda: self._centre_features(val)),
            keep=self._keep_views(train, names) if views_are_kept() else None,
        )
        fewer = tuple(name for name in subset.fewer_shots if name in self.class_names)
        digests = items_digest(train), listed, self._files_digest(train)
        image_bytes = round(n_bytes / len(images)) if images else None
        return Draw(fewer, *digests, features, names, time.monotonic() - start, image_bytes)

    def _read_once(self, path: str) -> Image.Image:
        """A training image, decoded once for all draws of the job while memory for that lasts."""
        if path in self._decoded:
            return self._decoded[path]
        image = self._read_file(path)
        n_bytes = image.width * image.height * 3
        if self._decoded_bytes + n_bytes <= DECODED_BYTES:
            self._decoded[path] = image
            self._decoded_bytes += n_bytes
        return image

    def _centre_features(self, items: Iterable[Item]) -> tuple[ImageFeatures, Labels]:
        """Features of centre crops, from the cache when they are there."""
        kept = list(items)
        views = ((self._read_file(item.path), None) for item in kept)
        key = self._key(kept, "centre")
        table = cached(key, lambda: encode_views(views, self.clip).numpy(force=True), self._say)
        return torch.from_numpy(table).to(self.clip.device), self._labels(kept)

    def _keep_views(self, items: list[Item], names: tuple[object, ...]) -> KeepViews:
        """A function that takes encoded views from the cache, or makes and keeps them."""

        def keep(numbers: Sequence[int], make: Callable[[], ImageFeatures]) -> ImageFeatures:
            key = self._key(items, f"views {numbers[0]}-{numbers[-1]} of {names} by {self.row.augmentation}")
            table = cached(key, lambda: make().numpy(force=True), self._say)
            return torch.from_numpy(table).to(self.clip.device)

        return keep

    def _key(self, items: list[Item], view: str) -> FeatureKey:
        return FeatureKey(
            weights_digest=self.clip.weights_digest,
            precision=self.clip.precision,
            image_size_px=self.clip.image_size_px,
            mean=self.clip.mean,
            std=self.clip.std,
            items_digest=items_digest(items),
            images_digest=self._files_digest(items),
            view=view,
            device=self.clip.device.type,
            packages=tuple(sorted(package_versions().items())),
            architecture_digest=self.clip.architecture_digest,
        )

    def _files_digest(self, items: Iterable[Item]) -> str | None:
        return image_files_digest(self.row, self._data, [item.path for item in items])

    def _labels(self, items: Iterable[Item]) -> Labels:
        return torch.tensor([item.label for item in items], device=self.clip.device)


class Rooms:
    """The materials of one backbone: of the class space that is trained on, and of those evaluated on."""

    def __init__(self, clip: Clip, catalog: Catalog, data: Path | None, say: Callable[[str], None]) -> None:
        """Nothing is read yet."""
        self._make = partial(Materials, clip, data=data, say=say)
        self._catalog = catalog
        self._targets: dict[tuple[str, str], Materials] = {}

    def source(self, dataset: str, classes: str) -> Materials:
        """New materials, whose decoded images go when they go.

        Raises:
            DataError: the split cannot be used.
        """
        return self._make(self._catalog[dataset], classes)

    def target(self, cell: Cell, source: Materials) -> Materials:
        """The materials that a cell is evaluated on; ``source`` for its own test images.

        Raises:
            DataError: the split of the target cannot be used.
        """
        if cell.evaluate_on is None:
            return source
        key = cell.target()
        if key not in self._targets:
            self._targets[key] = self.source(*key)
        return self._targets[key]
