"""Text features of written sentences, which have no context vectors."""

from collections.abc import Sequence

import torch

from harness.backbone.clip import Clip
from harness.backbone.prompts import PAD_TOKEN, check_lengths, text_layout
from harness.errors import PromptError
from harness.shapes import TextFeatures


def encode_texts(texts: Sequence[str], clip: Clip) -> TextFeatures:
    """Text features, not normalised, of written sentences.

    They are as long as the longest: what follows an end of text is never looked at.

    Raises:
        PromptError: a sentence is longer than the text tower; names all of them.
    """
    layouts = [text_layout(text, clip.tokens) for text in texts]
    if faults := check_lengths(texts, layouts, clip.context_length):
        raise PromptError(faults)
    longest = max(map(len, layouts))
    rows = [[*layout, *[PAD_TOKEN] * (longest - len(layout))] for layout in layouts]
    ends = [len(layout) - 1 for layout in layouts]
    with torch.no_grad():
        embeddings = clip.token_table[torch.tensor(rows, device=clip.device)]
        return clip.encode_prompts(embeddings, torch.tensor(ends, device=clip.device))
