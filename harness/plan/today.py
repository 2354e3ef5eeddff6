"""What records are held against: the digests of today's data, weights, lists and prompts, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from harness.matrix.weights import WeightsSource
from harness.store.prompts import missing_prompt, prompt_digest

Draw = tuple[str, Shots, int]  # data set, shots, seed


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
    lists: Mapping[Draw, str | None] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)


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


def _look_at_lists(cells: Sequence[Cell], catalog: Catalog, faults: list[Fault]) -> dict[Draw, str | None]:
    """Digests of the lists that stand in the place of draws; ``faults`` gets those that cannot be read."""
    lists: dict[Draw, str | None] = {}
    for draw in dict.fromkeys(draw_key(cell) for cell in cells if cell.shots and cell.dataset in catalog):
        try:
            lists[draw] = list_digest(catalog[draw[0]], *draw[1:])
        except DataError as error:
            faults += error.faults
    return lists


def _look_at_prompts(cells: Sequence[Cell], results: Path, faults: list[Fault]) -> dict[str, str]:
    """Digests of imported contexts; ``faults`` gets those that are not there."""
    prompts: dict[str, str] = {}
    for name in dict.fromkeys(prompt_of(cell) for cell in cells):
        if name is None:
            continue
        digest = prompt_digest(results, name)
        if digest is None:
            faults.append(missing_prompt(results, name))
        else:
            prompts[name] = digest
    return prompts


def draw_key(cell: Cell) -> Draw:
    """By what lists of training images are known: data set, shots and seed."""
    return cell.dataset, cell.shots, cell.seed or 0


def prompt_of(cell: Cell) -> str | None:
    """The imported context that a cell evaluates."""
    name = dict(cell.extras).get("prompt")
    return None if name is None else str(name)
