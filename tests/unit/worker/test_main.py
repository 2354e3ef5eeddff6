"""The worker's command line: what it does with jobs, signals and the end of stdin, mostly as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.serving import Serving
from support.waiting import until

from harness.dispatch.launcher import serve_command
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import COOP
from harness.plan.attempt import read_attempt
from harness.plan.job import JOB_FILE, Job, flat_cells, write_job

ZERO_SHOT = Cell(dataset="digits", backbone="tiny", method="zero_shot", template="a photo of the digit {}.")
RECIPE = {**COOP.recipe("coop", "digits", 1), "epochs": 2000}
LONG = Cell.from_dict(
    {
        "dataset": "digits", "backbone": "tiny", "method": "coop", "protocol": "coop", "recipe": RECIPE,
        "shots": 1, "seed": 1, "views": 0, "context": "unified", "n_ctx": 4, "class_token_position": "end",
    }
)  # fmt: skip


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Serving]:
    """A worker, started in a folder with a file that would break it; it is gone behind the test."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "random.py").write_text("raise SystemExit('this is no random')")
    with (tmp_path / "worker.txt").open("wb") as log:
        process = subprocess.Popen(
            serve_command(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder,
            env={**os.environ, "HARNESS_STATE_S": "0.05"},
        )  # fmt: skip
    found = Serving(process)
    yield found
    found.process.kill()
    if found.process.stdin is not None and not found.process.stdin.closed:
        found.hang_up()


def _job(results: Path, *cells: Cell) -> Path:
    job = Job(kind="run", matrix="m", cells=flat_cells(cells), results=results, data=None, device="cpu")
    return write_job(job, 1)


def _status(folder: Path) -> int | None:
    attempt = read_attempt(folder)
    return None if attempt is None else attempt.status


@pytest.mark.slow
def test_a_worker_serves_until_it_is_told_to_end(worker: Serving, tmp_path: Path) -> None:
    """Job after job, each with its own log, and a file that is no job does not end it.

    It imports nothing from the current folder. Terminated, it saves where a training stands, lets go of its
    claims, leaves its status, and is gone.
    """
    ready = worker.answer("ready")
    assert ready == {"ready": worker.process.pid}
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / JOB_FILE).write_text("{}")
    for folder, status in ((_job(tmp_path, ZERO_SHOT), 0), (bad, 2), (_job(tmp_path, ZERO_SHOT), 0)):
        worker.send(folder)
        assert worker.answer("job") == {"job": str(folder / JOB_FILE), "status": status}
        assert _status(folder) == status
    assert "is not a job file" in (bad / "log.txt").read_text()
    assert [path.name for path in (tmp_path / "records").glob("*.json")] == [f"{cell_id(ZERO_SHOT)}.json"]
    long = _job(tmp_path, LONG)
    worker.send(long)
    until(lambda: list((tmp_path / "unfinished").glob("[!.]*")))
    saved = next((tmp_path / "unfinished").glob("[!.]*"))
    before, began = saved.stat().st_mtime_ns, time.monotonic()
    until(lambda: saved.stat().st_mtime_ns > before)
    before = saved.stat().st_mtime_ns
    time.sleep(3 * (time.monotonic() - began))  # so that an epoch ends, on a busy machine, too
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(60) == 143
    assert _status(long) == 143
    assert saved.stat().st_mtime_ns > before
    assert list((tmp_path / "claims" / "cells").iterdir()) == []
    assert list((tmp_path / "claims" / "owners").iterdir()) == []
