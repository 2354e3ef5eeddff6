"""What Slurm says of jobs."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch import slurm_queue
from harness.dispatch.slurm_queue import (
    Seen,
    Watch,
    accounted_jobs,
    cancel,
    goes_on,
    largest_array,
    queued_jobs,
    usual_time_min,
)


@pytest.fixture(autouse=True)
def _always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_queue, "_FIRST_S", 0.0)


def queue(slurm: Any, **states: str) -> None:
    """Put jobs of the name ``mine`` into the queue."""
    known = slurm.read()
    known["jobs"] = {
        job_id.removeprefix("j"): {"name": "mine", "state": state, "reason": "None"}
        for job_id, state in states.items()
    }
    slurm.write(known)


def test_jobs_are_asked_for_by_name(slurm: Any) -> None:
    """One call lists all jobs of all names, each element of an array by itself, and those that ended lately."""
    queue(slurm, j7_0="RUNNING", j7_1="PENDING")
    slurm.set("7_1", "PENDING", "Resources")
    assert queued_jobs(["mine", "other"], [5]) == {"7_0": Seen("RUNNING"), "7_1": Seen("PENDING", "Resources")}
    (call,) = slurm.calls("squeue")
    assert {"--array", "--states=all", "--name=mine,other"} <= set(call)


def test_reason_may_hold_anything(slurm: Any) -> None:
    """A reason with the separator in it stays whole."""
    queue(slurm, j7="PENDING")
    slurm.set("7", "PENDING", "(a|b)")
    assert queued_jobs(["mine"]) == {"7": Seen("PENDING", "(a|b)")}


@pytest.mark.parametrize("command", ["squeue", "sacct", "sinfo", "scontrol", "scancel"])
def test_silence_is_no_answer(slurm: Any, command: str) -> None:
    """A controller that does not answer says nothing, which is neither an error nor an empty queue."""
    slurm.break_down(command, 1, "slurm_load_jobs error: Unable to contact slurm controller")
    answers = {
        "squeue": lambda: queued_jobs(["mine"]) is None and not goes_on("7"),
        "sacct": lambda: accounted_jobs(["7"]) == {},
        "sinfo": lambda: usual_time_min(None) is None,
        "scontrol": lambda: largest_array() is None,
        "scancel": lambda: cancel(["7"]) is None,
    }
    assert answers[command]()


def test_missing_commands_are_silence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Slurm says nothing of jobs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert queued_jobs(["mine"]) is None


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("PENDING", "queued"), ("REQUEUE_HOLD", "queued"), ("CONFIGURING", "queued"), ("RUNNING", "running"),
        ("COMPLETING", "running"), ("SUSPENDED", "running"), ("COMPLETED", "ended"), ("PREEMPTED", "ended"),
        ("OUT_OF_MEMORY", "ended"), ("A_NEW_ONE", "queued"),
    ],
)  # fmt: skip
def test_states_are_phases(state: str, phase: str) -> None:
    """Every state of Slurm is one of three; a job in an unknown one is not taken for ended."""
    assert Seen(state).phase == phase


def test_accounts_say_who_cancelled(slurm: Any) -> None:
    """The state is the first word of what the accounts say."""
    queue(slurm, j7="RUNNING")
    slurm.drop("7", "CANCELLED by 1000")
    assert accounted_jobs(["7", "8"]) == {"7": Seen("CANCELLED", "0:0")}


@pytest.mark.parametrize(
    ("listed", "partition", "minutes"),
    [
        ("main|1:00:00|infinite\nlong*|1-12:00:00|7-00:00:00\n", None, 2160),
        ("long|n/a|7-00:00:00\n", "long", 10080),
        ("main*|n/a|infinite\n", None, 525600),
        ("main*|30:00|infinite\n", None, 30),
        ("main*|n/a|n/a\n", None, None),
        ("main|1:00:00|infinite\n", None, None),
        ("", "gone", None),
    ],
)
def test_usual_time_is_the_partitions(slurm: Any, listed: str, partition: str | None, minutes: int | None) -> None:
    """The default time counts, else the longest, of the named partition or of the default one."""
    known = slurm.read()
    known["config"]["sinfo"] = listed
    slurm.write(known)
    assert usual_time_min(partition) == minutes


def test_largest_array_is_read(slurm: Any) -> None:
    """The configuration says how many jobs one submission may hold."""
    assert largest_array() == 1001


def test_watch_follows_a_job_out_of_the_queue(slurm: Any) -> None:
    """A job is seen in the queue, then in the accounts, with the time since it was last in the queue."""
    watch = Watch()
    queue(slurm, j7="RUNNING")
    watch.add("mine", 0, ["7", "8"])
    assert watch.look("7") == (Seen("RUNNING"), 0.0)
    slurm.drop("7", "FAILED")
    watch.look_soon()
    seen, absent_s = watch.look("7")
    assert (seen, absent_s > 0) == (Seen("FAILED", "0:0"), True)
    assert watch.look("8")[0] is None


def test_watch_forgives_a_gap(slurm: Any) -> None:
    """A job that is back in the queue was never gone."""
    watch = Watch()
    queue(slurm)
    watch.add("mine", 0, ["7"])
    assert watch.look("7")[1] > 0
    queue(slurm, j7="PENDING")
    watch.look_soon()
    assert watch.look("7") == (Seen("PENDING"), 0.0)


def test_watch_keeps_what_it_knew_through_silence(slurm: Any) -> None:
    """While the controller is down jobs stand as they stood."""
    watch = Watch()
    queue(slurm, j7="RUNNING")
    watch.add("mine", 0, ["7"])
    watch.look("7")
    slurm.break_down("squeue")
    watch.look_soon()
    assert watch.look("7") == (Seen("RUNNING"), 0.0)


def test_watch_asks_once_for_all_and_ever_more_seldom(slurm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at many jobs are one call, and the times between calls grow while nothing changes."""
    now = [0.0]
    monkeypatch.setattr(slurm_queue.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(slurm_queue, "_FIRST_S", 1.0)
    queue(slurm, j7_0="RUNNING", j7_1="RUNNING")
    watch = Watch()
    watch.add("mine", 0, ["7_0", "7_1"])
    times, asked = [], 0
    for _ in range(100):
        watch.look("7_0"), watch.look("7_1")
        if len(slurm.calls("squeue")) > asked:
            asked += 1
            times.append(now[0])
        now[0] += 1.0
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert gaps == sorted(gaps)
    assert (gaps[0] < 3, gaps[-1] > 15, len(times) < 12) == (True, True, True)
