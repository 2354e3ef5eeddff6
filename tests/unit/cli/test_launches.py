"""What is said of jobs that were handed to Slurm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.jobs.launches import word_of
from harness.dispatch import slurm_queue
from harness.dispatch.launcher import JobState
from harness.dispatch.launches import read_launches
from harness.dispatch.slurm import SlurmLauncher
from harness.matrix.cell import Cell
from harness.matrix.launching import Launching
from harness.matrix.matrix import Matrix
from harness.plan.attempt import begin_attempt, end_attempt
from harness.plan.job import Job, flat_cells, write_job
from harness.store.manifest import write_manifest
from harness.store.records import write_record

Harness = Callable[..., Any]


@pytest.fixture
def launched(tmp_path: Path, cells: tuple[Cell, ...], slurm: Any, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of a launch of three jobs, a cell each."""
    monkeypatch.setattr(slurm_queue, "_FIRST_S", 0.0)
    write_manifest(tmp_path, Matrix("mine", cells))
    folders = [
        write_job(
            Job(kind="run", matrix="mine", cells=flat_cells([cell]), results=tmp_path, data=None, device="cpu"),
            number,
        )
        for number, cell in enumerate(cells, start=1)
    ]
    SlurmLauncher(Launching(kind="slurm"), tmp_path / "mine" / "slurm").submit(folders)
    return folders


def squeezed(text: str) -> list[str]:
    """The lines of a text, runs of spaces as one, empty lines left out."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (JobState("queued", why="Priority"), "queued"),
        (JobState("queued", why="preempted"), "preempted"),
        (JobState("running", why="completing"), "running"),
        (JobState("ended", 0), "done"),
        (JobState("ended", 1), "failed"),
        (JobState("ended", None, "left the queue"), "failed"),
        (JobState("ended", 143, "cancelled"), "cancelled"),
        (JobState("ended", 143, "preempted"), "preempted"),
        (JobState("ended", 143), "failed"),
    ],
)
def test_jobs_stand_in_one_word(state: JobState, word: str) -> None:
    """Preempted and cancelled jobs did not fail; those that ended with another status did."""
    assert word_of(state) == word


def test_status_tells_how_jobs_stand(harness: Harness, launched: list[Path], slurm: Any, tmp_path: Path) -> None:
    """Cells that wait and that are worked on are counted, and a launch is a line."""
    slurm.set("100_0", "RUNNING")
    slurm.set("100_1", "PENDING", "BeginTime")
    begin_attempt(launched[1])
    answer = harness("status", "--results", tmp_path)
    (launch,) = read_launches(tmp_path, "mine")
    assert (answer.code, squeezed(answer.out)) == (
        0,
        [
            "matrix cells done pending queued running stale failed",
            "mine 3 0 3 2 1 0 0",
            f"mine: launch {launch.id} on slurm, jobs: 1 running, 1 queued, 1 preempted (Priority)",
        ],
    )


def test_failed_jobs_show_the_end_of_their_log(
    harness: Harness, launched: list[Path], slurm: Any, tmp_path: Path
) -> None:
    """A job that broke down and left cells is an exit code of 1 with its last words; a cancelled one is not."""
    for job_id in ("100_0", "100_1"):
        slurm.set(job_id, "CANCELLED")
    attempt = begin_attempt(launched[2])
    end_attempt(launched[2], attempt, 2)
    (launched[2] / "log.txt").write_text("digits: the data set is gone.\n")
    answer = harness("status", "--results", tmp_path)
    assert answer.code == 1
    lines = squeezed(answer.out)
    assert lines[2].endswith("on slurm, jobs: 1 failed, 2 cancelled")
    assert lines[3:] == [
        f"failed job 100_2 (exit status 2); the end of {launched[2] / 'log.txt'}:",
        "digits: the data set is gone.",
    ]


def test_failed_job_without_cells_left_is_no_fault(
    harness: Harness, launched: list[Path], slurm: Any, tmp_path: Path, cells: tuple[Cell, ...],
    make_record: Callable[..., Any],
) -> None:  # fmt: skip
    """What another worker has recorded since makes up for a job that failed."""
    for folder, cell in zip(launched, cells, strict=True):
        end_attempt(folder, begin_attempt(folder), 1)
        write_record(tmp_path, make_record(cell))
    answer = harness("status", "--results", tmp_path)
    assert (answer.code, len(squeezed(answer.out))) == (0, 3)


def test_slurm_that_does_not_answer_is_said(
    harness: Harness, launched: list[Path], slurm: Any, tmp_path: Path
) -> None:
    """Where squeue fails jobs count as queued, with a word of caution."""
    slurm.break_down("squeue")
    answer = harness("status", "--results", tmp_path)
    assert (answer.code, answer.err) == (0, "slurm does not answer here; its jobs may have ended\n")
    assert "3 queued" in answer.out


def test_damaged_launch_is_bad_input(harness: Harness, launched: list[Path], tmp_path: Path) -> None:
    """A launch that cannot be read is said with what to do about its jobs."""
    (launch,) = read_launches(tmp_path, "mine")
    launch.path.write_text("{")
    answer = harness("status", "--results", tmp_path)
    assert answer.code == 2
    assert f"error: {launch.path}: is not a launch: " in answer.err
    assert "look for them with `squeue`, then remove the file." in answer.err
