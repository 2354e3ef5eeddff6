"""What every cell of a job needs, and what a fit was made from."""

from dataclasses import dataclass, field

from harness.matrix.cell import Cell
from harness.mirror.process import Mirror
from harness.plan.job import Job
from harness.store.claims import Claimant
from harness.worker.known import Known
from harness.worker.ledger import Ledger
from harness.worker.materials import Draw, Materials
from harness.worker.telling import Tell


@dataclass(frozen=True, slots=True)
class Desk:
    """What every cell of a job needs: where records go, who is told, and the facts that all records share.

    ``left`` gets the cells that memory did not hold, and that a smaller job may do.
    """

    job: Job
    known: Known
    mirror: Mirror
    tell: Tell
    git: tuple[str | None, bool | None]
    packages: dict[str, str]
    claims: Claimant
    ledger: Ledger
    left: list[Cell] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Source:
    """What a fit was made from."""

    materials: Materials
    draw: Draw | None
