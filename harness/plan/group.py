"""Which cells run in one job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.matrix.cell import Cell
from harness.plan.cost import cost


def group_cells(cells: Iterable[Cell], n_workers: int) -> list[tuple[Cell, ...]]:
    """Groups of cells that share a backbone and a data set, the most work first.

    Cells of one (shots, seed) stay together, since they learn from the same views. When there are fewer groups
    than workers, groups are cut so that every worker has one.
    """
    groups: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.backbone, cell.precision, cell.dataset), []).append(cell)
    pieces = max(1, -(-n_workers // max(1, len(groups))))
    jobs = [piece for group in groups.values() for piece in _cut(group, pieces)]
    return sorted(jobs, key=lambda job: -sum(map(cost, job)))


def _cut(cells: Sequence[Cell], pieces: int) -> list[tuple[Cell, ...]]:
    """Up to ``pieces`` parts of about equal cost."""
    bundles: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        bundles.setdefault((cell.shots, cell.seed), []).append(cell)
    parts: list[list[Cell]] = [[] for _ in range(min(pieces, len(bundles)))]
    loads = [0.0] * len(parts)
    for bundle in sorted(bundles.values(), key=lambda bundle: -sum(map(cost, bundle))):
        lightest = loads.index(min(loads))
        parts[lightest] += bundle
        loads[lightest] += sum(map(cost, bundle))
    order = {cell: index for index, cell in enumerate(cells)}
    return [tuple(sorted(part, key=order.__getitem__)) for part in parts]
