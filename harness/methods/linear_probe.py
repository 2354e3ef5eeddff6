"""The linear probe: logistic regression on image features, as in the CLIP paper."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from harness.backbone.clip import Clip
from harness.engine.logreg import Probe, fit_probe
from harness.errors import DataError, Fault
from harness.matrix.cell import Cell
from harness.methods.method import Fit, Outcome, Predictor, RunInputs, one_by_one, require_few_shot
from harness.shapes import Context, ImageFeatures, Logits


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


@dataclass(frozen=True, slots=True)
class SomeClasses:
    """A predictor for some of the classes of another."""

    whole: Predictor
    columns: tuple[int, ...]

    def logits(self, images: ImageFeatures) -> Logits:
        """The scores of those classes alone."""
        return self.whole.logits(images)[:, list(self.columns)]


class LinearProbe:
    """Features before normalisation, C chosen on the few-shot validation images."""

    def check(self, cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> None:
        """Nothing can be wrong before training."""

    def check_transfer(
        self,
        cell: Cell,  # noqa: ARG002 - every method is asked alike
        learned: tuple[str, ...],
        target: tuple[str, ...],
    ) -> None:
        """Raise DataError when a target class is not among the learned ones: a probe knows no others."""
        _columns(learned, target)

    def restore(self, inputs: RunInputs, context: Context) -> None:
        """A probe learns no context."""

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
    own = ProbeClassifier(probe, len(inputs.class_names))

    def classifier(class_names: tuple[str, ...]) -> Predictor:
        if class_names == inputs.class_names:
            return own
        return SomeClasses(own, _columns(inputs.class_names, class_names))

    return Fit(classifier, details=details)


def _columns(learned: tuple[str, ...], target: tuple[str, ...]) -> tuple[int, ...]:
    """The place of each target class among the learned ones.

    Two of ImageNet's names stand for two classes each; the first in the target is the first among the learned.

    Raises:
        DataError: target classes that were not learned; names them.
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(learned):
        places.setdefault(name, []).append(place)
    strange = [name for name, count in Counter(target).items() if count > len(places.get(name, ()))]
    if strange:
        what = f"a linear probe knows only the classes that it learned, and not {len(strange)} of these: "
        raise DataError(Fault("", f"{what}{', '.join(strange[:5])}.", "Exclude linear_probe here."))
    return tuple(places[name].pop(0) for name in target)


def _array(features: ImageFeatures) -> np.ndarray:
    return features.numpy(force=True).astype(np.float64)
