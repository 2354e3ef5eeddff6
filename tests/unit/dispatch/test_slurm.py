"""Workers as jobs of Slurm, over made-up commands."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch import slurm_handle, slurm_queue
from harness.dispatch.launched import look_at_launches, tidy
from harness.dispatch.launcher import JobState
from harness.dispatch.launches import intend, read_launches
from harness.dispatch.slurm import SlurmLauncher
from harness.dispatch.slurm_handle import judged
from harness.dispatch.slurm_queue import Seen
from harness.errors import MatrixError, RunError
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.launching import Launching
from harness.plan.attempt import Attempt, begin_attempt, end_attempt
from harness.plan.job import Job, flat_cells, write_job


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_queue, "_FIRST_S", 0.0)
    monkeypatch.setattr(slurm_queue, "_BUSY_S", 0.0)
    monkeypatch.setattr(slurm_handle, "_LOOK_S", 0.0)
    monkeypatch.setattr(slurm_handle, "_LOOK_AT_QUEUED_S", 0.0)


@pytest.fixture
def folders(tmp_path: Path, make_cell: Callable[..., Cell]) -> list[Path]:
    """Three jobs of one cell each."""
    cells = [make_cell(seed=seed) for seed in (1, 2, 3)]
    return [
        write_job(
            Job(
                kind="run",
                matrix="mine",
                cells=flat_cells([cell]),
                results=tmp_path / "the results",
                data=None,
                device="cpu",
            ),
            number,
        )
        for number, cell in enumerate(cells, start=1)
    ]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The results folder."""
    return tmp_path / "the results"


def launch(results: Path, **options: Any) -> SlurmLauncher:
    """A launcher with these options."""
    return SlurmLauncher(Launching(kind="slurm", **options), results / "mine" / "slurm")


def end(folder: Path, status: int | None) -> None:
    """Leave what a worker leaves."""
    attempt = begin_attempt(folder)
    if status is not None:
        end_attempt(folder, attempt, status)


def flags(script: str) -> set[str]:
    """The options in a script of sbatch."""
    return {line.removeprefix("#SBATCH --") for line in script.splitlines() if line.startswith("#SBATCH")}


@pytest.mark.parametrize(
    ("attempt", "seen", "over_s", "absent_s", "state"),
    [
        (None, None, 0, 0, JobState("queued", why="Slurm has not said anything of it yet")),
        (None, Seen("PENDING", "Resources"), 0, 0, JobState("queued", why="Resources")),
        (Attempt(1, 9), Seen("RUNNING"), 0, 0, JobState("running")),
        (Attempt(1, 9), Seen("COMPLETING"), 0, 0, JobState("running", why="completing")),
        (Attempt(1, 9, 0), Seen("RUNNING"), 0, 0, JobState("ended", 0)),
        (Attempt(1, 9, 2), None, 0, 0, JobState("ended", 2)),
        (Attempt(1, 9, 143), Seen("COMPLETING"), 0, 0, JobState("running", why="completing")),
        (Attempt(1, 9, 143), Seen("PENDING", "BeginTime"), 0, 0, JobState("queued", why="preempted")),
        (Attempt(1, 9), Seen("PENDING", "BeginTime"), 0, 0, JobState("queued", why="preempted")),
        (Attempt(1, 9, 143), Seen("CANCELLED"), 99, 0, JobState("ended", 143, "cancelled")),
        (None, Seen("CANCELLED"), 99, 0, JobState("ended", 143, "cancelled")),
        (Attempt(1, 9), Seen("COMPLETED"), 3, 0, JobState("running", why="completed")),
        (Attempt(1, 9), Seen("COMPLETED"), 20, 0, JobState("ended", None, "completed")),
        (Attempt(1, 9), Seen("NODE_FAIL"), 20, 0, JobState("ended", None, "node fail")),
        (Attempt(1, 9), Seen("OUT_OF_MEMORY"), 20, 0, JobState("ended", 3, "out of memory")),
        (Attempt(1, 9), Seen("FAILED"), 20, 20, JobState("ended", None, "failed")),
        (Attempt(1, 9), None, 20, 20, JobState("running", why="left the queue")),
        (Attempt(1, 9), None, 61, 61, JobState("ended", None, "left the queue")),
        (Attempt(1, 9, 143), None, 61, 61, JobState("ended", 143, "left the queue")),
        (None, None, 61, 61, JobState("ended", 143, "cancelled")),
    ],
)
def test_jobs_are_judged(
    attempt: Attempt | None, seen: Seen | None, over_s: float, absent_s: float, state: JobState
) -> None:
    """What the worker left decides, then Slurm; an end without a status waits for slow file systems."""
    assert judged(attempt, seen, over_s, absent_s) == state


def test_many_jobs_are_one_array(results: Path, folders: list[Path], slurm: Any) -> None:
    """Jobs are handed over in one submission, whose options are those that were asked for.

    Slurm starts them in the current folder, from which they import nothing.
    """
    launcher = launch(
        results, partition="long", time="90m", gpus=1, cpus=3, memory="1G", max_concurrent=2, account="us",
        sbatch={"mail-type": "FAIL", "exclusive": True}, setup=("module load cuda",),
    )  # fmt: skip
    handles = launcher.submit(folders)
    assert [handle.job_id for handle in handles] == ["100_0", "100_1", "100_2"]
    (script,) = slurm.scripts()
    assert {
        "partition=long", "time=90", "gpus-per-node=1", "cpus-per-task=3", "mem=1024M", "array=0-2%2",
        "account=us", "mail-type=FAIL", "exclusive", "requeue", "signal=USR2@120", "open-mode=append",
    } <= flags(script)  # fmt: skip
    assert not [flag for flag in flags(script) if flag.startswith(("wckey", "qos", "comment"))]
    assert script.index("module load cuda") < script.index("srun --unbuffered")
    assert "--cpus-per-task=3" in script.partition("srun --unbuffered")[2]
    assert f"{sys.executable} -P -u -m submitit" in script


def test_typed_gpus_stand_in_place_of_plain_ones(results: Path, folders: list[Path], slurm: Any) -> None:
    """Who spells GPUs in sbatch's words has them so, and not a second time."""
    launch(results, gpus=1, sbatch={"gres": "gpu:a100:1"}).submit(folders)
    assert "gres=gpu:a100:1" in flags(slurm.scripts()[0])
    assert "gpus-per-node" not in slurm.scripts()[0]


def test_time_is_the_partitions_own_where_none_is_given(results: Path, folders: list[Path], slurm: Any) -> None:
    """The default limit is asked for, so that a job knows what it has."""
    launch(results).submit(folders)
    assert "time=60" in flags(slurm.scripts()[0])


def test_unknown_time_is_told(results: Path, folders: list[Path], slurm: Any) -> None:
    """Where Slurm does not say a limit the user is asked for one, and nothing was handed over."""
    slurm.break_down("sinfo")
    with pytest.raises(RunError, match="Give a time limit: --time 4h"):
        launch(results).submit(folders)
    assert (slurm.states(), read_launches(results, "mine")) == ({}, [])


def test_states_follow_the_job(results: Path, folders: list[Path], slurm: Any) -> None:
    """A job waits, runs, is preempted, and ends with its worker's status."""
    handle = launch(results).submit(folders[:1])[0]
    assert (handle.job_id, handle.state()) == ("100", JobState("queued", why="Priority"))
    slurm.set("100", "RUNNING")
    assert handle.state().phase == "running"
    end(folders[0], 143)
    slurm.set("100", "PENDING", "BeginTime")
    assert handle.state() == JobState("queued", why="preempted")
    end(folders[0], 0)
    assert handle.state() == JobState("ended", 0)


def test_lost_job_ends_after_a_while(
    results: Path, folders: list[Path], slurm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is in neither the queue nor the accounts, and left no status, has ended with none."""
    monkeypatch.setattr(slurm_handle, "_ABSENT_S", 0.05)
    handle = launch(results).submit(folders[:1])[0]
    begin_attempt(folders[0])
    slurm.drop("100")
    assert handle.state() == JobState("running", why="left the queue")
    time.sleep(0.06)
    assert handle.state() == JobState("ended", None, "left the queue")


def test_launch_is_written_before_and_after(results: Path, folders: list[Path], slurm: Any) -> None:
    """The token and the cells stand on disk when sbatch is called, the ids after it."""
    sbatch = slurm.folder / "sbatch"
    sbatch.write_text(
        f'#!/bin/sh\ncp "{results}"/mine/launches/*.json "{results}/before"\n'
        + sbatch.read_text().partition("\n")[2]
    )
    launch(results).submit(folders)
    before = json.loads((results / "before").read_text())
    assert [job["id"] for job in before["jobs"]] == [None] * 3
    (known,) = read_launches(results, "mine")
    assert [job.engine_id for job in known.jobs] == ["100_0", "100_1", "100_2"]
    assert (before["token"], f"job-name={known.token}" in flags(slurm.scripts()[0])) == (known.token, True)
    assert [job.folder for job in known.jobs] == [folder.resolve() for folder in folders]


def test_refused_jobs_leave_nothing(results: Path, folders: list[Path], slurm: Any) -> None:
    """Sbatch's own words are told, and neither a launch nor a job is left."""
    slurm.break_down("sbatch", 1, "sbatch: error: Invalid account or partition specified\n")
    with pytest.raises(RunError, match="refuses the jobs: sbatch: error: Invalid account or partition"):
        launch(results).submit(folders)
    assert (read_launches(results, "mine"), slurm.states()) == ([], {})


def test_jobs_of_a_silent_controller_are_found_later(results: Path, folders: list[Path], slurm: Any) -> None:
    """Where nobody knows whether Slurm took the jobs the launch stays, and the next command cancels them."""
    slurm.break_down("sbatch", 1, "sbatch: error: Socket timed out on send/recv operation")
    slurm.break_down("squeue")
    with pytest.raises(RunError, match="may have taken them all the same"):
        launch(results).submit(folders)
    (left,) = read_launches(results, "mine")
    slurm.break_down("squeue", 0)
    known = slurm.read()
    known["jobs"]["100_0"] = {"name": left.token, "state": "PENDING", "reason": "None"}
    slurm.write(known)
    gone(left.path)
    assert tidy(look_at_launches(results, "mine")) == []
    assert (slurm.states(), read_launches(results, "mine")) == ({"100_0": "CANCELLED"}, [])


def gone(path: Path) -> None:
    """Make the process of a launch one that is not there."""
    path.write_text(json.dumps(json.loads(path.read_text()) | {"process": 2**22 + 1}))


def test_launch_in_the_making_is_left_alone(results: Path, folders: list[Path], slurm: Any) -> None:
    """A process that is about to hand jobs over is not disturbed; its cells count as queued."""
    intend("slurm", folders)
    (seen,) = tidy(look_at_launches(results, "mine"))
    assert [state.phase for _, state in seen.live] == ["queued"] * 3
    assert slurm.calls("scancel") == []


def test_room_is_what_an_array_holds(results: Path, folders: list[Path], slurm: Any) -> None:
    """There is room for as many jobs as one array holds, or as the user lets wait, less those that are open."""
    assert launch(results).room == 1001
    launcher = launch(results, max_submitted=3)
    handles = launcher.submit(folders[:2])
    assert launcher.room == 1
    end(folders[0], 0)
    assert (handles[0].state().phase, launcher.room) == ("ended", 2)


def test_places_are_what_the_user_says(results: Path, slurm: Any) -> None:
    """Groups are cut for as many places as may be used at a time."""
    assert (launch(results, max_concurrent=4).workers, launch(results).workers) == (4, 16)


def test_stopped_jobs_are_cancelled(results: Path, folders: list[Path], slurm: Any) -> None:
    """Those that are named are gone when the call returns, the others go on."""
    launcher = launch(results)
    handles = launcher.submit(folders)
    launcher.stop(handles[:2])
    assert [handle.state() for handle in handles[:2]] == [JobState("ended", 143, "cancelled")] * 2
    assert slurm.states() == {"100_0": "CANCELLED", "100_1": "CANCELLED", "100_2": "PENDING"}


def test_jobs_of_an_earlier_command_are_followed(results: Path, folders: list[Path], slurm: Any) -> None:
    """A job that Slurm still has is not handed over again."""
    launch(results).submit(folders[:2])
    handles = launch(results).submit(folders)
    assert [handle.job_id for handle in handles] == ["100_0", "100_1", "101"]
    slurm.set("100_1", "RUNNING")
    assert [handle.state().phase for handle in handles] == ["queued", "running", "queued"]


def test_ended_launch_is_forgotten(results: Path, folders: list[Path], slurm: Any) -> None:
    """When all jobs of a launch have ended its file goes, and so do submitit's; logs stay."""
    launcher = launch(results)
    handles = launcher.submit(folders)
    (own,) = (results / "mine" / "slurm").iterdir()
    (own / "100_0_0_log.out").touch()
    launcher.close()
    assert len(read_launches(results, "mine")) == 1
    for handle in handles:
        end(handle.folder, 0)
        handle.state()
    launcher.close()
    assert read_launches(results, "mine") == []
    assert [path.name for path in own.iterdir()] == ["100_0_0_log.out"]


def test_launch_with_jobs_that_had_ended_before_is_forgotten(
    results: Path, folders: list[Path], slurm: Any
) -> None:
    """A job that was cancelled before its launch was followed does not keep the launch; one that waits does."""
    launch(results).submit(folders)
    slurm.set("100_0", "CANCELLED")
    launcher = launch(results)
    (handle,) = launcher.submit(folders[1:2])
    end(handle.folder, 0)
    handle.state()
    launcher.close()
    assert len(read_launches(results, "mine")) == 1
    end(folders[2], 0)
    launcher.close()
    assert read_launches(results, "mine") == []


def test_launch_that_is_gone_when_it_is_read_is_left_out(results: Path, folders: list[Path], slurm: Any) -> None:
    """A file that was listed, and that another command removed before it was read, is no fault."""
    launch(results).submit(folders)
    (results / "mine" / "launches" / "other.json").symlink_to("removed.json")
    assert len(read_launches(results, "mine")) == 1


def test_log_of_slurm_is_found_from_the_job(results: Path, folders: list[Path], slurm: Any) -> None:
    """A job's folder leads to what Slurm and the lines of set-up said."""
    launch(results).submit(folders)
    (own,) = (results / "mine" / "slurm").iterdir()
    (own / "100_1_0_log.out").write_text("module: not found\n")
    assert (folders[1] / "engine.txt").read_text() == "module: not found\n"


def test_launches_are_seen_at_once(results: Path, folders: list[Path], slurm: Any) -> None:
    """A look tells how every job of every launch stands, with one call of squeue."""
    launch(results).submit(folders[:2])
    launch(results).submit(folders[2:])
    slurm.set("100_0", "RUNNING")
    end(folders[0], None)
    slurm.set("100_1", "CANCELLED")
    before = len(slurm.calls("squeue"))
    first, second = look_at_launches(results, "mine")
    assert len(slurm.calls("squeue")) == before + 1
    assert [state for _, state in first.jobs] == [JobState("running"), JobState("ended", 143, "cancelled")]
    assert [state for _, state in second.jobs] == [JobState("queued", why="Priority")]
    assert first.jobs[0][0].cells == (cell_id_of(folders[0]),)


def cell_id_of(folder: Path) -> str:
    """The id of the one cell of a job."""
    (flat,) = json.loads((folder / "job.json").read_text())["cells"]
    return cell_id(Cell.from_dict(flat))


def test_slurm_that_cannot_be_asked_leaves_jobs_live(results: Path, folders: list[Path], slurm: Any) -> None:
    """Without an answer jobs are taken to go on, save those that have left a status."""
    launch(results).submit(folders)
    end(folders[2], 0)
    slurm.break_down("squeue")
    (seen,) = look_at_launches(results, "mine")
    assert not seen.is_known
    assert [job.folder for job, _ in seen.live] == [folder.resolve() for folder in folders[:2]]


def test_old_launch_out_of_the_queue_has_ended(results: Path, folders: list[Path], slurm: Any) -> None:
    """Jobs that Slurm has forgotten are over; those it took just now may not be listed yet."""
    launch(results).submit(folders[:1])
    begin_attempt(folders[0])
    slurm.drop("100")
    (seen,) = look_at_launches(results, "mine")
    assert seen.live
    path = seen.launch.path
    path.write_text(json.dumps(json.loads(path.read_text()) | {"created_s": 0}))
    (seen,) = look_at_launches(results, "mine")
    assert [state for _, state in seen.jobs] == [JobState("ended", None, "left the queue")]
    assert tidy([seen]) == []
    assert read_launches(results, "mine") == []


def test_all_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch, results: Path) -> None:
    """Without submitit and without Slurm both are said, with what to do."""
    monkeypatch.setenv("PATH", str(results))
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "submitit" else found(name))
    with pytest.raises(MatrixError) as caught:
        launch(results)
    assert [str(fault) for fault in caught.value.faults] == [
        "--launcher: slurm needs submitit, which is not installed. `pip install 'coop-harness[slurm]'` brings it.",
        "--launcher: Slurm is not on this machine: sbatch, srun, squeue, scancel not found on PATH. "
        "Run harness on a login node of the cluster, or take another.",
    ]


def test_flags_go_before_the_environment(
    results: Path, folders: list[Path], slurm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sbatch heeds its variables before a script; those that contradict what was asked for are kept from it."""
    for name in ("PARTITION", "QOS", "JOB_NAME", "TIMELIMIT"):
        monkeypatch.setenv(f"SBATCH_{name}", "mine")
    (slurm.folder / "sbatch").write_text(
        f'#!/bin/sh\nenv | grep ^SBATCH_ > "{slurm.folder}/seen"\necho Submitted batch job 5\n'
    )
    launch(results, partition="long").submit(folders[:1])
    assert (slurm.folder / "seen").read_text() == "SBATCH_QOS=mine\n"
    assert os.environ["SBATCH_PARTITION"] == "mine"


def test_job_within_a_job_starts_afresh(
    results: Path, folders: list[Path], slurm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From inside a Slurm job others are submitted without its facts, which are back afterwards."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "64")
    monkeypatch.setenv("SLURM_CONF", "somewhere")
    (slurm.folder / "sbatch").write_text(
        f'#!/bin/sh\nenv | grep ^SLURM_ > "{slurm.folder}/seen"\necho Submitted batch job 5\n'
    )
    launch(results).submit(folders[:1])
    assert (slurm.folder / "seen").read_text() == "SLURM_CONF=somewhere\n"
    assert os.environ["SLURM_CPUS_PER_TASK"] == "64"
