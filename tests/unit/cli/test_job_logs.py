"""What workers told and printed, found by the cells that ran in them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.state.job_logs import read_jobs
from harness.report.page.logs import Jobs

A, B, C = "a" * 20, "b" * 20, "c" * 20
MakeJob = Callable[..., Path]


@pytest.fixture
def put_job(tmp_path: Path) -> MakeJob:
    """From a number, events and a log to the folder of a job."""

    def put(number: int, events: list[dict[str, Any]], log: str | bytes = "", age_s: float = 0.0) -> Path:
        folder = tmp_path / "mine" / "jobs" / f"20260101-000000-1-{number:03d}-run"
        folder.mkdir(parents=True)
        (folder / "events.jsonl").write_text(
            "".join(json.dumps(event) + "\n" for event in events), encoding="utf-8"
        )
        (folder / "log.txt").write_bytes(log if isinstance(log, bytes) else log.encode())
        then = time.time() - age_s
        os.utime(folder / "events.jsonl", (then, then))
        return folder

    return put


def done(cell: str) -> dict[str, Any]:
    """The event of a cell that ended well."""
    return {"event": "done", "cell": cell, "accuracy": 0.5, "seconds": 1.0}


def epoch(cell: str, number: int) -> dict[str, Any]:
    """The event of an epoch."""
    return {"event": "epoch", "cell": cell, "epoch": number, "epochs": 50}


def test_last_job_of_a_cell_is_shown(put_job: MakeJob, tmp_path: Path) -> None:
    """A cell that ran twice has the log of the later job; what was only begun counts, too."""
    put_job(1, [done(A), done(B)], "first")
    put_job(2, [epoch(B, 1), epoch(C, 1)], "second")
    jobs = read_jobs(tmp_path, "mine", {})
    assert [jobs.logs[jobs.of_cell[cell]].tail for cell in (A, B, C)] == ["first", "second", "second"]


def test_jobs_without_cells_of_their_own_are_left_out(put_job: MakeJob, tmp_path: Path) -> None:
    """A job whose cells all ran again later is not on the page."""
    put_job(1, [done(A)], "first")
    put_job(2, [done(A)], "second")
    assert [log.tail for log in read_jobs(tmp_path, "mine", {}).logs] == ["second"]


def test_what_a_worker_told_stands_before_what_it_printed(put_job: MakeJob, tmp_path: Path) -> None:
    """Remarks of the worker are part of the tail, with quotes and letters as they were."""
    put_job(1, [{"event": "say", "text": 'a "quoted" ü\\n'}, done(A)], "printed")
    assert read_jobs(tmp_path, "mine", {}).logs[0].tail == 'a "quoted" ü\\n\nprinted'


def test_long_logs_are_cut_to_their_end(put_job: MakeJob, tmp_path: Path) -> None:
    """Of a long log the last lines are shown, and that there is more."""
    put_job(1, [done(A)], "".join(f"line {number}\n" for number in range(200_000)))
    (log,) = read_jobs(tmp_path, "mine", {}).logs
    assert log.is_cut
    assert log.tail.splitlines()[-1] == "line 199999"
    assert len(log.tail.splitlines()) == 60


def test_control_characters_go(put_job: MakeJob, tmp_path: Path) -> None:
    """Colours, bells and bytes that are no letters do not reach the page."""
    put_job(1, [done(A)], b"\x1b[31mred\x1b[0m\x07\x00 \xff\r\nbar 1\rbar 2")
    assert read_jobs(tmp_path, "mine", {}).logs[0].tail == "red \ufffd\nbar 1\nbar 2"


def test_traceback_of_a_failed_cell_is_found(put_job: MakeJob, tmp_path: Path) -> None:
    """Of several tracebacks in one log, a cell has the one that ends in its own reason."""
    traces = {
        cell: f"Traceback (most recent call last):\n  File x, line {line}\nValueError: {cell}\n"
        for line, cell in enumerate((A, B))
    }
    put_job(1, [{"event": "failed", "cell": cell, "reason": f"ValueError: {cell}"} for cell in (A, B)],
            f"noise\n{traces[A]}noise\n{traces[B]}")  # fmt: skip
    jobs = read_jobs(tmp_path, "mine", {A: f"ValueError: {A}", B: f"ValueError: {B}", C: "lost"})
    assert jobs.traces == {cell: trace.strip() for cell, trace in traces.items()}


@pytest.mark.parametrize(
    ("is_live", "age_s", "found"), [(True, 0, {B: (7, 50)}), (True, 3600, {}), (False, 0, {})]
)
def test_cells_that_are_being_trained(
    put_job: MakeJob, tmp_path: Path, is_live: bool, age_s: float, found: dict[str, tuple[int, int]]
) -> None:
    """How far a cell is can be told while its worker lives; a page that is written knows nothing of now."""
    put_job(1, [epoch(A, 1), epoch(B, 6), done(A), epoch(B, 7)], age_s=age_s)
    assert read_jobs(tmp_path, "mine", {}, is_live=is_live).epochs == found


def test_a_cell_that_ended_in_a_later_job_is_not_running(put_job: MakeJob, tmp_path: Path) -> None:
    """What a killed worker had begun is over when another one has done it."""
    put_job(1, [epoch(A, 7)])
    put_job(2, [done(A)])
    assert read_jobs(tmp_path, "mine", {}, is_live=True).epochs == {}


def test_nothing_there(tmp_path: Path) -> None:
    """Without jobs, or with folders that hold nothing, there are no logs and no fault."""
    assert read_jobs(tmp_path, "mine", {A: "x"}) == Jobs()
    (tmp_path / "mine" / "jobs" / "20260101-000000-1-001-run").mkdir(parents=True)
    assert read_jobs(tmp_path, "mine", {A: "x"}) == Jobs()


def test_broken_events_are_passed_over(put_job: MakeJob, tmp_path: Path) -> None:
    """Half a line, strange bytes and strange values do not keep the rest from being read."""
    folder = put_job(1, [done(A)], "printed")
    with (folder / "events.jsonl").open("ab") as file:
        file.write(b'{"event": "say", "text": "\\q"}\n\xff\xfe\n{"event": "done", "ce')
    assert read_jobs(tmp_path, "mine", {}).logs[0].tail == "printed"
