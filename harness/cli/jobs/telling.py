"""What a run says of its cells before any is begun, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.cli.jobs.attach import Earlier
from harness.cli.output import console
from harness.cli.state.situation import Situation, look_at_cells
from harness.dispatch.dispatch import Outcome
from harness.dispatch.ended import Ended
from harness.dispatch.launched import Launched
from harness.dispatch.logs import last_log
from harness.matrix.cell import Cell
from harness.matrix.identity import display_names
from harness.matrix.packaged import matrix_words
from harness.plan.pending import Standing

_LOG_LINES = 15
_MOST_LOGS = 3


def nothing_to_do(situation: Situation) -> int:
    """Say that all is done, or failed before; 1 where some failed."""
    done, failed = len(situation.of_state("done")), situation.of_state("failed")
    console.say(f"{situation.matrix.name}: nothing to do, {done} of {len(situation.cells)} cells are done")
    for cell in failed:
        console.say(f"failed {cell.id}: {cell.why}", style="red")
    if failed:
        console.say("run again with --retry-failed to try these once more")
    return 1 if failed else 0


def say_stale(todo: Sequence[Standing]) -> None:
    """Say which records do not count any more, and why."""
    for cell in todo:
        if cell.why.startswith("stale"):
            console.note(f"{cell.id} runs again, {cell.why}", style="yellow")


def say_left(earlier: Earlier, launched: Sequence[Launched], todo: Sequence[Standing]) -> None:
    """Say which cells are left to jobs that go on."""
    console.say(
        f"{len(todo) - len(earlier.without(todo))} cells wait or run on {earlier.words}; they are left there"
    )
    for each in launched:
        if not each.is_known:
            what = f"{each.launch.engine} does not answer here; to run its cells all the same remove"
            console.note(f"{what} {each.launch.path}", style="yellow")


def sum_up(
    matrix_file: Path,
    results: Path,
    situation: Situation,
    cells: Sequence[Cell],
    outcome: Outcome,
    *,
    is_interrupted: bool,
) -> int:
    """Say what came of the cells: by where they stand now, never by what workers said."""
    names = display_names(situation.matrix.cells)
    _, _, now = look_at_cells(tuple(cells), situation.matrix, results, situation.data, survey=True)
    failed = [cell for cell in now if cell.state == "failed"]
    unfinished = [cell for cell in now if cell.state == "pending"]
    n_done = len(now) - len(failed) - len(unfinished)
    console.say(f"{situation.matrix.name}: {n_done} done, {len(failed)} failed, {len(unfinished)} unfinished")
    for cell in failed:
        console.say(f"failed {cell.id} {names[cell.id]}: {cell.why}", style="red")
    if unfinished and is_interrupted:
        console.error("interrupted; what was finished is kept, and the next run goes on from there")
        return 1
    for cell in unfinished:
        console.say(f"unfinished {cell.id} {names[cell.id]}", style="red")
    if outcome.fault is not None:
        console.faults([outcome.fault])
    elif failed or unfinished:
        _show_logs(outcome.broken + outcome.failing)
    if not failed and not unfinished:
        console.say(f"see `harness report --matrix {matrix_words(matrix_file)}`")
    return 1 if failed or unfinished or outcome.fault else 0


def _show_logs(jobs: Sequence[Ended]) -> None:
    """The ends of the last few logs."""
    for job in jobs[-_MOST_LOGS:]:
        console.say(f"the end of {last_log(job.folder)} ({job.why or f'exit status {job.status}'}):")
        console.say(job.log_tail(_LOG_LINES))
    if len(jobs) > _MOST_LOGS:
        console.say(f"{len(jobs) - _MOST_LOGS} more jobs have such logs")
