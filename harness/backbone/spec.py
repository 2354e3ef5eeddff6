"""The backbones that are known by name and where their weights lie; torch is not needed to answer that."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BackboneError, Fault
from harness.files import cache_folder, digest_file, write_text

TINY_FOLDER = Path(__file__).parent / "tiny"
_DIGESTS = "digests.json"


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """One backbone.

    Attributes:
        name: as written in a matrix, ``ARCHITECTURE:PRETRAINED`` or ``tiny``.
        architecture: open_clip's name of the architecture.
        repository: where the Hugging Face hub keeps the weights; ``None`` for those in the package.
        image_size_px: side of the square image that it reads.
        n_parameters: size.
    """

    name: str
    architecture: str
    repository: str | None
    image_size_px: int
    n_parameters: int


# The four backbones of the CoOp paper with OpenAI's weights, as open_clip's hub repositories hold them.
_SPECS = (
    BackboneSpec("tiny", "tiny", None, 32, 4_149_889),
    BackboneSpec("RN50:openai", "RN50", "timm/resnet50_clip.openai", 224, 102_007_137),
    BackboneSpec("RN101:openai", "RN101", "timm/resnet101_clip.openai", 224, 119_688_033),
    BackboneSpec("ViT-B-32:openai", "ViT-B-32", "timm/vit_base_patch32_clip_224.openai", 224, 151_277_313),
    BackboneSpec("ViT-B-16:openai", "ViT-B-16", "timm/vit_base_patch16_clip_224.openai", 224, 149_620_737),
)

BACKBONES: Mapping[str, BackboneSpec] = {spec.name: spec for spec in _SPECS}
_WEIGHTS = "open_clip_model.safetensors"


def weights_file(spec: BackboneSpec) -> Path:
    """The weights on disk: in the package, or in the Hugging Face cache that the user's settings name.

    Raises:
        BackboneError: they are not there; says where they were looked for and how to get them.
    """
    if spec.repository is None:
        file = TINY_FOLDER / "tiny.safetensors"
        if not file.is_file():
            mend = "Reinstall the package."
            raise BackboneError(Fault(spec.name, f"its weights are missing: {file}.", mend))
        return file
    folder = _hub_cache() / f"models--{spec.repository.replace('/', '--')}"
    reference = folder / "refs" / "main"
    if reference.is_file():
        file = folder / "snapshots" / reference.read_text().strip() / _WEIGHTS
        if file.is_file():
            return file
    mend = f"Fetch them with `hf download {spec.repository} {_WEIGHTS}`."
    raise BackboneError(Fault(spec.name, f"its weights are not in {_hub_cache()}.", mend))


def weights_digest(spec: BackboneSpec) -> str:
    """SHA-256 of the weights file; a large file is read once and remembered by path, size and time of change.

    Raises:
        BackboneError: the weights are not on disk.
    """
    file = weights_file(spec)
    if spec.repository is None:
        return digest_file(file)
    status = file.stat()
    key = f"{file.resolve()}\t{status.st_size}\t{status.st_mtime_ns}"
    memory = cache_folder() / _DIGESTS
    known = _read_digests(memory)
    if key not in known:
        known[key] = digest_file(file)
        write_text(memory, json.dumps(known, indent=1))
    return known[key]


def _hub_cache() -> Path:
    """The hub's cache folder, by the rules of huggingface_hub (HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME)."""
    if direct := os.environ.get("HF_HUB_CACHE"):
        return Path(direct).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "huggingface" / "hub"


def _read_digests(memory: Path) -> dict[str, str]:
    """What was remembered; a damaged memory is an empty one, since every entry can be computed again."""
    try:
        content = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
