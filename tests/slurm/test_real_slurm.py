"""Workers on a real Slurm: the same results as on one machine, whatever happens to their jobs."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

SHORT = "shots: 1\nseeds: [1, 2, 3]\nmethods: [zero_shot, linear_probe, coop]\nrecipe: {epochs: 10}\n"
LONG = "shots: 8\nseeds: [1, 2, 3, 4]\nmethods: [coop]\nrecipe: {epochs: 150}\n"
Local = Callable[[Any], dict[str, Any]]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """What the matrix of a place gives when it is run by this machine's own workers."""
    found: dict[str, dict[str, Any]] = {}

    def counts(place: Any) -> dict[str, Any]:
        axes = place.matrix.read_text().partition("launcher:")[0]
        if axes not in found:
            results = tmp_path_factory.mktemp("local")
            place.run("run", "--launcher", "local", results=results)
            found[axes] = place.counts(results)
        return found[axes]

    return counts


def test_array_gives_what_this_machine_gives(place: Any, local: Local, cluster: Any) -> None:
    """Jobs on all GPUs of all nodes, waited for, make the same records, each once."""
    place.write(SHORT)
    said = place.run("run", "--max-concurrent", "4")
    assert "m: 7 done, 0 failed, 0 unfinished" in said
    assert place.counts() == local(place)
    assert set(place.times_done().values()) == {1}
    assert place.launches() == []
    assert list(cluster.states().values()).count("COMPLETED") >= 4


def test_interrupted_jobs_go_on(place: Any, local: Local, cluster: Any) -> None:
    """Requeue, a warning of the time limit, a preemption with grace and one without end in the same results."""
    place.write(LONG)
    command = place.start("run", "--max-concurrent", "4")
    jobs = place.wait_for(lambda: len(place.jobs()) == 4 and place.jobs(), "jobs")
    for job_id, folder in jobs.items():
        place.wait_for(lambda folder=folder: place.is_in_training(folder), f"{job_id} in training")
        if job_id.endswith("_0"):
            cluster.run("scontrol", "requeue", job_id)
        elif job_id.endswith("_1"):
            # What a preemption with a time of grace does first, on a cluster that does not warn by SIGUSR2.
            cluster.run("scancel", "--signal=TERM", job_id)
        elif job_id.endswith("_2"):
            cluster.run("scontrol", "update", f"JobId={job_id}", "TimeLimit=1")
        else:
            cluster.run("scancel", "--signal=USR2", job_id)
    said = place.end(command)
    assert "m: 4 done, 0 failed, 0 unfinished" in said
    assert {job_id: place.attempts(folder) for job_id, folder in jobs.items()} == dict.fromkeys(jobs, 2)
    assert place.counts() == local(place)
    assert set(place.times_done().values()) == {1}
    for folder in jobs.values():
        epochs = [event["epoch"] for event in place.events(folder) if event["event"] == "epoch"]
        again = [second for first, second in itertools.pairwise(epochs) if second <= first]
        assert all(epoch > 1 for epoch in again), f"began anew: {epochs}"


@pytest.mark.parametrize("partition", ["main", "grace"])
def test_preempted_jobs_go_on(place: Any, local: Local, cluster: Any, partition: str) -> None:
    """A job of higher priority takes the place, with and without a time of grace; ours is queued and goes on."""
    place.write(LONG.replace("[1, 2, 3, 4]", "[1]"))
    place.run("run", "--detach", "--partition", partition)
    ((job_id, folder),) = place.jobs().items()
    place.wait_for(lambda: place.is_in_training(folder), "in training")
    cluster.run(
        "sbatch", "--partition=high", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap", "sleep 2"
    )
    place.wait_for(lambda: cluster.states()[job_id] == "PENDING", "preempted")
    assert "jobs: 1 preempted" in place.run("status")
    said = place.run("run", "--partition", partition)
    assert "1 jobs of slurm (launch" in said
    assert "m: 1 done, 0 failed, 0 unfinished" in said
    assert place.attempts(folder) == 2
    assert set(place.times_done().values()) == {1}
    name, record = next(iter(place.counts().items()))
    place.write(LONG)
    assert record == local(place)[name]


def test_lost_node_makes_no_cell_twice(place: Any, local: Local, cluster: Any) -> None:
    """A job that goes on unseen after its node was lost, and the one that Slurm starts in its place, agree."""
    place.write(LONG.replace("epochs: 150", "epochs: 400").replace("[1, 2, 3, 4]", "[1]"))
    command = place.start("run")
    jobs = place.wait_for(lambda: len(place.jobs()) == 1 and place.jobs(), "a job")
    ((job_id, folder),) = jobs.items()
    place.wait_for(lambda: place.is_in_training(folder), "in training")
    node = cluster.node_of(job_id)
    try:
        cluster.lose(node, job_id)
        place.wait_for(lambda: place.attempts(folder) == 2, "a second try beside the first")
        assert place.is_in_training(folder), "the first try was over before the second began: no test"
        said = place.end(command)
    finally:
        cluster.start_node(node)
    assert "m: 1 done, 0 failed, 0 unfinished" in said
    assert set(place.times_done().values()) == {1}
    assert place.counts() == local(place)


def test_detached_launch_is_found_again(place: Any, local: Local, cluster: Any) -> None:
    """After --detach, status and further runs know the jobs; cancelled ones are run by the next command."""
    place.write(SHORT, "  max_concurrent: 1\n")
    assert "jobs are handed over" in place.run("run", "--detach")
    jobs = place.jobs()
    last = max(jobs, key=lambda job_id: int(job_id.rpartition("_")[2]))
    cluster.run("scancel", last)
    said = place.run("status")
    assert "1 cancelled" in said
    assert "queued" in said
    assert "are left there" in place.run("run", "--detach", "--select", "method=zero_shot|coop|linear_probe")
    following = place.start("run")
    place.wait_for(lambda: len(place.launches()) == 2, "the cancelled cells in a launch of their own")
    following.send_signal(signal.SIGKILL)
    place.end(following, -signal.SIGKILL)
    assert "m: 7 done, 0 failed, 0 unfinished" in place.run("run")
    assert place.counts() == local(place)
    assert set(place.times_done().values()) == {1}
    assert place.launches() == []
    assert "nothing to do" in place.run("run")


def test_first_interrupt_lets_running_jobs_finish(place: Any, cluster: Any) -> None:
    """What has not begun is cancelled, what runs ends as ever, and nothing is left in the queue."""
    place.write(LONG.replace("epochs: 150", "epochs: 60"), "  max_concurrent: 1\n")
    command = place.start("run")
    jobs = place.wait_for(lambda: place.jobs(), "jobs")
    running = place.wait_for(
        lambda: [folder for folder in jobs.values() if place.is_in_training(folder)], "one in training"
    )
    command.send_signal(signal.SIGINT)
    said = place.end(command, 130)
    assert len(place.counts()) == len(running) == 1
    assert "1 done, 0 failed" in said
    states = cluster.states()
    assert {states[job_id] for job_id in jobs} == {"COMPLETED", "CANCELLED"}


def test_set_up_that_fails_is_shown(place: Any) -> None:
    """Where no worker began, what Slurm has of the job is what the user sees."""
    place.write(SHORT, "  setup:\n    - echo no such module >&2\n    - exit 7\n")
    said = place.run("run", code=1)
    assert "no such module" in said
    assert "engine.txt" in said


def test_partition_that_is_not_there_is_told(place: Any, tmp_path: Path) -> None:
    """Sbatch's refusal is an error in its words, and nothing is left."""
    place.write(SHORT)
    said = place.run("run", "--detach", "--partition", "nowhere", code=2)
    assert "invalid partition specified: nowhere" in said
    assert place.launches() == []
