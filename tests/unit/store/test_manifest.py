"""What a matrix asked for, beside its results."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RecordError
from harness.matrix.cell import Cell
from harness.matrix.matrix import Matrix
from harness.matrix.source import DatasetSource
from harness.matrix.tracking import Tracking
from harness.matrix.weights import WeightsSource
from harness.store.manifest import Manifest, read_manifests, write_manifest

MakeCell = Callable[..., Cell]


def test_manifests_read_back_by_name(tmp_path: Path, make_cell: MakeCell) -> None:
    """Every matrix that was run is found, with its cells, in the order of the names."""
    matrices = [Matrix("b", (make_cell(seed=1), make_cell(seed=2))), Matrix("a", (make_cell(method="zero_shot"),))]
    for matrix in matrices:
        write_manifest(tmp_path, matrix)
    assert read_manifests(tmp_path) == [Manifest(matrix.name, matrix.cells) for matrix in reversed(matrices)]


def test_own_data_sets_read_back(tmp_path: Path, make_cell: MakeCell) -> None:
    """What a matrix said of its own data sets is kept, so that status and report can do without the YAML."""
    sources = (
        DatasetSource(name="mine", folder="/data/mine", class_names="/data/names.txt", template="my {}"),
        DatasetSource(name="lists", like="imagenet", data="/data", subset_file="/lists/{shots}-{seed}.txt"),
    )
    matrix = Matrix("m", (make_cell(dataset="mine"),), sources=sources)
    write_manifest(tmp_path, matrix)
    assert read_manifests(tmp_path) == [Manifest("m", matrix.cells, sources)]


def test_own_weights_and_the_tracker_read_back(tmp_path: Path, make_cell: MakeCell) -> None:
    """``sync`` and ``report`` know both without the YAML; a list of before they were kept has none of these."""
    weights = WeightsSource(name="mine", architecture="ViT-B-32", file="/weights.pt")
    tracking = Tracking(tracker="wandb", project="p")
    write_manifest(tmp_path, Matrix("m", (make_cell(),), weights=(weights,), tracking=tracking))
    assert read_manifests(tmp_path) == [Manifest("m", (make_cell(),), (), (weights,), tracking)]
    path = tmp_path / "m" / "cells.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({key: content[key] for key in ("schema_version", "name", "cells")}))
    assert read_manifests(tmp_path) == [Manifest("m", (make_cell(),))]


def test_folder_without_manifests_has_none(tmp_path: Path) -> None:
    """A results folder that is not there, or holds only records, has no matrices."""
    (tmp_path / "records").mkdir()
    assert (read_manifests(tmp_path), read_manifests(tmp_path / "none")) == ([], [])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        {"schema_version": 2, "name": "m", "cells": []},
        {"schema_version": 1, "name": "m", "cells": 3},
        {"schema_version": 1, "name": "m", "cells": [3]},
        {"schema_version": 1, "name": "m", "cells": [{}]},
        {"schema_version": 1, "name": "m", "cells": [], "sources": [{"folder": "x"}]},
        {"schema_version": 1, "name": "m", "cells": [], "sources": [{"name": "x", "path": "y"}]},
        {"schema_version": 1, "name": "m", "cells": [{"dataset": "x", "recipe": [1]}]},
        {"schema_version": 1, "name": 3, "cells": []},
        "[" * 100_000,
    ],
)
def test_damaged_manifest_is_an_error(tmp_path: Path, content: Any) -> None:
    """A file that is no list of cells is said with the way out."""
    path = tmp_path / "m" / "cells.json"
    path.parent.mkdir()
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(RecordError) as caught:
        read_manifests(tmp_path)
    assert str(caught.value).startswith(f"{path}: is not a list of cells")
    assert str(caught.value).endswith(". Run the matrix again, or name it with --matrix FILE.")
