"""``harness plan``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.cli.jobs.launchers import chosen_launcher, devices_of, workers_of
from harness.cli.output import console
from harness.cli.state.outlook import forecaster, sentences, spell_bytes, spell_s
from harness.cli.state.situation import Situation, look
from harness.cli.vocabulary import plugins_at_hand
from harness.data.catalog import Catalog
from harness.dispatch.devices import Device, device_faults
from harness.environment import environment_faults
from harness.errors import MatrixError
from harness.matrix.cell import Cell
from harness.matrix.select import spell_value
from harness.matrix.template import OWN, readable
from harness.plan.group import group_cells

_NO_FLAGS: Mapping[str, Any] = MappingProxyType({})
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
)
_LAST_AXES = ("shots", "seed")


def plan_command(
    matrix: Path,
    expression: str | None,
    results: Path,
    data: Path | None,
    device: str,
    launcher: str | None = None,
    flags: Mapping[str, Any] = _NO_FLAGS,
) -> int:
    """Print cells by axis, their states, jobs with their forecast, and what is missing on disk.

    ``flags`` are those of the launcher, by the names of the YAML's section.

    Raises:
        MatrixError: the matrix, the selection, the device, a flag or a variable of the environment cannot be used.
    """
    if faults := [*environment_faults(), *device_faults(device)]:
        raise MatrixError(faults)
    situation = look(matrix, expression, results, data, survey=True)
    plugins = plugins_at_hand(situation.matrix.plugins)
    row, launching = chosen_launcher(situation.matrix.launcher, launcher, flags, plugins)
    devices = workers_of(row, launching, devices_of(row, launching, device))
    cells = [standing.cell for standing in situation.cells]
    console.say(f"{situation.matrix.name}: {len(cells)} cells")
    console.table("", ("axis", "values (cells)"), _axes(cells, situation.catalog))
    console.say()
    _states(situation)
    console.say()
    _jobs(situation, results, devices)
    if situation.today.missing:
        console.say()
        console.say(f"missing on disk ({len(situation.today.missing)}):", style="yellow")
        for fault in situation.today.missing:
            console.say(f"  {fault}")
    return 0


def _jobs(situation: Situation, results: Path, devices: Sequence[Device]) -> None:
    """The jobs of what is pending, with their forecast as far as records tell one."""
    pending = [standing.cell for standing in situation.of_state("pending")]
    n_workers = len(devices)
    if not pending:
        console.say(f"jobs: 0, workers: {n_workers}")
        return
    ahead = forecaster(situation, results, devices)
    jobs = group_cells(pending, n_workers, situation.today.sizes, ahead.seconds(pending))
    said = ahead.forecast(jobs, n_workers, situation.matrix.logits)
    console.say(f"jobs: {len(jobs)}, workers: {n_workers}")
    columns = ["backbone", "dataset", "cells"]
    rows = [[job.cells[0].backbone, job.cells[0].dataset, len(job.cells)] for job in said.jobs]
    if said.plus_minus is not None:
        columns += ["time", "memory"]
        for row, job in zip(rows, said.jobs, strict=True):
            row.append("?" if job.seconds is None else spell_s(job.seconds))
            row.append("?" if job.host_bytes is None else spell_bytes(job.host_bytes))
    console.table("", columns, rows, numbers=columns[2:])
    for sentence in sentences(said, ahead.told, n_workers):
        console.say(sentence)


def _axes(cells: Sequence[Cell], catalog: Catalog) -> list[tuple[str, str]]:
    """Every axis with its values, and how many cells have each; axes that no cell reads are left out."""
    flats = [cell.to_dict() for cell in cells]
    rows = []
    extras = sorted({name for cell in cells for name, _ in cell.extras})
    for axis in (*_AXES, *extras, *_LAST_AXES):
        counts: Counter[str] = Counter()
        if axis == "template":
            for (target, template), count in Counter((cell.target()[0], cell.template) for cell in cells).items():
                if template is not None:
                    counts[_template(target, template, catalog)] += count
        else:
            for value, count in Counter(flat.get(axis) for flat in flats).items():  # spelled once, not once a cell
                if value is not None:
                    counts[spell_value(value)] += count
        if counts and set(counts) not in ({"all"}, {OWN}):  # all classes, and own templates, are worth no line
            rows.append((axis, ", ".join(f"{value} ({count})" for value, count in counts.items())))
    return rows


def _template(target: str, template: str, catalog: Catalog) -> str:
    """A template with the sentence of the data set by the name that a matrix gives it."""
    row = catalog.get(target)
    return readable(template, None if row is None else row.template)


def _states(situation: Situation) -> None:
    """How many cells are done, pending and failed, and why pending records do not count."""
    counts = Counter(standing.state for standing in situation.cells)
    console.say(f"{counts['done']} done, {counts['pending']} pending, {counts['failed']} failed")
    reasons = Counter(standing.why for standing in situation.of_state("pending") if standing.why)
    for reason, count in reasons.items():
        console.say(f"  {count} pending again, {reason}", style="yellow")
    for standing in situation.of_state("failed"):
        console.say(f"  failed {standing.id}: {standing.why}", style="red")
