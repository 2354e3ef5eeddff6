"""The contrastive pretraining of the tiny backbone on drawn images.

Run as ``python -m harness.backbone.tiny.pretrain --out FOLDER``.
"""

import argparse
import hashlib
import json
import math
import platform
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from harness.backbone.tiny.draw import IMAGE_SIZE_PX, DrawnBatch, draw_batch
from harness.backbone.tiny.masters import Masters, render_masters

CONFIG_PATH = Path(__file__).with_name("config.json")
# The normalisation of CLIP, so that the tiny backbone takes the same preprocessing as the released ones.
IMAGE_MEAN = (0.48145466, 0.4578275, 0.40821073)
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)
# CLIP bounds exp(logit_scale) by 100.
LARGEST_LOGIT_SCALE = math.log(100.0)
LOG_EVERY_STEPS = 50
HELD_OUT_IMAGES = 2000
PACKAGES = ("torch", "open_clip_torch", "numpy", "matplotlib", "pillow", "safetensors")


def build_backbone(seed: int) -> CLIP:
    """The tiny CLIP of config.json with fresh weights that depend on the seed only."""
    architecture = json.loads(CONFIG_PATH.read_text(encoding="utf-8"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CLIP(**architecture)


def normalised(images: Tensor) -> Tensor:
    """Images [image, 3, 32, 32] in 0..1 as the image tower takes them."""
    mean, std = torch.tensor(IMAGE_MEAN), torch.tensor(IMAGE_STD)
    return (images - mean[:, None, None]) / std[:, None, None]


def encode_captions(backbone: CLIP, tokens: Tensor) -> Tensor:
    """Unit text features [caption, 64] of tokens [caption, 77].

    The positions after the longest caption are cut off: the mask is causal and the feature is read at the end
    token, so they cannot change the result, and captions fill less than half of the 77 positions.
    """
    length = int(tokens.argmax(dim=1).max()) + 1
    states = backbone.token_embedding(tokens[:, :length]) + backbone.positional_embedding[:length]
    states = backbone.transformer(states, attn_mask=backbone.attn_mask[:length, :length])
    states = backbone.ln_final(states)
    at_end = states[torch.arange(len(tokens)), tokens.argmax(dim=1)]
    features: Tensor = at_end @ backbone.text_projection
    return functional.normalize(features, dim=-1)


def contrastive_loss(logits: Tensor, matches: Tensor) -> Tensor:
    """The symmetric cross-entropy of logits [image, caption] with many matches a row or column, in nats.

    Captions repeat within a batch, so each target is spread evenly over all that are true rather than put on
    the diagonal alone.
    """
    truth = matches.to(logits.dtype)
    of_images = functional.cross_entropy(logits, truth / truth.sum(dim=1, keepdim=True))
    of_captions = functional.cross_entropy(logits.T, truth.T / truth.T.sum(dim=1, keepdim=True))
    return (of_images + of_captions) / 2


def batch_logits(backbone: CLIP, tokenizer: SimpleTokenizer, batch: DrawnBatch) -> Tensor:
    """exp(logit_scale) * cosine of every image with every caption of a batch: [image, caption]."""
    images = backbone.encode_image(normalised(batch.images), normalize=True)
    captions = encode_captions(backbone, tokenizer(list(batch.captions)))
    logits: Tensor = backbone.logit_scale.exp() * images @ captions.T
    return logits


def build_optimizer(backbone: CLIP, weight_decay: float) -> torch.optim.AdamW:
    """AdamW with decay on weight matrices only.

    The token table is spared, for most of its rows get no gradient and would shrink to nothing.
    """
    named = dict(backbone.named_parameters())
    decayed = {name for name, value in named.items() if value.ndim >= 2 and "embedding" not in name}
    groups = [
        {"params": [value for name, value in named.items() if name in decayed], "weight_decay": weight_decay},
        {"params": [value for name, value in named.items() if name not in decayed], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """The rate at a step: a linear rise over the first 5 %, then a cosine to zero."""
    rise = max(1, steps // 20)
    if step < rise:
        return peak * (step + 1) / rise
    return peak * 0.5 * (1.0 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def severity_at(step: int, steps: int) -> float:
    """How hard the drawings are at a step: 0.1 at first, 1 from 30 % of the steps on.

    On the full mixture from the start, the loss first falls for colours and stays flat for the labels.
    """
    return min(1.0, 0.1 + 0.9 * step / (0.3 * steps))


def pretrain(
    backbone: CLIP,
    masters: Masters,
    generator: np.random.Generator,
    steps: int,
    batch: int,
    peak_learning_rate: float,
    weight_decay: float,
) -> list[dict[str, float]]:
    """The log of the training of the backbone, in place: one row every 50 steps and one at the end."""
    tokenizer = SimpleTokenizer(context_length=backbone.context_length)
    optimizer = build_optimizer(backbone, weight_decay)
    log: list[dict[str, float]] = []
    backbone.train()
    for step in range(steps):
        rate = learning_rate(step, steps, peak_learning_rate)
        for group in optimizer.param_groups:
            group["lr"] = rate
        drawn = draw_batch(masters, generator, batch, severity_at(step, steps))
        logits = batch_logits(backbone, tokenizer, drawn)
        loss = contrastive_loss(logits, drawn.matches)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(backbone.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            backbone.logit_scale.clamp_(0.0, LARGEST_LOGIT_SCALE)
        if (step + 1) % LOG_EVERY_STEPS == 0 or step + 1 == steps:
            hits = drawn.matches.gather(1, logits.argmax(dim=1, keepdim=True))
            row = {
                "step": step + 1,
                "loss": round(loss.item(), 4),
                "lr": round(rate, 7),
                "batch_accuracy": round(hits.float().mean().item(), 4),
                "logit_scale": round(backbone.logit_scale.exp().item(), 3),
            }
            log.append(row)
            sys.stderr.write(json.dumps(row) + "\n")
    backbone.eval()
    return log


def held_out_accuracy(
    backbone: CLIP, masters: Masters, seed: np.random.SeedSequence, count: int
) -> dict[str, float]:
    """Per kind, the share of freshly drawn images nearest to the prompt of their own label, 0..1."""
    prompts = {
        "digit": "a photo of the digit {}.",
        "letter": "a photo of the letter {}.",
        "shape": "a photo of a {}.",
    }
    tokenizer = SimpleTokenizer(context_length=backbone.context_length)
    drawn = draw_batch(masters, np.random.default_rng(seed), count)
    accuracy: dict[str, float] = {}
    with torch.inference_mode():
        images = backbone.encode_image(normalised(drawn.images), normalize=True)
        for kind, prompt in prompts.items():
            rows = [index for index, other in enumerate(drawn.kinds) if other == kind]
            if not rows:
                continue
            names = sorted({masters.labels[row] for of_label in masters.rows_of_kind[kind] for row in of_label})
            features = encode_captions(backbone, tokenizer([prompt.format(name) for name in names]))
            nearest = (images[rows] @ features.T).argmax(dim=1).tolist()
            hits = [names[guess] == drawn.labels[row] for guess, row in zip(nearest, rows, strict=True)]
            accuracy[kind] = round(sum(hits) / len(hits), 4)
    return accuracy


def halve(backbone: CLIP) -> dict[str, Tensor]:
    """The state dict in half precision; the backbone keeps the rounded values, as a reader will have them."""
    halves = {name: value.detach().half().contiguous() for name, value in backbone.state_dict().items()}
    backbone.load_state_dict(halves, strict=True)
    return halves


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Nothing; the file holds the content, indented, with a final newline."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def describe(weights: Path, backbone: CLIP, command: str) -> dict[str, Any]:
    """What tiny.json says of a weights file."""
    return {
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "parameters": sum(value.numel() for value in backbone.parameters()),
        "image_size_px": IMAGE_SIZE_PX,
        "mean": list(IMAGE_MEAN),
        "std": list(IMAGE_STD),
        "command": command,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "licence": "MIT; drawn with fonts shipped in matplotlib",
    }


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.backbone.tiny.pretrain",
        description="Pretrain the tiny backbone on drawn images.",
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
    parser.add_argument("--steps", type=int, default=6000, help="optimizer steps")
    parser.add_argument("--batch", type=int, default=192, help="image-caption pairs a step")
    parser.add_argument("--seed", type=int, default=0, help="of the weights and of the drawing")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="at its peak")
    parser.add_argument("--weight-decay", type=float, default=0.05, help="on weight matrices")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status, 0; tiny.safetensors, tiny.json and training.json are in the --out folder."""
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    masters = render_masters()
    backbone = build_backbone(options.seed)
    drawing, held_out = np.random.SeedSequence(options.seed).spawn(2)
    log = pretrain(
        backbone,
        masters,
        np.random.default_rng(drawing),
        options.steps,
        options.batch,
        options.learning_rate,
        options.weight_decay,
    )
    weights = options.out / "tiny.safetensors"
    save_file(halve(backbone), str(weights))
    command = (
        f"python -m harness.backbone.tiny.pretrain --out harness/backbone/tiny --steps {options.steps}"
        f" --batch {options.batch} --seed {options.seed} --learning-rate {options.learning_rate}"
        f" --weight-decay {options.weight_decay}"
    )
    write_json(options.out / "tiny.json", describe(weights, backbone, command))
    training = {
        "seconds": round(time.perf_counter() - started, 1),
        "threads": torch.get_num_threads(),
        "held_out_accuracy": held_out_accuracy(backbone, masters, held_out, HELD_OUT_IMAGES),
        "log": log,
    }
    write_json(options.out / "training.json", training)
    return 0


if __name__ == "__main__":
    sys.exit(main())
