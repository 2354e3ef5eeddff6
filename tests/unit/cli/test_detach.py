"""``harness run --launcher slurm``, over made-up commands of Slurm."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.cli.commands import run as run_module
from harness.dispatch import slurm as slurm_module
from harness.dispatch import slurm_queue
from harness.dispatch.launches import intend, read_launches
from harness.dispatch.slurm import SlurmHandle, SlurmLauncher
from harness.matrix.cell import Cell
from harness.plan.attempt import begin_attempt, end_attempt
from harness.store.records import write_record

Harness = Callable[..., Any]
SLURM = ("--launcher", "slurm", "--time", "1h")


@pytest.fixture(autouse=True)
def checked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many cells were checked each time, which is all that the check does; Slurm is asked all the time."""
    monkeypatch.setattr(slurm_queue, "_FIRST_S", 0.0)
    monkeypatch.setattr(slurm_queue, "_BUSY_S", 0.0)
    monkeypatch.setattr(slurm_module, "_LOOK_S", 0.0)
    monkeypatch.setattr(slurm_module, "_LOOK_AT_QUEUED_S", 0.0)
    found: list[int] = []
    monkeypatch.setattr(run_module, "ask_worker", lambda job, _: found.append(len(job.cells)))
    return found


@pytest.fixture
def run(harness: Harness, matrix: Path, tmp_path: Path, slurm: Any) -> Callable[..., Any]:
    """``harness run`` of the matrix."""
    return lambda *flags: harness("run", "--matrix", matrix, "--results", tmp_path / "results", *flags)


@pytest.fixture
def behind_submit(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Makes something happen as soon as a command has its jobs in Slurm, new ones or earlier ones."""
    own = SlurmLauncher.submit

    def happen(act: Callable[[], object]) -> None:
        def submit(launcher: SlurmLauncher, folders: Sequence[Path]) -> list[SlurmHandle]:
            handles = own(launcher, folders)
            act()
            return handles

        monkeypatch.setattr(SlurmLauncher, "submit", submit)

    return happen


@pytest.fixture
def work(
    slurm: Any, tmp_path: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any]
) -> Callable[[], None]:
    """Does all jobs of the queue as workers would: their cells get records, and they leave their status."""

    def work() -> None:
        by_id = {json.dumps(cell.to_dict(), sort_keys=True): cell for cell in cells}
        for launch in read_launches(tmp_path / "results", "mine"):
            for job in launch.jobs:
                attempt = begin_attempt(job.folder)
                for flat in json.loads((job.folder / "job.json").read_text())["cells"]:
                    cell = by_id[json.dumps(flat, sort_keys=True)]
                    write_record(tmp_path / "results", make_record(cell))
                end_attempt(job.folder, attempt, 0)

    return work


def test_detached_jobs_are_handed_over(run: Callable[..., Any], slurm: Any, tmp_path: Path) -> None:
    """All jobs go to Slurm in one array, and the command says how to look at them."""
    answer = run(*SLURM, "--detach")
    (launch,) = read_launches(tmp_path / "results", "mine")
    assert (answer.code, answer.out) == (
        0,
        f"{len(launch.jobs)} jobs are handed over; `harness status` tells how they stand\n",
    )
    assert set(slurm.states()) == {job.engine_id for job in launch.jobs}
    assert sum(len(job.cells) for job in launch.jobs) == 3


@pytest.mark.parametrize("flags", [(*SLURM, "--detach"), ("--device", "cpu")])
def test_cells_in_the_queue_are_left_there(
    run: Callable[..., Any], slurm: Any, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """Neither another detached run nor one on this machine takes cells that Slurm still has."""
    run(*SLURM, "--detach")
    (launch,) = read_launches(tmp_path / "results", "mine")
    before = slurm.states()
    answer = run(*flags)
    assert (answer.code, answer.out) == (
        0,
        f"3 cells wait or run on slurm (launch {launch.id}); they are left there\n",
    )
    assert slurm.states() == before


def test_slurm_that_is_not_here_keeps_its_cells(
    run: Callable[..., Any], slurm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine without Slurm its cells are left to it, and the way to run them all the same is said."""
    run(*SLURM, "--detach")
    (launch,) = read_launches(tmp_path / "results", "mine")
    slurm.break_down("squeue")
    answer = run("--device", "cpu")
    assert (answer.code, "they are left there" in answer.out) == (0, True)
    assert f"to run its cells all the same remove {launch.path}" in answer.err


def test_only_what_is_new_is_handed_over(
    run: Callable[..., Any], slurm: Any, tmp_path: Path, matrix: Path, checked: list[int]
) -> None:
    """With cells added to the matrix, only those are checked and handed over."""
    run(*SLURM, "--detach")
    matrix.write_text(matrix.read_text().replace("[1, 2]", "[1, 2, 3]"))
    answer = run(*SLURM, "--detach")
    assert answer.out.splitlines()[-1].startswith("1 jobs are handed over")
    first, second = read_launches(tmp_path / "results", "mine")
    assert (len(second.jobs), checked) == (1, [3, 1])
    assert set(second.jobs[0].cells).isdisjoint(cell for job in first.jobs for cell in job.cells)


def test_jobs_are_followed_to_their_end(
    run: Callable[..., Any],
    slurm: Any,
    tmp_path: Path,
    work: Callable[[], None],
    checked: list[int],
    behind_submit: Callable[[Callable[[], object]], None],
) -> None:
    """A later command waits for the jobs of a detached one, hands over nothing, and sums up."""
    run(*SLURM, "--detach")
    before = slurm.states()
    behind_submit(work)
    answer = run(*SLURM)
    assert (answer.code, answer.out.splitlines()[0]) == (0, "mine: 3 done, 0 failed, 0 unfinished")
    assert f"{len(before)} jobs of slurm (launch " in answer.err
    assert (slurm.states(), checked) == (before, [3])
    assert read_launches(tmp_path / "results", "mine") == []


def test_cancelled_jobs_are_run_by_the_next_command(
    run: Callable[..., Any], slurm: Any, tmp_path: Path, work: Callable[[], None]
) -> None:
    """What somebody cancelled is missing, and is handed over when the user asks again."""
    run(*SLURM, "--detach")
    for job_id in slurm.states():
        slurm.set(job_id, "CANCELLED")
    answer = run(*SLURM, "--detach")
    assert "jobs are handed over" in answer.out
    (launch,) = read_launches(tmp_path / "results", "mine")
    assert {slurm.states()[str(job.engine_id)] for job in launch.jobs} == {"PENDING"}


def test_jobs_that_are_cancelled_meanwhile_are_not_tried_again(
    run: Callable[..., Any],
    slurm: Any,
    monkeypatch: pytest.MonkeyPatch,
    behind_submit: Callable[[Callable[[], object]], None],
) -> None:
    """Who cancels a job does not want it: the command that waits ends with what is unfinished."""
    monkeypatch.setattr(slurm_module, "_SETTLE_S", 0.0)
    run(*SLURM, "--detach")
    behind_submit(lambda: [slurm.set(job_id, "CANCELLED") for job_id in slurm.states()])
    answer = run(*SLURM)
    assert (answer.code, answer.out.splitlines()[0]) == (1, "mine: 0 done, 0 failed, 3 unfinished")
    assert "(cancelled):" in answer.out
    assert len(slurm.scripts()) == 1


def test_submission_that_was_broken_off_is_made_good(run: Callable[..., Any], slurm: Any, tmp_path: Path) -> None:
    """Jobs whose numbers nobody wrote down are cancelled, and their cells handed over again."""
    run(*SLURM, "--detach")
    (launch,) = read_launches(tmp_path / "results", "mine")
    content = json.loads(launch.path.read_text())
    content["jobs"] = [job | {"id": None} for job in content["jobs"]]
    launch.path.write_text(json.dumps(content | {"process": 2**22 + 1}))
    old = set(slurm.states())
    assert "jobs are handed over" in run(*SLURM, "--detach").out
    states = slurm.states()
    assert {states[job_id] for job_id in old} == {"CANCELLED"}
    assert {states[job_id] for job_id in set(states) - old} == {"PENDING"}


def test_submission_by_another_command_is_waited_for(run: Callable[..., Any], slurm: Any, tmp_path: Path) -> None:
    """Cells that another command is about to hand over are not handed over twice."""
    run(*SLURM, "--detach")
    (launch,) = read_launches(tmp_path / "results", "mine")
    folders = [job.folder for job in launch.jobs]
    launch.path.unlink()
    intend("slurm", folders)
    assert "they are left there" in run(*SLURM, "--detach").out
    assert len(slurm.scripts()) == 1


def test_only_as_many_as_fit_are_handed_over(
    run: Callable[..., Any], slurm: Any, tmp_path: Path, matrix: Path
) -> None:
    """A limit on jobs in the queue is kept over commands, and what is left is said."""
    matrix.write_text(matrix.read_text() + "launcher: {kind: slurm, time: 1h, max_submitted: 2}\n")
    answer = run("--detach")
    assert answer.out.splitlines() == [
        "2 jobs are handed over; `harness status` tells how they stand",
        "1 more do not fit now; the same command hands them over later",
    ]
    answer = run("--detach")
    assert answer.out.splitlines()[-2:] == [
        "0 jobs are handed over; `harness status` tells how they stand",
        "1 more do not fit now; the same command hands them over later",
    ]


def test_refusal_is_told_in_slurms_words(run: Callable[..., Any], slurm: Any, tmp_path: Path) -> None:
    """A partition that is not there is bad input with sbatch's own words, and leaves nothing behind."""
    slurm.break_down("sbatch", 1, "sbatch: error: invalid partition specified: nowhere\n")
    answer = run(*SLURM, "--detach", "--partition", "nowhere")
    assert answer.code == 2
    assert "error: sbatch: refuses the jobs: sbatch: error: invalid partition specified: nowhere" in answer.err
    assert read_launches(tmp_path / "results", "mine") == []


def test_detach_is_for_slurm(run: Callable[..., Any]) -> None:
    """Workers of this machine cannot be left alone."""
    answer = run("--detach", "--device", "cpu")
    assert (answer.code, answer.out) == (2, "")
    assert "--detach: local has nobody who goes on" in answer.err
