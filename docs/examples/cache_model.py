"""The method of my_method.py; only workers import it, so it may import torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from harness.backbone.clip import Clip
from harness.errors import DataError, Fault
from harness.matrix.cell import Cell
from harness.methods.method import Fit, Outcome, Predictor, RunInputs, one_by_one, require_few_shot
from harness.methods.zero_shot import ZeroShot
from harness.shapes import Context, ImageFeatures, Logits


@dataclass(frozen=True)
class Votes:
    """Zero-shot logits, and the votes of images that are alike."""

    zero_shot: Predictor
    keys: Tensor  # images, dim: features of the few-shot images, of length one
    values: Tensor  # images, classes: their labels, one-hot
    alpha: float
    beta: float

    def logits(self, images: ImageFeatures) -> Logits:
        affinity = torch.exp(-self.beta * (1 - normalize(images, dim=-1) @ self.keys.T))
        return self.zero_shot.logits(images) + self.alpha * affinity @ self.values


class CacheModel:
    def check(self, cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> None:
        ZeroShot().check(cell, clip, class_names)  # whether every class name fits the template

    def check_transfer(self, cell: Cell, learned: tuple[str, ...], target: tuple[str, ...]) -> None:
        if strange := sorted(set(target) - set(learned)):
            what = f"no image votes for classes that were not learned: {', '.join(strange[:5])}."
            raise DataError(Fault("", what))

    def restore(self, inputs: RunInputs, context: Context) -> None:
        """There is no context to come back from."""

    def fit(self, runs: Sequence[RunInputs]) -> Iterator[Outcome]:
        return one_by_one(runs, fit_one)


def fit_one(inputs: RunInputs) -> Fit:
    few_shot, recipe = require_few_shot(inputs), inputs.cell.recipe_dict()
    keys = normalize(few_shot.centre(), dim=-1)
    values = one_hot(few_shot.labels, len(inputs.class_names)).to(keys.dtype)
    ((_, zero_shot),) = ZeroShot().fit([inputs])
    if isinstance(zero_shot, Exception):
        raise zero_shot

    def predictor(class_names: tuple[str, ...]) -> Votes:
        columns = [inputs.class_names.index(name) for name in class_names]
        return Votes(zero_shot.predictor(class_names), keys, values[:, columns], recipe["alpha"], recipe["beta"])

    return Fit(predictor)
