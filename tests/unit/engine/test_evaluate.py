"""From logits to counts."""

import pytest
import torch

from harness.engine import evaluate as room
from harness.engine.evaluate import Counts, evaluate
from harness.errors import RunError


def test_counts_by_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test images, right answers and predictions of every class, over several chunks, ties to the lower label."""
    monkeypatch.setattr(room, "CHUNK", 2)
    logits = torch.tensor([[2.0, 1, 0], [0, 3, 1], [1, 1, 0], [0, 0, 5], [9, 0, 0]])
    labels = torch.tensor([0, 1, 1, 2, 2])
    counts = evaluate(lambda images: images, logits, labels, 3)
    assert counts == Counts(n_test=(1, 2, 2), n_correct=(1, 1, 1), n_predicted=(3, 1, 1))


def test_logits_that_are_not_finite_are_refused() -> None:
    """A prediction from NaN is no prediction."""
    with pytest.raises(RunError, match="not finite"):
        evaluate(lambda images: images, torch.tensor([[float("nan"), 1.0]]), torch.tensor([0]), 2)
