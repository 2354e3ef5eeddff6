"""Jobs, records and claims of a matrix, as a dispatch needs them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.cli.state.situation import Situation
from harness.dispatch.dispatch import Ground
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.plan.job import Job, write_job
from harness.plan.pending import standings
from harness.store.claims import Claimant
from harness.store.record import failed_record
from harness.store.records import read_records, write_record


def ground_of(
    situation: Situation,
    results: Path,
    job: Callable[[Sequence[Cell]], Job],
    again: Mapping[str, str],
    claims: Claimant,
) -> Ground:
    """What a dispatch stands on.

    Args:
        situation: of the matrix.
        results: where its records are.
        job: makes the job of some cells.
        again: failed cells that are run once more: from cell id to the time of the failure.
        claims: of this process.
    """
    numbers = itertools.count(1)

    def unfinished(cells: Sequence[Cell]) -> list[Cell]:
        scan = read_records(results, [cell_id(cell) for cell in cells])
        found = standings(cells, scan, results, situation.today)
        return [standing.cell for standing in found if not standing.is_over(again)]

    def fail(cell: Cell, reason: str, log_tail: list[str]) -> None:
        identifier = cell_id(cell)
        if claims.claim(identifier) is not None:
            return  # somebody else has it in hand
        try:
            if unfinished([cell]):
                write_record(results, failed_record(cell, reason, log_tail=log_tail))
        finally:
            claims.release(identifier)

    return Ground(
        write=lambda cells: write_job(job(cells), next(numbers)),
        unfinished=unfinished,
        holder=lambda cell: claims.cleared(cell_id(cell)),
        fail=fail,
    )
