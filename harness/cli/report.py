"""``harness report``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.cli import console
from harness.cli.vocabulary import known_names
from harness.data.dataset import data_root
from harness.data.own import catalog_with
from harness.errors import Fault, RecordError
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix, read_matrix
from harness.matrix.source import DatasetSource
from harness.plan.pending import Standing, look_at_today, standings
from harness.report.ahead import drawing_ahead
from harness.report.build import MOST_DETAILED, build_report, write_report
from harness.report.entry import Entry, Words
from harness.report.terminal import summary
from harness.report.words import words_of
from harness.store.manifest import Manifest, read_manifests
from harness.store.records import read_records, record_path

WORDS_SUFFIX = ".words.json"
_AT_ONCE = 500  # records that are in memory with everything that they hold


def report_command(matrix: Path | None, results: Path, out: Path | None) -> int:
    """Write tables and figures of one matrix, or of all that were run, and print a summary.

    Raises:
        RecordError: there is not a single record to report.
    """
    matrices = _matrices(matrix, results)
    made = []
    with drawing_ahead() as ahead:
        for each, root in matrices:
            known = _look(each, results, root)
            report = build_report(each.name, known.entries)
            made.append((report, known, ahead.draw(report.all_figures)))
        if not any(known.has_records for _, known, _ in made):
            what = "holds no records to report."
            raise RecordError(
                Fault(str(results), what, "Run `harness run --matrix FILE` first, or name another --results.")
            )
        for report, known, drawn in made:
            for path, reason in known.broken.items():
                console.note(f"{path} {reason}; it is left out", style="yellow")
            folder = _folder(report.name, results, out, several=matrix is None)
            written = write_report(report, folder, drawn)
            for block in summary(report):
                console.out().print(block)
            console.say(f"{report.name}: {len(written)} files in {folder}")
    return 0


def _matrices(matrix: Path | None, results: Path) -> list[tuple[Matrix | Manifest, Path | None]]:
    """Every matrix to report and its data root."""
    if matrix is not None:
        one = read_matrix(matrix, known_names())
        return [(one, data_root(None, one.data))]
    return [(each, data_root(None, None)) for each in read_manifests(results)]


@dataclass(slots=True)
class _Known:
    """What is known of a matrix: its cells, files that are not whole records, and whether there is any record."""

    entries: list[Entry] = field(default_factory=list)
    broken: dict[Path, str] = field(default_factory=dict)
    has_records: bool = False


def _look(of: Matrix | Manifest, results: Path, root: Path | None) -> _Known:
    """Every cell with its record.

    Records are read some at a time. Of very many, what stands in them by class and epoch is let go at once: the
    report does not show it, and memory would not hold it.
    """
    today = look_at_today(of.cells, catalog_with(of.sources), root, of.weights, results)
    entry_of = _maker(of.cells, of.sources, results)
    is_detailed = len(of.cells) <= MOST_DETAILED
    known = _Known()
    for start in range(0, len(of.cells), _AT_ONCE):
        cells = of.cells[start : start + _AT_ONCE]
        scan = read_records(results, map(cell_id, cells))
        known.broken |= scan.broken
        for standing in standings(cells, scan, results, today):
            known.has_records = known.has_records or standing.record is not None
            entry = entry_of(standing)
            known.entries.append(entry if is_detailed else _without_details(entry))
    return known


def report_entries(cells: Sequence[Standing], sources: Sequence[DatasetSource], results: Path) -> list[Entry]:
    """Cells whose records are at hand, as the report takes them."""
    return [*map(_maker([standing.cell for standing in cells], sources, results), cells)]


def _maker(cells: Sequence[Cell], sources: Sequence[DatasetSource], results: Path) -> Callable[[Standing], Entry]:
    """A function from a cell to its entry: with its record, and with its words where they are printed."""
    likes = {source.name: source.like for source in sources}
    wanted = words_of(cells)

    def make(standing: Standing) -> Entry:
        entry = _entry(standing, results if standing.cell in wanted else None)
        return replace(entry, like=likes.get(standing.cell.dataset))

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
        words = None if results is None else _words(record_path(results, standing.id).with_suffix(WORDS_SUFFIX))
        return Entry(standing.cell, standing.record, None, words)
    if standing.state == "failed":
        return Entry(standing.cell, standing.record, "failed")
    return Entry(standing.cell, None, "stale" if standing.why.startswith("stale") else "missing")


def _words(path: Path) -> Words | None:
    """The nearest words that stand in a file; ``None`` where there is none, which the report then says."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = [tuple((str(each["word"]), float(each["distance"])) for each in row) for row in content["nearest"]]
        shape = tuple(map(int, content["shape"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_whole = len(rows) == math.prod(shape) and bool(shape) and all(rows)
    return Words(shape, tuple(rows)) if is_whole else None
