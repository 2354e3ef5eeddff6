"""Jobs that were handed to an engine and left there: what ``harness status`` and ``harness run`` say of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.cli.output import console
from harness.dispatch.launched import Launched
from harness.dispatch.launcher import CANCELLED, PREEMPTED, JobState
from harness.dispatch.logs import last_log, log_tail
from harness.plan.job import DONE
from harness.plan.pending import Standing

_WORDS = ("running", "queued", "preempted", "done", "failed", "cancelled")
_MOST_LOGS = 3
_LOG_LINES = 15


def word_of(state: JobState) -> str:
    """How a job stands, in one word: a preempted one is queued again, and did not fail."""
    if state.phase == "ended":
        if state.status == DONE:
            return "done"
        return state.why if state.why in (CANCELLED, PREEMPTED) else "failed"
    return PREEMPTED if state.why == PREEMPTED else state.phase


def waiting_cells(launched: Iterable[Launched]) -> dict[str, str]:
    """By cell id, ``running`` or ``queued`` for the cells of jobs that have not ended."""
    return {cell: state.phase for each in launched for job, state in each.live for cell in job.cells}


def say_launches(matrix: str, launched: Sequence[Launched], cells: Sequence[Standing]) -> bool:
    """Print a line a launch, then the logs' ends of jobs that failed; whether cells of such jobs are left."""
    left = {cell.id for cell in cells if cell.state == "pending"}
    for each in launched:
        counts = Counter(word_of(state) for _, state in each.jobs)
        told = ", ".join(f"{counts[word]} {word}" for word in _WORDS if counts[word])
        console.say(f"{matrix}: launch {each.launch.id} on {each.launch.engine}, jobs: {told}{_why(each)}")
        if not each.is_known:
            console.note(f"{each.launch.engine} does not answer here; its jobs may have ended", style="yellow")
    failed = [
        (job, state)
        for each in launched
        for job, state in each.jobs
        if word_of(state) == "failed" and left.intersection(job.cells)
    ]
    for job, state in failed[:_MOST_LOGS]:
        how = state.why or f"exit status {state.status}"
        console.say(f"failed job {job.engine_id} ({how}); the end of {last_log(job.folder)}:", style="red")
        console.say(log_tail(job.folder, _LOG_LINES))
    if len(failed) > _MOST_LOGS:
        console.say(f"{len(failed) - _MOST_LOGS} more jobs failed", style="red")
    return bool(failed)


def _why(each: Launched) -> str:
    """``; Priority``: the reasons why jobs wait."""
    reasons = dict.fromkeys(state.why for _, state in each.live if state.why and state.why != PREEMPTED)
    return f" ({', '.join(reasons)})" if reasons else ""
