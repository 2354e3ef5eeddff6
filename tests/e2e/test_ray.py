"""Jobs on a real Ray: a cluster of two nodes on this machine, and one that is started for a run.

On demand (``nox -s ray``): it needs the extra ``ray``, half a gigabyte of memory and about two minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch import ray as ray_launcher
from harness.dispatch.launcher import JobState
from harness.dispatch.ray import RayHandle, RayLauncher
from harness.errors import MatrixError, RunError
from harness.matrix.launching import Launching

pytestmark = pytest.mark.ray

# Speaks as harness/worker/serve.py does, and is done with its job when there is a file "go".
WORKER = """
import json, os, sys, threading, time
file = sys.stdin.readline().strip()
folder = os.path.dirname(file)
def end():
    sys.stdin.read()
    time.sleep(0.2)
    open(folder + "/ended", "w").close()
    os._exit(143)
threading.Thread(target=end, daemon=True).start()
facts = {"process": os.getpid(), "gpu": os.environ.get("CUDA_VISIBLE_DEVICES")}
with open(folder + "/facts.part", "w") as out:
    json.dump(facts, out)
os.replace(folder + "/facts.part", folder + "/facts")
while not os.path.exists(folder + "/go"):
    time.sleep(0.05)
os.write(1, json.dumps({"job": file, "status": 0}).encode() + b"\\n")
threading.Event().wait(60)
"""


@pytest.fixture(scope="module", autouse=True)
def _surroundings() -> Iterator[None]:
    """Ray on loopback, quick to notice that a node is gone, and open to whoever has this run's token."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", "0" * 64)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_health_check_initial_delay_ms", "500")
        patch.setenv("RAY_health_check_period_ms", "500")
        patch.setenv("RAY_health_check_failure_threshold", "3")
        yield


class TwoNodes:
    """A head that takes no jobs, and two nodes that do."""

    def __init__(self) -> None:
        """Start them."""
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80 * 2**20}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.nodes = [self.add(n_gpus=2), self.add(n_gpus=1)]

    @property
    def address(self) -> str:
        """The head's."""
        return str(self._cluster.address)

    def add(self, n_gpus: int) -> Any:
        """One more node, of two cores and GPUs that are none."""
        node = self._cluster.add_node(num_cpus=2, num_gpus=n_gpus, object_store_memory=80 * 2**20)
        self._cluster.wait_for_nodes()
        return node

    def kill(self, node: Any) -> None:
        """Take a node away without a warning."""
        self._cluster.remove_node(node, allow_graceful=False)

    def close(self) -> None:
        """End all."""
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def two_nodes(_surroundings: None) -> Iterator[TwoNodes]:
    """The cluster of two nodes."""
    cluster = TwoNodes()
    yield cluster
    cluster.close()


@pytest.fixture
def launch(two_nodes: TwoNodes) -> Iterator[Callable[..., RayLauncher]]:
    """A maker of launchers on the two nodes."""
    opened: list[RayLauncher] = []

    def make(**options: Any) -> RayLauncher:
        opened.append(RayLauncher(options_of(address=two_nodes.address, **options)))
        return opened[-1]

    yield make
    for launcher in opened:
        launcher.close()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that sleep instead of training."""
    monkeypatch.setattr(ray_launcher, "serve_command", lambda: [sys.executable, "-S", "-E", "-c", WORKER])


@pytest.fixture
def sleepers(tmp_path: Path) -> Callable[[int], list[Path]]:
    """A maker of job folders whose jobs last until they are told to end."""

    def make(n_jobs: int) -> list[Path]:
        folders = [tmp_path / f"job{number}" for number in range(n_jobs)]
        for folder in folders:
            folder.mkdir()
        return folders

    return make


def options_of(**options: Any) -> Launching:
    """Options for Ray."""
    return Launching.model_validate({"kind": "ray", **options})


def until(is_so: Callable[[], object], within_s: float = 300.0) -> None:
    """Wait for something."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, "it did not come to be so"
        time.sleep(0.05)


def facts(folder: Path) -> dict[str, Any]:
    """What a worker that sleeps told of itself."""
    until((folder / "facts").is_file)
    return dict(json.loads((folder / "facts").read_text()))


def attempts(folder: Path) -> list[dict[str, Any]]:
    """What nodes told of a job."""
    return [json.loads(line) for line in (folder / "attempts.jsonl").read_text().splitlines()]


def is_alive(process: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def listening() -> list[str]:
    """The addresses that processes of Ray listen on, as the kernel spells them; loopback is 0100007F."""
    sockets = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                sockets[fields[9]] = fields[1].rpartition(":")[0]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray" not in (process / "cmdline").read_bytes():
                continue
            links = [str(link.readlink()) for link in (process / "fd").iterdir()]
        except OSError:
            continue
        found += [sockets[link[8:-1]] for link in links if link.startswith("socket:[") and link[8:-1] in sockets]
    return found


def test_cluster_listens_on_loopback_alone(launch: Callable[..., RayLauncher]) -> None:
    """Neither the nodes of a local cluster nor the command that joins them can be reached from outside."""
    launch()
    addresses = listening()
    assert addresses
    assert all(address.endswith("0100007F") for address in addresses)


def test_parts_of_gpus_are_lent_to_as_many_jobs(
    launch: Callable[..., RayLauncher], stand_in: None, sleepers: Callable[[int], list[Path]]
) -> None:
    """Half a GPU is two jobs a GPU, at the same time, each of which sees its one GPU."""
    launcher = launch(gpus=0.5, max_concurrent=9)
    assert (launcher.device, launcher.workers) == ("cuda", 4)  # by cores on the first node, by GPUs on the second
    folders = sleepers(4)
    handles = launcher.submit(folders)
    assert launcher.room == 0
    told = [facts(folder) for folder in folders]  # so all of them run: none has been told to end
    assert sorted(fact["gpu"] for fact in told) in (
        ["0", "0", "0", "0"],
        ["0", "0", "0", "1"],
        ["0", "0", "1", "1"],
    )
    for folder in folders:
        (folder / "go").touch()
    until(lambda: all(handle.state().phase == "ended" for handle in handles))
    assert [handle.state().status for handle in handles] == [0, 0, 0, 0]
    assert [len(attempts(folder)) for folder in folders] == [1, 1, 1, 1]


def test_whole_gpus_are_lent_to_one_job_each(
    launch: Callable[..., RayLauncher], stand_in: None, sleepers: Callable[[int], list[Path]]
) -> None:
    """A GPU is the default where there are any, and two jobs on one node see different ones."""
    launcher = launch()
    assert launcher.workers == 3
    folders = sleepers(3)
    handles = launcher.submit(folders)
    assert sorted(facts(folder)["gpu"] for folder in folders) == ["0", "0", "1"]
    launcher.stop(handles)


def test_process_that_keeps_a_worker_may_die(
    launch: Callable[..., RayLauncher], stand_in: None, sleepers: Callable[[int], list[Path]]
) -> None:
    """Ray begins the job anew, the first worker ends by itself, and the attempt is told."""
    launcher = launch(gpus=0)
    (handle,) = launcher.submit(sleepers(1))
    first = facts(handle.folder)["process"]
    os.kill(attempts(handle.folder)[0]["keeper"], signal.SIGKILL)
    until(lambda: handle.state().why.startswith("attempt 2 on "))
    until(lambda: not is_alive(first))
    assert (handle.folder / "ended").is_file()
    (handle.folder / "go").touch()
    until(lambda: handle.state().phase == "ended")
    assert handle.state() == JobState("ended", 0)
    assert [told["attempt"] for told in attempts(handle.folder)] == [1, 2]


def test_worker_that_is_killed_is_told_by_its_signal(
    launch: Callable[..., RayLauncher], stand_in: None, sleepers: Callable[[int], list[Path]]
) -> None:
    """A worker's own death is no fault of Ray's; whoever gave the job away decides what comes of it."""
    (handle,) = launch(gpus=0).submit(sleepers(1))
    os.kill(facts(handle.folder)["process"], signal.SIGKILL)
    until(lambda: handle.state().phase == "ended")
    assert handle.state() == JobState("ended", -signal.SIGKILL)


def test_stopped_jobs_leave_no_process(
    launch: Callable[..., RayLauncher], stand_in: None, sleepers: Callable[[int], list[Path]]
) -> None:
    """Running jobs end in order, and those that wait never begin."""
    launcher = launch(gpus=1)
    handles = launcher.submit(sleepers(5))  # more than there is room for, so that Ray holds some
    running = [facts(folder)["process"] for folder in _with_facts(handles, 3)]
    launcher.stop(handles)
    assert [handle.state() for handle in handles] == [JobState("ended", None, "stopped")] * 5
    assert not any(is_alive(process) for process in running)
    assert sum((handle.folder / "ended").is_file() for handle in handles) == 3
    assert launcher.room == 3


def _with_facts(handles: Sequence[RayHandle], n_jobs: int) -> list[Path]:
    until(lambda: sum((handle.folder / "facts").is_file() for handle in handles) == n_jobs)
    return [handle.folder for handle in handles if (handle.folder / "facts").is_file()]


def test_python_that_nodes_lack_is_one_error_before_any_job(
    launch: Callable[..., RayLauncher],
    sleepers: Callable[[int], list[Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both nodes are asked, and no job is begun."""
    launcher = launch(gpus=0)
    folders = sleepers(1)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(RunError, match="has no /nowhere/python"):
        launcher.submit(folders)
    assert not (folders[0] / "attempts.jsonl").exists()


def test_cluster_of_another_version_is_told(two_nodes: TwoNodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message holds both versions and what to do."""
    import ray

    monkeypatch.setattr(ray, "__version__", "2.0.0")
    with pytest.raises(
        MatrixError, match=r"cannot be joined: Version mismatch: .*Ray: 2\.0\.0.*Install the cluster"
    ):
        RayLauncher(options_of(address=two_nodes.address))


def test_job_that_no_node_can_hold_is_refused(two_nodes: TwoNodes) -> None:
    """It would wait for ever."""
    with pytest.raises(MatrixError, match="no node of the Ray cluster has that"):
        RayLauncher(options_of(address=two_nodes.address, gpus=3))


# Starts a cluster of its own with one job, says so, and closes it when it is told to.
COMMAND = """
import sys
from pathlib import Path
from harness.dispatch import ray
from harness.matrix.launching import Launching
ray.serve_command = lambda: [sys.executable, "-S", "-E", "-c", sys.argv[2]]
launcher = ray.RayLauncher(Launching(kind="ray"))
launcher.submit([Path(sys.argv[1])])
print("submitted", flush=True)
sys.stdin.readline()
launcher.close()
print("closed", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def command(sleepers: Callable[[int], list[Path]]) -> Iterator[tuple[subprocess.Popen[str], Path, str]]:
    """A process with a cluster of its own, the folder of a job that runs there, and a mark on what it starts."""
    mark = uuid.uuid4().hex
    (folder,) = sleepers(1)
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(folder), WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HARNESS_TEST_MARK": mark},
    )
    with process:
        yield process, folder, mark
        process.kill()
    for number in marked(mark):
        os.kill(number, signal.SIGKILL)


def marked(mark: str) -> list[int]:
    """The processes that have a mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (process / "environ").read_bytes() and is_alive(int(process.name)):
                found.append(int(process.name))
    return found


def test_cluster_of_the_runs_own_ends_with_the_launcher(
    command: tuple[subprocess.Popen[str], Path, str],
) -> None:
    """After close neither the worker nor any process of Ray is left, while the command goes on."""
    process, folder, mark = command
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "submitted\n"
    assert len(marked(mark)) > 3
    facts(folder)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "closed\n"
    assert (folder / "ended").is_file()
    until(lambda: marked(mark) == [process.pid], within_s=30.0)


def test_cluster_of_the_runs_own_ends_with_a_command_that_is_killed(
    command: tuple[subprocess.Popen[str], Path, str],
) -> None:
    """Kill -9 of the command leaves neither the worker nor what Ray runs jobs with."""
    process, folder, mark = command
    assert process.stdout is not None
    assert process.stdout.readline() == "submitted\n"
    worker = facts(folder)["process"]
    process.kill()
    process.wait()
    until(lambda: not is_alive(worker), within_s=50.0)
    until(lambda: not list(filter(is_no_agent, marked(mark))), within_s=50.0)


def is_no_agent(process: int) -> bool:
    """Whether it is none of Ray's two agents of a node, which try for a minute to say that the node is gone."""
    try:
        return b"Agent" not in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


MATRIX = """
name: small
backbones: tiny
datasets: digits
shots: [1, 2]
seeds: 1
recipe: {epochs: 60}
methods: [zero_shot, {method: coop, context: [unified, class_specific], n_ctx: 4}]
"""

LONG = """
name: small
backbones: tiny
datasets: digits
shots: 1
seeds: 1
recipe: {epochs: 20000}
methods: {method: coop, n_ctx: 4}
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A starter of ``harness run`` of five cells, into a results folder of that name."""
    matrix = tmp_path / "matrix.yaml"
    matrix.write_text(MATRIX)
    started: list[subprocess.Popen[str]] = []

    def run(results: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "harness", "run", "--matrix", str(matrix)]
        with (tmp_path / f"{results}.txt").open("w") as output:
            command += ["--results", str(tmp_path / results), *arguments]
            started.append(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield run
    for process in started:
        process.terminate()
        process.wait()


def test_terminated_command_has_its_workers_save_what_they_have(
    two_nodes: TwoNodes, start: Callable[..., subprocess.Popen[str]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A worker that is in the middle of a long training leaves where that stands, and lets go of its cell."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv("HARNESS_TEST_MARK", mark)
    (tmp_path / "matrix.yaml").write_text(LONG)
    process = start("long", "--launcher", "ray", "--ray-address", two_nodes.address, "--gpus", "0")
    results = tmp_path / "long"
    until(lambda: events(results, "epoch"))
    time.sleep(4.0)  # what is younger than two seconds is not worth saving
    assert not (results / "unfinished").exists()
    process.terminate()
    assert process.wait(60) == 143
    until(lambda: not marked(mark))
    assert len(list((results / "unfinished").glob("*.safetensors"))) == 1
    (status,) = results.glob("small/jobs/*-run/status.json")
    assert json.loads(status.read_text())["status"] == 143
    assert [list((results / "claims" / name).iterdir()) for name in ("cells", "owners")] == [[], []]
    assert (tmp_path / "long.txt").read_text().splitlines()[-2:] == [
        "small: 0 done, 0 failed, 1 unfinished",
        "error: interrupted; what was finished is kept, and the next run goes on from there",
    ]


def outcomes(results: Path) -> dict[str, Any]:
    """What the records say, but for when and how long."""
    kept = ("cell", "status", "n_correct", "per_class", "history", "context", "logits")
    records = [
        json.loads(path.read_text()) for path in (results / "records").glob("*.json") if "." not in path.stem
    ]
    return {record["cell_id"]: {key: record[key] for key in kept} for record in records}


def events(results: Path, kind: str) -> list[str]:
    """The cells of all events of a kind, of all jobs and attempts."""
    lines = [line for file in results.glob("small/jobs/*/events.jsonl") for line in file.read_text().splitlines()]
    return [event["cell"] for event in map(json.loads, lines) if event["event"] == kind]


def job_on(node: Any, results: Path) -> Path | None:
    """A job that is being trained on a node."""
    raylet = node.all_processes["raylet"][0].process.pid
    for file in results.glob("small/jobs/*/attempts.jsonl"):
        keeper = json.loads(file.read_text().splitlines()[-1])["keeper"]
        told = file.parent / "events.jsonl"
        is_training = told.is_file() and '"epoch"' in told.read_text()
        if is_training and f"RAY_RAYLET_PID={raylet}".encode() in Path(f"/proc/{keeper}/environ").read_bytes():
            return file.parent
    return None


def test_node_that_vanishes_costs_no_cell_and_no_cell_twice(
    two_nodes: TwoNodes, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Its job goes on where the other node is; the results are those of a run on this machine alone."""
    alone = start("alone", "--device", "cpu")  # beside it, which makes no difference to results
    place = ("--launcher", "ray", "--ray-address", two_nodes.address, "--gpus", "0", "--cpus", "2")
    process = start("ray", *place)
    results, doomed = tmp_path / "ray", two_nodes.nodes[1]
    until(lambda: job_on(doomed, results))
    lost = job_on(doomed, results)
    assert lost is not None
    two_nodes.kill(doomed)
    said = (tmp_path / "ray.txt").read_text
    assert process.wait(300) == 0, said()
    assert "5 done, 0 failed, 0 unfinished" in said()
    assert [attempt["attempt"] for attempt in attempts(lost)] == [1, 2]
    assert alone.wait(300) == 0
    assert outcomes(results) == outcomes(tmp_path / "alone")
    done = events(results, "done")
    assert len(done) == len(set(done))
    two_nodes.nodes[1] = two_nodes.add(n_gpus=1)
