"""Jobs as tasks of a Ray cluster; a stand-in takes Ray's place."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch import ray as ray_launcher
from harness.dispatch import ray_cluster, remote
from harness.dispatch.launcher import JobState
from harness.dispatch.ray import RayHandle, RayLauncher
from harness.errors import MatrixError, RunError
from harness.matrix.launching import Launching

# Speaks as harness/worker/serve.py does, and does what the job file says in Python.
WORKER = """
import json, os, sys, threading, time
file = sys.stdin.readline().strip()
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(143)), daemon=True).start()
status = 0
exec(open(file).read())
os.write(1, json.dumps({"job": file, "status": status}).encode() + b"\\n")
threading.Event().wait(60)
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_LOOK_S", 0.01)
    monkeypatch.setattr(ray_launcher, "_LOOK_S", 0.0)
    monkeypatch.setattr(ray_launcher, "serve_command", lambda: [sys.executable, "-S", "-E", "-c", WORKER])


def launching(**options: Any) -> Launching:
    """Options for Ray."""
    return Launching.model_validate({"kind": "ray", **options})


def ended(handle: RayHandle) -> JobState:
    """How a job ended, which it does soon."""
    for _ in range(1000):
        if handle.state().phase == "ended":
            return handle.state()
        time.sleep(0.01)
    raise TimeoutError


def join(monkeypatch: pytest.MonkeyPatch) -> RayLauncher:
    """A launcher on a cluster that was there."""
    monkeypatch.setattr(ray_cluster, "_require_answer", lambda *_: None)
    return RayLauncher(launching(address="10.0.0.1:6379"))


def test_job_runs_and_its_status_comes_back(fake_ray: Any, job: Callable[..., Path]) -> None:
    """A job is queued, runs, and ends with the status that its worker told."""
    launcher = RayLauncher(launching())
    good, bad, dead = launcher.submit(
        [job("good", "time.sleep(0.2)"), job("bad", "status = 2"), job("dead", "os.kill(os.getpid(), 9)")]
    )
    assert ended(good) == JobState("ended", 0)
    assert ended(bad) == JobState("ended", 2)
    assert ended(dead) == JobState("ended", -9)


def test_job_that_no_node_has_taken_is_queued(fake_ray: Any, job: Callable[..., Path]) -> None:
    """What tells queued from running is whether the node has told of an attempt."""
    fake_ray.holds_tasks = True
    launcher = RayLauncher(launching())
    (handle,) = launcher.submit([job("one", "time.sleep(60)")])
    assert handle.state() == JobState("queued")
    fake_ray.tasks[0].start()
    while handle.state().phase == "queued":
        time.sleep(0.01)
    assert handle.state() == JobState("running")
    launcher.close()


def test_job_that_has_just_begun_is_not_taken_for_queued(
    fake_ray: Any, job: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first Ctrl-C calls back what is queued, and lets finish what runs: a look of a second ago is too old."""
    monkeypatch.setattr(ray_launcher, "_LOOK_S", 1e9)
    handle = RayHandle(job("one"), fake_ray, fake_ray_task(fake_ray), "mine")
    assert handle.state() == JobState("queued")
    (handle.folder / "attempts.jsonl").write_text('{"submission": "mine", "attempt": 1, "node": "a"}\n')
    assert handle.state() == JobState("running")


def test_second_attempt_is_told_with_its_node(fake_ray: Any, job: Callable[..., Path]) -> None:
    """Who looks at a job that Ray began anew sees that, and where it is."""
    folder = job("one")
    handle = RayHandle(folder, fake_ray, fake_ray_task(fake_ray), "mine")
    lines = [
        '{"submission": "another", "attempt": 7, "node": "a"}',
        '{"submission": "mine", "attempt": 1, "node": "a"}',
        '{"submission": "mine", "attempt": 2, "node": "b"}',
    ]
    (folder / "attempts.jsonl").write_text("\n".join(lines[:2]) + "\n")
    assert handle.state() == JobState("running")
    (folder / "attempts.jsonl").write_text("\n".join(lines) + "\n")
    assert handle.state() == JobState("running", None, "attempt 2 on b")


def fake_ray_task(fake_ray: Any) -> Any:
    """A task that was never started."""
    fake_ray.holds_tasks = True
    fake_ray.by_value = ["harness.dispatch.remote"]
    return fake_ray.remote(print).remote()


def test_what_ray_lost_is_told_in_state_and_log(fake_ray: Any, job: Callable[..., Path]) -> None:
    """When Ray gives a job up, its reason is the job's and stands at the end of the log."""
    handle = RayHandle(job("one"), fake_ray, lost_task(fake_ray), "mine")
    assert ended(handle) == JobState("ended", None, "the node died")
    assert (handle.folder / "log.txt").read_text() == "ray: the node died\n"
    assert handle.state() is handle.state()


def lost_task(fake_ray: Any) -> Any:
    """A task that Ray says is lost."""

    def lose() -> None:
        raise fake_ray.exceptions.RayError("the node died")

    fake_ray.by_value = ["harness.dispatch.remote"]
    return fake_ray.remote(lose).remote()


def test_task_asks_for_what_the_options_say(fake_ray: Any, job: Callable[..., Path]) -> None:
    """GPUs in fractions, cores and memory are Ray's to set aside; it begins a lost job anew three times."""
    fake_ray.living = [{"CPU": 8.0, "GPU": 1.0, "memory": 64e9}]
    launcher = RayLauncher(launching(gpus=0.25, cpus=2, memory="8G"))
    (handle,) = launcher.submit([job("one")])
    assert fake_ray.tasks[0].options == {
        "num_gpus": 0.25,
        "num_cpus": 2,
        "memory": 8 * 10**9,
        "max_retries": 3,
        "name": "one",
    }
    assert launcher.device == "cuda"
    assert fake_ray.by_value == []
    ended(handle)


@pytest.mark.parametrize(
    ("options", "workers"), [({}, 5), ({"max_concurrent": 2}, 2), ({"max_concurrent": 9}, 5), ({"cpus": 3}, 1)]
)
def test_workers_are_what_living_nodes_hold(fake_ray: Any, options: dict[str, int], workers: int) -> None:
    """All nodes count but the dead; max_concurrent is a bound."""
    fake_ray.living = [{"CPU": 2.0}, {"CPU": 3.0}, {}]
    fake_ray.dead = [{"CPU": 100.0}]
    launcher = RayLauncher(launching(**options))
    assert (launcher.workers, launcher.room, launcher.device) == (workers, workers, "cpu")


def test_room_grows_and_shrinks_with_the_cluster(fake_ray: Any, job: Callable[..., Path]) -> None:
    """A node that joins is used, and one that leaves is not waited for."""
    launcher = RayLauncher(launching())
    launcher.submit([job("one", "time.sleep(60)")])
    assert (launcher.workers, launcher.room) == (2, 1)
    fake_ray.living.append({"CPU": 4.0})
    assert (launcher.workers, launcher.room) == (6, 5)
    fake_ray.living.clear()
    assert (launcher.workers, launcher.room) == (1, 0)
    launcher.close()


def test_room_comes_back_when_a_job_ends(fake_ray: Any, job: Callable[..., Path]) -> None:
    """A job that has ended takes no room."""
    launcher = RayLauncher(launching())
    handles = launcher.submit([job("one"), job("two", "time.sleep(60)")])
    ended(handles[0])
    assert launcher.room == 1
    launcher.close()


def test_cluster_that_cannot_hold_a_job_is_refused(fake_ray: Any) -> None:
    """A job that would wait for ever is a mistake before it is submitted; the message says what there is."""
    fake_ray.living = [{"CPU": 2.0, "memory": 8e9}, {"memory": 8e9}]
    with pytest.raises(MatrixError, match=r"a job asks for 1 GPU, 1 CPU, and no node .* has that") as caught:
        RayLauncher(launching(gpus=1))
    assert "0 GPU, 2 CPU, 8 GB memory; 0 GPU, 0 CPU, 8 GB memory" in str(caught.value)
    assert fake_ray.n_shutdowns == 1


def test_jobs_end_when_no_node_is_left_for_long(
    fake_ray: Any, job: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When all nodes have gone a job does not wait for ever."""
    fake_ray.holds_tasks = True
    launcher = RayLauncher(launching())
    (handle,) = launcher.submit([job("one")])
    fake_ray.living.clear()
    assert launcher.room == 0
    assert handle.state() == JobState("queued")
    monkeypatch.setattr(ray_launcher, "_NO_NODE_S", 0.0)
    assert launcher.room == 0
    assert handle.state() == JobState("ended", None, "no node is left that offers 0 GPU, 1 CPU")
    assert launcher.room == 1


def test_worker_has_the_variables_that_it_is_set_up_by(
    fake_ray: Any, job: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node has not the shell of the command; what the harness reads crosses, and the rest does not."""
    monkeypatch.setenv("HARNESS_LEASE_S", "7")
    monkeypatch.setenv("HF_HOME", "/models")
    monkeypatch.setenv("LD_PRELOAD_OF_MINE", "x")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    launcher = RayLauncher(launching())
    (handle,) = launcher.submit([job("one")])
    (errand,) = fake_ray.tasks[0].arguments
    assert errand.environment["HARNESS_LEASE_S"] == "7"
    assert errand.environment["HF_HOME"] == "/models"
    assert errand.environment["OMP_WAIT_POLICY"] == "passive"
    assert "LD_PRELOAD_OF_MINE" not in errand.environment
    assert errand.working_folder == str(Path.cwd())
    ended(handle)


def test_stopped_jobs_are_gone_and_others_go_on(fake_ray: Any, job: Callable[..., Path]) -> None:
    """Their workers have ended when the call returns."""
    launcher = RayLauncher(launching())
    code = "open(file + '.pid', 'w').write(str(os.getpid())); time.sleep(60)"
    one, two = launcher.submit([job("one", code), job("two", "time.sleep(0.5)")])
    while not (one.folder / "job.json.pid").is_file():
        time.sleep(0.01)
    launcher.stop([one])
    assert one.state() == JobState("ended", None, "stopped")
    assert [forced for _, forced in fake_ray.cancelled] == [False]
    assert ended(two) == JobState("ended", 0)


def test_job_that_does_not_answer_is_forced_and_then_left(
    fake_ray: Any, job: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that is gone does not keep the command from ending."""
    monkeypatch.setattr(ray_launcher, "_STOP_S", 0.05)
    fake_ray.holds_tasks = True
    launcher = RayLauncher(launching())
    (handle,) = launcher.submit([job("one")])
    cancelled = []
    fake_ray.cancel = lambda task, force, recursive: cancelled.append(force)
    launcher.stop([handle])
    assert cancelled == [False, True]
    assert (handle.state().phase, handle.state().status) == ("ended", None)
    assert "does not answer" in handle.state().why


def test_close_ends_jobs_and_leaves_the_cluster(fake_ray: Any, job: Callable[..., Path]) -> None:
    """After it nothing runs; a further round of jobs connects anew."""
    launcher = RayLauncher(launching())
    (handle,) = launcher.submit([job("one", "time.sleep(60)")])
    launcher.close()
    launcher.close()
    assert handle.state() == JobState("ended", None, "stopped")
    assert fake_ray.n_shutdowns == 1
    (again,) = launcher.submit([job("two")])
    assert ended(again) == JobState("ended", 0)
    assert len(fake_ray.inits) == 2


def test_nodes_that_cannot_run_workers_are_named_before_any_job(
    fake_ray: Any, job: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every node that could be given a job is asked whether it sees the folder and has the Python."""
    fake_ray.living = [{"CPU": 2.0}, {"CPU": 1.0}, {"memory": 1e9}]
    answers = iter([["node a does not see /results"], ["node b has no /venv/bin/python"]])
    monkeypatch.setattr(remote, "look_around", lambda *_: next(answers))
    launcher = join(monkeypatch)
    with pytest.raises(RunError, match="node a does not see /results") as caught:
        launcher.submit([job("one")])
    assert "node b has no /venv/bin/python" in str(caught.value)
    assert [task.options for task in fake_ray.tasks] == [
        {"num_cpus": 0, "scheduling_strategy": (str(number), False)} for number in range(2)
    ]


def test_nodes_are_asked_once_and_silence_is_no_fault(
    fake_ray: Any, job: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that is lost just now, or is slow, does not keep the others from working."""

    def look(*_: object) -> list[str]:
        raise fake_ray.exceptions.RayError("lost")

    monkeypatch.setattr(remote, "look_around", look)
    launcher = join(monkeypatch)
    assert ended(launcher.submit([job("one")])[0]) == JobState("ended", 0)
    assert ended(launcher.submit([job("two")])[0]) == JobState("ended", 0)
    assert sum("scheduling_strategy" in task.options for task in fake_ray.tasks) == 1


def test_cluster_of_the_runs_own_is_not_asked(fake_ray: Any, job: Callable[..., Path]) -> None:
    """It is this machine, whose folders are known."""
    ended(RayLauncher(launching()).submit([job("one")])[0])
    assert len(fake_ray.tasks) == 1
    assert os.environ["RAY_AUTH_MODE"] == "token"
