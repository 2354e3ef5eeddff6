"""Backbones by name, and where their weights lie; torch is not needed to answer that.

A name is ``tiny``, ``ARCHITECTURE:TAG`` or ``ARCHITECTURE:FILE`` with open_clip's names of architectures and tags.
What holds a slash or ends like a weights file is a file, also where there is none. A cell knows a file of a matrix
by a name without its folder, so that a result does not depend on where a checkout lies; the digest in its record
tells what the file held.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.backbone.published import Published, architectures, nearest, published_weights
from harness.backbone.supported import image_size_px, refusal
from harness.errors import BackboneError, Fault
from harness.files import cache_folder, digest_file, parsed_json, write_text
from harness.matrix.weights import WeightsSource

TINY = "tiny"
TINY_FOLDER = Path(__file__).parent / "tiny"
CLIP_CACHE = "~/.cache/clip"  # where OpenAI's own loader and open_clip keep what they download
_DIGESTS = "digests.json"
_LISTED = "`harness backbones --all` lists them."
_ENDINGS = (".safetensors", ".bin", ".pt", ".pth")

# Those that are listed first, with their parameters: the shipped one, the paper's four, and one of LAION's.
WELL_KNOWN: Mapping[str, int] = {
    TINY: 4_149_889,
    "RN50:openai": 102_007_137,
    "RN101:openai": 119_688_033,
    "ViT-B-32:openai": 151_277_313,
    "ViT-B-16:openai": 149_620_737,
    "ViT-B-16:laion2b_s34b_b88k": 149_620_737,
}


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """One backbone; without ``published`` and ``file`` it is the one in the package.

    Attributes:
        name: as written in a matrix.
        architecture: open_clip's name of the architecture, or ``tiny``.
        config: open_clip's model configuration.
        published: the weights that open_clip knows by the tag.
        file: the local file.
    """

    name: str
    architecture: str
    config: Mapping[str, Any]
    published: Published | None = None
    file: Path | None = None

    @property
    def image_size_px(self) -> int:
        """Side of the square image that it reads."""
        return image_size_px(self.config)

    @property
    def is_shipped(self) -> bool:
        """Whether its weights come with the package."""
        return self.published is None and self.file is None


def backbone_spec(name: str, files: Iterable[WeightsSource] = ()) -> BackboneSpec:
    """The backbone of that name; nothing of it need be on disk.

    Args:
        name: ``tiny``, ``ARCHITECTURE:TAG``, ``ARCHITECTURE:FILE``, or the name of one of ``files``.
        files: the weights files that a matrix brings along.

    Raises:
        BackboneError: architecture or tag is unknown, or the harness cannot run such towers.
    """
    own = next((source for source in files if source.name == name), None)
    if own is not None:
        return replace(backbone_spec(f"{own.architecture}:{Path(own.file)}"), name=name)
    if name == TINY:
        return BackboneSpec(name, TINY, json.loads((TINY_FOLDER / "config.json").read_text(encoding="utf-8")))
    architecture, _, weights = name.partition(":")
    known = architectures()
    if architecture not in known:
        what = f"unknown architecture {architecture!r}. {nearest(architecture, known)}".strip()
        raise BackboneError(Fault(name, what, _LISTED))
    if not weights:
        raise BackboneError(
            Fault(name, "names no weights.", f"Write {architecture}:TAG or {architecture}:FILE. {_LISTED}")
        )
    config = known[architecture]
    published = None if _is_file_name(weights) else _published(name, architecture, weights)
    if reason := refusal(config, published):
        raise BackboneError(Fault(name, reason))
    return BackboneSpec(name, architecture, config, published, Path(weights) if published is None else None)


def file_of(name: str) -> tuple[str, str] | None:
    """Architecture and path of ``ARCHITECTURE:FILE``; ``None`` for another name."""
    architecture, _, weights = name.partition(":")
    return (architecture, weights) if weights and _is_file_name(weights) else None


def name_fault(name: str) -> str | None:
    """What is wrong with a backbone's name; ``None`` when there can be such a backbone."""
    try:
        backbone_spec(name)
    except BackboneError as error:
        return " ".join(f"{fault.what} {fault.mend}".strip() for fault in error.faults)
    return None


def weights_file(spec: BackboneSpec) -> Path:
    """The weights on disk: in the package, where the name says, or in the caches that people already have.

    Raises:
        BackboneError: they are not there; says where they were looked for and how to get them.
    """
    if spec.is_shipped:
        file = TINY_FOLDER / "tiny.safetensors"
        if not file.is_file():
            mend = "Reinstall the package."
            raise BackboneError(Fault(spec.name, f"its weights are missing: {file}.", mend))
        return file
    if spec.file is not None:
        file = spec.file.expanduser()
        if not file.is_file():
            what = f"its weights are {'a folder' if file.is_dir() else 'missing'}: {file.absolute()}."
            mend = "A file of a matrix is looked for from the YAML's folder."
            raise BackboneError(Fault(spec.name, what, mend))
        return file
    places = [*_in_hub_cache(spec), *_in_clip_cache(spec)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise BackboneError(_not_on_disk(spec))
    return found


def weights_digest(spec: BackboneSpec) -> str:
    """SHA-256 of the weights file; a large file is read once and remembered by path, size and time of change.

    Raises:
        BackboneError: the weights are not on disk.
    """
    file = weights_file(spec)
    status = file.stat()
    if spec.is_shipped:
        return _digest_of_shipped(file, status.st_size, status.st_mtime_ns)
    key = f"{file.resolve()}\t{status.st_size}\t{status.st_mtime_ns}"
    memory = cache_folder() / _DIGESTS
    known = _read_digests(memory)
    if key not in known:
        known[key] = digest_file(file)
        write_text(memory, json.dumps(known, indent=1))
    return known[key]


@lru_cache
def _digest_of_shipped(file: Path, _size_bytes: int, _changed_ns: int) -> str:
    """The digest of a small file, remembered as long as the process lives: workers ask before every job."""
    return digest_file(file)


def hub_cache() -> Path:
    """The hub's cache folder, by the rules of huggingface_hub (HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME)."""
    if direct := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return _expanded(direct)
    if home := os.environ.get("HF_HOME"):
        return _expanded(home) / "hub"
    return _expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface" / "hub"


def _expanded(folder: str) -> Path:
    return Path(os.path.expandvars(folder)).expanduser()


def _is_file_name(weights: str) -> bool:
    """Whether a name's second part is a file; by its spelling alone, so that a name means the same everywhere."""
    return any(mark in weights for mark in ("/", os.sep)) or weights.lower().endswith(_ENDINGS)


def _published(name: str, architecture: str, tag: str) -> Published:
    known = published_weights().get(architecture, {})
    if tag in known:
        return known[tag]
    near = nearest(tag, known) or f"Nearest: {', '.join(list(known)[:3])}. " if known else ""
    what = f"unknown weights {tag!r} of {architecture}; open_clip knows {len(known)} of it. {near}".strip()
    raise BackboneError(Fault(name, what, f"{_LISTED} A file is written with its folder, {architecture}:./{tag}."))


def _in_hub_cache(spec: BackboneSpec) -> list[Path]:
    """Where the hub's cache would hold the weights: the snapshot that refs/main names."""
    if spec.published is None or not spec.published.repository:
        return []
    folder = hub_cache() / f"models--{spec.published.repository.replace('/', '--')}"
    reference = folder / "refs" / "main"
    if not reference.is_file():
        return []
    snapshot = folder / "snapshots" / reference.read_text(encoding="utf-8").strip()
    return [snapshot / name for name in spec.published.filenames]


def _in_clip_cache(spec: BackboneSpec) -> list[Path]:
    if spec.published is None or not spec.published.url:
        return []
    return [Path(CLIP_CACHE).expanduser() / spec.published.url.rpartition("/")[2]]


def _not_on_disk(spec: BackboneSpec) -> Fault:
    assert spec.published is not None
    looked = [str(hub_cache()), *map(str, _in_clip_cache(spec))]
    get = f"Fetch them with `harness backbones fetch {spec.name}`"
    get += f" or `hf download {spec.published.repository} {spec.published.filenames[0]}`."
    return Fault(spec.name, f"its weights are not on disk; looked for {' and '.join(looked)}.", get)


def _read_digests(memory: Path) -> dict[str, str]:
    """What was remembered; a damaged memory is an empty one, since every entry can be computed again."""
    try:
        content = parsed_json(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
