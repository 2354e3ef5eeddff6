"""Imported contexts among class names: what is wrong before any evaluation."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from harness.backbone.clip import Clip
from harness.errors import DataError, PromptError
from harness.files import digest_bytes, write_bytes
from harness.matrix.cell import Cell
from harness.methods.method import Fit, RunInputs
from harness.methods.prompt import Prompt
from harness.methods.text_classifier import TextClassifier
from harness.store.prompts import PromptFacts, prompt_path

NAMES = ("dog", "St. Bernard Jr.")
Put = Callable[..., None]


def _cell(**axes: object) -> Cell:
    flat = {"dataset": "digits", "backbone": "tiny", "method": "prompt", "protocol": "coop", "recipe": {}}
    return Cell.from_dict({**flat, "class_token_position": "end", "ctx_init": None, "prompt": "mine", **axes})


@pytest.fixture
def method(tmp_path: Path) -> Prompt:
    """The method over an empty results folder."""
    return Prompt(tmp_path)


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """A writer of the imported context ``mine``."""

    def write(context: Tensor, **facts: object) -> None:
        content = save({"context": context}, metadata=PromptFacts.model_validate(facts).header())
        write_bytes(prompt_path(tmp_path, "mine"), content)

    return write


def _said(method: Prompt, cell: Cell, clip: Clip, names: tuple[str, ...] = NAMES) -> list[str]:
    with pytest.raises(PromptError) as caught:
        method.check(cell, clip, names)
    return [str(fault) for fault in caught.value.faults]


def test_what_fits_passes(tiny: Clip, method: Prompt, put: Put) -> None:
    """Unified and class-specific contexts of the backbone's width, known classes or not."""
    put(torch.zeros(4, 64))
    method.check(_cell(), tiny, NAMES)
    put(torch.zeros(2, 4, 64), class_names=NAMES, class_token_position="front")
    method.check(_cell(class_token_position="front"), tiny, NAMES)


def test_all_faults_of_a_prompt_are_said_together(tiny: Clip, method: Prompt, put: Put) -> None:
    """Width, number of classes, place of the class name and length in one reading."""
    put(torch.zeros(3, 74, 8), class_token_position="middle")
    said = _said(method, _cell(), tiny)
    assert said[:3] == [
        "prompt mine: its vectors have width 8, and the text tower of tiny has 64. "
        "Evaluate it with the backbone that it was learned with.",
        "prompt mine: holds contexts of 3 classes, and these are 2. "
        "Class-specific contexts go with the classes that they were learned for.",
        "prompt mine: was imported with class_token_position middle, and the cell has end. "
        "Write `class_token_position: middle` beside it.",
    ]
    assert [line.partition(",")[0] for line in said[3:]] == [
        "class 'dog': its prompt takes 78 tokens",
        "class 'St. Bernard Jr.': its prompt takes 81 tokens",
    ]


def test_contexts_of_other_classes_are_told_apart_by_name(tiny: Clip, method: Prompt, put: Put) -> None:
    """As many classes are not enough where the names are known."""
    put(torch.zeros(2, 4, 64), class_names=("dog", "cat"))
    (said,) = _said(method, _cell(), tiny)
    assert "its context number 2 is of the class 'cat', and class number 2 is 'St. Bernard Jr.' here." in said


def test_initial_words_count_where_the_protocol_cuts_prompts(tiny: Clip, method: Prompt, put: Put) -> None:
    """As released, words decide where prompts are cut, so that they have to be the same."""
    put(torch.zeros(4, 64), ctx_init="a photo of kaiyangzhou")
    method.check(_cell(), tiny, NAMES)
    (said,) = _said(method, _cell(protocol="coop_ijcv2022"), tiny)
    assert (
        "started from the words 'a photo of kaiyangzhou', which decide where coop_ijcv2022 cuts prompts." in said
    )
    method.check(_cell(protocol="coop_ijcv2022", ctx_init="a photo of kaiyangzhou"), tiny, NAMES)
    put(torch.zeros(4, 64))
    (said,) = _said(method, _cell(protocol="coop_ijcv2022", ctx_init="a photo"), tiny)
    assert "has 4 vectors, and coop_ijcv2022 has 2 for the words 'a photo'." in said


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"junk", "prompt mine: is not a whole safetensors file: "),
        (save({"a": torch.zeros(1), "b": torch.zeros(1)}), "should hold one tensor, `context`, and holds a, b."),
        (save({"context": torch.zeros(3)}), "prompt mine: its context is 3 of torch.float32;"),
    ],
)
def test_damaged_prompts_are_named(tiny: Clip, method: Prompt, tmp_path: Path, content: bytes, what: str) -> None:
    """What lies under the name and is no context is said."""
    write_bytes(prompt_path(tmp_path, "mine"), content)
    (said,) = _said(method, _cell(), tiny)
    assert what in said


def test_class_specific_contexts_stay_with_their_classes(method: Prompt, put: Put) -> None:
    """A unified context can be used for any names."""
    put(torch.zeros(2, 4, 64))
    method.check_transfer(_cell(), NAMES, NAMES)
    with pytest.raises(DataError, match="class-specific contexts belong to the 2 classes"):
        method.check_transfer(_cell(), NAMES, ("dog", "cat"))
    put(torch.zeros(4, 64))
    method.check_transfer(_cell(), NAMES, ("cat",))


def test_a_fit_says_what_it_was_read_from(tiny: Clip, method: Prompt, put: Put, tmp_path: Path) -> None:
    """Digest of the file and the facts, for the record; text features for its own names and for others."""
    torch.manual_seed(0)
    put(torch.randn(4, 64), class_names=NAMES, backbone="tiny", epoch=3)
    ((_, fit),) = method.fit([RunInputs(_cell(), tiny, NAMES)])
    assert isinstance(fit, Fit)
    assert fit.source_digest == digest_bytes(prompt_path(tmp_path, "mine").read_bytes())
    assert fit.details == {"prompt": {"backbone": "tiny", "epoch": 3}}
    own, other = fit.predictor(NAMES), fit.predictor(("cat", "dog", "dog"))
    assert isinstance(own, TextClassifier)
    assert isinstance(other, TextClassifier)
    assert [tuple(each.text_features.shape) for each in (own, other)] == [(2, 64), (3, 64)]
    torch.testing.assert_close(own.text_features[0], other.text_features[1])
