"""The linear probe: logistic regression on image features, as in the CLIP paper."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from harness.backbone.clip import Clip
from harness.engine.logreg import Probe, fit_probe
from harness.matrix.cell import Cell
from harness.methods.method import Fit, Outcome, RunInputs, one_by_one, require_few_shot
from harness.shapes import ImageFeatures, Logits


@dataclass(frozen=True, slots=True)
class ProbeClassifier:
    """A fitted probe; classes without training images cannot be predicted."""

    probe: Probe
    n_classes: int

    def logits(self, images: ImageFeatures) -> Logits:
        """The probe's scores, up to a constant the logarithms of its probabilities, but never of a zero."""
        known = self.probe.classifier.decision_function(_array(images))
        if known.ndim == 1:  # of two classes scikit-learn gives the second one's score over the first one's
            known = np.stack([np.zeros_like(known), known], axis=1)
        logits = np.full((len(images), self.n_classes), np.finfo(np.float64).min)
        logits[:, self.probe.classifier.classes_] = known
        return torch.from_numpy(logits).to(images.device)


class LinearProbe:
    """Features before normalisation, C chosen on the few-shot validation images."""

    def check(self, cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> None:
        """Nothing can be wrong before training."""

    def fit(self, runs: Sequence[RunInputs]) -> Iterator[Outcome]:
        """The probe with the best C on the validation images of each run's draw."""
        return one_by_one(runs, _fit)


def _fit(inputs: RunInputs) -> Fit:
    few_shot = require_few_shot(inputs)
    val_features, val_labels = few_shot.validation()
    recipe = inputs.cell.recipe_dict()
    probe = fit_probe(
        (_array(few_shot.centre()), few_shot.labels.numpy(force=True)),
        (_array(val_features), val_labels.numpy(force=True)),
        max_iter=recipe["max_iter"],
        search_rounds=recipe["search_rounds"],
    )
    details = {"c": probe.c, "val_accuracy": probe.val_accuracy, "converged": probe.converged}
    return Fit(ProbeClassifier(probe, len(inputs.class_names)), details=details)


def _array(features: ImageFeatures) -> np.ndarray:
    return features.numpy(force=True).astype(np.float64)
