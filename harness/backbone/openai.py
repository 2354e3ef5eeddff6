"""CLIP weights in the key names and shapes of openai/CLIP, as open_clip's model.

open_clip keeps OpenAI's key names, so a state dict of either kind is checked and loaded by the same code. What a
state dict does not say follows from its shapes by OpenAI's own rules: 64 channels a head, four times the width
in the MLPs, an attention pool on the 32nd part of the image.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import open_clip
import torch
from open_clip.model import convert_weights_to_lp
from torch import Tensor

from harness.errors import BackboneError, Fault

StateDict = Mapping[str, Tensor]

# What OpenAI's JIT archives hold beside the weights; their shapes say the same.
_BESIDE = frozenset({"input_resolution", "context_length", "vocab_size"})
_HEAD_WIDTH = 64
_NAMED = 24  # tensors that a fault names before it counts the rest
_POOL_STRIDE = 32  # pixels a position of a ResNet's attention pool
_EXPANSION = 32  # channels of a ResNet's attention pool in widths of its first layer


def openai_module(state: StateDict, where: str, dtype: torch.dtype = torch.float32) -> torch.nn.Module:
    """open_clip's model with OpenAI's weights; its architecture is read off their shapes.

    Args:
        state: key names and shapes of openai/CLIP, in any float format.
        where: what faults are said of.
        dtype: number format of its matrices.

    Raises:
        BackboneError: tensors are missing, extra or misshapen; names them all.
    """
    return module_with_weights(openai_architecture(state, where), state, where, dtype)


def module_with_weights(
    architecture: Mapping[str, Any], state: StateDict, where: str, dtype: torch.dtype = torch.float32
) -> torch.nn.Module:
    """open_clip's model of that architecture with these weights.

    In bf16 and fp16 it is open_clip's low-precision form of OpenAI's conversion: matrices and convolutions in
    ``dtype``; normalisations and embeddings in fp32.

    Raises:
        BackboneError: tensors are missing, extra or misshapen; names them all.
    """
    low = dtype != torch.float32
    module = open_clip.CLIP(**architecture, cast_dtype=dtype if low else None)
    weights = {key: tensor for key, tensor in state.items() if key not in _BESIDE}
    if faults := _key_faults(module.state_dict(), weights, where):
        raise BackboneError(faults)
    module.load_state_dict({key: tensor.float() for key, tensor in weights.items()})
    if low:
        convert_weights_to_lp(module, dtype)
    return module  # type: ignore[no-any-return]


def openai_architecture(state: StateDict, where: str) -> dict[str, Any]:
    """open_clip's model configuration for a state dict.

    A width stands in several tensors: the one that most of them have is taken, so that a tensor which is
    missing or wrong is named later and does not make all others look wrong.

    Raises:
        BackboneError: a tower is too narrow for a head, or its heads do not divide it.
    """
    is_resnet = sum(key.startswith(("visual.layer", "visual.attnpool.")) for key in state) > sum(
        key.startswith("visual.transformer.") for key in state
    )
    vision = _resnet(state) if is_resnet else _vision_transformer(state)
    text_width = _agreed(
        state,
        [
            ("ln_final.weight", 0),
            ("ln_final.bias", 0),
            ("token_embedding.weight", 1),
            ("positional_embedding", 1),
            ("text_projection", 0),
        ],
    )
    vision_width = vision["width"] * (_EXPANSION if is_resnet else 1)
    towers = {"image": vision_width, "text": text_width}
    if faults := [
        Fault(where, f"its {tower} tower of width {width} cannot be split into heads of {_HEAD_WIDTH} channels.")
        for tower, width in towers.items()
        if width < _HEAD_WIDTH or width % (width // _HEAD_WIDTH)
    ]:
        raise BackboneError(faults)
    output = [("visual.attnpool.c_proj.weight", 0), ("visual.attnpool.c_proj.bias", 0), ("visual.proj", 1)]
    return {
        "embed_dim": _agreed(state, [("text_projection", 1), *output]),
        "vision_cfg": {**vision, "head_width": _HEAD_WIDTH},
        "text_cfg": {
            "context_length": _agreed(state, [("positional_embedding", 0)]),
            "vocab_size": _agreed(state, [("token_embedding.weight", 0)]),
            "width": text_width,
            "heads": text_width // _HEAD_WIDTH,
            "layers": _n_blocks(state, "transformer.resblocks."),
        },
        "quick_gelu": True,
    }


def _vision_transformer(state: StateDict) -> dict[str, Any]:
    width = _agreed(
        state,
        [
            ("visual.ln_post.weight", 0),
            ("visual.class_embedding", 0),
            ("visual.conv1.weight", 0),
            ("visual.positional_embedding", 1),
            ("visual.proj", 0),
        ],
    )
    patch = _agreed(state, [("visual.conv1.weight", 3), ("visual.conv1.weight", 2)])
    return {
        "layers": _n_blocks(state, "visual.transformer.resblocks."),
        "width": width,
        "patch_size": patch,
        "image_size": patch * _grid(state, "visual.positional_embedding"),
    }


def _resnet(state: StateDict) -> dict[str, Any]:
    keys = (
        "visual.layer1.0.conv1.weight",
        "visual.layer1.0.bn1.weight",
        "visual.bn3.weight",
        "visual.conv3.weight",
    )
    return {
        "layers": [_n_blocks(state, f"visual.layer{number}.") for number in (1, 2, 3, 4)],
        "width": _agreed(state, [(key, 0) for key in keys]),
        "patch_size": None,
        "image_size": _POOL_STRIDE * _grid(state, "visual.attnpool.positional_embedding"),
    }


def _agreed(state: StateDict, places: Iterable[tuple[str, int]]) -> int:
    """The size that most of these axes have, of equals the first; 64 when all are missing, a fault in any case."""
    sizes = [state[key].shape[axis] for key, axis in places if key in state and state[key].ndim > axis]
    return Counter(size for size in sizes if size).most_common(1)[0][0] if any(sizes) else _HEAD_WIDTH


def _grid(state: StateDict, key: str) -> int:
    """Side of the square of positions, of which there is one more for the whole image."""
    return max(1, round(math.sqrt(max(0, _agreed(state, [(key, 0)]) - 1))))


def _n_blocks(state: StateDict, prefix: str) -> int:
    """Numbered blocks under a prefix, at least 1; a number with a stray tensor or two is no block."""
    pattern = re.compile(re.escape(prefix) + r"(\d+)\.")
    found = Counter(int(match[1]) for match in map(pattern.match, state) if match)
    whole = max(found.values(), default=0)
    return max((number + 1 for number, count in found.items() if 2 * count >= whole), default=1)


def _key_faults(expected: StateDict, given: StateDict, where: str) -> list[Fault]:
    """One fault for all tensors that are missing, one for those too many, one for those of a wrong shape."""
    misshapen = [
        f"{key} is {tuple(given[key].shape)} and should be {tuple(tensor.shape)}"
        for key, tensor in expected.items()
        if key in given and given[key].shape != tensor.shape
    ]
    kinds = {
        "are missing": [key for key in expected if key not in given],
        "are unknown": [key for key in given if key not in expected],
        "have a wrong shape": misshapen,
    }
    mend = "Is it a file of another architecture?" if sum(map(len, kinds.values())) > _NAMED else ""
    return [
        Fault(where, f"{len(found)} of its tensors {what}: {_some(found)}.", mend)
        for what, found in kinds.items()
        if found
    ]


def _some(names: Sequence[str]) -> str:
    """All of ``names``, or the first of very many."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f", and {more} more" if more > 0 else "")
