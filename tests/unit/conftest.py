"""Cells and records made up by hand, for the tests of every room."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.backbone import published, weights
from harness.backbone.spec import backbone_spec
from harness.backbone.weights import weights_digest
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
def mini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An open_clip of two small architectures, ``ViT-mini`` and ``RN-mini``, and caches in which nothing lies yet.

    Its folder is laid out as open_clip's own. The tag ``openai`` is of QuickGELU, ``laion`` has other pixel
    statistics, and ``wide`` squashes images.
    """
    folder = tmp_path / "open_clip"
    (folder / "model_configs").mkdir(parents=True)
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2}
    images = {
        "ViT-mini": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16},
        "RN-mini": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None, "head_width": 64},
    }
    for name, vision in images.items():
        content = {"embed_dim": 16, "vision_cfg": vision, "text_cfg": text}
        (folder / "model_configs" / f"{name}.json").write_text(json.dumps(content))
        quick = content | {"quick_gelu": True}
        (folder / "model_configs" / f"{name}-quickgelu.json").write_text(json.dumps(quick))
    own = published.open_clip_folder()
    (folder / "constants.py").write_text((own / "constants.py").read_text())
    defaults = (own / "pretrained.py").read_text().partition("_RN50 = ")[0]
    (folder / "pretrained.py").write_text(defaults + _MINI_TAGS)
    monkeypatch.setattr(published, "open_clip_folder", lambda: folder)
    monkeypatch.setattr(weights, "CLIP_CACHE", str(tmp_path / "clip"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return folder


_MINI_TAGS = """
_MINI = dict(
    openai=_pcfg(
        url="https://openaipublic.azureedge.net/clip/models/0123/ViT-mini.pt",
        hf_hub="mini/vit.openai/",
        quick_gelu=True,
    ),
    laion=_pcfg(hf_hub="mini/vit-laion/weights.bin", mean=INCEPTION_MEAN, std=INCEPTION_STD),
    wide=_slpcfg(hf_hub="mini/wide/"),
)
_PRETRAINED = {"ViT-mini": _MINI}
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A made-up Slurm, whose commands stand first on PATH."""
    place = importlib.util.spec_from_file_location("fake_slurm", Path(__file__).with_name("fake_slurm.py"))
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    fake = module.FakeSlurm(tmp_path / "slurm bin")
    fake.install()
    monkeypatch.setenv("PATH", f"{fake.folder}{os.pathsep}{os.environ['PATH']}")
    for name in ("SLURM_CONF", "SLURM_JOB_ID", "SUBMITIT_PREEMPT_SIGNAL"):
        monkeypatch.delenv(name, raising=False)
    return fake


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


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """An installer of a package ``acme`` 1.2 with an entry point, and a module ``acme_parts``."""
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(str(site))

    def write(text: str, entry: str = "acme_parts", version: str = "1.2") -> Path:
        for name in [name for name in sys.modules if name.startswith("acme_parts")]:
            monkeypatch.delitem(sys.modules, name)
        about = site / "acme-1.2.dist-info"
        about.mkdir(parents=True, exist_ok=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme\nVersion: {version}\n")
        (about / "entry_points.txt").write_text(f"[harness.plugins]\nours = {entry}\n")
        (site / "acme_parts.py").write_text(text)
        return site / "acme_parts.py"

    return write
