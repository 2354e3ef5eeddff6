"""From logits to counts."""

import weakref

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


def test_classes_without_test_images_are_counted() -> None:
    """There is a number for every class, also behind the last that occurs."""
    counts = evaluate(lambda images: images, torch.eye(4)[:2], torch.tensor([0, 0]), 4)
    assert counts == Counts(n_test=(2, 0, 0, 0), n_correct=(1, 0, 0, 0), n_predicted=(1, 1, 0, 0))


def test_logits_that_are_not_finite_are_refused() -> None:
    """A prediction from NaN is no prediction."""
    with pytest.raises(RunError, match="not finite"):
        evaluate(lambda images: images, torch.tensor([[float("nan"), 1.0]]), torch.tensor([0]), 2)


@pytest.mark.parametrize("columns", [1, 3])
def test_logits_of_other_classes_are_refused(columns: int) -> None:
    """The predictor of a plug-in may have too few or too many; the numbers would be wrong without a word."""
    with pytest.raises(RunError, match=r"the logits of 4 images and 2 classes have the shape \(4, \d\)\."):
        evaluate(lambda images: images[:, :columns], torch.eye(4), torch.tensor([0, 1, 0, 1]), 2)


def test_a_watcher_sees_every_chunk_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is shown, put together, are the logits of all test images."""
    monkeypatch.setattr(room, "CHUNK", 2)
    logits, seen = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), []
    evaluate(lambda images: images, logits, torch.zeros(5, dtype=torch.long), 3, seen.append)
    assert [len(chunk) for chunk in seen] == [2, 2, 1]
    assert torch.equal(torch.cat(seen), logits)


def test_logits_that_nobody_watches_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most two chunks are held at a time, the last one and the next, however many test images there are."""
    monkeypatch.setattr(room, "CHUNK", 1)
    given: list[weakref.ref[torch.Tensor]] = []

    def logits(images: torch.Tensor) -> torch.Tensor:
        assert sum(each() is not None for each in given) <= 1
        values = images.clone()
        given.append(weakref.ref(values))
        return values

    evaluate(logits, torch.eye(9), torch.arange(9), 9)
    assert len(given) == 9
    assert all(each() is None for each in given)
