"""Prompts as the code released with CoOp cuts them, by hand."""

import pytest

from harness.backbone.clip import EOT_TOKEN, SOT_TOKEN
from harness.backbone.prompts import PAD_TOKEN, prompt_layout, reference_context_tokens, reference_layout

MARKS = ".!"


def _tokenize(text: str) -> tuple[int, ...]:
    """A tokenizer for reading: a letter is a token, and so is a run of marks (90 and its length)."""
    for mark in MARKS:
        text = text.replace(mark, ".")
    tokens: list[int] = []
    previous = ""
    for letter in text.lower():
        if letter == "." and previous == ".":
            tokens[-1] += 1
        elif letter == ".":
            tokens.append(91)
        elif letter != " ":
            tokens.append(ord(letter) - ord("a") + 1)
        previous = letter
    return tuple(tokens)


@pytest.mark.parametrize("position", ["end", "middle", "front"])
@pytest.mark.parametrize("n_ctx", [1, 4, 5])
def test_plain_names_are_laid_out_as_by_default(position: str, n_ctx: int) -> None:
    """A name that ends in a letter gives no occasion for a wrong cut."""
    layout = reference_layout("ab_c", n_ctx, None, position, _tokenize)
    assert layout == prompt_layout("ab_c", n_ctx, position, _tokenize)


@pytest.mark.parametrize(
    ("position", "layout"),
    [
        ("end", (SOT_TOKEN, -1, -2, 1, 2, 92, EOT_TOKEN)),
        ("middle", (SOT_TOKEN, -1, 1, 2, 92, -2, EOT_TOKEN)),
        ("front", (SOT_TOKEN, 1, 2, 92, -1, -2, EOT_TOKEN)),
    ],
)
def test_full_stop_moves_with_a_name_that_ends_in_punctuation(position: str, layout: tuple[int, ...]) -> None:
    """The last mark and the full stop are one token, which belongs to the name."""
    assert reference_layout("ab!", 2, None, position, _tokenize) == layout


def test_end_of_text_moves_with_a_name_that_swallows_the_full_stop() -> None:
    """Where "name." has fewer tokens than the name, the text is read where the sentence ended, at a vector."""

    def tokenize(text: str) -> tuple[int, ...]:
        return _tokenize(text.replace("ab.", "."))

    layout = reference_layout("ab", 2, None, "front", tokenize)
    assert layout == (SOT_TOKEN, 91, EOT_TOKEN, -1, -2)
    assert tokenize("x x ab.") == (24, 24, 91)


@pytest.mark.parametrize(
    ("position", "layout"),
    [
        ("end", (SOT_TOKEN, -1, -2, 3, 4, 1, 2, 91, EOT_TOKEN)),
        ("middle", (SOT_TOKEN, -1, 3, 4, -2, 1, 2, 91, EOT_TOKEN)),
        ("front", (SOT_TOKEN, 3, 4, -1, -2, 1, 2, 91, EOT_TOKEN)),
    ],
)
def test_surplus_tokens_of_words_stay_behind_the_context(position: str, layout: tuple[int, ...]) -> None:
    """Two words of two tokens each are two vectors; the name's part is counted from what is left of the words."""
    assert reference_layout("ab", 16, "xy_cd", position, _tokenize) == layout
    assert reference_context_tokens("xy_cd", _tokenize) == (24, 25)


def test_empty_words_take_the_place_of_the_name() -> None:
    """Two spaces in a row hold a word without a token, whose vector starts from the end of text or padding."""
    assert reference_layout("ab", 16, "x  y", "end", _tokenize) == (SOT_TOKEN, -1, -2, -3, 2, 91, EOT_TOKEN)
    assert reference_context_tokens("x  y", _tokenize) == (24, 25, EOT_TOKEN)
    assert reference_context_tokens("x   y", _tokenize) == (24, 25, EOT_TOKEN, PAD_TOKEN)
