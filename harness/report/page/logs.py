"""What is known of the jobs that cells ran in, as values; whoever knows where job folders lie reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class JobLog:
    """The end of what one worker told and printed.

    Attributes:
        job: name of the job's folder.
        tail: its last lines; empty when it printed nothing.
        is_cut: whether more stands before them.
    """

    job: str
    tail: str
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of a matrix.

    Attributes:
        logs: of every job that a cell ran in.
        of_cell: from cell id to the place in ``logs`` of the last job that the cell ran in.
        traces: from the id of a failed cell to the traceback that its worker printed.
        epochs: from the id of a cell that has begun and not ended to the epochs behind it and all of them.
    """

    logs: tuple[JobLog, ...] = ()
    of_cell: Mapping[str, int] = field(default_factory=dict)
    traces: Mapping[str, str] = field(default_factory=dict)
    epochs: Mapping[str, tuple[int, int]] = field(default_factory=dict)
