"""open_clip's model with given weights, or all that keeps them from fitting.

open_clip keeps OpenAI's key names, so state dicts of either are checked and loaded by the same code.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import open_clip
import torch
from open_clip.model import convert_weights_to_lp
from torch import Tensor

from harness.errors import BackboneError, Fault

StateDict = Mapping[str, Tensor]

# What OpenAI's JIT archives hold beside the weights; their shapes say the same.
_BESIDE = frozenset({"input_resolution", "context_length", "vocab_size"})
_NAMED = 24  # tensors that a fault names before it counts the rest


def module_with_weights(
    architecture: Mapping[str, Any], state: StateDict, where: str, dtype: torch.dtype = torch.float32
) -> torch.nn.Module:
    """open_clip's model of that architecture with these weights.

    In bf16 and fp16 it is open_clip's low-precision form of OpenAI's conversion: matrices and convolutions in
    ``dtype``; normalisations and embeddings in fp32.

    Args:
        architecture: the arguments of open_clip's CLIP.
        state: key names and shapes of openai/CLIP, in any float format.
        where: what faults are said of.
        dtype: number format of its matrices.

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
