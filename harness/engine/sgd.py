"""Training one context by stochastic gradient descent: the plain form, one run at a time."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy, normalize

from harness.errors import RunError
from harness.shapes import Context, ImageFeatures, Labels, Logits, TextFeatures

Batch = tuple[ImageFeatures, Labels]


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch gave: learning rate, mean loss over its batches, accuracy over its images."""

    lr: float
    loss: float
    train_accuracy: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A learned context and the epochs that led to it."""

    context: Context
    history: tuple[Epoch, ...]


def clip_logits(images: ImageFeatures, texts: TextFeatures, scale: float) -> Logits:
    """Cosine similarities of images and texts times CLIP's logit scale."""
    return scale * normalize(images, dim=-1) @ normalize(texts, dim=-1).T


def train_context(
    context: Context,
    text_features: Callable[[Context], TextFeatures],
    scale: float,
    epochs: Iterable[tuple[float, Iterable[Batch]]],
    momentum: float,
    weight_decay: float,
    on_epoch: Callable[[int], None] = lambda _: None,
) -> Trained:
    """The context after all epochs of SGD on the cross-entropy of CLIP's logits.

    Args:
        context: initial vectors; not changed.
        text_features: from a context to the text features of all classes.
        scale: CLIP's logit scale.
        epochs: learning rate and batches of every epoch.
        momentum: of SGD, without dampening or Nesterov.
        weight_decay: added to the gradient (coupled).
        on_epoch: told the number of finished epochs.

    Raises:
        RunError: the loss is not finite.
    """
    context = context.clone().requires_grad_()
    optimiser = torch.optim.SGD([context], lr=1.0, momentum=momentum, weight_decay=weight_decay)
    history: list[Epoch] = []
    for lr, batches in epochs:
        optimiser.param_groups[0]["lr"] = lr
        losses, n_correct, n_images = [], 0, 0
        for images, labels in batches:
            logits = clip_logits(images, text_features(context), scale)
            loss = cross_entropy(logits, labels)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(loss.item())
            n_correct += int((logits.argmax(dim=1) == labels).sum())
            n_images += len(labels)
        mean = sum(losses) / len(losses)
        if not math.isfinite(mean):
            raise RunError(f"the loss is {mean} in epoch {len(history) + 1}, with a learning rate of {lr:g}.")
        history.append(Epoch(lr, mean, n_correct / n_images))
        on_epoch(len(history))
    return Trained(context.detach(), tuple(history))
