"""Text features of written sentences."""

import pytest
import torch

from harness.backbone.clip import Clip
from harness.backbone.prompts import text_layout
from harness.backbone.sentences import encode_texts
from harness.errors import PromptError


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
    with pytest.raises(PromptError) as error:
        encode_texts(["cat " * 76, "a cat", "dog " * 77], tiny)
    assert [fault.what.partition(",")[0] for fault in error.value.faults] == [
        "its prompt takes 78 tokens",
        "its prompt takes 79 tokens",
    ]
