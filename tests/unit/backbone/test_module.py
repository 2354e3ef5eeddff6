"""Weights in the key names of openai/CLIP: how they arrive, and what is said of their faults."""

import open_clip
import pytest
import torch
from torch import Tensor

from harness.backbone.module import module_with_weights
from harness.errors import BackboneError

TEXT = {"context_length": 12, "vocab_size": 50, "width": 64, "heads": 1, "layers": 2}
TOWERS = {
    "vit": {"layers": 3, "width": 128, "patch_size": 4, "image_size": 12, "head_width": 64},
    "rn": {"layers": [2, 1, 3, 1], "width": 4, "patch_size": None, "image_size": 64, "head_width": 64},
}


def _architecture(tower: str) -> dict:
    return {"embed_dim": 16, "vision_cfg": TOWERS[tower], "text_cfg": TEXT, "quick_gelu": True}


def _state(tower: str) -> dict[str, Tensor]:
    """A state dict with random weights; batch statistics too are not those of a fresh model."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = open_clip.CLIP(**_architecture(tower)).state_dict()
        return {key: value if "num_" in key else torch.rand_like(value) + 0.1 for key, value in state.items()}


def _module(tower: str, state: dict[str, Tensor]) -> torch.nn.Module:
    return module_with_weights(_architecture(tower), state, "mine")


def _faults(tower: str, state: dict[str, Tensor]) -> list[str]:
    with pytest.raises(BackboneError) as caught:
        _module(tower, state)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("tower", TOWERS)
def test_weights_arrive_unchanged(tower: str) -> None:
    """Every tensor is the given one, in towers with the activation that the architecture asks for."""
    state = _state(tower)
    module = _module(tower, state)
    for key, tensor in module.state_dict().items():
        assert torch.equal(tensor, state[key]), key
    assert "QuickGELU" in repr(module.transformer)


@pytest.mark.parametrize("tower", TOWERS)
def test_half_precision_is_widened(tower: str) -> None:
    """An fp16 state dict gives the fp32 model of its values, and is itself left as it was."""
    half = {key: value.half() if value.is_floating_point() else value for key, value in _state(tower).items()}
    module = _module(tower, half)
    for key, tensor in module.state_dict().items():
        assert torch.equal(tensor, half[key].to(tensor.dtype)), key
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float32}
    assert half["logit_scale"].dtype == torch.float16


def test_what_archives_hold_beside_the_weights_is_passed_over() -> None:
    """Keys that only OpenAI's archives have are neither weights nor faults."""
    beside = {key: torch.tensor(1) for key in ("input_resolution", "context_length", "vocab_size")}
    state = _state("vit")
    assert _module("vit", state | beside).state_dict().keys() == state.keys()


@pytest.mark.parametrize("tower", TOWERS)
def test_all_faults_are_named_together(tower: str) -> None:
    """Missing, unknown and misshapen tensors come in one error, and nothing else is blamed."""
    state = _state(tower)
    del state["transformer.resblocks.1.ln_2.bias"], state["visual.conv1.weight"]
    state["visual.extra"] = torch.zeros(1)
    state["transformer.resblocks.9.mine"] = torch.zeros(1)
    state["ln_final.weight"] = torch.zeros(70)
    state["text_projection"] = torch.zeros(64)
    missing, unknown, misshapen = _faults(tower, state)
    assert missing == (
        "mine: 2 of its tensors are missing: visual.conv1.weight, transformer.resblocks.1.ln_2.bias."
    )
    assert unknown == "mine: 2 of its tensors are unknown: visual.extra, transformer.resblocks.9.mine."
    assert misshapen == (
        "mine: 2 of its tensors have a wrong shape: text_projection is (64,) and should be (64, 16), "
        "ln_final.weight is (70,) and should be (64,)."
    )


def test_state_dict_of_something_else_is_refused() -> None:
    """Without a tensor of a CLIP there is an error that names what a CLIP has."""
    (missing, unknown) = _faults("vit", {"model.weight": torch.zeros(3, 3)})
    assert "visual.conv1.weight" in missing
    assert "model.weight" in unknown
