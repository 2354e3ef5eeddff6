"""Prompt layouts against the order in which the reference assembles them.

The reference cuts some prompts in the wrong place (names that end in punctuation, initial words of several
tokens). ``reference_layout`` reproduces all of them; ``prompt_layout`` is compared where the reference is right.
"""

import json
from pathlib import Path

import pytest
from open_clip.tokenizer import SimpleTokenizer

from harness.backbone.prompts import prompt_layout, reference_context_tokens, reference_layout

GOLDEN = json.loads((Path(__file__).parent / "prompts.json").read_text(encoding="utf-8"))
NAMES = [name for name, *_ in GOLDEN["classes"]]
CASES = GOLDEN["prompts"]
CASES_OF_SINGLE_TOKENS = [case for case in CASES if case["ctx_init"] != "a photo of kaiyangzhou"]
TOKENIZER = SimpleTokenizer()


def _tokenize(text: str) -> tuple[int, ...]:
    return tuple(TOKENIZER.encode(text))


def _name(case: dict) -> str:
    return f"{case['position']}-{case['n_ctx_effective']}-{case['ctx_init']}-{case['csc']}"


# OpenAI's tokenizer takes its special tokens' names inside a text for the tokens themselves; open_clip's does not.
TEXTS = [(text, tokens) for text, tokens in GOLDEN["texts"] if "<|" not in text]


def test_golden_file_holds_all_cases() -> None:
    """Eight settings in three positions with 31 class names were recorded."""
    assert len(CASES) == 24
    assert {len(case["assembled"]) for case in CASES} == {len(NAMES)} == {31}


@pytest.mark.parametrize(("text", "tokens"), TEXTS)
def test_tokens_are_the_references(text: str, tokens: list[int]) -> None:
    """open_clip's tokenizer gives the ids of CLIP's own."""
    assert _tokenize(text) == tuple(tokens)


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_reference_layout_is_the_references(case: dict) -> None:
    """Under coop_ijcv2022 every prompt is cut as recorded, and ends where the tokenised sentence does."""
    tokenised = case["tokenized"]
    if isinstance(tokenised, str):  # "as for end": the sentence is the same in all positions
        keys = ("n_ctx_effective", "ctx_init", "csc", "position")
        wanted = (*(case[key] for key in keys[:3]), "end")
        tokenised = next(other for other in CASES if tuple(other[key] for key in keys) == wanted)["tokenized"]
    ctx_init = case["ctx_init"] or None
    for name, assembled, sentence in zip(NAMES, case["assembled"], tokenised, strict=True):
        layout = reference_layout(name, case["n_ctx_config"], ctx_init, case["position"], _tokenize)
        assert list(layout) == assembled, name
        assert len(layout) == len(sentence), name
    if ctx_init:
        assert len(reference_context_tokens(ctx_init, _tokenize)) == case["n_ctx_effective"]


@pytest.mark.parametrize("case", CASES_OF_SINGLE_TOKENS, ids=_name)
def test_layout_is_the_references_where_that_is_right(case: dict) -> None:
    """Tokens and context vectors stand where the reference puts them, but for names that end in punctuation."""
    position, n_ctx = case["position"], case["n_ctx_effective"]
    compared = 0
    for name, assembled in zip(NAMES, case["assembled"], strict=True):
        ends_in_punctuation = not name.strip(" _")[-1].isalnum()
        if position == "end" or not ends_in_punctuation:
            assert list(prompt_layout(name, n_ctx, position, _tokenize)) == assembled, name
            compared += 1
    assert compared >= 20
