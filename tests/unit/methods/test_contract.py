"""What every method owes, whichever it is, and what is known of single ones besides."""

import inspect
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from harness.backbone.clip import Clip
from harness.data.digits import digits_split
from harness.features import few_shot as few_shot_room
from harness.features.few_shot import FewShotFeatures
from harness.files import write_bytes
from harness.matrix.cell import Cell
from harness.methods.method import Fit, RunInputs
from harness.methods.table import METHODS, load_method
from harness.methods.text_classifier import TextClassifier
from harness.store.prompts import prompt_path
from harness.testing.check import Owed
from harness.testing.methods import METHOD_CONTRACT, Subject, default_cell, inputs_of, is_a_function_of_its_inputs

NAMES = digits_split().class_names


def _cell(method: str, **axes: object) -> Cell:
    """A cell of two shots and three epochs, with the method's defaults."""
    return default_cell(method, METHODS[method], **axes)


def _fit(inputs: RunInputs) -> Fit:
    """The fit of one run."""
    ((ended, outcome),) = load_method(METHODS[inputs.cell.method]).fit([inputs])
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
# Every cell is fitted twice; the rest of the contract is the same for all variants of a method.
OWED = [
    (cell, owed)
    for place, cell in enumerate(CELLS)
    for owed in (METHOD_CONTRACT if place in (0, 1, 3, 9) else (is_a_function_of_its_inputs,))
]


def _words(cell: Cell) -> str:
    return "-".join(map(str, (cell.method, cell.context, cell.class_token_position, cell.views)))


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two views of the twenty images are encoded together; three epochs need no more than two blocks."""
    monkeypatch.setattr(few_shot_room, "_BLOCK_IMAGES", 40)


@pytest.fixture
def inputs() -> RunInputs:
    """The few-shot digits; the cell is filled in by each test."""
    return inputs_of(_cell("linear_probe"))


@pytest.mark.parametrize(("cell", "owed"), OWED, ids=[f"{_words(cell)}-{owed.__name__}" for cell, owed in OWED])
def test_a_method_keeps_its_contract(cell: Cell, owed: Owed[Subject], tmp_path: Path) -> None:
    """The same that authors of plug-ins are given to run."""
    owed(Subject(METHODS[cell.method], cell), tmp_path)


def test_an_imported_prompt_keeps_the_contract(tmp_path: Path) -> None:
    """What is read instead of learned owes the same."""
    write_bytes(prompt_path(tmp_path, "mine"), save({"context": torch.zeros(4, 64)}))
    subject = Subject(METHODS["prompt"], _cell("prompt", prompt="mine"), tmp_path)
    for owed in METHOD_CONTRACT:
        owed(subject, tmp_path)


def test_a_method_sees_no_test_images() -> None:
    """What a method is handed has no place for test features or labels."""
    names = {field.name for field in fields(RunInputs)} | {name for name, _ in inspect.getmembers(FewShotFeatures)}
    assert not [name for name in names if "test" in name]


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
    learned = _fit(replace(inputs, cell=cell)).predictor(NAMES)
    written = _fit(replace(inputs, cell=_cell("zero_shot"))).predictor(NAMES)
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
