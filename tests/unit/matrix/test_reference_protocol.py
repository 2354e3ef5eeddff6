"""The protocol that reproduces the code released with CoOp."""

from collections.abc import Callable

import pytest

from harness.matrix.matrix import Matrix
from harness.matrix.protocol import COOP, COOP_IJCV2022

Read = Callable[[str], Matrix]

HEAD = "backbones: tiny\ndatasets: digits\nshots: 1\nseeds: 1\n"
BOTH = "context: [unified, class_specific]"


@pytest.mark.parametrize("method", ["coop", "linear_probe", "zero_shot"])
@pytest.mark.parametrize("dataset", ["digits", "imagenet"])
@pytest.mark.parametrize("shots", [1, 16, "all"])
def test_numbers_are_those_of_coop(method: str, dataset: str, shots: int) -> None:
    """The two protocols differ in their prompts alone."""
    assert COOP_IJCV2022.recipe(method, dataset, shots) == COOP.recipe(method, dataset, shots)


@pytest.mark.parametrize(("protocol", "contexts"), [("coop", 2), ("coop_ijcv2022", 1)])
def test_initial_words_are_one_shared_context(read: Read, protocol: str, contexts: int) -> None:
    """With initial words the reference ignores class_specific, so that both are one cell."""
    entry = f"methods: [{{method: coop, ctx_init: a photo of a, {BOTH}}}]\n"
    cells = read(f"{HEAD}protocol: {protocol}\n{entry}").cells
    assert [cell.context for cell in cells] == ["unified", "class_specific"][:contexts]


def test_random_contexts_keep_their_kind(read: Read) -> None:
    """Without initial words both kinds of context are there."""
    cells = read(f"{HEAD}protocol: coop_ijcv2022\nmethods: [{{method: coop, {BOTH}}}]\n").cells
    assert [cell.context for cell in cells] == ["unified", "class_specific"]


def test_protocols_are_different_cells_of_coop_and_one_of_zero_shot(read: Read) -> None:
    """Zero-shot has no protocol."""
    cells = read(f"{HEAD}protocol: [coop, coop_ijcv2022]\nmethods: [zero_shot, coop]\n").cells
    assert [(cell.method, cell.protocol) for cell in cells] == [
        ("zero_shot", None), ("coop", "coop"), ("coop", "coop_ijcv2022"),
    ]  # fmt: skip
