"""Backbones from disk."""

import json
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.backbone import load, published, spec, weights
from harness.backbone.clip import Clip
from harness.backbone.load import load_clip
from harness.backbone.published import architectures
from harness.backbone.sentences import encode_texts
from harness.backbone.spec import TINY_FOLDER, BackboneSpec, backbone_spec
from harness.backbone.weights import weights_digest, weights_file
from harness.backbone.words import nearest_words
from harness.errors import BackboneError

State = dict[str, Tensor]
CPU = torch.device("cpu")


def _hub(home: Path, repository: str, content: bytes) -> Path:
    """A Hugging Face cache with one file in it."""
    folder = home / "hub" / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    (snapshot / "open_clip_model.safetensors").write_bytes(content)
    return snapshot / "open_clip_model.safetensors"


def test_towers_are_frozen_and_in_evaluation_mode(tiny: Clip) -> None:
    """Nothing of a backbone can be trained, and no batch statistics are taken."""
    assert not tiny.module.training
    assert not any(parameter.requires_grad for parameter in tiny.module.parameters())


def test_damaged_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is no safetensors is an error that names it, not a traceback."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    file = _hub(tmp_path, "timm/resnet50_clip.openai", b"junk")
    with pytest.raises(BackboneError, match="cannot be used") as error:
        load_clip(backbone_spec("RN50:openai"), "fp32", CPU)
    assert str(file) in str(error.value)


@pytest.fixture
def copied_tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the tiny backbone's folder, used in its place."""
    for name in ("config.json", "tiny.json", "tiny.safetensors"):
        (tmp_path / name).write_bytes((TINY_FOLDER / name).read_bytes())
    for module in (spec, weights, load):
        monkeypatch.setattr(module, "TINY_FOLDER", tmp_path)
    return tmp_path


def test_changed_tiny_weights_are_refused(copied_tiny: Path) -> None:
    """Weights whose digest is not the published one are not loaded."""
    tensors = load_file(copied_tiny / "tiny.safetensors")
    save_file(tensors | {"logit_scale": torch.zeros(())}, copied_tiny / "tiny.safetensors")
    with pytest.raises(BackboneError, match=r"not [0-9a-f]{12} as published"):
        load_clip(backbone_spec("tiny"), "fp32", CPU)


def test_weights_of_another_architecture_are_refused(copied_tiny: Path) -> None:
    """Missing and extra tensors are named."""
    tensors = load_file(copied_tiny / "tiny.safetensors")
    tensors["visual.extra"] = tensors.pop("logit_scale")
    save_file(tensors, copied_tiny / "tiny.safetensors")
    facts = json.loads((copied_tiny / "tiny.json").read_text())
    facts["sha256"] = weights_digest(backbone_spec("tiny"))
    (copied_tiny / "tiny.json").write_text(json.dumps(facts))
    with pytest.raises(BackboneError) as error:
        load_clip(backbone_spec("tiny"), "fp32", CPU)
    assert "logit_scale" in str(error.value)
    assert "visual.extra" in str(error.value)


def test_missing_tiny_weights_are_an_error(copied_tiny: Path) -> None:
    """A package without its weights says so."""
    (copied_tiny / "tiny.safetensors").unlink()
    with pytest.raises(BackboneError, match="Reinstall"):
        weights_file(backbone_spec("tiny"))


def test_nearest_word_of_a_token_is_itself(tiny: Clip) -> None:
    """The embedding of a token lies at distance zero from its own word, and distances rise."""
    (row,) = nearest_words(tiny.token_table[list(tiny.tokens("photo"))], tiny, 3)
    assert row[0][0] == "photo"
    assert row[0][1] == pytest.approx(0, abs=1e-3)
    assert [distance for _, distance in row] == sorted(distance for _, distance in row)


# --- open_clip's architectures, small -----------------------------------------------------------------------


def _features(clip: Clip) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(2, 3, clip.image_size_px, clip.image_size_px, generator=generator)
    with torch.no_grad():
        return clip.encode_images(pixels), encode_texts(["a photo of a dog.", "two cats"], clip)


def _is_quick(clip: Clip) -> bool:
    return "QuickGELU" in repr(clip.module)


def _saved(state: State, file: Path) -> str:
    """The name of ``ViT-mini`` with these tensors in a file."""
    (save_file if file.suffix == ".safetensors" else torch.save)(state, file)
    return f"ViT-mini:{file}"


@pytest.mark.parametrize("name", ["w.safetensors", "w.bin", "w.pt"])
def test_every_form_of_a_file_gives_the_same_towers(
    state: State, archive: Path, tmp_path: Path, name: str
) -> None:
    """open_clip's safetensors and pickle, OpenAI's state dict and OpenAI's archive encode alike, to the bit."""
    beside = {key: torch.tensor(1) for key in ("input_resolution", "context_length", "vocab_size")}
    content = state | beside if name == "w.pt" else state
    from_file = load_clip(backbone_spec(_saved(content, tmp_path / name)), "fp32", CPU)
    if name != "w.pt":  # these do not say that they are of QuickGELU; the architecture's name does
        quick = backbone_spec(_saved(content, tmp_path / name).replace(":", "-quickgelu:", 1))
        from_file = load_clip(quick, "fp32", CPU)
    from_archive = load_clip(backbone_spec(f"ViT-mini:{archive}"), "fp32", CPU, trust=True)
    for mine, other in zip(_features(from_file), _features(from_archive), strict=True):
        assert torch.equal(mine, other)
    assert (from_file.is_trusted, from_archive.is_trusted) == (False, True)


def test_openais_own_file_needs_no_trust(archive: Path, tmp_path: Path, publish: Callable[[Path], None]) -> None:
    """The archive that OpenAI published is opened where OpenAI's loader keeps it, and under any other name."""
    publish(archive)
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "ViT-mini.pt").write_bytes(archive.read_bytes())
    for name in ("ViT-mini:openai", f"ViT-mini:{archive}"):
        clip = load_clip(backbone_spec(name), "fp32", CPU)
        assert _is_quick(clip)
        assert not clip.is_trusted


def test_other_archive_in_openais_place_is_refused(archive: Path, tmp_path: Path) -> None:
    """A file is not OpenAI's because it lies where theirs would."""
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "ViT-mini.pt").write_bytes(archive.read_bytes())
    with pytest.raises(BackboneError, match="--trust-weights"):
        load_clip(backbone_spec("ViT-mini:openai"), "fp32", CPU)


def test_activation_follows_the_weights(
    state: State, tmp_path: Path, in_hub: Callable[[str, str, State], Path]
) -> None:
    """QuickGELU for the tags that were trained with it; for a file, for architectures that are called so."""
    in_hub("mini/vit.openai", "open_clip_model.safetensors", state)
    in_hub("mini/vit-laion", "weights.bin", state)
    local = _saved(state, tmp_path / "w.safetensors")
    quick = {
        name: _is_quick(load_clip(backbone_spec(name), "fp32", CPU))
        for name in (
            "ViT-mini:openai", "ViT-mini-quickgelu:openai", "ViT-mini:laion", local,
            local.replace(":", "-quickgelu:", 1),
        )
    }  # fmt: skip
    assert list(quick.values()) == [True, True, False, False, True]


def test_same_tensors_in_another_model_are_another_key(state: State, tmp_path: Path) -> None:
    """Features of two activations are never taken for each other, though the weights are the same file."""
    local = _saved(state, tmp_path / "w.safetensors")
    plain, quick = (
        load_clip(backbone_spec(name), "fp32", CPU) for name in (local, local.replace(":", "-quickgelu:", 1))
    )
    assert plain.weights_digest == quick.weights_digest
    assert plain.architecture_digest != quick.architecture_digest


def test_pixels_are_normalised_as_the_weights_were_trained(
    state: State, in_hub: Callable[[str, str, State], Path]
) -> None:
    """Mean, standard deviation and resolution are the tag's and the architecture's."""
    in_hub("mini/vit.openai", "open_clip_model.safetensors", state)
    in_hub("mini/vit-laion", "weights.safetensors", state)
    openai, laion = (load_clip(backbone_spec(f"ViT-mini:{tag}"), "fp32", CPU) for tag in ("openai", "laion"))
    assert (openai.mean, openai.std) == (load.CLIP_MEAN, load.CLIP_STD)
    assert (laion.mean, laion.std) == ((0.5,) * 3, (0.5,) * 3)
    assert (openai.image_size_px, openai.context_length) == (32, 77)


@pytest.mark.parametrize("precision", ["fp32", "amp", "bf16", "fp16"])
def test_resnets_and_precisions_are_loaded_alike(mini: Path, tmp_path: Path, precision: str) -> None:
    """A ResNet's file is read as a transformer's is, in every precision."""
    state = open_clip.CLIP(**architectures()["RN-mini"]).state_dict()
    save_file(state, tmp_path / "w.safetensors")
    clip = load_clip(backbone_spec(f"RN-mini:{tmp_path}/w.safetensors"), precision, CPU)
    assert (clip.image_size_px, clip.precision) == (64, precision)
    images, texts = _features(clip)
    assert images.dtype == texts.dtype == torch.float32
    assert images.shape == texts.shape == (2, 16)


def test_all_wrong_tensors_of_a_file_are_named(state: State, tmp_path: Path) -> None:
    """Missing, unknown and misshapen tensors come in one error that names the backbone and the file."""
    del state["ln_final.bias"]
    state["mine"] = torch.zeros(1)
    state["visual.proj"] = torch.zeros(3, 16)
    name = _saved(state, tmp_path / "w.safetensors")
    with pytest.raises(BackboneError) as error:
        load_clip(backbone_spec(name), "fp32", CPU)
    where = f"{name} ({tmp_path}/w.safetensors)"
    assert [str(fault) for fault in error.value.faults] == [
        f"{where}: 1 of its tensors are missing: ln_final.bias.",
        f"{where}: 1 of its tensors are unknown: mine.",
        f"{where}: 1 of its tensors have a wrong shape: visual.proj is (3, 16) and should be (64, 16).",
    ]


def test_weights_of_another_published_architecture_are_named(archive: Path) -> None:
    """A ViT's archive given for a ResNet is said tensor by tensor."""
    with pytest.raises(BackboneError) as error:
        load_clip(backbone_spec(f"RN-mini:{archive}"), "fp32", CPU, trust=True)
    assert "visual.layer1.0.conv1.weight" in str(error.value)


def test_refused_towers_are_said_before_weights_are_read(mini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by the loader itself, whoever made the spec."""
    spec_of_siglip = BackboneSpec("mine", "mine", {"text_cfg": {"pool_type": "last"}, "vision_cfg": {}})
    monkeypatch.setattr(load, "weights_file", lambda _: pytest.fail("looked for weights"))
    with pytest.raises(BackboneError, match="is read by the pooling 'last'"):
        load_clip(spec_of_siglip, "fp32", CPU)


def _timm(mini: Path, tmp_path: Path) -> tuple[str, torch.nn.Module]:
    """A backbone with a small image tower of timm and the text tower kept apart, as EVA's and ViTamin's are."""
    vision = {"timm_model_name": "test_vit", "timm_pool": "token", "timm_proj": None, "image_size": 160}
    content = architectures()["ViT-mini"] | {"vision_cfg": vision}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = open_clip.CustomTextCLIP(**content).eval()
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    content |= {"vision_cfg": {**vision, "timm_model_pretrained": True}, "custom_text": True}
    (mini / "model_configs" / "timm-mini.json").write_text(json.dumps(content))
    published._configs.cache_clear()
    return f"timm-mini:{tmp_path}/w.safetensors", module


def test_towers_of_timm_encode_as_open_clips_do(
    mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text tower that open_clip keeps apart is found, and timm is asked for no weights of its own."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    name, reference = _timm(mini, tmp_path)
    images, texts = _features(load_clip(backbone_spec(name), "fp32", CPU))
    pixels = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(images, reference.encode_image(pixels))
        tokens = open_clip.SimpleTokenizer()(["a photo of a dog.", "two cats"])
        torch.testing.assert_close(texts, reference.encode_text(tokens))


def test_towers_of_timm_are_not_run_in_low_precision(mini: Path, tmp_path: Path) -> None:
    """Their normalisations would need another conversion than CLIP's."""
    spec_of_timm = backbone_spec(_timm(mini, tmp_path)[0])
    with pytest.raises(BackboneError, match=r"whose normalisations do not take bf16\. Take precision fp32 or amp"):
        load_clip(spec_of_timm, "bf16", CPU)


def test_tokenizer_with_other_marks_is_said(tiny: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version of open_clip that numbers start and end of text otherwise is not used by guess."""
    monkeypatch.setattr(load, "SOT_TOKEN", 1)
    with pytest.raises(BackboneError, match="other numbers for start and end of text"):
        load_clip(backbone_spec("tiny"), "fp32", CPU)
