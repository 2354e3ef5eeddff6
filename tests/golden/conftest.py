"""The recorded numbers, and the two small CLIPs and their images by the recipes that came with them."""

import json
import math
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from harness.backbone.clip import Clip
from harness.backbone.load import load_clip
from harness.backbone.spec import BackboneSpec

Golden = Callable[[str], dict]
Labelled = dict[str, tuple[Tensor, Tensor]]  # from train and test to images (or their features) and labels


@cache
def _read(name: str) -> dict:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))


@cache
def _state(model: str) -> dict[str, Tensor]:
    recorded = _read("models")[model]["state_dict"]
    return {key: torch.from_numpy(_weights(key, tuple(entry["shape"]))) for key, entry in recorded.items()}


def _weights(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """One tensor by the recipe: a function of its key alone, drawn and computed in float64."""
    if key == "logit_scale":
        return np.array(math.log(100.0), dtype=np.float32)
    if key.endswith("num_batches_tracked"):
        return np.array(0)
    z = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
    return (_scaled(key, z)).astype(np.float32)


def _scaled(key: str, z: np.ndarray) -> np.ndarray:
    if key.endswith("running_mean"):
        return 0.1 * z
    if key.endswith("running_var"):
        return 1 + 0.1 * np.abs(z)
    if key.endswith("bias"):
        return 0.01 * z
    if "embedding" in key:
        return 0.1 * z
    if z.ndim == 1:
        return 1 + 0.1 * z
    if key in ("visual.proj", "text_projection"):
        return z / math.sqrt(z.shape[0])
    gain = 2.0 if z.ndim == 4 else 1.0
    return z * math.sqrt(gain / np.prod(z.shape[1:]))


@cache
def _clip(model: str) -> Clip:
    with TemporaryDirectory() as folder:
        file = Path(folder, "recorded.safetensors")
        save_file(_state(model), file)
        spec = BackboneSpec(model, model, _architecture(_read("models")[model]["config"]), file=file)
        return load_clip(spec, "fp32", torch.device("cpu"))


def _architecture(recorded: dict) -> dict:
    """The recorded sizes as open_clip's configuration; 64 channels a head, as in all of OpenAI's models."""
    return {
        "embed_dim": recorded["embed_dim"],
        "vision_cfg": {
            "layers": recorded["vision_layers"],
            "width": recorded["vision_width"],
            "patch_size": recorded["vision_patch_size"],
            "image_size": recorded["image_resolution"],
            "head_width": 64,
        },
        "text_cfg": {
            "context_length": recorded["context_length"],
            "vocab_size": recorded["vocab_size"],
            "width": recorded["transformer_width"],
            "heads": recorded["transformer_heads"],
            "layers": recorded["transformer_layers"],
        },
        "quick_gelu": True,
    }


@cache
def _images(model: str) -> Labelled:
    side = _read("models")[model]["config"]["image_resolution"]
    generator = np.random.default_rng(12345)
    noise = generator.standard_normal((48, 3, side, side))
    labels = generator.integers(0, 7, 48)
    pattern = generator.standard_normal((7, 3, 4, 4))
    spread = pattern[labels].repeat(side // 4, axis=2).repeat(side // 4, axis=3)
    images = torch.from_numpy((noise + 2.0 * spread).astype(np.float32))
    rows = torch.from_numpy(labels)
    return {"train": (images[:32], rows[:32]), "test": (images[32:], rows[32:])}


@cache
def _features(model: str) -> Labelled:
    with torch.no_grad():
        return {
            part: (_clip(model).encode_images(images), labels) for part, (images, labels) in _images(model).items()
        }


@pytest.fixture(scope="session")
def golden() -> Golden:
    """A recorded file by its name; one that is missing is an error."""
    return _read


@pytest.fixture(scope="session")
def golden_state() -> Callable[[str], dict[str, Tensor]]:
    """The OpenAI state dict of ``vit`` or ``rn``."""
    return _state


@pytest.fixture(scope="session")
def golden_clip() -> Callable[[str], Clip]:
    """The backbone of ``vit`` or ``rn``, by the project's own loader."""
    return _clip


@pytest.fixture(scope="session")
def golden_images() -> Callable[[str], Labelled]:
    """The images of ``vit`` or ``rn``, which go into the image tower as they are."""
    return _images


@pytest.fixture(scope="session")
def golden_features() -> Callable[[str], Labelled]:
    """The image features of ``vit`` or ``rn``, not normalised."""
    return _features
