"""Cells and records made up by hand, for the tests of every room."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.backbone.spec import backbone_spec, weights_digest
from harness.data.catalog import DATASETS
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import COOP
from harness.store.record import RunRecord

MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]


@pytest.fixture
def make_cell() -> MakeCell:
    """A maker of resolved cells: CoOp on digits with one shot and seed 1, but for what is given."""

    def make(**axes: Any) -> Cell:
        method = axes.setdefault("method", "coop")
        flat: dict[str, Any] = {"dataset": "digits", "backbone": "tiny"}
        if method == "zero_shot":
            flat |= {"template": "a photo of the digit {}."}
        else:
            flat |= {"shots": 1, "seed": 1, "protocol": "coop"}
            flat["recipe"] = COOP.recipe(method, axes.get("dataset", "digits"), axes.get("shots", 1))
        if method == "coop":
            flat |= {"views": "live", "context": "unified", "n_ctx": 16, "class_token_position": "end"}
        return Cell.from_dict(flat | axes)

    return make


@pytest.fixture
def make_record() -> MakeRecord:
    """A maker of records: done, made from today's split and weights, 3 of 4 test images right."""

    def make(cell: Cell, **fields: Any) -> RunRecord:
        provenance = {
            "harness_version": "0", "git_commit": None, "git_dirty": None, "packages": {"torch": "2"},
            "python": "3", "platform": "Linux", "device": "cpu", "precision": "fp32",
            "weights_digest": weights_digest(backbone_spec("tiny")),
            "split_digest": DATASETS["digits"].split_digest,
            "subset_digest": None, "images_digest": None, "seeds": {"draw": 1},
        }  # fmt: skip
        content: dict[str, Any] = {
            "cell_id": cell_id(cell),
            "cell": cell.to_dict(),
            "status": "done",
            "n_correct": 3,
            "n_test": 4,
            "per_class": [
                {"name": "zero", "n_test": 2, "n_correct": 2, "n_predicted": 3},
                {"name": "one", "n_test": 2, "n_correct": 1, "n_predicted": 1},
            ],
            "history": [{"epoch": 1, "lr": 1e-5, "loss": 2.25, "train_accuracy": 0.5}],
            "timings": {"fit": 1.5},
            "provenance": provenance | fields.pop("provenance", {}),
            "created_at": "2031-01-02T03:04:05Z",
        }
        if fields.get("status") == "failed":
            content |= {"n_correct": None, "n_test": None, "per_class": [], "reason": "out of memory"}
        return RunRecord.model_validate(content | fields)

    return make


@pytest.fixture
def put_record(tmp_path: Path) -> Callable[..., Path]:
    """A writer of record files below ``tmp_path``: a value as JSON, or text and bytes as they are."""

    def put(identifier: str, content: Any) -> Path:
        path = tmp_path / "records" / f"{identifier}.json"
        path.parent.mkdir(exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return put
