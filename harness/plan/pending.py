"""Where each cell stands: done, failed, or pending and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.backbone.spec import backbone_spec, weights_digest
from harness.data.catalog import DATASETS, whats_missing
from harness.errors import BackboneError, Fault
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.store.record import SCHEMA_VERSION, RunRecord
from harness.store.records import Scan, record_path


@dataclass(frozen=True, slots=True)
class Today:
    """What records are held against.

    Attributes:
        splits: from data set to the digest of its split, where that is known without reading it.
        weights: from backbone to the digest of its weights, where they are on disk.
        missing: what is not on disk, each with the way to get it.
    """

    splits: Mapping[str, str]
    weights: Mapping[str, str]
    missing: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """One cell and its state: ``done``, ``failed`` or ``pending``; ``why`` says what a pending record lacks."""

    cell: Cell
    id: str
    state: str
    why: str = ""
    record: RunRecord | None = None


def look_at_today(cells: Iterable[Cell], data: Path | None) -> Today:
    """The digests of today's splits and weights, and what the cells need that is not on disk."""
    kept = tuple(cells)
    lacking: dict[str, list[str]] = {}  # what many data sets lack alike is said once
    for name in dict.fromkeys(cell.dataset for cell in kept):
        what = whats_missing(DATASETS[name], data) if name in DATASETS else "not known to this version"
        if what is not None:
            lacking.setdefault(what, []).append(name)
    faults = [Fault(f"data set {', '.join(names)}", f"{what}.") for what, names in lacking.items()]
    weights: dict[str, str] = {}
    for name in dict.fromkeys(cell.backbone for cell in kept):
        try:
            weights[name] = weights_digest(backbone_spec(name))
        except BackboneError as error:
            faults += [Fault(f"backbone {fault.where}", fault.what, fault.mend) for fault in error.faults]
    splits = {name: row.split_digest for name, row in DATASETS.items() if row.split_digest is not None}
    return Today(splits, weights, tuple(faults))


def standings(cells: Sequence[Cell], scan: Scan, results: Path, today: Today) -> tuple[Standing, ...]:
    """The state of every cell, in the order of the cells."""
    return tuple(_standing(cell, cell_id(cell), scan, results, today) for cell in cells)


def _standing(cell: Cell, identifier: str, scan: Scan, results: Path, today: Today) -> Standing:
    if record_path(results, identifier) in scan.broken:
        return Standing(cell, identifier, "pending", "its record is not whole")
    if identifier in scan.other_schemas:
        version = scan.other_schemas[identifier]
        return Standing(cell, identifier, "pending", f"stale: schema {version}, today's is {SCHEMA_VERSION}")
    record = scan.records.get(identifier)
    if record is None:
        return Standing(cell, identifier, "pending")
    why = _stale(record, cell, today)
    if why:
        return Standing(cell, identifier, "pending", f"stale: {why}", record)
    return Standing(cell, identifier, record.status, record.reason or "", record)


def _stale(record: RunRecord, cell: Cell, today: Today) -> str:
    """Why a record no longer counts; empty when it does, also where today's digest is not known."""
    if record.provenance is None:
        return ""
    made_from = (
        ("split", record.provenance.split_digest, today.splits.get(cell.dataset)),
        ("weights", record.provenance.weights_digest, today.weights.get(cell.backbone)),
    )
    changed = [
        f"other {what} ({then[:8]}, today {now[:8]})" for what, then, now in made_from if now not in (None, then)
    ]
    return ", ".join(changed)
