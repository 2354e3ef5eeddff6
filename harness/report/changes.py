"""What changed between two results folders: cells, numbers and what they were made from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id, display_names
from harness.report.numbers.entry import Entry
from harness.report.numbers.rows import group_entries, row_entries
from harness.report.printing.labels import labels
from harness.report.stats.exact import mean_of
from harness.report.stats.significance import ALPHA, NORMAL, Interval, holm, sign_flip_p, smallest_p, t_interval
from harness.store.record import RunRecord

Kind = Literal[
    "same", "changed", "other test images", "only in A", "only in B", "failed in A", "failed in B", "failed"
]
NUMBERS: tuple[Kind, ...] = ("same", "changed")
_LEFT_OUT = ("seeds", "platform")  # seeds follow from the cell; hosts differ wherever folders do


@dataclass(frozen=True, slots=True)
class Change:
    """One cell in two folders.

    Attributes:
        name: what differs among the cells.
        was: right answers and test images in A; ``None`` where there is no number.
        now: the same in B.
        kind: what happened; a cell that failed in one folder and is missing from the other is only in one.
    """

    id: str
    name: str
    cell: Cell
    was: tuple[int, int] | None
    now: tuple[int, int] | None
    kind: Kind

    @property
    def difference(self) -> Fraction | None:
        """B minus A where both are over as many test images, a fraction."""
        if self.kind not in NUMBERS or self.was is None or self.now is None:
            return None
        return Fraction(self.now[0] - self.was[0], self.was[1])


@dataclass(frozen=True, slots=True)
class Shift:
    """How the numbers of one method moved.

    Attributes:
        label: backbone and row; ``all`` for everything.
        n: cells with a number in both folders.
        n_changed: those whose numbers differ.
        mean: B minus A over the ``n`` cells, a fraction.
        interval: of that mean.
        p: of the sign-flip test over the ``n`` cells, corrected for the methods; ``None`` where so few cells
            could not be significant whatever they were.
    """

    label: str
    n: int
    n_changed: int
    mean: Fraction
    interval: Interval | None
    p: float | None


@dataclass(frozen=True, slots=True)
class OtherOrigin:
    """One field of provenance that differs, and in how many cells."""

    field: str
    was: str
    now: str
    n_cells: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that differs between folders A and B."""

    cells: tuple[Change, ...]
    shifts: tuple[Shift, ...]
    origins: tuple[OtherOrigin, ...]

    def of_kind(self, *kinds: Kind) -> list[Change]:
        """The cells of these kinds."""
        return [each for each in self.cells if each.kind in kinds]

    @property
    def same(self) -> bool:
        """Whether every cell stands in both folders with the same number."""
        return all(each.kind in ("same", "failed") for each in self.cells)


def changes(cells: Sequence[Cell], was: Mapping[str, RunRecord], now: Mapping[str, RunRecord]) -> Changes:
    """What differs for ``cells``; a cell that neither folder has a record of is left out."""
    names = display_names(cells)
    found = [
        _change(cell, identifier, names[identifier], was.get(identifier), now.get(identifier))
        for cell in cells
        if (identifier := cell_id(cell)) in was or identifier in now
    ]
    return Changes(tuple(found), tuple(_shifts(found)), tuple(_origins(found, was, now)))


def _change(cell: Cell, identifier: str, name: str, was: RunRecord | None, now: RunRecord | None) -> Change:
    before, after = _counts(was), _counts(now)
    kind: Kind
    if was is None or now is None:
        kind = "only in A" if now is None else "only in B"
    elif before is None or after is None:
        kind = "failed" if before == after else "failed in A" if before is None else "failed in B"
    elif before[1] != after[1]:
        kind = "other test images"
    else:
        # Counts of classes may differ while their sum does not.
        kind = "same" if was.per_class == now.per_class else "changed"
    return Change(identifier, name, cell, before, after, kind)


def _counts(record: RunRecord | None) -> tuple[int, int] | None:
    if record is None or record.n_correct is None or not record.n_test:
        return None
    return record.n_correct, record.n_test


def _shifts(found: Sequence[Change]) -> Iterable[Shift]:
    """One shift a row of each group, then one over everything where there are several."""
    known = {each.cell: each for each in found if each.difference is not None}
    parts: dict[str, list[Change]] = {}
    groups = group_entries(Entry(cell) for cell in known)
    for group, entries in groups.items():
        rows = row_entries(entries)
        words = labels(list(rows))
        for row, members in rows.items():
            place = f"{group.backbone}, " if len(groups) > 1 else ""
            parts.setdefault(f"{place}{words[row]}", []).extend(known[entry.cell] for entry in members)
    ps = {label: _p(found_here, len(parts)) for label, found_here in parts.items()}
    tested = [label for label, p in ps.items() if p is not None]
    corrected = dict(zip(tested, holm([ps[label] or 0.0 for label in tested]), strict=True))
    for label, found_here in parts.items():
        yield _shift(label, found_here, corrected.get(label))
    if len(parts) > 1:
        everything = list(known.values())
        yield _shift("all", everything, _p(everything, 1))


def _shift(label: str, members: Sequence[Change], p: float | None) -> Shift:
    differences = [each.difference for each in members if each.difference is not None]
    scores = np.array([[float(each)] for each in differences])
    n_changed = sum(each.kind == "changed" for each in members)
    return Shift(label, len(differences), n_changed, mean_of(differences), t_interval(scores), p)


def _p(members: Sequence[Change], n_tests: int) -> float | None:
    """The p of the cells of one method; ``None`` where it could not be small enough."""
    differences = [float(each.difference) for each in members if each.difference is not None]
    return sign_flip_p(differences) if n_tests * smallest_p(len(differences)) <= ALPHA else None


def _origins(
    found: Sequence[Change], was: Mapping[str, RunRecord], now: Mapping[str, RunRecord]
) -> Iterable[OtherOrigin]:
    """Fields of provenance that differ among the cells that both folders have, by field and values."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for each in found:
        if each.id in was and each.id in now:
            before, after = _flat(was[each.id]), _flat(now[each.id])
            for field in sorted({*before, *after}):
                if before.get(field, "") != after.get(field, ""):
                    counts[field, before.get(field, ""), after.get(field, "")] += 1
    for (field, before_value, after_value), n_cells in sorted(counts.items()):
        yield OtherOrigin(field, before_value, after_value, n_cells)


def _flat(record: RunRecord) -> dict[str, str]:
    """The provenance as words; ``trained_by`` and dates are none of it."""
    if record.provenance is None:
        return {}
    content: dict[str, Any] = record.provenance.model_dump(mode="json")
    packages = {f"package {name}": version for name, version in content.pop("packages").items()}
    packages |= {f"plug-in {name}": digest for name, digest in content.pop("plugins", {}).items()}
    plain = {name: value for name, value in content.items() if name not in _LEFT_OUT}
    return {name: "none" if value is None else str(value) for name, value in (plain | packages).items()}


def noticeable(change: Change, share: float) -> bool:
    """Whether a number moved by more than images that tip explain, if ``share`` of them may, either way alike."""
    if change.difference is None or change.was is None:
        return False
    return abs(float(change.difference)) > NORMAL * math.sqrt(share / change.was[1])
