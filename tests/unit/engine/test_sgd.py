"""Training one context."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.engine import sgd
from harness.engine.sgd import Ended, Progress, Run, Trained, train_together
from harness.errors import RunError

SCALE = 10.0


def _train(*runs: Run, encode: Callable[[torch.Tensor], torch.Tensor] = lambda contexts: contexts) -> list[object]:
    """What became of each run; text features are the context itself, one row a class."""
    outcomes: dict[int, object] = {}
    for event in train_together(runs, encode, SCALE):
        if isinstance(event, Ended):
            outcomes[event.run] = event.outcome
    return [outcomes[number] for number in range(len(runs))]


def _alone(run: Run) -> Trained:
    (outcome,) = _train(run)
    assert isinstance(outcome, Trained)
    return outcome


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
    trained = _alone(Run(context, epochs, momentum=0.9, weight_decay=0.1))
    expected = _by_hand(context.double().numpy(), images.double().numpy(), labels.numpy(), lrs)
    np.testing.assert_allclose(trained.context.numpy(), expected, atol=1e-5)
    assert [epoch.lr for epoch in trained.history] == lrs


def test_the_initial_context_is_left_alone() -> None:
    """Training works on a copy."""
    context, images, labels = _problem()
    before = context.clone()
    _alone(Run(context, [(0.1, [(images, labels)])], momentum=0.9, weight_decay=0.0))
    assert torch.equal(context, before)


def test_an_epochs_accuracy_counts_images() -> None:
    """Accuracy is over the images of the epoch and loss is the mean over its batches, both before each step."""
    context = torch.eye(2)
    images, labels = torch.eye(2), torch.tensor([0, 0])
    batches = [(images[:1], labels[:1]), (images[1:], labels[1:])]
    (epoch,) = _alone(Run(context, [(0.0, batches)], momentum=0.9, weight_decay=0.0)).history
    right, wrong = np.log(1 + np.exp(-SCALE)), np.log(1 + np.exp(SCALE))
    assert epoch.train_accuracy == 0.5
    assert epoch.loss == pytest.approx((right + wrong) / 2, abs=1e-6)


def test_a_loss_that_is_not_finite_ends_the_run() -> None:
    """The error names epoch and learning rate."""
    context, images, labels = _problem()
    epochs = [(0.1, [(images, labels)]), (0.2, [(images * float("nan"), labels)])]
    (outcome,) = _train(Run(context, epochs, momentum=0.9, weight_decay=0.0))
    assert isinstance(outcome, RunError)
    assert "epoch 2, with a learning rate of 0.2" in str(outcome)


def _runs() -> list[Run]:
    """Three runs of different length, learning rate, batch size and number of batches."""
    generator = torch.Generator().manual_seed(5)
    runs = []
    for n_epochs, n_batches, size in ((3, 2, 6), (1, 1, 4), (2, 3, 6)):
        batches = [
            (torch.randn(size, 4, generator=generator), torch.randint(0, 3, (size,), generator=generator))
            for _ in range(n_batches)
        ]
        epochs = [(0.01 * (epoch + n_batches), batches) for epoch in range(n_epochs)]
        runs.append(Run(torch.randn(3, 4, generator=generator), epochs, 0.9, 5e-4))
    return runs


def _assert_same(together: object, alone: Trained) -> None:
    assert isinstance(together, Trained)
    torch.testing.assert_close(together.context, alone.context, rtol=1e-5, atol=1e-6)
    assert len(together.history) == len(alone.history)
    for one, other in zip(together.history, alone.history, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
        assert one.train_accuracy == other.train_accuracy


def test_runs_that_are_trained_together_learn_what_they_learn_alone() -> None:
    """Longer and shorter runs, with batches of different sizes, do not touch each other."""
    for together, run in zip(_train(*_runs()), _runs(), strict=True):
        _assert_same(together, _alone(run))


def test_a_run_that_diverges_drops_out_alone() -> None:
    """The others end as if it had not been there."""
    first, bad, last = _runs()
    broken = Run(bad.context * float("nan"), bad.epochs, 0.9, 5e-4)
    outcomes = _train(first, broken, last)
    assert isinstance(outcomes[1], RunError)
    _assert_same(outcomes[0], _alone(first))
    _assert_same(outcomes[2], _alone(last))


def test_out_of_memory_splits_the_runs_and_goes_on() -> None:
    """No step is lost or done twice, and the result says what happened."""

    def small_memory(contexts: torch.Tensor) -> torch.Tensor:
        if len(contexts) > 1:
            raise torch.OutOfMemoryError("simulated")
        return contexts

    for outcome, run in zip(_train(*_runs(), encode=small_memory), _runs(), strict=True):
        _assert_same(outcome, _alone(run))
        assert isinstance(outcome, Trained)
        assert outcome.notes == ("out of memory: 1 runs at a time from here",)


def test_one_run_that_does_not_fit_is_an_error() -> None:
    """When there is nothing left to split, the run ends with a reason."""

    def no_memory(contexts: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("simulated")

    with pytest.raises(RunError, match="memory does not hold one class of one run"):
        _train(_runs()[0], encode=no_memory)


def test_progress_counts_epochs() -> None:
    """Every epoch of every run is told once."""
    events = list(train_together(_runs(), lambda contexts: contexts, SCALE))
    told = [(event.run, event.epochs) for event in events if isinstance(event, Progress)]
    assert sorted(told) == [(0, 1), (0, 2), (0, 3), (1, 1), (2, 1), (2, 2)]


@pytest.mark.parametrize("words", ["CUDA error: out of memory", "DefaultCPUAllocator: can't allocate memory"])
def test_memory_is_made_within_a_run(words: str) -> None:
    """When one run does not fit, its classes are divided before anything is given up, and the run says so."""
    room = {"classes": 4}

    def small_memory(contexts: torch.Tensor) -> torch.Tensor:
        if room["classes"] > 1:
            raise RuntimeError(words)
        return contexts

    def shrink() -> bool:
        room["classes"] //= 2
        return room["classes"] > 0

    run = _runs()[0]
    (outcome,) = [
        event.outcome for event in train_together([run], small_memory, SCALE, shrink) if isinstance(event, Ended)
    ]
    _assert_same(outcome, _alone(_runs()[0]))
    assert isinstance(outcome, Trained)
    assert outcome.notes == ("out of memory: half as many classes at a time from here",) * 2


def test_other_errors_are_not_taken_for_memory() -> None:
    """A defect is not answered by trying again."""

    def broken(contexts: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        _train(_runs()[0], encode=broken)


def test_a_training_that_is_broken_off_goes_on_as_if_it_had_not_been() -> None:
    """Context, velocity, epochs and seconds of a state are all that the rest of a training needs."""
    whole, other = _runs()[0], _runs()[2]
    states = {}
    for event in train_together([whole, other], lambda contexts: contexts, SCALE):
        if isinstance(event, Progress) and event.epochs == 1:
            states[event.run] = event.state()
    state = states[0]
    assert (len(state.history), state.seconds > 0) == (1, True)
    state = replace(state, seconds=1000.0)
    rest = Run(whole.context * float("nan"), list(whole.epochs)[1:], whole.momentum, whole.weight_decay, state)
    gone_on, beside = _train(rest, other)
    _assert_same(gone_on, _alone(whole))
    _assert_same(beside, _alone(other))
    assert isinstance(gone_on, Trained)
    assert 1000 < gone_on.seconds < 2000


def test_memory_is_halved_until_it_holds_the_runs() -> None:
    """Four runs, then two, then one at a time; all are told."""

    def small_memory(contexts: torch.Tensor) -> torch.Tensor:
        if len(contexts) > 1:
            raise torch.OutOfMemoryError("simulated")
        return contexts

    outcomes = _train(*_runs(), _runs()[0], encode=small_memory)
    notes = tuple(f"out of memory: {number} runs at a time from here" for number in (2, 1))
    assert [outcome.notes for outcome in outcomes if isinstance(outcome, Trained)] == [notes] * 4


def test_seconds_of_runs_are_their_shares_of_the_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch's time is divided among the runs that were in it, and epochs add up."""
    ticks = itertools.count()
    monkeypatch.setattr(sgd.time, "perf_counter", lambda: float(next(ticks)))
    assert _alone(_runs()[0]).seconds == 3.0
    pair = _train(_runs()[1], _runs()[1])
    assert [outcome.seconds for outcome in pair if isinstance(outcome, Trained)] == [0.5, 1.0]
