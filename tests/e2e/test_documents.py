"""The documents' examples, done as they stand."""

from pathlib import Path

import pytest
from support.scenes import SCENES, Scene, play

from harness.backbone import weights

_IDS = [Path(next(iter(scene))).stem for scene in SCENES]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, without weights of the user, and without a GPU."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "CLIP_CACHE", str(tmp_path / "clip"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.mark.parametrize("scene", SCENES, ids=_IDS)
def test_documents_are_right(scene: Scene, in_this_process: pytest.MonkeyPatch) -> None:
    """What takes seconds: every block does what the document says of it."""
    for document, until in scene.items():
        play(document, until)


@pytest.mark.scenes
@pytest.mark.parametrize(
    "scene",
    [scene for scene in SCENES if any(scene.values())],
    ids=[name for name, scene in zip(_IDS, SCENES, strict=True) if any(scene.values())],
)
def test_documents_are_right_to_the_end(scene: Scene) -> None:
    """What takes minutes, too, and by processes of its own."""
    for document in scene:
        play(document)
