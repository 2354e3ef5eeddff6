"""What is still to come: seconds, memory and disk of jobs, and how sure that is."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.data.dataset import Size
from harness.matrix.cell import Cell
from harness.matrix.schema import LogitsRule
from harness.plan.experience import Experience
from harness.plan.rates import Backbone, Target, backbone_of, cell_seconds
from harness.plan.space import IMAGE_BYTES, Disk, Tower, device_growth_bytes, disk_of, host_growth_bytes
from harness.plan.work import Work, draw_of, work_of

_FEW = 4  # draws below which their spread says little
_SPREAD_OF_FEW = 0.35
_SPREAD_LEAST = 0.08  # machines are not the same from day to day
_UNSEEN = 2.0  # a kind of cell without a record of its own is so much less sure


@dataclass(frozen=True, slots=True)
class JobForecast:
    """One job; ``None`` is what no record tells, and the memory of a GPU where there is none.

    Without ``seconds`` it has cells that are ``untold``.
    """

    cells: tuple[Cell, ...]
    seconds: float | None
    host_bytes: float | None
    device_bytes: float | None
    untold: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Forecast:
    """All jobs.

    Attributes:
        jobs: in the order in which they were given.
        start_s: of a worker.
        busy_s: of all jobs that can be told, on their devices, the start of workers included.
        wall_s: until the last of them ends.
        plus_minus: what ``busy_s`` may be off by in 19 of 20 cases, as a fraction; ``None`` without seconds.
        n_untold: cells of jobs whose seconds cannot be told.
        n_unseen: cells that are told by records of other data sets or methods.
        disk: that all cells will take.
    """

    jobs: tuple[JobForecast, ...]
    start_s: float
    busy_s: float
    wall_s: float
    plus_minus: float | None
    n_untold: int
    n_unseen: int
    disk: Disk


class Forecaster:
    """Seconds of cells and memory of jobs by what records tell."""

    def __init__(self, told: Experience, sizes: Mapping[str, Size], towers: Mapping[str, Tower]) -> None:
        """Forecast by ``told``; ``towers`` of every backbone, ``sizes`` of the data sets, as far as known."""
        self.told = told
        self._sizes = sizes
        self._towers = towers

    def seconds(self, cells: Iterable[Cell]) -> dict[Cell, float | None]:
        """Of each cell, as one of those beside it: cells of one draw share its images.

        Loading the backbone and features of test images are no cell's; ``None`` where no record tells.
        """
        draws: dict[object, list[Cell]] = {}
        for cell in cells:
            draws.setdefault((draw_of(cell), cell.method), []).append(cell)
        found: dict[Cell, float | None] = {}
        for members in draws.values():
            rates = self.told.rates.get(backbone_of(members[0]))
            known = rates is not None and all(
                name in self._sizes for cell in members for name in (cell.dataset, cell.target()[0])
            )
            each = None
            if known and rates is not None:
                each = cell_seconds(rates, members, self._works(members), self.told.machine)
            found |= dict.fromkeys(members) if each is None else each
        return found

    def forecast(self, jobs: Sequence[Sequence[Cell]], n_workers: int, logits: LogitsRule = "auto") -> Forecast:
        """Of all jobs, when so many run at a time."""
        encoded = set(self.told.encoded)
        made = [self._job(cells, encoded) for cells in jobs]
        cells = [cell for job in jobs for cell in job]
        told = [job for job in made if job.seconds is not None]
        seconds = [job.seconds or 0.0 for job in told]
        n_starts = min(n_workers, len(told))
        busy = sum(seconds) + n_starts * self.told.start_s
        wall = makespan(seconds, n_workers) + (self.told.start_s if told else 0.0)
        seen = {(backbone, kind) for backbone, rates in self.told.rates.items() for kind in rates.kinds}
        in_told = [cell for job in told for cell in job.cells]
        n_unseen = sum((backbone_of(cell), (cell.dataset, cell.method)) not in seen for cell in in_told)
        return Forecast(
            jobs=tuple(made),
            start_s=self.told.start_s,
            busy_s=busy,
            wall_s=wall,
            plus_minus=self._plus_minus(in_told, n_unseen) if told else None,
            n_untold=len(cells) - len(in_told),
            n_unseen=n_unseen,
            disk=disk_of(cells, self._sizes, self._towers, logits, self.told.encoded),
        )

    def _works(self, cells: Iterable[Cell]) -> dict[Cell, Work]:
        return {cell: work_of(cell, self._sizes) for cell in cells}

    def _job(self, cells: Sequence[Cell], encoded: set[tuple[Backbone, Target]]) -> JobForecast:
        """One job; test images that it encodes are added to ``encoded``, so that later jobs read them."""
        backbone, works = backbone_of(cells[0]), self._works(cells)
        rates = self.told.rates.get(backbone)
        each = self.seconds(cells)
        seconds: float | None = None
        if rates is not None and not any(value is None for value in each.values()):
            seconds = rates.load + sum(value or 0.0 for value in each.values())
            threads = self.told.machine.threads if self.told.machine.kind == "cpu" else 1
            for target, n_test in {cell.target(): works[cell].n_test for cell in cells}.items():
                if (backbone, target) not in encoded:
                    encoded.add((backbone, target))
                    seconds += n_test * rates.test.get(target[0], rates.test.get("", 0.0)) / threads
        untold = tuple(cell for cell, value in each.items() if value is None)
        return JobForecast(tuple(cells), seconds, *self._memory(cells, works), untold)

    def _memory(self, cells: Sequence[Cell], works: Mapping[Cell, Work]) -> tuple[float | None, float | None]:
        """Peak of the process, and of the GPU."""
        backbone, tower = backbone_of(cells[0]), self._towers[cells[0].backbone]
        base = self.told.base_bytes.get(backbone)
        if base is None:
            return None, None
        images = self.told.image_bytes.get(cells[0].dataset, IMAGE_BYTES)
        host = base.host + host_growth_bytes(cells, works, tower, images, self.told.machine)
        return host, None if base.device is None else base.device + device_growth_bytes(cells, works, tower)

    def _plus_minus(self, cells: Sequence[Cell], n_unseen: int) -> float:
        """Twice the standard error of a sum of draws, each of which is off by the spread that was seen."""
        rates = [self.told.rates[backbone] for backbone in {backbone_of(cell) for cell in cells}]
        n_seen = sum(each.n_groups for each in rates)
        spread = max(_SPREAD_LEAST, *(each.spread for each in rates))
        if n_seen < _FEW:
            spread = max(spread, _SPREAD_OF_FEW)
        n_coming = len({(draw_of(cell), cell.method) for cell in cells})
        error = spread * math.sqrt(1 / max(1, n_seen) + 1 / max(1, n_coming))
        error *= 1 + (_UNSEEN - 1) * n_unseen / max(1, len(cells))
        return 2 * math.hypot(error, _SPREAD_LEAST)


def makespan(seconds: Iterable[float], n_workers: int) -> float:
    """When the last job ends, if each free worker takes the next one."""
    free = [0.0] * max(1, n_workers)
    for taken in seconds:
        heapq.heapreplace(free, free[0] + taken)
    return max(free)
