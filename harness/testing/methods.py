"""What every method owes, tried on the digits with the tiny backbone."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.backbone.clip import Clip
from harness.backbone.load import load_clip
from harness.backbone.spec import backbone_spec
from harness.data.augmentation import SmallAffine
from harness.data.digits import digit_image, digits_split
from harness.data.few_shot import few_shot_subset
from harness.engine.batches import epoch_batches
from harness.errors import HarnessError
from harness.features.extract import encode_views
from harness.features.few_shot import FewShotFeatures
from harness.matrix.cell import Cell
from harness.matrix.protocol import COOP
from harness.methods.method import Fit, Method, RunInputs
from harness.methods.table import MethodRow, load_method
from harness.shapes import ImageFeatures
from harness.testing.check import Check, Owed, checks_of

_SHOTS = 2
_EPOCHS = 3  # where a recipe has epochs
_CLOSE = 1e-3  # of logits around 100: runs that are trained together are summed up in another order


@dataclass(frozen=True, slots=True)
class Subject:
    """A method, and a cell of it to try.

    Attributes:
        row: of the method.
        cell: of the digits with two shots.
        results: the results folder that a method is handed which reads results.
    """

    row: MethodRow
    cell: Cell
    results: Path | None = None

    @property
    def method(self) -> Method:
        """The method, made anew."""
        return load_method(self.row, self.results)


def default_cell(name: str, row: MethodRow, **axes: object) -> Cell:
    """A cell of the digits with two shots, three epochs and the method's defaults, but for what is given."""
    entry = row.entry
    recipe = {**COOP.recipe(name, "digits", _SHOTS), **{key: each.default for key, each in entry.numbers.items()}}
    recipe |= {"epochs": _EPOCHS} if "epochs" in recipe else {}
    flat = {
        "dataset": "digits",
        "backbone": "tiny",
        "method": name,
        "protocol": "coop" if "protocol" in entry.reads else None,
        "recipe": recipe or None,
        "shots": _SHOTS if "shots" in entry.reads else 0,
        "seed": 1 if "seed" in entry.reads else None,
        "views": "live" if "views" in entry.reads else None,
        **{key: axis.default for key, axis in entry.axes.items()},
        **axes,
    }
    if "template" in entry.axes:
        flat["template"] = "a photo of the digit {}."
    return Cell.from_dict(flat)


def default_cells(name: str, row: MethodRow) -> tuple[Cell, ...]:
    """The cell of defaults, and for each other word that an axis may be, the cell that has it."""
    first = default_cell(name, row)
    others = [
        default_cell(name, row, **{key: word})
        for key, axis in row.entry.axes.items()
        for word in axis.allowed
        if word != axis.default
    ]
    return (first, *others)


def inputs_of(cell: Cell) -> RunInputs:
    """What a method is handed for a cell of the digits; test images are not among it."""
    if not cell.shots:
        return RunInputs(cell, _clip(), digits_split().class_names)
    seed = cell.seed or 0
    batches = partial(epoch_batches, ("digits", _SHOTS, seed))
    return RunInputs(cell, _clip(), digits_split().class_names, _few_shot(seed), batches)


@cache
def _few_shot(seed: int) -> FewShotFeatures:
    """The features of a draw; like a worker's, they are shared by all cells that learn from it."""
    clip, split = _clip(), digits_split()
    subset = few_shot_subset(split, _SHOTS, seed)
    train, val = subset.train_items(split), subset.val_items(split)
    return FewShotFeatures(
        clip,
        SmallAffine(10, 0.08, (0.9, 1.1)),
        ("digits", _SHOTS, seed),
        ([digit_image(item.path) for item in train], torch.tensor([item.label for item in train])),
        val=lambda: (
            encode_views([(digit_image(item.path), None) for item in val], clip),
            torch.tensor([item.label for item in val]),
        ),
    )


@cache
def digit_features() -> ImageFeatures:
    """Features of forty test digits."""
    return encode_views([(digit_image(item.path), None) for item in digits_split().test[::14]], _clip())


@cache
def _clip() -> Clip:
    return load_clip(backbone_spec("tiny"), "fp32", torch.device("cpu"))


def fit(subject: Subject, *others: RunInputs) -> Fit:
    """The fit of the subject's cell, trained together with those of other runs.

    Raises:
        AssertionError: not every run came back once, with a fit.
    """
    inputs = [inputs_of(subject.cell), *others]
    outcomes = list(subject.method.fit(inputs))
    came_back = sorted(id(run) for run, _ in outcomes)
    assert came_back == sorted(map(id, inputs)), "fit must yield every run that it was given, each once"
    failed = [outcome for _, outcome in outcomes if not isinstance(outcome, Fit)]
    assert not failed, f"a run has no Fit but {failed[0]!r}"
    found = next(outcome for run, outcome in outcomes if run is inputs[0])
    assert isinstance(found, Fit)
    return found


def _logits(found: Fit, names: Sequence[str] | None = None) -> Tensor:
    with torch.no_grad():
        return found.predictor(tuple(names or digits_split().class_names)).logits(digit_features())


# --- what is owed ----------------------------------------------------------------------------------------------


def passes_its_own_check(subject: Subject, _: Path) -> None:
    """The look before training finds nothing wrong with the cell."""
    subject.method.check(subject.cell, _clip(), digits_split().class_names)


def has_a_finite_logit_for_every_class(subject: Subject, _: Path) -> None:
    """One row an image and one column a class, and no infinity or NaN."""
    logits = _logits(fit(subject))
    expected = (len(digit_features()), len(digits_split().class_names))
    assert tuple(logits.shape) == expected, f"logits must have the shape {expected}, not {tuple(logits.shape)}"
    assert torch.isfinite(logits).all(), "logits must be finite"


def is_a_function_of_its_inputs(subject: Subject, _: Path) -> None:
    """Fitting twice gives the same logits to the bit, whatever the global generators do."""
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the point is that the global generator does not matter
        found.append(_logits(fit(subject)))
    assert torch.equal(*found), "a second fit gives other logits: random numbers must come from the cell's seed"


def fits_together_as_alone(subject: Subject, _: Path) -> None:
    """A run is not changed by those that are trained beside it."""
    other = replace(subject.cell, seed=2) if subject.cell.seed is not None else subject.cell
    alone, together = _logits(fit(subject)), _logits(fit(subject, inputs_of(other)))
    apart = (alone - together).abs().max().item()
    assert apart <= _CLOSE * max(1.0, alone.abs().max().item()), f"beside another run logits differ by {apart:g}"


def leaves_the_backbone_alone(subject: Subject, _: Path) -> None:
    """No weight of the backbone is another one after the fit."""
    module = _clip().module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    fit(subject)
    changed = [name for name, value in module.state_dict().items() if not torch.equal(value, before[name])]
    for name in changed:
        module.state_dict()[name].copy_(before[name])
    assert not changed, f"the backbone is shared and frozen, and {changed[0]} was changed"


def predicts_other_classes_or_says_why_not(subject: Subject, _: Path) -> None:
    """For some of the class names there is a predictor of as many columns, or a check that refuses them."""
    names = digits_split().class_names
    try:
        subject.method.check_transfer(subject.cell, names, names[5:])
    except HarnessError:
        return
    logits = _logits(fit(subject), names[5:])
    assert logits.shape[1] == len(names) - 5, f"five class names were asked for, not {logits.shape[1]}"


def restores_what_it_learned(subject: Subject, _: Path) -> None:
    """A context that is kept leads back to the same logits; a method without one has nothing to restore."""
    found = fit(subject)
    if found.context is None:
        return
    again = subject.method.restore(inputs_of(subject.cell), found.context)
    assert again is not None, "what has a context must be restored from it"
    assert torch.allclose(_logits(found), _logits(again)), "what is restored gives other logits"


def tells_details_as_json(subject: Subject, _: Path) -> None:
    """What a method found on the way can stand in a record."""
    details = dict(fit(subject).details)
    try:
        json.dumps(details, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"details must be numbers and words, as JSON has them: {error}") from None


METHOD_CONTRACT: tuple[Owed[Subject], ...] = (
    passes_its_own_check,
    has_a_finite_logit_for_every_class,
    is_a_function_of_its_inputs,
    fits_together_as_alone,
    leaves_the_backbone_alone,
    predicts_other_classes_or_says_why_not,
    restores_what_it_learned,
    tells_details_as_json,
)


def method_checks(name: str, row: MethodRow, cells: Sequence[Cell] = ()) -> tuple[Check, ...]:
    """A check for each thing that a method owes, of each cell.

    Args:
        name: of the method.
        row: of the method.
        cells: to try, made by ``default_cell``; without them those of ``default_cells``.
    """
    found: list[Check] = []
    for cell in cells or default_cells(name, row):
        axes = [str(value) for key, value in cell.to_dict().items() if key in row.entry.axes and key != "template"]
        subject = Subject(row, cell)
        found += checks_of(" ".join([name, *axes]), METHOD_CONTRACT, partial(_given, subject))
    return tuple(found)


def _given(subject: Subject, _: Path) -> AbstractContextManager[Subject]:
    return nullcontext(subject)
