"""Backbones from disk."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.backbone import load, spec
from harness.backbone.clip import Clip
from harness.backbone.load import load_clip
from harness.backbone.spec import TINY_FOLDER, backbone_spec, weights_digest, weights_file
from harness.backbone.words import nearest_words
from harness.errors import BackboneError

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


def test_missing_weights_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A backbone that is not in the user's cache names the cache and the command that fetches it."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    with pytest.raises(BackboneError, match=r"hf download timm/resnet50_clip\.openai") as error:
        weights_file(backbone_spec("RN50:openai"))
    assert str(tmp_path) in str(error.value)


def test_weights_are_found_in_the_hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The snapshot that refs/main names is used, and its digest is remembered until the file changes."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    file = _hub(tmp_path, "timm/resnet50_clip.openai", b"first")
    assert weights_file(backbone_spec("RN50:openai")) == file
    first = weights_digest(backbone_spec("RN50:openai"))
    assert weights_digest(backbone_spec("RN50:openai")) == first
    file.write_bytes(b"second!")
    assert weights_digest(backbone_spec("RN50:openai")) != first


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
    monkeypatch.setattr(spec, "TINY_FOLDER", tmp_path)
    monkeypatch.setattr(load, "TINY_FOLDER", tmp_path)
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
