"""What every method owes, whichever it is."""

import inspect
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from harness.backbone.clip import Clip
from harness.data.augmentation import SmallAffine
from harness.data.digits import digit_image, digits_split
from harness.data.few_shot import few_shot_subset
from harness.engine.batches import epoch_batches
from harness.features import few_shot as few_shot_room
from harness.features.extract import encode_views
from harness.features.few_shot import FewShotFeatures
from harness.files import write_bytes
from harness.matrix.cell import Cell
from harness.matrix.protocol import COOP
from harness.methods.method import Fit, RunInputs
from harness.methods.table import METHODS, load_method
from harness.methods.text_classifier import TextClassifier
from harness.store.prompts import prompt_path

SPLIT = digits_split()
SUBSET = few_shot_subset(SPLIT, 2, 1)


def _cell(method: str, **axes: object) -> Cell:
    """A cell of two shots and three epochs, with the method's defaults."""
    entry = METHODS[method].entry
    recipe = COOP.recipe(method, "digits", 2)
    recipe |= {"epochs": 3} if "epochs" in recipe else {}
    flat = {
        "dataset": "digits",
        "backbone": "tiny",
        "method": method,
        "protocol": "coop" if "protocol" in entry.reads else None,
        "recipe": recipe or None,
        "shots": 2 if "shots" in entry.reads else 0,
        "seed": 1 if "seed" in entry.reads else None,
        "views": "live" if "views" in entry.reads else None,
        **{name: axis.default for name, axis in entry.axes.items()},
        **axes,
    }
    if "template" in entry.axes:
        flat["template"] = "a photo of the digit {}."
    return Cell.from_dict(flat)


def _fit(inputs: RunInputs) -> Fit:
    """The fit of one run."""
    ((ended, outcome),) = load_method(inputs.cell.method).fit([inputs])
    assert ended is inputs
    assert isinstance(outcome, Fit)
    return outcome


CELLS = [
    _cell("zero_shot"),
    _cell("linear_probe"),
    *(
        _cell("coop", context=context, class_token_position=position, n_ctx=3)
        for context in ("unified", "class_specific")
        for position in ("end", "middle", "front")
    ),
    _cell("coop", ctx_init="a photo of a", n_ctx=4),
    _cell("coop", views=0),
]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two views of the twenty images are encoded together; three epochs need no more than two blocks."""
    monkeypatch.setattr(few_shot_room, "_BLOCK_IMAGES", 40)


@pytest.fixture
def inputs(tiny: Clip) -> RunInputs:
    """The few-shot digits; the cell is filled in by each test."""
    train, val = SUBSET.train_items(SPLIT), SUBSET.val_items(SPLIT)
    few_shot = FewShotFeatures(
        tiny,
        SmallAffine(10, 0.08, (0.9, 1.1)),
        ("split", 2, 1),
        ([digit_image(item.path) for item in train], torch.tensor([item.label for item in train])),
        val=lambda: (
            encode_views([(digit_image(item.path), None) for item in val], tiny),
            torch.tensor([item.label for item in val]),
        ),
    )
    return RunInputs(CELLS[0], tiny, SPLIT.class_names, few_shot, partial(epoch_batches, ("split", 2, 1)))


@pytest.fixture(scope="module")
def test_features(tiny: Clip) -> torch.Tensor:
    """Forty test digits."""
    return encode_views([(digit_image(item.path), None) for item in SPLIT.test[::14]], tiny)


@pytest.mark.parametrize(
    "cell",
    CELLS,
    ids=lambda cell: "-".join(map(str, (cell.method, cell.context, cell.class_token_position, cell.views))),
)
def test_a_fit_is_a_function_of_its_inputs(cell: Cell, inputs: RunInputs, test_features: torch.Tensor) -> None:
    """Fitting twice gives the same finite logits to the bit, whatever the global generators do."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - the point is that the global generator does not matter
    first = _fit(replace(inputs, cell=cell)).predictor(SPLIT.class_names).logits(test_features)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    second = _fit(replace(inputs, cell=cell)).predictor(SPLIT.class_names).logits(test_features)
    assert first.shape == (len(test_features), 10)
    assert torch.isfinite(first).all()
    assert torch.equal(first, second)


def test_a_method_sees_no_test_images() -> None:
    """What a method is handed has no place for test features or labels."""
    names = {field.name for field in fields(RunInputs)} | {name for name, _ in inspect.getmembers(FewShotFeatures)}
    assert not [name for name in names if "test" in name]


@pytest.mark.parametrize("name", METHODS)
def test_a_cell_that_fits_passes_the_check(name: str, tiny: Clip, tmp_path: Path) -> None:
    """The check before training finds nothing wrong with a default cell."""
    write_bytes(prompt_path(tmp_path, "mine"), save({"context": torch.zeros(4, 64)}))
    axes = {"prompt": "mine"} if name == "prompt" else {}
    load_method(name, tmp_path).check(_cell(name, **axes), tiny, SPLIT.class_names)


def test_epochs_are_told_and_kept(inputs: RunInputs) -> None:
    """CoOp tells each finished epoch, and its history has the schedule's learning rates."""
    told: list[int] = []
    fit = _fit(replace(inputs, cell=_cell("coop", n_ctx=2), on_epoch=lambda epoch, _: told.append(epoch)))
    assert told == [1, 2, 3]
    assert [epoch.lr for epoch in fit.history] == pytest.approx([1e-5, 0.002, 0.0015])


def test_word_initialisation_starts_from_the_words(inputs: RunInputs, tiny: Clip) -> None:
    """Before training, a context that starts from a template is that template."""
    recipe = tuple(sorted({**_cell("coop").recipe_dict(), "epochs": 1, "warmup_lr": 0.0}.items()))
    cell = replace(_cell("coop", ctx_init="a photo of the digit", n_ctx=5), recipe=recipe)
    learned = _fit(replace(inputs, cell=cell)).predictor(SPLIT.class_names)
    written = _fit(replace(inputs, cell=_cell("zero_shot"))).predictor(SPLIT.class_names)
    assert isinstance(learned, TextClassifier)
    assert isinstance(written, TextClassifier)
    torch.testing.assert_close(learned.text_features, written.text_features, rtol=1e-5, atol=1e-5)


def test_a_word_of_several_tokens_gives_as_many_vectors(inputs: RunInputs, tiny: Clip) -> None:
    """Every token of the initial words is learned, also where a word has more than one."""
    cell = _cell("coop", ctx_init="a photo of kaiyangzhou", n_ctx=4)
    fit = _fit(replace(inputs, cell=cell))
    assert fit.context is not None
    assert len(fit.context) == len(tiny.tokens("a photo of kaiyangzhou")) > 4


def test_contexts_of_different_cells_start_differently(inputs: RunInputs) -> None:
    """Seeds and variants draw their own initial noise, and class-specific contexts differ from class to class."""
    cells = [
        _cell("coop", n_ctx=2),
        _cell("coop", n_ctx=2, seed=2),
        _cell("coop", n_ctx=2, context="class_specific"),
    ]
    contexts = [_fit(replace(inputs, cell=cell)).context for cell in cells]
    assert not torch.equal(contexts[0], contexts[1])
    assert contexts[2].shape == (10, 2, 64)
    assert not torch.equal(contexts[2][0], contexts[2][1])
