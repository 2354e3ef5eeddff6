"""What comes of a cell, kept: one record each, told to the tracker and to whoever watches."""

import traceback
from typing import Any

from harness.errors import HarnessError
from harness.machine_faults import is_machine_fault, is_out_of_memory
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.methods.method import Fit
from harness.store.record import RunRecord, failed_record
from harness.store.records import write_record
from harness.worker.desk import Desk, Source
from harness.worker.materials import Materials
from harness.worker.record import evaluated


def keep_fit(desk: Desk, source: Source, target: Materials, cell: Cell, fit: Fit, fit_s: float) -> None:
    """Evaluate a fit on the test images of ``target`` and write the cell's record; a failure is recorded, too.

    Raises:
        NotWrittenError: the record cannot be written.
    """
    try:
        record, files = evaluated(desk, source, target, cell, fit, fit_s)
    except Exception as error:  # one cell's failure is its own record
        traceback.print_exception(error)
        keep_failure(desk, cell, error)
    else:
        _keep(desk, record, *files)


def keep_failure(desk: Desk, cell: Cell, error: Exception) -> None:
    """Write a failed record with the reason.

    A cell that memory did not hold is left to a smaller job, unless this one has no other cells. A fault of the
    machine says nothing about the cell, and ends the job.

    Raises:
        NotWrittenError: the record cannot be written.
        Exception: ``error``, when it is the machine's.
    """
    if is_machine_fault(error):
        raise error
    reason = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
    if is_out_of_memory(error) and len(desk.job.cells) > 1:
        desk.left.append(cell)
        desk.tell(event="left", cell=cell_id(cell), reason=reason)
        return
    _keep(desk, failed_record(cell, reason))


def _keep(desk: Desk, record: RunRecord, *files: Any) -> None:
    """Write a record, show it, and let go of the cell.

    After a long silence another worker may have taken the cell over, and the record is that one's to write.
    """
    if not desk.claims.holds(record.cell_id):
        holder = desk.claims.holder(record.cell_id)
        desk.tell(event="held", cell=record.cell_id, by=str(holder or "another worker"))
        return
    write_record(desk.job.results, record, *files)
    desk.claims.release(record.cell_id)
    desk.mirror.show(record.cell_id)
    if record.status == "failed":
        desk.tell(event="failed", cell=record.cell_id, reason=record.reason)
    else:
        seconds = record.timings["total_s"]
        desk.tell(event="done", cell=record.cell_id, accuracy=record.accuracy, seconds=seconds)
