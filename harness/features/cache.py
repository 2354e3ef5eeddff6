"""Tables of features on disk: bounded, written whole, verified when read. No torch here."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from harness.environment import CACHE_GB
from harness.features.key import FeatureKey
from harness.files import cache_folder, digest_bytes, remove_leavings, write_bytes

_NAME = "features"


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What the cache holds: its folder, number of tables, their size and the bound."""

    folder: Path
    n_tables: int
    size_bytes: int
    limit_bytes: int


def features_folder() -> Path:
    """Where the tables are."""
    return cache_folder() / "features"


def limit_bytes() -> int:
    """The bound on all tables together: ``HARNESS_CACHE_GB`` gigabytes.

    Raises:
        HarnessError: it is set to what is no such number.
    """
    return int(CACHE_GB.value * 1e9)


def views_are_kept() -> bool:
    """Whether encoded training views go to the cache, too: only where ``HARNESS_CACHE_VIEWS`` is set.

    Live views of a large draw take gigabytes, and are of use only to a run that learns from the same draw later.
    """
    return os.environ.get("HARNESS_CACHE_VIEWS", "") not in ("", "0")


def cached(key: FeatureKey, make: Callable[[], np.ndarray], say: Callable[[str], None]) -> np.ndarray:
    """The table of ``key``: read when it is there and whole, otherwise made and kept.

    A table that does not match its own digest is made again, and ``say`` is told. A cache that cannot be
    written costs time and nothing else, so that is only said, too.
    """
    path = features_folder() / f"{key.digest()}.safetensors"
    if path.exists():
        try:
            return _read(path)
        except (OSError, SafetensorError, ValueError) as error:
            say(f"the cached features {path.name[:12]} are damaged and made again: {error}")
    table = make()
    try:
        _write(path, table)
        _evict(keep=path)
    except OSError as error:
        say(f"features are not kept: {error}")
    return table


def cache_use() -> CacheUse:
    """What the cache holds now."""
    files = _tables()
    return CacheUse(features_folder(), len(files), sum(file.stat().st_size for file in files), limit_bytes())


def clear_cache() -> CacheUse:
    """Remove all tables; what there was."""
    use = cache_use()
    for file in _tables():
        file.unlink(missing_ok=True)
    remove_leavings(use.folder)
    return use


def _tables() -> list[Path]:
    """The tables, least recently used first."""
    folder = features_folder()
    files = list(folder.glob("*.safetensors")) if folder.is_dir() else []
    return sorted(files, key=lambda file: file.stat().st_mtime)


def _read(path: Path) -> np.ndarray:
    with safe_open(path, framework="numpy") as file:
        table: np.ndarray = file.get_tensor(_NAME)
        digest = (file.metadata() or {}).get("sha256")
    if digest_bytes(table.tobytes()) != digest:
        raise ValueError("the digest is another")
    os.utime(path)  # the oldest use goes first when the cache is full
    return table


def _write(path: Path, table: np.ndarray) -> None:
    contiguous = np.ascontiguousarray(table)
    write_bytes(path, save({_NAME: contiguous}, metadata={"sha256": digest_bytes(contiguous.tobytes())}))


def _evict(keep: Path) -> None:
    """Remove the least recently used tables until the rest fits the bound; ``keep`` stays.

    Tables that were never finished are no tables, and go first.
    """
    remove_leavings(features_folder())
    files = _tables()
    size = sum(file.stat().st_size for file in files)
    for file in files:
        if size <= limit_bytes():
            return
        if file != keep:
            size -= file.stat().st_size
            file.unlink(missing_ok=True)
