"""Where each cell stands: done, failed, or pending and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from harness.backbone.spec import backbone_spec
from harness.backbone.weights import weights_digest
from harness.data.catalog import DATASETS, Catalog
from harness.data.dataset import NO_ROOT, Size, known_size, read_split, whats_missing
from harness.data.draw import list_digest
from harness.errors import BackboneError, DataError, Fault
from harness.matrix.cell import Cell, Shots
from harness.matrix.identity import cell_id
from harness.matrix.weights import WeightsSource
from harness.store.facts import MadeFrom
from harness.store.prompts import missing_prompt, prompt_digest
from harness.store.record import SCHEMA_VERSION, RunRecord
from harness.store.records import Scan, records_folder

_Draw = tuple[str, Shots, int]  # data set, shots, seed


@dataclass(frozen=True, slots=True)
class Today:
    """What records are held against.

    Attributes:
        splits: from data set to the digest of its split, where that is known without reading it.
        weights: from backbone to the digest of its weights, where they are on disk.
        missing: what is not on disk, each with the way to get it.
        sizes: from data set to its size, where that is known.
        lists: from data set, shots and seed to the digest of the list of training images, ``None`` where they
            are drawn; without an entry where the list cannot be read.
        prompts: from name to the digest of an imported context, where it is on disk.
        versions: of the methods that plug-ins bring along.
    """

    splits: Mapping[str, str]
    weights: Mapping[str, str]
    missing: tuple[Fault, ...]
    sizes: Mapping[str, Size] = field(default_factory=dict)
    lists: Mapping[_Draw, str | None] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)


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


def look_at_today(
    cells: Iterable[Cell],
    catalog: Catalog,
    data: Path | None,
    files: Sequence[WeightsSource] = (),
    results: Path | None = None,
    versions: Mapping[str, int] = MappingProxyType({}),
) -> Today:
    """The digests of today's splits, lists, weights and prompts, and what the cells need that is not on disk."""
    kept = tuple(cells)
    faults: list[Fault] = []
    splits, sizes = _look_at_data(kept, catalog, data, faults)
    lists = _look_at_lists(kept, catalog, faults)
    weights: dict[str, str] = {}
    for name in dict.fromkeys(cell.backbone for cell in kept):
        try:
            weights[name] = weights_digest(backbone_spec(name, files))
        except BackboneError as error:
            faults += [Fault(f"backbone {fault.where}", fault.what, fault.mend) for fault in error.faults]
    prompts = {} if results is None else _look_at_prompts(kept, results, faults)
    return Today(splits, weights, tuple(faults), sizes, lists, prompts, versions)


def _look_at_data(
    cells: Sequence[Cell], catalog: Catalog, data: Path | None, faults: list[Fault]
) -> tuple[dict[str, str], dict[str, Size]]:
    """Digests and sizes of splits, where they are known or quickly read; ``faults`` gets what is missing."""
    lacking: dict[str, list[str]] = {}  # what many data sets lack alike is said once
    splits: dict[str, str] = {}
    sizes: dict[str, Size] = {}
    found: list[Fault] = []
    for name in dict.fromkeys(name for cell in cells for name in (cell.dataset, cell.target()[0])):
        row = catalog.get(name)
        what = "not known to this version" if row is None else whats_missing(row, data)
        if what is not None:
            lacking.setdefault(what, []).append(name)
        if row is None:
            continue
        size = known_size(row)
        if size is not None:
            sizes[name] = size
            splits |= {} if row.split_digest is None else {name: row.split_digest}
        elif what is None:  # of a data set that the matrix brings along only the data can tell
            try:
                split = read_split(row, data)
            except DataError as error:
                found += error.faults
            else:
                splits[name] = split.digest
                sizes[name] = Size(len(split.class_names), len(split.train), len(split.test))
    for what, names in lacking.items():
        mend = "`harness data fetch` gets it." if what != NO_ROOT and names[0] in DATASETS else ""
        faults.append(Fault(f"data set {', '.join(names)}", f"{what}.", mend))
    faults += found
    return splits, sizes


def _look_at_lists(cells: Sequence[Cell], catalog: Catalog, faults: list[Fault]) -> dict[_Draw, str | None]:
    """Digests of the lists that stand in the place of draws; ``faults`` gets those that cannot be read."""
    lists: dict[_Draw, str | None] = {}
    for draw in dict.fromkeys(_draw(cell) for cell in cells if cell.shots and cell.dataset in catalog):
        try:
            lists[draw] = list_digest(catalog[draw[0]], *draw[1:])
        except DataError as error:
            faults += error.faults
    return lists


def _look_at_prompts(cells: Sequence[Cell], results: Path, faults: list[Fault]) -> dict[str, str]:
    """Digests of imported contexts; ``faults`` gets those that are not there."""
    prompts: dict[str, str] = {}
    for name in dict.fromkeys(_prompt(cell) for cell in cells):
        if name is None:
            continue
        digest = prompt_digest(results, name)
        if digest is None:
            faults.append(missing_prompt(results, name))
        else:
            prompts[name] = digest
    return prompts


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


def _draw(cell: Cell) -> _Draw:
    return cell.dataset, cell.shots, cell.seed or 0


def _prompt(cell: Cell) -> str | None:
    """The imported context that a cell evaluates."""
    name = dict(cell.extras).get("prompt")
    return None if name is None else str(name)


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
            ("prompt", made_from.prompt_digest, today.prompts.get(_prompt(cell) or "")),
        )
        if then is not None and now not in (None, then)
    ]
    then_list = made_from.list_digest
    now_list = today.lists.get(_draw(cell), then_list)
    if then_list != now_list:
        spelled = (digest[:8] if digest else "none" for digest in (then_list, now_list))
        changed.append("other list of images ({}, today {})".format(*spelled))
    version = today.versions.get(cell.method, made_from.method_version)
    if version != made_from.method_version:
        changed.append(f"other version of {cell.method} ({made_from.method_version}, today {version})")
    return ", ".join(changed)
