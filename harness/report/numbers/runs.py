"""The accuracy of every run, as arrays that one method shares with another: same seeds, same data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.matrix.cell import Shots
from harness.report.numbers.entry import Place
from harness.report.numbers.rows import Row, RowEntries, shots_order
from harness.report.stats.summary import Scores

Asked = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs of a group on its own test images.

    Attributes:
        seeds: of every row that draws anything.
        places: data set and classes.
        shots: rising; those of rows that draw, or else 0.
        scores: ``(seeds, places)`` of a row at a shot count, ``nan`` for a hole; of a row without seeds the one
            run is repeated for every seed and shot count.
        asked: of the same shape: whether there should be a run.
        unseeded: the rows without seeds.
    """

    seeds: tuple[int, ...]
    places: tuple[Place, ...]
    shots: tuple[Shots, ...]
    scores: Mapping[tuple[Row, Shots], Scores]
    asked: Mapping[tuple[Row, Shots], Asked]
    unseeded: frozenset[Row]


def runs_of(rows: RowEntries, places: Sequence[Place]) -> Runs:
    """The runs of every row on ``places``."""
    wanted = {place: number for number, place in enumerate(places)}
    members = {row: [entry for entry in found if entry.cell.target() in wanted] for row, found in rows.items()}
    drawn = [entry.cell for found in members.values() for entry in found if entry.cell.seed is not None]
    seeds = sorted({cell.seed for cell in drawn if cell.seed is not None})
    shots = shots_order(cell.shots for cell in drawn) or [0]
    of_seed = {seed: number for number, seed in enumerate(seeds)}
    scores: dict[tuple[Row, Shots], Scores] = {}
    asked: dict[tuple[Row, Shots], Asked] = {}
    unseeded = frozenset(row for row, found in members.items() if all(each.cell.seed is None for each in found))
    for row, found in members.items():
        for entry in found:
            columns = shots if row in unseeded else [entry.cell.shots]
            for count in columns:
                if (row, count) not in scores:
                    shape = (max(1, len(seeds)), len(places))
                    scores[row, count], asked[row, count] = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
                run = slice(None) if entry.cell.seed is None else of_seed[entry.cell.seed]
                place = wanted[entry.cell.target()]
                asked[row, count][run, place] = True
                if entry.accuracy is not None:
                    scores[row, count][run, place] = entry.accuracy
    return Runs(tuple(seeds), tuple(places), tuple(shots), scores, asked, unseeded)
