"""The cells of a matrix as a report takes them: each with its record, or with the reason why it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.cli.state.job_logs import read_jobs
from harness.cli.state.situation import catalog_of, what_was_run
from harness.cli.vocabulary import known_names
from harness.data.dataset import data_root
from harness.errors import RecordError
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix, read_matrix
from harness.matrix.source import DatasetSource
from harness.plan.pending import Standing, standings
from harness.plan.today import look_at_today
from harness.report.build import MOST_DETAILED
from harness.report.numbers.entry import Entry, Gap
from harness.report.page.logs import Jobs
from harness.report.sections.words import words_of
from harness.store.manifest import Manifest
from harness.store.record import RunRecord
from harness.store.records import read_records
from harness.store.words import Words, read_words

_AT_ONCE = 500  # records that are in memory with everything that they hold


@dataclass(frozen=True, slots=True)
class Look:
    """A matrix to report, and the data root that it is held against."""

    of: Matrix | Manifest
    root: Path | None

    @property
    def name(self) -> str:
        """Of the matrix."""
        return self.of.name


def look_at_matrices(matrix: Path | None, results: Path) -> list[Look]:
    """Every matrix to report: the one of a file, or all that were run.

    Raises:
        MatrixError: the file cannot be used.
        RecordError: no matrix was run into the results folder.
    """
    if matrix is not None:
        one = read_matrix(matrix, known_names())
        return [Look(one, data_root(None, one.data))]
    return [Look(each, data_root(None, None)) for each in what_was_run(results)]


def has_page(cells: Sequence[object]) -> bool:
    """Whether so many cells fit a page."""
    return len(cells) <= MOST_DETAILED


@dataclass(slots=True)
class Known:
    """What is known of a matrix: its cells, files that are not whole records, and whether there is any record."""

    entries: list[Entry] = field(default_factory=list)
    broken: dict[Path, str] = field(default_factory=dict)
    has_records: bool = False


def entries_of(look: Look, results: Path) -> Known:
    """Every cell with its record, or with the reason why it has none.

    Records are read some at a time. Of very many, what stands in them by class and epoch is let go at once: the
    report does not show it, and memory would not hold it.
    """
    of = look.of
    today = look_at_today(of.cells, catalog_of(of), look.root, of.weights, results, of.versions)
    entry_of = _maker(of.cells, of.sources, of.labels, results)
    is_detailed = len(of.cells) <= MOST_DETAILED
    known = Known()
    for start in range(0, len(of.cells), _AT_ONCE):
        cells = of.cells[start : start + _AT_ONCE]
        scan = read_records(results, map(cell_id, cells))
        known.broken |= scan.broken
        for standing in standings(cells, scan, results, today):
            known.has_records = known.has_records or standing.record is not None
            entry = entry_of(standing)
            known.entries.append(entry if is_detailed else _without_details(entry))
    return known


def jobs_of(name: str, entries: Sequence[Entry], results: Path, *, is_live: bool = False) -> Jobs:
    """The jobs that the cells of a matrix ran in."""
    failed = {
        cell_id(entry.cell): entry.record.reason or ""
        for entry in entries
        if entry.hole == "failed" and entry.record is not None
    }
    return read_jobs(results, name, failed, is_live=is_live)


def report_entries(
    cells: Sequence[Standing], sources: Sequence[DatasetSource], labels: Mapping[str, str], results: Path
) -> list[Entry]:
    """Cells whose records are at hand, as the report takes them; ``labels`` are those of plug-ins' methods."""
    return [*map(_maker([standing.cell for standing in cells], sources, labels, results), cells)]


def _maker(
    cells: Sequence[Cell], sources: Sequence[DatasetSource], labels: Mapping[str, str], results: Path
) -> Callable[[Standing], Entry]:
    """A function from a cell to its entry: with its record, and with its words where they are printed."""
    likes = {source.name: source.like for source in sources}
    wanted = words_of(cells)

    def make(standing: Standing) -> Entry:
        entry = _entry(standing, results if standing.cell in wanted else None)
        cell = standing.cell
        return replace(entry, like=likes.get(cell.dataset), label=labels.get(cell.method, ""))

    return make


def _without_details(entry: Entry) -> Entry:
    """The entry with a record that has its counts and not those of classes and epochs."""
    if entry.record is None:
        return entry
    return replace(entry, record=entry.record.model_copy(update={"per_class": (), "history": ()}))


def _entry(standing: Standing, results: Path | None) -> Entry:
    """The cell with its record, or why it has none that counts; from ``results`` the words of what it learned."""
    if standing.state == "done":
        return Entry(standing.cell, standing.record, None, _words(standing.record, results))
    if standing.state == "failed":
        return Entry(standing.cell, standing.record, "failed")
    gap: Gap = "stale" if standing.why.startswith("stale") else "missing"
    return Entry(standing.cell, None, gap, why=standing.why)


def _words(record: RunRecord | None, results: Path | None) -> Words | None:
    """The nearest words beside a record; ``None`` where none can be read, which the report then says."""
    if record is None or results is None:
        return None
    try:
        return read_words(results, record)
    except RecordError:
        return None
