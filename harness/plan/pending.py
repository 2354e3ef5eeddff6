"""Where each cell stands: done, failed, or pending and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.plan.today import Today, draw_key, prompt_of
from harness.store.facts import MadeFrom
from harness.store.record import SCHEMA_VERSION, RunRecord
from harness.store.records import Scan, records_folder


@dataclass(frozen=True, slots=True)
class Standing:
    """One cell and its state: ``done``, ``failed`` or ``pending``; ``why`` says what a pending record lacks.

    ``record`` is ``None`` where there is none, and after a survey, which reads none.
    """

    cell: Cell
    id: str
    state: str
    why: str = ""
    record: RunRecord | None = None

    def is_over(self, again: Mapping[str, str]) -> bool:
        """Whether the cell has its record.

        A failure that is to be tried again is none: ``again`` is from cell id to the time of such a failure. That
        of a later time is.
        """
        if self.state == "failed" and self.record is not None:
            return again.get(self.id) != self.record.created_at
        return self.state == "done"


def standings(
    cells: Sequence[Cell], scan: Scan, results: Path, today: Today, identifiers: Sequence[str] | None = None
) -> tuple[Standing, ...]:
    """The state of every cell, in the order of the cells; ``identifiers`` are theirs, where they are known."""
    names = [cell_id(cell) for cell in cells] if identifiers is None else identifiers
    broken = {path.stem for path in scan.broken if path.parent == records_folder(results)}
    return tuple(_standing(cell, name, scan, broken, today) for cell, name in zip(cells, names, strict=True))


def _standing(cell: Cell, identifier: str, scan: Scan, broken: Set[str], today: Today) -> Standing:
    if identifier in broken:
        return Standing(cell, identifier, "pending", "its record is not whole")
    if identifier in scan.other_schemas:
        version = scan.other_schemas[identifier]
        return Standing(cell, identifier, "pending", f"stale: schema {version}, today's is {SCHEMA_VERSION}")
    facts, record = scan.facts.get(identifier), scan.records.get(identifier)
    if facts is None:
        return Standing(cell, identifier, "pending")
    why = _stale(facts.made_from, cell, today)
    if why:
        return Standing(cell, identifier, "pending", f"stale: {why}", record)
    return Standing(cell, identifier, facts.status, facts.reason or "", record)


def _stale(made_from: MadeFrom | None, cell: Cell, today: Today) -> str:
    """Why a record no longer counts; empty when it does, also where today's digest is not known."""
    if made_from is None:
        return ""
    changed = [
        f"other {what} ({then[:8]}, today {now[:8]})"
        for what, then, now in (
            ("split", made_from.split_digest, today.splits.get(cell.dataset)),
            ("target split", made_from.target_digest, today.splits.get(cell.target()[0])),
            ("weights", made_from.weights_digest, today.weights.get(cell.backbone)),
            ("prompt", made_from.prompt_digest, today.prompts.get(prompt_of(cell) or "")),
        )
        if then is not None and now not in (None, then)
    ]
    then_list = made_from.list_digest
    now_list = today.lists.get(draw_key(cell), then_list)
    if then_list != now_list:
        spelled = (digest[:8] if digest else "none" for digest in (then_list, now_list))
        changed.append("other list of images ({}, today {})".format(*spelled))
    version = today.versions.get(cell.method, made_from.method_version)
    if version != made_from.method_version:
        changed.append(f"other version of {cell.method} ({made_from.method_version}, today {version})")
    return ", ".join(changed)
