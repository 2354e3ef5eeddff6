"""The one seam to open_clip: what the harness asks of a CLIP, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from harness.shapes import ImageFeatures, Images, PromptEmbeddings, TextFeatures, TokenTable

SOT_TOKEN = 49406  # start of text, in CLIP's byte-pair vocabulary
# What a precision means: the number format of weights and activations of both towers. Contexts, their gradients
# and the optimiser stay in fp32, and features leave the towers as fp32.
DTYPES = {"fp32": torch.float32, "amp": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
EOT_TOKEN = 49407  # end of text; the text feature is read at its position


@dataclass(frozen=True, slots=True)
class Clip:
    """A frozen CLIP with its towers in evaluation mode.

    Attributes:
        name: as written in a matrix.
        module: open_clip's model.
        tokenizer: open_clip's byte-pair tokenizer.
        weights_digest: SHA-256 of the weights file.
        precision: number format of the towers.
        image_size_px: side of the square image it reads.
        mean: per channel, subtracted from pixels in 0 .. 1.
        std: per channel, divides what is left.
        architecture_digest: SHA-256 of the model's configuration; the same tensors make several models.
        is_trusted: whether a TorchScript archive was opened because the user vouches for it.
    """

    name: str
    module: Any  # open_clip has no types
    tokenizer: Any
    weights_digest: str
    precision: str
    image_size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    architecture_digest: str = ""
    is_trusted: bool = False

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.token_table.device

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the towers' matrices; LayerNorms stay in fp32, as in OpenAI's own model."""
        return DTYPES[self.precision]

    def autocast(self) -> torch.autocast:
        """Under ``amp`` matrix products are in bf16 from fp32 weights; otherwise nothing is cast."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.precision == "amp")

    @property
    def token_table(self) -> TokenTable:
        """The embedding of every token, (vocabulary, width)."""
        table: TokenTable = self.module.token_embedding.weight.detach()
        return table

    @property
    def positional_embedding(self) -> Float[Tensor, "context_length width"]:
        """What is added to the embeddings, by position."""
        table: Tensor = self.module.positional_embedding.detach()
        return table

    @property
    def text_blocks(self) -> Sequence[Any]:
        """The layers of the text tower, open_clip's ResidualAttentionBlock each."""
        return tuple(self.module.transformer.resblocks)

    @property
    def is_quick_gelu(self) -> bool:
        """Whether the text tower has QuickGELU, and the image tower with it unless it is one of timm's."""
        return type(self.text_blocks[0].mlp.gelu).__name__ == "QuickGELU"

    @property
    def context_length(self) -> int:
        """Positions of the text tower, start and end of text included."""
        return int(self.module.positional_embedding.shape[0])

    @property
    def logit_scale(self) -> float:
        """The factor on cosine similarities, the exponential of CLIP's learned parameter."""
        return float(self.module.logit_scale.exp())

    def tokens(self, text: str) -> tuple[int, ...]:
        """The token ids of a text, without start and end of text."""
        return tuple(self.tokenizer.encode(text))

    def words(self, ids: Sequence[int]) -> list[str]:
        """How each token reads; ``</w>`` marks the end of a word in CLIP's vocabulary and is cut off."""
        decoder: dict[int, str] = self.tokenizer.decoder
        return [decoder[index].removesuffix("</w>") for index in ids]

    def encode_images(self, pixels: Images) -> ImageFeatures:
        """Image features, not normalised."""
        with self.autocast():
            features: ImageFeatures = self.module.encode_image(pixels.to(self.dtype)).float()
        return features

    def encode_prompts(self, embeddings: PromptEmbeddings, eot_positions: Tensor) -> TextFeatures:
        """Text features, not normalised, of prompts that are given as embeddings.

        Differentiable in ``embeddings``. The text tower is causal, so positions after the last end of text
        change nothing and need not be given.

        Args:
            embeddings: token embeddings and context vectors in their places, without positional embeddings.
            eot_positions: (classes,), where each prompt's end-of-text token stands.
        """
        tower = self.module
        n_tokens = embeddings.shape[1]
        x = (embeddings + tower.positional_embedding[:n_tokens]).to(self.dtype)
        with self.autocast():
            x = tower.transformer(x, attn_mask=tower.attn_mask[:n_tokens, :n_tokens])
        return self.project_text(x[torch.arange(len(x), device=x.device), eot_positions])

    def project_text(self, ends: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch dim"]:
        """Text features, not normalised, from the last layer's output at each end of text."""
        with self.autocast():
            features: Tensor = self.module.ln_final(ends) @ self.module.text_projection
        return features.float()
