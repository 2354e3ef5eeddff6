"""Every cell with the words that overview and list have for it: row, place, state and name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.report.numbers.entry import Entry
from harness.report.numbers.rows import group_entries, row_entries
from harness.report.page.logs import Jobs
from harness.report.printing.captions import group_title
from harness.report.printing.labels import labels

STATES = ("done", "running", "failed", "stale", "missing")  # as they stand beside each other in every bar


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry and what it is called.

    Attributes:
        entry: the cell with its record.
        id: of the cell.
        group: title of its group of tables: backbone and precision.
        row: label of the row of tables that it stands in; of two rows the first.
        place: what was trained on, and what is evaluated on where that is something else.
        state: one of ``STATES``.
    """

    entry: Entry
    id: str
    group: str
    row: str
    place: str
    state: str

    @property
    def name(self) -> str:
        """What people read: ``dtd, CoOp (CSC), 16 shots, seed 1``; the page's script says the same."""
        cell = self.entry.cell
        shots = [f"{cell.shots} shot{'' if cell.shots == 1 else 's'}"] if cell.shots else []
        seed = [] if cell.seed is None else [f"seed {cell.seed}"]
        return ", ".join([self.place, self.row, *shots, *seed])


def list_cells(entries: Sequence[Entry], jobs: Jobs) -> tuple[Listed, ...]:
    """The entries in their order, each with its words."""
    identifiers = [cell_id(entry.cell) for entry in entries]
    rows = _rows(entries)
    return tuple(
        Listed(entry, identifier, *rows[entry.cell], _place(entry.cell),
               _state(entry, identifier, jobs))
        for entry, identifier in zip(entries, identifiers, strict=True)
    )  # fmt: skip


def _rows(entries: Sequence[Entry]) -> dict[Cell, tuple[str, str]]:
    """From cell to the title of its group and the label of its row."""
    found: dict[Cell, tuple[str, str]] = {}
    for group, members in group_entries(entries).items():
        rows = row_entries(members)
        words = labels(list(rows))
        for row, own in rows.items():
            for entry in own:
                found.setdefault(entry.cell, (group_title(group), words[row]))
    return found


def _place(cell: Cell) -> str:
    trained = cell.dataset if cell.classes == "all" else f"{cell.dataset} ({cell.classes})"
    return trained if cell.evaluate_on is None else f"{trained} → {cell.evaluate_on}"


def _state(entry: Entry, identifier: str, jobs: Jobs) -> str:
    hole = entry.hole
    if hole in ("missing", "stale") and identifier in jobs.epochs:
        return "running"
    return hole or "done"
