"""Prompt layouts."""

import pytest
from open_clip.tokenizer import SimpleTokenizer

from harness.backbone.clip import EOT_TOKEN, SOT_TOKEN, Clip
from harness.backbone.prompts import prompt_layout


def _words(text: str) -> tuple[int, ...]:
    """A tokenizer for reading: one token a word or full stop."""
    return tuple(100 + len(word) for word in text.replace(".", " .").split())


@pytest.mark.parametrize(
    ("position", "layout"),
    [
        ("end", (SOT_TOKEN, -1, -2, -3, 106, 104, 101, EOT_TOKEN)),
        ("middle", (SOT_TOKEN, -1, 106, 104, -2, -3, 101, EOT_TOKEN)),
        ("front", (SOT_TOKEN, 106, 104, -1, -2, -3, 101, EOT_TOKEN)),
    ],
)
def test_context_stands_around_the_name(position: str, layout: tuple[int, ...]) -> None:
    """The full stop stays last, and the middle puts the smaller half of an odd context before the name."""
    assert prompt_layout("yellow_lily", 3, position, _words) == layout


def test_golden_tokenizer_is_the_tiny_backbones(tiny: Clip) -> None:
    """The tiny backbone reads CLIP's own tokens."""
    assert tiny.tokens("hello world") == tuple(SimpleTokenizer().encode("hello world")) == (3306, 1002)
