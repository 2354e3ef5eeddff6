"""A real Slurm, and the commands of harness on it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


def _cluster_module() -> Any:
    place = importlib.util.spec_from_file_location("cluster", Path(__file__).with_name("cluster.py"))
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A Slurm of two nodes with two GPUs each, for all tests."""
    module = _cluster_module()
    if missing := module.missing():
        pytest.skip(f"needs slurmctld, slurmd, slurm-client and munge; not found: {', '.join(missing)}")
    # munge's socket needs a short path, and Slurm's configuration one without spaces.
    folder = Path(tempfile.mkdtemp(prefix="harness-slurm-")).resolve()
    own = module.Cluster(folder)
    try:
        own.start()
        yield own
    finally:
        own.stop()
        shutil.rmtree(folder)


class Place:
    """A results folder, a matrix, and commands of harness on them."""

    def __init__(self, cluster: Any, folder: Path, cache: Path) -> None:
        self.cluster = cluster
        self.results = folder / "the results"  # a blank in a path is a usual trap
        self.matrix = folder / "m.yaml"
        self._environment = cluster.environment | {
            "HARNESS_CACHE": str(cache),
            "HARNESS_STATE_S": "0.5",
            "HARNESS_LEASE_S": "10",
            "WANDB_MODE": "offline",
        }

    def write(self, cells: str, launcher: str = "", gpus: int = 1, sbatch: str = "") -> None:
        """Write the matrix: axes, further lines of the section ``launcher``, a job's GPUs, options of sbatch."""
        self.matrix.write_text(
            "name: m\nbackbones: tiny\ndatasets: digits\n" + cells + "launcher:\n  kind: slurm\n  time: 1h\n"
            f'  cpus: 1\n  sbatch: {{gres: "gpu:{gpus}"{sbatch}}}\n' + launcher
        )

    def start(self, name: str, *flags: str, results: Path | None = None) -> subprocess.Popen[str]:
        """A command that goes on beside the test."""
        command = [sys.executable, "-m", "harness", name, "--matrix", str(self.matrix)]
        device = ("--device", "cpu") if name == "run" else ()
        return subprocess.Popen(
            [*command, "--results", str(results or self.results), *device, *flags],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, process: subprocess.Popen[str], code: int | None = 0, seconds: float = 240) -> str:
        """What a command said, after it has ended with this exit code."""
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            raise AssertionError(f"still running after {seconds} s:\n{said}\n{self.logs()}") from None
        assert code is None or process.returncode == code, f"{process.returncode}:\n{said}\n{self.logs()}"
        return said

    def run(self, name: str, *flags: str, code: int = 0, results: Path | None = None) -> str:
        """What a command says."""
        return self.end(self.start(name, *flags, results=results), code)

    def launches(self) -> list[dict[str, Any]]:
        """The launches of the matrix, oldest first."""
        found = [json.loads(path.read_text()) for path in (self.results / "m" / "launches").glob("*.json")]
        return sorted(found, key=lambda launch: launch["created_s"])

    def jobs(self) -> dict[str, Path]:
        """The folders of all launched jobs, by Slurm's numbers."""
        jobs = self.results / "m" / "jobs"
        return {
            job["id"]: jobs / job["folder"] for launch in self.launches() for job in launch["jobs"] if job["id"]
        }

    def wait_for(self, condition: Callable[[], Any], what: str, seconds: float = 120) -> Any:
        """What a condition gives as soon as it gives something."""
        last = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < last, f"{what}:\n{self.logs()}"
            time.sleep(0.05)
        return found

    def is_in_training(self, folder: Path) -> bool:
        """Whether a job's worker has some epochs behind it and is not done."""
        events = self.events(folder)
        return any(event["event"] == "epoch" and event["epoch"] > 4 for event in events) and not any(
            event["event"] in ("done", "failed") for event in events[-1:]
        )

    def freeze(self, folder: Path) -> int:
        """Stop a job's worker in the middle of its training, however quick it is; the number of its process.

        Slurm lets it go on when it signals the job, and so does ``thaw``.
        """
        process = self.process_in_training(folder)
        os.kill(process, signal.SIGSTOP)
        return process

    def process_in_training(self, folder: Path) -> int:
        """The number of a job's worker, once that has some epochs behind it."""
        self.wait_for(lambda: self.is_in_training(folder), f"{folder.name} in training")
        return int(json.loads((folder / "status.json").read_text())["process"])

    def thaw(self, process: int) -> None:
        """Let a worker go on."""
        os.kill(process, signal.SIGCONT)

    def events(self, folder: Path) -> list[dict[str, Any]]:
        """What the workers of a job told."""
        with contextlib.suppress(OSError):
            lines = (folder / "events.jsonl").read_text().splitlines()
            return [json.loads(line) for line in lines if line.endswith("}")]
        return []

    def attempts(self, folder: Path) -> int:
        """How many tries at a job there were."""
        with contextlib.suppress(OSError):
            return int(json.loads((folder / "status.json").read_text())["attempt"])
        return 0

    def times_done(self) -> dict[str, int]:
        """How many times each cell was done, over all jobs."""
        counts: dict[str, int] = {}
        for folder in (self.results / "m" / "jobs").glob("*-run"):
            for event in self.events(folder):
                if event["event"] == "done":
                    counts[event["cell"]] = counts.get(event["cell"], 0) + 1
        return counts

    def counts(self, results: Path | None = None) -> dict[str, Any]:
        """What records say that does not depend on when and where they were made."""
        kept = ("cell", "status", "n_correct", "per_class", "history", "context", "logits")
        return {
            path.name: {key: value for key, value in json.loads(path.read_text()).items() if key in kept}
            for path in ((results or self.results) / "records").glob("*.json")
            if not path.name.endswith(".words.json")
        }

    def logs(self) -> str:
        """The ends of all logs of jobs."""
        tails = []
        for path in sorted((self.results / "m" / "jobs").glob("*/*.txt")):
            with contextlib.suppress(OSError):
                tails += [f"--- {path.parent.name}/{path.name}", *path.read_text().splitlines()[-12:]]
        return "\n".join(tails)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of features for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(cluster: Any, tmp_path: Path, cache: Path) -> Iterator[Place]:
    """A place of its own for a test, whose jobs are gone after it."""
    own = Place(cluster, tmp_path, cache)
    yield own
    cluster.run("scancel", *(job_id for job_id in own.jobs()))
