"""Small towers with random weights, and the files in which people keep them."""

import io
import struct
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from harness.backbone import published
from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout, prompt_layout
from harness.files import digest_file

State = dict[str, Tensor]


@pytest.fixture
def lie() -> Callable[[Path, int, int], None]:
    """Lets a file of torch's claim that its storages and tensors of so many numbers have more."""

    def claim(file: Path, n: int, claimed: int) -> None:
        true, false = (b"J" + struct.pack("<i", number) for number in (n, claimed))
        content = file.read_bytes()
        assert true in content
        file.write_bytes(content.replace(true, false))

    return claim


@pytest.fixture
def layouts(tiny: Clip) -> list[Layout]:
    """Twenty prompts."""
    return [prompt_layout(f"thing {number}", 16, "end", tiny.tokens) for number in range(20)]


@pytest.fixture
def state(mini: Path) -> State:
    """The tensors of ``ViT-mini``, in half precision as OpenAI's are."""
    return {key: tensor.half() for key, tensor in _module().state_dict().items()}


@pytest.fixture
def archive(mini: Path, tmp_path: Path) -> Path:
    """A TorchScript archive of ``ViT-mini`` in the form of OpenAI's."""
    (tmp_path / "archive.pt").write_bytes(_archive())
    return tmp_path / "archive.pt"


@cache
def _archive() -> bytes:
    """The archive's bytes; tracing takes its time, and once is enough."""
    module, content = _module(), io.BytesIO()
    mask = module._buffers.pop("attn_mask")  # a plain attribute in OpenAI's model, so no tensor of the archive
    module.attn_mask = mask
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is deprecated
        inputs = (torch.zeros(1, 3, 32, 32), torch.zeros(1, 77, dtype=torch.long))
        torch.jit.save(torch.jit.trace(module, inputs, check_trace=False), content)
    return content.getvalue()


@pytest.fixture
def publish(mini: Path) -> Callable[[Path], None]:
    """A function that makes a file the one that OpenAI published as ``ViT-mini:openai``."""

    def make_known(file: Path) -> None:
        table = mini / "pretrained.py"
        table.write_text(table.read_text().replace("/0123/", f"/{digest_file(file)}/"))
        published._weights.cache_clear()

    return make_known


@pytest.fixture
def in_hub(mini: Path, tmp_path: Path) -> Callable[[str, str, State], Path]:
    """A writer of tensors into the hub's cache: repository, file name, tensors."""

    def put(repository: str, filename: str, tensors: State) -> Path:
        folder = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True, exist_ok=True)
        (folder / "refs" / "main").write_text("abc")
        snapshot = folder / "snapshots" / "abc"
        snapshot.mkdir(parents=True, exist_ok=True)
        if filename.endswith(".safetensors"):
            save_file(tensors, snapshot / filename)
        else:
            torch.save(tensors, snapshot / filename)
        return snapshot / filename

    return put


def _module() -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return open_clip.CLIP(**published.architectures()["ViT-mini"]).half().float().eval()
