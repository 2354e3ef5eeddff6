"""``harness status``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from harness.cli import console
from harness.cli.situation import look, look_at_cells
from harness.data.dataset import data_root
from harness.errors import Fault, RecordError
from harness.matrix.identity import display_names
from harness.plan.pending import Standing
from harness.store.manifest import read_manifests


def status_command(matrix: Path | None, results: Path, data: Path | None) -> int:
    """Print one line a matrix, then its failed cells; 1 when there are any.

    Raises:
        RecordError: nothing was run into the results folder.
    """
    found = _states(matrix, results, data)
    rows = []
    for name, cells in found:
        counts = Counter(cell.state for cell in cells)
        stale = sum(cell.why.startswith("stale") for cell in cells if cell.state == "pending")
        rows.append((name, len(cells), counts["done"], counts["pending"], stale, counts["failed"]))
    numbers = ("cells", "done", "pending", "stale", "failed")
    console.table("", ("matrix", *numbers), rows, numbers=numbers)
    failed = [(cells, cell) for _, cells in found for cell in cells if cell.state == "failed"]
    for cells, cell in failed:
        name = display_names([each.cell for each in cells])[cell.id]
        console.say(f"failed {cell.id} {name}: {cell.why}", style="red")
    return 1 if failed else 0


def _states(matrix: Path | None, results: Path, data: Path | None) -> list[tuple[str, tuple[Standing, ...]]]:
    if matrix is not None:
        situation = look(matrix, None, results, data, survey=True)
        return [(situation.matrix.name, situation.cells)]
    manifests = read_manifests(results)
    if not manifests:
        raise RecordError(
            Fault(str(results), "no matrix was run into this folder yet.", "Run `harness run --matrix FILE`.")
        )
    root = data_root(data, None)
    return [(each.name, look_at_cells(each.cells, each, results, root, survey=True)[2]) for each in manifests]
