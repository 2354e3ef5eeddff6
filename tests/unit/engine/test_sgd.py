"""Training one context."""

import numpy as np
import pytest
import torch

from harness.engine.sgd import clip_logits, train_context
from harness.errors import RunError

SCALE = 10.0


def _problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Text features are the context itself, one row a class; images and labels to fit."""
    generator = torch.Generator().manual_seed(3)
    context = torch.randn(3, 4, generator=generator)
    images = torch.randn(6, 4, generator=generator)
    return context, images, torch.tensor([0, 1, 2, 0, 1, 2])


def _by_hand(context: np.ndarray, images: np.ndarray, labels: np.ndarray, lrs: list[float]) -> np.ndarray:
    """SGD with momentum 0.9 and coupled weight decay 0.1, gradients by central differences in float64."""

    def loss(c: np.ndarray) -> float:
        rows = images / np.linalg.norm(images, axis=1, keepdims=True)
        logits = SCALE * rows @ (c / np.linalg.norm(c, axis=1, keepdims=True)).T
        logits -= logits.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]))

    velocity = np.zeros_like(context)
    for lr in lrs:
        gradient = np.zeros_like(context)
        for place in np.ndindex(*context.shape):
            step = np.zeros_like(context)
            step[place] = 1e-6
            gradient[place] = (loss(context + step) - loss(context - step)) / 2e-6
        velocity = 0.9 * velocity + gradient + 0.1 * context
        context = context - lr * velocity
    return context


def test_training_is_sgd_by_the_book() -> None:
    """Momentum, coupled weight decay and a changing learning rate give the context that numpy computes."""
    context, images, labels = _problem()
    lrs = [0.01, 0.1, 0.05]
    epochs = [(lr, [(images, labels)]) for lr in lrs]
    trained = train_context(context, lambda c: c, SCALE, epochs, momentum=0.9, weight_decay=0.1)
    expected = _by_hand(context.double().numpy(), images.double().numpy(), labels.numpy(), lrs)
    np.testing.assert_allclose(trained.context.numpy(), expected, atol=1e-5)
    assert [epoch.lr for epoch in trained.history] == lrs


def test_the_initial_context_is_left_alone() -> None:
    """Training works on a copy."""
    context, images, labels = _problem()
    before = context.clone()
    train_context(context, lambda c: c, SCALE, [(0.1, [(images, labels)])], momentum=0.9, weight_decay=0.0)
    assert torch.equal(context, before)


def test_an_epochs_accuracy_counts_images() -> None:
    """Accuracy is over the images of the epoch and loss is the mean over its batches, both before each step."""
    context = torch.eye(2)
    images, labels = torch.eye(2), torch.tensor([0, 0])
    batches = [(images[:1], labels[:1]), (images[1:], labels[1:])]
    (epoch,) = train_context(context, lambda c: c, 1.0, [(0.0, batches)], momentum=0.9, weight_decay=0.0).history
    right, wrong = np.log(1 + np.exp(-1)), np.log(1 + np.exp(1))
    assert epoch.train_accuracy == 0.5
    assert epoch.loss == pytest.approx((right + wrong) / 2, abs=1e-6)


def test_a_loss_that_is_not_finite_ends_the_run() -> None:
    """The error names epoch and learning rate."""
    context, images, labels = _problem()
    epochs = [(0.1, [(images, labels)]), (0.2, [(images * float("nan"), labels)])]
    with pytest.raises(RunError, match=r"epoch 2, with a learning rate of 0\.2"):
        train_context(context, lambda c: c, SCALE, epochs, momentum=0.9, weight_decay=0.0)


def test_logits_are_scaled_cosines() -> None:
    """Lengths do not matter, only directions."""
    logits = clip_logits(torch.tensor([[3.0, 0.0]]), torch.tensor([[5.0, 0.0], [0.0, 2.0], [-1.0, 0.0]]), 100.0)
    assert logits.tolist() == [[100.0, 0.0, -100.0]]
