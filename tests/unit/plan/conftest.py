"""A made-up machine whose times follow known prices, and the records that it would leave."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pytest

from harness.data.catalog import DATASETS
from harness.data.dataset import known_size
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.plan.machine import Machine
from harness.plan.work import draw_of, work_of
from harness.store.facts import Facts, MadeFrom
from harness.store.record import Spent

SIZES = {name: size for name, row in DATASETS.items() if (size := known_size(row)) is not None}
MACHINE = Machine("cpu", "made up", 4)
MakeCell = Callable[..., Cell]


@dataclass
class Clockwork:
    """A machine: every record it leaves takes what its prices say, give or take ``noise``."""

    machine: Machine = MACHINE
    step_s: float = 0.004
    token_s: float = 3e-5
    view_s: float = 0.002
    decode_s: float = 0.003
    probe_s: float = 0.2
    test_image_s: float = 0.01
    evaluate_s: float = 0.03
    load_s: float = 1.5
    start_s: float = 4.0
    base_bytes: int = 900_000_000
    noise: float = 0.0

    def __post_init__(self) -> None:
        self._random = random.Random(0)
        self._n_jobs = 0
        self._encoded: set[object] = set()

    def job(self, cells: Sequence[Cell]) -> list[Facts]:
        """The facts of the records of one job."""
        self._n_jobs += 1
        threads, facts = self.machine.threads, []
        draws: dict[object, list[Cell]] = {}
        for cell in cells:
            draws.setdefault((draw_of(cell), cell.method), []).append(cell)
        load_s = self.load_s
        decoded: set[object] = set()
        for members in draws.values():
            trained = [cell for cell in members if work_of(cell, SIZES).steps]
            shared = 0.0
            if trained:
                fits = [self._fit_s(cell) for cell in trained]
                shared = sum(fits) / min(threads, len(fits))
                shared += max(work_of(cell, SIZES).n_views for cell in trained) * self.view_s / threads
            for cell in members:
                work = work_of(cell, SIZES)
                draw_s = 0.0
                if work.n_images and draw_of(cell) not in decoded:
                    decoded.add(draw_of(cell))
                    draw_s = work.n_images * self.decode_s
                test_s = 0.0
                if cell.target() not in self._encoded:
                    self._encoded.add(cell.target())
                    test_s = work.n_test * self.test_image_s / threads
                fit_s = self._fit_s(cell) if work.steps else self.probe_s if work.n_images else 0.0
                waited = shared if work.steps else fit_s
                timings = {"fit_s": fit_s, "test_features_s": test_s, "evaluate_s": self.evaluate_s}
                elapsed = (load_s + draw_s + waited + test_s + self.evaluate_s) * self._off()
                facts.append(self._facts(cell, timings, elapsed, load_s, draw_s))
                load_s = 0.0
                shared = 0.0 if work.steps else shared
        return facts

    def seconds(self, facts: Iterable[Facts]) -> float:
        """What the jobs of these records took, starts left out."""
        return sum(each.spent.elapsed_s for each in facts if each.spent is not None)

    def _fit_s(self, cell: Cell) -> float:
        work = work_of(cell, SIZES)
        return work.steps * (self.step_s + work.step_tokens * self.token_s)

    def _off(self) -> float:
        return 1 + self._random.uniform(-self.noise, self.noise)

    def _facts(
        self, cell: Cell, timings: dict[str, float], elapsed_s: float, load_s: float, draw_s: float
    ) -> Facts:
        work = work_of(cell, SIZES)
        spent = Spent(
            job=str(self._n_jobs), processor=self.machine.name, threads=self.machine.threads, elapsed_s=elapsed_s,
            start_s=self.start_s, load_s=load_s, draw_s=draw_s, image_bytes=192 if work.n_images else None,
            peak_host_bytes=self.base_bytes,
        )  # fmt: skip
        made_from = MadeFrom("w", "s", None, None, None, "cpu (x86_64, 4 threads)")
        return Facts(
            cell_id(cell), cell, "done", None, made_from, work.n_test, work.test_classes, True, timings, spent,
            "2026-01-01T00:00:00+00:00",
        )  # fmt: skip


@pytest.fixture
def clockwork() -> Clockwork:
    """The machine without noise."""
    return Clockwork()


@pytest.fixture
def draws(make_cell: MakeCell) -> list[list[Cell]]:
    """The cells of 120 draws: four variants and the probe, on four data sets, five shot counts, six seeds."""
    return [
        [
            make_cell(dataset=dataset, shots=shots, seed=seed, method="linear_probe"),
            *(
                make_cell(dataset=dataset, shots=shots, seed=seed, context=context, class_token_position=position)
                for context in ("unified", "class_specific")
                for position in ("end", "middle")
            ),
        ]
        for dataset in ("digits", "eurosat", "dtd", "oxford_pets")
        for shots in (1, 2, 4, 8, 16)
        for seed in range(1, 7)
    ]
