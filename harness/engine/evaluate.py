"""From logits to counts."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from harness.errors import RunError
from harness.shapes import ImageFeatures, Labels, Logits

CHUNK = 8192  # test images whose logits are held at a time


@dataclass(frozen=True, slots=True)
class Counts:
    """For every class: its test images, those predicted rightly, and all images predicted as this class."""

    n_test: tuple[int, ...]
    n_correct: tuple[int, ...]
    n_predicted: tuple[int, ...]


def evaluate(
    logits: Callable[[ImageFeatures], Logits],
    images: ImageFeatures,
    labels: Labels,
    n_classes: int,
    watch: Callable[[Logits], object] = lambda _: None,
) -> Counts:
    """Counts over all test images; ties go to the lower label.

    ``watch`` is shown the logits of every chunk, in order; nothing else holds on to them.

    Raises:
        RunError: a logit is not finite, or there is not one a class.
    """
    predictions = []
    for chunk in torch.split(images, CHUNK):
        values = logits(chunk)
        if values.shape != (len(chunk), n_classes):
            what = (
                f"the logits of {len(chunk)} images and {n_classes} classes have the shape {tuple(values.shape)}."
            )
            raise RunError(what)
        if not torch.isfinite(values).all():
            raise RunError("the logits of the test images are not finite.")
        watch(values)
        predictions.append(values.argmax(dim=1))
    predicted = torch.cat(predictions)

    def count(values: torch.Tensor) -> tuple[int, ...]:
        return tuple(torch.bincount(values, minlength=n_classes).tolist())

    return Counts(count(labels), count(labels[predicted == labels]), count(predicted))
