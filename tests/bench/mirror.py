"""Benchmark: ``python tests/bench/mirror.py``, what tracking 60 cells costs a worker; one JSON line a tracker.

``handed_over_s`` is what the worker waits while its cells end, ``closed_s`` what it waits at the end of the job;
both for all 60. Offline W&B and TensorBoard need no server. Timings are never tests.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import COOP
from harness.matrix.tracking import Tracking
from harness.mirror.process import LiveMirror
from harness.mirror.request import MirrorRequest
from harness.store.record import RunRecord
from harness.store.records import write_record

N_CELLS, N_EPOCHS, N_CLASSES = 60, 50, 100


def main() -> None:
    os.environ |= {"WANDB_MODE": "offline"}
    for tracker in ("wandb", "tensorboard"):
        with tempfile.TemporaryDirectory() as folder:
            found = {"tracker": tracker, "cells": N_CELLS} | measure(tracker, Path(folder))
            sys.stdout.write(json.dumps(found) + "\n")


def measure(tracker: str, results: Path) -> dict[str, float]:
    """Seconds for all cells."""
    records = [record(seed) for seed in range(1, N_CELLS + 1)]
    for each in records:
        write_record(results, each, context=b"0" * 32_768)
    said: list[str] = []
    request = MirrorRequest(matrix="m", results=results, tracking=Tracking(tracker=tracker))
    mirror = LiveMirror(request, said.append, last_s=600.0)
    begun = time.perf_counter()
    for each in records:
        mirror.show(each.cell_id)
    handed_over = time.perf_counter()
    mirror.close()
    assert not said, said
    return {
        "handed_over_s": round(handed_over - begun, 4),
        "closed_s": round(time.perf_counter() - handed_over, 2),
    }


def record(seed: int) -> RunRecord:
    """A record of CoOp with as many epochs and classes as the paper's data sets have."""
    cell = Cell.from_dict({
        "dataset": "digits", "backbone": "tiny", "method": "coop", "protocol": "coop", "shots": 1, "seed": seed,
        "recipe": COOP.recipe("coop", "digits", 1), "views": "live", "context": "unified", "n_ctx": 16,
        "class_token_position": "end",
    })  # fmt: skip
    identifier = cell_id(cell)
    provenance = {
        "harness_version": "0", "git_commit": None, "git_dirty": None, "packages": {}, "python": "3",
        "platform": "Linux", "device": "cpu", "precision": "fp32", "weights_digest": "0", "split_digest": "0",
        "subset_digest": None, "images_digest": None, "seeds": {},
    }  # fmt: skip
    classes = [{"name": f"class {k}", "n_test": 1, "n_correct": 1, "n_predicted": 1} for k in range(N_CLASSES)]
    epochs = [{"epoch": k, "lr": 1e-3, "loss": 1 / k, "train_accuracy": 0.5} for k in range(1, N_EPOCHS + 1)]
    return RunRecord.model_validate({
        "cell_id": identifier, "cell": cell.to_dict(), "status": "done", "n_correct": N_CLASSES,
        "n_test": N_CLASSES, "per_class": classes, "history": epochs,
        "context": {"file": f"{identifier}.safetensors", "sha256": "0" * 64, "shape": [16, 512]},
        "timings": {"total_s": 1.0}, "provenance": provenance, "created_at": "2031-01-02T03:04:05+00:00",
    })  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
