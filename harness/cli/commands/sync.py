"""``harness sync``."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cli.output import console
from harness.cli.output.bar import Bar
from harness.cli.state.situation import look, look_at_cells, what_was_run
from harness.cli.state.snapshot import Tracked, write_snapshot
from harness.cli.vocabulary import names_for, names_still_there
from harness.data.dataset import data_root
from harness.errors import Fault, MatrixError, did_you_mean
from harness.matrix.identity import display_names
from harness.matrix.matrix import Matrix
from harness.matrix.plugged import unread_faults
from harness.matrix.vocabulary import Vocabulary
from harness.mirror.process import MirrorProcess
from harness.mirror.request import PATIENCE_S, Event, MirrorRequest
from harness.plan.pending import Standing
from harness.plugins.tables import sources_of
from harness.store.manifest import Manifest
from harness.tracking.ledger import tracking_log

_FAILURES = 3  # in a row: a run that cannot be shown is passed over, a server that takes none is not


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """The options of ``harness sync``."""

    matrix: Path | None
    results: Path
    data: Path | None
    track: str | None
    dry_run: bool
    again: bool


def sync_command(options: SyncOptions) -> int:
    """Show what a tracker lacks of one matrix, or of all that were run; 1 when some of it could not be shown.

    Raises:
        HarnessError: the input is wrong, or there is nothing to show.
    """
    code = 0
    for tracked in _tracked(options):
        code = max(code, _sync(tracked, options))
    return code


def _tracked(options: SyncOptions) -> list[Tracked]:
    """The matrices to show.

    Raises:
        HarnessError: a matrix cannot be read, nothing was run, or no tracker is named anywhere.
    """
    if options.matrix is not None:
        names = names_for(options.matrix)
        _check_tracker(options.track, names)
        situation = look(options.matrix, None, options.results, options.data)
        found = [_tracked_by(options.track, situation.matrix, situation.cells, names)]
    else:
        manifests = what_was_run(options.results)
        names = names_still_there(source for each in manifests for source in each.plugins)
        _check_tracker(options.track, names)
        root = data_root(options.data, None)
        looks = [(each, look_at_cells(each.cells, each, options.results, root)[2]) for each in manifests]
        found = [_tracked_by(options.track, each, cells, names) for each, cells in looks]
    wanted = [tracked for tracked in found if tracked.tracking.tracker != "none"]
    if not wanted:
        what = "nothing is tracked: the matrix names no tracker."
        mend = "Write `tracking: wandb` into it, or name one with --track wandb."
        raise MatrixError(Fault(", ".join(tracked.name for tracked in found), what, mend))
    return wanted


def _check_tracker(track: str | None, names: Vocabulary) -> None:
    """Raise MatrixError for a tracker that nobody knows, or that shows nothing."""
    known = tuple(name for name in names.trackers if name != "none")
    if track is not None and track not in known:
        fault = Fault("--track", f"unknown tracker {track!r}.", did_you_mean(track, known))
        raise MatrixError([fault, *unread_faults([fault], names)])


def _tracked_by(
    track: str | None, of: Matrix | Manifest, cells: tuple[Standing, ...], names: Vocabulary
) -> Tracked:
    """One matrix with the tracker of the command line, if it names one, in the place of its own."""
    tracking = of.tracking.by(track)
    return Tracked(of, tracking, cells, sources_of(names.plugins, {"TRACKERS": (tracking.tracker,)}))


def _sync(tracked: Tracked, options: SyncOptions) -> int:
    """Show one matrix and say what came of it."""
    ended = [standing for standing in tracked.cells if standing.state in ("done", "failed")]
    names = display_names([standing.cell for standing in tracked.cells])
    events: list[Event] = []
    with (
        tempfile.TemporaryDirectory(prefix="harness-sync-") as scratch,
        Bar(tracked.name, len(ended) + 1) as bar,
    ):
        request = MirrorRequest(
            matrix=tracked.name,
            results=options.results.resolve(),
            tracking=tracked.tracking,
            plugins=tracked.plugins,
            cells=tuple(standing.id for standing in ended),
            snapshot=write_snapshot(tracked, options.results, Path(scratch)),
            dry_run=options.dry_run,
            again=options.again,
            patience_s=PATIENCE_S,
            n_failures=_FAILURES,
        )

        def take(event: Event) -> None:
            events.append(event)
            if event.told == "say":
                bar.line(event.text, style="yellow")
            elif event.told == "failed":
                bar.line(f"failed {names.get(event.run, 'the run of the matrix')}: {event.text}", style="red")
            if event.run or event.told == "failed":
                bar.step()

        _talk(request, options.results, take)
    return _sum_up(tracked.name, events, len(ended) + 1, options)


def _sum_up(name: str, events: Sequence[Event], n_all: int, options: SyncOptions) -> int:
    """One line of counts, and the exit code."""
    counts = Counter(event.told for event in events)
    n_left = n_all - sum(counts[told] for told in ("shown", "kept", "lacking"))
    if options.dry_run:
        console.say(f"{name}: {counts['lacking']} of {n_all} runs would be sent, the matrix's own among them")
    else:
        console.say(f"{name}: {counts['shown']} runs sent, {counts['kept']} were there, {n_left} not sent")
    if not n_left:
        return 0
    for event in events:
        if event.told == "given_up":
            console.say(f"{name}: given up, {event.text}", style="red")
    console.say(
        f"what was sent is remembered, `harness sync` goes on from there; "
        f"{tracking_log(options.results)} has the details"
    )
    return 1


def _talk(request: MirrorRequest, results: Path, take: Callable[[Event], None]) -> None:
    """Have a mirror process do the request, which gives up by itself when nothing moves."""
    path = tracking_log(results)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as log:
        process = MirrorProcess(request, log)
        try:
            for event in process.rest():
                take(event)
        finally:
            process.stop()
