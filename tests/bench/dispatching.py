"""What the dispatch adds to a job: jobs with nothing left to do, through real files and worker processes."""

import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from harness.cli.vocabulary import known_names
from harness.dispatch.devices import choose_devices, one_a_worker
from harness.dispatch.dispatch import Ground, dispatch
from harness.dispatch.local import LocalLauncher
from harness.dispatch.orders import Orders
from harness.dispatch.piece import Piece
from harness.matrix.cell import Cell
from harness.matrix.matrix import read_matrix
from harness.plan.job import Job, flat_cells, write_job

_WORKERS = 8
_MATRIX = (
    "backbones: tiny\ndatasets: digits\nmethods: [{method: zero_shot, template: [own, selected, imagenet]}]\n"
)


def added_ms(numbers: Sequence[int] = (1_000, 10_000)) -> dict[str, float]:
    """Milliseconds a job, by the number of jobs: their cells are recorded, and eight workers see that."""
    with tempfile.TemporaryDirectory() as folder:
        return _added_ms(Path(folder), numbers)


def _added_ms(folder: Path, numbers: Sequence[int]) -> dict[str, float]:
    matrix = folder / "m.yaml"
    matrix.write_text(_MATRIX)
    cells = read_matrix(matrix, known_names()).cells
    count = itertools.count(1)

    def write(of: Sequence[Cell]) -> Path:
        job = Job(kind="run", matrix="m", cells=flat_cells(of), results=folder, data=None, device="cpu")
        return write_job(job, next(count))

    ground = Ground(write, lambda _: [], lambda _: None, lambda *_: None)
    launcher = LocalLauncher(one_a_worker(choose_devices("cpu"), _WORKERS))
    found: dict[str, float] = {"workers": _WORKERS}

    def run(pieces: list[Piece]) -> float:
        start = time.perf_counter()
        recorded = 0

        def hear(event: dict) -> None:
            nonlocal recorded
            recorded += event["event"] == "recorded"

        assert not dispatch(pieces, ground, launcher, hear, Orders()).broken
        assert recorded == sum(len(piece.cells) for piece in pieces)
        return time.perf_counter() - start

    try:
        one = LocalLauncher(one_a_worker(choose_devices("cpu")))
        dispatch([Piece(tuple(cells))], ground, one, lambda _: None, Orders())  # the records that all jobs find
        one.close()
        found["start_s"] = run([Piece((cells[0],))] * _WORKERS)
        for number in numbers:
            pieces = [Piece((cell,)) for cell, _ in zip(itertools.cycle(cells), range(number), strict=False)]
            found[f"{number}_jobs_ms_each"] = round(1000 * run(pieces) / number, 2)
    finally:
        launcher.close()
    return found
