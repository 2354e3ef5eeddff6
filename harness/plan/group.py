"""Which cells run in one job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.matrix.cell import Cell
from harness.plan.cost import cost

Draw = tuple[object, ...]


def group_cells(cells: Iterable[Cell], n_workers: int) -> list[tuple[Cell, ...]]:
    """Groups of cells that share a backbone and a data set, the most work first.

    Cells of one (shots, seed) stay together, since they learn from the same views. While there are fewer groups
    than workers, the one with the most work a piece is cut further.
    """
    order = {cell: index for index, cell in enumerate(cells)}
    groups: dict[tuple[object, ...], dict[Draw, list[Cell]]] = {}
    for cell in order:
        draws = groups.setdefault((cell.backbone, cell.precision, cell.dataset), {})
        draws.setdefault((cell.shots, cell.seed), []).append(cell)
    pieces = dict.fromkeys(groups, 1)
    work = {key: sum(map(_cost, draws.values())) for key, draws in groups.items()}
    while sum(pieces.values()) < n_workers:
        divisible = [key for key, draws in groups.items() if pieces[key] < len(draws)]
        if not divisible:
            break
        pieces[max(divisible, key=lambda key: work[key] / pieces[key])] += 1
    jobs = [job for key, draws in groups.items() for job in _cut(list(draws.values()), pieces[key])]
    return sorted((tuple(sorted(job, key=order.__getitem__)) for job in jobs), key=_cost, reverse=True)


def _cut(draws: Sequence[list[Cell]], pieces: int) -> list[list[Cell]]:
    """``pieces`` parts of about equal cost, no draw cut in two."""
    parts: list[list[Cell]] = [[] for _ in range(pieces)]
    for draw in sorted(draws, key=_cost, reverse=True):
        min(parts, key=_cost).extend(draw)
    return parts


def _cost(cells: Sequence[Cell]) -> float:
    return sum(map(cost, cells))
