"""Where a backbone's weights lie on disk, and their digest; torch is not needed."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from harness.backbone.spec import TINY_FOLDER, BackboneSpec
from harness.errors import BackboneError, Fault
from harness.files import cache_folder, digest_file, parsed_json, write_text

CLIP_CACHE = "~/.cache/clip"  # where OpenAI's own loader and open_clip keep what they download
_DIGESTS = "digests.json"


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

    A memory that cannot be written costs time and nothing else.

    Raises:
        BackboneError: the weights are not on disk, or cannot be read.
    """
    file = weights_file(spec)
    try:
        return _remembered_digest(file, spec.is_shipped)
    except OSError as error:
        raise BackboneError(Fault(spec.name, f"its weights cannot be read: {file}: {error.strerror}.")) from None


def _remembered_digest(file: Path, is_shipped: bool) -> str:
    status = file.stat()
    if is_shipped:
        return _digest_of_shipped(file, status.st_size, status.st_mtime_ns)
    key = f"{file.resolve()}\t{status.st_size}\t{status.st_mtime_ns}"
    memory = cache_folder() / _DIGESTS
    known = _read_digests(memory)
    if key not in known:
        known[key] = digest_file(file)
        with suppress(OSError):
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
