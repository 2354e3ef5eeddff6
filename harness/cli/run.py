"""``harness run``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cli import console
from harness.cli.ask import ask_worker
from harness.cli.outlook import forecaster
from harness.cli.progress import Progress
from harness.cli.situation import Situation, look, look_at_cells
from harness.data.dataset import keep_split
from harness.dispatch.devices import Device, choose_devices
from harness.dispatch.local import LocalLauncher
from harness.dispatch.queue import Ended, run_jobs
from harness.errors import Fault, MatrixError, did_you_mean
from harness.matrix.cell import Cell
from harness.matrix.identity import display_names
from harness.plan.group import group_cells
from harness.plan.job import Job, Kind, flat_cells, write_job
from harness.plan.pending import Standing
from harness.store.manifest import write_manifest
from harness.store.records import quarantine, require_writable

_LAUNCHERS = ("local",)
_TRACKERS = ("none", "wandb")
_LOG_LINES = 15


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of ``harness run``."""

    matrix: Path
    select: str | None
    results: Path
    data: Path | None
    device: str
    retry_failed: bool
    limit: int | None
    launcher: str
    track: str | None
    trust_weights: bool = False


def run_command(options: RunOptions) -> int:
    """Run what is pending; 1 when a cell failed or was left unfinished.

    Raises:
        HarnessError: the input is wrong, or something is missing that the pending cells need; nothing was trained.
    """
    _check_words(options)
    devices = choose_devices(options.device)
    require_writable(options.results)
    situation = look(options.matrix, options.select, options.results, options.data, survey=True)
    for broken, reason in situation.scan.broken.items():
        console.note(f"{broken} {reason}; it is set aside and its cell runs again", style="yellow")
    quarantine(options.results, situation.scan)
    write_manifest(options.results, situation.matrix)
    todo = _todo(situation, options)
    if not todo:
        return _nothing_to_do(situation)
    _say_stale(todo)
    if situation.today.missing:
        raise MatrixError(situation.today.missing)
    cells = [standing.cell for standing in todo]
    _check(options, situation, cells, devices)
    _keep_splits(situation, cells)
    ended = _run(options, situation, cells, devices)
    return _sum_up(options, situation, cells, ended)


def _check_words(options: RunOptions) -> None:
    faults = []
    if options.launcher not in _LAUNCHERS:
        faults.append(
            Fault(
                "--launcher",
                f"unknown launcher {options.launcher!r}.",
                did_you_mean(options.launcher, _LAUNCHERS),
            )
        )
    if options.track not in (None, *_TRACKERS):
        faults.append(
            Fault("--track", f"unknown tracker {options.track!r}.", did_you_mean(options.track, _TRACKERS))
        )
    if faults:
        raise MatrixError(faults)


def _todo(situation: Situation, options: RunOptions) -> list[Standing]:
    """The cells to run, in the matrix's order."""
    states = ("pending", "failed") if options.retry_failed else ("pending",)
    return [cell for cell in situation.cells if cell.state in states][: options.limit]


def _nothing_to_do(situation: Situation) -> int:
    done, failed = len(situation.of_state("done")), situation.of_state("failed")
    console.say(f"{situation.matrix.name}: nothing to do, {done} of {len(situation.cells)} cells are done")
    for cell in failed:
        console.say(f"failed {cell.id}: {cell.why}", style="red")
    if failed:
        console.say("run again with --retry-failed to try these once more")
    return 1 if failed else 0


def _say_stale(todo: Sequence[Standing]) -> None:
    for cell in todo:
        if cell.why.startswith("stale"):
            console.note(f"{cell.id} runs again, {cell.why}", style="yellow")


def _keep_splits(situation: Situation, cells: Sequence[Cell]) -> None:
    """Fix the splits of plain folders before anything learns from them or is evaluated on them."""
    for name in dict.fromkeys(name for cell in cells for name in (cell.dataset, cell.target()[0])):
        written = keep_split(situation.catalog[name], situation.data)
        if written is not None:
            console.note(f"{name}: its split is kept in {written}; images that come later are no part of it")


def _job(options: RunOptions, situation: Situation, kind: Kind, cells: Sequence[Cell], device: Device) -> Job:
    return Job(
        kind=kind,
        matrix=situation.matrix.name,
        cells=flat_cells(cells),
        results=options.results.resolve(),
        data=None if situation.data is None else situation.data.resolve(),
        sources=situation.matrix.sources,
        weights=situation.matrix.weights,
        device=device.kind,
        fewer_shots=situation.matrix.fewer_shots,
        tracking=options.track or situation.matrix.tracking,  # type: ignore[arg-type]  # checked in _check_words
        logits=situation.matrix.logits,
        trust_weights=options.trust_weights,
    )


def _check(options: RunOptions, situation: Situation, cells: Sequence[Cell], devices: Sequence[Device]) -> None:
    """Have a worker look at everything that would fail all cells alike.

    Raises:
        HarnessError: with all that it found.
    """
    console.note(f"{situation.matrix.name}: checking {len(cells)} pending cells")
    ask_worker(_job(options, situation, "check", cells, devices[0]), devices)


def _run(
    options: RunOptions, situation: Situation, cells: Sequence[Cell], devices: Sequence[Device]
) -> list[Ended]:
    """Run all jobs with live progress."""
    seconds = forecaster(situation, options.results, devices).seconds(cells)
    groups = group_cells(cells, len(devices), situation.today.sizes, seconds)
    folders = [
        write_job(_job(options, situation, "run", group, devices[0]), number)
        for number, group in enumerate(groups, start=1)
    ]
    names = display_names(situation.matrix.cells)
    with Progress(situation.matrix.name, cells, names, situation.today.sizes, seconds) as progress:
        return run_jobs(folders, LocalLauncher(devices), progress.on_event)


def _sum_up(options: RunOptions, situation: Situation, cells: Sequence[Cell], ended: Sequence[Ended]) -> int:
    """Say what came of the cells: by where they stand now, never by what workers said."""
    names = display_names(situation.matrix.cells)
    _, _, now = look_at_cells(tuple(cells), situation.matrix, options.results, situation.data, survey=True)
    failed = [cell for cell in now if cell.state == "failed"]
    unfinished = [cell for cell in now if cell.state == "pending"]
    n_done = len(now) - len(failed) - len(unfinished)
    console.say(f"{situation.matrix.name}: {n_done} done, {len(failed)} failed, {len(unfinished)} unfinished")
    for cell in failed:
        console.say(f"failed {cell.id} {names[cell.id]}: {cell.why}", style="red")
    for cell in unfinished:
        console.say(f"unfinished {cell.id} {names[cell.id]}", style="red")
    broken = [job for job in ended if job.status != 0]
    if failed or broken:
        _show_logs(broken or ended)
    if not failed and not unfinished:
        console.say(f"see `harness report --matrix {options.matrix}`")
    return 1 if failed or unfinished else 0


def _show_logs(jobs: Sequence[Ended]) -> None:
    for job in jobs:
        console.say(f"the end of {job.folder / 'log.txt'} (exit status {job.status}):")
        console.say(job.log_tail(_LOG_LINES))
