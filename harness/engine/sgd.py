"""Training contexts by stochastic gradient descent, several at once.

Both towers are frozen, so runs share nothing that changes: their contexts are rows of one tensor, one backward
pass gives each row its own gradient, and plain SGD works element by element. The loss is the cross-entropy of
CLIP's logits (CoOp, Zhou et al., IJCV 2022, section 3.2), and a step is one of torch's ``SGD``, as CoOp's are.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from harness.engine.logits import clip_logits
from harness.errors import RunError, TooLargeError
from harness.machine_faults import is_out_of_memory
from harness.shapes import Context, Contexts, ImageFeatures, Labels, TextFeaturesOfRuns

Batch = tuple[ImageFeatures, Labels]
_NO_LABEL = -100  # fills up the rows of a run whose batch is smaller than another's


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch gave: learning rate, mean loss over its batches, accuracy over its images."""

    lr: float
    loss: float
    train_accuracy: float


@dataclass(frozen=True, slots=True)
class State:
    """All that a training is after some epochs: going on from here ends where going on without a break does."""

    context: Context
    velocity: Context
    history: tuple[Epoch, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """One context to train.

    Attributes:
        context: initial vectors; not changed.
        epochs: learning rate and batches of every epoch, or of those behind ``state``.
        momentum: of SGD, without dampening or Nesterov.
        weight_decay: added to the gradient (coupled).
        state: where an earlier training was broken off; ``None`` begins with ``context``.
    """

    context: Context
    epochs: Iterable[tuple[float, Iterable[Batch]]]
    momentum: float
    weight_decay: float
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A learned context, the epochs that led to it, and the run's share of the seconds that they took."""

    context: Context
    history: tuple[Epoch, ...]
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """A run has finished this many epochs; ``state`` gives where it stands, as long as it goes no further."""

    run: int
    epochs: int
    state: Callable[[], State]


@dataclass(frozen=True, slots=True)
class Ended:
    """A run has ended: trained, or failed with the reason."""

    run: int
    outcome: Trained | RunError


def train_together(
    runs: Sequence[Run],
    encode: Callable[[Contexts], TextFeaturesOfRuns],
    scale: float,
    shrink: Callable[[], bool] = lambda: False,
) -> Iterator[Progress | Ended]:
    """Train runs whose contexts have one shape, step by step together; tells what happens, in epochs.

    A run that has no epochs left drops out, and so does one whose loss is not finite. When memory does not hold
    all runs at once, fewer are computed at a time from then on; steps that were finished stay as they are.

    Args:
        runs: what to train, on the cross-entropy of CLIP's logits.
        encode: from contexts (runs, ...) to the text features (runs, classes, dim) of all classes.
        scale: CLIP's logit scale.
        shrink: makes ``encode`` hold less of one run at a time, when not even that fits; whether it could.
    """
    bundle = _Bundle(runs, encode, scale, shrink)
    schedules = [iter(run.epochs) for run in runs]
    active = list(range(len(runs)))
    while active:
        planned = {run: next(schedules[run], None) for run in active}
        for run in [run for run in active if planned[run] is None]:
            active.remove(run)
            yield Ended(run, bundle.trained(run))
        bundle.epoch({run: epoch for run, epoch in planned.items() if epoch is not None})
        for run in list(active):
            last = bundle.histories[run][-1]
            if math.isfinite(last.loss):
                yield Progress(run, len(bundle.histories[run]), partial(bundle.state, run))
            else:
                active.remove(run)
                where = f"in epoch {len(bundle.histories[run])}, with a learning rate of {last.lr:g}"
                yield Ended(run, RunError(f"the loss is {last.loss} {where}."))


@dataclass
class _Tally:
    """Losses and right answers of one run in one epoch, left on the device until the epoch ends."""

    losses: list[Tensor] = field(default_factory=list)
    correct: list[Tensor] = field(default_factory=list)
    n_images: int = 0

    def epoch(self, lr: float) -> Epoch:
        loss = float(torch.stack(self.losses).double().mean())
        return Epoch(lr, loss, int(torch.stack(self.correct).sum()) / self.n_images)


class _Bundle:
    """The state of runs that are trained together: contexts and velocities, a row a run."""

    def __init__(
        self,
        runs: Sequence[Run],
        encode: Callable[[Contexts], TextFeaturesOfRuns],
        scale: float,
        shrink: Callable[[], bool],
    ) -> None:
        self._encode, self._scale, self._shrink = encode, scale, shrink
        states = [run.state for run in runs]
        begun = zip(runs, states, strict=True)
        self._contexts = torch.stack([run.context if state is None else state.context for run, state in begun])
        self._velocity = torch.zeros_like(self._contexts)
        for row, state in enumerate(states):
            if state is not None:
                self._velocity[row] = state.velocity
        self._momentum = [run.momentum for run in runs]
        self._decay = [run.weight_decay for run in runs]
        self._at_once = len(runs)
        self._notes: list[str] = []
        self._seconds = [0.0 if state is None else state.seconds for state in states]
        self.histories: list[list[Epoch]] = [[] if state is None else list(state.history) for state in states]

    def trained(self, run: int) -> Trained:
        """What has become of a run so far."""
        context = self._contexts[run].clone()
        return Trained(context, tuple(self.histories[run]), self._seconds[run], tuple(self._notes))

    def state(self, run: int) -> State:
        """Where a run stands."""
        context, velocity = self._contexts[run].clone(), self._velocity[run].clone()
        return State(context, velocity, tuple(self.histories[run]), self._seconds[run])

    def epoch(self, planned: dict[int, tuple[float, Iterable[Batch]]]) -> None:
        """One epoch of the planned runs, each with its own learning rate and batches."""
        if not planned:
            return
        start = time.perf_counter()
        tallies = {run: _Tally() for run in planned}
        lrs = {run: lr for run, (lr, _) in planned.items()}
        sources = {run: iter(batches) for run, (_, batches) in planned.items()}
        while batches := {run: batch for run, source in sources.items() if (batch := next(source, None))}:
            self._step(batches, lrs, tallies)
        for run, tally in tallies.items():
            self.histories[run].append(tally.epoch(lrs[run]))
            self._seconds[run] += (time.perf_counter() - start) / len(planned)

    def _step(self, batches: dict[int, Batch], lrs: dict[int, float], tallies: dict[int, _Tally]) -> None:
        """One step of every run that has a batch, as many at a time as memory holds."""
        waiting = list(batches)
        while waiting:
            part = waiting[: self._at_once]
            try:
                gradient, losses, correct = self._gradient(part, [batches[run] for run in part])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._make_room(len(part))
                continue
            for row, run in enumerate(part):
                self._update(run, gradient[row], lrs[run])
                tallies[run].losses.append(losses[row])
                tallies[run].correct.append(correct[row])
                tallies[run].n_images += len(batches[run][1])
            del waiting[: len(part)]

    def _make_room(self, n_runs: int) -> None:
        """Compute less at a time from here on; nothing of the step that failed was kept.

        Raises:
            TooLargeError: there is nothing left to divide.
        """
        if n_runs > 1:
            self._at_once = n_runs // 2
            self._notes.append(f"out of memory: {self._at_once} runs at a time from here")
        elif self._shrink():
            self._notes.append("out of memory: half as many classes at a time from here")
        else:
            raise TooLargeError("memory does not hold one class of one run; take a larger device.")

    def _gradient(
        self, part: Sequence[int], batches: Sequence[tuple[Tensor, Tensor]]
    ) -> tuple[Contexts, Float[Tensor, " runs"], Int[Tensor, " runs"]]:
        """Gradients, mean losses and numbers of right answers of one batch a run; batches may differ in size."""
        contexts = self._contexts[part].requires_grad_()
        images, labels = _stack(batches)
        logits = clip_logits(images, self._encode(contexts), self._scale)
        each = cross_entropy(logits.transpose(1, 2), labels, ignore_index=_NO_LABEL, reduction="none")
        losses = each.sum(dim=1) / (labels != _NO_LABEL).sum(dim=1)
        (gradient,) = torch.autograd.grad(losses.sum(), contexts)
        return gradient, losses.detach(), (logits.argmax(dim=2) == labels).sum(dim=1)

    def _update(self, run: int, gradient: Tensor, lr: float) -> None:
        """SGD: v = momentum v + g + decay c; c = c - lr v."""
        context, velocity = self._contexts[run], self._velocity[run]
        velocity.mul_(self._momentum[run]).add_(gradient + self._decay[run] * context)
        context.sub_(lr * velocity)


def _stack(
    batches: Sequence[tuple[Tensor, Tensor]],
) -> tuple[Float[Tensor, "runs images dim"], Int[Tensor, "runs images"]]:
    """Images and labels of one batch a run; smaller batches are filled up."""
    most = max(len(labels) for _, labels in batches)
    if all(len(labels) == most for _, labels in batches):
        return torch.stack([images for images, _ in batches]), torch.stack([labels for _, labels in batches])
    features = [
        torch.cat([images, images.new_zeros(most - len(images), images.shape[1])]) for images, _ in batches
    ]
    filled = [torch.cat([labels, labels.new_full((most - len(labels),), _NO_LABEL)]) for _, labels in batches]
    return torch.stack(features), torch.stack(filled)
