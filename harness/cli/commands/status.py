"""``harness status``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from harness.cli.jobs.launches import say_launches, waiting_cells
from harness.cli.output import console
from harness.cli.state.situation import look, look_at_cells, what_was_run
from harness.data.dataset import data_root
from harness.dispatch.launched import look_at_launches
from harness.matrix.identity import display_names
from harness.plan.pending import Standing


def status_command(matrix: Path | None, results: Path, data: Path | None) -> int:
    """Print one line a matrix, then its jobs on a cluster, then its failed cells; 1 when anything failed.

    Raises:
        RecordError: nothing was run into the results folder, or the file of a launch cannot be read.
    """
    found = _states(matrix, results, data)
    launched = {name: look_at_launches(results, name) for name, _ in found}
    rows = []
    for name, cells in found:
        counts = Counter(cell.state for cell in cells)
        pending = [cell for cell in cells if cell.state == "pending"]
        stale = sum(cell.why.startswith("stale") for cell in pending)
        phases = waiting_cells(launched[name])
        at_work = Counter(phases[cell.id] for cell in pending if cell.id in phases)
        own = (at_work["queued"], at_work["running"]) if any(launched.values()) else ()
        rows.append((name, len(cells), counts["done"], counts["pending"], *own, stale, counts["failed"]))
    own_names = ("queued", "running") if any(launched.values()) else ()
    numbers = ("cells", "done", "pending", *own_names, "stale", "failed")
    console.table("", ("matrix", *numbers), rows, numbers=numbers)
    broke = [say_launches(name, launched[name], cells) for name, cells in found]
    failed = [(cells, cell) for _, cells in found for cell in cells if cell.state == "failed"]
    for cells, cell in failed:
        name = display_names([each.cell for each in cells])[cell.id]
        console.say(f"failed {cell.id} {name}: {cell.why}", style="red")
    return 1 if failed or any(broke) else 0


def _states(matrix: Path | None, results: Path, data: Path | None) -> list[tuple[str, tuple[Standing, ...]]]:
    if matrix is not None:
        situation = look(matrix, None, results, data, survey=True)
        return [(situation.matrix.name, situation.cells)]
    root = data_root(data, None)
    return [
        (each.name, look_at_cells(each.cells, each, results, root, survey=True)[2])
        for each in what_was_run(results)
    ]
