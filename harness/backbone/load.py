"""A backbone's name in, a frozen CLIP out."""

import json
from typing import Any

import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer
from safetensors import SafetensorError
from safetensors.torch import load_file

from harness.backbone.clip import DTYPES, Clip
from harness.backbone.image import read_class_token_only
from harness.backbone.openai import StateDict, module_with_weights, openai_module
from harness.backbone.spec import TINY_FOLDER, BackboneSpec, weights_digest, weights_file
from harness.errors import BackboneError, Fault

# Pixel statistics of OpenAI's CLIP (Radford et al., ICML 2021); the tiny backbone was trained with the same.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def load_clip(spec: BackboneSpec, precision: str, device: torch.device) -> Clip:
    """The backbone with its weights, frozen, in evaluation mode, on ``device``.

    Raises:
        BackboneError: the weights are missing, cannot be read, or are of another architecture.
    """
    digest = weights_digest(spec)
    if spec.repository is None:
        _check_shipped_digest(spec, digest)
    return _frozen(_module(spec, DTYPES[precision]), spec.name, digest, device, precision)


def clip_from_openai(
    state: StateDict, name: str, weights_digest: str, device: torch.device, precision: str = "fp32"
) -> Clip:
    """A CLIP from a state dict of openai/CLIP, frozen, in evaluation mode, on ``device``.

    Raises:
        BackboneError: tensors are missing, extra or misshapen; names them all.
    """
    return _frozen(openai_module(state, name, DTYPES[precision]), name, weights_digest, device, precision)


def _frozen(module: Any, name: str, digest: str, device: torch.device, precision: str) -> Clip:
    """The module behind the seam; its parameters take no gradient, its BatchNorm no statistics."""
    module.requires_grad_(requires_grad=False)
    read_class_token_only(module.visual)
    image_size = module.visual.image_size
    return Clip(
        name=name,
        module=module.to(device).eval(),
        tokenizer=SimpleTokenizer(),
        weights_digest=digest,
        precision=precision,
        # open_clip gives one side for a ResNet and (height, width) for a ViT.
        image_size_px=image_size if isinstance(image_size, int) else image_size[0],
        mean=CLIP_MEAN,
        std=CLIP_STD,
    )


def _module(spec: BackboneSpec, dtype: torch.dtype) -> torch.nn.Module:
    """open_clip's model with the weights of ``spec``; OpenAI's towers use QuickGELU."""
    file = weights_file(spec)
    try:
        weights = load_file(file)
    except (OSError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:400]
        raise BackboneError(Fault(spec.name, f"its weights in {file} cannot be used: {reason}.")) from None
    return module_with_weights(_architecture(spec), weights, f"{spec.name} ({file})", dtype)


def _architecture(spec: BackboneSpec) -> dict[str, Any]:
    """open_clip's model configuration."""
    if spec.repository is None:
        found: dict[str, Any] = json.loads((TINY_FOLDER / "config.json").read_text())
        return found
    return {**open_clip.get_model_config(spec.architecture), "quick_gelu": True}


def _check_shipped_digest(spec: BackboneSpec, digest: str) -> None:
    pinned = json.loads((TINY_FOLDER / "tiny.json").read_text())["sha256"]
    if digest != pinned:
        what = f"its weights have the digest {digest[:12]}, not {pinned[:12]} as published."
        raise BackboneError(Fault(spec.name, what, "Reinstall the package."))
