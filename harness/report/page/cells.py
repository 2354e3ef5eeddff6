"""Every cell with what its record holds, packed: what the list of cells and a cell's drawer show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.files import canonical_json
from harness.matrix.template import readable
from harness.report.numbers.entry import Entry
from harness.report.page.listed import Listed
from harness.report.page.logs import Jobs
from harness.report.page.pack import column, steps, whole_numbers
from harness.store.record import EpochRow, RunRecord
from harness.store.words import Words

LOSS_STEPS = 10_000  # a loss is kept to four decimals
ACCURACY_STEPS = 1000  # a training accuracy to a tenth of a percent
DISTANCE_STEPS = 10_000
MOST_VECTORS = 2000  # of class-specific contexts with more, the words stand in the CSV file alone
DETAILS = ("class words", "counts", "history")  # what is left out of a page that grows too large, in this order


def pack_cells(cells: Sequence[Listed], jobs: Jobs, without: Iterable[str] = ()) -> dict[str, Any]:
    """The cells as columns, in their order, and their details.

    ``without`` names the ``DETAILS`` that are left out; the page then says so.
    """
    left_out = set(without)
    entries = [cell.entry for cell in cells]
    identifiers = [cell.id for cell in cells]
    records = [entry.record for entry in entries]
    counts = [] if "counts" in left_out else records
    return {
        "id": identifiers,
        "group": column([cell.group for cell in cells]),
        "row": column([cell.row for cell in cells]),
        "state": column([cell.state for cell in cells]),
        "place": column([cell.place for cell in cells]),
        "why": column([_why(entry) for entry in entries]),
        "at": column([jobs.epochs.get(identifier) for identifier in identifiers]),
        "config": _columns([_config(entry) for entry in entries]),
        "right": [record.n_correct if record else None for record in records],
        "test": column([record.n_test if record else None for record in records]),
        "macro_f1": [_rounded(record.macro_f1, 5) if record else None for record in records],
        "fewer": column([list(record.fewer_shots) if record else [] for record in records]),
        "trained_by": column([record.trained_by if record else None for record in records]),
        "made": _columns([_made(record) for record in records]),
        "seconds": _columns([dict(record.timings) if record else {} for record in records], digits=4),
        "details": _columns([_flat(record.details) if record else {} for record in records]),
        "history": {} if "history" in left_out else _histories(records),
        "classes": _class_spaces(counts),
        "counts": _counts(counts),
        "words": _all_words(entries, 0 if "class words" in left_out else MOST_VECTORS),
        "job": column([jobs.of_cell.get(identifier) for identifier in identifiers]),
        "trace": column([jobs.traces.get(identifier) for identifier in identifiers]),
        "without": sorted(left_out),
    }


def least_bytes(entries: Iterable[Entry], details: Iterable[str]) -> int:
    """What histories and counts take at the very least, a letter a number, where ``details`` has them."""
    wanted = set(details)
    records = [entry.record for entry in entries if entry.record is not None]
    histories = sum(2 * len(record.history) for record in records) if "history" in wanted else 0
    return histories + (sum(2 * len(record.per_class) for record in records) if "counts" in wanted else 0)


def _why(entry: Entry) -> str:
    """Why a cell has no number, where that is known."""
    if entry.record is not None and entry.record.reason:
        return entry.record.reason
    return entry.why


def _config(entry: Entry) -> dict[str, Any]:
    """Every choice of a cell, the recipe's numbers by their own names."""
    flat = entry.cell.to_dict()
    recipe = flat.pop("recipe") or {}
    if flat["template"] is not None:
        flat["template"] = readable(flat["template"])
    flat |= {f"recipe.{name}": value for name, value in recipe.items()}
    return flat


def _made(record: RunRecord | None) -> dict[str, Any]:
    """Provenance, the versions of packages by their own names."""
    if record is None:
        return {}
    made: dict[str, Any] = {"created_at": record.created_at}
    if record.provenance is not None:
        made |= _flat(record.provenance.model_dump(mode="json"))
    if record.context is not None:
        made |= {"context_file": record.context.file, "context_shape": list(record.context.shape)}
    if record.logits is not None:
        made |= {"logits_file": record.logits.file}
    return made


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """One level of names: ``packages.torch``; what is neither number nor word is spelled as JSON."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{key}": inner for key, inner in _flat(value).items()}
        elif isinstance(value, str | bool | int) or value is None:
            found[name] = value
        elif isinstance(value, float):
            found[name] = value if math.isfinite(value) else str(value)
        elif value:
            found[name] = canonical_json(value)
    return found


def _columns(rows: Sequence[Mapping[str, Any]], digits: int | None = None) -> dict[str, dict[str, Any]]:
    """A column for each name that any row has a value for, in order of appearance; ``None`` where it has none."""
    names = dict.fromkeys(name for row in rows for name in row)
    names = {name: None for name in names if any(row.get(name) is not None for row in rows)}
    return {name: column([_rounded(row.get(name), digits) for row in rows]) for name in names}


def _rounded(value: Any, digits: int | None) -> Any:
    return value if digits is None or not isinstance(value, float) else round(value, digits)


def _histories(records: Sequence[RunRecord | None]) -> dict[int, list[str]]:
    """From the place of a cell to its losses and training accuracies, epoch by epoch; without learning rates."""
    return {place: _history(record.history) for place, record in enumerate(records) if record and record.history}


def _history(history: Sequence[EpochRow]) -> list[str]:
    rows = [row for row in history if math.isfinite(row.loss) and math.isfinite(row.train_accuracy)]
    return [
        steps(row.epoch for row in rows) if [row.epoch for row in rows] != list(range(1, len(rows) + 1)) else "",
        steps(round(row.loss * LOSS_STEPS) for row in rows),
        steps(round(row.train_accuracy * ACCURACY_STEPS) for row in rows),
    ]


def _space(record: RunRecord) -> tuple[tuple[str, int], ...]:
    return tuple((row.name, row.n_test) for row in record.per_class)


def _class_spaces(records: Sequence[RunRecord | None]) -> list[dict[str, Any]]:
    """The classes of every set of test images, with the number of their images, each once."""
    spaces = dict.fromkeys(_space(record) for record in records if record and record.per_class)
    return [
        {"name": [name for name, _ in space], "test": whole_numbers(count for _, count in space)}
        for space in spaces
    ]


def _counts(records: Sequence[RunRecord | None]) -> dict[int, list[Any]]:
    """From the place of a cell to that of its classes, and its counts of right and of all predictions of each."""
    known: dict[tuple[tuple[str, int], ...], int] = {}
    found: dict[int, list[Any]] = {}
    for place, record in enumerate(records):
        if record and record.per_class:
            space = known.setdefault(_space(record), len(known))
            right = whole_numbers(row.n_correct for row in record.per_class)
            found[place] = [space, right, whole_numbers(row.n_predicted for row in record.per_class)]
    return found


def _all_words(entries: Sequence[Entry], most_vectors: int) -> dict[int, dict[str, Any]]:
    """From the place of a cell to the words nearest to what it learned."""
    found = {}
    for place, entry in enumerate(entries):
        if entry.words is not None and not entry.hole:
            found[place] = _words(entry.words, most_vectors)
    return found


def _words(words: Words, most_vectors: int) -> dict[str, Any]:
    """All that are known of a shared context; the nearest of class-specific ones, none where they are too many."""
    kept: Iterable[Sequence[tuple[str, float]]] = words.nearest
    if len(words.shape) > 1:
        kept = [row[:1] for row in words.nearest] if len(words.nearest) <= most_vectors else []
    rows = list(kept)
    return {
        "shape": list(words.shape),
        "word": [[word for word, _ in row] for row in rows],
        "distance": [whole_numbers(round(distance * DISTANCE_STEPS) for _, distance in row) for row in rows],
    }
