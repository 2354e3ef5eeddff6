"""Records of cells that never ran, for measuring and looking at reports: as whole as real ones, in little time."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harness.data.catalog import DATASETS
from harness.files import digest_text
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix
from harness.store.manifest import write_manifest
from harness.store.record import SCHEMA_VERSION
from harness.store.records import records_folder

Accuracy = Callable[[Cell], float]  # a fraction
_BASE = {"zero_shot": 0.55, "linear_probe": 0.45, "coop": 0.52}


def invented(cell: Cell) -> float:
    """An accuracy that rises with the shots and differs between all cells; the same in every run."""
    draw = random.Random(cell_id(cell))
    shots = 32 if cell.shots == "all" else cell.shots
    place = random.Random(digest_text(" ".join(cell.target()))).uniform(-0.2, 0.2)
    rise = 0.05 * math.log2(shots + 1) - (0.08 if cell.context == "class_specific" and shots < 8 else 0)
    elsewhere = -0.1 if cell.evaluate_on else 0.0
    return min(0.99, max(0.01, _BASE.get(cell.method, 0.5) + place + rise + elsewhere + draw.gauss(0, 0.01)))


def write_results(
    results: Path, matrices: Iterable[Matrix], accuracy: Accuracy = invented, n_test: int | None = None
) -> int:
    """Write a manifest a matrix and a record a cell into ``results``; the number of records.

    Test images and classes are as many as the catalog says, 10 classes where it says nothing; ``n_test`` replaces
    the number of images. Files are written without waiting for the disk.
    """
    folder = records_folder(results)
    folder.mkdir(parents=True, exist_ok=True)
    written = set()
    for matrix in matrices:
        write_manifest(results, matrix)
        for cell in matrix.cells:
            identifier = cell_id(cell)
            if identifier not in written:
                written.add(identifier)
                content = record(cell, identifier, accuracy(cell), n_test)
                (folder / f"{identifier}.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    return len(written)


def record(cell: Cell, identifier: str, share: float, n_test: int | None = None) -> dict[str, object]:
    """One whole record as its file holds it, with about ``share`` of the test images right."""
    draw = random.Random(identifier)
    row = DATASETS.get(cell.target()[0])
    n_classes = row.n_classes if row is not None and row.n_classes else 10
    n_images = n_test or (row.n_images[2] if row is not None and row.n_images else 100 * n_classes)
    counts = [n_images // n_classes + (place < n_images % n_classes) for place in range(n_classes)]
    epochs = int(cell.recipe_dict().get("epochs", 0)) if cell.method == "coop" else 0
    return {
        "schema_version": SCHEMA_VERSION,
        "cell_id": identifier,
        "cell": cell.to_dict(),
        "status": "done",
        "n_correct": round(share * n_images),
        "n_test": n_images,
        "per_class": _per_class(counts, round(share * n_images), draw),
        "history": [_epoch(number, epochs, draw) for number in range(1, epochs + 1)],
        "details": {"seconds_an_epoch": 1.5} if epochs else {},
        "timings": {"fit": 12.5, "evaluate": 1.25},
        "provenance": _provenance(cell),
        "created_at": "2031-01-02T03:04:05Z",
    }


def _per_class(counts: Sequence[int], n_correct: int, draw: random.Random) -> list[dict[str, object]]:
    """Right answers spread unevenly over the classes, adding up to ``n_correct``."""
    share = n_correct / sum(counts)
    right = [min(n, max(0, round(n * (share + draw.gauss(0, 0.15))))) for n in counts]
    places = list(range(len(counts)))
    draw.shuffle(places)
    lacking = n_correct - sum(right)
    while lacking:
        for place in places:
            step = min(counts[place] - right[place], lacking) if lacking > 0 else -min(right[place], -lacking)
            step = max(-2, min(2, step))
            right[place] += step
            lacking -= step
    return [
        {"name": f"class {place}", "n_test": n, "n_correct": right[place], "n_predicted": n}
        for place, n in enumerate(counts)
    ]


def _epoch(number: int, epochs: int, draw: random.Random) -> dict[str, object]:
    part = number / epochs
    loss = 1.6 * math.exp(-3 * part) + 0.4 + draw.gauss(0, 0.03)
    right = min(1.0, 0.95 - 0.5 * math.exp(-3 * part) + draw.gauss(0, 0.02))
    lr = 0.001 * (1 + math.cos(math.pi * part))
    return {"epoch": number, "lr": lr, "loss": loss, "train_accuracy": right}


def _provenance(cell: Cell) -> dict[str, object]:
    row = DATASETS.get(cell.dataset)
    return {
        "harness_version": "0.1.0",
        "git_commit": "0" * 40,
        "git_dirty": False,
        "packages": dict.fromkeys(("torch", "torchvision", "open_clip", "numpy", "pillow", "scipy"), "1.2.3"),
        "python": "3.11.7",
        "platform": "Linux",
        "device": "cpu",
        "precision": cell.precision,
        "weights_digest": "0" * 64,
        "split_digest": (row.split_digest if row is not None else None) or "0" * 64,
        "subset_digest": None if cell.seed is None else digest_text(f"{cell.dataset} {cell.shots} {cell.seed}"),
        "images_digest": None,
        "seeds": {} if cell.seed is None else {"draw": cell.seed},
    }
