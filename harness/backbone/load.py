"""A backbone's name in, a frozen CLIP out."""

import json
from typing import Any

import torch
from open_clip.tokenizer import SimpleTokenizer

from harness.backbone.checkpoint import Checkpoint, read_checkpoint
from harness.backbone.clip import DTYPES, EOT_TOKEN, SOT_TOKEN, Clip
from harness.backbone.image import read_class_token_only
from harness.backbone.module import StateDict, module_with_weights
from harness.backbone.published import openai_digests
from harness.backbone.spec import TINY_FOLDER, BackboneSpec
from harness.backbone.supported import is_timm, refusal
from harness.backbone.weights import weights_digest, weights_file
from harness.errors import BackboneError, Fault
from harness.files import canonical_json, digest_text

# Pixel statistics of OpenAI's CLIP (Radford et al., ICML 2021). The tiny backbone was trained with the same, and
# open_clip, too, takes them for a file of which nothing is known.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def load_clip(spec: BackboneSpec, precision: str, device: torch.device, trust: bool = False) -> Clip:
    """The backbone with its weights, frozen, in evaluation mode, on ``device``.

    Args:
        spec: which one.
        precision: number format of the towers.
        device: where it goes.
        trust: whether the user vouches for a TorchScript archive that OpenAI did not publish.

    Raises:
        BackboneError: the weights are missing, cannot be read, or are of another architecture, or the harness
            cannot run such towers.
    """
    _check_towers(spec, precision)
    file, digest = weights_file(spec), weights_digest(spec)
    if spec.is_shipped:
        _check_shipped_digest(spec, digest)
    published = openai_digests()
    checkpoint = read_checkpoint(file, spec.name, published, trust)
    architecture = _architecture(spec, checkpoint.is_openai or digest in published)
    state = _state(spec, checkpoint)
    module = module_with_weights(architecture, state, f"{spec.name} ({file})", DTYPES[precision])
    module.requires_grad_(requires_grad=False)
    read_class_token_only(module.visual)
    return Clip(
        name=spec.name,
        module=module.to(device).eval(),  # a BatchNorm takes no statistics
        tokenizer=_tokenizer(spec.name),
        weights_digest=digest,
        precision=precision,
        image_size_px=spec.image_size_px,
        mean=CLIP_MEAN if spec.published is None else spec.published.mean,
        std=CLIP_STD if spec.published is None else spec.published.std,
        architecture_digest=digest_text(canonical_json(architecture)),
        is_trusted=checkpoint.is_trusted,
    )


def _check_towers(spec: BackboneSpec, precision: str) -> None:
    """Refuse what cannot be run before its weights are read."""
    if reason := refusal(spec.config, spec.published):
        raise BackboneError(Fault(spec.name, reason))
    if is_timm(spec.config) and DTYPES[precision] != torch.float32:
        what = f"has an image tower of timm, whose normalisations do not take {precision}."
        raise BackboneError(Fault(spec.name, what, "Take precision fp32 or amp."))


def _architecture(spec: BackboneSpec, is_openai: bool) -> dict[str, Any]:
    """The arguments of open_clip's CLIP.

    QuickGELU follows the weights where they are known, and else the name of the architecture. A tower of timm
    is built without weights: timm would fetch its own.
    """
    config: dict[str, Any] = json.loads(json.dumps(dict(spec.config)))
    if not spec.is_shipped:
        known = is_openai or bool(config.get("quick_gelu"))
        config["quick_gelu"] = known if spec.published is None else spec.published.quick_gelu
    if is_timm(config):
        config["vision_cfg"]["timm_model_pretrained"] = False
    config.pop("custom_text", None)
    return config


def _state(spec: BackboneSpec, checkpoint: Checkpoint) -> StateDict:
    """The tensors as CLIP names them; open_clip's other class keeps the same text tower under ``text.``."""
    if not spec.config.get("custom_text"):
        return checkpoint.state
    return {key.removeprefix("text."): tensor for key, tensor in checkpoint.state.items()}


def _tokenizer(name: str) -> SimpleTokenizer:
    """CLIP's byte pairs, which is what open_clip gives to every architecture that is not refused."""
    tokenizer = SimpleTokenizer()
    if (tokenizer.sot_token_id, tokenizer.eot_token_id) != (SOT_TOKEN, EOT_TOKEN):
        what = "open_clip's tokenizer has other numbers for start and end of text than CLIP's."
        raise BackboneError(Fault(name, what, "Install open_clip_torch 3.3."))
    return tokenizer


def _check_shipped_digest(spec: BackboneSpec, digest: str) -> None:
    pinned = json.loads((TINY_FOLDER / "tiny.json").read_text())["sha256"]
    if digest != pinned:
        what = f"its weights have the digest {digest[:12]}, not {pinned[:12]} as published."
        raise BackboneError(Fault(spec.name, what, "Reinstall the package."))
