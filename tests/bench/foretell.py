"""How good forecasts are: 95 % of a matrix foretold from 5 %, and held against what they took."""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from harness.backbone.spec import backbone_spec
from harness.cli.state.situation import look_at_cells
from harness.cli.vocabulary import known_names
from harness.data.dataset import Size
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix, read_matrix
from harness.plan.experience import experience
from harness.plan.forecast import Forecaster
from harness.plan.job import Job, flat_cells, write_job
from harness.plan.machine import Machine
from harness.plan.space import disk_of, tower_of
from harness.plan.work import draw_of
from harness.store.facts import Facts
from harness.store.provenance import processor_name
from harness.store.record import Spent
from harness.store.survey import survey_records

# Classes, images a class, and sides in pixels of the folders that are painted.
_FOLDERS = {
    "few": (4, 40, 48),
    "small": (8, 30, 64),
    "many": (24, 30, 32),
    "large": (6, 30, 224),
    "wide": (12, 30, 128),
}
_MATRIX = """\
name: ahead
backbones: tiny
datasets:
  - digits
{folders}
shots: [1, 2, 4, 8]
seeds: [1, 2, 3, 4]
methods:
  - zero_shot
  - linear_probe
  - method: coop
    context: [unified, class_specific]
    recipe: {{epochs: 10}}
"""
_PART = 0.05
_TRIES, _MANY = 5, 200
# Every job has a cache of its own, as if it were the first: which ones count as such is chosen afterwards.
_WORK = """
import os, sys, time
if sys.argv[2] == "processor":
    time.monotonic = time.perf_counter = time.process_time
from harness.worker.__main__ import main
for number, path in enumerate(sys.argv[3:]):
    os.environ["HARNESS_CACHE"] = f"{sys.argv[1]}/cache{number}"
    assert main([path]) == 0
"""


def forecast(clock: str = "wall") -> dict:
    """What is true of forecasts of 95 % of a matrix from 5 %: five tries, each another 5 %, and 200 more.

    All jobs are run once, in random order, by one worker. A try takes the records of 5 % of the jobs and foretells
    what the others took together, so that no try sees another machine than the others.

    Args:
        clock: ``wall``, or ``processor``: one thread, timed by what the process computed, which is the time on an
            idle core; for machines on which others compute at the same time.
    """
    with tempfile.TemporaryDirectory(prefix="harness-ahead-") as folder:
        place = Path(folder)
        matrix = _matrix(place)
        jobs = _one_draw_jobs(matrix.cells)
        random.Random(0).shuffle(jobs)
        took_s, used_s = _run(matrix, jobs, place, clock)
        found = survey_records(place).facts
        assert len(found) == len(matrix.cells), "a cell failed"
        _, today, _ = look_at_cells(matrix.cells, matrix, place, None, survey=True)
        tries = [_try(jobs, found, today.sizes, random.Random(number)) for number in range(_TRIES + _MANY)]
        disk = _foretold_disk(matrix, today.sizes) / _disk_bytes(place)
    ratios = [each["ratio"] for each in tries]
    off = sorted(abs(ratio - 1) for ratio in ratios[_TRIES:])
    return {
        "clock": clock,
        "jobs": len(jobs),
        "cells": len(matrix.cells),
        "job_s": [round(value, 2) for value in statistics.quantiles([_spent_s(job, found) for job in jobs], n=10)],
        "took_s": round(took_s, 1),
        "processor_s": round(used_s, 1),
        "five_tries": tries[:_TRIES],
        "median_off": round(statistics.median(abs(ratio - 1) for ratio in ratios[:_TRIES]), 3),
        "of_200_off": {"median": round(off[_MANY // 2], 3), "nine_of_ten": round(off[_MANY * 9 // 10], 3)},
        "of_200_inside_what_was_said": sum(abs(1 / e["ratio"] - 1) <= e["plus_minus"] for e in tries[_TRIES:])
        / _MANY,
        "disk_ratio": round(disk, 3),
    }


def _matrix(folder: Path) -> Matrix:
    """Digits and five folders of painted images."""
    noise = random.Random(0)
    for name, (n_classes, n_images, side) in _FOLDERS.items():
        for k in range(n_classes):
            for number in range(n_images):
                place = folder / name / f"kind {k}"
                place.mkdir(parents=True, exist_ok=True)
                small = Image.frombytes("RGB", (8, 8), noise.randbytes(192))
                small.resize((side + number % 5, side)).save(place / f"{number}.png")
    entries = "".join(f"  - {{name: {name}, folder: {folder / name}}}\n" for name in _FOLDERS)
    path = folder / "ahead.yaml"
    path.write_text(_MATRIX.format(folders=entries.rstrip("\n")))
    return read_matrix(path, known_names())


def _try(
    jobs: Sequence[Sequence[Cell]], found: Mapping[str, Facts], sizes: Mapping[str, Size], pick: random.Random
) -> dict:
    """One forecast: what it said over what came."""
    order = pick.sample(range(len(jobs)), len(jobs))
    n_first = max(1, round(_PART * len(jobs)))
    first = [found[cell_id(cell)] for number in order[:n_first] for cell in jobs[number]]
    rest = [jobs[number] for number in order[n_first:]]
    towers = {"tiny": tower_of(backbone_spec("tiny"))}
    machine = Machine("cpu", processor_name(), _spents(jobs[order[0]], found)[0].threads)
    told = experience(first, sizes, machine, towers)
    ahead = Forecaster(replace(told, encoded=frozenset()), sizes, towers)
    said = ahead.forecast(rest, 1)
    said_s = sum(ahead.forecast([job], 1).busy_s - told.start_s for job in rest)
    peaks = [spent.peak_host_bytes or 0 for job in rest for spent in _spents(job, found)]
    return {
        "said_s": round(said_s, 1),
        "ratio": round(said_s / sum(_spent_s(job, found) for job in rest), 3),
        "plus_minus": round(said.plus_minus or 0.0, 2),
        "cells_unseen": said.n_unseen,
        "memory_ratio": round(max(job.host_bytes or 0.0 for job in said.jobs) / max(peaks), 3),
    }


def _spents(job: Sequence[Cell], found: Mapping[str, Facts]) -> list[Spent]:
    return [spent for cell in job if (spent := found[cell_id(cell)].spent) is not None]


def _spent_s(job: Sequence[Cell], found: Mapping[str, Facts]) -> float:
    return sum(spent.elapsed_s for spent in _spents(job, found))


def _foretold_disk(matrix: Matrix, sizes: Mapping[str, Size]) -> float:
    disk = disk_of(matrix.cells, sizes, {"tiny": tower_of(backbone_spec("tiny"))}, "auto")
    return disk.total - disk.cache


def _one_draw_jobs(cells: Sequence[Cell]) -> list[list[Cell]]:
    found: dict[object, list[Cell]] = {}
    for cell in cells:
        found.setdefault(draw_of(cell), []).append(cell)
    return list(found.values())


def _run(matrix: Matrix, jobs: Sequence[Sequence[Cell]], place: Path, clock: str) -> tuple[float, float]:
    """Seconds that one worker takes for the jobs, its start and end included, and those of its processor time."""
    folders = [
        write_job(
            Job(kind="run", matrix=matrix.name, cells=flat_cells(cells), results=place.resolve(), data=None,
                sources=matrix.sources, device="cpu"),
            number,
        )
        for number, cells in enumerate(jobs)
    ]  # fmt: skip
    files = [str(folder / "job.json") for folder in folders]
    start, before = time.perf_counter(), os.times()
    command = [sys.executable, "-c", _WORK, str(place), clock, *files]
    threads = {"OMP_NUM_THREADS": "1"} if clock == "processor" else {}
    subprocess.run(command, check=True, env={"OMP_WAIT_POLICY": "passive", **os.environ, **threads})
    seconds, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used


def _disk_bytes(place: Path) -> int:
    """Of records and what lies beside them."""
    return sum(file.stat().st_size for file in (place / "records").iterdir() if file.is_file())


if __name__ == "__main__":
    print(json.dumps(forecast(sys.argv[1])))  # noqa: T201
