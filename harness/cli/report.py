"""``harness report``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.cli import console
from harness.cli.job_logs import read_jobs
from harness.cli.situation import catalog_of
from harness.cli.vocabulary import known_names
from harness.data.dataset import data_root
from harness.errors import Fault, RecordError
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix, read_matrix
from harness.matrix.source import DatasetSource
from harness.plan.pending import Standing, standings
from harness.plan.today import look_at_today
from harness.report.build import MOST_DETAILED, build_report
from harness.report.figures.ahead import drawing_ahead
from harness.report.numbers.entry import Entry, Gap
from harness.report.page.document import PAGE_FILE, page_content, page_html
from harness.report.page.logs import Jobs
from harness.report.published.tally import Tally
from harness.report.report import Report
from harness.report.sections.evidence import Choices
from harness.report.sections.words import words_of
from harness.report.terminal import summary
from harness.report.write import write_file, write_report
from harness.store.manifest import Manifest, read_manifests
from harness.store.record import RunRecord
from harness.store.records import read_records
from harness.store.words import Words, read_words

_MOST_REASONS = 8
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


def report_command(matrix: Path | None, results: Path, out: Path | None, choices: Choices | None = None) -> int:
    """Write tables, figures and the page of one matrix, or of all that were run, and print a summary.

    Raises:
        HarnessError: the matrix cannot be used, or there is not a single record to report.
    """
    matrices = look_at_matrices(matrix, results)
    made = []
    with drawing_ahead() as ahead:
        for each in matrices:
            known = entries_of(each, results)
            report = build_report(each.name, known.entries, choices)
            drawn = ahead.draw(report.all_figures)
            is_paged = known.has_records and has_page(known.entries)
            made.append((report, known, drawn, _page(report, known.entries, results) if is_paged else None))
        if not any(known.has_records for _, known, *_ in made):
            what = "holds no records to report."
            raise RecordError(
                Fault(str(results), what, "Run `harness run --matrix FILE` first, or name another --results.")
            )
        for report, known, drawn, page in made:
            for path, reason in known.broken.items():
                console.note(f"{path} {reason}; it is left out", style="yellow")
            folder = _folder(report.name, results, out, several=matrix is None)
            written = write_report(report, folder, drawn)
            said = _write_page(folder / PAGE_FILE, page)
            for block in summary(report):
                console.out().print(block)
            for tally in report.tallies:
                _say(report.name, tally, explains=tally.comparable > 0 or len(report.tallies) == 1)
            console.say(f"{report.name}: {len(written) + (page is not None)} files in {folder}; {said}")
    return 0


def _page(report: Report, entries: Sequence[Entry], results: Path) -> str:
    return page_html(page_content(report, entries, jobs_of(report.name, entries, results)))


def _write_page(path: Path, page: str | None) -> str:
    """Write the page, or take away that of an earlier report where there is none; what is said of it."""
    if page is None:
        path.unlink(missing_ok=True)
        return f"no page, which shows {MOST_DETAILED:,} cells at most"
    write_file(path, page.encode())
    return f"{path} opens in a browser"


def _say(matrix: str, tally: Tally, *, explains: bool) -> None:
    """Print how many numbers compare how, and why the others cannot."""
    console.say(f"{matrix} against {tally}")
    reasons = list(tally.reasons.items()) if explains else []
    for reason, count in reasons[:_MOST_REASONS]:
        console.say(f"  {count} not comparable: {reason}")
    if len(reasons) > _MOST_REASONS:
        console.say(f"  and {len(reasons) - _MOST_REASONS} other reasons; the table has them all")


def look_at_matrices(matrix: Path | None, results: Path) -> list[Look]:
    """Every matrix to report: the one of a file, or all that were run.

    Raises:
        MatrixError: the file cannot be used.
    """
    if matrix is not None:
        one = read_matrix(matrix, known_names())
        return [Look(one, data_root(None, one.data))]
    return [Look(each, data_root(None, None)) for each in read_manifests(results)]


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


def _folder(name: str, results: Path, out: Path | None, several: bool) -> Path:
    """Where the files go; with ``--out`` and several matrices, a folder each."""
    if out is None:
        return results / name / "report"
    return out / name if several else out


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
