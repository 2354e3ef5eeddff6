"""Prompt layouts and their embeddings."""

import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer

from harness.backbone.clip import EOT_TOKEN, SOT_TOKEN, Clip
from harness.backbone.prompts import assemble, encode_texts, prompt_layout, text_layout
from harness.errors import PromptError

NAMES = ("cat", "polka-dotted", "yellow_lily")


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


@pytest.mark.parametrize("position", ["end", "middle", "front"])
@pytest.mark.parametrize("per_class", [False, True])
def test_embeddings_hold_every_vector_in_its_place(tiny: Clip, position: str, per_class: bool) -> None:
    """Each position holds the token's row of the table, or the class's context vector, and nothing else."""
    context = torch.randn((3, 5, 64) if per_class else (5, 64), generator=torch.Generator().manual_seed(0))
    layouts = [prompt_layout(name, 5, position, tiny.tokens) for name in NAMES]
    embeddings = assemble(layouts, tiny).embeddings(context)
    for number, layout in enumerate(layouts):
        vectors = context[number] if per_class else context
        for place, slot in enumerate(layout):
            expected = tiny.token_table[slot] if slot >= 0 else vectors[-slot - 1]
            assert torch.equal(embeddings[number, place], expected)


def test_text_features_are_open_clips(tiny: Clip) -> None:
    """Cutting prompts behind the longest end of text gives what 77 tokens give."""
    texts = ["a photo of the digit three.", "a red triangle", "x"]
    rows = [text_layout(text, tiny.tokens) for text in texts]
    padded = torch.tensor([[*row, *[0] * (77 - len(row))] for row in rows])
    with torch.no_grad():
        whole = tiny.module.encode_text(padded)
    torch.testing.assert_close(encode_texts(texts, tiny), whole, rtol=1e-5, atol=1e-5)


def test_prompt_that_is_too_long_is_refused(tiny: Clip) -> None:
    """The error names every prompt that the text tower cannot hold, with both lengths."""
    layouts = [prompt_layout(name, 75, "end", tiny.tokens) for name in NAMES]
    with pytest.raises(PromptError) as error:
        assemble(layouts, tiny)
    assert len(error.value.faults) == 3
    assert "takes 79 tokens, the text tower has 77" in error.value.faults[0].what


def test_only_the_context_gets_a_gradient(tiny: Clip) -> None:
    """Towers and token table are frozen."""
    context = torch.zeros(4, 64, requires_grad=True)
    prompts = assemble([prompt_layout(name, 4, "middle", tiny.tokens) for name in NAMES], tiny)
    tiny.encode_prompts(prompts.embeddings(context), prompts.eot_positions).sum().backward()
    assert context.grad is not None
    assert context.grad.abs().min() > 0
    assert all(parameter.grad is None for parameter in tiny.module.parameters())


def test_golden_tokenizer_is_the_tiny_backbones(tiny: Clip) -> None:
    """The tiny backbone reads CLIP's own tokens."""
    assert tiny.tokens("hello world") == tuple(SimpleTokenizer().encode("hello world")) == (3306, 1002)
