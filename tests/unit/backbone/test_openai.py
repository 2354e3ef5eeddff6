"""State dicts of openai/CLIP: what is read off their shapes, and what is said of their faults."""

import open_clip
import pytest
import torch
from torch import Tensor

from harness.backbone.clip import Clip
from harness.backbone.load import clip_from_openai
from harness.backbone.openai import openai_architecture, openai_module
from harness.errors import BackboneError

CPU = torch.device("cpu")
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


def _load(state: dict[str, Tensor]) -> Clip:
    return clip_from_openai(state, "mine", "digest", CPU)


def _faults(state: dict[str, Tensor]) -> list[str]:
    with pytest.raises(BackboneError) as caught:
        _load(state)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("tower", TOWERS)
def test_architecture_is_read_off_the_shapes(tower: str) -> None:
    """Layers, widths, heads, patch and image size are those of the model that the weights came from."""
    assert openai_architecture(_state(tower), "mine") == _architecture(tower)


@pytest.mark.parametrize("name", ["RN50", "RN101", "ViT-B-32", "ViT-B-16", "ViT-L-14"])
def test_published_architectures_are_recognised(name: str) -> None:
    """The shapes of OpenAI's own models give open_clip's configuration of them."""
    known = open_clip.get_model_config(name)
    with torch.device("meta"):
        state = open_clip.CLIP(**known).state_dict()
    found = openai_architecture(state, name)
    assert found["embed_dim"] == known["embed_dim"]
    for tower in ("vision_cfg", "text_cfg"):
        assert {key: found[tower][key] for key in known[tower]} == known[tower]


@pytest.mark.parametrize("tower", TOWERS)
def test_weights_arrive_unchanged(tower: str) -> None:
    """Every tensor is the given one in fp32; towers are frozen and in evaluation mode, with QuickGELU."""
    state = _state(tower)
    clip = _load(state)
    for key, tensor in openai_module(state, "mine").state_dict().items():
        assert torch.equal(tensor, state[key]), key
    assert clip.image_size_px == TOWERS[tower]["image_size"]
    assert not clip.module.training
    assert not any(parameter.requires_grad for parameter in clip.module.parameters())
    assert "QuickGELU" in repr(clip.module.transformer)


@pytest.mark.parametrize("tower", TOWERS)
def test_half_precision_is_widened(tower: str) -> None:
    """An fp16 state dict gives the fp32 model of its values, and is itself left as it was."""
    half = {key: value.half() if value.is_floating_point() else value for key, value in _state(tower).items()}
    module = openai_module(half, "mine")
    for key, tensor in module.state_dict().items():
        assert torch.equal(tensor, half[key].to(tensor.dtype)), key
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float32}
    assert half["logit_scale"].dtype == torch.float16


def test_what_archives_hold_beside_the_weights_is_passed_over() -> None:
    """Keys that only OpenAI's archives have change nothing."""
    beside = {key: torch.tensor(1) for key in ("input_resolution", "context_length", "vocab_size")}
    state = _state("vit")
    with_beside, plain = _load(state | beside), _load(state)
    assert with_beside.image_size_px == plain.image_size_px
    assert with_beside.context_length == plain.context_length


@pytest.mark.parametrize("tower", TOWERS)
def test_all_faults_are_named_together(tower: str) -> None:
    """Missing, unknown and misshapen tensors come in one error, and nothing else is blamed."""
    state = _state(tower)
    del state["transformer.resblocks.1.ln_2.bias"], state["visual.conv1.weight"]
    state["visual.extra"] = torch.zeros(1)
    state["transformer.resblocks.9.mine"] = torch.zeros(1)
    state["ln_final.weight"] = torch.zeros(70)
    state["text_projection"] = torch.zeros(64)
    missing, unknown, misshapen = _faults(state)
    assert missing == (
        "mine: 2 of its tensors are missing: visual.conv1.weight, transformer.resblocks.1.ln_2.bias."
    )
    assert unknown == "mine: 2 of its tensors are unknown: visual.extra, transformer.resblocks.9.mine."
    assert misshapen == (
        "mine: 2 of its tensors have a wrong shape: text_projection is (64,) and should be (64, 16), "
        "ln_final.weight is (70,) and should be (64,)."
    )


@pytest.mark.parametrize("tower", TOWERS)
def test_every_missing_tensor_is_named(tower: str) -> None:
    """Whichever tensor is taken away, it and no other is said to be missing."""
    whole = _state(tower)
    for key in whole:
        state = {other: value for other, value in whole.items() if other != key}
        assert _faults(state) == [f"mine: 1 of its tensors are missing: {key}."]


def test_state_dict_of_something_else_is_refused() -> None:
    """Without a tensor of a CLIP there is an error that names what a CLIP has."""
    (missing, unknown) = _faults({"model.weight": torch.zeros(3, 3)})
    assert "visual.conv1.weight" in missing
    assert "model.weight" in unknown


def test_tower_without_a_head_is_refused() -> None:
    """Widths that OpenAI's rule gives no heads for are named, both towers at once."""
    state = _state("vit")
    narrow = {
        key: torch.zeros([32 if size in (64, 128) else size for size in t.shape]) for key, t in state.items()
    }
    assert [fault.split(" of width")[0] for fault in _faults(narrow)] == [
        "mine: its image tower",
        "mine: its text tower",
    ]
