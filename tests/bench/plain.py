"""CoOp as its paper describes it and no cleverer: the baseline that benchmarks compare with.

One run at a time, prompts of all 77 tokens through every layer for every class, and the image tower on every
step. It shares no code with the engine: prompts, schedule and optimiser are written out here.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from harness.backbone.clip import Clip


class PlainCoOp:
    """A learnable context and the frozen towers."""

    def __init__(self, clip: Clip, class_names: Sequence[str], n_ctx: int, position: str, per_class: bool) -> None:
        self.clip = clip
        tower = clip.module
        width = tower.token_embedding.weight.shape[1]
        generator = torch.Generator().manual_seed(0)
        shape = (len(class_names), n_ctx, width) if per_class else (n_ctx, width)
        self.context = (0.02 * torch.randn(shape, generator=generator)).to(clip.device).requires_grad_()
        self.position = position
        names = [clip.tokens(name) for name in class_names]
        self.lengths = [len(name) for name in names]
        rows = torch.zeros(len(names), clip.context_length, dtype=torch.long, device=clip.device)
        for row, name in zip(rows, names, strict=True):
            text = (49406, *[343] * n_ctx, *name, *clip.tokens("."), 49407)
            row[: len(text)] = torch.tensor(text)
        self.ends = rows.argmax(dim=1)
        with torch.no_grad():
            embedded = tower.token_embedding(rows)
        self.prefix, self.suffix = embedded[:, :1], embedded[:, 1 + n_ctx :]

    def text_features(self) -> Tensor:
        """Text features of all classes, by the whole tower."""
        tower, context = self.clip.module, self.context
        if context.ndim == 2:
            context = context.expand(len(self.prefix), -1, -1)
        if self.position == "end":
            prompts = torch.cat([self.prefix, context, self.suffix], dim=1)
        else:
            half = context.shape[1] // 2
            rows = [
                torch.cat(
                    [self.prefix[i], context[i, :half], self.suffix[i, :n], context[i, half:], self.suffix[i, n:]]
                )
                for i, n in enumerate(self.lengths)
            ]
            prompts = torch.stack(rows)
        x = prompts + tower.positional_embedding
        x = tower.transformer(x, attn_mask=tower.attn_mask)
        x = tower.ln_final(x)
        return x[torch.arange(len(x)), self.ends] @ tower.text_projection

    def loss(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of one batch, both towers computed."""
        with torch.no_grad():
            images = normalize(self.clip.module.encode_image(pixels), dim=-1)
        texts = normalize(self.text_features(), dim=-1)
        return cross_entropy(self.clip.logit_scale * images @ texts.T, labels)

    def train(self, epochs: Sequence[Sequence[tuple[Tensor, Tensor]]], lr: float = 0.002) -> None:
        """SGD with momentum, weight decay, one warm-up epoch and a cosine, over epochs of (pixels, labels)."""
        optimiser = torch.optim.SGD([self.context], lr=lr, momentum=0.9, weight_decay=5e-4)
        for number, batches in enumerate(epochs):
            rate = 1e-5 if number == 0 else 0.5 * lr * (1 + math.cos(math.pi * (number - 1) / len(epochs)))
            optimiser.param_groups[0]["lr"] = rate
            for pixels, labels in batches:
                optimiser.zero_grad()
                self.loss(pixels, labels).backward()
                optimiser.step()
