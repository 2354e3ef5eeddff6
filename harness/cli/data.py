"""``harness data``."""

from __future__ import annotations

from pathlib import Path

from harness.cli import console
from harness.data.catalog import DATASETS
from harness.data.dataset import data_root, whats_missing


def list_command(data: Path | None) -> int:
    """Print one line a data set."""
    root = data_root(data, None)
    rows = []
    for row in DATASETS.values():
        missing = whats_missing(row, root)
        train, val, test = (f"{count:,}" for count in row.n_images)
        rows.append((row.name, row.n_classes, train, val, test, row.template, missing or "on disk"))
    numbers = ("classes", "train", "val", "test")
    console.table("", ("dataset", *numbers, "template", "state"), rows, numbers=numbers)
    return 0
