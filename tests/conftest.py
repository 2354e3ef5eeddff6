"""What every test starts from: its own cache, no data folder, and threads that do not spin while they wait."""

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded, so before any test imports it
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from jaxtyping import install_import_hook
from support import checked_types

if TYPE_CHECKING:
    from harness.backbone.clip import Clip

# Shapes are part of the annotations, and every test that passes a tensor across a border holds them to it.
_TORCH_ROOMS = [f"harness.{room}" for room in ("backbone", "features", "engine", "methods")]
install_import_hook(_TORCH_ROOMS, f"{checked_types.__name__}.check")

_ON_DEMAND = {
    "chaos": "takes many minutes; `nox -s chaos` runs it",
    "scenes": "takes minutes; `nox -s scenes` runs it",
    "ray": "needs a real Ray; `nox -s ray` runs it",
    "slurm": "starts a real Slurm; `nox -s slurm` runs it",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes many minutes, or an engine that is not there, is skipped unless its marker is asked for."""
    for marker, reason in _ON_DEMAND.items():
        for item in items:
            if marker not in config.getoption("markexpr") and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def page_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page's plotting library lies once some test has had it put together, which takes seconds."""
    return tmp_path_factory.mktemp("page")


@pytest.fixture(autouse=True)
def _own_surroundings(
    tmp_path_factory: pytest.TempPathFactory, page_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache of its own for every test, but for the page's library, and none of the user's settings."""
    cache = tmp_path_factory.mktemp("cache")
    (cache / "page").symlink_to(page_library)
    monkeypatch.setenv("HARNESS_CACHE", str(cache))
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("HARNESS_DATA", "HARNESS_CACHE_GB", "CUDA_VISIBLE_DEVICES", "WANDB_API_KEY", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def repository() -> Path:
    """The checkout."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def tiny() -> "Clip":
    """The tiny backbone on the CPU."""
    import torch

    from harness.backbone.load import load_clip
    from harness.backbone.spec import backbone_spec

    return load_clip(backbone_spec("tiny"), "fp32", torch.device("cpu"))


@pytest.fixture(scope="session")
def real_splits() -> Path:
    """The folder of CoOp's published split files, which are other people's data and not part of the project."""
    named = os.environ.get("HARNESS_TEST_SPLITS")
    if not named:
        pytest.skip("set HARNESS_TEST_SPLITS to the folder of the published split files (split_zhou_*.json)")
    return Path(named)


@pytest.fixture(scope="session")
def paint() -> Callable[..., None]:
    """A painter of small images, PNG or JPEG by the file's name, of a colour that follows from the path."""
    from PIL import Image

    def write(*files: Path) -> None:
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            colour = zlib.crc32("/".join(file.parts[-2:]).encode())
            Image.new("RGB", (12, 10), (colour & 255, colour >> 8 & 255, colour >> 16 & 255)).save(file)

    return write
