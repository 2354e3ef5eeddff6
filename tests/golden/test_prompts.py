"""Prompt layouts against the order in which the reference assembles them.

Where the reference cuts a prompt in the wrong place (names that end in punctuation, initial words of several
tokens) the protocol ``coop`` does the right thing; those cases are not compared here.
"""

import json
from pathlib import Path

import pytest
from open_clip.tokenizer import SimpleTokenizer

from harness.backbone.prompts import prompt_layout

GOLDEN = json.loads((Path(__file__).parent / "prompts.json").read_text())
NAMES = [name for name, *_ in GOLDEN["classes"]]
CASES = [case for case in GOLDEN["prompts"] if case["ctx_init"] != "a photo of kaiyangzhou"]
TOKENIZER = SimpleTokenizer()


def _tokenize(text: str) -> tuple[int, ...]:
    return tuple(TOKENIZER.encode(text))


# OpenAI's tokenizer takes its special tokens' names inside a text for the tokens themselves; open_clip's does not.
TEXTS = [(text, tokens) for text, tokens in GOLDEN["texts"] if "<|" not in text]


@pytest.mark.parametrize(("text", "tokens"), TEXTS)
def test_tokens_are_the_references(text: str, tokens: list[int]) -> None:
    """open_clip's tokenizer gives the ids of CLIP's own."""
    assert _tokenize(text) == tuple(tokens)


@pytest.mark.parametrize(
    "case",
    CASES,
    ids=lambda case: f"{case['position']}-{case['n_ctx_effective']}-{case['ctx_init']}-{case['csc']}",
)
def test_layout_is_the_references(case: dict) -> None:
    """Tokens and context vectors stand where the reference puts them."""
    position, n_ctx = case["position"], case["n_ctx_effective"]
    compared = 0
    for name, assembled in zip(NAMES, case["assembled"], strict=True):
        ends_in_punctuation = not name.strip(" _")[-1].isalnum()
        if position == "end" or not ends_in_punctuation:
            assert list(prompt_layout(name, n_ctx, position, _tokenize)) == assembled, name
            compared += 1
    assert compared >= 20
