"""Cells that are really trained, mirrored while that goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main as harness
from harness.cli.vocabulary import known_names
from harness.matrix.matrix import read_matrix
from harness.matrix.tracking import Tracking
from harness.plan.job import EVENTS_FILE, JOB_FILE, Job, flat_cells, write_job
from harness.store.manifest import write_manifest
from harness.store.records import read_records
from harness.worker.__main__ import main

MATRIX = (
    "name: m\nbackbones: tiny\ndatasets: digits\nshots: 1\nseeds: 1\nrecipe: {epochs: 2}\nviews: 0\n"
    "methods: [zero_shot, {method: coop, n_ctx: 2}]\ntracking: wandb\n"
)


@pytest.fixture
def job(tmp_path: Path) -> Callable[[], list[str]]:
    """Do a job of two cells in this process; what it said."""
    file = tmp_path / "m.yaml"
    file.write_text(MATRIX)
    matrix = read_matrix(file, known_names())
    results = tmp_path / "results"

    def do() -> list[str]:
        cells = flat_cells(matrix.cells)
        job = Job(
            kind="run", matrix="m", cells=cells, results=results, data=None, device="cpu", tracking=matrix.tracking
        )
        folder = write_job(job, 1)
        write_manifest(results, matrix)
        assert main([str(folder / JOB_FILE)]) == 0
        assert len(read_records(results).records) == 2
        events = map(json.loads, (folder / EVENTS_FILE).read_text().splitlines())
        return [event["text"] for event in events if event["event"] == "say"]

    return do


def test_cells_are_there_when_the_job_ends(job: Callable[[], list[str]], online: Any, tmp_path: Path) -> None:
    """Without a word said: one run a cell, a point an epoch; only the run of the matrix is left for later."""
    assert job() == []
    assert sorted(online.n_points().values()) == [0, 2]
    assert harness(["sync", "--results", str(tmp_path / "results")]) == 0
    assert sorted(online.n_points().values()) == [0, 2, 2]


@pytest.mark.parametrize("behaviour", ["hang", "refuse", "vanish"])
def test_training_ends_normally_beside_a_server_that_fails(
    behaviour: str, job: Callable[[], list[str]], online: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records are complete, it is said once that tracking stopped, and ``harness sync`` mends half a mirror."""
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "1")
    monkeypatch.setattr("harness.mirror.process._LAST_S", 3.0)
    if behaviour in ("refuse", "vanish"):
        online.vanish_after = 0 if behaviour == "refuse" else 5  # in the middle of the first run
    online.behaviour = behaviour
    (said,) = job()
    assert said.startswith("tracking stops: ")
    assert said.endswith("; `harness sync` sends what is missing, the records are complete")
    if behaviour != "vanish":
        assert online.runs == {}
        return
    online.vanish_after = None
    assert harness(["sync", "--results", str(tmp_path / "results")]) == 0
    assert sorted(online.n_points().values()) == [0, 2, 2]


def test_untracked_training_imports_no_tracker(tmp_path: Path) -> None:
    """With ``none`` neither wandb nor TensorBoard is loaded by the worker, and nothing is remembered."""
    cell = {"dataset": "digits", "backbone": "tiny", "method": "zero_shot", "template": "a photo of a {}."}
    job = Job(
        kind="run", matrix="m", cells=(cell,), results=tmp_path, data=None, device="cpu", tracking=Tracking()
    )
    path = write_job(job, 1) / JOB_FILE
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-P", "-m", "harness.worker", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if "|" in line}
    assert "torch" in imported
    trackers = (
        "wandb.",
        "tensorboard",
        "harness.tracking.wandb",
        "harness.tracking.tensorboard",
    )  # wandb is tried
    assert [name for name in imported if name.startswith(trackers)] == []
    assert not (tmp_path / "tracking").exists()
    assert len(read_records(tmp_path).records) == 1
