"""``harness run``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.cli.jobs.ask import ask, ask_worker
from harness.cli.jobs.attach import NO_JOBS, Earlier, earlier_jobs
from harness.cli.jobs.ground import ground_of
from harness.cli.jobs.launchers import chosen_launcher, devices_of, lent_by, make_launcher, workers_of
from harness.cli.jobs.live_matrix import live_matrix
from harness.cli.jobs.telling import nothing_to_do, say_left, say_stale, sum_up
from harness.cli.output import console
from harness.cli.output.progress import Progress
from harness.cli.state.outlook import forecaster
from harness.cli.state.situation import Situation, look
from harness.cli.vocabulary import names_for, plugins_at_hand
from harness.data.dataset import keep_split
from harness.dispatch.devices import Device, device_faults
from harness.dispatch.dispatch import Ground, Outcome, dispatch
from harness.dispatch.launched import Launched, look_at_launches, tidy
from harness.dispatch.launcher import Launcher
from harness.dispatch.orders import Orders
from harness.dispatch.piece import Piece
from harness.dispatch.table import LAUNCHERS, LauncherRow
from harness.environment import environment_faults
from harness.errors import Fault, HarnessError, MatrixError, did_you_mean
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id, display_names
from harness.matrix.launching import NO_OPTIONS, Launching, with_flags
from harness.matrix.matrix import Matrix
from harness.matrix.plugged import unread_faults
from harness.matrix.vocabulary import Vocabulary
from harness.plan.group import group_cells
from harness.plan.job import Job, Kind, flat_cells
from harness.plan.pending import Standing
from harness.plugins.plugin import Plugin
from harness.plugins.tables import having, sources_of
from harness.store.claims import Claimant
from harness.store.leavings import tidy_results
from harness.store.manifest import write_manifest
from harness.store.records import not_written, quarantine, require_writable


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of ``harness run``; ``flags`` are those of the launcher, by the names of the YAML's section."""

    matrix: Path
    select: str | None
    results: Path
    data: Path | None
    device: str
    retry_failed: bool
    limit: int | None
    launcher: str | None
    track: str | None
    trust_weights: bool = False
    flags: Mapping[str, Any] = field(default_factory=dict)
    detach: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be run, and where; ``again`` has the failures that are tried once more, with their times."""

    options: RunOptions
    situation: Situation
    row: LauncherRow
    launching: Launching
    devices: tuple[Device, ...]
    todo: tuple[Standing, ...]
    earlier: Earlier
    again: Mapping[str, str]

    @property
    def cells(self) -> list[Cell]:
        """The cells to run."""
        return [standing.cell for standing in self.todo]

    @property
    def new(self) -> list[Cell]:
        """Those of them that no job has yet."""
        return [standing.cell for standing in self.earlier.without(self.todo)]


def run_command(options: RunOptions) -> int:
    """Run what is pending; 1 when a cell failed or was left unfinished, 130 and 143 when a signal left some.

    Raises:
        HarnessError: the input is wrong, or something is missing that the pending cells need; nothing was trained.
    """
    _check_words(options)
    require_writable(options.results)
    looked = look(options.matrix, options.select, options.results, options.data, survey=True)
    plugins = plugins_at_hand(looked.matrix.plugins)
    situation = _tracked(looked, options.track, plugins)
    row, launching = _launching(options, situation, plugins)
    devices = devices_of(row, launching, options.device)
    for broken, reason in situation.scan.broken.items():
        console.note(f"{broken} {reason}; it is set aside and its cell runs again", style="yellow")
    quarantine(options.results, situation.scan)
    write_manifest(options.results, situation.matrix)
    todo = tuple(_todo(situation, options))
    launched = tidy(look_at_launches(options.results, situation.matrix.name))
    earlier = earlier_jobs(launched, {cell.id for cell in todo if cell.state == "pending"})
    if earlier.folders and (options.detach or not row.keeps_jobs):
        say_left(earlier, launched, todo)
        todo, earlier = earlier.without(todo), NO_JOBS
        if not todo:
            return 0
    plan = _Plan(options, situation, row, launching, devices, todo, earlier, _again(todo, situation))
    if not plan.todo:
        return nothing_to_do(situation)
    say_stale(plan.todo)
    if situation.today.missing:
        raise MatrixError(situation.today.missing)
    folder = options.results.resolve() / situation.matrix.name
    with closing(make_launcher(row, launching, devices, folder)) as launcher:
        plan = replace(plan, devices=lent_by(launcher, devices))
        _check(plan, launcher)
        _keep_splits(situation, plan.cells)
        return _detach(plan, launcher, launched) if options.detach else _run(plan, launcher)


def _check_words(options: RunOptions) -> None:
    """Raise MatrixError for words that nobody knows, also in the environment, before anything is read."""
    faults = [*environment_faults(), *device_faults(options.device)]
    if options.launcher is not None or options.track is not None:
        names = names_for(options.matrix)
        faults += _word_faults(options, names)
        faults += unread_faults(faults, names)
    if faults:
        raise MatrixError(faults)


def _word_faults(options: RunOptions, names: Vocabulary) -> list[Fault]:
    """What is wrong with the launcher and the tracker that the command line names."""
    faults: list[Fault] = []
    # What a plug-in's launcher needs may stand in the matrix, which is read later.
    if options.launcher is not None and (options.launcher in LAUNCHERS or options.launcher not in names.launchers):
        try:
            with_flags(NO_OPTIONS, options.launcher, options.flags, names.launchers)
        except MatrixError as error:
            faults += error.faults
    if options.track is not None and options.track not in names.trackers:
        known = did_you_mean(options.track, tuple(names.trackers))
        faults.append(Fault("--track", f"unknown tracker {options.track!r}.", known))
    return faults


def _launching(
    options: RunOptions, situation: Situation, plugins: Sequence[Plugin]
) -> tuple[LauncherRow, Launching]:
    """The launcher that is asked for.

    Raises:
        MatrixError: a flag is not the launcher's.
    """
    row, launching = chosen_launcher(situation.matrix.launcher, options.launcher, options.flags, plugins)
    if options.detach and not row.keeps_jobs:
        able = ", ".join(name for name, each in LAUNCHERS.items() if each.keeps_jobs)
        raise MatrixError(Fault("--detach", f"{launching.kind} has nobody who goes on; it is for {able}."))
    return row, launching


def _tracked(situation: Situation, track: str | None, plugins: Sequence[Plugin]) -> Situation:
    """The situation with the tracker of the command line, if it names one, in the place of the matrix's.

    A plug-in that only the command line asks for goes to workers, too.
    """
    matrix = situation.matrix
    tracking = matrix.tracking.by(track)
    own = {plugin.source.name for plugin in matrix.plugins}
    having_it = having(plugins, {"TRACKERS": (tracking.tracker,)})
    further = [plugin for plugin in having_it if plugin.source.name not in own]
    return replace(situation, matrix=replace(matrix, tracking=tracking, plugins=(*matrix.plugins, *further)))


def _todo(situation: Situation, options: RunOptions) -> list[Standing]:
    """The cells to run, in the matrix's order."""
    states = ("pending", "failed") if options.retry_failed else ("pending",)
    return [cell for cell in situation.cells if cell.state in states][: options.limit]


def _keep_splits(situation: Situation, cells: Sequence[Cell]) -> None:
    """Fix the splits of plain folders before anything learns from them or is evaluated on them."""
    for name in dict.fromkeys(name for cell in cells for name in (cell.dataset, cell.target()[0])):
        written = keep_split(situation.catalog[name], situation.data)
        if written is not None:
            console.note(f"{name}: its split is kept in {written}; images that come later are no part of it")


def _job(plan: _Plan, kind: Kind, cells: Sequence[Cell], device: str) -> Job:
    options, matrix, data = plan.options, plan.situation.matrix, plan.situation.data
    return Job(
        kind=kind,
        matrix=matrix.name,
        cells=flat_cells(cells),
        results=options.results.resolve(),
        data=None if data is None else data.resolve(),
        sources=matrix.sources,
        weights=matrix.weights,
        plugins=sources_of(matrix.plugins, _asked_for(cells, matrix)),
        device=device,
        fewer_shots=matrix.fewer_shots,
        tracking=matrix.tracking,
        logits=matrix.logits,
        trust_weights=options.trust_weights,
        again={name: plan.again[name] for name in map(cell_id, cells) if name in plan.again},
    )


def _asked_for(cells: Sequence[Cell], matrix: Matrix) -> Mapping[str, Collection[str]]:
    """The names by which a worker finds what may come from plug-ins; of the launcher it needs to know nothing."""
    likes = {source.name: source.like or "" for source in matrix.sources}
    datasets = {name for cell in cells for name in (cell.dataset, cell.target()[0])}
    return {
        "METHODS": {cell.method for cell in cells},
        "DATASETS": datasets | {likes.get(name, "") for name in datasets},
        "TRACKERS": {matrix.tracking.tracker},
    }


def _again(todo: Sequence[Standing], situation: Situation) -> dict[str, str]:
    """The failures that are to be tried again: from cell id to their time."""
    return {cell.id: situation.scan.facts[cell.id].created_at for cell in todo if cell.state == "failed"}


def _check(plan: _Plan, launcher: Launcher) -> None:
    """Have a worker look at everything that would fail all cells alike; on this machine's CPU for a cluster.

    Raises:
        HarnessError: with all that it found.
    """
    if not plan.new:
        return
    console.note(f"{plan.situation.matrix.name}: checking {len(plan.new)} pending cells")
    if plan.row.is_here:
        # The worker stays, and goes on to the first cells.
        ask(_job(plan, "check", plan.new, plan.devices[0].kind), launcher)
    else:
        ask_worker(_job(plan, "check", plan.new, "cpu"), [Device("cpu")])


def _run(plan: _Plan, launcher: Launcher) -> int:
    """Run all jobs with live progress; those that an earlier command handed over come first."""
    options, situation = plan.options, plan.situation
    seconds = _seconds(plan)
    pieces = [Piece(tuple(cells)) for cells in (*plan.earlier.folders, *_groups(plan, launcher, seconds))]
    claims = Claimant(options.results)
    ground = _ground(plan, claims)
    if plan.earlier.folders:
        console.note(f"{len(plan.earlier.folders)} jobs of {plan.earlier.words} are followed")
    names = display_names(situation.matrix.cells)
    progress = Progress(situation.matrix.name, plan.cells, names, situation.today.sizes, seconds)

    def say_first() -> None:
        progress.on_event({"event": "say", "text": "running jobs finish, no others begin; Ctrl-C again stops now"})

    try:
        claims.tidy()
        tidy_results(options.results)
        with live_matrix(situation, options.results) as live, progress, Orders(say_first) as orders:
            try:
                outcome = dispatch(pieces, ground, launcher, live.follow(progress.on_event), orders)
            except OSError as error:
                outcome = Outcome(fault=not_written(error).faults[0])
            except HarnessError as error:
                outcome = Outcome(fault=error.faults[0])
    finally:
        claims.tidy()
        claims.close()
    code = sum_up(
        options.matrix, options.results, situation, plan.cells, outcome, is_interrupted=bool(orders.exit_code)
    )
    return orders.exit_code if code and orders.exit_code else code


def _seconds(plan: _Plan) -> Mapping[Cell, float | None]:
    """How long each cell may take, as far as records tell."""
    workers = workers_of(plan.row, plan.launching, plan.devices)
    return forecaster(plan.situation, plan.options.results, workers).seconds(plan.cells)


def _groups(plan: _Plan, launcher: Launcher, seconds: Mapping[Cell, float | None]) -> Sequence[Sequence[Cell]]:
    """The new cells by job."""
    return group_cells(plan.new, launcher.workers, plan.situation.today.sizes, seconds)


def _ground(plan: _Plan, claims: Claimant) -> Ground:
    """What the dispatch of a plan stands on; jobs that were handed over earlier are not written anew."""
    ground = ground_of(
        plan.situation,
        plan.options.results,
        lambda cells: _job(plan, "run", cells, plan.devices[0].kind),
        plan.again,
        claims,
    )
    followed = dict(plan.earlier.folders)

    def write(cells: Sequence[Cell]) -> Path:
        folder = followed.pop(tuple(cells), None)  # once: a second try is a job of its own
        return ground.write(cells) if folder is None else folder

    return replace(ground, write=write)


def _detach(plan: _Plan, launcher: Launcher, launched: Sequence[Launched]) -> int:
    """Hand over as many jobs as there is room for, and leave."""
    groups = _groups(plan, launcher, _seconds(plan))
    room = max(0, launcher.room - sum(len(each.live) for each in launched))
    with closing(Claimant(plan.options.results)) as claims:
        ground = _ground(plan, claims)
        folders = [ground.write(group) for group in groups[:room]]
    if folders:
        launcher.submit(folders)
    console.say(f"{len(folders)} jobs are handed over; `harness status` tells how they stand")
    if len(groups) > room:
        console.say(f"{len(groups) - room} more do not fit now; the same command hands them over later")
    return 0
