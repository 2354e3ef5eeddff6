"""``harness plan``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.cli import console
from harness.cli.situation import Situation, look
from harness.data.catalog import Catalog
from harness.dispatch.devices import choose_devices
from harness.matrix.cell import Cell
from harness.matrix.select import spell_value
from harness.matrix.template import OWN, readable
from harness.plan.group import group_cells

_AXES = (
    "backbone",
    "dataset",
    "evaluate_on",
    "classes",
    "method",
    "template",
    "context",
    "class_token_position",
    "n_ctx",
    "ctx_init",
    "prompt",
    "shots",
    "seed",
)


def plan_command(matrix: Path, expression: str | None, results: Path, data: Path | None, device: str) -> int:
    """Print cells by axis, their states, jobs, and what is missing on disk."""
    n_workers = len(choose_devices(device))
    situation = look(matrix, expression, results, data)
    cells = [standing.cell for standing in situation.cells]
    console.say(f"{situation.matrix.name}: {len(cells)} cells")
    console.table("", ("axis", "values (cells)"), _axes(cells, situation.catalog))
    console.say()
    _states(situation)
    pending = [standing.cell for standing in situation.of_state("pending")]
    jobs = group_cells(pending, n_workers, situation.today.sizes)
    console.say()
    console.say(f"jobs: {len(jobs)}, workers: {n_workers}")
    if jobs:
        rows = ((job[0].backbone, job[0].dataset, len(job)) for job in jobs)
        console.table("", ("backbone", "dataset", "cells"), rows, numbers=("cells",))
    if situation.today.missing:
        console.say()
        console.say(f"missing on disk ({len(situation.today.missing)}):", style="yellow")
        for fault in situation.today.missing:
            console.say(f"  {fault}")
    return 0


def _axes(cells: Sequence[Cell], catalog: Catalog) -> list[tuple[str, str]]:
    """Every axis with its values, and how many cells have each; axes that no cell reads are left out."""
    flats = [cell.to_dict() | {"template": _template(cell, catalog)} for cell in cells]
    rows = []
    for axis in _AXES:
        counts = Counter(spell_value(flat[axis]) for flat in flats if flat.get(axis) is not None)
        if counts and set(counts) not in ({"all"}, {OWN}):  # all classes, and own templates, are worth no line
            rows.append((axis, ", ".join(f"{value} ({count})" for value, count in counts.items())))
    return rows


def _template(cell: Cell, catalog: Catalog) -> str | None:
    """The cell's template with the sentence of its data set by the name that a matrix gives it."""
    row = catalog.get(cell.target()[0])
    return None if cell.template is None else readable(cell.template, None if row is None else row.template)


def _states(situation: Situation) -> None:
    """How many cells are done, pending and failed, and why pending records do not count."""
    counts = Counter(standing.state for standing in situation.cells)
    console.say(f"{counts['done']} done, {counts['pending']} pending, {counts['failed']} failed")
    reasons = Counter(standing.why for standing in situation.of_state("pending") if standing.why)
    for reason, count in reasons.items():
        console.say(f"  {count} pending again, {reason}", style="yellow")
    for standing in situation.of_state("failed"):
        console.say(f"  failed {standing.id}: {standing.why}", style="red")
