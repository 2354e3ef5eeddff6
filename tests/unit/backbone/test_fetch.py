"""Weights from a hub: the path that a user's weights take, with a hub on this machine."""

import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from harness.backbone.fetch import fetch_weights
from harness.backbone.load import load_clip
from harness.backbone.sentences import encode_texts
from harness.backbone.spec import backbone_spec
from harness.backbone.weights import weights_file
from harness.errors import BackboneError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Files = dict[str, bytes]


class Hub(ThreadingHTTPServer):
    """A hub that holds ``files`` by path and remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: Files = {}
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    """The two requests of a download: the facts of a file, and the file."""

    server: Hub

    def do_HEAD(self) -> None:
        """Length, digest and commit."""
        self._head()

    def do_GET(self) -> None:
        """The same and the content."""
        if (content := self._head()) is not None:
            self.wfile.write(content)

    def _head(self) -> bytes | None:
        content = self.server.files.get(self.path)
        self.server.asked.append(f"{self.command} {self.path}")
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        if content is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        else:
            self.send_header("ETag", f'"{sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        return content

    def log_message(self, *_: object) -> None:
        """Nothing: the test looks at what was asked."""


@pytest.fixture
def hub(mini: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on this machine, in the place of the Hugging Face one."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    server = Hub()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetched_weights_are_found_and_encode(hub: Hub, state: dict[str, Tensor], tmp_path: Path) -> None:
    """Fetch, find in the cache, load, encode: from the hub's file to features; a second fetch asks nothing."""
    content = save(state)
    hub.files["/mini/vit.openai/resolve/main/open_clip_model.safetensors"] = content
    spec = backbone_spec("ViT-mini:openai")
    with pytest.raises(BackboneError):
        weights_file(spec)
    file = fetch_weights(spec)
    assert file == weights_file(spec)
    assert file.is_relative_to(tmp_path / "hub")
    assert file.read_bytes() == content
    clip = load_clip(spec, "fp32", torch.device("cpu"))
    assert clip.weights_digest == sha256(content).hexdigest()
    with torch.no_grad():
        images = clip.encode_images(torch.ones(2, 3, 32, 32))
    assert images.shape == (2, 16)
    assert torch.isfinite(images).all()
    assert encode_texts(["a photo of a dog."], clip).shape == (1, 16)
    hub.asked.clear()
    assert fetch_weights(spec) == file
    assert hub.asked == []


def test_pickled_weights_are_taken_where_there_are_no_others(hub: Hub, tmp_path: Path) -> None:
    """A repository without safetensors gives what it has."""
    hub.files["/mini/vit.openai/resolve/main/open_clip_pytorch_model.bin"] = b"pickled"
    assert fetch_weights(backbone_spec("ViT-mini:openai")).name == "open_clip_pytorch_model.bin"


def test_repository_without_weights_is_said(hub: Hub) -> None:
    """Both names that were asked for are given."""
    with pytest.raises(BackboneError) as error:
        fetch_weights(backbone_spec("ViT-mini:openai"))
    assert str(error.value) == (
        "ViT-mini:openai: cannot be fetched: mini/vit.openai holds neither open_clip_model.safetensors "
        "nor open_clip_pytorch_model.bin."
    )


def test_offline_is_obeyed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """With HF_HUB_OFFLINE nothing is asked of the hub, and the sentence says why."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BackboneError, match=r"HF_HUB_OFFLINE is set, and mini/vit\.openai is not in"):
        fetch_weights(backbone_spec("ViT-mini:openai"))
    assert hub.asked == []


def test_hub_that_does_not_answer_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network there is a sentence with the cache that could be copied."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    def unreachable(*_: object, **__: object) -> None:
        raise LocalEntryNotFoundError("cannot reach it.\nlong advice") from OSError("no route")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", unreachable)
    with pytest.raises(BackboneError) as error:
        fetch_weights(backbone_spec("ViT-mini:openai"))
    assert f"http://127.0.0.1:{hub.server_port} did not answer (no route). Try again" in str(error.value)
    assert "models--mini--vit.openai" in str(error.value)


@pytest.mark.parametrize("name", ["tiny", "ViT-mini:{}/w.pt"])
def test_weights_on_disk_are_left_alone(hub: Hub, tmp_path: Path, name: str) -> None:
    """The shipped backbone and a local file have nothing to fetch."""
    (tmp_path / "w.pt").write_bytes(b"x")
    assert fetch_weights(backbone_spec(name.format(tmp_path))).is_file()
    assert hub.asked == []


def test_missing_local_file_cannot_be_fetched(hub: Hub, tmp_path: Path) -> None:
    """A local file that is missing is said as such."""
    with pytest.raises(BackboneError, match="its weights are missing"):
        fetch_weights(backbone_spec(f"ViT-mini:{tmp_path}/w.pt"))
    assert hub.asked == []


def test_weights_are_never_fetched_by_loading(hub: Hub, in_hub: Callable[..., Path]) -> None:
    """Loading a backbone asks nothing of the hub, whether its weights are there or not."""
    with pytest.raises(BackboneError):
        load_clip(backbone_spec("ViT-mini:openai"), "fp32", torch.device("cpu"))
    assert hub.asked == []
