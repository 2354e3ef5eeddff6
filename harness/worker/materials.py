"""What all cells of one backbone and data set share: the towers, the split, test features, few-shot draws."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from PIL import Image

from harness.backbone.clip import Clip
from harness.data.catalog import DatasetRow, image_files_digest, read_images, read_split
from harness.data.few_shot import Subset, few_shot_subset
from harness.data.split import Item, Split, items_digest
from harness.features.cache import cached, views_are_kept
from harness.features.extract import encode_views
from harness.features.few_shot import FewShotFeatures, KeepViews
from harness.features.key import FeatureKey
from harness.matrix.cell import Shots
from harness.shapes import ImageFeatures, Labels
from harness.store.provenance import package_versions

_DECODED_BYTES = 4 << 30  # decoded training images that are held for further draws of the same job


@dataclass(frozen=True, slots=True)
class Draw:
    """One few-shot draw: subset, digests, features, and the names its random streams derive from."""

    subset: Subset
    digest: str
    images_digest: str | None
    features: FewShotFeatures
    stream_names: tuple[object, ...]


class Materials:
    """The shared parts of all cells with one backbone and one data set; each is made when first asked for."""

    def __init__(self, clip: Clip, row: DatasetRow, data: Path | None, say: Callable[[str], None]) -> None:
        """Read the split.

        Raises:
            DataError: the split is missing or wrong.
        """
        self.clip = clip
        self.row = row
        self.split: Split = read_split(row, data)
        self._data = data
        self._say = say
        self._read_file = read_images(row, data)
        self._decoded: dict[str, Image.Image] = {}
        self._decoded_bytes = 0

    @cache  # noqa: B019 - the materials live as long as the worker's job
    def test(self) -> tuple[ImageFeatures, Labels]:
        """Features and labels of all test images; the features come from the cache when they are there."""
        return self._centre_features(self.split.test)

    def draw(self, shots: Shots, seed: int) -> Draw:
        """The few-shot draw of (shots, seed); its images are decoded here, once for all variants."""
        subset = few_shot_subset(self.split, shots, seed)
        train, val = subset.train_items(self.split), subset.val_items(self.split)
        names = (self.split.digest, shots, seed)
        features = FewShotFeatures(
            self.clip,
            self.row.augmentation,
            names,
            train=([self._read_once(item.path) for item in train], self._labels(train)),
            val=cache(lambda: self._centre_features(val)),
            keep=self._keep_views(train, names) if views_are_kept() else None,
        )
        return Draw(subset, items_digest(train), self._files_digest(train), features, names)

    def _read_once(self, path: str) -> Image.Image:
        """A training image, decoded once for all draws of the job while memory for that lasts."""
        if path in self._decoded:
            return self._decoded[path]
        image = self._read_file(path)
        n_bytes = image.width * image.height * 3
        if self._decoded_bytes + n_bytes <= _DECODED_BYTES:
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
