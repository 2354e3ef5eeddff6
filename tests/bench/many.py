"""Large matrices and folders of records, made up: how planning and scanning grow with their size."""

import contextlib
import io
import json
import math
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.cli import main
from harness.cli.vocabulary import known_names
from harness.data.catalog import DATASETS
from harness.data.dataset import known_size
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import read_matrix
from harness.matrix.protocol import COOP
from harness.plan.cost import cost_of
from harness.plan.forecast import makespan as ends
from harness.plan.group import group_cells
from harness.store.reading import sealed
from harness.store.record import RunRecord
from harness.store.records import read_records
from harness.store.survey import survey_records

_DATASETS = ("caltech101", "dtd", "eurosat", "fgvc_aircraft", "food101", "oxford_flowers", "oxford_pets")


def cells(n: int) -> list[Cell]:
    """So many cells of CoOp: seven data sets, five shot counts, four variants, and seeds without end."""
    found: list[Cell] = []
    for seed in range(1, math.ceil(n / 140) + 1):
        for dataset in _DATASETS:
            for shots in (1, 2, 4, 8, 16):
                recipe = COOP.recipe("coop", dataset, shots)
                for context in ("unified", "class_specific"):
                    for position in ("end", "middle"):
                        flat = {
                            "dataset": dataset, "backbone": "RN50:openai", "method": "coop", "shots": shots,
                            "seed": seed, "protocol": "coop", "recipe": recipe, "views": "live",
                            "context": context, "n_ctx": 16, "class_token_position": position,
                        }  # fmt: skip
                        found.append(Cell.from_dict(flat))
    return found[:n]


def record_of(cell: Cell) -> RunRecord:
    """A record of realistic size: 100 classes, and 200 epochs whatever the cell says."""
    return RunRecord.model_validate(
        {
            "cell_id": cell_id(cell), "cell": cell.to_dict(), "status": "done", "n_correct": 1200, "n_test": 1800,
            "per_class": [
                {"name": f"class number {k}", "n_test": 18, "n_correct": 12, "n_predicted": 18} for k in range(100)
            ],
            "history": [
                {"epoch": k, "lr": 0.002 / k, "loss": 2.0 / math.sqrt(k), "train_accuracy": 1 - 0.7 / k}
                for k in range(1, 201)
            ],
            "timings": {"fit_s": 80.1, "test_features_s": 0.0, "evaluate_s": 0.2, "total_s": 80.3},
            "spent": {
                "job": "0123456789ab", "processor": "made up", "threads": 8, "elapsed_s": 85.0, "start_s": 4.0,
                "image_bytes": 600_000, "peak_host_bytes": 3_000_000_000,
            },
            "provenance": {
                "harness_version": "0", "git_commit": "0" * 40, "git_dirty": False, "python": "3.11.7",
                "packages": {"torch": "2.15.0", "open_clip_torch": "3.3.0", "numpy": "2.4.0", "pillow": "12.1.0"},
                "platform": "Linux-x86_64", "device": "cpu (x86_64, 8 threads)", "precision": "fp32",
                "weights_digest": "1" * 64, "split_digest": "2" * 64, "subset_digest": "3" * 64,
                "images_digest": "4" * 64, "seeds": {"draw": cell.seed, "batches": cell.seed},
            },
            "created_at": "2031-01-02T03:04:05+00:00",
        }
    )  # fmt: skip


def write_records(results: Path, n: int) -> list[str]:
    """So many records on disk, and their ids."""
    folder = results / "records"
    folder.mkdir(parents=True)
    made = cells(n)
    names = [cell_id(cell) for cell in made]
    text = json.dumps(record_of(made[0]).model_dump(mode="json"), indent=1)
    flat = json.dumps(made[0].to_dict(), indent=1).replace("\n", "\n ")
    for cell, name in zip(made, names, strict=True):
        of_cell = json.dumps(cell.to_dict(), indent=1).replace("\n", "\n ")
        (folder / f"{name}.json").write_text(sealed(text.replace(names[0], name, 1).replace(flat, of_cell, 1)))
    old = time.time() - 3600  # the time of change stays that of now
    for name in names:
        os.utime(folder / f"{name}.json", (old, old))
    return names


def scan(n: int) -> dict:
    """Seconds of the first survey of so many records and of the next; of few also of reading them whole."""
    place = Path(tempfile.mkdtemp(prefix="harness-scan-"))
    os.environ["HARNESS_CACHE"] = str(place / "cache")
    try:
        names = write_records(place, n)
        time.sleep(2.5)  # younger files are read again, since their times tell nothing yet
        found = {"records": n, "record_bytes": (place / "records" / f"{names[0]}.json").stat().st_size}
        for which in ("first", "next"):
            start, used = time.perf_counter(), time.process_time()
            assert len(survey_records(place, names).facts) == n
            found[f"{which}_s"] = round(time.perf_counter() - start, 2)
            found[f"{which}_processor_s"] = round(time.process_time() - used, 2)
        found["index_mb"] = round(sum(file.stat().st_size for file in (place / "cache").rglob("*.json")) / 1e6, 1)
        found["peak_mb"] = _peak_mb()
        if n <= 1000:
            start = time.perf_counter()
            read_records(place, names)
            found["whole_s"] = round(time.perf_counter() - start, 2)
        return found
    finally:
        shutil.rmtree(place)


def plan(n: int) -> dict:
    """Seconds and memory of ``harness plan`` of so many cells for eight GPUs, none of which was run."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "0,1,2,3,4,5,6,7"
    with tempfile.TemporaryDirectory(prefix="harness-plan-") as folder:
        os.environ["HARNESS_CACHE"] = f"{folder}/cache"
        path = Path(folder) / "many.yaml"
        path.write_text(
            f"backbones: 'RN50:openai'\ndatasets: [{', '.join(_DATASETS)}]\nshots: [1, 2, 4, 8, 16]\n"
            f"seeds: {list(range(1, math.ceil(n / 140) + 1))}\nmethods:\n  - method: coop\n"
            "    context: [unified, class_specific]\n    class_token_position: [end, middle]\n"
        )
        start, said = time.perf_counter(), io.StringIO()
        used = time.process_time()
        with contextlib.redirect_stdout(said):
            assert main(["plan", "--matrix", str(path), "--results", folder]) == 0
        seconds, used = time.perf_counter() - start, time.process_time() - used
    first, jobs = said.getvalue().splitlines()[0], re.search(r"jobs: (\d+)", said.getvalue())
    assert jobs is not None
    return {
        "cells": int(first.split()[1]),
        "plan_s": round(seconds, 2),
        "processor_s": round(used, 2),
        "jobs": int(jobs[1]),
        "peak_mb": _peak_mb(),
    }


def makespan(n_workers: int) -> dict:
    """How long the paper's matrix keeps so many devices, over the least that it can: in relative work."""
    sizes = {name: size for name, row in DATASETS.items() if (size := known_size(row)) is not None}
    cells_ = read_matrix(Path(__file__).parents[2] / "experiments" / "full.yaml", known_names()).cells
    loads = [cost_of(job, sizes) for job in group_cells(cells_, n_workers, sizes)]
    least = max(sum(loads) / n_workers, *(cost_of([cell], sizes) for cell in cells_))
    return {"jobs": len(loads), "over_least": round(ends(loads, n_workers) / least, 3)}


def in_processes(bench: Callable[[int], dict], sizes: tuple[int, ...]) -> dict:
    """One process a size, so that peaks of memory are those of that size."""
    found = {}
    for n in sizes:
        command = [sys.executable, __file__, bench.__name__, str(n)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found[str(n)] = json.loads(said)
    return found


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    print(json.dumps({"scan": scan, "plan": plan, "makespan": makespan}[sys.argv[1]](int(sys.argv[2]))))  # noqa: T201
