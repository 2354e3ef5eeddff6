"""What a method is: it sees a few training images and gives back a predictor."""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from harness.backbone.clip import Clip
from harness.engine.sgd import Epoch, State
from harness.features.few_shot import FewShotFeatures
from harness.matrix.cell import Cell
from harness.shapes import Context, ImageFeatures, Logits

Batches = Callable[[int, int, int], list[Tensor]]  # images, batch size, epoch from 0 -> index batches


@runtime_checkable
class Predictor(Protocol):
    """Scores images for every class."""

    def logits(self, images: ImageFeatures) -> Logits:
        """One score a class and image; the largest is the prediction."""
        ...


@dataclass(frozen=True, slots=True)
class RunInputs:
    """All that a method may look at; test images and their labels are not among it.

    Attributes:
        cell: the cell to fit.
        clip: the frozen backbone.
        class_names: in label order.
        few_shot: features of the few-shot images; ``None`` for a method that does not read ``shots``.
        batches: which images each step of an epoch sees; ``None`` likewise.
        on_epoch: to be told the number of finished epochs, and how to get where the training stands.
        state: where an earlier training of the cell was broken off.
    """

    cell: Cell
    clip: Clip
    class_names: tuple[str, ...]
    few_shot: FewShotFeatures | None = None
    batches: Batches | None = None
    on_epoch: Callable[[int, Callable[[], State]], None] = lambda _, __: None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted method: its predictors, and what is worth keeping of the way there.

    Attributes:
        predictor: from class names, its own or others, to their predictor, made of what was learned.
        history: one entry an epoch.
        context: the learned context.
        details: what a method found on the way.
        seconds: that the fit took, where that is not the time until it came.
        source_digest: SHA-256 of the file that it was read from, where it was not learned here.
    """

    predictor: Callable[[tuple[str, ...]], Predictor]
    history: tuple[Epoch, ...] = ()
    context: Context | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    source_digest: str | None = None


Outcome = tuple[RunInputs, Fit | Exception]


class Method(Protocol):
    """One way to make a classifier."""

    def check(self, cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> None:
        """Look at everything that can be known before training.

        Raises:
            HarnessError: the cell cannot run, such as a prompt that is too long.
        """
        ...

    def check_transfer(self, cell: Cell, learned: tuple[str, ...], target: tuple[str, ...]) -> None:
        """Look at whether what is learned for some class names can be used for others.

        Raises:
            HarnessError: it cannot; says why.
        """
        ...

    def restore(self, inputs: RunInputs, context: Context) -> Fit | None:
        """The fit that once learned ``context``; ``None`` for a method that has none to come back from."""
        ...

    def fit(self, runs: Sequence[RunInputs]) -> Iterator[Outcome]:
        """Every run with its fit or the reason why there is none, as each ends.

        The runs share a backbone and a data set, and may be trained together. A fit is a function of its own
        run's inputs alone.
        """
        ...


def one_by_one(runs: Sequence[RunInputs], fit: Callable[[RunInputs], Fit]) -> Iterator[Outcome]:
    """The outcomes of a method that gains nothing from seeing several runs."""
    for run in runs:
        try:
            yield run, fit(run)
        except Exception as error:  # one run's failure is its own outcome
            traceback.print_exception(error)
            yield run, error


def require_few_shot(inputs: RunInputs) -> FewShotFeatures:
    """The few-shot features of a method that reads ``shots``."""
    if inputs.few_shot is None:
        raise TypeError(f"{inputs.cell.method} reads shots and was given no images")
    return inputs.few_shot
