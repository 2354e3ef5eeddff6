"""Each image belongs to the class whose mean feature is nearest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from harness.backbone.clip import Clip
from harness.errors import DataError, Fault
from harness.matrix.cell import Cell
from harness.methods.method import Fit, Outcome, RunInputs, one_by_one, require_few_shot
from harness.shapes import Context, ImageFeatures, Logits


@dataclass(frozen=True)
class Nearest:
    means: Tensor  # classes, dim
    metric: str

    def logits(self, images: ImageFeatures) -> Logits:
        if self.metric == "euclidean":
            return -torch.cdist(images, self.means)
        return normalize(images, dim=-1) @ normalize(self.means, dim=-1).T


class ClassMeans:
    def check(self, cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> None:
        """Nothing can be wrong before training."""

    def check_transfer(self, cell: Cell, learned: tuple[str, ...], target: tuple[str, ...]) -> None:
        if strange := sorted(set(target) - set(learned)):
            raise DataError(Fault("", f"classes that were not learned have no mean: {', '.join(strange[:5])}."))

    def restore(self, inputs: RunInputs, context: Context) -> None:
        """No context is learned."""

    def fit(self, runs: Sequence[RunInputs]) -> Iterator[Outcome]:
        return one_by_one(runs, fit_one)


def fit_one(inputs: RunInputs) -> Fit:
    few_shot = require_few_shot(inputs)
    features = few_shot.centre()
    means = torch.stack([features[few_shot.labels == label].mean(0) for label in range(len(inputs.class_names))])
    metric = str(dict(inputs.cell.extras)["metric"])

    def predictor(class_names: tuple[str, ...]) -> Nearest:
        return Nearest(means[[inputs.class_names.index(name) for name in class_names]], metric)

    return Fit(predictor)
