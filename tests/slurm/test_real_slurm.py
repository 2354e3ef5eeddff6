"""Workers on a real Slurm: the same results as on one machine, whatever happens to their jobs."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

SHORT = "shots: 1\nseeds: [1, 2, 3]\nmethods: [zero_shot, linear_probe, coop]\nrecipe: {epochs: 10}\n"
LONG = "shots: 1\nseeds: [1, 2, 3, 4]\nmethods: [coop]\nrecipe: {epochs: 150}\n"
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
    """Requeue, a warning, the time limit, and the beginning of a time of grace end in the same results."""
    place.write(LONG)
    command = place.start("run", "--max-concurrent", "4")
    jobs = place.wait_for(lambda: len(place.jobs()) == 4 and place.jobs(), "jobs")
    requeued, warned, late, graced = jobs
    frozen = {job_id: place.freeze(folder) for job_id, folder in jobs.items()}
    cluster.run("scontrol", "update", f"JobId={late}", "TimeLimit=1")  # Slurm looks every 30 s
    cluster.run("scontrol", "requeue", requeued)
    cluster.run("scancel", "--signal=USR2", warned)
    # What a preemption with a time of grace does first, on a cluster that does not warn by SIGUSR2.
    cluster.run("scancel", "--signal=TERM", graced)
    for job_id in (warned, graced):
        place.thaw(frozen[job_id])
    place.wait_for(lambda: cluster.states()[late] == "PENDING", "the time limit")
    cluster.run("scontrol", "update", f"JobId={late}", "TimeLimit=60")
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
    place.write(LONG)
    place.run("run", "--detach", "--partition", partition, "--select", "seed=1")
    ((job_id, folder),) = place.jobs().items()
    place.freeze(folder)
    cluster.run(
        "sbatch", "--partition=high", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap", "sleep 2"
    )
    place.wait_for(lambda: cluster.states()[job_id] == "PENDING", "preempted")
    assert "jobs: 1 preempted" in place.run("status")
    said = place.run("run", "--partition", partition, "--select", "seed=1")
    assert "1 jobs of slurm (launch" in said
    assert "m: 1 done, 0 failed, 0 unfinished" in said
    assert place.attempts(folder) == 2
    assert set(place.times_done().values()) == {1}
    assert place.counts().items() <= local(place).items()


def told(place: Any, folder: Path) -> list[str]:
    """What the workers of a job told, but for their epochs."""
    return [event["event"] for event in place.events(folder) if event["event"] != "epoch"]


def test_lost_node_makes_no_cell_twice(place: Any, local: Local, cluster: Any) -> None:
    """Jobs that Slurm has lost sight of go on beside those that were started in their place: one record each.

    One of them works on while the second waits for it. The other is silent until its claim is taken over, and
    then finds that out.
    """
    place.write(LONG)
    command = place.start("run", "--max-concurrent", "2", "--select", "seed=1|2")
    jobs = place.wait_for(lambda: len(place.jobs()) == 2 and place.jobs(), "jobs")
    orphans = {job_id: place.freeze(folder) for job_id, folder in jobs.items()}
    (node,) = {cluster.node_of(job_id) for job_id in jobs}
    for orphan in orphans.values():
        place.thaw(orphan)
    try:
        cluster.lose(node, jobs)
        for orphan in orphans.values():
            os.kill(orphan, signal.SIGSTOP)
        assert all(map(cluster.is_alive, orphans.values()))
        working, silent = orphans
        place.wait_for(lambda: "held" in told(place, jobs[working]), "a second that waits for the first")
        place.thaw(orphans[working])
        said = place.end(command)
        assert told(place, jobs[silent]) == ["held", "done"]
        assert cluster.is_alive(orphans[silent])
        place.thaw(orphans[silent])
        place.wait_for(lambda: not any(map(cluster.is_alive, orphans.values())), "the end of the first")
    finally:
        cluster.start_node(node)
    assert "m: 2 done, 0 failed, 0 unfinished" in said
    assert {job_id: place.attempts(folder) for job_id, folder in jobs.items()} == dict.fromkeys(jobs, 2)
    assert set(place.times_done().values()) == {1}
    assert sorted(told(place, jobs[working])) == ["done", "held", "recorded"]
    assert told(place, jobs[silent]) == ["held", "done", "held"]
    assert len(place.counts()) == 2
    assert place.counts().items() <= local(place).items()


def test_detached_launch_is_found_again(place: Any, local: Local, cluster: Any) -> None:
    """After --detach, status and further runs know the jobs; cancelled ones are run by the next command."""
    place.write(SHORT, "  max_concurrent: 4\n", sbatch=", hold: true")  # however slow this machine is, they wait
    assert "4 jobs are handed over" in place.run("run", "--detach")
    first = next(iter(place.jobs()))
    cluster.run("scontrol", "release", first)
    place.wait_for(lambda: cluster.states()[first] == "RUNNING", "the first runs")
    cluster.run("scancel", first)
    place.wait_for(lambda: cluster.states()[first] == "CANCELLED", "the first is cancelled")
    said = place.run("status")
    assert "jobs: 3 queued, 1 cancelled (JobHeldUser)" in said
    following = place.start("run")
    place.wait_for(lambda: len(place.jobs()) == 5, "the cancelled cells in a launch of their own")
    following.send_signal(signal.SIGKILL)
    place.end(following, -signal.SIGKILL)
    assert "7 cells wait or run on slurm" in place.run("run", "--detach")
    following = place.start("run")
    cluster.run("scontrol", "release", *place.jobs())
    assert "0 failed, 0 unfinished" in place.end(following)
    assert place.counts() == local(place)
    assert set(place.times_done().values()) == {1}
    assert place.launches() == []
    assert "nothing to do" in place.run("run")


def test_first_interrupt_lets_running_jobs_finish(place: Any, cluster: Any) -> None:
    """What has not begun is cancelled, what runs ends as ever, and nothing is left in the queue."""
    place.write(LONG, "  max_concurrent: 4\n", gpus=2)  # two run, the others wait
    command = place.start("run")
    jobs = place.wait_for(lambda: place.jobs(), "jobs")
    first, second, *others = jobs
    frozen = [place.freeze(jobs[job_id]) for job_id in (first, second)]
    command.send_signal(signal.SIGINT)
    # Slurm keeps nothing of an array's job that is cancelled before it begins.
    place.wait_for(
        lambda: {cluster.states().get(job_id, "CANCELLED") for job_id in others} == {"CANCELLED"}, "cancelled"
    )
    for process in frozen:
        place.thaw(process)
    said = place.end(command, 130)
    assert "m: 2 done, 0 failed, 2 unfinished" in said
    assert len(place.counts()) == 2
    place.wait_for(
        lambda: {cluster.states()[job_id] for job_id in (first, second)} == {"COMPLETED"}, "completed in Slurm"
    )


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
