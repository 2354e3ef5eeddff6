"""Which prompts and initial contexts a cell of CoOp has."""

from dataclasses import replace

import pytest
import torch

from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout, prompt_layout, reference_layout
from harness.matrix.cell import Cell
from harness.methods import coop

CELL = Cell(
    dataset="digits",
    backbone="tiny",
    method="coop",
    protocol="coop",
    shots=1,
    seed=1,
    context="unified",
    n_ctx=4,
    class_token_position="middle",
    recipe=(("init_std", 0.02),),
)
REFERENCE = replace(CELL, protocol="coop_ijcv2022")
NAMES = ("dog", "St. Bernard Jr.")
WORDS = "a photo of kaiyangzhou"  # four words, six tokens


def _layouts(cell: Cell, clip: Clip) -> list[Layout]:
    return coop._layouts(cell, clip, NAMES)


def test_protocol_chooses_the_layout(tiny: Clip) -> None:
    """A name that ends in punctuation is laid out rightly by default and as released under coop_ijcv2022."""
    assert _layouts(CELL, tiny) == [prompt_layout(name, 4, "middle", tiny.tokens) for name in NAMES]
    cut = [reference_layout(name, 4, None, "middle", tiny.tokens) for name in NAMES]
    assert _layouts(REFERENCE, tiny) == cut
    assert cut[0] == _layouts(CELL, tiny)[0]
    assert cut[1] != _layouts(CELL, tiny)[1]


@pytest.mark.parametrize(("cell", "n_vectors"), [(CELL, 6), (REFERENCE, 4)])
def test_context_has_the_vectors_that_the_layouts_hold(tiny: Clip, cell: Cell, n_vectors: int) -> None:
    """By default every token of the initial words is learned; as released, as many as there are words."""
    worded = replace(cell, ctx_init=WORDS)
    context = coop.initial_context(worded, tiny, len(NAMES))
    assert torch.equal(context, tiny.token_table[list(tiny.tokens(WORDS))[:n_vectors]])
    assert {min(layout) for layout in _layouts(worded, tiny)} == {-n_vectors}


@pytest.mark.parametrize(
    ("cell", "ctx_init", "n_axes"),
    [(CELL, None, 3), (CELL, WORDS, 3), (REFERENCE, None, 3), (REFERENCE, WORDS, 2)],
)
def test_class_specific_words_are_shared_as_released(
    tiny: Clip, cell: Cell, ctx_init: str | None, n_axes: int
) -> None:
    """Every class has its own context, except that coop_ijcv2022 shares one that starts from words."""
    specific = replace(cell, context="class_specific", ctx_init=ctx_init)
    assert coop.initial_context(specific, tiny, len(NAMES)).ndim == n_axes
