"""Cells that jobs of earlier launches still have: not handed over again, but followed, or left to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.dispatch.launched import Launched
from harness.dispatch.launches import Launch, LaunchedJob
from harness.errors import RecordError
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.plan.job import JOB_FILE, read_job
from harness.plan.pending import Standing


@dataclass(frozen=True, slots=True)
class Earlier:
    """Jobs of earlier launches that wait or run and have cells that are wanted.

    Attributes:
        folders: from a job's cells to its folder.
        launches: the names of their launches.
        engines: what they run on.
    """

    folders: dict[tuple[Cell, ...], Path]
    launches: tuple[str, ...]
    engines: tuple[str, ...]

    @property
    def cells(self) -> set[str]:
        """The ids of all their cells."""
        return {cell_id(cell) for cells in self.folders for cell in cells}

    def without(self, todo: Iterable[Standing]) -> tuple[Standing, ...]:
        """The cells that are in none of these jobs."""
        own = self.cells
        return tuple(cell for cell in todo if cell.id not in own)

    @property
    def words(self) -> str:
        """What holds them, for a line."""
        return f"{', '.join(self.engines)} (launch {', '.join(self.launches)})"


NO_JOBS = Earlier({}, (), ())


def earlier_jobs(launched: Sequence[Launched], wanted: Collection[str]) -> Earlier:
    """The jobs that have not ended and have one of the cells whose ids are ``wanted``.

    Raises:
        RecordError: the file of such a job cannot be read; says how to be rid of the job.
    """
    folders: dict[tuple[Cell, ...], Path] = {}
    launches: dict[str, str] = {}
    for each in launched:
        for job, _ in each.live:
            if not set(job.cells).isdisjoint(wanted):
                folders[_cells_of(job, each.launch)] = job.folder
                launches[each.launch.id] = each.launch.engine
    return Earlier(folders, tuple(launches), tuple(dict.fromkeys(launches.values())))


def _cells_of(job: LaunchedJob, launch: Launch) -> tuple[Cell, ...]:
    """The cells of a job that an engine still has.

    Raises:
        RecordError: its folder is damaged or was taken away; says how to be rid of the job.
    """
    try:
        return read_job(job.folder / JOB_FILE).cell_values()
    except RecordError as error:
        named = f"{launch.engine} job {job.engine_id}" if job.engine_id else f"{launch.engine} job"
        mend = f"The {named} waits or runs without it: end that, and remove {launch.path}."
        raise RecordError(replace(fault, mend=mend) for fault in error.faults) from None
