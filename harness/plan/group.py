"""Which cells run in one job."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from harness.data.dataset import Size
from harness.matrix.cell import Cell
from harness.plan.cost import cost_of
from harness.plan.work import Draw, draw_of

_JOBS_A_WORKER = 4  # enough that the last jobs are short, few enough that what a job loads is not loaded often
_LEAST_S, _LEAST_WORK = 20.0, 2e7  # with less to do a job is not worth what it loads; in seconds, and in work


class _Unit(NamedTuple):
    """Cells that are not cut apart, and their work."""

    work: float
    cells: list[Cell]


def group_cells(
    cells: Iterable[Cell],
    n_workers: int,
    sizes: Mapping[str, Size],
    seconds: Mapping[Cell, float | None] | None = None,
) -> list[tuple[Cell, ...]]:
    """Groups of cells that share a backbone and a data set, the most work first.

    One worker gets a job for each backbone and data set. For several, these are cut until no job is longer than
    a quarter of a worker's share, so that all are busy to the end, but not so far that jobs take less time than
    their start. Cells of one draw stay together, since they learn from the same views, unless the draw alone is
    more than a worker's share; then its trainings are shared out.

    Args:
        cells: to be grouped.
        n_workers: how many jobs can run at a time.
        sizes: of the data sets.
        seconds: of each cell, where records tell; else relative work is compared.
    """
    order = {cell: index for index, cell in enumerate(cells)}
    work, least = _work(order, sizes, seconds)
    groups: dict[tuple[object, ...], dict[Draw, list[Cell]]] = {}
    for cell in order:
        draws = groups.setdefault((cell.backbone, cell.precision, cell.dataset), {})
        draws.setdefault(draw_of(cell), []).append(cell)
    share = sum(work.values()) / max(1, n_workers)
    units = {
        key: [unit for draw in draws.values() for unit in _units(draw, work, max(share, least))]
        for key, draws in groups.items()
    }
    pieces = _pieces(units, n_workers, max(share / _JOBS_A_WORKER, least))
    jobs = [job for key, of_group in units.items() for job in _spread(of_group, pieces[key])]
    ordered = sorted(jobs, key=lambda job: job.work, reverse=True)
    return [tuple(sorted(job.cells, key=order.__getitem__)) for job in ordered]


def _work(
    cells: Iterable[Cell], sizes: Mapping[str, Size], seconds: Mapping[Cell, float | None] | None
) -> tuple[dict[Cell, float], float]:
    """The work of each cell, and the least of a job; in seconds where these are known of all cells."""
    kept = list(cells)
    told = {} if seconds is None else {cell: seconds.get(cell) for cell in kept}
    known = {cell: value for cell, value in told.items() if value is not None}
    if len(known) == len(kept):
        return known, _LEAST_S
    return {cell: cost_of([cell], sizes) for cell in kept}, _LEAST_WORK


def _units(draw: Sequence[Cell], work: Mapping[Cell, float], share: float) -> list[_Unit]:
    """The draw as a whole, or cut between trainings where it is more than a worker's share."""
    whole = _Unit(sum(work[cell] for cell in draw), list(draw))
    if whole.work <= share:
        return [whole]
    trainings: dict[Cell, list[Cell]] = {}
    for cell in draw:
        trainings.setdefault(cell.trained(), []).append(cell)
    each = [_Unit(sum(work[cell] for cell in cells), cells) for cells in trainings.values()]
    return _spread(each, min(len(each), math.ceil(whole.work / share)))


def _pieces(units: Mapping[tuple[object, ...], Sequence[_Unit]], n_workers: int, most: float) -> dict[object, int]:
    """Into how many jobs each group is cut."""
    work = {key: sum(unit.work for unit in of_group) for key, of_group in units.items()}
    if n_workers <= 1:
        return dict.fromkeys(units, 1)
    pieces: dict[object, int] = {
        key: max(1, min(len(of_group), math.ceil(work[key] / most))) for key, of_group in units.items()
    }
    while sum(pieces.values()) < n_workers:
        divisible = [key for key, of_group in units.items() if pieces[key] < len(of_group)]
        if not divisible:
            break
        pieces[max(divisible, key=lambda key: work[key] / pieces[key])] += 1
    return pieces


def _spread(units: Sequence[_Unit], n_parts: int) -> list[_Unit]:
    """Parts of about equal work, the most work first into the emptiest part."""
    parts = [_Unit(0.0, []) for _ in range(n_parts)]
    emptiest = [(0.0, number) for number in range(n_parts)]
    for unit in sorted(units, key=lambda unit: unit.work, reverse=True):
        _, number = emptiest[0]
        parts[number].cells.extend(unit.cells)
        parts[number] = _Unit(parts[number].work + unit.work, parts[number].cells)
        heapq.heapreplace(emptiest, (parts[number].work, number))
    return [part for part in parts if part.cells]
