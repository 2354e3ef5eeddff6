"""Backbones by name; torch is not needed.

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
from pathlib import Path
from typing import Any

from harness.backbone.published import Published, architectures, nearest, published_weights
from harness.backbone.supported import image_size_px, refusal
from harness.errors import BackboneError, Fault
from harness.matrix.weights import WeightsSource

TINY = "tiny"
TINY_FOLDER = Path(__file__).parent / "tiny"
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
