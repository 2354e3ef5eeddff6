"""Which cells run in one job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.data.dataset import Size
from harness.matrix.cell import Cell
from harness.matrix.protocol import draw_rule
from harness.plan.cost import cost_of

Draw = tuple[object, ...]


def group_cells(cells: Iterable[Cell], n_workers: int, sizes: Mapping[str, Size]) -> list[tuple[Cell, ...]]:
    """Groups of cells that share a backbone and a data set, the most work first.

    Cells of one draw stay together, since they learn from the same views. While there are fewer groups than
    workers, the one with the most work a piece is cut further.

    Args:
        cells: to be grouped.
        n_workers: how many jobs can run at a time.
        sizes: of the data sets.
    """

    def work_of(members: Sequence[Cell]) -> float:
        return cost_of(members, sizes)

    order = {cell: index for index, cell in enumerate(cells)}
    groups: dict[tuple[object, ...], dict[Draw, list[Cell]]] = {}
    for cell in order:
        draws = groups.setdefault((cell.backbone, cell.precision, cell.dataset), {})
        draws.setdefault((cell.shots, cell.seed, cell.classes, draw_rule(cell)), []).append(cell)
    pieces = dict.fromkeys(groups, 1)
    work = {key: sum(map(work_of, draws.values())) for key, draws in groups.items()}
    while sum(pieces.values()) < n_workers:
        divisible = [key for key, draws in groups.items() if pieces[key] < len(draws)]
        if not divisible:
            break
        pieces[max(divisible, key=lambda key: work[key] / pieces[key])] += 1
    jobs = [job for key, draws in groups.items() for job in _cut(list(draws.values()), pieces[key], work_of)]
    return sorted((tuple(sorted(job, key=order.__getitem__)) for job in jobs), key=work_of, reverse=True)


def _cut(draws: Sequence[list[Cell]], pieces: int, work_of: Callable[[Sequence[Cell]], float]) -> list[list[Cell]]:
    """``pieces`` parts of about equal cost, no draw cut in two."""
    parts: list[list[Cell]] = [[] for _ in range(pieces)]
    for draw in sorted(draws, key=work_of, reverse=True):
        min(parts, key=work_of).extend(draw)
    return parts
