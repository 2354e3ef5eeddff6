"""What a matrix asked for, kept beside its results so that a report knows which cells are missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import Fault, RecordError
from harness.files import parsed_json, write_text
from harness.matrix.cell import Cell
from harness.matrix.matrix import Matrix
from harness.matrix.source import DatasetSource
from harness.matrix.tracking import UNTRACKED, Tracking
from harness.matrix.weights import WeightsSource
from harness.plugins.plugin import PluginSource

_FILE = "cells.json"
_VERSION = 1
_MEND = "Run the matrix again, or name it with --matrix FILE."


@dataclass(frozen=True, slots=True)
class Manifest:
    """A matrix that was run into a folder; all attributes are as in ``Matrix``, plug-ins by their sources.

    What its plug-ins have to say of how cells stand, and how they are reported, stands here, so that nobody needs
    them for it.
    """

    name: str
    cells: tuple[Cell, ...]
    sources: tuple[DatasetSource, ...] = ()
    weights: tuple[WeightsSource, ...] = ()
    tracking: Tracking = UNTRACKED
    plugins: tuple[PluginSource, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)


def write_manifest(results: Path, matrix: Matrix) -> None:
    """Write ``results/<matrix>/cells.json``: the whole matrix, whatever part of it is selected today."""
    content: dict[str, Any] = {
        "schema_version": _VERSION,
        "name": matrix.name,
        "cells": [cell.to_dict() for cell in matrix.cells],
        "sources": [source.model_dump(exclude_none=True) for source in matrix.sources],
        "weights": [source.model_dump() for source in matrix.weights],
        "tracking": matrix.tracking.model_dump(exclude=None if matrix.tracking.options else {"options"}),
    }
    if matrix.plugins:
        content["plugins"] = [plugin.source.model_dump() for plugin in matrix.plugins]
        content |= {"labels": dict(matrix.labels), "versions": dict(matrix.versions)}
    write_text(results / matrix.name / _FILE, json.dumps(content, indent=1) + "\n")


def read_manifests(results: Path) -> list[Manifest]:
    """Every matrix that was run into ``results``, sorted by name.

    Raises:
        RecordError: a manifest cannot be read.
    """
    paths = sorted(results.glob(f"*/{_FILE}")) if results.is_dir() else []
    return [_read(path) for path in paths]


def _read(path: Path) -> Manifest:
    try:
        content = parsed_json(path.read_text(encoding="utf-8"))
        if content["schema_version"] != _VERSION:
            raise ValueError(f"schema version {content['schema_version']!r} is unknown")
        cells = tuple(Cell.from_dict(flat) for flat in content["cells"])
        sources = tuple(DatasetSource.model_validate(source) for source in content.get("sources", ()))
        weights = tuple(WeightsSource.model_validate(source) for source in content.get("weights", ()))
        tracking = Tracking.model_validate(content.get("tracking", {}))
        if not isinstance(content["name"], str):
            raise ValueError("its name is no word")  # noqa: TRY004  # of the file, as the others
        plugins = tuple(PluginSource.model_validate(source) for source in content.get("plugins", ()))
        said = dict(content.get("labels", {})), dict(content.get("versions", {}))
        return Manifest(content["name"], cells, sources, weights, tracking, plugins, *said)
    except OSError as error:
        raise RecordError(Fault(str(path), f"cannot be read: {error.strerror}.", _MEND)) from None
    except (KeyError, TypeError, AttributeError):  # whose words are about Python
        raise RecordError(Fault(str(path), "is not a list of cells.", _MEND)) from None
    except ValueError as error:
        raise RecordError(Fault(str(path), f"is not a list of cells: {error}.", _MEND)) from None
