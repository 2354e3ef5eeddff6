"""Which cells of a job this worker does: those without a record of today that no other worker holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.plan.job import Job
from harness.plan.pending import Standing, standings
from harness.plan.today import look_at_today
from harness.store.claims import Claimant
from harness.store.owner import Owner
from harness.store.records import not_written, read_records
from harness.worker.known import Known


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the cells of a job: ``mine`` to do, ``recorded`` already, or ``held`` by others."""

    mine: tuple[Cell, ...]
    recorded: tuple[Standing, ...]
    held: tuple[tuple[Cell, Owner], ...]


def take(job: Job, known: Known, cells: Sequence[Cell], claims: Claimant) -> Taken:
    """Claim cells, each with the cell that trains what it evaluates, since that gets its record, too.

    Records are looked at before, so that nothing is claimed in vain, and after, since another worker may have
    written one and let go of its claim in between.

    Raises:
        NotWrittenError: nothing can be claimed.
    """
    before = recorded(job, known, cells)
    mine: list[Cell] = []
    held: list[tuple[Cell, Owner]] = []
    for cell in cells:
        if cell not in before:
            owner = _claim(cell, known, claims)
            if owner is None:
                mine.append(cell)
            else:
                held.append((cell, owner))
    after = recorded(job, known, mine)
    for cell in after:
        claims.release(cell_id(cell))
    return Taken(
        tuple(cell for cell in mine if cell not in after), (*before.values(), *after.values()), tuple(held)
    )


def recorded(job: Job, known: Known, cells: Iterable[Cell]) -> dict[Cell, Standing]:
    """The cells that have a record of today; failures that are to be tried again are none."""
    by_id = {cell_id(cell): cell for cell in cells}
    scan = read_records(job.results, by_id)
    there = tuple(by_id[identifier] for identifier in scan.records)
    if not there:
        return {}
    today = look_at_today(there, known.catalog, job.data, job.weights, job.results, known.versions())
    found = standings(there, scan, job.results, today)
    return {standing.cell: standing for standing in found if standing.is_over(job.again)}


def _claim(cell: Cell, known: Known, claims: Claimant) -> Owner | None:
    """Claim a cell and its training; who holds one of them instead."""
    trained = cell.trained() if known.reads_shots(cell) else cell
    try:
        for wanted in dict.fromkeys((trained, cell)):
            owner = claims.claim(cell_id(wanted))
            if owner is not None:
                return owner
    except OSError as error:
        raise not_written(error) from None
    return None
