"""The places where weights are looked for, and the digest of what lies there."""

from pathlib import Path

import pytest

from harness.backbone import weights
from harness.backbone.spec import backbone_spec
from harness.backbone.weights import hub_cache, weights_digest, weights_file
from harness.errors import BackboneError
from harness.files import digest_file


def _put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _in_hub(folder: Path, repository: str, filename: str) -> Path:
    home = folder / f"models--{repository.replace('/', '--')}"
    _put(home / "refs" / "main", b"abc\n")
    return _put(home / "snapshots" / "abc" / filename)


def test_both_caches_are_searched_the_hub_first(mini: Path, tmp_path: Path) -> None:
    """OpenAI's own file is found where OpenAI's loader puts it; the hub's goes before it, safetensors first."""
    mine = backbone_spec("ViT-mini:openai")
    with pytest.raises(BackboneError, match="harness backbones fetch ViT-mini:openai") as error:
        weights_file(mine)
    assert f"{tmp_path / 'hub'} and {tmp_path / 'clip' / 'ViT-mini.pt'}" in str(error.value)
    old = _put(tmp_path / "clip" / "ViT-mini.pt")
    assert weights_file(mine) == old
    pickled = _in_hub(tmp_path / "hub", "mini/vit.openai", "open_clip_pytorch_model.bin")
    assert weights_file(mine) == pickled
    safe = _in_hub(tmp_path / "hub", "mini/vit.openai", "open_clip_model.safetensors")
    assert weights_file(mine) == safe


def test_repository_may_name_its_file(mini: Path, tmp_path: Path) -> None:
    """A tag whose weights have a name of their own is looked for under that name."""
    file = _in_hub(tmp_path / "hub", "mini/vit-laion", "weights.bin")
    assert weights_file(backbone_spec("ViT-mini:laion")) == file


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"HF_HUB_CACHE": "{}/a", "HF_HOME": "{}/b"}, "a"),
        ({"HUGGINGFACE_HUB_CACHE": "{}/a"}, "a"),
        ({"HF_HOME": "{}/b", "XDG_CACHE_HOME": "{}/c"}, "b/hub"),
        ({"XDG_CACHE_HOME": "{}/c"}, "c/huggingface/hub"),
        ({"HOME": "{}/h"}, "h/.cache/huggingface/hub"),
        ({"ROOT": "{}/r", "HF_HOME": "$ROOT/b"}, "r/b/hub"),
    ],
)
def test_hub_cache_follows_the_hubs_own_rules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], folder: str
) -> None:
    """The user's settings of the hub are those of the harness."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert hub_cache() == tmp_path / folder


def test_local_file_is_looked_for_from_the_current_folder(
    mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative name follows the folder in which the command runs; ``~`` is the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    _put(tmp_path / "mine" / "w.pt", b"weights")
    for name in ("mine/w.pt", "./mine/w.pt", "~/mine/w.pt", f"{tmp_path}/mine/w.pt"):
        assert weights_file(backbone_spec(f"ViT-mini:{name}")).read_bytes() == b"weights"


@pytest.mark.parametrize(("name", "what"), [("gone.pt", "missing"), ("folder/", "a folder")])
def test_local_file_that_is_not_there_is_said(
    mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    """The whole path is given, since the name in the matrix is relative."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(BackboneError, match=f"its weights are {what}: {tmp_path}"):
        weights_digest(backbone_spec(f"ViT-mini:{name}"))


def test_changed_local_file_has_another_digest(mini: Path, tmp_path: Path) -> None:
    """The digest that a record is held against follows the file."""
    file = _put(tmp_path / "w.pt", b"first")
    mine = backbone_spec(f"ViT-mini:{file}")
    first = weights_digest(mine)
    assert weights_digest(mine) == first
    file.write_bytes(b"second!")
    assert weights_digest(mine) != first


def test_missing_weights_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A backbone that is not in the user's cache names the cache and the command that fetches it."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    with pytest.raises(BackboneError, match=r"hf download timm/resnet50_clip\.openai") as error:
        weights_file(backbone_spec("RN50:openai"))
    assert str(tmp_path) in str(error.value)


def test_weights_that_cannot_be_read_are_said(mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A colleague's file without leave to read it is an error that names it."""
    file = _put(tmp_path / "w.pt")

    def forbidden(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(weights, "digest_file", forbidden)
    with pytest.raises(BackboneError, match=rf"its weights cannot be read: {file}: Permission denied\."):
        weights_digest(backbone_spec(f"ViT-mini:{file}"))


def test_digest_needs_no_cache(mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cache cannot be written the file is read again each time."""
    file = _put(tmp_path / "w.pt", b"weights")
    monkeypatch.setenv("HARNESS_CACHE", str(_put(tmp_path / "no folder")))
    assert weights_digest(backbone_spec(f"ViT-mini:{file}")) == digest_file(file)
