"""How much of a training step in the text tower memory holds at a time."""

from collections.abc import Sequence

import torch

from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout
from harness.backbone.text import common_prefix
from harness.host import available_bytes

_FLOATS_PER_TOKEN = 16  # activations that a layer keeps for the backward pass, in units of the width, with slack
_NEVER_CUT_BYTES = 1 << 30
_SHARE = 0.5  # of the free memory


def classes_at_once(layouts: Sequence[Layout], clip: Clip, per_class: bool, n_runs: int) -> int | None:
    """How many classes' activations a training step may hold; ``None`` for all of them.

    A step that needs less than a gigabyte is never cut, so that the free memory of the day cannot change the
    last bit of a small problem's result.
    """
    width, n_layers = clip.token_table.shape[1], len(clip.text_blocks)
    per_token = _FLOATS_PER_TOKEN * width * n_layers * clip.token_table.element_size()
    n_trunk = common_prefix(layouts, per_class)
    longest = max(map(len, layouts)) - n_trunk
    needed = per_token * n_runs * sum(len(layout) - n_trunk for layout in layouts)
    if needed <= _NEVER_CUT_BYTES or needed <= _SHARE * free_bytes(clip.device):
        return None
    return max(1, int(_SHARE * free_bytes(clip.device) / (per_token * n_runs * longest)))


def free_bytes(device: torch.device) -> int:
    """Free memory of the device: the GPU's, or what the machine and its container can still give."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return available_bytes()
